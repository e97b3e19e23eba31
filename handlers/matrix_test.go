package handlers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"

	"github.com/google/uuid"
)

// The kinds of object that a request may name.
const (
	noObject = iota
	aMonitor
	aCustomer
	aToken
	anOrganization
)

// access is who may do what a line does, in the test's own words: the product's table of rights is what is tested.
type access int

const (
	open access = iota // signed out too
	anybodySignedIn
	readers
	statusSetters
	monitorChangers
	customerChangers
	tokenManagers
	organizationChoosers
	proberReaders
)

// line is one way to use a route.
type line struct {
	who  access
	path int // what :id in the path names
	// query is the parameter that names an object, queryKind which kind.
	query     string
	queryKind int
	// body is a good body; REF in it is replaced by a customer, or by an organization where bodyKind says so.
	body     string
	bodyKind int
	good     int
	// refused is the answer to a body that names what the caller does not see; 0 = 404.
	refused int
	// byToken is the answer to an API token where that is another one; 0 = good.
	byToken int
	// session is true where a good request uses the caller's session up.
	session bool
	// home is true where a session is sent on to the monitors.
	home bool
}

const (
	monitorJSON  = `{"customerId":REF,"name":"New","hostname":"127.0.0.2"}`
	customerJSON = `{"name":"New","email":"new@example.com"}`
	monitorForm  = "customerId=REF&name=New&hostname=127.0.0.2&checkIntervalSeconds=60"
	customerForm = "name=New&email=new%40example.com"
)

// matrix has at least one line for every route.
func matrix() map[string][]line {
	return map[string][]line{
		"GET /healthz":      {{good: 200}},
		"GET /readyz":       {{good: 200}},
		"GET /metrics":      {{good: 200, byToken: 404}}, // open from here, but no user's token is good for it; others' 404 has a test of its own
		"GET /static/:file": {{good: 404}},               // no such file here; what is served is the same for everybody
		"GET /favicon.ico":  {{good: 200}},

		"POST /api/auth/login":   {{good: 400, body: `{}`}},
		"POST /api/auth/logout":  {{who: anybodySignedIn, good: 200, session: true}},
		"GET /api/auth/me":       {{who: anybodySignedIn, good: 200}},
		"GET /api/organizations": {{who: anybodySignedIn, good: 200}},

		"POST /api/icmp-monitors": {{who: monitorChangers, body: monitorJSON, bodyKind: aCustomer, good: 201}},
		"GET /api/icmp-monitors": {
			{who: readers, query: "customerId", queryKind: aCustomer, good: 200},
			{who: readers, good: 200},
		},
		"GET /api/icmp-monitors/:id": {{who: readers, path: aMonitor, good: 200}},
		"PATCH /api/icmp-monitors/:id": {
			{who: statusSetters, path: aMonitor, body: `{"status":"disabled"}`, good: 200},
			{who: monitorChangers, path: aMonitor, body: `{"name":"Changed"}`, good: 200},
			{who: monitorChangers, path: aMonitor, body: `{"status":"active","customerId":REF}`, bodyKind: aCustomer, good: 200},
		},
		"DELETE /api/icmp-monitors/:id":             {{who: monitorChangers, path: aMonitor, good: 200}},
		"GET /api/icmp-monitors/:id/check-history":  {{who: readers, path: aMonitor, good: 200}},
		"POST /api/icmp-monitors/:id/trigger-check": {{who: monitorChangers, path: aMonitor, good: 200}},
		"GET /api/events": {
			{who: readers, good: 200},
			{who: readers, query: "monitor", queryKind: aMonitor, good: 200},
		},

		"GET /api/customers":             {{who: readers, good: 200}},
		"POST /api/customers":            {{who: customerChangers, body: customerJSON, good: 201}},
		"GET /api/customers/:id":         {{who: readers, path: aCustomer, good: 200}},
		"PATCH /api/customers/:id":       {{who: customerChangers, path: aCustomer, body: `{"name":"Changed"}`, good: 200}},
		"POST /api/customers/:id/cancel": {{who: customerChangers, path: aCustomer, good: 200}},

		"GET /api/organization/tokens": {{who: tokenManagers, good: 200}},
		"POST /api/organization/tokens": {
			{who: tokenManagers, body: `{"name":"New"}`, good: 201},
			{who: tokenManagers, body: `{"name":"New","customerId":REF}`, bodyKind: aCustomer, good: 201},
		},
		"DELETE /api/organization/tokens/:id": {{who: tokenManagers, path: aToken, good: 200}},

		"GET /":              {{who: anybodySignedIn, good: 303}},
		"GET /login":         {{good: 200, home: true}},
		"POST /login":        {{good: 422, body: "email=&password="}},
		"POST /logout":       {{who: anybodySignedIn, good: 303, session: true}},
		"GET /setup/:token":  {{good: 404}},
		"POST /setup/:token": {{good: 404, body: "organizationName=New&email=new%40example.com&password=correct+horse+battery&passwordAgain=correct+horse+battery"}},
		"POST /organization": {{who: organizationChoosers, body: "organizationId=REF", bodyKind: anOrganization, good: 303, session: true}},
		"GET /events": {
			{who: readers, good: 200},
			{who: readers, query: "monitor", queryKind: aMonitor, good: 200},
		},

		"GET /monitors": {
			{who: readers, good: 200},
			{who: readers, query: "customerId", queryKind: aCustomer, good: 200},
		},
		"POST /monitors":         {{who: monitorChangers, body: monitorForm, bodyKind: aCustomer, good: 303, refused: 422}},
		"GET /monitors/new":      {{who: monitorChangers, good: 200}},
		"GET /monitors/:id":      {{who: readers, path: aMonitor, good: 200}},
		"GET /monitors/:id/row":  {{who: readers, path: aMonitor, good: 200}},
		"GET /monitors/:id/edit": {{who: monitorChangers, path: aMonitor, good: 200}},
		"POST /monitors/:id/edit": {
			{who: monitorChangers, path: aMonitor, body: "name=Changed", good: 303},
			{who: monitorChangers, path: aMonitor, body: monitorForm, bodyKind: aCustomer, good: 303, refused: 422},
		},
		"GET /monitors/:id/delete":       {{who: monitorChangers, path: aMonitor, good: 200}},
		"POST /monitors/:id/delete":      {{who: monitorChangers, path: aMonitor, good: 303}},
		"POST /monitors/:id/pause":       {{who: statusSetters, path: aMonitor, good: 303}},
		"POST /monitors/:id/resume":      {{who: statusSetters, path: aMonitor, good: 303}},
		"POST /monitors/:id/maintenance": {{who: statusSetters, path: aMonitor, good: 303}},
		"POST /monitors/:id/check":       {{who: monitorChangers, path: aMonitor, good: 303}},
		"POST /monitors/:id/trace":       {{who: monitorChangers, path: aMonitor, good: 303}},
		// One at a time for each target, and these have one target: what comes of a good form has its own tests.
		"GET /monitors/:id/live":        {{who: readers, path: aMonitor, good: 200}},
		"POST /monitors/:id/live":       {{who: monitorChangers, path: aMonitor, body: "rate=0&minutes=1", good: 422}},
		"GET /monitors/:id/live/events": {{who: readers, path: aMonitor, good: 204}},
		"POST /monitors/:id/live/stop":  {{who: monitorChangers, path: aMonitor, good: 303}},
		"POST /monitors/:id/live/share": {{who: monitorChangers, path: aMonitor, good: 409}},
		"GET /live/:token":              {{good: 404}},
		"GET /live/:token/events":       {{good: 404}},

		"GET /customers":             {{who: readers, good: 200}},
		"POST /customers":            {{who: customerChangers, body: customerForm, good: 303}},
		"GET /customers/new":         {{who: customerChangers, good: 200}},
		"GET /customers/:id":         {{who: customerChangers, path: aCustomer, good: 200}},
		"POST /customers/:id":        {{who: customerChangers, path: aCustomer, body: "name=Changed", good: 303}},
		"GET /customers/:id/cancel":  {{who: customerChangers, path: aCustomer, good: 200}},
		"POST /customers/:id/cancel": {{who: customerChangers, path: aCustomer, good: 303}},

		"GET /prober": {{who: proberReaders, good: 200}},

		"GET /tokens": {{who: tokenManagers, good: 200}},
		"POST /tokens": {
			{who: tokenManagers, body: "name=New", good: 201},
			{who: tokenManagers, body: "name=New&customerId=REF", bodyKind: aCustomer, good: 201, refused: 422},
		},
		"GET /tokens/:id/delete":  {{who: tokenManagers, path: aToken, good: 200}},
		"POST /tokens/:id/delete": {{who: tokenManagers, path: aToken, good: 303}},
	}
}

// caller is somebody who knocks.
type caller struct {
	name string
	// email is of the user behind a session; empty for tokens and for nobody.
	email      string
	credential string
	// token is true for an API token: pages do not take it.
	token bool
	// may are the kinds of access; none where the credential is good for nothing.
	may []access
	// organization is what is sent as ?organizationId=; nowhere is true for a global role that names none.
	organization string
	nowhere      bool
	// sees are the places whose things the caller sees.
	sees []place
}

// place is where an object is.
type place string

const (
	own     place = "own"     // the first organization's first customer
	hidden  place = "hidden"  // the first organization's second customer: the limited user does not see it
	foreign place = "foreign" // the other organization
	nowhere place = "nowhere" // no such object
	garbage place = "garbage" // no identifier at all
)

// knocking is the matrix's test on one database.
type knocking struct {
	*testing.T
	h       *house
	callers []caller
	client  http.Client
	tokens  map[place]int64
	// asked counts requests.
	asked int
}

func TestTenantMatrix(t *testing.T) {
	// The clock stands still: no credential's last use is written after its first one, so a digest needs no exception.
	now := time.Now()
	stand := func(o *models.Options) { o.Now = func() time.Time { return now } }
	modelstest.Stores(t, func(t *testing.T, store *models.Store) {
		k := &knocking{T: t, h: newHouse(t, store), client: http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
		k.people()
		lines := matrix()
		// First everything that must be refused, then what must succeed: digests of a small database are quick.
		for _, do := range []func(string, route, line){k.refuseAll, k.allowAll} {
			for _, r := range k.h.s.routes() {
				key := r.method + " " + r.path
				if len(lines[key]) == 0 {
					t.Errorf("%s has no line in the matrix", key)
				}
				for i, l := range lines[key] {
					do(fmt.Sprintf("%s (line %d)", key, i+1), r, l)
				}
			}
		}
		for _, r := range k.h.s.routes() {
			delete(lines, r.method+" "+r.path)
		}
		for _, key := range slices.Sorted(maps.Keys(lines)) {
			t.Errorf("%s is in the matrix and no route", key)
		}
		t.Logf("%d requests", k.asked)
	}, stand)
}

// people are all callers; each credential is used once, so that its first use is behind it.
func (k *knocking) people() {
	h, ctx := k.h, context.Background()
	must := func(err error) {
		k.Helper()
		if err != nil {
			k.Fatal(err)
		}
	}
	orgToken := func(by models.Actor, body string) (string, int64) {
		secret, t, err := h.store.CreateToken(ctx, by, object(k.T, body))
		must(err)
		return secret, t.ID
	}
	k.tokens = map[place]int64{nowhere: 99999}
	organizationToken, _ := orgToken(h.organization, `{"name":"organization"}`)
	customerToken, _ := orgToken(h.organization, `{"name":"customer","customerId":`+fmt.Sprint(h.customer.ID)+`}`)
	revoked, id := orgToken(h.organization, `{"name":"revoked"}`)
	must(h.store.DeleteToken(ctx, h.organization, id))
	_, k.tokens[own] = orgToken(h.organization, `{"name":"target"}`)
	_, k.tokens[foreign] = orgToken(h.other, `{"name":"target"}`)
	ended := h.session("admin@example.com")
	must(h.store.SignOut(ctx, h.organization, ended))
	chose := h.session("global_admin@example.com")
	must(h.store.RememberOrganization(ctx, models.Actor{Role: models.RoleGlobalAdmin, HomeID: 1}, chose, models.Ref{ID: 1}))

	everything := []access{anybodySignedIn, readers, statusSetters, monitorChangers, customerChangers, tokenManagers, proberReaders}
	global := append(slices.Clone(everything), organizationChoosers)
	reads := []access{anybodySignedIn, readers}
	supports := append(slices.Clone(reads), organizationChoosers, proberReaders)
	house := []place{own, hidden}
	sessions := map[string]string{}
	session := func(c caller) caller {
		if sessions[c.email] == "" {
			sessions[c.email] = h.session(c.email)
		}
		if c.credential == "" {
			c.credential = sessions[c.email]
		}
		return c
	}
	k.callers = []caller{
		{name: "nobody"},
		session(caller{name: "admin", email: "admin@example.com", may: everything, sees: house}),
		{name: "organization's token", credential: organizationToken, token: true, may: everything[:5], sees: house},
		{name: "a revoked token", credential: revoked, token: true},
		{name: "an ended session", credential: ended},
		session(caller{name: "the other organization's admin", email: h.foreigner, may: everything, sees: []place{foreign}}),
		session(caller{name: "user", email: "user@example.com", may: everything[:5], sees: house}),
		session(caller{name: "limited user", email: h.limited, may: everything[:4], sees: []place{own}}),
		session(caller{name: "readonly", email: "readonly@example.com", may: everything[:3], sees: house}),
		session(caller{name: "supporter", email: "global_supporter@example.com", may: supports, nowhere: true}),
		session(caller{name: "supporter who names the house", email: "global_supporter@example.com", may: supports, organization: "1", sees: house}),
		session(caller{name: "global admin", email: "global_admin@example.com", may: global, nowhere: true}),
		session(caller{name: "global admin who names the house", email: "global_admin@example.com", may: global, organization: "1", sees: house}),
		session(caller{name: "global admin who names the other", email: "global_admin@example.com", may: global, organization: "2", sees: []place{foreign}}),
		session(caller{name: "global admin who chose the house", email: "global_admin@example.com", credential: chose, may: global, sees: house}),
		{name: "customer's token", credential: customerToken, token: true, may: everything[:4], sees: []place{own}},
		{name: "admin's token", credential: h.token("admin@example.com"), token: true, may: everything[:5], sees: house},
		{name: "limited user's token", credential: h.token(h.limited), token: true, may: everything[:4], sees: []place{own}},
		{name: "readonly's token", credential: h.token("readonly@example.com"), token: true, may: everything[:3], sees: house},
	}
	// The last use is written in passing, and left for the next request where the database is busy: until none is left.
	for used := ""; ; {
		for _, c := range k.callers {
			k.send(c, "GET", "/api/auth/me", "")
		}
		now := modelstest.Digest(k.T, k.h.store)
		if now == used {
			return
		}
		used = now
	}
}

// send asks as the caller: by Bearer on the API, by cookie on pages. Of a live stream only the head is read.
func (k *knocking) send(c caller, method, target, body string) answer {
	k.Helper()
	k.asked++
	if c.organization != "" {
		joint := "?"
		if strings.Contains(target, "?") {
			joint = "&"
		}
		target += joint + "organizationId=" + c.organization
	}
	api := strings.HasPrefix(target, "/api/")
	if !api && body == "" && method == "POST" {
		body = "x=y"
	}
	if !api && body != "" {
		body += "&_csrf=" + url.QueryEscape(csrfOf(c.credential))
	}
	req, err := http.NewRequest(method, k.h.url+target, strings.NewReader(body))
	if err != nil {
		k.Fatal(err)
	}
	switch {
	case c.credential == "":
	case api || c.token:
		req.Header.Set("Authorization", "Bearer "+c.credential)
	default:
		req.Header.Set("Cookie", k.h.s.sessions.name()+"="+c.credential)
	}
	if !api {
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if body != "" {
		req.Header.Set("Content-Type", map[bool]string{true: "application/json", false: "application/x-www-form-urlencoded"}[api])
	}
	resp, err := k.client.Do(req)
	if err != nil {
		k.Fatalf("%s: %s %s: %v", c.name, method, target, err)
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{resp.StatusCode, resp.Header, ""}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			k.Fatalf("%s: %s %s: %v", c.name, method, target, err)
		}
		a.body = string(b)
	}
	k.watch(c, method+" "+target, body, a)
	return a
}

// watch looks whether the answer names anything that the caller does not see and did not send.
func (k *knocking) watch(c caller, what, sent string, a answer) {
	k.Helper()
	h := k.h
	for at, words := range map[place][]string{
		own:     {h.monitor.PublicID.String(), h.customer.PublicID.String(), `"Gateway"`, ">Gateway<"},
		hidden:  {h.hidden.PublicID.String(), h.second.PublicID.String(), `"Hidden"`, ">Hidden<", "second@example.com"},
		foreign: {h.foreignOne.PublicID.String(), h.foreign.PublicID.String(), `"Foreign"`, ">Foreign<"},
	} {
		for _, word := range words {
			if !slices.Contains(c.sees, at) && !strings.Contains(what+sent, word) && (strings.Contains(a.body, word) || strings.Contains(fmt.Sprint(a.header), word)) {
				k.Errorf("%s: %s: the answer names %s, which is %s: %s", c.name, what, word, at, a.body)
			}
		}
	}
}

// refs are the ways to name the thing of the kind at the place, for a path, a query or a form. UUID first.
func (k *knocking) refs(kind int, at place, api bool) []string {
	h := k.h
	if at == garbage {
		return []string{"%27--", "0", "-1", "9223372036854775808"}
	}
	both := func(id int64, public uuid.UUID) []string { return []string{public.String(), fmt.Sprint(id)} }
	nobody := uuid.MustParse("0198a2b4-0000-7000-8000-000000000000")
	switch kind {
	case aMonitor:
		return []string{map[place]uuid.UUID{own: h.monitor.PublicID, hidden: h.hidden.PublicID, foreign: h.foreignOne.PublicID, nowhere: nobody}[at].String()}
	case aCustomer:
		all := both(h.customer.ID, h.customer.PublicID)
		switch at {
		case hidden:
			all = both(h.second.ID, h.second.PublicID)
		case foreign:
			all = both(h.foreign.ID, h.foreign.PublicID)
		case nowhere:
			all = both(99999, nobody)
		}
		if !api {
			return all[:1]
		}
		return all
	case aToken:
		return []string{fmt.Sprint(k.tokens[at])}
	default: // an organization
		return []string{map[place]string{own: "1", foreign: "2", nowhere: "99999"}[at]}
	}
}

// places are where things of the kind can be.
func places(kind int) []place {
	switch kind {
	case aToken, anOrganization:
		return []place{own, foreign, nowhere}
	default:
		return []place{own, hidden, foreign, nowhere}
	}
}

// fresh makes an object for a request that changes or deletes it.
func (k *knocking) fresh(kind int, at place) string {
	k.Helper()
	h, ctx := k.h, context.Background()
	by, customer := h.organization, h.customer
	switch at {
	case hidden:
		customer = h.second
	case foreign:
		by, customer = h.other, h.foreign
	}
	var ref string
	var err error
	switch kind {
	case aMonitor:
		var m models.MonitorRow
		m, err = h.store.CreateMonitor(ctx, by, object(k.T, `{"customerId":"`+customer.PublicID.String()+`","name":"Fresh","hostname":"127.0.0.1"}`))
		ref = m.PublicID.String()
	case aCustomer:
		var c models.Customer
		c, err = h.store.CreateCustomer(ctx, by, object(k.T, customerJSON))
		ref = c.PublicID.String()
	case aToken:
		var t models.Token
		_, t, err = h.store.CreateToken(ctx, by, object(k.T, `{"name":"Fresh"}`))
		ref = fmt.Sprint(t.ID)
	}
	if err != nil {
		k.Fatal(err)
	}
	return ref
}

// refuseAll asks, as every caller, for what the caller must not get.
func (k *knocking) refuseAll(key string, r route, l line) {
	if l.who == open {
		return
	}
	before := modelstest.Digest(k.T, k.h.store)
	for _, c := range k.callers {
		k.refuse(key, r, l, c)
	}
	// One digest for all callers; only to name the one who changed something are there more.
	if after := modelstest.Digest(k.T, k.h.store); after != before {
		k.Errorf("%s: refused requests changed the database from\n%s to\n%s", key, before, after)
		for _, c := range k.callers {
			before = modelstest.Digest(k.T, k.h.store)
			k.refuse(key, r, l, c)
			if modelstest.Digest(k.T, k.h.store) != before {
				k.Errorf("%s: it is changed by %s", key, c.name)
			}
		}
	}
}

// allowAll asks, as every caller, for what the caller may have.
func (k *knocking) allowAll(key string, r route, l line) {
	if l.who == open { // nobody is refused, so three kinds of credential are enough
		for _, c := range k.callers[:3] {
			k.allow(key, r, l, c)
		}
		return
	}
	for _, c := range k.callers {
		if (r.isAPI() || !c.token) && slices.Contains(c.may, l.who) && !c.nowhere {
			k.allow(key, r, l, c)
		}
	}
}

func (r route) isAPI() bool { return strings.HasPrefix(r.path, "/api/") }

// whole is the status of a caller whom no id helps; 0 where it depends on the id.
func (k *knocking) whole(l line, c caller, api bool) int {
	switch {
	case c.may == nil || c.token && !api:
		if api {
			return http.StatusUnauthorized
		}
		return http.StatusSeeOther
	case !slices.Contains(c.may, l.who):
		return http.StatusForbidden
	case c.nowhere && l.who != anybodySignedIn && l.who != organizationChoosers:
		return http.StatusBadRequest
	}
	return 0
}

// request fills in the line: the path's object, the query's, the body's.
func (r route) request(l line, path, query, body string) (target, sent string) {
	target = strings.NewReplacer(":id", path, ":token", "none", ":file", "none.js").Replace(r.path)
	if l.query != "" && query != "" {
		target += "?" + l.query + "=" + query
	}
	return target, strings.Replace(l.body, "REF", body, 1)
}

// home is a place whose things the caller sees, or the house where it sees none.
func (c caller) home() place {
	if len(c.sees) > 0 {
		return c.sees[0]
	}
	return own
}

// quoted are the ways to write a reference in a JSON body: a UUID, a number, a number in quotes.
func quoted(refs []string, api bool) []string {
	if !api {
		return refs
	}
	all := []string{`"` + refs[0] + `"`}
	for _, n := range refs[1:] {
		all = append(all, n, `"`+n+`"`)
	}
	return all
}

// refuse asks for everything that the caller must not get, and compares the answers with those for what is not there.
func (k *knocking) refuse(key string, r route, l line, c caller) {
	api := r.isAPI()
	whole := k.whole(l, c, api)
	goodPath, goodQuery, goodBody := "", "", ""
	if l.path != noObject {
		goodPath = k.refs(l.path, c.home(), api)[0]
	}
	if l.queryKind != noObject {
		goodQuery = k.refs(l.queryKind, c.home(), api)[0]
	}
	if l.bodyKind != noObject {
		goodBody = quoted(k.refs(l.bodyKind, c.home(), api), api)[0]
	}
	if whole != 0 && l.path == noObject && l.queryKind == noObject && l.bodyKind == noObject {
		target, body := r.request(l, "", "", "")
		k.want(key, c, whole, k.send(c, r.method, target, body))
		return
	}
	k.refuseAt(key, r, l, c, api, whole, http.StatusNotFound, l.path, func(ref string) (string, string) { return r.request(l, ref, goodQuery, goodBody) }, k.refs)
	k.refuseAt(key, r, l, c, api, whole, http.StatusNotFound, l.queryKind, func(ref string) (string, string) { return r.request(l, goodPath, ref, goodBody) }, k.refs)
	otherwise := l.refused
	if otherwise == 0 {
		otherwise = http.StatusNotFound
	}
	k.refuseAt(key, r, l, c, api, whole, otherwise, l.bodyKind, func(ref string) (string, string) { return r.request(l, goodPath, goodQuery, ref) },
		func(kind int, at place, api bool) []string { return quoted(k.refs(kind, at, api), api) })
	if whole == 0 && l.who >= readers && l.who != organizationChoosers && c.organization == "" && !c.nowhere {
		k.refuseOrganization(key, r, l, c, goodPath, goodQuery, goodBody)
	}
}

// refuseAt puts every reference of the kind into one place of the request.
func (k *knocking) refuseAt(key string, r route, l line, c caller, api bool, whole, otherwise, kind int, request func(ref string) (string, string), refs func(int, place, bool) []string) {
	if kind == noObject {
		return
	}
	var missing []answer // for what is nowhere, by form of the reference
	for i, ref := range refs(kind, nowhere, api) {
		target, body := request(ref)
		a := k.send(c, r.method, target, body)
		status := otherwise
		if whole != 0 {
			status = whole
		}
		k.want(fmt.Sprintf("%s, no such thing, form %d", key, i), c, status, a)
		missing = append(missing, a.without(ref))
	}
	for _, at := range places(kind) {
		seen := slices.Contains(c.sees, at)
		if kind == aToken && slices.Contains(c.sees, hidden) {
			seen = at == own
		}
		if kind == anOrganization && whole == 0 {
			seen = at != nowhere
		}
		if at == nowhere || seen && whole == 0 {
			continue
		}
		for i, ref := range refs(kind, at, api) {
			target, body := request(ref)
			if a := k.send(c, r.method, target, body); a.without(ref).text() != missing[i].text() {
				k.Errorf("%s: %s: for what is %s (form %d) got\n%s\nwant what the one that is not there gets:\n%s", key, c.name, at, i, a.without(ref).text(), missing[i].text())
			}
			if r.method == http.MethodGet && i == 0 {
				k.want(key+" by HEAD", c, missing[0].status, k.send(c, http.MethodHead, target, body))
			}
		}
	}
}

// refuseOrganization names the other organization, and one that is not there, in the query.
func (k *knocking) refuseOrganization(key string, r route, l line, c caller, path, query, body string) {
	other := "2"
	if slices.Contains(c.sees, foreign) {
		other = "1"
	}
	others, err := k.h.store.Organizations(context.Background(), models.Actor{Role: models.RoleGlobalAdmin})
	if err != nil {
		k.Fatal(err)
	}
	public := ""
	for _, o := range others {
		if fmt.Sprint(o.ID) == other {
			public = o.PublicID.String()
		}
	}
	target, sent := r.request(l, path, query, body)
	var texts []string
	for _, ref := range []string{other, "99999", public, "0198a2b4-0000-7000-8000-000000000000"} {
		there := c
		there.organization = ref
		if slices.Contains(c.may, organizationChoosers) && (ref == other || ref == public) {
			continue // a global role may look there; what it sees is tested as another caller
		}
		a := k.send(there, r.method, target, sent)
		k.want(key+" ?organizationId="+ref, c, http.StatusNotFound, a)
		texts = append(texts, a.without(ref).text())
	}
	if len(slices.Compact(texts)) != 1 {
		k.Errorf("%s: %s: the answers for another organization and for none differ: %q", key, c.name, texts)
	}
}

// allow asks for what the caller may have, and wants it.
func (k *knocking) allow(key string, r route, l line, c caller) {
	api := r.isAPI()
	changes := r.method != http.MethodGet
	try := func(path, query, body string) {
		who := c
		if l.session && c.email != "" {
			if !slices.Contains([]string{"admin", "readonly", "supporter who names the house"}, c.name) {
				return // each costs one more password hashed, and the rest is no other case
			}
			who.credential = k.h.session(c.email)
		}
		good := l.good
		if l.byToken != 0 && c.token {
			good = l.byToken
		}
		if l.home && c.email != "" {
			good = http.StatusSeeOther
		}
		target, sent := r.request(l, path, query, body)
		k.want(key, c, good, k.send(who, r.method, target, sent))
	}
	path := func(at place) string {
		switch {
		case l.path == noObject:
			return ""
		case changes:
			return k.fresh(l.path, at)
		}
		return k.refs(l.path, at, api)[0]
	}
	switch {
	case l.bodyKind == anOrganization:
		try("", "", "2")
		try("", "", "1")
	case l.bodyKind != noObject:
		for _, at := range c.sees {
			for _, ref := range quoted(k.refs(l.bodyKind, at, api), api) {
				try(path(c.home()), "", ref)
			}
		}
	case l.queryKind != noObject:
		for _, at := range c.sees {
			for _, ref := range k.refs(l.queryKind, at, api) {
				try("", ref, "")
			}
		}
	case l.path != noObject:
		for _, at := range c.sees {
			if l.path == aToken && at == hidden {
				continue
			}
			try(path(at), "", "")
		}
	default:
		try("", "", "")
	}
}

func (k *knocking) want(what string, c caller, status int, a answer) {
	k.Helper()
	if a.status != status {
		k.Errorf("%s: %s: got %d %s, want %d", what, c.name, a.status, firstBytes(a.body), status)
	}
}

func firstBytes(s string) string { return s[:min(len(s), 300)] }

// without is the answer with the reference that was sent struck out.
func (a answer) without(ref string) answer {
	ref = strings.Trim(ref, `"`)
	strike := strings.NewReplacer("/"+ref, "/REF", "%2F"+ref, "/REF")
	if len(ref) == 36 { // a short number could stand anywhere
		strike = strings.NewReplacer(ref, "REF")
	}
	a.body = strike.Replace(a.body)
	a.header = a.header.Clone()
	for _, values := range a.header {
		for i := range values {
			values[i] = strike.Replace(values[i])
		}
	}
	return a
}

// text is all of the answer but the request's id and the date.
func (a answer) text() string {
	h := a.header.Clone()
	h.Del("X-Request-Id")
	h.Del("Date")
	var b bytes.Buffer
	_ = h.Write(&b) // a buffer takes everything
	return fmt.Sprintf("%d\n%s\n%s", a.status, b.String(), a.body)
}
