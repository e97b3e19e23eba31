package handlers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"echolot/models"
	"echolot/models/modelstest"

	"github.com/google/uuid"
)

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
	k.incidents = map[place]string{own: h.fail(h.monitor), hidden: h.fail(h.hidden), foreign: h.fail(h.foreignOne), nowhere: "0198a2b4-0000-7000-8000-000000000000"}
	k.pages = map[place]string{own: k.fresh(aStatusPage, own), hidden: k.fresh(aStatusPage, hidden), foreign: k.fresh(aStatusPage, foreign), nowhere: "0198a2b4-0000-7000-8000-000000000000"}
	k.tell()
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
		own:     {k.incidents[own], k.pages[own], h.monitor.PublicID.String(), h.customer.PublicID.String(), `"Gateway"`, ">Gateway<"},
		hidden:  {k.incidents[hidden], k.pages[hidden], h.hidden.PublicID.String(), h.second.PublicID.String(), `"Hidden"`, ">Hidden<", "second@example.com"},
		foreign: {k.incidents[foreign], k.pages[foreign], h.foreignOne.PublicID.String(), h.foreign.PublicID.String(), `"Foreign"`, ">Foreign<"},
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
	if kind >= aPageToTell {
		return k.toldRefs(kind, at)
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
	case anIncident:
		return []string{k.incidents[at]}
	case aStatusPage:
		return []string{k.pages[at]}
	case aToken:
		return []string{fmt.Sprint(k.tokens[at])}
	default: // an organization
		return []string{map[place]string{own: "1", foreign: "2", nowhere: "99999"}[at]}
	}
}

// places are where things of the kind can be.
func places(kind int) []place {
	switch kind {
	case aToken, anOrganization, aTemplate:
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
	if kind >= aPageToTell {
		return k.freshTold(kind, at)
	}
	var ref string
	var err error
	switch kind {
	case aMonitor, anIncident:
		var m models.MonitorRow
		m, err = h.store.CreateMonitor(ctx, by, object(k.T, `{"customerId":`+fmt.Sprint(customer.ID)+`,"name":"Fresh","hostname":"127.0.0.1"}`))
		ref = m.PublicID.String()
		if kind == anIncident && err == nil {
			ref = h.fail(m)
		}
	case aCustomer:
		var c models.Customer
		c, err = h.store.CreateCustomer(ctx, by, object(k.T, customerJSON))
		ref = c.PublicID.String()
	case aStatusPage:
		var p models.StatusPage
		p, err = h.store.CreateStatusPage(ctx, by, object(k.T, `{"customerId":`+fmt.Sprint(customer.ID)+`,"name":"Fresh","slug":"`+uuid.NewString()+`"}`))
		ref = p.PublicID.String()
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

// freshSlug is another one in each request: two pages can not have the same.
var freshSlug = regexp.MustCompile(`fresh-[0-9a-f-]{36}`)

// without is the answer with the reference that was sent struck out.
func (a answer) without(ref string) answer {
	ref = strings.Trim(ref, `"`)
	strike := strings.NewReplacer("/"+ref, "/REF", "%2F"+ref, "/REF", "%2F"+url.QueryEscape(ref), "/REF")
	if len(ref) == 36 { // a short number could stand anywhere
		strike = strings.NewReplacer(ref, "REF")
	}
	a.body = freshSlug.ReplaceAllString(strike.Replace(a.body), "fresh-SLUG")
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
