package handlers

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

var badgeTitle = regexp.MustCompile(`<title>([^<]*)</title>`)

// A badge says in its title all that it shows, in both languages, and says that something was not measured where it was not.
func TestBadge(t *testing.T) {
	h := liteHouse(t)
	p, b := someBoard()
	quiet := b
	quiet.Measured = time.Now().Add(-time.Hour)
	h.s.lastDays.pages[p.ID] = &lastDay{version: p.Version, at: time.Now(), uptimes: map[uuid.UUID]models.Uptime{
		b.Groups[0].Components[0].ID: {From: someday.Add(-24 * time.Hour), To: someday, Up: 17 * time.Hour, Down: time.Hour, Excluded: true},
	}}
	component := func(i, j int) string { return b.Groups[i].Components[j].ID.String() }
	pirna, meissen, uplink, riesa := component(0, 0), component(0, 1), component(1, 0), component(1, 1)
	for _, tc := range []struct {
		component, query string
		board            models.StatusBoard
		title, color     string
	}{
		{"", "", b, "Elbtal: 1 of 4 down", "#b02a18"},
		{"", "lang=de", b, "Elbtal: 1 von 4 ausgefallen", "#b02a18"},
		{"", "", quiet, "Elbtal: 3 of 4 not measured", "#4d5e6a"},
		{pirna, "", b, "Pirna: down", "#b02a18"},
		{pirna, "", quiet, "Pirna: not measured", "#4d5e6a"},
		{meissen, "color=%23FA0", b, "Meissen: up", "#ffaa00"},
		{uplink, "", b, "Uplink: not measured", "#4d5e6a"},
		{riesa, "lang=de", b, "Riesa: Wartung", "#773a87"},
		{pirna, "show=uptime", b, "Pirna: 99.81\u00a0% of the last 90 days up", "#875200"},
		{pirna, "show=uptime&period=7d", b, "Pirna: 100.00\u00a0% of the last 7 days up", "#0b7351"},
		{pirna, "show=uptime&period=30d&lang=de", b, "Pirna: 99,44\u00a0% der letzten 30 Tage erreichbar", "#875200"},
		{pirna, "show=uptime&period=24h", b, "Pirna: 94.44\u00a0% of the last 24 hours up, 6\u00a0h\u00a000\u00a0min of it not measured", "#b02a18"},
		{meissen, "show=uptime&period=24h", b, "Meissen, 24 hours: not measured", "#4d5e6a"},
		{meissen, "show=latency", b, "Meissen, round-trip time: 1.2\u00a0ms", "#0b7351"},
		{meissen, "show=latency&lang=de", b, "Meissen, Laufzeit: 1,2\u00a0ms", "#0b7351"},
		{pirna, "show=latency", b, "Pirna, round-trip time: no reply", "#b02a18"},
		{uplink, "show=latency", b, "Uplink, round-trip time: not measured", "#4d5e6a"},
		{meissen, "show=latency", quiet, "Meissen, round-trip time: not measured", "#4d5e6a"},
		{"", "show=latency", b, "Elbtal, round-trip time: 8.0\u00a0ms", "#0b7351"},
	} {
		file := h.s.showBadge
		if tc.component != "" {
			file = func(c *fiber.Ctx, p models.StatusPage, v views.StatusPage) error {
				return h.s.componentBadge(c, p, v, tc.component)
			}
		}
		a := asked(t, h, file, p, tc.board, tc.query)
		got := badgeTitle.FindStringSubmatch(a.body)
		if a.status != http.StatusOK || len(got) != 2 || got[1] != tc.title || !strings.Contains(a.body, `fill="`+tc.color+`"`) {
			t.Errorf("%s?%s: got %d and %s, want %q in %s", tc.component, tc.query, a.status, a.body, tc.title, tc.color)
		}
	}
	if a := asked(t, h, h.s.showBadge, p, b, "label=&labelColor=abc"); strings.Count(a.body, "<text") != 1 {
		t.Errorf("without a label: got %s, want one text", a.body)
	}
	if a := asked(t, h, h.s.showBadge, p, b, "label=Network+now&labelColor=abc&style=plastic"); !strings.Contains(a.body, ">Network now<") || !strings.Contains(a.body, `fill="#aabbcc"`) {
		t.Errorf("with a label: got %s", a.body)
	}
}

// A parameter that makes no sense is named, and all of them at once.
func TestBadgeRefusals(t *testing.T) {
	h := liteHouse(t)
	p, b := someBoard()
	b.Latency = models.LatencyNone
	for query, field := range map[string]string{"show=all": "show", "show=latency": "show", "period=1y": "period", "style=round": "style", "color=red": "color", "color=%23ff": "color",
		"labelColor=12345g": "labelColor", "label=%00": "label", "label=a%0Ab": "label", "label=%ff": "label", "label=" + strings.Repeat("x", 61): "label"} {
		a := asked(t, h, h.s.showBadge, p, b, query)
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, `"`+field+`":`) {
			t.Errorf("%s: got %d and %s, want 400 that names %s", query, a.status, a.body, field)
		}
	}
	a := asked(t, h, h.s.showBadge, p, b, "show=x&period=x&style=x&color=x&labelColor=x&label=%01")
	if n := strings.Count(a.body, "must be"); n != 7 { // the first one is the message too
		t.Errorf("got %s, want six fields", a.body)
	}
}

// The last day's uptime is read once a minute however many ask, and again when the page changed; what was read stays while the
// database is away.
func TestLastDaysAreKept(t *testing.T) {
	h := liteHouse(t)
	p := h.published("kept", `,"isPublished":true`)
	days, id := h.s.lastDays, p.ComponentID(h.monitor.PublicID)
	first, err := days.of(t.Context(), p)
	if _, ok := first[id]; err != nil || !ok || len(first) != 1 {
		t.Fatalf("got %v and error %v, want the one component", first, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if again, err := days.of(gone, p); err != nil || len(again) != 1 {
		t.Errorf("within a minute: got %v and error %v, want what was read", again, err)
	}
	days.pages[p.ID].at = time.Now().Add(-2 * lastDayAge)
	if again, err := days.of(gone, p); err != nil || len(again) != 1 {
		t.Errorf("after a minute without the database: got %v and error %v, want what was read", again, err)
	}
	p.Version++
	if again, err := days.of(gone, p); err == nil {
		t.Errorf("of the changed page: got %v, want an error", again)
	}
	days.pages[p.ID].at = time.Now().Add(-2 * lastDayPause)
	if again, err := days.of(t.Context(), p); err != nil || len(again) != 1 {
		t.Errorf("with the database again: got %v and error %v", again, err)
	}
}

// A name of 120 characters makes no badge that is as wide as a page; the title has all of it.
func TestBadgeOfLongNames(t *testing.T) {
	h := liteHouse(t)
	p, b := someBoard()
	long := strings.Repeat("Wide Name ", 11) + "Long Name!"
	b.Name, b.Groups[0].Components[1].Name = long, long
	wide := regexp.MustCompile(`<svg [^>]*width="(\d+)"`)
	for _, query := range []string{"", "show=uptime&lang=de", "show=latency"} {
		for what, file := range map[string]statusFile{"page": h.s.showBadge, "component": func(c *fiber.Ctx, p models.StatusPage, v views.StatusPage) error {
			return h.s.componentBadge(c, p, v, b.Groups[0].Components[1].ID.String())
		}} {
			a := asked(t, h, file, p, b, query)
			title, width := badgeTitle.FindStringSubmatch(a.body), wide.FindStringSubmatch(a.body)
			if a.status != http.StatusOK || len(title) != 2 || len(width) != 2 || !strings.HasPrefix(title[1], long) {
				t.Fatalf("%s?%s: got %d %s, want the whole name in the title", what, query, a.status, a.body)
			}
			if n, _ := strconv.Atoi(width[1]); n > 450 || !strings.Contains(a.body, ">Wide Name Wide Name Wide") {
				t.Errorf("%s?%s: got a badge of %d pixels: %s", what, query, n, a.body)
			}
		}
	}
}
