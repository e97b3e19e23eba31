package handlers

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"

	"github.com/PuerkitoBio/goquery"
	"github.com/gofiber/fiber/v2"
)

// sql changes what no method changes, and tells what models tell after a change.
func (h *house) sql(statement string) {
	h.t.Helper()
	var db *sql.DB
	if at := modelstest.URL(h.t, h.store); modelstest.IsPostgres(at) {
		db = modelstest.Connect(h.t, at)
	} else {
		var err error
		if db, err = sql.Open("sqlite", at+"?_pragma=busy_timeout(10000)"); err != nil {
			h.t.Fatal(err)
		}
		defer db.Close()
	}
	if _, err := db.ExecContext(h.t.Context(), statement); err != nil {
		h.t.Fatal(err)
	}
	h.statusChanged("")
}

// pagePassword opens every page of VisiblePassword that pageFor makes.
const pagePassword = "open sesame 1"

// pageFor makes a published page of the first customer.
func (h *house) pageFor(slug string, visibility models.Visibility) models.StatusPage {
	h.t.Helper()
	secret := ""
	if visibility == models.VisiblePassword {
		secret = `,"password":"` + pagePassword + `"`
	}
	p, err := h.store.CreateStatusPage(h.t.Context(), h.organization, object(h.t, `{"customerId":1,"name":"The page","slug":"`+slug+`","visibility":"`+string(visibility)+`","isPublished":true`+secret+`}`))
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// changePage changes the page as an operator does; fields are JSON.
func (h *house) changePage(p models.StatusPage, fields string) models.StatusPage {
	h.t.Helper()
	changed, err := h.store.ChangeStatusPage(h.t.Context(), h.organization, p.PublicID, object(h.t, fields), "")
	if err != nil {
		h.t.Fatal(err)
	}
	return changed
}

// at asks a host by its name.
func (h *house) at(host, method, path, body string, header ...string) answer {
	h.t.Helper()
	req, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Host = host
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

func (h *house) wantStatus(what string, a answer, status int) {
	h.t.Helper()
	if a.status != status {
		h.t.Errorf("%s: got %d %s, want %d", what, a.status, firstBytes(a.body), status)
	}
}

// shows tells whether the answer is the page itself.
func (a answer) shows() bool {
	return a.status == http.StatusOK && strings.Contains(a.body, "The page")
}

// TestStatusPublic: anybody sees it, and gets no cookie; crawlers may find it unless it says no.
func TestStatusPublic(t *testing.T) {
	houses(t, func(h *house) {
		p := h.pageFor("acme", models.VisiblePublic)
		a := h.request("GET", "/status/acme", "")
		if !a.shows() || a.header.Get("Set-Cookie") != "" || a.header.Get("X-Robots-Tag") != "" {
			h.t.Errorf("got %d, cookie %q, robots %q; want the page and neither", a.status, a.header.Get("Set-Cookie"), a.header.Get("X-Robots-Tag"))
		}
		h.wantStatus("HEAD", h.request("HEAD", "/status/acme", ""), http.StatusOK)
		h.changePage(p, `{"noIndex":true}`)
		if a := h.request("GET", "/status/acme", ""); a.header.Get("X-Robots-Tag") != "noindex, nofollow" {
			h.t.Errorf("not to be found: got robots %q", a.header.Get("X-Robots-Tag"))
		}
		if a := h.request("GET", "/robots.txt", ""); a.body != "User-agent: *\nAllow: /status/\nAllow: /static/\nDisallow: /\n" {
			h.t.Errorf("robots.txt: got %d %q", a.status, a.body)
		}
	})
}

// TestStatusChangeCounts: whoever asks for a page after a change finds it changed, however soon.
func TestStatusChangeCounts(t *testing.T) {
	h := liteHouse(t)
	p := h.pageFor("acme", models.VisiblePublic)
	for i := range 50 {
		p = h.changePage(p, `{"isPublished":`+strconv.FormatBool(i%2 == 0)+`}`)
		if got, err := h.s.status.ofSlug(t.Context(), "acme"); err != nil || got.IsPublished != p.IsPublished {
			t.Fatalf("change %d: got published %t and error %v, want %t", i, got.IsPublished, err, p.IsPublished)
		}
	}
}

// TestStatusNotThere: what is not published, not for the visitor, misspelt or nowhere is the same answer, to the byte.
func TestStatusNotThere(t *testing.T) {
	houses(t, func(h *house) {
		pages := map[string]models.StatusPage{}
		for slug, visibility := range map[string]models.Visibility{"by-link": models.VisibleLink, "public": models.VisiblePublic, "password": models.VisiblePassword, "members": models.VisibleMembers} {
			pages[slug] = h.pageFor(slug, visibility)
		}
		want := h.request("GET", "/status/nothing", "")
		h.wantStatus("nothing", want, http.StatusNotFound)
		same := func(what string, a answer) {
			h.t.Helper()
			if a.text() != want.text() {
				h.t.Errorf("%s: got\n%s\nwant what nothing gets:\n%s", what, a.text(), want.text())
			}
		}
		same("a link without its key", h.request("GET", "/status/by-link", ""))
		same("a wrong key", h.request("GET", "/status/by-link?key=x", ""))
		for _, slug := range []string{"PUBLIC", "publi", "public%20", "%ff", "public%00", "\u00fc", "..", "-", strings.Repeat("a", 300)} {
			same(slug, h.request("GET", "/status/"+strings.ReplaceAll(slug, "\u00fc", "%C3%BC"), ""))
		}
		foreigner := h.session(h.foreigner)
		same("members, signed in elsewhere", h.request("GET", "/status/members", "", "Cookie", "sid="+foreigner))
		for slug, p := range pages {
			h.changePage(p, `{"isPublished":false}`)
			same(slug+", not published", h.request("GET", "/status/"+slug, ""))
			same(slug+", not published, for an admin", h.request("GET", "/status/"+slug, "", "Cookie", "sid="+h.session("admin@example.com")))
		}
		wantPost := h.at("", "POST", "/status/nothing/login", "password=x")
		for slug := range pages {
			if a := h.at("", "POST", "/status/"+slug+"/login", "password=open+sesame+1"); a.text() != wantPost.text() || a.status != http.StatusNotFound {
				h.t.Errorf("%s: a password: got\n%s\nwant\n%s", slug, a.text(), wantPost.text())
			}
		}
	})
}

func TestStatusByLink(t *testing.T) {
	houses(t, func(h *house) {
		p := h.pageFor("acme", models.VisibleLink)
		other := h.pageFor("other", models.VisibleLink)
		a := h.request("GET", "/status/acme?key="+p.LinkToken, "")
		if !a.shows() || a.header.Get("Referrer-Policy") != "no-referrer" || a.header.Get("X-Robots-Tag") != "noindex, nofollow" || a.header.Get("Set-Cookie") != "" {
			h.t.Errorf("got %d and %v", a.status, a.header)
		}
		for _, key := range []string{"", other.LinkToken, p.LinkToken[:10], p.LinkToken + "x", strings.ToUpper(p.LinkToken)} {
			h.wantStatus("key "+key, h.request("GET", "/status/acme?key="+key, ""), http.StatusNotFound)
		}
		renewed, err := h.store.RenewStatusLink(h.t.Context(), h.organization, p.PublicID)
		if err != nil {
			h.t.Fatal(err)
		}
		if a := h.request("GET", "/status/acme?key="+renewed.LinkToken, ""); !a.shows() {
			h.t.Errorf("the new link: got %d, want the page", a.status)
		}
		h.wantStatus("an old link", h.request("GET", "/status/acme?key="+p.LinkToken, ""), http.StatusNotFound)
		h.sql("UPDATE status_pages SET link_token = ''")
		h.wantStatus("no link", h.request("GET", "/status/acme?key=", ""), http.StatusNotFound)
	})
}

// TestStatusForMembers: who is not signed in is asked to, and comes back; who sees the customer sees the page.
func TestStatusForMembers(t *testing.T) {
	houses(t, func(h *house) {
		p := h.pageFor("acme", models.VisibleMembers)
		a := h.request("GET", "/status/acme", "")
		if a.status != http.StatusSeeOther || a.header.Get("Location") != "/login?next=%2Fstatus%2Facme" {
			h.t.Errorf("signed out: got %d to %q, want the way to sign in", a.status, a.header.Get("Location"))
		}
		signedIn, token := h.login("readonly@example.com", "/status/acme", "")
		if signedIn.header.Get("Location") != "/status/acme" {
			h.t.Errorf("signed in: got to %q, want back to the page", signedIn.header.Get("Location"))
		}
		for who, session := range map[string]string{"readonly": token, "limited to the customer": h.session(h.limited), "a global role": h.session("global_supporter@example.com")} {
			if a := h.request("GET", "/status/acme", "", "Cookie", "sid="+session); !a.shows() || a.header.Get("X-Robots-Tag") == "" {
				h.t.Errorf("%s: got %d and robots %q, want the page for members", who, a.status, a.header.Get("X-Robots-Tag"))
			}
		}
		h.wantStatus("another organization", h.request("GET", "/status/acme", "", "Cookie", "sid="+h.session(h.foreigner)), http.StatusNotFound)
		limited := h.session(h.limited)
		h.changePage(p, `{"customerId":`+h.ref(h.second.ID)+`}`)
		h.wantStatus("a customer not seen", h.request("GET", "/status/acme", "", "Cookie", "sid="+limited), http.StatusNotFound)
		if err := h.store.SignOut(h.t.Context(), h.organization, token); err != nil {
			h.t.Fatal(err)
		}
		h.wantStatus("signed out again", h.request("GET", "/status/acme", "", "Cookie", "sid="+token), http.StatusSeeOther)
		h.wantStatus("a Bearer credential", h.request("GET", "/status/acme", "", "Authorization", "Bearer "+h.token("admin@example.com")), http.StatusSeeOther)
	})
}

// TestStatusByPassword: the form in the visitor's language, then a cookie for this page alone, until the password changes.
func TestStatusByPassword(t *testing.T) {
	houses(t, func(h *house) {
		p := h.pageFor("acme", models.VisiblePassword)
		h.pageFor("acme-2", models.VisiblePassword)
		a := h.request("GET", "/status/acme", "", "Accept-Language", "de-AT, en;q=0.5")
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
		if err != nil {
			h.t.Fatal(err)
		}
		if a.status != http.StatusUnauthorized || doc.Find("html").AttrOr("lang", "") != "de" || !strings.Contains(a.body, "Passwort nötig") ||
			doc.Find("form").AttrOr("action", "") != "/status/acme/login" || a.header.Get("X-Robots-Tag") == "" || a.header.Get("Cache-Control") != "no-store" {
			h.t.Errorf("got %d %v\n%s\nwant the form in German", a.status, a.header, a.body)
		}
		if brand := doc.Find(".brand"); strings.TrimSpace(brand.Text()) != "The page" || doc.Find(`nav a[hreflang="en"]`).AttrOr("href", "") != "/status/acme?lang=en" || doc.Find("[role=alert]").Length() != 0 {
			h.t.Errorf("got %s, want the page's name and its other language", a.body)
		}
		for _, secret := range []string{"Gateway", "127.0.0.1", h.customer.Name} {
			if strings.Contains(strings.ReplaceAll(a.body, h.url, ""), secret) {
				h.t.Errorf("the form tells of %q:\n%s", secret, a.body)
			}
		}
		a = h.at("", "POST", "/status/acme/login?lang=en", "password=wrong", "Accept-Language", "de")
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "That password is not right.") || a.header.Get("Set-Cookie") != "" {
			h.t.Errorf("a wrong password: got %d %s, want the form again in English", a.status, a.body)
		}
		for _, password := range []string{"", "open+sesame+1+", "OPEN+SESAME+1", strings.Repeat("x", 2000)} {
			h.wantStatus(password, h.at("", "POST", "/status/acme/login", "password="+password), http.StatusUnprocessableEntity)
		}
		for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
			h.wantStatus("from another site", h.at("", "POST", "/status/acme/login", "password=open+sesame+1", header...), http.StatusForbidden)
		}
		a = h.at("", "POST", "/status/acme/login?lang=de", "password=open+sesame+1")
		cookie := a.header.Get("Set-Cookie")
		if a.status != http.StatusSeeOther || a.header.Get("Location") != "/status/acme?lang=de" || !strings.HasPrefix(cookie, "status_visit=") ||
			!strings.Contains(cookie, "path=/status/acme;") || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") || strings.Contains(cookie, "domain") {
			h.t.Fatalf("got %d to %q with %q", a.status, a.header.Get("Location"), cookie)
		}
		visit, _, _ := strings.Cut(cookie, ";")
		if a := h.request("GET", "/status/acme", "", "Cookie", visit); !a.shows() || a.header.Get("Set-Cookie") != "" {
			h.t.Errorf("with the cookie: got %d and cookie %q, want the page", a.status, a.header.Get("Set-Cookie"))
		}
		month := "/history/" + time.Now().UTC().Format(monthForm)
		asked := h.request("GET", "/status/acme"+month+"?lang=de", "")
		form, err := goquery.NewDocumentFromReader(strings.NewReader(asked.body))
		if err != nil {
			h.t.Fatal(err)
		}
		wrong := h.at("", "POST", form.Find("form").AttrOr("action", ""), "password=wrong")
		if again, err := goquery.NewDocumentFromReader(strings.NewReader(wrong.body)); err != nil || again.Find("form").AttrOr("action", "") != form.Find("form").AttrOr("action", "") ||
			again.Find("[role=alert]").Text() == "" || again.Find(`nav a[hreflang="en"]`).AttrOr("href", "") != "/status/acme"+month+"?lang=en" {
			h.t.Errorf("a wrong password for a month: got %s, want the same form again", wrong.body)
		}
		if a := h.at("", "POST", form.Find("form").AttrOr("action", ""), "password=open+sesame+1"); a.header.Get("Location") != "/status/acme"+month+"?lang=de" {
			h.t.Errorf("the password for a month: got %d to %q, want the month", a.status, a.header.Get("Location"))
		}
		for _, evil := range []string{"//evil.example", "2026-11/../../x", "x"} {
			if a := h.at("", "POST", "/status/acme/login?month="+url.QueryEscape(evil), "password=open+sesame+1"); a.header.Get("Location") != "/status/acme" {
				h.t.Errorf("month %s: got to %q", evil, a.header.Get("Location"))
			}
		}
		h.wantStatus("another page", h.request("GET", "/status/acme-2", "", "Cookie", visit), http.StatusUnauthorized)
		h.wantStatus("a forged cookie", h.request("GET", "/status/acme", "", "Cookie", "status_visit=x"), http.StatusUnauthorized)
		h.wantStatus("no colour", h.request("GET", "/status/acme/theme.css", ""), http.StatusNotFound)
		h.changePage(p, `{"password":"open sesame 2","accent":"#aa1100"}`)
		if a := h.request("GET", "/status/acme", ""); !strings.Contains(a.body, "/status/acme/theme.css?v=") {
			h.t.Errorf("got %s, want the form in the page's colour", a.body)
		}
		if a := h.request("GET", "/status/acme/theme.css", ""); a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Cache-Control"), "private") {
			h.t.Errorf("its colour: got %d %v, want it, for the visitor alone", a.status, a.header)
		}
		h.wantStatus("a new password", h.request("GET", "/status/acme", "", "Cookie", visit), http.StatusUnauthorized)
	})
}

func TestStatusPasswordIsThrottled(t *testing.T) {
	h := liteHouse(t)
	h.pageFor("acme", models.VisiblePassword)
	for range 20 {
		h.wantStatus("a wrong password", h.at("", "POST", "/status/acme/login", "password=wrong"), http.StatusUnprocessableEntity)
	}
	a := h.at("", "POST", "/status/acme/login", "password=open+sesame+1", "X-Forwarded-For", "192.0.2.7", "Accept-Language", "de")
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "Zu viele Versuche") {
		t.Errorf("got %d %s, want 429 with the form and a time", a.status, a.body)
	}
}

func TestStatusCookieOfHTTPS(t *testing.T) {
	h := liteHouse(t, overHTTPS)
	h.pageFor("acme", models.VisiblePassword)
	a := h.at("", "POST", "/status/acme/login", url.Values{"password": {pagePassword}}.Encode())
	if cookie := a.header.Get("Set-Cookie"); a.status != http.StatusSeeOther || !strings.Contains(cookie, "; secure") {
		t.Errorf("got %d and %q, want a secure cookie", a.status, cookie)
	}
}

// TestVisitAgain: a stream's visitor is refused once the page would not open any more, and stays while only we are in trouble.
func TestVisitAgain(t *testing.T) {
	h := liteHouse(t)
	var again func(context.Context) (models.Actor, error)
	var server *Server
	h.serveAgain(func(s *Server) {
		server = s
		s.app.Get("/again/:slug", func(c *fiber.Ctx) error {
			again = s.visitAgain(c)
			return nil
		})
	})
	open := func(path, cookie string) {
		t.Helper()
		h.wantStatus(path, h.request("GET", path, "", "Cookie", cookie), http.StatusOK)
	}
	ask := func(what string, refused bool) {
		t.Helper()
		if _, err := again(t.Context()); errors.Is(err, models.ErrUnauthorized) != refused || !refused && err != nil {
			t.Errorf("%s: got %v, want refused %t", what, err, refused)
		}
	}
	p := h.pageFor("acme", models.VisibleLink)
	open("/again/acme?key="+p.LinkToken, "")
	ask("with the key", false)
	if _, err := h.store.RenewStatusLink(t.Context(), h.organization, p.PublicID); err != nil {
		t.Fatal(err)
	}
	ask("with an old key", true)

	h.changePage(p, `{"visibility":"password","password":"`+pagePassword+`"}`)
	visit, _, _ := strings.Cut(h.at("", "POST", "/status/acme/login", "password=open+sesame+1").header.Get("Set-Cookie"), ";")
	open("/again/acme", visit)
	ask("with the password", false)
	h.sql("ALTER TABLE status_visits RENAME TO away")
	ask("without the visits, of which it was one", false)
	server.admitted.mu.Lock()
	clear(server.admitted.visits)
	server.admitted.mu.Unlock()
	if _, err := again(t.Context()); err == nil || errors.Is(err, models.ErrUnauthorized) {
		t.Errorf("without the visits: got %v, want trouble that refuses nobody", err)
	}
	h.sql("ALTER TABLE away RENAME TO status_visits")
	h.changePage(p, `{"password":"open sesame 2"}`)
	ask("with an old password", true)

	session := h.session("readonly@example.com")
	h.changePage(p, `{"visibility":"members"}`)
	open("/again/acme", "sid="+session)
	ask("signed in", false)
	if err := h.store.SignOut(t.Context(), h.organization, session); err != nil {
		t.Fatal(err)
	}
	ask("signed out", true)

	h.changePage(p, `{"visibility":"public"}`)
	ask("public", false)
	h.changePage(p, `{"isPublished":false}`)
	ask("not published", true)
	h.changePage(p, `{"isPublished":true}`)
	ask("published again", false)
	h.sql("ALTER TABLE status_pages RENAME TO away")
	ask("without the database", false)
	open("/again/unread", "") // nobody asked for this one while the database was there
	if _, err := again(t.Context()); err == nil || errors.Is(err, models.ErrUnauthorized) {
		t.Errorf("a page that nobody read: got %v, want trouble that refuses nobody", err)
	}
}
