package probe

import (
	"testing"
	"testing/synctest"
	"time"

	"echolot/models"
)

// many are n monitors that are up.
func many(n int64, interval time.Duration) []models.ProbeTarget {
	var targets []models.ProbeTarget
	for id := range n {
		targets = append(targets, probed(id+1, interval, time.Second, 5*time.Second))
	}
	return targets
}

// T25, verdict part: 1,000 monitors fail within five seconds. It is seen as one failure before the first verdict, and is over when
// they are back.
func TestThousandFail(t *testing.T) {
	for _, interval := range []time.Duration{5 * time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			var since moment
			j := simulateJudged(t, silentSince(&since, func(c models.Check) bool { return c.Slot < since.at().Add(2*time.Minute).UnixMilli() }), many(1000, interval))
			j.run(2*interval + 5*time.Second)
			if j.mass.on(time.Now()) {
				t.Error("a mass failure while all is well")
			}
			since.set(time.Now())
			for !j.mass.on(time.Now()) && time.Since(since.at()) < time.Minute {
				j.run(flushPause)
			}
			noticed := time.Since(since.at())
			if len(j.downAt) > 0 || noticed > time.Minute {
				t.Errorf("I=%s: noticed after %s, when %d were down already; want it before the first verdict", interval, noticed, len(j.downAt))
			}
			t.Logf("I=%s: noticed after %s", interval, noticed)
			j.run(2 * time.Minute)
			if len(j.downAt) != 1000 || j.massed < 1000 {
				t.Errorf("I=%s: got %d down and %d marked results, want all", interval, len(j.downAt), j.massed)
			}
			j.run(time.Until(since.at().Add(2*time.Minute + interval)))
			if j.mass.on(time.Now()) {
				t.Errorf("I=%s: all are back and it is not over", interval)
			}
			if n := len(j.mass.failing); n != 0 {
				t.Errorf("I=%s: got %d monitors that fail, want none", interval, n)
			}
		})
	}
}

// What is no mass failure: a few of many, all of a few, and those that were down before do not count either way.
func TestNoMassFailure(t *testing.T) {
	for what, c := range map[string]struct {
		monitors int64
		fails    func(id int64, late bool) bool // late: the second wave
		want     bool
	}{
		"a rack of a hundred in a thousand":        {1000, func(id int64, _ bool) bool { return id <= 100 }, false},
		"all of four":                              {4, func(int64, bool) bool { return true }, false},
		"all of five":                              {5, func(int64, bool) bool { return true }, true},
		"a third, and later a quarter of the rest": {300, func(id int64, late bool) bool { return id <= 100 || late && id <= 150 }, false},
		"a third, and later half of the rest":      {300, func(id int64, late bool) bool { return id <= 100 || late && id <= 205 }, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var since, again moment
			j := simulateJudged(t, silentSince(&since, func(m models.Check) bool {
				return c.fails(m.Monitor, again.passed())
			}), many(c.monitors, 30*time.Second))
			j.run(time.Minute)
			since.set(time.Now())
			again.set(since.at().Add(5 * time.Minute))
			got := false
			for range 600 {
				j.run(time.Second)
				got = got || j.mass.on(time.Now())
			}
			if got != c.want {
				t.Errorf("%s: got a mass failure %t, want %t", what, got, c.want)
			}
		})
	}
}

// It does not last for ever where the monitors stay down, and what is removed is forgotten.
func TestMassFailureEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var since moment
		j := simulateJudged(t, silentSince(&since, func(c models.Check) bool { return c.Monitor <= 90 }), many(100, 20*time.Second))
		j.run(time.Minute)
		since.set(time.Now())
		j.run(time.Minute)
		if !j.mass.on(time.Now()) {
			t.Fatal("nothing noticed")
		}
		j.run(massLasts + 10*time.Second)
		r := found(time.Now().UnixMilli(), models.OutcomeFailure)
		if j.mass.mark(r).Mass {
			t.Error("a failure that comes later is marked")
		}
		j.mass.remove(1)
		if n := len(j.mass.failing); n != 89 {
			t.Errorf("got %d that fail, want 89", n)
		}
		j.mass.forget()
		if len(j.mass.failing) != 0 || j.mass.most != 0 {
			t.Error("not all is forgotten")
		}
	})
}

// Only failures are marked.
func TestMassMarks(t *testing.T) {
	f := newMassFailure(nil, nil)
	f.until.Store(time.Now().Add(time.Hour).UnixNano())
	for outcome, want := range map[models.Outcome]bool{models.OutcomeFailure: true, models.OutcomeSuccess: false, models.OutcomeWarning: false, models.OutcomeUnknown: false} {
		if got := f.mark(found(1, outcome)).Mass; got != want {
			t.Errorf("%s: marked %t, want %t", outcome, got, want)
		}
	}
}
