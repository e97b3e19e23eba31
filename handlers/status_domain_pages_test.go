package handlers

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"

	"echolot/models"
	"echolot/models/modelstest"

	"github.com/PuerkitoBio/goquery"
)

// TestDomainPage: set, told what to do, checked in vain, checked, shown, taken away.
func TestDomainPage(t *testing.T) {
	// What the resolver answers: it is asked in the server's goroutines.
	var mu sync.Mutex
	var texts []string
	var trouble error
	answer := func(found []string, err error) {
		mu.Lock()
		defer mu.Unlock()
		texts, trouble = found, err
	}
	houses(t, func(h *house) {
		answer(nil, nil)
		p := h.pageFor("acme", models.VisiblePublic)
		path, session := "/status-pages/"+p.PublicID.String()+"/domain", h.session("admin@example.com")
		send := func(what string, status int, says string, values url.Values) *goquery.Document {
			h.t.Helper()
			a := h.browser(session, "POST", path, values)
			h.wantStatus(what, a, status)
			if status == 303 {
				if a.header.Get("Location") != path {
					h.t.Errorf("%s: got to %q", what, a.header.Get("Location"))
				}
				a = h.browser(session, "GET", path, nil)
			}
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
			if err != nil {
				h.t.Fatal(err)
			}
			if !strings.Contains(doc.Text(), says) {
				h.t.Errorf("%s: got\n%s\nwant it to say %q", what, doc.Find("main").Text(), says)
			}
			return doc
		}
		send("checked without a domain", 422, "Set a domain first", url.Values{"do": {"check"}})
		doc := send("no name", 422, "Leave out", url.Values{"customDomainHostname": {"https://x"}})
		if v := doc.Find("[name=customDomainHostname]").AttrOr("value", ""); v != "https://x" {
			h.t.Errorf("got %q in the field, want what was typed", v)
		}
		doc = send("set", 303, "not proved yet", url.Values{"customDomainHostname": {"Status.Example"}, "do": {"set"}})
		value := doc.Find("[data-testid=domain-value]").AttrOr("value", "")
		if doc.Find("#record-name").AttrOr("value", "") != "_echolot.status.example" || len(value) < 40 {
			h.t.Errorf("got record %q with value %q", doc.Find("#record-name").AttrOr("value", ""), value)
		}
		h.forgetDomains()
		h.wantStatus("not proved", h.at("status.example", "GET", "/", ""), 303)
		send("no record", 422, "No TXT record at _echolot.status.example", url.Values{"do": {"check"}})
		answer(nil, errors.New("no answer"))
		send("no DNS", 422, "DNS gave no answer", url.Values{"do": {"check"}})
		answer(nil, nil)
		api := "/api/status-pages/" + p.PublicID.String() + "/verify-domain"
		if a := h.api(session, "POST", api, ""); a.status != 400 || !strings.Contains(a.body, `"code":"domainNotProved"`) && !strings.Contains(a.body, `customDomainHostname`) {
			h.t.Errorf("API, no record: got %d %s", a.status, a.body)
		}
		answer([]string{"x", value}, nil)
		send("proved", 303, "proved on", url.Values{"do": {"check"}})
		h.forgetDomains()
		if a := h.at("status.example", "GET", "/", ""); !a.shows() {
			h.t.Errorf("proved: got %d, want the page", a.status)
		}
		if a := h.api(session, "POST", api, ""); a.status != 200 || !strings.Contains(a.body, `"customDomainHostname":"status.example","domainVerifiedAt":"2`) {
			h.t.Errorf("API: got %d %s", a.status, a.body)
		}
		other := h.pageFor("other", models.VisiblePublic)
		if other, err := h.store.SetStatusDomain(h.t.Context(), h.organization, other.PublicID, "status.example"); err != nil {
			h.t.Fatal(err)
		} else {
			answer([]string{"x", value, other.DomainToken}, nil)
		}
		path = "/status-pages/" + other.PublicID.String() + "/domain"
		send("taken", 409, "Another status page", url.Values{"do": {"check"}})
		path = "/status-pages/" + p.PublicID.String() + "/domain"
		send("removed", 303, "Own domain", url.Values{"do": {"remove"}})
		h.forgetDomains()
		h.wantStatus("removed", h.at("status.example", "GET", "/", ""), 303)
	}, func(o *Options) {
		o.BaseURL = &url.URL{Scheme: "http", Host: "echolot.example"}
		o.TXT = func(context.Context, string) ([]string, error) {
			mu.Lock()
			defer mu.Unlock()
			return texts, trouble
		}
	})
}

// TestDomainOfOurs: no page takes the program's own name, nor one that is no domain, however it is asked; the answer names the field.
func TestDomainOfOurs(t *testing.T) {
	store := modelstest.Open(t, modelstest.SQLite(t), func(o *models.Options) { o.OwnHost = "Echolot.Example" })
	h := newHouse(t, store)
	p := h.pageFor("acme", models.VisiblePublic)
	session, bearer := h.session("admin@example.com"), "Bearer "+h.token("admin@example.com")
	const field = "customDomainHostname"
	for _, domain := range []string{"echolot.example", "ECHOLOT.example.", "echolot\u3002example", "localhost", "a.localhost", "127.0.0.1", "192.0.2.1.", "::1", "[::1]", "2130706433"} {
		for _, call := range [][3]string{{"POST", "/api/status-pages", `{"customerId":1,"name":"","slug":"other","`}, {"PATCH", "/api/status-pages/" + p.PublicID.String(), `{"name":"","`}} {
			a := h.request(call[0], call[1], call[2]+field+`":"`+domain+`"}`, "Authorization", bearer, "Content-Type", "application/json")
			if a.status != 400 || !strings.Contains(a.body, `"`+field+`"`) || !strings.Contains(a.body, `"name"`) {
				t.Errorf("%s %s: got %d %s, want 400 with the field beside the other one", call[0], domain, a.status, a.body)
			}
		}
		typed := strings.ReplaceAll(domain, `\u3002`, "\u3002")
		for _, path := range []string{"/status-pages/" + p.PublicID.String(), "/status-pages/" + p.PublicID.String() + "/domain"} {
			a := h.browser(session, "POST", path, url.Values{field: {typed}})
			if a.status != 422 || a.page(t).Find("[name="+field+"][aria-invalid=true]").AttrOr("value", "") != typed {
				t.Errorf("%s with %s: got %d %s, want 422 with the field and what was typed", path, typed, a.status, firstBytes(a.body))
			}
		}
	}
	if changed := h.changePage(p, `{"customDomainHostname":"status.echolot.example"}`); changed.CustomDomain != "status.echolot.example" {
		t.Errorf("got the domain %q, want the one below ours", changed.CustomDomain)
	}
}
