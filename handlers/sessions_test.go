package handlers

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// signIn signs in by the API and returns the token.
func (h *house) signIn(email string) string {
	h.t.Helper()
	a := h.api("", "POST", "/api/auth/login", `{"email":"`+email+`","password":"`+password+`"}`)
	var got struct{ Token string }
	if a.status != http.StatusOK || json.Unmarshal([]byte(a.body), &got) != nil || got.Token == "" {
		h.t.Fatalf("got %d %s, want a token", a.status, a.body)
	}
	return got.Token
}

// wantSession asks by Bearer, by cookie and for a page.
func (h *house) wantSession(what, token string, good bool) {
	h.t.Helper()
	status, page := http.StatusUnauthorized, http.StatusSeeOther
	if good {
		status, page = http.StatusOK, http.StatusOK
	}
	if a := h.api(token, "GET", "/api/auth/me", ""); a.status != status {
		h.t.Errorf("%s, by Bearer: got %d, want %d", what, a.status, status)
	}
	if a := h.browser(token, "GET", "/api/auth/me", nil); a.status != status {
		h.t.Errorf("%s, by cookie: got %d, want %d", what, a.status, status)
	}
	if a := h.browser(token, "GET", "/monitors", nil); a.status != page {
		h.t.Errorf("%s, a page: got %d, want %d", what, a.status, page)
	}
}

// TestSessionIsOneTokenForCookieAndBearer: signing out by either way ends both, for good.
func TestSessionIsOneTokenForCookieAndBearer(t *testing.T) {
	houses(t, func(h *house) {
		token := h.signIn("admin@example.com")
		h.wantSession("signed in by the API", token, true)
		if a := h.api(token, "POST", "/api/auth/logout", ""); a.status != http.StatusOK || a.header.Get("Clear-Site-Data") == "" {
			h.t.Errorf("signing out: got %d, Clear-Site-Data %q", a.status, a.header.Get("Clear-Site-Data"))
		}
		h.wantSession("signed out by the API", token, false)

		form := url.Values{"email": {"admin@example.com"}, "password": {password}, "next": {"//evil.example"}}.Encode()
		a := h.request("POST", "/login", form, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin", "Cookie", "sid="+token)
		if a.status != http.StatusSeeOther || a.header.Get("Location") != "/monitors" {
			h.t.Errorf("signing in: got %d to %q, want 303 to /monitors", a.status, a.header.Get("Location"))
		}
		fresh, _, _ := strings.Cut(strings.TrimPrefix(a.header.Get("Set-Cookie"), "sid="), ";")
		if fresh == token || len(fresh) < 40 {
			h.t.Errorf("signing in with an old cookie: got the token %q again, or too short a one", fresh)
		}
		h.wantSession("signed in by the page", fresh, true)
		a = h.browser(fresh, "POST", "/logout", url.Values{})
		if cookie := a.header.Get("Set-Cookie"); a.status != http.StatusSeeOther || !strings.HasPrefix(cookie, "sid=;") || !strings.Contains(cookie, "Max-Age=0") {
			h.t.Errorf("signing out: got %d and %q, want 303 and the cookie gone", a.status, cookie)
		}
		h.wantSession("signed out by the page, with the cookie copied before", fresh, false)
	})
}

// TestTokensOfNobody: what looks like a credential and is none.
func TestTokensOfNobody(t *testing.T) {
	h := liteHouse(t)
	session, token := h.session("admin@example.com"), h.token("admin@example.com")
	for name, header := range map[string][]string{
		"nothing":                       {},
		"an empty Bearer":               {"Authorization", "Bearer "},
		"Bearer alone":                  {"Authorization", "Bearer"},
		"an invented token":             {"Authorization", "Bearer " + models.TokenPrefix + strings.Repeat("A", 43)},
		"a token cut short":             {"Authorization", "Bearer " + token[:len(token)-1]},
		"a token with more":             {"Authorization", "Bearer " + token + "A"},
		"a session with a token's name": {"Authorization", "Bearer " + models.TokenPrefix + session},
		"a token as a cookie":           {"Cookie", "sid=" + token},
		"Basic":                         {"Authorization", "Basic " + session},
		"a session under another name":  {"Cookie", "session=" + session},
		"a token in the address":        {},
	} {
		target := "/api/auth/me"
		if strings.Contains(name, "address") {
			target += "?token=" + token + "&access_token=" + token
		}
		if a := h.request("GET", target, "", header...); a.status != http.StatusUnauthorized || a.header.Get("Www-Authenticate") != "Bearer" {
			t.Errorf("%s: got %d, want 401 with WWW-Authenticate", name, a.status)
		}
	}
}

// TestSessionLimits: a session ends 12 h after its last request, 14 days after its first, and when 20 newer ones exist.
func TestSessionLimits(t *testing.T) {
	start := time.Now()
	var passed atomic.Int64 // since then; the server reads it too
	pass := func(d time.Duration) { passed.Add(int64(d)) }
	modelstest.Stores(t, func(t *testing.T, store *models.Store) {
		h := newHouse(t, store)
		passed.Store(0)
		idle := h.session("admin@example.com")
		pass(12*time.Hour - time.Second)
		h.wantSession("almost 12 h idle", idle, true)
		pass(12*time.Hour + time.Second)
		h.wantSession("more than 12 h idle", idle, false)

		busy := h.session("admin@example.com")
		for range 30 { // 13 days and 18 hours
			pass(11 * time.Hour)
			if a := h.api(busy, "GET", "/api/auth/me", ""); a.status != http.StatusOK {
				t.Fatalf("busy for some days: got %d, want 200", a.status)
			}
		}
		pass(11 * time.Hour)
		h.wantSession("older than 14 days", busy, false)

		first := h.session("user@example.com")
		second := ""
		for i := range 20 {
			pass(time.Second)
			if i == 19 {
				h.wantSession("the first of 20", first, true)
			}
			if s := h.session("user@example.com"); i == 0 {
				second = s
			}
		}
		h.wantSession("the first of 21", first, false)
		h.wantSession("the second of 21", second, true)
	}, func(o *models.Options) { o.Now = func() time.Time { return start.Add(time.Duration(passed.Load())) } })
}

// TestDeactivatedUser: whoever may no longer come in is out at the next request, with every credential.
func TestDeactivatedUser(t *testing.T) {
	houses(t, func(h *house) {
		session, token := h.session("user@example.com"), h.token("user@example.com")
		h.wantSession("active", session, true)
		if err := execute(h.t, h.store, "UPDATE users SET is_active = FALSE WHERE email = 'user@example.com'"); err != nil {
			h.t.Fatal(err)
		}
		h.wantSession("deactivated", session, false)
		if a := h.api(token, "GET", "/api/auth/me", ""); a.status != http.StatusUnauthorized {
			h.t.Errorf("the token: got %d, want 401", a.status)
		}
		right := h.api("", "POST", "/api/auth/login", `{"email":"user@example.com","password":"`+password+`"}`)
		wrong := h.api("", "POST", "/api/auth/login", `{"email":"nobody@example.com","password":"wrong"}`)
		if right.status != http.StatusUnauthorized || right.text() != wrong.text() {
			h.t.Errorf("signing in: got\n%s\nwant what an unknown address gets:\n%s", right.text(), wrong.text())
		}
	})
}
