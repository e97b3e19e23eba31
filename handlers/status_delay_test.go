package handlers

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"echolot/models"
)

// surfaces are what a public page says of itself everywhere: its note, its banner, its badge, its JSON and its widget.
type surfaces struct{ note, banner, badge, description, widget, line string }

func (h *house) surfaces(slug, query string) surfaces {
	h.t.Helper()
	words := func(text string) string {
		return strings.Join(strings.Fields(strings.ReplaceAll(text, "\u00a0", " ")), " ")
	}
	doc := h.request("GET", "/status/"+slug+query, "").page(h.t)
	s := surfaces{banner: words(doc.Find("#status-banner h1").Text()), line: words(doc.Find(".svc-line .state").Text())}
	if note := doc.Find("#status-stale"); note.AttrOr("hidden", "shown") == "shown" {
		s.note = words(note.Text())
	}
	s.badge = words(badgeTitle.FindStringSubmatch(h.request("GET", "/status/"+slug+"/badge.svg"+query, "").body)[1])
	var told v2Answer
	h.request("GET", "/status/"+slug+"/api/v2/status.json"+query, "").decode(h.t, &told)
	s.description = words(told.Status.Description)
	s.widget = words(h.request("GET", "/status/"+slug+"/widget"+query, "").page(h.t).Find(`[data-testid="widget-summary"]`).Text())
	return s
}

// TestStatusResultsWait: as soon as it is known here that results can not be stored, everything of the page says of when it is, to those
// who have it open too, and in both languages; once they are stored, it is as ever.
func TestStatusResultsWait(t *testing.T) {
	var here atomic.Pointer[models.StorageFigures]
	var standby atomic.Bool
	here.Store(&models.StorageFigures{})
	h := liteHouse(t, func(o *Options) {
		o.Storage, o.Standby = func() models.StorageFigures { return *here.Load() }, standby.Load
	})
	last := time.Now().UTC().Truncate(time.Second)
	h.outage(last.Add(-2*time.Minute), "+++")
	h.statusPage("page")
	fresh := surfaces{banner: "All services are up", badge: "Page: up", description: "All services are up", widget: "All services are up", line: "Up"}
	if got := h.surfaces("page", ""); got != fresh {
		t.Fatalf("got %+v, want %+v", got, fresh)
	}
	v := h.visitor(t, "page", "")
	v.until("sync", "")
	here.Store(&models.StorageFigures{Waiting: 1, Failing: true, OldestWaiting: time.Now().Add(-3 * time.Second)})
	v.until("parts", "Checks go on, but their results wait to be stored.")
	clock, minute, whole := last.Format("15:04:05"), last.Format("15:04 MST"), last.Format("2006-01-02 15:04:05 MST")
	late := surfaces{"Checks go on, but their results wait to be stored. The newest that is known is of " + whole + ".", "All services are up as of " + clock,
		"Page: up, as of " + minute, "All services are up, as of " + whole, "All services are up, as of " + whole, "Up"}
	if got := h.surfaces("page", ""); got != late {
		t.Errorf("got %+v, want %+v", got, late)
	}
	german := surfaces{"Die Messungen gehen weiter, ihre Ergebnisse warten aber noch auf das Speichern. Das neueste bekannte ist von " + whole + ".", "Alle Dienste sind erreichbar Stand " + clock,
		"Page: erreichbar, Stand " + minute, "Alle Dienste sind erreichbar, Stand " + whole, "Alle Dienste sind erreichbar, Stand " + whole, "Erreichbar"}
	if got := h.surfaces("page", "?lang=de"); got != german {
		t.Errorf("got %+v, want %+v", got, german)
	}
	standby.Store(true)
	if got := h.surfaces("page", ""); got != fresh {
		t.Errorf("while another one probes: got %+v, want %+v", got, fresh)
	}
	standby.Store(false)
	v.until("parts", "as of")
	here.Store(&models.StorageFigures{Waiting: 1, OldestWaiting: time.Now().Add(-20 * time.Second)})
	v.until("parts", `id="status-stale" class="note" role="status" hidden`)
	if got := h.surfaces("page", ""); got != fresh {
		t.Errorf("a check that took long: got %+v, want %+v", got, fresh)
	}
}

// TestStatusNoNewResults: where nobody says why, the age of the newest check tells. First the last known state stays, with its moment;
// then a service is not measured since its last check, whatever it was before, and everything says the same.
func TestStatusNoNewResults(t *testing.T) {
	h := liteHouse(t)
	h.sql("UPDATE monitors SET created_at = '2026-01-01 00:00:00+00:00', updated_at = '2026-01-01 00:00:00+00:00'")
	h.statusPage("page")
	// Moments of another day are told with it: the page's zone is one in which no midnight is near.
	zone := time.UTC
	if hour := time.Now().UTC().Hour(); hour == 23 || hour == 0 {
		var err error
		if zone, err = time.LoadLocation("Etc/GMT-6"); err != nil {
			t.Fatal(err)
		}
		h.sql("UPDATE status_pages SET time_zone = 'Etc/GMT-6'")
	}
	last := time.Now().In(zone).Truncate(time.Second).Add(-3*time.Minute - 20*time.Second)
	h.outage(last.Add(-20*time.Minute), strings.Repeat("+", 21))
	if p, err := h.store.UnscopedStatusPage(t.Context(), "page"); err != nil {
		t.Fatal(err)
	} else if b, err := h.store.UnscopedStatusBoard(t.Context(), p); err != nil || b.Interval != time.Minute {
		t.Fatalf("got an interval of %v and error %v, want a minute", b.Interval, err)
	}
	clock, minute, whole := last.Format("15:04:05"), last.Format("15:04 MST"), last.Format("2006-01-02 15:04:05 MST")
	note := "No new results come at the moment. The newest that is known is of " + whole + "."
	late := surfaces{note, "All services are up as of " + clock, "Page: up, as of " + minute, "All services are up, as of " + whole, "All services are up, as of " + whole, "Up"}
	if got := h.surfaces("page", ""); got != late {
		t.Errorf("got %+v, want %+v", got, late)
	}
	h.s.status.mu.Lock()
	e := h.s.status.at[slugAddress("page")]
	h.s.status.age(e, last.Add(5*time.Minute)) // as it is done while visitors have it open
	b := *e.board
	h.s.status.mu.Unlock()
	if !b.Silent || b.NotMeasuredSince(b.Groups[0].Components[0]).Unix() != last.Unix() {
		t.Errorf("got a silence %v, want one since %s", b.Silent, last)
	}

	h.sql("UPDATE monitor_states SET last_checked_at = datetime(last_checked_at, '-120 seconds')")
	h.s.status.mu.Lock()
	e.urgent = atOnce
	h.s.status.mu.Unlock()
	last = last.Add(-2 * time.Minute)
	clock, minute, whole = last.Format("15:04:05"), last.Format("15:04 MST"), last.Format("2006-01-02 15:04:05 MST")
	silent := surfaces{"No new results come at the moment. The newest that is known is of " + whole + ".", "No new results since " + clock,
		"Page: no new results since " + minute, "No new results since " + whole, "No new results since " + whole, "Not measured since " + last.Format("15:04")}
	if got := h.surfaces("page", ""); got != silent {
		t.Errorf("got %+v, want %+v", got, silent)
	}
}
