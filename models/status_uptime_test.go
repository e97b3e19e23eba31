package models_test

import (
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// The last day is what was rolled up of it and the time that the state has been the same since; of what lies between nothing is said.
func TestStatusLastDay(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		p := history(t, url, time.Minute)
		if _, err := p.s.CreateStatusPage(t.Context(), p.by, fields(t, `{"customerId":1,"name":"Page","slug":"page"}`)); err != nil {
			t.Fatal(err)
		}
		page, err := p.s.UnscopedStatusPage(t.Context(), "page")
		if err != nil {
			t.Fatal(err)
		}
		id := page.ComponentID(p.row.PublicID)
		want := func(what string, up, down, unmeasured time.Duration) {
			t.Helper()
			days, err := p.s.UnscopedStatusLastDay(t.Context(), page)
			u := days[id]
			if err != nil || len(days) != 1 || u.Up != up || u.Down != down || u.NotMeasured() != unmeasured {
				t.Errorf("%s: got %+v, %s not measured, and error %v, want %s up, %s down, %s not measured", what, u, u.NotMeasured(), err, up, down, unmeasured)
			}
		}
		want("before the first check", 0, 0, 0)
		at := func(minute int) time.Time { return p.began.Add(time.Duration(minute) * time.Minute) }
		minutes := func(from, to, rtt int) (batch []models.Result) {
			for i := from; i < to; i++ {
				batch = append(batch, p.check(at(i), rtt))
			}
			return batch
		}
		// Two days: on the first one an hour down, on the second one half an hour; then time that is not rolled up yet, down at its end.
		p.record(setsBack, minutes(0, 600, 1000)...)
		p.record(setsBack, minutes(600, 660, -1)...)
		p.record(setsBack, minutes(660, 2000, 1000)...)
		p.record(setsBack, minutes(2000, 2030, -1)...)
		p.record(setsBack, minutes(2030, 2881, 1000)...)
		p.rollUp(at(2880))
		want("rolled up", 23*time.Hour+30*time.Minute, 30*time.Minute, 0)
		p.record(setsBack, minutes(2881, 2920, 1000)...)
		p.record(setsBack, minutes(2920, 2930, -1)...)
		p.now = at(2930)
		want("down since a moment ago", 21*time.Hour+40*time.Minute, 40*time.Minute, time.Hour+40*time.Minute)
		p.now = at(2930 + 60)
		want("nobody measures", 20*time.Hour+40*time.Minute, 40*time.Minute+30*time.Second, 2*time.Hour+39*time.Minute+30*time.Second)
	})
}

// A component's last days are the end of its bar; the whole bar is its uptime.
func TestStatusComponentLastDays(t *testing.T) {
	begun := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	c := models.StatusComponent{Uptime: models.Uptime{Up: time.Hour, From: begun.Add(84*24*time.Hour + time.Hour)}}
	for i := range models.StatusDays {
		c.Days = append(c.Days, models.StatusDay{Start: begun.AddDate(0, 0, i), Length: 24 * time.Hour, Up: time.Duration(i) * time.Minute, Down: time.Second})
	}
	if got := c.LastDays(models.StatusDays); got != c.Uptime {
		t.Errorf("got %+v, want the uptime", got)
	}
	if got := c.LastDays(2); got.Up != (89+88)*time.Minute || got.Down != 2*time.Second || !got.From.Equal(begun.AddDate(0, 0, 88)) || !got.To.Equal(begun.AddDate(0, 0, 90)) {
		t.Errorf("got %+v, want the last two days", got)
	}
	if got := c.LastDays(30); !got.From.Equal(c.Uptime.From) {
		t.Errorf("got %+v, want them to begin with the monitor", got)
	}
	if got := (models.StatusComponent{}).LastDays(7); got.Percent(2) != "" {
		t.Errorf("got %+v, want nothing of a component without days", got)
	}
}
