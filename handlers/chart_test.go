package handlers

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"echolot/models"
)

// measure stores checks of the house's monitor each minute up to now, the last one included; every tenth loses a packet.
func (h *house) measure(checks int) {
	h.t.Helper()
	now := time.Now().Truncate(time.Minute)
	results := make([]models.Result, checks)
	for i := range results {
		packets := []models.Packet{{State: models.PacketReplied, RTT: 10 * time.Millisecond}, {State: models.PacketReplied, RTT: 12 * time.Millisecond}}
		r := models.Result{Monitor: h.monitor.ID, Rev: 1, Slot: now.Add(time.Duration(i-checks+1) * time.Minute).UnixMilli(), Location: models.LocationID, Kind: models.KindScheduled,
			Outcome: models.OutcomeSuccess, Sent: 2, Received: 2, ReplyTTL: 57, Packets: packets}
		if i%10 == 9 {
			r.Received, r.Packets = 1, []models.Packet{packets[0], {State: models.PacketLost}}
		}
		results[i] = r
	}
	if _, err := h.store.RecordResults(context.Background(), results, models.Judge); err != nil {
		h.t.Fatal(err)
	}
}

// TestChartOnItsPage: the monitor's page has the chart with its figures, and a range of its own for HTMX.
func TestChartOnItsPage(t *testing.T) {
	houses(t, func(h *house) {
		h.measure(30)
		session := h.session("admin@example.com")
		page := "/monitors/" + h.monitor.PublicID.String()
		read := func(target string, header ...string) *goquery.Document {
			h.t.Helper()
			a := h.as(session, "GET", target, "", header...)
			if a.status != 200 {
				h.t.Fatalf("%s: got %d %s", target, a.status, firstBytes(a.body))
			}
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
			if err != nil {
				h.t.Fatal(err)
			}
			return doc
		}
		doc := read(page)
		if got := doc.Find("[data-testid=chart] svg.smoke").Length(); got != 3 {
			t.Errorf("got %d pictures, want one for each width", got)
		}
		if got := doc.Find(".tabs [aria-current]").Text(); got != "Day" {
			t.Errorf("got range %q, want Day", got)
		}
		hour := read(page+"?range=hour", "HX-Request", "true", "HX-Target", "chart")
		if hour.Find("#chart").Length() != 1 || hour.Find("#monitor").Length() != 0 {
			t.Error("want the chart alone for HTMX")
		}
		if got := hour.Find("[data-readout]").Text(); !strings.Contains(got, "median") || !strings.Contains(got, "UTC") {
			t.Errorf("got readout %q", got)
		}
		if got := strings.Count(hour.Find("[data-chart]").AttrOr("data-points", ""), "["); got < 30 {
			t.Errorf("got %d points, want each of 30 checks", got-1)
		}
		if got := read(page + "?range=hour&tz=Europe%2FBerlin").Find(".zone-name").Text(); got != "CET" && got != "CEST" {
			t.Errorf("got zone %q, want Berlin's", got)
		}
		if got := h.request("GET", page, "", "Cookie", h.s.sessions.name()+"="+session+"; tz=Asia%2FTokyo"); !strings.Contains(got.body, ">JST<") {
			t.Error("want the zone of the cookie")
		}
		if a := h.request("GET", page, "", "Cookie", h.s.sessions.name()+"="+session+"; tz=..%2F..%2Fetc%2Fpasswd"); a.status != 200 || !strings.Contains(a.body, ">UTC<") {
			t.Errorf("a cookie that is no zone: got %d, want UTC", a.status)
		}
		for query, field := range map[string]string{"range=decade": "range", "end=yesterday": "end", "start=x&end=2026-01-01T00:00:00Z": "start",
			"start=2026-01-01T00:00:00Z&end=2026-01-01T00:00:00Z": "end", "start=2026-01-02T00:00:00Z&end=2026-01-01T00:00:00Z": "end",
			"start=1980-01-01T00:00:00Z&end=2026-01-01T00:00:00Z": "end", "start=2999-01-01T00:00:00Z": "start", "tz=Local": "tz", "tz=nowhere": "tz", "tz=../x": "tz",
			"end=-0001-01-01T00:00:00Z": "end", "tz=%00": "tz"} {
			if a := h.as(session, "GET", page+"?"+query, ""); a.status != 400 || !strings.Contains(a.body, field+" must be") {
				t.Errorf("%s: got %d, want 400 that names %s", query, a.status, field)
			}
		}
		for _, query := range []string{"range=year&end=1970-06-01T00:00:00Z", "start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00%2B05:00", "range=hour&end=2999-01-01T00:00:00Z", "start=2026-01-01T00:00:00Z"} {
			read(page + "?" + query)
		}
	})
}

// TestChartFile: the same chart as a file: valid, in both themes, asked for anew by its tag, refused to others.
func TestChartFile(t *testing.T) {
	h := liteHouse(t)
	h.measure(30)
	session := h.session("readonly@example.com")
	file := "/monitors/" + h.monitor.PublicID.String() + "/chart.svg"
	past := "?start=" + time.Now().Add(-2*time.Hour).UTC().Format(time.RFC3339) + "&end=" + time.Now().UTC().Format(time.RFC3339)
	for _, more := range []string{"", "&width=704&theme=dark", "&width=342"} {
		a := h.as(session, "GET", file+past+more, "")
		if a.status != 200 || a.header.Get("Content-Type") != "image/svg+xml; charset=utf-8" || a.header.Get("Cache-Control") != "private, no-cache" {
			t.Fatalf("%s: got %d %v", more, a.status, a.header)
		}
		x := xml.NewDecoder(strings.NewReader(a.body))
		for {
			if _, err := x.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", more, err)
			}
		}
		if !strings.Contains(a.body, "<title>Gateway. Round-trip time and loss") || strings.Contains(a.body, "<style") {
			t.Errorf("%s: got %s", more, firstBytes(a.body))
		}
		again := h.as(session, "GET", file+past+more, "", "If-None-Match", a.header.Get("ETag"))
		if again.status != 304 || again.body != "" {
			t.Errorf("%s: the same again: got %d and %d bytes, want 304", more, again.status, len(again.body))
		}
	}
	for _, query := range []string{"width=1", "width=x", "theme=blue", "range=x"} {
		if a := h.as(session, "GET", file+"?"+query, ""); a.status != 400 {
			t.Errorf("%s: got %d, want 400", query, a.status)
		}
	}
	if a := h.as(h.session(h.foreigner), "GET", file, ""); a.status != 404 {
		t.Errorf("somebody else's: got %d, want 404", a.status)
	}
}
