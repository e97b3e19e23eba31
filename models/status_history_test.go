package models_test

import (
	"fmt"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// statusPast is a monitor that is checked every five minutes from 27 March on, which is down three times around midnight (of London,
// Berlin and Calcutta), and not measured for two hours. In Berlin the clocks are set on the 29th.
func statusPast(t *testing.T, url string) (p *past, spans []spanOf) {
	t.Helper()
	p = history(t, url, 5*time.Minute)
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 3, day, hour, minute, 0, 0, time.UTC) }
	down := [][2]time.Time{{at(27, 18, 20), at(27, 18, 40)}, {at(27, 23, 50), at(28, 0, 10)}, {at(28, 22, 40), at(28, 23, 40)}}
	var batch []models.Result
	end := at(31, 9, 30)
	for slot := at(27, 0, 0); slot.Before(end); slot = slot.Add(5 * time.Minute) {
		if !slot.Before(at(30, 10, 0)) && slot.Before(at(30, 12, 0)) {
			continue
		}
		rtt := 1000
		for _, d := range down {
			if !slot.Before(d[0]) && slot.Before(d[1]) {
				rtt = -1
			}
		}
		batch = append(batch, p.check(slot, rtt))
	}
	p.record(setsBack, batch...)
	p.now = end
	spans = []spanOf{{at(27, 0, 0), down[0][0], models.StateUp}, {down[0][0], down[0][1], models.StateDown}, {down[0][1], down[1][0], models.StateUp},
		{down[1][0], down[1][1], models.StateDown}, {down[1][1], down[2][0], models.StateUp}, {down[2][0], down[2][1], models.StateDown},
		{down[2][1], at(30, 10, 0).Add(150 * time.Second), models.StateUp}, {at(30, 12, 0), end, models.StateUp}}
	return p, spans
}

type spanOf struct {
	from, to time.Time
	state    models.State
}

// within is how long the monitor was so within the day.
func within(spans []spanOf, state models.State, from, to time.Time) (sum time.Duration) {
	for _, s := range spans {
		a, b := s.from, s.to
		if a.Before(from) {
			a = from
		}
		if b.After(to) {
			b = to
		}
		if s.state == state && b.After(a) {
			sum += b.Sub(a)
		}
	}
	return sum
}

// Days are those of the page's zone to the second, where the clocks are set and where midnight is within an hour of UTC too, from
// results as from roll-ups; what was not measured stays so.
func TestStatusDays(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		p, spans := statusPast(t, url)
		for _, zone := range []string{"UTC", "Europe/Berlin", "Asia/Kolkata"} {
			if _, err := p.s.CreateStatusPage(t.Context(), p.by, fields(t, `{"customerId":1,"name":"`+zone+`","slug":"`+pageSlug(zone)+`"}`)); err != nil {
				t.Fatal(err)
			}
		}
		check := func(what string) {
			t.Helper()
			for _, zone := range []string{"UTC", "Europe/Berlin", "Asia/Kolkata"} {
				page, err := p.s.UnscopedStatusPage(t.Context(), pageSlug(zone))
				if err != nil {
					t.Fatal(err)
				}
				page.TimeZone = zone
				board, err := p.s.UnscopedStatusBoard(t.Context(), page)
				if err != nil {
					t.Fatal(err)
				}
				c := board.Groups[0].Components[0]
				if len(c.Days) != models.StatusDays || c.Days[models.StatusDays-1].Length != p.now.Sub(c.Days[models.StatusDays-1].Start) {
					t.Fatalf("%s, %s: got %d days, today of %s", what, zone, len(c.Days), c.Days[len(c.Days)-1].Length)
				}
				var up, down time.Duration
				for _, d := range c.Days {
					if local := d.Start.In(page.Zone()); local.Hour() != 0 || local.Minute() != 0 {
						t.Errorf("%s, %s: a day begins at %s", what, zone, local)
					}
					wantUp, wantDown := within(spans, models.StateUp, d.Start, d.Start.Add(d.Length)), within(spans, models.StateDown, d.Start, d.Start.Add(d.Length))
					if d.Up != wantUp || d.Down != wantDown || d.NotMeasured() != d.Length-wantUp-wantDown {
						t.Errorf("%s, %s, %s of %s: got %s up, %s down, %s not measured; want %s and %s", what, zone, d.Start, d.Length, d.Up, d.Down,
							d.NotMeasured(), wantUp, wantDown)
					}
					up, down = up+d.Up, down+d.Down
				}
				if u := c.Uptime; u.Up != up || u.Down != down || down != 100*time.Minute || !u.From.Equal(p.began) || !u.To.Equal(p.now) {
					t.Errorf("%s, %s: got uptime %+v, want the sum of the days since 1 March", what, zone, u)
				}
			}
		}
		check("from results")
		p.rollUp(p.now)
		check("rolled up")
		kept := time.Date(2026, 3, 31, 6, 0, 0, 0, time.UTC)
		if _, err := writable(t, url).ExecContext(t.Context(), fmt.Sprintf("DELETE FROM results WHERE slot < %d", kept.UnixMilli())); err != nil {
			t.Fatal(err)
		}
		check("without the results")
	})
}

func pageSlug(zone string) string {
	slug := []byte("zone-" + zone)
	for i, b := range slug {
		switch {
		case b == '/':
			slug[i] = '-'
		case b >= 'A' && b <= 'Z':
			slug[i] = b + 'a' - 'A'
		}
	}
	return string(slug)
}

// What turns is in the bar at once; without a turn the time goes on in the state, for as long as it is measured.
func TestStatusDaysAreFresh(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		p := history(t, url, time.Minute)
		p.now = p.began.AddDate(0, 0, 1) // where a span of five minutes begins
		began := p.now
		if _, err := p.s.CreateStatusPage(t.Context(), p.by, fields(t, `{"customerId":1,"name":"Page","slug":"page"}`)); err != nil {
			t.Fatal(err)
		}
		page, err := p.s.UnscopedStatusPage(t.Context(), "page")
		if err != nil {
			t.Fatal(err)
		}
		want := func(what string, up, down time.Duration, points int) {
			t.Helper()
			board, err := p.s.UnscopedStatusBoard(t.Context(), page)
			if err != nil {
				t.Fatal(err)
			}
			c := board.Groups[0].Components[0]
			if d := c.Days[models.StatusDays-1]; d.Up != up || d.Down != down || c.Uptime.Up != up || c.Uptime.Down != down || len(c.History.Buckets) != points {
				t.Errorf("%s: got %+v and %d points, want %s up and %s down and %d points", what, d, len(c.History.Buckets), up, down, points)
			}
		}
		at := func(second int) time.Time { return began.Add(time.Duration(second) * time.Second) }
		want("before the first check", 0, 0, 0)
		p.record(setsBack, p.check(at(0), 1000))
		p.now = at(20)
		want("after the first one", 20*time.Second, 0, 1)
		p.record(setsBack, p.check(at(60), 1000))
		p.now = at(80)
		want("a minute later", 80*time.Second, 0, 1)
		p.now = at(200)
		want("when nothing was measured any more", 150*time.Second, 0, 1)
		p.record(setsBack, p.check(at(120), -1), p.check(at(180), -1))
		p.now = at(190)
		want("when it turned", 120*time.Second, 70*time.Second, 1)
		page.Latency = models.LatencyNone
		want("without a chart", 120*time.Second, 70*time.Second, 0)
	})
}
