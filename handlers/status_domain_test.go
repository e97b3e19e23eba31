package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"echolot/models"
)

func (h *house) ref(id int64) string { return fmt.Sprint(id) }

// domain gives the page a domain that is proved, and lets the server know at once.
func (h *house) domain(slug, domain string) {
	h.t.Helper()
	h.sql("UPDATE status_pages SET custom_domain = '" + domain + "', domain_verified_at = '2026-11-25 12:00:00' WHERE slug = '" + slug + "'")
	h.forgetDomains()
}

func (h *house) forgetDomains() {
	h.s.domains.reading.Lock()
	defer h.s.domains.reading.Unlock()
	h.s.domains.at = time.Time{}
}

// TestStatusDomain: a proved domain shows its page at its root and reaches nothing else; every other name shows what it did before.
func TestStatusDomain(t *testing.T) {
	houses(t, func(h *house) {
		p := h.pageFor("acme", models.VisiblePublic)
		h.pageFor("other", models.VisiblePublic)
		h.sql("UPDATE status_pages SET custom_domain = 'claimed.example' WHERE slug = 'other'")
		h.domain("acme", "status.example")
		for _, host := range []string{"status.example", "STATUS.Example:8080", "status.example."} {
			a := h.at(host, "GET", "/", "")
			if !a.shows() || a.header.Get("Set-Cookie") != "" {
				h.t.Errorf("%s: got %d %s, want the page", host, a.status, firstBytes(a.body))
			}
		}
		h.wantStatus("with a query", h.at("status.example", "GET", "/?lang=de", ""), http.StatusOK)
		h.wantStatus("a style sheet", h.at("status.example", "GET", h.s.assets.Style, ""), http.StatusOK)
		h.wantStatus("the icon", h.at("status.example", "GET", "/favicon.ico", ""), http.StatusOK)
		// The program's own stream is for those who are signed in.
		if a := h.at("status.example", "HEAD", "/events", ""); a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/event-stream") {
			h.t.Errorf("the page's stream: got %d with %v", a.status, a.header)
		}
		session := h.session("admin@example.com")
		for _, r := range h.s.routes() {
			target := h.everyURL(r)
			if strings.HasPrefix(r.path, "/static/") || r.path == "/favicon.ico" || r.path == "/" || r.path == "/robots.txt" || r.path == "/events" {
				continue // a page has these itself
			}
			a := h.at("status.example", r.method, target, "", "Cookie", "sid="+session, "Authorization", "Bearer "+session, "Sec-Fetch-Site", "same-origin")
			// /login is there for a page with a password.
			if a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed {
				h.t.Errorf("%s %s: got %d %s, want it not there", r.method, target, a.status, firstBytes(a.body))
			}
			if strings.Contains(a.body, h.url) || strings.Contains(a.header.Get("Location"), "login") {
				h.t.Errorf("%s %s: the answer leads to the program: %s", r.method, target, a.body)
			}
		}
		for _, path := range []string{"/../monitors", "/%2e%2e/%2e%2e/monitors", "//monitors", "/status/acme", "/..%2f..%2fmonitors", "/../../../login"} {
			if a := h.at("status.example", "GET", path, "", "Cookie", "sid="+session); a.status != http.StatusNotFound {
				h.t.Errorf("%s: got %d, want it not there", path, a.status)
			}
		}
		for _, host := range []string{"claimed.example", "evil.example", "sub.status.example", "status.example.evil.example", "", "127.0.0.1", "[::1]:80"} {
			if a := h.at(host, "GET", "/", ""); a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/login") {
				h.t.Errorf("%q: got %d to %q, want the program", host, a.status, a.header.Get("Location"))
			}
			h.wantStatus("its path at "+host, h.at(host, "GET", "/status/acme", ""), http.StatusOK)
		}
		if a := h.request("GET", "/", "", "X-Forwarded-Host", "status.example"); a.status != http.StatusSeeOther {
			h.t.Errorf("X-Forwarded-Host: got %d, want it to count for nothing", a.status)
		}
		// The first line's name counts, as every proxy before us reads it.
		if a := h.raw("GET http://status.example/ HTTP/1.1\r\nHost: " + strings.TrimPrefix(h.url, "http://") + "\r\n\r\n"); a.status != http.StatusOK {
			h.t.Errorf("an absolute address of the domain: got %d, want the page", a.status)
		}
		if a := h.raw("GET " + h.url + "/ HTTP/1.1\r\nHost: status.example\r\n\r\n"); a.status != http.StatusSeeOther {
			h.t.Errorf("an absolute address of the program: got %d, want the program", a.status)
		}
		if a := h.at("status.example", "GET", "/robots.txt", ""); a.status != http.StatusOK || a.body != "User-agent: *\nDisallow:\n" {
			h.t.Errorf("robots.txt: got %d %q", a.status, a.body)
		}
		h.changePage(p, `{"isPublished":false}`)
		for _, path := range []string{"/", "/robots.txt"} {
			h.wantStatus("not published", h.at("status.example", "GET", path, ""), http.StatusNotFound)
		}
		h.sql("UPDATE status_pages SET is_published = TRUE, domain_verified_at = NULL")
		h.forgetDomains()
		h.wantStatus("not verified any more", h.at("status.example", "GET", "/", ""), http.StatusSeeOther)
	})
}

// The program's own name is no page's, whoever proves it.
func TestStatusDomainOfTheProgram(t *testing.T) {
	h := liteHouse(t, overHTTPS)
	h.pageFor("acme", models.VisiblePublic)
	h.domain("acme", "echolot.example")
	if a := h.at("echolot.example", "GET", "/", ""); a.status != http.StatusSeeOther || a.header.Get("Location") != "/login" {
		t.Errorf("got %d to %q, want the program", a.status, a.header.Get("Location"))
	}
}

// TestStatusDomainAccess: on its domain a page has the same doors; members are sent where they can sign in.
func TestStatusDomainAccess(t *testing.T) {
	houses(t, func(h *house) {
		p := h.pageFor("acme", models.VisiblePassword)
		h.domain("acme", "status.example")
		a := h.at("status.example", "GET", "/", "")
		if a.status != http.StatusUnauthorized || !strings.Contains(a.body, `action="/login"`) {
			h.t.Errorf("got %d %s, want the form", a.status, a.body)
		}
		a = h.at("status.example", "POST", "/login", "password=open+sesame+1", "Origin", "http://status.example")
		cookie := a.header.Get("Set-Cookie")
		if a.status != http.StatusSeeOther || a.header.Get("Location") != "/" || !strings.Contains(cookie, "path=/;") || strings.Contains(cookie, "domain") {
			h.t.Fatalf("got %d to %q with %q", a.status, a.header.Get("Location"), cookie)
		}
		visit, _, _ := strings.Cut(cookie, ";")
		if a := h.at("status.example", "GET", "/", "", "Cookie", visit); !a.shows() {
			h.t.Errorf("with the cookie: got %d, want the page", a.status)
		}
		h.wantStatus("from the program's own page", h.at("status.example", "POST", "/login", "password=open+sesame+1", "Origin", h.url), http.StatusForbidden)
		if a := h.at("status.example", "GET", "/robots.txt", ""); a.body != "User-agent: *\nDisallow: /\n" {
			h.t.Errorf("robots.txt: got %d %q", a.status, a.body)
		}

		p = h.changePage(p, `{"visibility":"link"}`)
		if a := h.at("status.example", "GET", "/?key="+p.LinkToken, ""); !a.shows() {
			h.t.Errorf("with the key: got %d, want the page", a.status)
		}
		h.wantStatus("without the key", h.at("status.example", "GET", "/", ""), http.StatusNotFound)

		h.changePage(p, `{"visibility":"members"}`)
		a = h.at("status.example", "GET", "/?next=//evil.example", "", "Cookie", "sid="+h.session("admin@example.com"))
		if a.status != http.StatusSeeOther || a.header.Get("Location") != h.url+"/status/acme" {
			h.t.Errorf("members: got %d to %q, want the program's address", a.status, a.header.Get("Location"))
		}
	})
}

// What is asked for in the clear goes to TLS where it is served, but for programs; certificates are for known names only.
func TestStatusDomainTLS(t *testing.T) {
	asked := make(chan string, 1)
	h := liteHouse(t, func(o *Options) {
		o.BaseURL = &url.URL{Scheme: "https", Host: "echolot.example:8443"}
		o.TLS = true
		o.Challenges = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked <- r.Host; w.Write([]byte(r.URL.Path)) })
	})
	h.pageFor("acme", models.VisiblePublic)
	h.domain("acme", "status.example")
	for _, test := range []struct{ host, method, path, location string }{
		{"status.example", "GET", "/history/2026-11?lang=de", "https://status.example:8443/history/2026-11?lang=de"},
		{"status.example:80", "HEAD", "/", "https://status.example:8443/"},
		{"echolot.example", "GET", "/monitors?page=2", "https://echolot.example:8443/monitors?page=2"},
		{"echolot.example", "GET", "//evil.example/", "https://echolot.example:8443/evil.example/"},
		{"echolot.example", "GET", "/api/icmp-monitors", ""},
		{"echolot.example", "GET", "/healthz", ""},
		{"127.0.0.1", "GET", "/login", ""},
		{"evil.example", "GET", "/login", ""},
	} {
		a := h.at(test.host, test.method, test.path, "")
		if got := a.header.Get("Location"); got != test.location || (a.status == http.StatusPermanentRedirect) != (test.location != "") {
			t.Errorf("%s %s%s: got %d to %q, want %q", test.method, test.host, test.path, a.status, got, test.location)
		}
	}
	if a := h.at("status.example", "GET", "/.well-known/acme-challenge/token", ""); a.status != http.StatusOK || a.body != "/.well-known/acme-challenge/token" || <-asked != "status.example" {
		t.Errorf("a challenge: got %d %q", a.status, a.body)
	}
	for host, want := range map[string]bool{"echolot.example": true, "status.example": true, "STATUS.example": true, "evil.example": false, "127.0.0.1": false, "": false, "sub.status.example": false} {
		if err := h.s.MayHaveCertificate(t.Context(), host); (err == nil) != want {
			t.Errorf("a certificate for %q: got %v, want %t", host, err, want)
		}
	}
}

// While the database is away, a domain goes on to be its page's.
func TestStatusDomainWithoutDatabase(t *testing.T) {
	h := liteHouse(t)
	h.pageFor("acme", models.VisiblePublic)
	h.domain("acme", "status.example")
	h.wantStatus("before", h.at("status.example", "GET", "/", ""), http.StatusOK)
	h.forgetDomains()
	h.sql("ALTER TABLE status_pages RENAME TO away")
	if slug, ok := h.s.domains.slug("status.example"); !ok || slug != "acme" {
		t.Errorf("got %q, %t; want what was last read", slug, ok)
	}
}
