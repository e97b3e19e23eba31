package views

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"echolot/models"
)

// lineOf reads minutes from letters: . none, u up, s slow, ? unknown, l loss, D down.
func lineOf(t *testing.T, text string) models.WallLine {
	t.Helper()
	l := models.WallLine{State: models.StateUp, Rank: 7}
	if len(text) > models.WallMinutes {
		t.Fatal("too long")
	}
	for i, c := range text {
		l.Minutes[models.WallMinutes-len(text)+i] = models.Minute(strings.IndexRune(".us?lD", c))
	}
	return l
}

// TestWallStrips: one path for each look, a run for each stretch, three lines abreast.
func TestWallStrips(t *testing.T) {
	down := lineOf(t, "uuulDD")
	down.State, down.Rank = models.StateDown, 0
	paused := models.WallLine{Status: models.StatusDisabled, State: models.StatePaused, Rank: 6}
	plum := lineOf(t, "uuuu")
	plum.Minutes[58] |= 8
	plum.Minutes[59] |= 8
	g := WallGroup{PublicID: "id", Name: nasty, Lines: []models.WallLine{lineOf(t, strings.Repeat("u", 60)), down, lineOf(t, "us?.."), paused, plum, {State: models.StatePending, Rank: 5}}}
	svg := draw(t, g.strips()).Find("svg")
	for class, want := range map[string]string{
		"w-up":    "M0 2h60M120 2h3M123 2h1M187 2h1M122 7h4",
		"w-loss":  "M123 1h1",
		"w-down":  "M124 2h2",
		"w-slow":  "M188 2h1",
		"w-unk":   "M189 2h1M190 2h2",
		"w-off":   "M0 7.5h60",
		"w-maint": "M124 8.5h2",
	} {
		if got := svg.Find("path."+class).AttrOr("d", ""); got != want {
			t.Errorf("%s: got %q, want %q", class, got, want)
		}
	}
	if got := svg.AttrOr("data-trouble", ""); got != "1" || g.calm() || g.of(rankDown) != 1 {
		t.Errorf("got trouble at %q, want at 1", got)
	}
	if got := svg.AttrOr("aria-label", ""); got != nasty+": 6\u00a0monitors, last 60 minutes" {
		t.Errorf("got %q", got)
	}
	if got := svg.AttrOr("viewbox", svg.AttrOr("viewBox", "")); got != "0 0 192 9" {
		t.Errorf("got %q", got)
	}
	// Not measured for the whole hour is dots; before the first check there was nothing to measure.
	silent := WallGroup{Lines: []models.WallLine{{State: models.StateUnknown}, {State: models.StatePending}, lineOf(t, "uu")}}
	if got := draw(t, silent.strips()).Find("path.w-unk").AttrOr("d", ""); got != "M0 2h60" {
		t.Errorf("silent for an hour: got %q", got)
	}
}

// On a phone a calm group folds to its name, and whoever wants to see it opens it, with scripts off too.
func TestCalmGroupsOpen(t *testing.T) {
	calm, bad := WallGroup{PublicID: "calm", Lines: []models.WallLine{lineOf(t, "uu")}}, lineOf(t, "uD")
	bad.Rank = rankDown
	for _, g := range []WallGroup{calm, {PublicID: "bad", Lines: []models.WallLine{bad}}} {
		fold := draw(t, wallGroup(g)).Find("details[data-testid=wall-fold]")
		if got := fold.NextFiltered("svg[data-strips]").Length() == 1; got != g.calm() {
			t.Errorf("%s: got a fold right before its lines = %t, want %t", g.PublicID, got, g.calm())
		}
	}
	if text := draw(t, WallBody(WallPage{Groups: []WallGroup{calm}, Now: noon})).Find("noscript").Text(); !strings.Contains(text, "; ") {
		t.Errorf("got %q, want it apart from the time", text)
	}
}

func TestUptime(t *testing.T) {
	of := func(word string, span, up, down time.Duration, checks int) Uptime {
		return Uptime{word, models.Uptime{From: noon.Add(-span), To: noon, Up: up, Down: down, Checks: checks}}
	}
	page := MonitorPage{Page: samplePage("x", NavMonitors), Live: sampleLive("id"), Uptimes: []Uptime{of("24 h", 24*time.Hour, 0, 0, 0), of("30 d", 720*time.Hour, 718*time.Hour, 12*time.Minute, 8640),
		of("1 h", time.Hour, time.Hour, 0, 1)}}
	facts := draw(t, MonitorBody(page)).Find("[data-testid=uptime]")
	want := []string{"Uptime, 24 h–not measured", "Uptime, 30 d99.97%of 718.2 h measured; 1.8 h not measured; 8,640 checks", "Uptime, 1 h100.00%of 1.0 h measured; 1 check"}
	if texts := facts.Map(func(_ int, s *goquery.Selection) string { return plain(s.Text()) }); !slices.Equal(texts, want) {
		t.Errorf("got %q, want %q", texts, want)
	}
}
