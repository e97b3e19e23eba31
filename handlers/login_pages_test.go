package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// login sends the form of the sign-in page, with a cookie where there is one, and returns the answer and the new token.
func (h *house) login(email, next, cookie string) (answer, string) {
	h.t.Helper()
	form := url.Values{"email": {email}, "password": {password}, "next": {next}}.Encode()
	header := []string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}
	if cookie != "" {
		header = append(header, "Cookie", h.s.sessions.name()+"="+cookie)
	}
	a := h.request("POST", "/login", form, header...)
	token, _, _ := strings.Cut(strings.TrimPrefix(a.header.Get("Set-Cookie"), h.s.sessions.name()+"="), ";")
	return a, token
}

// TestNextLeadsNowhereElse: browsers drop tabs and line ends from an address and read \ as /, so that what looks like a
// path of ours may lead to another host.
func TestNextLeadsNowhereElse(t *testing.T) {
	h := liteHouse(t)
	for next, want := range map[string]string{
		"/monitors?state=down&search=a+b": "/monitors?state=down&search=a+b",
		"/customers":                      "/customers",
		"/monitors?search=%C3%BC":         "/monitors?search=%C3%BC",
		"/monitors?search=a b":            "/monitors",
		"":                                "/monitors",
		"monitors":                        "/monitors",
		"//evil.example":                  "/monitors",
		"/\t/evil.example":                "/monitors",
		"/\n/evil.example":                "/monitors",
		"/\r/evil.example":                "/monitors",
		"\t//evil.example":                "/monitors",
		" //evil.example":                 "/monitors",
		"/\x00/evil.example":              "/monitors",
		"/\x7f/evil.example":              "/monitors",
		`/\evil.example`:                  "/monitors",
		`\\evil.example`:                  "/monitors",
		"/%09/evil.example":               "/%09/evil.example", // a path of ours that is not there
		"/.//evil.example":                "/.//evil.example",  // so is this: a browser drops the dot, not our host
		"https://evil.example/":           "/monitors",
		"https:evil.example":              "/monitors",
		"javascript:alert(1)":             "/monitors",
		"/%zz":                            "/monitors",
	} {
		if a, _ := h.login("admin@example.com", next, ""); a.status != http.StatusSeeOther || a.header.Get("Location") != want {
			t.Errorf("signing in, next %q: got %d to %q, want 303 to %q", next, a.status, a.header.Get("Location"), want)
		}
		if a := h.browser(h.session("admin@example.com"), "GET", "/login?next="+url.QueryEscape(next), nil); a.status != http.StatusSeeOther || a.header.Get("Location") != want {
			t.Errorf("signed in already, next %q: got %d to %q, want 303 to %q", next, a.status, a.header.Get("Location"), want)
		}
	}
}

// TestSigningInEndsTheOldSession: who signs in again, or somebody else in the same browser, leaves no session behind
// (ASVS 5.0, 7.2.4).
func TestSigningInEndsTheOldSession(t *testing.T) {
	houses(t, func(h *house) {
		_, first := h.login("admin@example.com", "", "")
		elsewhere := h.session("admin@example.com")
		a, second := h.login("admin@example.com", "", first)
		if a.status != http.StatusSeeOther || second == first {
			h.t.Fatalf("got %d and the token again: %t, want 303 and a new one", a.status, second == first)
		}
		_, third := h.login("user@example.com", "", second)
		for what, s := range map[string]struct {
			token  string
			status int
		}{"the first": {first, 401}, "the second": {second, 401}, "the third": {third, 200}, "another browser's": {elsewhere, 200}} {
			if a := h.api(s.token, "GET", "/api/auth/me", ""); a.status != s.status {
				h.t.Errorf("%s session: got %d, want %d", what, a.status, s.status)
			}
		}
		wrong := url.Values{"email": {"user@example.com"}, "password": {"wrong"}}.Encode()
		h.request("POST", "/login", wrong, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin", "Cookie", h.s.sessions.name()+"="+third)
		if a := h.api(third, "GET", "/api/auth/me", ""); a.status != http.StatusOK {
			h.t.Errorf("after a wrong password: got %d, want 200: trying ends nothing", a.status)
		}
	})
}
