package handlers

import (
	"net/url"
	"testing"
)

// TestSameStoreForAPIAndPages: what the form makes, the API lists; what the API makes, the page shows.
func TestSameStoreForAPIAndPages(t *testing.T) {
	houses(t, func(h *house) {
		session := h.session("admin@example.com")
		form := url.Values{"customerId": {h.customer.PublicID.String()}, "name": {"By form"}, "hostname": {"127.0.0.9"}, "checkIntervalSeconds": {"60"}, "timeoutSeconds": {"5"}}
		if a := h.browser(session, "POST", "/monitors", form); a.status != 303 {
			h.t.Fatalf("got %d %s, want 303", a.status, a.body)
		}
		var list struct {
			Items []struct{ Name string }
			Total int
		}
		h.api(session, "GET", "/api/icmp-monitors?search=by+form", "").decode(h.t, &list)
		if list.Total != 1 || list.Items[0].Name != "By form" {
			h.t.Fatalf("got %+v, want the monitor of the form", list)
		}
	})
}
