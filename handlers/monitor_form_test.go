package handlers

import (
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
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

// The limits are set in the form, contradictions stand beside the field that has to give way, and the page says when the monitor
// is degraded.
func TestRulesInTheForm(t *testing.T) {
	houses(t, func(h *house) {
		session, page := h.session("admin@example.com"), "/monitors/"+h.monitor.PublicID.String()
		set := url.Values{"icmpConfig.degradedLossPercent": {"10"}, "icmpConfig.clearLossPercent": {"15"}, "icmpConfig.windowSeconds": {"300"}, "icmpConfig.degradedLatencyMs": {"25"}}
		a := h.browser(session, "POST", page+"/edit", set)
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
		if err != nil {
			h.t.Fatal(err)
		}
		field := doc.Find(`[name="icmpConfig.clearLossPercent"]`)
		if got := words(doc, "#"+field.AttrOr("aria-describedby", "none")); a.status != 422 || got != "Choose 10 or less" || field.AttrOr("value", "") != "15" {
			h.t.Errorf("clear above raise: got %d, %q beside %q, want 422 and what would be right", a.status, got, field.AttrOr("value", ""))
		}
		set.Set("icmpConfig.clearLossPercent", "5")
		if a := h.browser(session, "POST", page+"/edit", set); a.status != 303 {
			h.t.Fatalf("got %d %s, want it saved", a.status, firstBytes(a.body))
		}
		doc, _ = h.read("admin@example.com", page)
		if got := words(doc, "main"); !strings.Contains(got, "loss ≥ 10 % over 5 min (clears below 5 %), average ≥ 25 ms over 5 min") {
			h.t.Errorf("page: got %q, want the limits in it", got)
		}
		doc, _ = h.read("admin@example.com", page+"/edit")
		for name, want := range set {
			if !strings.HasPrefix(name, configPrefix) {
				continue // what the browser adds
			}
			if got := doc.Find(`[name="`+name+`"]`).AttrOr("value", ""); got != want[0] {
				h.t.Errorf("%s: got %q, want %q", name, got, want[0])
			}
		}
		if a := h.api(h.token("admin@example.com"), "PATCH", monitorsPath+"/"+h.monitor.PublicID.String(), `{"icmpConfig":{"degradedLatencyMs":50,"failedLatencyMs":40}}`); a.status != 400 ||
			!strings.Contains(a.body, `"icmpConfig.degradedLatencyMs must be at most failedLatencyMs, which is 40"`) {
			h.t.Errorf("degraded above failed: got %d %s, want 400 and the field", a.status, a.body)
		}
	})
}
