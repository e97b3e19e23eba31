package handlers

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// The kinds of object that a request may name.
const (
	noObject = iota
	aMonitor
	aCustomer
	aToken
	anOrganization
	anIncident
	aStatusPage
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
	statusJSON   = `{"customerId":REF,"name":"New","slug":"fresh-SLUG"}`
	monitorForm  = "customerId=REF&name=New&hostname=127.0.0.2&checkIntervalSeconds=60"
	statusForm   = "customerId=REF&name=New&slug=fresh-SLUG"
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

		"GET /status/:slug":           {{good: 404}},
		"GET /status/:slug/theme.css": {{good: 404}},
		"GET /status/:slug/logo":      {{good: 404}},
		// No such page here; what a page's files say of others has tests of its own.
		"GET /status/:slug/badge.svg":                                   {{good: 404}},
		"GET /status/:slug/badge/:component.svg":                        {{good: 404}},
		"GET /status/:slug/feed.atom":                                   {{good: 404}},
		"GET /status/:slug/feed.json":                                   {{good: 404}},
		"GET /status/:slug/maintenance.ics":                             {{good: 404}},
		"GET /status/:slug/api/v2/summary.json":                         {{good: 404}},
		"GET /status/:slug/api/v2/status.json":                          {{good: 404}},
		"GET /status/:slug/api/v2/components.json":                      {{good: 404}},
		"GET /status/:slug/api/v2/incidents.json":                       {{good: 404}},
		"GET /status/:slug/api/v2/incidents/unresolved.json":            {{good: 404}},
		"GET /status/:slug/api/v2/scheduled-maintenances.json":          {{good: 404}},
		"GET /status/:slug/api/v2/scheduled-maintenances/active.json":   {{good: 404}},
		"GET /status/:slug/api/v2/scheduled-maintenances/upcoming.json": {{good: 404}},
		"GET /status/:slug/widget.js":                                   {{good: 404}},
		"GET /status/:slug/widget":                                      {{good: 404}},
		"GET /robots.txt":                                               {{good: 200}},

		"POST /status/:slug/login":         {{good: 404, body: "password=x"}},
		"GET /status/:slug/robots.txt":     {{good: 404}},
		"GET /status/:slug/history/:month": {{good: 404}},

		"GET /status-pages/:id/posts":                               {{who: readers, path: aPageToTell, good: 200}},
		"POST /status-pages/:id/posts":                              {{who: monitorChangers, path: aPageToTell, body: "kind=incident&title=New&body=x", good: 303}},
		"GET /status-pages/:id/posts/new":                           {{who: monitorChangers, path: aPageToTell, good: 200}},
		"GET /status-pages/:id/posts/:post":                         {{who: readers, path: aPost, good: 200}},
		"POST /status-pages/:id/posts/:post":                        {{who: monitorChangers, path: aPost, body: "title=Changed", good: 303}},
		"GET /status-pages/:id/posts/:post/delete":                  {{who: monitorChangers, path: aPost, good: 200}},
		"POST /status-pages/:id/posts/:post/delete":                 {{who: monitorChangers, path: aPost, good: 303}},
		"POST /status-pages/:id/posts/:post/updates":                {{who: monitorChangers, path: aPost, body: "state=resolved", good: 303}},
		"GET /status-pages/:id/posts/:post/updates/:update":         {{who: monitorChangers, path: anUpdate, good: 200}},
		"POST /status-pages/:id/posts/:post/updates/:update":        {{who: monitorChangers, path: anUpdate, body: "body=Changed", good: 303}},
		"POST /status-pages/:id/posts/:post/updates/:update/delete": {{who: monitorChangers, path: anUpdate, good: 303}},
		"GET /status-templates":                                     {{who: monitorChangers, good: 200}},
		"POST /status-templates":                                    {{who: customerChangers, body: "name=New&kind=incident&title=New", good: 303}},
		"GET /status-templates/new":                                 {{who: customerChangers, good: 200}},
		"GET /status-templates/:id":                                 {{who: customerChangers, path: aTemplate, good: 200}},
		"POST /status-templates/:id":                                {{who: customerChangers, path: aTemplate, body: "name=Changed", good: 303}},
		"GET /status-templates/:id/delete":                          {{who: customerChangers, path: aTemplate, good: 200}},
		"POST /status-templates/:id/delete":                         {{who: customerChangers, path: aTemplate, good: 303}},
		"GET /status/:slug/events":                                  {{good: 404}},

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
		"DELETE /api/icmp-monitors/:id":               {{who: monitorChangers, path: aMonitor, good: 200}},
		"GET /api/icmp-monitors/:id/check-history":    {{who: readers, path: aMonitor, good: 200}},
		"GET /api/icmp-monitors/:id/details":          {{who: readers, path: aMonitor, good: 200}},
		"GET /api/icmp-monitors/:id/export.csv":       {{who: readers, path: aMonitor, good: 200}},
		"GET /api/icmp-monitors/:id/export.json":      {{who: readers, path: aMonitor, good: 200}},
		"GET /api/icmp-monitors/:id/incident-history": {{who: readers, path: aMonitor, good: 200}},
		"GET /api/icmp-monitors/:id/alert-history":    {{who: readers, path: aMonitor, good: 200}},
		"POST /api/icmp-monitors/:id/trigger-check":   {{who: monitorChangers, path: aMonitor, good: 200}},
		"GET /api/events": {
			{who: readers, good: 200},
			{who: readers, query: "monitor", queryKind: aMonitor, good: 200},
		},

		"GET /api/incidents":                  {{who: readers, good: 200}},
		"GET /api/incidents/:id":              {{who: readers, path: anIncident, good: 200}},
		"POST /api/incidents/:id/acknowledge": {{who: monitorChangers, path: anIncident, body: `{"note":"mine"}`, good: 200}},
		"POST /api/incidents/:id/comments":    {{who: monitorChangers, path: anIncident, body: `{"text":"so it is"}`, good: 201}},

		"GET /api/status-pages/:id/posts":                          {{who: readers, path: aPageToTell, good: 200}},
		"POST /api/status-pages/:id/posts":                         {{who: monitorChangers, path: aPageToTell, body: `{"kind":"announcement","title":"New"}`, good: 201}},
		"GET /api/status-pages/:id/posts/:post":                    {{who: readers, path: aPost, good: 200}},
		"PATCH /api/status-pages/:id/posts/:post":                  {{who: monitorChangers, path: aPost, body: `{"title":"Changed"}`, good: 200}},
		"DELETE /api/status-pages/:id/posts/:post":                 {{who: monitorChangers, path: aPost, good: 200}},
		"POST /api/status-pages/:id/posts/:post/updates":           {{who: monitorChangers, path: aPost, body: `{"state":"resolved"}`, good: 201}},
		"PATCH /api/status-pages/:id/posts/:post/updates/:update":  {{who: monitorChangers, path: anUpdate, body: `{"body":"Changed"}`, good: 200}},
		"DELETE /api/status-pages/:id/posts/:post/updates/:update": {{who: monitorChangers, path: anUpdate, good: 200}},

		"GET /api/customers":             {{who: readers, good: 200}},
		"POST /api/customers":            {{who: customerChangers, body: customerJSON, good: 201}},
		"GET /api/customers/:id":         {{who: readers, path: aCustomer, good: 200}},
		"PATCH /api/customers/:id":       {{who: customerChangers, path: aCustomer, body: `{"name":"Changed"}`, good: 200}},
		"POST /api/customers/:id/cancel": {{who: customerChangers, path: aCustomer, good: 200}},

		"POST /api/status-pages/:id/verify-domain": {{who: monitorChangers, path: aStatusPage, good: 400}}, // it has no domain
		"GET /api/status-pages": {
			{who: readers, good: 200},
			{who: readers, query: "customerId", queryKind: aCustomer, good: 200},
		},
		"POST /api/status-pages":    {{who: monitorChangers, body: statusJSON, bodyKind: aCustomer, good: 201}},
		"GET /api/status-pages/:id": {{who: readers, path: aStatusPage, good: 200}},
		"PATCH /api/status-pages/:id": {
			{who: monitorChangers, path: aStatusPage, body: `{"name":"Changed"}`, good: 200},
			{who: monitorChangers, path: aStatusPage, body: `{"customerId":REF}`, bodyKind: aCustomer, good: 200},
			{who: monitorChangers, path: aStatusPage, body: `{"monitors":[{"monitorId":REF}]}`, bodyKind: aMonitor, good: 200},
		},
		"DELETE /api/status-pages/:id":          {{who: monitorChangers, path: aStatusPage, good: 200}},
		"POST /api/status-pages/:id/renew-link": {{who: monitorChangers, path: aStatusPage, good: 200}},

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
		"POST /monitors":              {{who: monitorChangers, body: monitorForm, bodyKind: aCustomer, good: 303, refused: 422}},
		"GET /monitors/new":           {{who: monitorChangers, good: 200}},
		"GET /monitors/:id":           {{who: readers, path: aMonitor, good: 200}},
		"GET /monitors/:id/row":       {{who: readers, path: aMonitor, good: 200}},
		"GET /monitors/:id/chart.svg": {{who: readers, path: aMonitor, good: 200}},
		"GET /monitors/:id/edit":      {{who: monitorChangers, path: aMonitor, good: 200}},
		"POST /monitors/:id/edit": {
			{who: monitorChangers, path: aMonitor, body: "name=Changed", good: 303},
			{who: monitorChangers, path: aMonitor, body: monitorForm, bodyKind: aCustomer, good: 303, refused: 422},
		},
		"POST /monitors/:id/back-test":   {{who: monitorChangers, path: aMonitor, body: "icmpConfig.count=3", good: 200}},
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

		"GET /status-pages/:id/embed": {{who: monitorChangers, path: aStatusPage, good: 200}},

		"GET /incidents": {
			{who: readers, good: 200},
			{who: readers, query: "customerId", queryKind: aCustomer, good: 200},
			{who: readers, query: "monitorId", queryKind: aMonitor, good: 200},
		},
		"GET /incidents/:id":              {{who: readers, path: anIncident, good: 200}},
		"GET /incidents/:id/tell":         {{who: monitorChangers, path: anIncident, good: 200}},
		"POST /incidents/:id/acknowledge": {{who: monitorChangers, path: anIncident, body: "note=mine", good: 303}},
		"POST /incidents/:id/comments":    {{who: monitorChangers, path: anIncident, body: "text=so+it+is", good: 303}},

		"GET /status-pages":     {{who: readers, good: 200}},
		"POST /status-pages":    {{who: monitorChangers, body: statusForm, bodyKind: aCustomer, good: 303, refused: 422}},
		"GET /status-pages/new": {{who: monitorChangers, good: 200}},
		"GET /status-pages/:id": {{who: monitorChangers, path: aStatusPage, good: 200}},
		"POST /status-pages/:id": {
			{who: monitorChangers, path: aStatusPage, body: "name=Changed", good: 303},
			{who: monitorChangers, path: aStatusPage, body: "customerId=REF", bodyKind: aCustomer, good: 303, refused: 422},
		},
		"GET /status-pages/:id/layout": {{who: monitorChangers, path: aStatusPage, good: 200}},
		"POST /status-pages/:id/layout": {
			{who: monitorChangers, path: aStatusPage, body: "version=*&allMonitors=false", good: 422}, // it has monitors, and the form has none
			{who: monitorChangers, path: aStatusPage, body: "version=*&id.0=REF&show.0=true&group.0=A", bodyKind: aMonitor, good: 303},
		},
		// What comes of a good picture has its own tests.
		"POST /status-pages/:id/logo":             {{who: monitorChangers, path: aStatusPage, good: 415}},
		"POST /status-pages/:id/logo/delete":      {{who: monitorChangers, path: aStatusPage, good: 303}},
		"GET /status-pages/:id/link":              {{who: monitorChangers, path: aStatusPage, good: 200}},
		"POST /status-pages/:id/link":             {{who: monitorChangers, path: aStatusPage, good: 303}},
		"GET /status-pages/:id/preview":           {{who: readers, path: aStatusPage, good: 200}},
		"POST /status-pages/:id/preview":          {{who: monitorChangers, path: aStatusPage, body: "name=Tried", good: 200}},
		"GET /status-pages/:id/preview/logo":      {{who: readers, path: aStatusPage, good: 404}},
		"GET /status-pages/:id/preview/theme.css": {{who: readers, path: aStatusPage, good: 404}},
		"GET /status-pages/:id/delete":            {{who: monitorChangers, path: aStatusPage, good: 200}},
		"POST /status-pages/:id/delete":           {{who: monitorChangers, path: aStatusPage, good: 303}},

		"GET /customers":             {{who: readers, good: 200}},
		"POST /customers":            {{who: customerChangers, body: customerForm, good: 303}},
		"GET /customers/new":         {{who: customerChangers, good: 200}},
		"GET /customers/:id":         {{who: customerChangers, path: aCustomer, good: 200}},
		"POST /customers/:id":        {{who: customerChangers, path: aCustomer, body: "name=Changed", good: 303}},
		"GET /customers/:id/cancel":  {{who: customerChangers, path: aCustomer, good: 200}},
		"POST /customers/:id/cancel": {{who: customerChangers, path: aCustomer, good: 303}},

		"GET /status-pages/:id/domain":  {{who: monitorChangers, path: aStatusPage, good: 200}},
		"POST /status-pages/:id/domain": {{who: monitorChangers, path: aStatusPage, body: "customDomainHostname=status.example.com", good: 303}},

		"GET /wall":       {{who: readers, good: 200}},
		"GET /wall/lines": {{who: readers, query: "customerId", queryKind: aCustomer, good: 200}},

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

// knocking is the matrix's test on one database.
type knocking struct {
	*testing.T
	h       *house
	callers []caller
	client  http.Client
	tokens  map[place]int64
	// incidents are of the house's monitors.
	incidents map[place]string
	// pages are the public ids of the house's status pages.
	pages map[place]string
	// told are the things that people are told with, by kind and place; made counts those that were made.
	told map[string]string
	made int
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
