package models_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// takesLate stores results that are older than the last one too, as a recorder will that takes them from other places.
func takesLate(s models.MonitorState, r models.Result, rule models.Rule, status models.Status) (models.MonitorState, bool) {
	if r.Slot < s.LastSlot {
		return s, true
	}
	return setsBack(s, r, rule, status)
}

// Results that come when their hours and their day are rolled up already land in the right buckets, of all levels.
func TestLateResults(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		p := history(t, url, 10*time.Minute)
		var now, late []models.Result
		for i := range 3 * 24 * 6 {
			r := p.check(p.began.Add(time.Duration(i)*10*time.Minute), 1000+i, 2000+i)
			if i >= 100 && i < 200 { // across a midnight
				late = append(late, r)
				continue
			}
			now = append(now, r)
		}
		p.record(setsBack, now...)
		end := p.began.Add(72*time.Hour + 30*time.Minute)
		p.rollUp(end)
		if day := p.series(p.began.Add(24*time.Hour), p.began.Add(48*time.Hour), 24*time.Hour); len(day) != 1 || day[0].Successes != 88 || day[0].Up != 88*10*time.Minute {
			t.Errorf("without the late ones: got %+v, want 88 checks", day)
		}
		slices.Reverse(late)
		p.record(takesLate, late...)
		check := func(what string) {
			t.Helper()
			for _, step := range []time.Duration{10 * time.Minute, time.Hour, 24 * time.Hour} {
				list := p.series(p.began, p.began.Add(72*time.Hour), step)
				if len(list) != int(72*time.Hour/step) {
					t.Errorf("%s, step %s: got %d buckets", what, step, len(list))
				}
				for _, b := range list {
					if b.Up != step || b.Successes != int(step/(10*time.Minute)) || b.Received != 2*b.Successes {
						t.Errorf("%s: got %+v, want %s up and a check each 10 minutes", what, b, step)
					}
				}
			}
		}
		check("not rolled up again")
		p.rollUp(end)
		if n := count(t, url, "SELECT min(rolled_until) FROM monitor_states"); n != p.began.Add(72*time.Hour).UnixMilli() {
			t.Errorf("rolled up to %s", time.UnixMilli(n).UTC())
		}
		check("rolled up again")
	})
}

// Quantiles of merged buckets: from sketches within 2 %, from five quantiles each, between 5 minutes and an hour, within 10 % though
// the tail is long.
func TestQuantilesOfMergedBuckets(t *testing.T) {
	p := history(t, modelstest.SQLite(t), time.Minute)
	rnd := rand.New(rand.NewPCG(1, 2))
	var batch []models.Result
	for i := range 48 * 60 {
		rtts := make([]int, 4)
		for j := range rtts {
			rtts[j] = int(18_000 + 4_000*rnd.ExpFloat64() + 3_000*float64(i%1440)/1440)
		}
		batch = append(batch, p.check(p.began.Add(time.Duration(i)*time.Minute), rtts...))
	}
	p.record(setsBack, batch...)
	p.rollUp(p.began.Add(50 * time.Hour))
	for step, share := range map[time.Duration]float64{5 * time.Minute: 0.011, 20 * time.Minute: 0.1, time.Hour: 0.02, 6 * time.Hour: 0.02, 24 * time.Hour: 0.02} {
		worst := 0.0
		for _, b := range p.series(p.began, p.began.Add(48*time.Hour), step) {
			var all []time.Duration
			for _, r := range batch {
				if at := r.StartedAt(); !at.Before(b.Start) && at.Before(b.Start.Add(step)) {
					for _, packet := range r.Packets {
						all = append(all, packet.RTT)
					}
				}
			}
			slices.Sort(all)
			if b.RTTMin != all[0] || b.RTTMax != all[len(all)-1] || b.Received != len(all) {
				t.Errorf("step %s: got %+v, want %s to %s of %d", step, b, all[0], all[len(all)-1], len(all))
			}
			for i, q := range models.SeriesQuantiles {
				want := all[int(q*float64(len(all)-1))]
				off := float64((b.Quantiles[i] - want).Abs()) / float64(want)
				worst = max(worst, off)
				if off > share {
					t.Errorf("step %s, %s, quantile %v: got %s, want %s", step, b.Start, q, b.Quantiles[i], want)
				}
			}
		}
		t.Logf("step %s: %.2f %% off at most", step, 100*worst)
	}
}

// Maintenance is counted beside, and left out where it is to be excluded: also what was down in it.
func TestUptimeInMaintenance(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		p := history(t, url, 10*time.Minute)
		set := func(status string) {
			row, err := p.s.ChangeMonitor(t.Context(), p.by, p.row.PublicID, fields(t, `{"status":"`+status+`"}`), "")
			if err != nil {
				t.Fatal(err)
			}
			p.row = row
		}
		for i := range 30 {
			switch i {
			case 10:
				set("maintenance")
			case 20:
				set("active")
			}
			rtt := 1000
			if i >= 12 && i < 18 {
				rtt = -1
			}
			p.record(setsBack, p.check(p.began.Add(time.Duration(i)*10*time.Minute), rtt))
		}
		p.now = p.began.Add(5 * time.Hour)
		for _, what := range []string{"results", "roll-ups"} {
			for exclude, want := range map[bool]models.Uptime{
				false: {Up: 4 * time.Hour, Down: time.Hour, Maintenance: 100 * time.Minute},
				true:  {Up: 200 * time.Minute, Maintenance: 100 * time.Minute, Excluded: true},
			} {
				got, err := p.s.Uptime(t.Context(), p.by, p.row.PublicID, p.began, p.began.Add(5*time.Hour), exclude)
				want.From, want.To, want.Checks = got.From, got.To, 30
				if err != nil || got != want || got.NotMeasured() != 0 {
					t.Errorf("from %s: got %+v and error %v, want %+v", what, got, err, want)
				}
			}
			p.rollUp(p.began.Add(6 * time.Hour))
		}
	})
}

// A series of each check says of each how long it speaks, and what it found; a range of no results falls back to roll-ups.
func TestSeriesOfEachCheck(t *testing.T) {
	p := history(t, modelstest.SQLite(t), time.Minute)
	for i := range 120 {
		rtt := 1000
		if i >= 60 && i < 64 {
			rtt = -1
		}
		p.record(setsBack, p.check(p.began.Add(time.Duration(i)*time.Minute), rtt, rtt))
	}
	p.now = p.began.Add(3 * time.Hour)
	series := func(from, to time.Duration) models.Series {
		t.Helper()
		s, err := p.s.Series(t.Context(), p.by, p.row.PublicID, models.SeriesRange{From: p.began.Add(from), To: p.began.Add(to)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	hour := series(30*time.Minute, 90*time.Minute)
	if hour.Step != 0 || len(hour.Buckets) != 60 {
		t.Fatalf("got step %s and %d buckets, want each of 60 checks", hour.Step, len(hour.Buckets))
	}
	for i, b := range hour.Buckets {
		down := i >= 30 && i < 34 || i == 34 && b.Down > 0
		if b.Length != time.Minute || b.Measured() != time.Minute || down != (b.Down == time.Minute) || b.Failures > 0 != (i >= 30 && i < 34) {
			t.Errorf("check %d: got %+v", i, b)
		}
	}
	// The same checks in pages, with the verdicts after them.
	var states []models.State
	for from := p.began.Add(58 * time.Minute); ; {
		page, err := p.s.StoredChecks(t.Context(), p.by, p.row.PublicID, from, p.began.Add(65*time.Minute), 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page {
			states, from = append(states, c.State), time.UnixMilli(c.Slot+1)
			if wantConfirming := c.StartedAt().Equal(p.began.Add(60 * time.Minute)); c.Confirming != wantConfirming || c.Interval != time.Minute || c.Sent != 2 {
				t.Errorf("stored check: got %+v", c)
			}
		}
		if len(page) < 3 {
			break
		}
	}
	if want := []models.State{"up", "up", "up", "down", "down", "down"}; len(states) != 7 || !slices.Equal(states[:6], want) {
		t.Errorf("stored verdicts: got %v, want %v and one more", states, want)
	}
	p.rollUp(p.now)
	sweepAll(t, p.s, models.Retention{Raw: time.Hour})
	if s := series(30*time.Minute, 90*time.Minute); s.Step != 5*time.Minute || len(s.Buckets) != 12 {
		t.Errorf("after the results are gone: got step %s and %d buckets, want 12 of 5 minutes", s.Step, len(s.Buckets))
	}
}

// A verdict that falls while its hour is rolled up, and sets the trouble back into it, is in the roll-up.
func TestRollUpBesideAVerdict(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		p := history(t, url, time.Minute)
		third := func(s models.MonitorState, r models.Result, rule models.Rule, status models.Status) (models.MonitorState, bool) {
			rule.Confirmations = 3
			return models.Judge(s, r, rule, status)
		}
		minute := func(n int) time.Time { return p.began.Add(time.Duration(n) * time.Minute) }
		var batch []models.Result
		for n := range 59 {
			batch = append(batch, p.check(minute(n), 1000))
		}
		p.record(third, append(batch, p.check(minute(59), -1), p.check(minute(60), -1))...)
		p.now = minute(62).Add(30 * time.Second)
		err := p.s.RollUpBeside(t.Context(), func() { p.record(third, p.check(minute(61), -1)) })
		if err != nil {
			t.Fatal(err)
		}
		p.rollUp(p.now)
		got, err := p.s.Uptime(t.Context(), p.by, p.row.PublicID, p.began, minute(60), false)
		if err != nil || got.Down != time.Minute || got.Up != 59*time.Minute {
			t.Errorf("got %s up, %s down and error %v, want 59 min and 1 min", got.Up, got.Down, err)
		}
	})
}
