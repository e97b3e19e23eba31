package models_test

import (
	"fmt"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// The last day is exact at both of its ends: what is not rolled up, and where it begins within what is, is counted from results.
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
		// Two days: on the first one an hour down, and two minutes around the time when the last day will begin, which is within five
		// minutes that are rolled up together; on the second one half an hour; then time that is not rolled up yet, down at its end.
		p.record(setsBack, minutes(0, 600, 1000)...)
		p.record(setsBack, minutes(600, 660, -1)...)
		p.record(setsBack, minutes(660, 1491, 1000)...)
		p.record(setsBack, minutes(1491, 1493, -1)...)
		p.record(setsBack, minutes(1493, 2000, 1000)...)
		p.record(setsBack, minutes(2000, 2030, -1)...)
		p.record(setsBack, minutes(2030, 2881, 1000)...)
		p.rollUp(at(2880))
		want("rolled up", 23*time.Hour+28*time.Minute, 32*time.Minute, 0)
		p.record(setsBack, minutes(2881, 2920, 1000)...)
		p.record(setsBack, minutes(2920, 2932, -1)...)
		p.now = at(2932)
		before := p.s.Queries()
		want("down since a moment ago", 23*time.Hour+17*time.Minute, 43*time.Minute, 0)
		if n := p.s.Queries() - before; n > 5 {
			t.Errorf("got %d queries, want 5", n)
		}
		p.now = at(2932 + 60)
		want("nobody measures", 22*time.Hour+18*time.Minute, 42*time.Minute+30*time.Second, 59*time.Minute+30*time.Second)
		// Without the results of then, the day is longer by the part of the five minutes that was before it.
		if _, err := writable(t, url).ExecContext(t.Context(), fmt.Sprintf("DELETE FROM results WHERE slot < %d", at(2000).UnixMilli())); err != nil {
			t.Fatal(err)
		}
		p.now = at(2932)
		want("results are gone", 23*time.Hour+18*time.Minute, 44*time.Minute, 0)
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
