package probe

import (
	"container/heap"
	"time"
)

// largestDrift is how far the wall clock may run from the monotonic one between two looks, at most a second apart, before
// somebody has set it. The monotonic clock also stands still while the machine is suspended.
const largestDrift = 5 * time.Second

// wallClock notices that the wall clock, by which slots go, was set.
type wallClock struct {
	now   func() time.Time // time.Now; tests set it
	start time.Time
	ahead time.Duration // of the monotonic clock since the start
	steps int
}

func newWallClock() wallClock { return wallClock{now: time.Now, start: time.Now()} }

// look returns the time, and by how much it was set since the last look, or 0.
func (c *wallClock) look() (now time.Time, step time.Duration) {
	now = c.now()
	ahead := now.Round(0).Sub(c.start.Round(0)) - time.Since(c.start)
	step, c.ahead = ahead-c.ahead, ahead
	if step.Abs() <= largestDrift {
		return now, 0
	}
	c.steps++
	return now, step
}

// time is the wall clock's; it needs the lock. When the clock was set, every monitor goes on with its next slot of the new
// time, as if it had not been checked before.
func (s *Scheduler) time() time.Time {
	now, step := s.clock.look()
	if step == 0 {
		return now
	}
	s.log.Warn("the clock was set: checks under way are void", "step", step)
	for _, m := range s.monitors {
		m.last, m.ended = 0, time.Time{}
		m.next = m.slotAfter(now.UnixMilli())
		m.extraAt += step.Milliseconds()
	}
	heap.Init(&s.queue)
	return now
}
