package handlers

import (
	"database/sql"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"echolot/models/modelstest"
)

// lastAddress is the address in the newest line of the audit trail.
func (h *house) lastAddress() string {
	h.t.Helper()
	var address sql.NullString
	db := modelstest.Connect(h.t, modelstest.URL(h.t, h.store))
	if err := db.QueryRowContext(h.t.Context(), "SELECT address FROM audit_entries ORDER BY id DESC LIMIT 1").Scan(&address); err != nil {
		h.t.Fatal(err)
	}
	return address.String
}

// TestClientAddress: whom the audit trail names when a customer is made, by what the request says and who is trusted.
func TestClientAddress(t *testing.T) {
	h := liteHouse(t)
	token := h.token("admin@example.com")
	for name, test := range map[string]struct {
		trusted []string
		header  []string
		want    string
	}{
		"nobody is trusted":              {nil, []string{"203.0.113.9"}, "127.0.0.1"},
		"another one is trusted":         {[]string{"192.0.2.1", "10.0.0.0/8"}, []string{"203.0.113.9"}, "127.0.0.1"},
		"the proxy is trusted":           {[]string{"127.0.0.1"}, []string{"203.0.113.9"}, "203.0.113.9"},
		"its network is trusted":         {[]string{"127.0.0.0/8"}, []string{"2001:db8::9"}, "2001:db8::9"},
		"the client wrote a first one":   {[]string{"127.0.0.1"}, []string{"198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
		"the client wrote its own line":  {[]string{"127.0.0.1"}, []string{"198.51.100.1", "203.0.113.9"}, "203.0.113.9"},
		"two proxies":                    {[]string{"127.0.0.1", "10.0.0.0/8"}, []string{"198.51.100.1, 203.0.113.9, 10.1.2.3"}, "203.0.113.9"},
		"the client claims to be ours":   {[]string{"127.0.0.1", "10.0.0.0/8"}, []string{"203.0.113.9, 10.1.2.3"}, "203.0.113.9"},
		"only proxies":                   {[]string{"127.0.0.1"}, []string{"127.0.0.1"}, "127.0.0.1"},
		"no header":                      {[]string{"127.0.0.1"}, nil, "127.0.0.1"},
		"no address":                     {[]string{"127.0.0.1"}, []string{"unknown"}, "127.0.0.1"},
		"no address before ours":         {[]string{"127.0.0.1", "10.0.0.0/8"}, []string{"<script>, 10.1.2.3"}, "10.1.2.3"},
		"an IPv4 address as an IPv6 one": {[]string{"127.0.0.1"}, []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
	} {
		t.Run(name, func(t *testing.T) {
			h.s.proxies = parseProxies(test.trusted)
			req, err := http.NewRequest("POST", h.url+"/api/customers", strings.NewReader(customerJSON))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("Content-Type", "application/json")
			req.Header["X-Forwarded-For"] = test.header
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			if resp.StatusCode != http.StatusCreated {
				t.Fatalf("got %d, want 201", resp.StatusCode)
			}
			if got := h.lastAddress(); got != test.want {
				t.Errorf("the audit trail names %q, want %q", got, test.want)
			}
		})
	}
}

// spoof claims to be somebody else in every way there is.
func spoof(n string) []string {
	return []string{"X-Forwarded-For", "203.0.113." + n, "X-Real-IP", "203.0.113." + n, "Forwarded", "for=203.0.113." + n, "CF-Connecting-IP", "203.0.113." + n,
		"X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "https", "X-Forwarded-Ssl", "on", "X-Url-Scheme", "https"}
}

// TestSpoofedAddressEscapesNoLimit: who is not trusted and invents an address for each request is counted all the same.
func TestSpoofedAddressEscapesNoLimit(t *testing.T) {
	h := liteHouse(t, func(o *Options) { o.APIRateLimit = 1000 })
	h.s.limiter.now = standingClock()
	for i := range anonymousLimit + 1 {
		a := h.request("GET", "/api/auth/me", "", spoof(string(rune('1'+i%9)))...)
		want := http.StatusUnauthorized
		if i == anonymousLimit {
			want = http.StatusTooManyRequests
		}
		if a.status != want {
			t.Fatalf("request %d: got %d, want %d", i+1, a.status, want)
		}
	}
}

// TestSpoofedHostIsNotBelieved: no link, no cookie and no judgement of the origin follows X-Forwarded-Host or -Proto.
func TestSpoofedHostIsNotBelieved(t *testing.T) {
	for name, proxies := range map[string][]string{"untrusted": nil, "trusted": {"127.0.0.1"}} {
		h := liteHouse(t, func(o *Options) { o.TrustedProxies = proxies })
		session := h.session("admin@example.com")
		for _, path := range []string{"/monitors", "/login", "/nothing", "/tokens", "/api/nothing"} {
			a := h.request("GET", path, "", append(spoof("9"), "Cookie", "sid="+session)...)
			if strings.Contains(a.text(), "evil.example") {
				t.Errorf("%s: %s names the invented host: %s", name, path, a.text())
			}
			if a.header.Get("Strict-Transport-Security") != "" {
				t.Errorf("%s: %s believes in https", name, path)
			}
		}
		form := url.Values{"email": {"admin@example.com"}, "password": {password}}.Encode()
		a := h.request("POST", "/login", form, append(spoof("9"), "Content-Type", "application/x-www-form-urlencoded", "Origin", h.url)...)
		if cookie := a.header.Get("Set-Cookie"); a.status != http.StatusSeeOther || strings.Contains(cookie, "Secure") {
			t.Errorf("%s: sign-in: got %d and %q, want 303 and the cookie of plain HTTP", name, a.status, cookie)
		}
		a = h.request("POST", "/login", form, append(spoof("9"), "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://evil.example")...)
		if a.status != http.StatusForbidden {
			t.Errorf("%s: sign-in from the invented host: got %d, want 403", name, a.status)
		}
	}
}
