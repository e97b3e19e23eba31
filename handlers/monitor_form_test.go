package handlers

import (
	"net/url"
	"strings"
	"testing"
)

// TestEmptyPackets: no payload at all is a setting like others, on the form too.
func TestEmptyPackets(t *testing.T) {
	h := liteHouse(t)
	session, edit := h.session("admin@example.com"), "/monitors/"+h.monitor.PublicID.String()+"/edit"
	if a := h.browser(session, "POST", edit, url.Values{"icmpConfig.packetSize": {"0"}}); a.status != 303 {
		t.Fatalf("got %d %s, want it saved", a.status, firstBytes(a.body))
	}
	doc, _ := h.read("admin@example.com", edit)
	if got := doc.Find(`[name="icmpConfig.packetSize"]`).AttrOr("value", ""); got != "0" {
		t.Errorf("form: got %q, want 0", got)
	}
	doc, _ = h.read("admin@example.com", "/monitors/"+h.monitor.PublicID.String())
	if got := words(doc, "main"); !strings.Contains(got, "3 × 0 bytes") {
		t.Errorf("page: got %q, want 3 × 0 bytes in it", got)
	}
	if a := h.browser(session, "POST", edit, url.Values{"icmpConfig.packetSize": {"-1"}}); a.status != 422 || !strings.Contains(a.body, "Choose 0 to 65507") {
		t.Errorf("less than nothing: got %d, want 422 and what would be right", a.status)
	}
}
