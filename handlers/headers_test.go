package handlers

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"echolot/models/modelstest"

	"github.com/PuerkitoBio/goquery"
)

// wantedHeaders are on every answer; written out here, because a constant shared with the product would follow its faults.
var wantedHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'",
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"X-Frame-Options":              "DENY",
}

// statusSettings is the page of a status page's settings.
var statusSettings = regexp.MustCompile(` /status-pages/[0-9a-f-]{36}$`)

// checkHeaders is what T78 wants of an answer.
func checkHeaders(t *testing.T, what string, a answer, secure bool) {
	t.Helper()
	for name, want := range wantedHeaders {
		// Of a status page the preview may be framed by pages of ours, and its settings frame it.
		switch framed := a.status == 200 && strings.HasSuffix(what, "/preview"); {
		case framed && name == "Content-Security-Policy":
			want = strings.Replace(want, "frame-ancestors 'none'", "frame-ancestors 'self'", 1)
		case framed && name == "X-Frame-Options":
			want = "SAMEORIGIN"
		case a.status == 200 && name == "Content-Security-Policy" && statusSettings.MatchString(what):
			want += "; frame-src 'self'"
		}
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %s: got %q, want %q", what, name, got, want)
		}
	}
	if a.header.Get("X-Request-Id") == "" {
		t.Errorf("%s: no X-Request-Id", what)
	}
	hsts := ""
	if secure {
		hsts = "max-age=31536000; includeSubDomains"
	}
	if got := a.header.Get("Strict-Transport-Security"); got != hsts {
		t.Errorf("%s: Strict-Transport-Security: got %q, want %q", what, got, hsts)
	}
	for _, name := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Origin"} {
		if got := a.header.Get(name); got != "" {
			t.Errorf("%s: %s: got %q, want none", what, name, got)
		}
	}
	if kind := a.header.Get("Content-Type"); (kind != "" || a.body != "") && !strings.HasSuffix(kind, "; charset=utf-8") {
		t.Errorf("%s: Content-Type: got %q, want one with charset=utf-8", what, kind)
	}
	cache := "no-store"
	if a.status == 200 && strings.Contains(what, "/static/") {
		cache = "public, max-age=31536000, immutable"
	}
	if a.status == 200 && strings.Contains(what, "/chart.svg") {
		cache = "private, no-cache"
	}
	if got := a.header.Get("Cache-Control"); got != cache && (a.status != 200 || !strings.Contains(what, "/favicon.ico")) {
		t.Errorf("%s: Cache-Control: got %q, want %q", what, got, cache)
	}
	for _, cookie := range a.header.Values("Set-Cookie") {
		for _, flag := range []string{"; path=/", "; httponly", "; samesite=lax"} {
			if !strings.Contains(strings.ToLower(cookie), flag) {
				t.Errorf("%s: got cookie %q, want it with %q", what, cookie, flag)
			}
		}
		if strings.Contains(strings.ToLower(cookie), "; secure") != secure {
			t.Errorf("%s: got cookie %q, want secure %t", what, cookie, secure)
		}
	}
}

// overHTTPS makes a house that is reached by https from outside.
func overHTTPS(o *Options) { o.BaseURL = &url.URL{Scheme: "https", Host: "echolot.example"} }

// as asks with the session's cookie and every sign of our own page.
func (h *house) as(session, method, target, body string, header ...string) answer {
	h.t.Helper()
	header = append(header, "Sec-Fetch-Site", "same-origin")
	if session != "" {
		header = append(header, "Cookie", h.s.sessions.name()+"="+session, "X-CSRF-Token", csrfOf(session))
	}
	return h.request(method, target, body, header...)
}

// head reads the head of an answer that has no end.
func (h *house) head(session, target string) answer {
	h.t.Helper()
	req, err := http.NewRequest("GET", h.url+target, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Cookie", h.s.sessions.name()+"="+session)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	_ = resp.Body.Close() // it is cut off in the middle
	return answer{status: resp.StatusCode, header: resp.Header}
}

func TestHeadersOnEveryAnswer(t *testing.T) {
	for name, secure := range map[string]bool{"http": false, "https": true} {
		t.Run(name, func(t *testing.T) {
			changes := []func(*Options){func(o *Options) { o.Standby = func() bool { panic("on purpose") } }}
			if secure {
				changes = append(changes, overHTTPS)
			}
			h := liteHouse(t, changes...)
			session, readonly := h.session("admin@example.com"), h.session("readonly@example.com")
			h.tellPeople()
			routes := h.s.routes()
			reads := func(r route) int { return map[bool]int{true: 0, false: 1}[r.method == http.MethodGet] }
			slices.SortStableFunc(routes, func(a, b route) int { return reads(a) - reads(b) }) // before something is deleted that is read
			for _, r := range routes {
				target := h.everyURL(r)
				if strings.HasSuffix(r.path, "/events") {
					checkHeaders(t, "GET "+target, h.head(session, target), secure)
					continue
				}
				if r.path == "/logout" || r.path == "/api/auth/logout" {
					continue // below, at the end
				}
				for who, credential := range map[string]string{"nobody": "", "readonly": readonly, "admin": session} {
					a := h.as(credential, r.method, target, "")
					checkHeaders(t, who+": "+r.method+" "+target, a, secure)
					if who == "admin" && r.method == http.MethodGet && tellsPeople(r) && a.status != http.StatusOK {
						t.Errorf("%s: got %d, want what was told", target, a.status)
					}
				}
			}
			for _, test := range []struct {
				method, target, body string
				header               []string
				status               int
			}{
				{"GET", "/api/nothing", "", nil, 404},
				{"GET", "/nothing", "", nil, 404},
				{"GET", "/static/none.js", "", nil, 404},
				{"GET", "/monitors/" + h.foreignOne.PublicID.String(), "", nil, 404},
				{"PUT", "/api/icmp-monitors", "", nil, 405},
				{"PUT", "/monitors", "", nil, 405},
				{"TRACE", "/monitors", "", nil, 405},
				{"TRACE", "/api/icmp-monitors", "", nil, 405},
				{"OPTIONS", "/api/icmp-monitors", "", nil, 405},
				{"BREW", "/api/icmp-monitors", "", nil, 400},
				{"BREW", "/monitors", "", nil, 400},
				{"POST", "/api/icmp-monitors", strings.Repeat(" ", maxBody+1), []string{"Content-Type", "application/json"}, 413},
				{"POST", "/monitors", strings.Repeat(" ", maxBody+1), []string{"Content-Type", "application/x-www-form-urlencoded"}, 413},
				{"POST", "/api/icmp-monitors", "x", []string{"Content-Type", "text/plain"}, 415},
				{"POST", "/monitors", "x", []string{"Content-Type", "text/plain"}, 415},
				{"GET", "/monitors", "", []string{"X-Large", strings.Repeat("x", maxHeader)}, 431},
				{"GET", "/readyz", "", nil, 500},
				{"GET", "/favicon.ico", "", nil, 500}, // without assets it panics, as a page
			} {
				if test.target == "/favicon.ico" {
					h.s.Assets = nil
				}
				a := h.as(session, test.method, test.target, test.body, test.header...)
				what := fmt.Sprintf("%s %s (%d)", test.method, test.target, test.status)
				if a.status != test.status {
					t.Errorf("%s: got %d %s", what, a.status, firstBytes(a.body))
				}
				checkHeaders(t, what, a, secure)
				if a.header.Get("Content-Type") == "application/json; charset=utf-8" {
					want := fmt.Sprintf(`{"statusCode":%d,"statusMessage":"%s","message":"`, test.status, http.StatusText(test.status))
					if !strings.HasPrefix(a.body, want) {
						t.Errorf("%s: got %s, want the error's form", what, a.body)
					}
				} else if strings.HasPrefix(test.target, "/api/") {
					t.Errorf("%s: got %q, want JSON", what, a.header.Get("Content-Type"))
				}
			}
			checkHeaders(t, "what is no HTTP", h.raw("NONSENSE\r\n\r\n"), secure)
			checkHeaders(t, "POST /api/auth/logout", h.as(session, "POST", "/api/auth/logout", ""), secure)
			checkHeaders(t, "POST /logout", h.as(readonly, "POST", "/logout", ""), secure)
		})
	}
}

// raw sends bytes as they are.
func (h *house) raw(request string) answer {
	h.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		h.t.Fatal(err)
	}
	if _, err := conn.Write([]byte(request)); err != nil {
		h.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	_ = resp.Body.Close() // the head is enough
	return answer{status: resp.StatusCode, header: resp.Header}
}

// TestAllowNamesTheMethods: a wrong method gets 405 with the ones that the address takes, signed in or not.
func TestAllowNamesTheMethods(t *testing.T) {
	h := liteHouse(t)
	methods := map[string][]string{}
	for _, r := range h.s.routes() {
		methods[r.path] = append(methods[r.path], r.method)
		if r.method == http.MethodGet {
			methods[r.path] = append(methods[r.path], http.MethodHead)
		}
	}
	for _, r := range h.s.routes() {
		for _, wrong := range []string{"PUT", "TRACE", "OPTIONS"} {
			a := h.request(wrong, h.everyURL(r), "")
			allowed := strings.Split(a.header.Get("Allow"), ", ")
			if a.status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: got %d, want 405", wrong, r.path, a.status)
			}
			for _, method := range methods[r.path] {
				if !strings.Contains(" "+strings.Join(allowed, " ")+" ", " "+method+" ") {
					t.Errorf("%s %s: got Allow %q, want %s among them", wrong, r.path, allowed, method)
				}
			}
		}
	}
}

// tellsPeople tells whether a route is of what tellPeople makes.
func tellsPeople(r route) bool {
	return strings.Contains(r.path, "/posts") || strings.Contains(r.path, "/status-templates")
}

// TestPagesHaveNothingInline: what the policy would block is not there, in pages and in the fragments for HTMX.
func TestPagesHaveNothingInline(t *testing.T) {
	h := liteHouse(t)
	h.opened = h.fail(h.monitor)
	h.tellPeople()
	setup := firstSetup(t)
	session := h.session("admin@example.com")
	type asked struct {
		what string
		a    answer
	}
	var pages []asked
	get := func(credential, target string) {
		pages = append(pages, asked{target, h.as(credential, "GET", target, "")}, asked{target + " by HTMX", h.as(credential, "GET", target, "", "HX-Request", "true")})
	}
	for _, r := range h.s.routes() {
		if r.method == "GET" && !strings.HasSuffix(r.path, "/events") {
			target := h.everyURL(r)
			get(session, target)
			if a := pages[len(pages)-1].a; tellsPeople(r) && a.status != http.StatusOK {
				t.Errorf("%s: got %d, want what was told", target, a.status)
			}
		}
	}
	for _, target := range []string{"/nothing", "/monitors/" + h.foreignOne.PublicID.String(), "/monitors?page=0", "/monitors?search=nothing+at+all", "/incidents?search=nothing+at+all", "/incidents?page=9"} {
		get(session, target)
	}
	get("", "/login?next=/monitors")
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	pages = append(pages, asked{"a wrong form", h.as(session, "POST", "/monitors", "name=&hostname=http://x", form...)},
		asked{"a wrong comment", h.as(session, "POST", "/incidents/"+h.opened+"/comments", "text=", form...)},
		asked{"a new token", h.as(session, "POST", "/tokens", "name=New", form...)},
		asked{"a new monitor's row", h.as(session, "POST", "/monitors", "customerId="+h.customer.PublicID.String()+"&name=N&hostname=127.0.0.1&checkIntervalSeconds=60", append(form, "HX-Request", "true")...)},
		asked{"first setup", setup})
	seen := 0
	for _, p := range pages {
		if !strings.HasPrefix(p.a.header.Get("Content-Type"), "text/html") {
			continue
		}
		seen++
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(p.a.body))
		if err != nil {
			t.Fatal(err)
		}
		for _, selector := range []string{"script:not([src])", "style", "[style]", "[hx-on]", "iframe:not([sandbox]):not([src^='/'])", "object", "embed", "base", "a[href^='javascript:']", "meta[http-equiv='refresh']", "[hx-trigger*='[']", "[hx-vals^='js:']"} {
			if found := doc.Find(selector); found.Length() > 0 {
				html, _ := goquery.OuterHtml(found.First())
				t.Errorf("%s: got %s, want no %s", p.what, firstBytes(html), selector)
			}
		}
		doc.Find("*").Each(func(_ int, s *goquery.Selection) {
			for _, attribute := range s.Nodes[0].Attr {
				name, value := strings.ToLower(attribute.Key), attribute.Val
				if strings.HasPrefix(name, "on") || strings.HasPrefix(name, "hx-on") {
					t.Errorf("%s: got %s=%q, want no script in an attribute", p.what, name, value)
				}
				if (name == "src" || name == "action" || name == "hx-get" || name == "hx-post") && !strings.HasPrefix(value, "/") || name == "href" && strings.Contains(value, "//") && s.Is("link") {
					t.Errorf("%s: got %s=%q, want a path of our own", p.what, name, value)
				}
			}
		})
	}
	if seen < 40 {
		t.Errorf("only %d pages and fragments were looked at", seen)
	}
}

// firstSetup is the page of the first start.
func firstSetup(t *testing.T) answer {
	t.Helper()
	store := modelstest.Open(t, modelstest.SQLite(t))
	token, ok, err := store.CreateSetupToken(t.Context())
	if err != nil || !ok {
		t.Fatalf("got no setup token: %v", err)
	}
	assets, err := assets()
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{Store: store, Assets: assets, Log: slog.New(slog.DiscardHandler), BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1"}})
	resp, err := s.app.Test(httptest.NewRequest("GET", "/setup/"+token, nil), -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("first setup: got %d and %v, want 200", resp.StatusCode, err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func TestCookieOfHTTPS(t *testing.T) {
	h := liteHouse(t, overHTTPS)
	form := url.Values{"email": {"admin@example.com"}, "password": {password}}.Encode()
	a := h.as("", "POST", "/login", form, "Content-Type", "application/x-www-form-urlencoded")
	cookie := a.header.Get("Set-Cookie")
	if a.status != http.StatusSeeOther || !strings.HasPrefix(cookie, "__Host-sid=") || strings.Contains(strings.ToLower(cookie), "domain=") {
		t.Fatalf("got %d and %q, want 303 and __Host-sid without a domain", a.status, cookie)
	}
	checkHeaders(t, "sign-in", a, true)
	token := strings.TrimPrefix(strings.SplitN(cookie, ";", 2)[0], "__Host-sid=")
	if a := h.request("GET", "/monitors", "", "Cookie", "sid="+token); a.status != http.StatusSeeOther {
		t.Errorf("under the name of plain HTTP: got %d, want 303: a page without https could have set it", a.status)
	}
	if a := h.request("GET", "/monitors", "", "Cookie", "__Host-sid="+token); a.status != http.StatusOK {
		t.Errorf("under its own name: got %d, want 200", a.status)
	}
}
