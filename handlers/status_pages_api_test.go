package handlers

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"echolot/models/modelstest"
)

const statusPagesPath = "/api/status-pages"

func TestGoldenStatusPages(t *testing.T) {
	houses(t, func(h *house) {
		b, admin, limited, readonly := &book{h: h}, h.token("admin@example.com"), h.token(h.limited), h.token("readonly@example.com")
		const all = statusPagesPath
		one := all + "/" + h.page
		b.ask("create, as little as possible", admin, "POST", all, `{"customerId":1,"name":" Acme ","slug":"acme"}`)
		a := b.ask("create, everything", admin, "POST", all, `{"customerId":"`+h.second.PublicID.String()+`","name":"Everything","slug":"everything-1","description":"Two\r\nlines","visibility":"password","isPublished":true,"customDomainHostname":"Status.Bücher.example.","password":"correct horse battery","language":"de","timeZone":"Europe/Berlin","footerText":"Call 112","accent":"#1A5A96","showHostnames":true,"allMonitors":false,"latency":"smoke","noIndex":true,"frameSites":["https://www.Example.com/","https://example.com:8443","http://127.0.0.1:3000"],"publish":"all","monitors":[{"monitorId":"`+h.hidden.PublicID.String()+`","groupName":"B","displayName":"Behind"},{"monitorId":"`+h.monitor.PublicID.String()+`","groupName":"A","hidden":true}]}`)
		var made struct{ PublicID string }
		a.decode(h.t, &made)
		b.ask("create, everything wrong", admin, "POST", all, `{"customerId":"x","name":"","slug":"X","description":5,"visibility":"all","isPublished":1,"customDomainHostname":"127.0.0.1","password":"short","language":"fr","timeZone":"Local","footerText":[],"accent":"red","showHostnames":null,"allMonitors":"x","latency":"bar","noIndex":0,"frameSites":["https://x; script-src *"],"publish":"some","monitors":[{"monitorId":1},5]}`)
		b.ask("create, a slug that is taken", admin, "POST", all, `{"customerId":1,"name":"Again","slug":"acme"}`)
		b.ask("create, another organization's slug is taken too", h.token(h.foreigner), "POST", all, `{"customerId":2,"name":"Foreign","slug":"acme"}`)
		b.ask("create, with a password that is not there", admin, "POST", all, `{"customerId":1,"name":"Shut","slug":"shut","visibility":"password"}`)
		b.ask("create, nobody's customer", admin, "POST", all, `{"customerId":2,"name":"Foreign","slug":"foreign"}`)
		b.ask("create, nobody's monitor", admin, "POST", all, `{"customerId":1,"name":"Foreign","slug":"foreign","monitors":[{"monitorId":"`+h.foreignOne.PublicID.String()+`"}]}`)
		b.ask("create, read-only", readonly, "POST", all, `{}`)
		b.ask("list", admin, "GET", all, "")
		b.ask("list, second page of one", admin, "GET", all+"?page=2&perPage=1", "")
		b.ask("list, of a customer", limited, "GET", all+"?customerId=1&perPage=1", "")
		b.ask("list, of a customer that is not seen", limited, "GET", all+"?customerId="+h.second.PublicID.String(), "")
		b.ask("list, everything wrong", admin, "GET", all+"?customerId=x&page=0&perPage=201", "")
		b.ask("show", admin, "GET", one, "")
		b.ask("show, read-only: no link", readonly, "GET", one, "")
		b.ask("show, not seen", limited, "GET", all+"/"+made.PublicID, "")
		b.ask("show, no UUID", admin, "GET", all+"/1", "")
		b.ask("change, nothing", admin, "PATCH", one, `{}`)
		b.ask("change, everything to nothing", admin, "PATCH", all+"/"+made.PublicID, `{"description":null,"visibility":"link","customDomainHostname":null,"password":null,"footerText":null,"accent":null,"frameSites":null,"monitors":null}`)
		b.ask("change, somebody else did before", admin, "PATCH", one, `{"name":"Mine"}`, "If-Match", `"1"`)
		b.ask("change, a slug that is taken", admin, "PATCH", one, `{"slug":"acme"}`)
		b.ask("change, to a password that is not there", admin, "PATCH", one, `{"visibility":"password"}`)
		b.ask("a new link", admin, "POST", one+"/renew-link", "")
		b.ask("delete, not seen", limited, "DELETE", all+"/"+made.PublicID, "")
		b.ask("delete", admin, "DELETE", one, "")
		b.ask("delete again", admin, "DELETE", one, "")
		b.close("status_pages")
	})
}

// Who names monitors of a new page means these and no others, unless all are asked for.
func TestStatusPageOfNamedMonitors(t *testing.T) {
	h := liteHouse(t)
	admin := h.token("admin@example.com")
	named := `"monitors":[{"monitorId":"` + h.monitor.PublicID.String() + `"}]`
	for i, test := range []struct {
		fields string
		all    bool
	}{
		{named, false},
		{named + `,"allMonitors":true`, true},
		{`"monitors":[]`, true},
		{`"monitors":null`, true},
	} {
		var made struct{ AllMonitors bool }
		h.api(admin, "POST", statusPagesPath, fmt.Sprintf(`{"customerId":1,"name":"Named","slug":"named-%d",%s}`, i, test.fields)).decode(t, &made)
		if made.AllMonitors != test.all {
			t.Errorf("%s: got allMonitors %t, want %t", test.fields, made.AllMonitors, test.all)
		}
	}
}

// What is refused is refused by the field's name, and one character less is taken.
func TestStatusPageRules(t *testing.T) {
	h := liteHouse(t)
	admin := h.token("admin@example.com")
	one := statusPagesPath + "/" + h.page
	long := func(n int) string { return strings.Repeat("ä", n) }
	sites := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(`"https://s%d.example"`, i)
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	place := func(rest string) string { return `[{"monitorId":"` + h.monitor.PublicID.String() + `"` + rest + `}]` }
	for _, test := range []struct{ field, wrong, right, at string }{
		{"name", `"` + long(121) + `"`, `"` + long(120) + `"`, ""},
		{"name", `null`, `"x"`, ""},
		{"slug", `"ab"`, `"abc"`, ""},
		{"slug", `"` + strings.Repeat("a", 61) + `"`, `"` + strings.Repeat("a", 60) + `"`, ""},
		{"slug", `"api"`, `"api1"`, ""},
		{"slug", `"a/b-c"`, `"a-b-c"`, ""},
		{"slug", `"---"`, `"a-b"`, ""},
		{"slug", `"-ab"`, `"a--b"`, ""},
		{"slug", `"ab-"`, `"9ab"`, ""},
		{"description", `"` + long(1001) + `"`, `"` + long(1000) + `"`, ""},
		{"description", `"a\u0007b"`, `"a\n\tb"`, ""},
		{"footerText", `"` + long(501) + `"`, `"` + long(500) + `"`, ""},
		{"customDomainHostname", `"localhost"`, `"status.example.com"`, ""},
		{"customDomainHostname", `"_x.example.com"`, `""`, ""},
		{"customDomainHostname", `"https://status.example.com"`, `null`, ""},
		{"password", `"elevenbytes"`, `"twelve bytes"`, ""},
		{"timeZone", `"Europe/Dresden"`, `"Europe/Berlin"`, ""},
		{"timeZone", `"../../etc/passwd"`, `"UTC"`, ""},
		{"timeZone", `"europe/berlin"`, `"Europe/Berlin"`, ""},
		{"accent", `"#12345"`, `"#ABCDEF"`, ""},
		{"frameSites", `["http://example.com"]`, `["http://[::1]:80","http://localhost"]`, ""},
		{"frameSites", `["https://example.com/page"]`, `["https://example.com/"]`, ""},
		{"frameSites", `["https://a b"]`, `["https://bücher.example"]`, ""},
		{"frameSites", `["https://*.example.com"]`, `[]`, ""},
		{"frameSites", sites(21), sites(20), ""},
		{"monitors", `5`, `[]`, ""},
		{"monitors", place(`,"groupName":"` + long(81) + `"`), place(`,"groupName":"` + long(80) + `"`), ".0.groupName"},
		{"monitors", place(`,"displayName":"` + long(121) + `"`), place(`,"displayName":"` + long(120) + `"`), ".0.displayName"},
		{"monitors", strings.Replace(place(""), "]", ",", 1) + place("")[1:], place(`,"hidden":true`), ".1.monitorId"},
	} {
		h.wantRefused(test.field+" "+test.wrong[:min(40, len(test.wrong))], h.api(admin, "PATCH", one, `{"`+test.field+`":`+test.wrong+`}`), "", test.field+test.at)
		if a := h.api(admin, "PATCH", one, `{"`+test.field+`":`+test.right+`}`); a.status != 200 {
			t.Errorf("%s %.80s: got %d %s, want 200", test.field, test.right, a.status, a.body)
		}
	}
}

// An ETag of before a change is refused, that of the answer is taken.
func TestStatusPageIfMatch(t *testing.T) {
	houses(t, func(h *house) {
		admin := h.token("admin@example.com")
		one := statusPagesPath + "/" + h.page
		change := func(etag, name string) answer {
			return h.request("PATCH", one, `{"name":"`+name+`"}`, "Authorization", "Bearer "+admin, "Content-Type", "application/json", "If-Match", etag)
		}
		old := h.api(admin, "GET", one, "").header.Get("ETag")
		first := change(old, "Theirs")
		if first.status != 200 || first.header.Get("ETag") == old {
			h.t.Fatalf("got %d and ETag %s after %s, want 200 and another", first.status, first.header.Get("ETag"), old)
		}
		if a := change(old, "Mine"); a.status != 412 {
			h.t.Errorf("with the old ETag: got %d %s, want 412", a.status, a.body)
		}
		if a := change(first.header.Get("ETag"), "Mine"); a.status != 200 {
			h.t.Errorf("with the new one: got %d %s, want 200", a.status, a.body)
		}
	})
}

// The link that opens a page is for who may change the page, not for all who may tell on it or read what was told: it shows monitors
// of customers that they may not see.
func TestStatusLinkIsNotToldOnPosts(t *testing.T) {
	houses(t, func(h *house) {
		admin, one := h.token("admin@example.com"), statusPagesPath+"/"+h.page
		var p struct{ LinkURL string }
		h.api(admin, "PATCH", one, `{"visibility":"link","isPublished":true}`).decode(h.t, &p)
		_, key, _ := strings.Cut(p.LinkURL, "key=")
		told := func(user string) bool {
			h.t.Helper()
			a := h.browser(h.session(user), "GET", statusPagePath(h, "/posts"), nil)
			if a.status != 200 || len(key) < 20 {
				h.t.Fatalf("%s: got %d, key %q", user, a.status, key)
			}
			return strings.Contains(a.body, key)
		}
		if !told("admin@example.com") || !told(h.limited) || told("readonly@example.com") {
			h.t.Error("want the link told to who may change the page, and to nobody else")
		}
		h.wantStatus("with another's monitor", h.api(admin, "PATCH", one, `{"monitors":[{"monitorId":"`+h.hidden.PublicID.String()+`"}]}`), 200)
		if a := h.browser(h.session(h.limited), "GET", statusPagePath(h, "/posts"), nil); a.status != 404 {
			h.t.Errorf("with another customer's monitor: got %d for a limited user, want 404", a.status)
		}
	})
}

// The layout of a page: groups stand together. A page with a monitor of another customer is none for who sees one customer only.
func TestStatusLayoutOfTheLimited(t *testing.T) {
	houses(t, func(h *house) {
		admin, limited := h.token("admin@example.com"), h.token(h.limited)
		one := statusPagesPath + "/" + h.page
		var more struct{ PublicID string }
		h.api(admin, "POST", monitorsPath, monitorBody(`"customerId":1,"name":"More"`)).decode(h.t, &more)
		first, hidden := h.monitor.PublicID.String(), h.hidden.PublicID.String()
		want := func(what, credential string, places ...string) {
			h.t.Helper()
			var p struct {
				Monitors []struct{ MonitorID, GroupName string }
			}
			h.api(credential, "GET", one, "").decode(h.t, &p)
			var got []string
			for _, m := range p.Monitors {
				got = append(got, m.GroupName+":"+map[string]string{first: "first", hidden: "hidden", more.PublicID: "more"}[m.MonitorID])
			}
			if fmt.Sprint(got) != fmt.Sprint(places) {
				h.t.Errorf("%s: got %v, want %v", what, got, places)
			}
		}
		change := func(what, credential string, status int, places ...string) {
			h.t.Helper()
			if a := h.api(credential, "PATCH", one, `{"monitors":[`+strings.Join(places, ",")+`]}`); a.status != status {
				h.t.Errorf("%s: got %d %s, want %d", what, a.status, a.body, status)
			}
		}
		place := func(id, group string) string { return `{"monitorId":"` + id + `","groupName":"` + group + `"}` }
		change("three in two groups", limited, 200, place(first, "A"), place(more.PublicID, "B"))
		want("as the limited user placed them", limited, "A:first", "B:more")
		change("what is not seen", limited, 404, place(hidden, "C"))
		want("after that", admin, "A:first", "B:more")
		change("by the admin", admin, 200, place(first, "A"), place(hidden, "B"), place(more.PublicID, "A"))
		want("together", admin, "A:first", "A:more", "B:hidden")
		for _, ask := range [][3]string{{"GET", "", ""}, {"PATCH", "", `{"showHostnames":true}`}, {"DELETE", "", ""}, {"POST", "/renew-link", ""}} {
			if a := h.api(limited, ask[0], one+ask[1], ask[2]); a.status != 404 {
				h.t.Errorf("%v of a page with another's monitor: got %d %s, want 404", ask, a.status, a.body)
			}
		}
		session := h.session(h.limited)
		for _, rest := range []string{"/preview", "/domain", "/embed"} {
			if a := h.browser(session, "GET", statusPagePath(h, rest), nil); a.status != 404 {
				h.t.Errorf("its %s: got %d, want 404", rest, a.status)
			}
		}
		if a := h.browser(session, "POST", statusPagePath(h, "/domain"), url.Values{"customDomainHostname": {"evil.example"}}); a.status != 404 {
			h.t.Errorf("a domain for it: got %d, want 404", a.status)
		}
		h.wantValues("the list", h.api(limited, "GET", statusPagesPath, ""), 200, `{"total":0}`)
		// A monitor that is deleted leaves its place.
		if a := h.api(admin, "DELETE", monitorsPath+"/"+hidden, ""); a.status != 200 {
			h.t.Fatalf("got %d %s", a.status, a.body)
		}
		want("after the monitor was deleted", limited, "A:first", "A:more")
	})
}

// Who had the old password, or the old link, has nothing any more; a domain of another name has to be proved anew.
func TestStatusSecretsChange(t *testing.T) {
	houses(t, func(h *house) {
		admin := h.token("admin@example.com")
		one := statusPagesPath + "/" + h.page
		type secrets struct {
			LinkURL          string
			DomainVerifiedAt *string
			DomainRecord     *struct{ Name, Value string }
		}
		patch := func(body string) (p secrets) {
			h.t.Helper()
			a := h.api(admin, "PATCH", one, body)
			if a.status != 200 {
				h.t.Fatalf("%s: got %d %s, want 200", body, a.status, a.body)
			}
			a.decode(h.t, &p)
			return p
		}
		before := patch(`{"customDomainHostname":"status.example.com","password":"correct horse battery","visibility":"password"}`)
		for _, statement := range []string{
			`INSERT INTO status_visits (token_hash, page_id, expires_at) VALUES ('x', 1, '2100-01-01 00:00:00+00:00')`,
			`UPDATE status_pages SET domain_verified_at = '2026-01-01 00:00:00+00:00'`,
		} {
			if err := execute(h.t, h.store, statement); err != nil {
				h.t.Fatal(err)
			}
		}
		visits := func() int {
			h.t.Helper()
			var n int
			if err := modelstest.Connect(h.t, modelstest.URL(h.t, h.store)).QueryRowContext(h.t.Context(), "SELECT count(*) FROM status_visits").Scan(&n); err != nil {
				h.t.Fatal(err)
			}
			return n
		}
		same := patch(`{"customDomainHostname":"Status.example.com","name":"Another"}`)
		if same.DomainVerifiedAt == nil || *same.DomainRecord != *before.DomainRecord || same.LinkURL != "http://status.example.com"+h.url[strings.LastIndex(h.url, ":"):]+"?key="+strings.SplitN(before.LinkURL, "key=", 2)[1] || visits() != 1 {
			h.t.Errorf("got %+v and %d visits after a change of something else, want everything as it was", same, visits())
		}
		other := patch(`{"customDomainHostname":"other.example.com","password":"another horse battery"}`)
		if other.DomainVerifiedAt != nil || other.DomainRecord.Value == before.DomainRecord.Value || other.DomainRecord.Name != "_echolot.other.example.com" || visits() != 0 {
			h.t.Errorf("got %+v and %d visits, want the domain unproved and no visit", other, visits())
		}
		var renewed secrets
		h.api(admin, "POST", one+"/renew-link", "").decode(h.t, &renewed)
		if renewed.LinkURL == "" || renewed.LinkURL == before.LinkURL {
			h.t.Errorf("got link %q, want a new one", renewed.LinkURL)
		}
		if a := h.api(admin, "PATCH", one, `{"password":null}`); a.status != 400 {
			h.t.Errorf("forgetting the password that is asked for: got %d, want 400", a.status)
		}
		var kept json.RawMessage
		h.api(admin, "GET", one, "").decode(h.t, &kept)
		for _, secret := range []string{"argon2id", "assword\":\"", "PasswordHash"} {
			if strings.Contains(string(kept), secret) {
				h.t.Errorf("got %s, want nothing of the password", kept)
			}
		}
	})
}
