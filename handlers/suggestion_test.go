package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestFormOffersTheHost: where what was typed holds a host, the form offers it beside the error, for a new monitor and for
// one that is changed; where it holds none, it offers nothing.
func TestFormOffersTheHost(t *testing.T) {
	h := liteHouse(t)
	session := h.session("admin@example.com")
	for typed, want := range map[string]string{
		"https://vpn.example/x": "vpn.example", "user@host.example": "host.example", "host.example:80": "host.example", "[2001:db8::5]:80": "2001:db8::5",
		"host.example/ping": "host.example", " host.example ": "host.example", "2001:db8::g": "", "": "", "http://a b": "", "http://": "", "https://-.example": "",
	} {
		for _, path := range []string{"/monitors", "/monitors/" + h.monitor.PublicID.String() + "/edit"} {
			a := h.browser(session, "POST", path, url.Values{"customerId": {h.customer.PublicID.String()}, "name": {"x"}, "hostname": {typed}, "checkIntervalSeconds": {"60"}})
			if a.status != http.StatusUnprocessableEntity {
				t.Errorf("%s %q: got %d, want 422", path, typed, a.status)
			}
			_, offer, offered := strings.Cut(a.body, `data-fill="f-hostname" data-value="`)
			if offer, _, _ = strings.Cut(offer, `"`); offer != want || offered != (want != "") {
				t.Errorf("%s %q: got the offer %q, want %q", path, typed, offer, want)
			}
		}
	}
}
