package probe

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"echolot/models"
)

// judged is a simulation whose results are recorded and judged a flush later, as by the recorder.
type judgedSim struct {
	*simulation
	targets map[int64]models.ProbeTarget
	states  map[int64]models.MonitorState
	downAt  map[int64]time.Time
	mass    *massFailure
	massed  int // results marked
	seen    int
}

func simulateJudged(t *testing.T, pinger *fakePinger, targets []models.ProbeTarget) *judgedSim {
	j := &judgedSim{targets: map[int64]models.ProbeTarget{}, states: map[int64]models.MonitorState{}, downAt: map[int64]time.Time{}}
	for _, m := range targets {
		j.targets[m.MonitorID] = m
		j.states[m.MonitorID] = models.MonitorState{State: models.StateUp, Measured: models.StateUp, LastSlot: time.Now().UnixMilli() - 1}
	}
	j.simulation = simulate(t, pinger, 200_000, targets...)
	j.mass = newMassFailure(j.probedWithin, slog.New(slog.DiscardHandler))
	return j
}

// veto has a sentinel that answers speak for the targets.
func (j *judgedSim) veto(t *testing.T) {
	var v *veto
	s := newSentinels(1, j.fakePinger, []string{"10.0.0.1"}, nil, func() { v.look() }, slog.New(slog.DiscardHandler))
	v = newVeto(s, j.deliver, slog.New(slog.DiscardHandler))
	j.Scheduler.mu.Lock()
	j.failed, j.deliver = v.failed, v.take
	j.Scheduler.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// run lets time pass, a flush at a time.
func (j *judgedSim) run(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		pass(flushPause)
		j.fakePinger.mu.Lock()
		results := slices.Clone(j.taken[j.seen:])
		j.seen = len(j.taken)
		j.fakePinger.mu.Unlock()
		for _, r := range results {
			j.record(r)
		}
	}
}

func (j *judgedSim) record(r models.Result) {
	if r = j.mass.mark(r); r.Mass {
		j.massed++
	}
	m, before := j.targets[r.Monitor], j.states[r.Monitor]
	after, ok := models.Judge(before, r, m.Rule, m.Status)
	if !ok {
		return
	}
	j.states[r.Monitor] = after
	if after.State == models.StateDown && before.State != models.StateDown {
		j.downAt[r.Monitor] = time.Now()
	}
	row := models.MonitorRow{State: after}
	row.Monitor.ID, row.Monitor.IntervalSeconds = m.MonitorID, int(m.Interval/time.Second)
	rec := models.Recorded{Monitor: row, Result: r, Before: before}
	j.mass.recorded(rec)
	j.Recorded(rec)
}

// packets counts what was sent from a moment on.
func (j *judgedSim) packets(from time.Time) (n int) {
	j.fakePinger.mu.Lock()
	defer j.fakePinger.mu.Unlock()
	for _, p := range j.pings {
		if !p.began.Before(from) {
			n += p.Spec.Count
		}
	}
	return n
}

func probed(id int64, interval, timeout, retry time.Duration) models.ProbeTarget {
	m := checked(id, interval)
	m.Spec.Count, m.Spec.Interval, m.Spec.Timeout = 3, 200*time.Millisecond, timeout
	m.Rule.Retry = retry
	return m
}

// moment is a time that is set while others look; until then it never comes.
type moment struct{ ms atomic.Int64 }

func (m *moment) set(at time.Time) { m.ms.Store(at.UnixMilli()) }

func (m *moment) at() time.Time { return time.UnixMilli(m.ms.Load()) }

func (m *moment) passed() bool { return m.ms.Load() != 0 && !time.Now().Before(m.at()) }

// silentSince makes targets silent from a moment on.
func silentSince(since *moment, who func(models.Check) bool) *fakePinger {
	out := func(c models.Check) bool { return since.passed() && who(c) }
	return &fakePinger{
		takes: func(c models.Check) time.Duration {
			if out(c) {
				return c.Spec.Timeout
			}
			return 10 * time.Millisecond
		},
		finds: func(c models.Check) models.Outcome {
			if out(c) {
				return models.OutcomeFailure
			}
			return models.OutcomeSuccess
		},
	}
}

// Promise 1 (reliability.md §4): a lone outage is recorded within D = I + 2·max(C, T) + T, whenever it begins, bursts and all.
func TestDetectionTime(t *testing.T) {
	for _, c := range []struct{ interval, timeout, retry time.Duration }{
		{time.Minute, 10 * time.Second, 5 * time.Second}, {time.Minute, time.Second, 5 * time.Second}, {time.Minute, 2 * time.Second, time.Second},
		{time.Minute, 30 * time.Second, 30 * time.Second}, {5 * time.Minute, 30 * time.Second, time.Second}, {10 * time.Second, 10 * time.Second, 5 * time.Second},
		{time.Hour, 5 * time.Second, time.Minute}, {2 * time.Second, time.Second, 5 * time.Second}, {time.Minute, 20 * time.Second, 3 * time.Second},
	} {
		var slowest time.Duration
		for seed := range uint64(5) {
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 7))
				var since moment
				j := simulateJudged(t, silentSince(&since, func(c models.Check) bool { return c.Monitor != 0 }), []models.ProbeTarget{probed(1, c.interval, c.timeout, c.retry)})
				j.veto(t)
				j.run(c.interval + time.Duration(rng.Int64N(int64(c.interval))))
				begins := time.Now()
				if seed == 0 { // the worst: just after a check
					ms := c.interval.Milliseconds()
					slot := begins.UnixMilli()/ms*ms + phase(1, ms)
					for slot <= begins.UnixMilli() {
						slot += ms
					}
					begins = time.UnixMilli(slot + 11)
				}
				since.set(begins)
				promise := c.interval + 2*max(c.retry, c.timeout) + c.timeout
				j.run(time.Until(begins) + promise + time.Minute)
				took := j.downAt[1].Sub(begins)
				if slowest = max(slowest, took); took < 0 || took > promise {
					t.Errorf("I=%s T=%s C=%s: down after %s, promised within %s; checks: %s", c.interval, c.timeout, c.retry, took, promise, j.kinds())
				}
				j.sound(t)
			})
		}
		t.Logf("I=%s T=%s C=%s: at most %s", c.interval, c.timeout, c.retry, slowest)
	}
}

// One answer to the burst, and nothing more is asked.
func TestBurstClears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var since moment
		j := simulateJudged(t, silentSince(&since, func(c models.Check) bool { return c.Kind != models.KindBurst }), []models.ProbeTarget{probed(1, time.Hour, 2*time.Second, 5*time.Second)})
		since.set(time.Now())
		j.CheckNow(1)
		j.run(time.Minute)
		if got, want := j.kinds(), "manual burst"; got != want || j.states[1].State != models.StateUp || j.states[1].Failures != 0 {
			t.Errorf("got checks %q and %+v, want %q and up", got, j.states[1], want)
		}
		burst := j.of(1)[1]
		if gap := burst.began.Sub(j.of(1)[0].ended); burst.Spec.Count != 3 || burst.Spec.Interval != burstGap || gap > 300*time.Millisecond {
			t.Errorf("got a burst of %d packets %s apart after %s", burst.Spec.Count, burst.Spec.Interval, gap)
		}
	})
}

// The spec of a burst is one that pingers take, and it ends before the confirming check is due.
func TestBurstFits(t *testing.T) {
	for _, c := range []struct {
		count                     int
		interval, timeout, pause  time.Duration
		wantInterval, wantTimeout time.Duration
		none                      bool
	}{
		{3, 200 * time.Millisecond, 10 * time.Second, 5 * time.Second, burstGap, 4300 * time.Millisecond, false},
		{3, time.Second, 10 * time.Second, 5 * time.Second, burstGap, 4300 * time.Millisecond, false},
		{1, 200 * time.Millisecond, time.Second, 5 * time.Second, burstGap, time.Second, false},
		{100, 10 * time.Millisecond, 2 * time.Second, 5 * time.Second, 10 * time.Millisecond, 2 * time.Second, false},
		{3, 200 * time.Millisecond, 10 * time.Second, time.Second, burstGap, 8800 * time.Millisecond, false},
		{3, 200 * time.Millisecond, time.Second, time.Second, 0, 0, true},
	} {
		spec := models.Spec{Host: "127.0.0.1", Count: c.count, Interval: c.interval, Timeout: c.timeout, PacketSize: 56}
		fits := asBurst(&spec, c.pause, 200*time.Millisecond)
		if err := spec.Valid(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
		if fits == c.none || !c.none && (spec.Interval != c.wantInterval || spec.Timeout != c.wantTimeout) {
			t.Errorf("%+v: got %t, %s apart within %s", c, fits, spec.Interval, spec.Timeout)
		}
	}
}

// An outage of a thousand must not multiply what is sent, and none goes down without a confirming check.
func TestOutageOfManyKeepsTheBudget(t *testing.T) {
	for _, c := range []struct {
		interval, timeout, retry time.Duration
		most                     float64 // times what is planned
	}{{10 * time.Second, time.Second, 5 * time.Second, 1.2}, {5 * time.Second, time.Second, 3 * time.Second, 1.2}, {time.Minute, 2 * time.Second, 5 * time.Second, 2.1}} {
		synctest.Test(t, func(t *testing.T) {
			var since moment
			var targets []models.ProbeTarget
			for id := range int64(1000) {
				targets = append(targets, probed(id+1, c.interval, c.timeout, c.retry))
			}
			j := simulateJudged(t, silentSince(&since, func(models.Check) bool { return true }), targets)
			j.run(2 * c.interval)
			since.set(time.Now())
			const lasts = 2 * time.Minute
			j.run(lasts)
			planned := 3 * 1000 * lasts.Seconds() / c.interval.Seconds()
			full := budgetTime.Seconds() * max(extraLeast, extraShare*planned/lasts.Seconds())
			sent := float64(j.packets(since.at()))
			if sent > c.most*planned+full {
				t.Errorf("I=%s: got %g packets, want at most %g times the planned %g and the %g of the budget", c.interval, sent, c.most, planned, full)
			}
			if len(j.downAt) != 1000 {
				t.Errorf("I=%s: got %d down, want all", c.interval, len(j.downAt))
			}
			checks := map[int64]int{}
			for _, p := range j.results() {
				if p.Outcome == models.OutcomeFailure && p.Kind != models.KindBurst && time.UnixMilli(p.Slot).Before(j.downAt[p.Monitor]) {
					checks[p.Monitor]++
				}
			}
			for id, n := range checks {
				if n < 2 {
					t.Errorf("monitor %d went down after %d failed checks, want 2", id, n)
				}
			}
			var last time.Duration
			for _, at := range j.downAt {
				last = max(last, at.Sub(since.at()))
			}
			t.Logf("I=%s: all down after %s; %g packets, %g planned, budget %g; %s", c.interval, last, sent, planned, full, kindCounts(j.results(), since.at()))
			j.sound(t)
		})
	}
}

// kindCounts counts the checks of each kind since then.
func kindCounts(results []models.Result, since time.Time) string {
	n := map[models.Kind]int{}
	for _, r := range results {
		if !r.StartedAt().Before(since) {
			n[r.Kind]++
		}
	}
	return strings.TrimPrefix(fmt.Sprint(n), "map")
}

// What is planned follows every change.
func TestLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, &fakePinger{takes: func(models.Check) time.Duration { return time.Minute }}, 100)
		expect := func(what string, minute, packets float64) {
			t.Helper()
			if got := s.probedWithin(time.Minute); got != minute || s.load.packets < packets-1e-9 || s.load.packets > packets+1e-9 {
				t.Errorf("%s: got %g monitors a minute and %g packets a second, want %g and %g", what, got, s.load.packets, minute, packets)
			}
		}
		a, b := probed(1, time.Minute, time.Second, time.Second), probed(2, 2*time.Minute, time.Second, time.Second)
		s.Set(a)
		s.Set(b)
		expect("two", 1.5, 3./60+3./120)
		s.Set(b)
		expect("one of them again", 1.5, 3./60+3./120)
		b = changed(b)
		b.Interval = 4 * time.Minute
		s.Set(b)
		expect("changed", 1.25, 3./60+3./240)
		s.Remove(2)
		s.Remove(2)
		expect("removed while its check runs", 1, 3./60)
		s.Set(b)
		expect("back before it ended", 1.25, 3./60+3./240)
		s.Remove(1)
		s.Remove(2)
		pass(2 * time.Minute)
		expect("none", 0, 0)
		if len(s.load.monitors) != 0 {
			t.Errorf("got %v, want no intervals", s.load.monitors)
		}
	})
}
