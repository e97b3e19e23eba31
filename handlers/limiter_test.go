package handlers

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"echolot/models"
)

// standingClock is always the fifteenth second of a minute, so that no test runs over a minute's end.
func standingClock() func() time.Time {
	at := time.Date(2026, 3, 1, 12, 0, 15, 0, time.UTC)
	return func() time.Time { return at }
}

func TestRateLimit(t *testing.T) {
	const limit = 5
	h := liteHouse(t, func(o *Options) { o.APIRateLimit = limit })
	now := time.Date(2026, 3, 1, 12, 0, 15, 0, time.UTC)
	h.s.limiter.now = func() time.Time { return now }
	session, token := h.session("admin@example.com"), h.token("admin@example.com")
	spend := func(name string, ask func() answer) {
		t.Helper()
		for i := 1; i <= limit; i++ {
			a := ask()
			if a.status != http.StatusOK || a.header.Get("X-RateLimit-Limit") != strconv.Itoa(limit) || a.header.Get("X-RateLimit-Remaining") != strconv.Itoa(limit-i) {
				t.Fatalf("%s: request %d: got %d, limit %q, remaining %q, want 200, %d and %d", name, i, a.status,
					a.header.Get("X-RateLimit-Limit"), a.header.Get("X-RateLimit-Remaining"), limit, limit-i)
			}
		}
		a := ask()
		if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "45" || a.header.Get("X-RateLimit-Remaining") != "0" {
			t.Fatalf("%s: one too many: got %d, Retry-After %q, remaining %q, want 429, 45 and 0", name, a.status, a.header.Get("Retry-After"), a.header.Get("X-RateLimit-Remaining"))
		}
		if want := `{"statusCode":429,"statusMessage":"Too Many Requests","message":"Too many attempts"}`; a.body != want {
			t.Errorf("%s: got %s, want %s", name, a.body, want)
		}
	}
	spend("token", func() answer { return h.api(token, "GET", "/api/auth/me", "") })
	spend("session", func() answer { return h.api(session, "GET", "/api/icmp-monitors", "") })
	if a := h.browser(session, "GET", "/api/auth/me", nil); a.status != http.StatusTooManyRequests {
		t.Errorf("the session's cookie after its Bearer: got %d, want 429: they are one credential", a.status)
	}
	if a := h.api(h.token("admin@example.com"), "GET", "/api/auth/me", ""); a.status != http.StatusOK {
		t.Errorf("another token of the same user: got %d, want 200", a.status)
	}
	if a := h.browser(session, "GET", "/monitors", nil); a.status != http.StatusOK || a.header.Get("X-RateLimit-Limit") != "" {
		t.Errorf("a page: got %d, limit %q, want 200 and none", a.status, a.header.Get("X-RateLimit-Limit"))
	}
	now = now.Add(time.Minute)
	if a := h.api(token, "GET", "/api/auth/me", ""); a.status != http.StatusOK {
		t.Errorf("a minute later: got %d, want 200", a.status)
	}
}

// TestRateLimitWithoutCredential: an invented token does not open a purse of its own, and health is not counted.
func TestRateLimitWithoutCredential(t *testing.T) {
	h := liteHouse(t, func(o *Options) { o.APIRateLimit = 1000 })
	h.s.limiter.now = standingClock()
	for i := range anonymousLimit {
		if a := h.api("wsm_invented"+strconv.Itoa(i), "GET", "/api/auth/me", ""); a.status != http.StatusUnauthorized || a.header.Get("X-RateLimit-Limit") != strconv.Itoa(anonymousLimit) {
			t.Fatalf("request %d: got %d, limit %q, want 401 and %d", i, a.status, a.header.Get("X-RateLimit-Limit"), anonymousLimit)
		}
	}
	for _, path := range []string{"/api/auth/me", "/api/icmp-monitors"} {
		if a := h.api("", "GET", path, ""); a.status != http.StatusTooManyRequests {
			t.Errorf("%s: got %d, want 429", path, a.status)
		}
	}
	if a := h.api("", "POST", "/api/auth/login", `{}`); a.status != http.StatusTooManyRequests {
		t.Errorf("sign-in: got %d, want 429", a.status)
	}
	if a := h.api(h.token("admin@example.com"), "GET", "/api/auth/me", ""); a.status != http.StatusOK {
		t.Errorf("a good token of the same address: got %d, want 200", a.status)
	}
	for range anonymousLimit + 5 {
		for _, path := range []string{"/healthz", "/readyz"} {
			if a := h.request("GET", path, ""); a.status != http.StatusOK {
				t.Fatalf("%s: got %d, want 200: health is asked for often", path, a.status)
			}
		}
	}
}

func TestRateLimitOff(t *testing.T) {
	h := liteHouse(t)
	for range 3 * anonymousLimit {
		a := h.api("", "GET", "/api/auth/me", "")
		if a.status != http.StatusUnauthorized || a.header.Get("X-RateLimit-Limit") != "" {
			t.Fatalf("got %d, limit %q, want 401 and none", a.status, a.header.Get("X-RateLimit-Limit"))
		}
	}
}

// TestRateLimitOfANetwork: whoever has an IPv6 address mostly has a /64 full of them, and one purse for all.
func TestRateLimitOfANetwork(t *testing.T) {
	h := liteHouse(t, func(o *Options) {
		o.APIRateLimit, o.TrustedProxies, o.Streams = 1000, []string{"127.0.0.1"}, StreamCaps{PerAddress: 1}
	})
	h.s.limiter.now = standingClock()
	ask := func(from string) int { return h.request("GET", "/api/auth/me", "", "X-Forwarded-For", from).status }
	for i := range anonymousLimit {
		if got := ask("2001:db8::" + strconv.FormatInt(int64(i), 16) + ":1"); got != http.StatusUnauthorized {
			t.Fatalf("request %d: got %d, want 401", i, got)
		}
		if got := ask("203.0.113." + strconv.Itoa(i)); got != http.StatusUnauthorized {
			t.Fatalf("IPv4 address %d: got %d, want 401", i, got)
		}
	}
	for from, want := range map[string]int{"2001:db8::ffff": 429, "2001:db8:0:0:ffff::": 429, "2001:db8:0:1::1": 401, "203.0.113.200": 401} {
		if got := ask(from); got != want {
			t.Errorf("%s: got %d, want %d", from, got, want)
		}
	}

	for _, test := range []struct {
		address string
		in      bool
	}{{"2001:db8::1", true}, {"2001:db8::2", false}, {"2001:db8:0:1::1", true}, {"192.0.2.1", true}, {"192.0.2.1", false}} {
		c := &client{by: models.Actor{UserID: 1, Address: test.address}}
		err := h.s.hub.join(c)
		if err == nil {
			defer h.s.hub.leave(c)
		}
		if (err == nil) != test.in {
			t.Errorf("a stream from %s: got %v, want it let in: %t", test.address, err, test.in)
		}
	}
}
