package models_test

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"

	"pgregory.net/rapid"
)

// past is a monitor whose results the test makes up.
type past struct {
	t     *testing.T
	s     *models.Store
	by    models.Actor
	now   time.Time
	row   models.MonitorRow
	began time.Time
	// recorded are all results so far, in order.
	recorded []models.Recorded
}

// history makes a monitor that is checked each interval, at a time that begins at the full day given.
func history(t *testing.T, url string, interval time.Duration) *past {
	t.Helper()
	p := &past{t: t, began: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	p.now = p.began
	p.s = modelstest.Open(t, url, func(o *models.Options) { o.Now = func() time.Time { return p.now } })
	p.by, _ = admin(t, p.s)
	row, err := p.s.CreateMonitor(t.Context(), p.by, fields(t, fmt.Sprintf(`{"customerId":1,"name":"n","hostname":"127.0.0.1","timeoutSeconds":1,"checkIntervalSeconds":%d}`, int(interval.Seconds()))))
	if err != nil {
		t.Fatal(err)
	}
	p.row = row
	return p
}

// replied is a check at the time whose packets came back after so many microseconds; a negative one was lost.
func (p *past) check(at time.Time, rtts ...int) models.Result {
	r := models.Result{Monitor: p.row.ID, Rev: p.row.Rev, Slot: at.UnixMilli(), Location: models.LocationID, Kind: models.KindScheduled, Outcome: models.OutcomeFailure,
		Cause: models.CauseTimeout, Sent: len(rtts), Address: netip.MustParseAddr("127.0.0.1")}
	for _, us := range rtts {
		if us < 0 {
			r.Packets = append(r.Packets, models.Packet{State: models.PacketLost})
			continue
		}
		r.Packets = append(r.Packets, models.Packet{State: models.PacketReplied, RTT: time.Duration(us) * time.Microsecond})
		r.Received++
		r.Outcome, r.ReplyTTL = models.OutcomeSuccess, 64
		if r.Received == r.Sent {
			r.Cause = models.CauseNone
		}
	}
	return r
}

// record stores the results; the clock is at the last one's time afterwards, if it was not later already.
func (p *past) record(judge models.JudgeFunc, results ...models.Result) []models.Recorded {
	p.t.Helper()
	if last := results[len(results)-1].StartedAt(); last.After(p.now) {
		p.now = last
	}
	recorded, err := p.s.RecordResults(p.t.Context(), results, judge)
	if err != nil {
		p.t.Fatal(err)
	}
	p.recorded = append(p.recorded, recorded...)
	return recorded
}

// setsBack is the program's judge, which sets the begin of what is down back to the first check that failed.
func setsBack(s models.MonitorState, r models.Result, rule models.Rule, status models.Status) (models.MonitorState, bool) {
	before := s
	s, ok := models.Judge(s, r, rule, status)
	if s.Failures == 1 && before.Failures == 0 {
		s.TroubleSince = r.StartedAt()
	}
	if s.State == models.StateDown && before.Measured != models.StateDown {
		s.Since = s.TroubleSince
	}
	return s, ok
}

// rollUp rolls up what there is at the time.
func (p *past) rollUp(at time.Time) {
	p.t.Helper()
	p.now = at
	for range 1000 {
		more, err := p.s.RollUp(p.t.Context())
		if err != nil {
			p.t.Fatal(err)
		}
		if !more {
			return
		}
	}
	p.t.Fatal("rolling up does not end")
}

func (p *past) series(from, to time.Time, step time.Duration) []models.Bucket {
	p.t.Helper()
	s, err := p.s.Series(context.Background(), p.by, p.row.PublicID, models.SeriesRange{From: from, To: to, Step: step})
	if err != nil {
		p.t.Fatal(err)
	}
	return s.Buckets
}

// A verdict sets the begin of a trouble back, also into an hour that was rolled up already; a gap is no time at all.
func TestSeriesOfAnOutage(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		p := history(t, url, time.Minute)
		at := func(minute int) time.Time { return p.began.Add(time.Duration(minute) * time.Minute) }
		for minute := range 59 {
			p.record(setsBack, p.check(at(minute), 1000, 1100, 1200, 1300))
		}
		p.record(setsBack, p.check(at(59), -1, -1, -1, -1)) // confirming
		p.rollUp(at(63))
		hour := p.series(at(0), at(60), time.Hour)
		if len(hour) != 1 || hour[0].Up != time.Hour {
			t.Errorf("before the verdict: got %+v, want an hour up", hour)
		}
		p.record(setsBack, p.check(at(64), -1, -1, -1, -1))
		p.now = at(65)
		// 59:00 + 90 s is how long the check before the gap speaks.
		check := func(what string) {
			t.Helper()
			hour := p.series(at(0), at(60), time.Hour)
			if len(hour) != 1 || hour[0].Up != 59*time.Minute || hour[0].Down != time.Minute || hour[0].LossRun != 4 {
				t.Errorf("%s: got %+v, want 59 minutes up, one down, and 4 requests lost in a row", what, hour)
			}
			five := p.series(at(55), at(65), 5*time.Minute)
			if len(five) != 2 || five[0].Down != time.Minute || five[1].Down != 90*time.Second {
				t.Errorf("%s: got %+v, want a minute down, and one and a half", what, five)
			}
		}
		check("from the results")
		p.rollUp(at(130))
		check("rolled up again")
		next := p.series(at(60), at(120), time.Hour)
		if len(next) != 1 || next[0].Down != 30*time.Second+90*time.Second || next[0].Measured() != 2*time.Minute || next[0].Failures != 1 {
			t.Errorf("got %+v, want what two checks say", next)
		}
	})
}

// Whatever happened: the roll-ups say the same as the results, and both the same as a straightforward count, each second of it.
func TestRollUpsAgreeWithResults(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{"sqlite": modelstest.SQLite, "postgres": modelstest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for round := range 3 {
				p := history(t, database(t), 10*time.Minute)
				rapid.Custom(func(rt *rapid.T) int { p.live(rt); return 0 }).Example(round)
				p.compare()
			}
		})
	}
}

// live lets ten hours to six days pass.
func (p *past) live(t *rapid.T) {
	at := p.began
	span := rapid.IntRange(10, 6*24).Draw(t, "hours")
	end := p.began.Add(time.Duration(span) * time.Hour)
	for at.Before(end) {
		n := rapid.IntRange(1, 40).Draw(t, "checks")
		lossy := rapid.SampledFrom([]int{0, 0, 0, 1, 4}).Draw(t, "lost")
		blind := rapid.IntRange(0, 9).Draw(t, "blind") == 0
		var batch []models.Result
		for range n {
			at = at.Add(rapid.SampledFrom([]time.Duration{10 * time.Minute, 10 * time.Minute, 30 * time.Second, 17 * time.Second}).Draw(t, "gap"))
			rtts := []int{0, 0, 0, 0}
			for i := range rtts {
				rtts[i] = rapid.IntRange(100, 40_000).Draw(t, "rtt")
				if i < lossy {
					rtts[i] = -1
				}
			}
			r := p.check(at, rtts...)
			if blind {
				r = r.Unknown(models.CauseProberBlind, "")
			}
			batch = append(batch, r)
		}
		p.record(setsBack, batch...)
		if rapid.IntRange(0, 5).Draw(t, "pause") == 0 {
			at = at.Add(time.Duration(rapid.IntRange(1, 50_000).Draw(t, "seconds")) * time.Second)
		}
		if rapid.Bool().Draw(t, "roll") {
			p.rollUp(at)
		}
	}
	p.now = at
}

// compare asks for the same history before and after the rest is rolled up.
func (p *past) compare() {
	p.t.Helper()
	p.now = p.now.Add(3 * time.Hour)
	steps := [...]time.Duration{5 * time.Minute, 20 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}
	var before [len(steps)][]models.Bucket
	for i, step := range steps {
		before[i] = p.series(p.began, p.now, step)
		checkSums(p.t, before[i])
		p.checkStates(before[i])
	}
	p.checkUptime()
	p.rollUp(p.now)
	p.checkUptime()
	for i, step := range steps {
		same(p.t, step, before[i], p.series(p.began, p.now, step))
	}
}

// checkUptime compares the uptime of several times with a count of seconds.
func (p *past) checkUptime() {
	p.t.Helper()
	states := p.seconds()
	for _, w := range [][2]time.Duration{{0, p.now.Sub(p.began)}, {95 * time.Minute, 26*time.Hour + 7*time.Minute + 3*time.Second}, {5 * time.Minute, 10 * time.Minute}} {
		from, to := p.began.Add(w[0]), p.began.Add(w[1])
		got, err := p.s.Uptime(p.t.Context(), p.by, p.row.PublicID, from, to, false)
		if err != nil {
			p.t.Fatal(err)
		}
		end := (got.To.Sub(p.began) + 5*time.Minute - 1).Truncate(5 * time.Minute)
		want := models.Uptime{From: from, To: got.To, Checks: got.Checks}
		for i := int(w[0] / time.Second); i < min(int(end/time.Second), len(states)); i++ {
			switch states[i] {
			case models.StateUp:
				want.Up += time.Second
			case models.StateDown:
				want.Down += time.Second
			case models.StateUnknown:
				want.Unknown += time.Second
			}
		}
		// The count of seconds goes on to the end of the bucket in which the time ends.
		if over := want.Up + want.Down + want.Unknown - got.Measured() - got.Unknown; over < 0 || over >= 5*time.Minute ||
			(want.Up-got.Up).Abs() >= 5*time.Minute || (want.Down-got.Down).Abs() >= 5*time.Minute || (want.Unknown-got.Unknown).Abs() >= 5*time.Minute || over == 0 && got != want {
			p.t.Errorf("uptime from %s to %s: got %+v, want %+v", from, to, got, want)
		}
	}
}

// checkStates compares the time in each state with a count of seconds.
func (p *past) checkStates(list []models.Bucket) {
	p.t.Helper()
	states, second := p.seconds(), func(at time.Time) int { return int(at.Sub(p.began) / time.Second) }
	for _, b := range list {
		want := map[models.State]time.Duration{}
		for i := max(0, second(b.Start)); i < second(b.Start.Add(b.Length)) && i < len(states); i++ {
			want[states[i]] += time.Second
		}
		got := map[models.State]time.Duration{models.StateUp: b.Up, models.StateDown: b.Down, models.StateDegraded: b.Degraded, models.StateUnknown: b.Unknown}
		for state, d := range got {
			if d != want[state] {
				p.t.Errorf("%s of %s: got %s %s, want %s", b.Start, b.Length, d, state, want[state])
			}
		}
	}
}

// seconds is the state in each second since the history began; empty where nothing was measured.
func (p *past) seconds() []models.State {
	states := make([]models.State, int(p.now.Sub(p.began)/time.Second))
	second := func(at time.Time) int { return int(at.Sub(p.began) / time.Second) }
	for i, r := range p.recorded {
		slot, state := second(r.Result.StartedAt()), r.Monitor.State.State
		for j := second(r.Monitor.State.Since); r.Changed && j < slot; j++ {
			if states[j] != models.StateUnknown && states[j] != "" {
				states[j] = state
			}
		}
		end := slot + r.Monitor.IntervalSeconds*3/2
		if i+1 < len(p.recorded) {
			end = min(end, second(p.recorded[i+1].Result.StartedAt()))
		}
		for j := slot; j < min(end, len(states)); j++ {
			states[j] = state
		}
	}
	return states
}

func checkSums(t *testing.T, list []models.Bucket) {
	t.Helper()
	for _, b := range list {
		if sum := b.Measured() + b.Unknown; sum > b.Length || b.Maintenance > sum {
			t.Errorf("got %s of a bucket of %s: %+v", sum, b.Length, b)
		}
	}
}

// same compares two series; figures of RTTs may differ as much as the sketches' error allows.
func same(t *testing.T, step time.Duration, a, b []models.Bucket) {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("step %s: got %d and %d buckets", step, len(a), len(b))
	}
	for i := range a {
		x, y := a[i], b[i]
		for q := range x.Quantiles {
			// Between 5 minutes and an hour they are estimated from five quantiles each; see TestQuantilesOfMergedBuckets.
			if (step == 5*time.Minute || step >= time.Hour) && far(x.Quantiles[q], y.Quantiles[q], 0.021) {
				t.Errorf("step %s, %s, quantile %v: got %s and %s", step, x.Start, models.SeriesQuantiles[q], x.Quantiles[q], y.Quantiles[q])
			}
		}
		if far(x.RTTAvg, y.RTTAvg, 0.001) {
			t.Errorf("step %s, %s: got averages %s and %s", step, x.Start, x.RTTAvg, y.RTTAvg)
		}
		x.Quantiles, y.Quantiles, x.RTTAvg, y.RTTAvg = [5]time.Duration{}, [5]time.Duration{}, 0, 0
		if !reflect.DeepEqual(x, y) {
			t.Errorf("step %s: got\n%+v\nand\n%+v", step, x, y)
		}
	}
}

func far(a, b time.Duration, share float64) bool {
	return (a - b).Abs() > time.Duration(share*float64(max(a, b)))+2*time.Microsecond
}

// Uptime of many monitors comes from days and hours, and is the same as that of each.
func TestUptimes(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		p := history(t, url, 10*time.Minute)
		var batch []models.Result
		for i := range 3 * 24 * 6 {
			r := p.check(p.began.Add(time.Duration(i)*10*time.Minute), 1000)
			if i%100 > 95 {
				r = p.check(p.began.Add(time.Duration(i)*10*time.Minute), -1)
			}
			batch = append(batch, r)
		}
		p.record(setsBack, batch...)
		p.rollUp(p.began.Add(72*time.Hour + 30*time.Minute))
		for _, exclude := range []bool{false, true} {
			all, err := p.s.Uptimes(t.Context(), p.by, []int64{p.row.ID, 12345}, p.began.Add(150*time.Minute), p.now, exclude)
			if err != nil || len(all) != 1 {
				t.Fatalf("got %v and error %v, want one monitor's", all, err)
			}
			one, err := p.s.Uptime(t.Context(), p.by, p.row.PublicID, p.began.Add(2*time.Hour), p.began.Add(72*time.Hour), exclude)
			if got := all[p.row.ID]; err != nil || got != one || got.Down != 4*4*10*time.Minute || got.Up != 70*time.Hour-got.Down || got.Checks != 420 {
				t.Errorf("got %+v, and of one %+v and error %v", got, one, err)
			}
		}
	})
}

// What is rolled up is told in whole buckets, so without its results the end is widened to one of those that history of its age is
// kept in.
func TestUptimeEndsWithABucket(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		p := history(t, url, time.Minute)
		var batch []models.Result
		for i := range 6 * 60 {
			batch = append(batch, p.check(p.began.Add(time.Duration(i)*time.Minute), 1000))
		}
		p.record(models.Judge, batch...)
		p.rollUp(p.began.Add(7 * time.Hour))
		want := func(what string, long time.Duration) {
			t.Helper()
			got, err := p.s.Uptime(t.Context(), p.by, p.row.PublicID, p.began, p.began.Add(3*time.Hour+7*time.Minute), false)
			if err != nil || got.Up != long || got.NotMeasured() != 0 || !got.To.Equal(p.began.Add(long)) {
				t.Errorf("%s: got %+v, %s not measured and error %v, want %s up", what, got, got.NotMeasured(), err, long)
			}
		}
		want("with its results", 3*time.Hour+7*time.Minute)
		if _, err := writable(t, url).ExecContext(t.Context(), "DELETE FROM results"); err != nil {
			t.Fatal(err)
		}
		want("with 5 minutes kept", 3*time.Hour+10*time.Minute)
		p.now = p.began.AddDate(0, 0, 120)
		for after, more := int64(0), true; more; {
			var err error
			if after, more, err = p.s.SweepRollUps(t.Context(), after); err != nil {
				t.Fatal(err)
			}
		}
		want("with hours kept", 4*time.Hour)
	})
}

// Uptime is cut: what was ever down is not 100 %.
func TestUptimePercent(t *testing.T) {
	for _, c := range []struct {
		up, down time.Duration
		decimals int
		want     string
	}{
		{time.Hour, 0, 2, "100.00"}, {0, time.Hour, 2, "0.00"}, {0, 0, 2, ""}, {time.Hour, time.Millisecond, 2, "99.99"}, {time.Hour, time.Millisecond, 0, "99"},
		{100 * 365 * 24 * time.Hour, time.Millisecond, 6, "99.999999"}, {2 * time.Second, time.Second, 3, "66.666"},
	} {
		if got := (models.Uptime{Up: c.up, Down: c.down}).Percent(c.decimals); got != c.want {
			t.Errorf("%s up, %s down: got %q, want %q", c.up, c.down, got, c.want)
		}
	}
}
