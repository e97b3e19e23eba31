package probe

import (
	"sync"
	"sync/atomic"
	"time"

	"echolot/models"
)

// flight is one check under way.
type flight struct {
	scheduler *Scheduler
	place     int32
	epoch     uint32
	ended     atomic.Bool
	// span is the time from the check's first packet to its last, as planned, and rest from there to its end.
	span, rest time.Duration
	burst      bool

	// Guarded by the scheduler's lock.
	thrown bool   // its result is not wanted any more
	cancel func() // nil before Ping has returned
}

// done takes the result, from any goroutine. It waits for nothing but other results.
func (r *flight) done(result models.Result) {
	if r.ended.Swap(true) {
		return
	}
	r.scheduler.arrived.add(arrival{r, result})
	r.scheduler.nudge()
}

// cut makes the result unwanted and returns what ends the check, to be called without the lock; nil where there is
// nothing to end. It needs the lock, and may be called for no flight.
func (r *flight) cut() (cancel func()) {
	if r == nil {
		return nil
	}
	r.thrown = true
	return r.cancel
}

func call(f func()) {
	if f != nil {
		f()
	}
}

func appendCut(cuts []func(), cut func()) []func() {
	if cut == nil {
		return cuts
	}
	return append(cuts, cut)
}

// arrival is a check that has ended.
type arrival struct {
	flight *flight
	result models.Result
}

// arrivals are the checks that have ended and were not seen to yet. They have a lock of their own, held for no longer than
// it takes to copy a result, so that a pinger never waits for the scheduler.
type arrivals struct {
	mu   sync.Mutex
	list []arrival
}

// mostArrivals is how many arrivals are kept room for; more are a rare burst.
const mostArrivals = 8192

func (a *arrivals) add(x arrival) {
	a.mu.Lock()
	a.list = append(a.list, x)
	a.mu.Unlock()
}

func (a *arrivals) waiting() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.list) > 0
}

// swap returns all arrivals and takes empty as the new list.
func (a *arrivals) swap(empty []arrival) []arrival {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := a.list
	a.list = empty[:0]
	return list
}

// begun is a check that is to be pinged.
type begun struct {
	check  models.Check
	flight *flight
	// lateness is how long after its slot the check begins; negative for a check out of turn.
	lateness time.Duration
	cancel   func()
}

// launch pings without the lock: done may be called at once.
func (s *Scheduler) launch(b *begun) {
	if s.late != nil && b.lateness >= 0 {
		s.late(b.lateness)
	}
	began := time.Now()
	defer func() {
		if p := recover(); p != nil {
			b.flight.done(panicked(b.check, began, p, s.log, s.panics))
		}
	}()
	b.cancel = s.pinger.Ping(b.check, b.flight.done)
}

// keepCancels makes known how to end what was begun, and ends what was cut short meanwhile.
func (s *Scheduler) keepCancels() {
	if len(s.begun) == 0 {
		return
	}
	var cuts []func()
	s.mu.Lock()
	for i := range s.begun {
		b := &s.begun[i]
		if b.flight.cancel = b.cancel; b.flight.thrown {
			cuts = appendCut(cuts, b.cancel)
		}
	}
	s.mu.Unlock()
	clear(s.begun)
	for _, cut := range cuts {
		cut()
	}
}
