package probe

import (
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"echolot/models"
)

const (
	// massLeast monitors must have failed, and massShare of those that were probed, within one of massWindows.
	massLeast = 5
	massShare = 0.5
	// massLasts is how long a mass failure lasts after the last monitor that joined it.
	massLasts = 5 * time.Minute
	// massPause is the least time between two looks: each goes over all monitors that fail.
	massPause = time.Second
)

// massWindows are the stretches of time that are looked at: short ones tell soon where much is probed, long ones tell at all
// where little is.
var massWindows = [...]time.Duration{5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 90 * time.Second}

// massFailure notices that many monitors of the location fail at once though the sentinels answer: something on the way to all of
// them is broken, rather than each. While that is so, failed results are marked.
//
// It counts monitors, by when the first of their failed checks in a row began, and no monitor that was down already. So that
// successes cost nothing, what was probed meanwhile is not counted but taken from the plan.
type massFailure struct {
	probed func(within time.Duration) float64 // how many monitors the plan probes
	log    *slog.Logger
	until  atomic.Int64 // nanoseconds since 1970; 0 = there is none

	mu      sync.Mutex
	failing map[int64]failing
	newest  time.Time // the newest first failure
	looked  time.Time
	began   time.Time // of the mass failure: the first failure that belongs to it
	most    int       // monitors that failed in it at once
}

// failing is a monitor whose last measured check failed.
type failing struct {
	since    time.Time // when the first of its failed checks in a row began; zero for a monitor that was down before
	interval time.Duration
}

func newMassFailure(probed func(within time.Duration) float64, log *slog.Logger) *massFailure {
	return &massFailure{probed: probed, log: log, failing: map[int64]failing{}}
}

// mark marks a failed result where many fail now.
func (f *massFailure) mark(r models.Result) models.Result {
	if r.Outcome == models.OutcomeFailure {
		r.Mass = f.on(time.Now())
	}
	return r
}

func (f *massFailure) on(now time.Time) bool { return now.UnixNano() < f.until.Load() }

// recorded hears what was committed.
func (f *massFailure) recorded(r models.Recorded) {
	before, after := r.Before.Failures > 0, r.Monitor.State.Failures > 0
	if !before && !after {
		return // most are so: without the lock
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	id := r.Monitor.Monitor.ID
	if !after {
		delete(f.failing, id)
		f.look(time.Now())
		return
	}
	if _, known := f.failing[id]; known {
		return
	}
	one := failing{interval: r.Monitor.Interval()}
	if !before && r.Before.Measured != models.StateDown {
		one.since = r.Result.StartedAt()
		if one.since.After(f.newest) {
			f.newest = one.since
		}
	}
	f.failing[id] = one
	f.look(time.Now())
}

// remove forgets a monitor that is not probed any more, or is another now.
func (f *massFailure) remove(id int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.failing, id)
}

// forget forgets all that fails: the prober does not probe any more.
func (f *massFailure) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.failing)
	f.newest, f.most = time.Time{}, 0
	f.until.Store(0)
}

// look looks whether a mass failure begins, goes on or ends. It needs the lock.
func (f *massFailure) look(now time.Time) {
	if len(f.failing) < massLeast && f.most == 0 || now.Sub(f.looked) < massPause {
		return
	}
	f.looked = now
	if f.most > 0 {
		f.goOn(now)
	}
	if f.most > 0 {
		return
	}
	for _, window := range massWindows {
		recent, old := 0, 0.0
		for _, one := range f.failing {
			if f.newest.Sub(one.since) < window {
				recent++
			} else {
				old += min(1, float64(window)/float64(one.interval))
			}
		}
		if recent < massLeast {
			continue
		}
		if probed := max(f.probed(window)-old, float64(recent)); float64(recent) >= massShare*probed {
			f.began, f.most = f.newest.Add(-massWindows[len(massWindows)-1]), recent
			f.until.Store(now.Add(massLasts).UnixNano())
			f.log.Warn("many monitors fail at once though the sentinels do not; one more failed check is asked for", "failing", recent,
				"of", int(math.Round(probed)), "within", window)
			return
		}
	}
}

// goOn counts who belongs to the mass failure, and ends it where half of them are well again, or nobody joined it for long. It
// needs the lock.
func (f *massFailure) goOn(now time.Time) {
	n := 0
	for _, one := range f.failing {
		if one.since.After(f.began) {
			n++
		}
	}
	if n > f.most {
		f.most = n
		f.until.Store(now.Add(massLasts).UnixNano())
	}
	if 2*n < f.most || !f.on(now) {
		f.log.Warn("the mass failure is over", "most", f.most, "failing", n)
		f.most = 0
		f.until.Store(0)
		for id, one := range f.failing { // they do not make the next one
			one.since = time.Time{}
			f.failing[id] = one
		}
	}
}
