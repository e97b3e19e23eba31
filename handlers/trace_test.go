package handlers

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"echolot/models"
)

// The page shows the way to the target beside the healthy one, and who may change the monitor asks for another.
func TestPathOnTheMonitorsPage(t *testing.T) {
	houses(t, func(h *house) {
		path := "/monitors/" + h.monitor.PublicID.String()
		if doc, _ := h.read("readonly@example.com", path); !strings.Contains(doc.Find("[data-testid=path]").Text(), "No trace yet") || doc.Find("[data-testid=path] form").Length() != 0 {
			h.t.Errorf("before the first trace a reader sees %q", doc.Find("[data-testid=path]").Text())
		}
		hop := func(ttl int, who string) models.Hop {
			if who == "" {
				return models.Hop{TTL: ttl, Sent: 3, Lost: 3}
			}
			return models.Hop{TTL: ttl, Sent: 3, Addresses: []string{who}, RTTs: []int64{1000, 1000, 1000}}
		}
		for i, hops := range []models.Hops{{hop(1, "10.0.0.1"), hop(2, "10.0.0.2")}, {hop(1, "10.0.0.1"), hop(2, ""), hop(3, "")}} {
			kind := []models.TraceKind{models.TraceBaseline, models.TraceFailure}[i]
			err := h.store.UnscopedSaveTrace(context.Background(), models.Trace{MonitorID: h.monitor.ID, LocationID: models.LocationID,
				At: time.Now().Add(time.Duration(i-2) * time.Minute), Kind: kind, Address: "10.0.0.2", Hops: hops, Reached: i == 0})
			if err != nil {
				h.t.Fatal(err)
			}
		}
		doc, _ := h.read("admin@example.com", path)
		if got := words(doc, "[data-testid=path-mark]"); got != "Nobody answers past hop 1, 10.0.0.1" {
			h.t.Errorf("got the mark %q", got)
		}
		action, _ := doc.Find("[data-testid=path] form").Attr("action")
		if a := h.browser(h.session("admin@example.com"), "POST", action, url.Values{}); a.status != 303 || a.header.Get("Location") != path {
			h.t.Errorf("asking: got %d to %q, want 303 to the page", a.status, a.header.Get("Location"))
		}
		if ids, err := h.store.TakeTraceRequests(context.Background()); err != nil || len(ids) != 1 || ids[0] != h.monitor.ID {
			h.t.Errorf("got the requests %v, %v; want the monitor's", ids, err)
		}
	})
}

// The pages of a monitor are told of a new trace, and nobody else's.
func TestANewTraceIsTold(t *testing.T) {
	h := liteHouse(t)
	limited := h.watch("limited", h.session(h.limited), "/events?monitor="+h.monitor.PublicID.String())
	if err := h.store.UnscopedSaveTrace(context.Background(), models.Trace{MonitorID: h.monitor.ID, LocationID: models.LocationID, At: time.Now(), Kind: models.TraceManual}); err != nil {
		t.Fatal(err)
	}
	limited.until(t, "event: row.changed")
	limited.until(t, "data: "+h.monitor.PublicID.String())
}
