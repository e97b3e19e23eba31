package probe

import (
	"time"

	"echolot/models"
)

// largestDrift is how far the wall clock may run from the monotonic one between two looks, at most a second apart, before
// somebody has set it. The monotonic clock also stands still while the machine is suspended. It is also how long the
// scheduler itself may stand still before what was being measured is void.
const largestDrift = 5 * time.Second

// wallClock notices that the wall clock, by which slots go, was set.
type wallClock struct {
	now   func() time.Time     // time.Now; tests set it
	since func() time.Duration // of the monotonic clock since the start
	start time.Time
	ahead time.Duration // of the monotonic clock since the start
}

func newWallClock() wallClock {
	start := time.Now()
	return wallClock{now: time.Now, since: func() time.Duration { return time.Since(start) }, start: start}
}

// look returns the time, and by how much it was set since the last look, or 0.
func (c *wallClock) look() (now time.Time, step time.Duration) {
	now = c.now()
	ahead := now.Round(0).Sub(c.start.Round(0)) - c.since()
	step, c.ahead = ahead-c.ahead, ahead
	if step.Abs() <= largestDrift {
		return now, 0
	}
	return now, step
}

// epoch is the time between two breaks: the clock was set, the machine slept, or this process stood still. A check that
// was running at a break says nothing. Schedules are brought into the new epoch little by little.
type epoch struct {
	began int64 // wall clock milliseconds, the first of this epoch
	shift int64 // of the wall clock against the first epoch's, in milliseconds
	cause models.Cause
	why   string
}

// time is the wall clock's; it needs the lock.
func (s *Scheduler) time() time.Time {
	now, step := s.clock.look()
	if step == 0 {
		return now
	}
	s.log.Warn("the clock was set, or the machine slept: checks under way are void", "step", step)
	s.steps++
	if step < 0 {
		s.usedTo = max(s.usedTo, now.Add(-step).UnixMilli())
		s.setBacks++
	}
	s.breakAt(now, step, models.CauseClockStep, "")
	return now
}

// breakAt begins a new epoch; it needs the lock.
func (s *Scheduler) breakAt(now time.Time, step time.Duration, cause models.Cause, why string) {
	shift := s.epochs[len(s.epochs)-1].shift + step.Milliseconds()
	s.epochs = append(s.epochs, epoch{began: now.UnixMilli(), shift: shift, cause: cause, why: why})
	s.renewed = 0
	s.ring.jump(now.UnixMilli())
}

// epochNow is the number of the current epoch.
func (s *Scheduler) epochNow() uint32 { return uint32(len(s.epochs) - 1) }

// at is the schedule at a place, in the current epoch; it needs the lock.
func (s *Scheduler) at(p int32) *schedule {
	m := s.slab.at(p)
	if m.epoch != s.epochNow() {
		s.renew(p, m)
	}
	return m
}

// renew brings a schedule into the current epoch: it goes on with its next slot of the new time, as if it had not been
// checked before. Slots that the break passed over are not made up for, but one check is, where its next slot is far off.
func (s *Scheduler) renew(p int32, m *schedule) {
	now := s.epochs[len(s.epochs)-1]
	missed := m.next <= now.began
	m.extraAt += now.shift - s.epochs[m.epoch].shift
	m.epoch = s.epochNow()
	m.last, m.ended, m.since = 0, 0, 0
	m.next = s.slotAfter(m, now.began)
	if missed && m.extra == extraNone && !m.gone {
		s.catchUp(m, now.began+spread(m))
	}
	s.leave(p, m)
	s.settle(p, m, now.began)
}

// renewSome goes on with bringing all schedules into the current epoch; it needs the lock. It is false at the end.
func (s *Scheduler) renewSome() bool {
	if s.renewed >= len(s.slab.chunks)<<slabBits {
		return false
	}
	for range slice {
		if m := s.slab.at(int32(s.renewed)); m.id != 0 {
			s.at(int32(s.renewed))
		}
		s.renewed++
	}
	return true
}

// slotAfter is the monitor's first slot after ms whose key was not used before the clock was set back: those that come
// again get a few milliseconds more. It needs the lock.
func (s *Scheduler) slotAfter(m *schedule, ms int64) int64 {
	if ms < s.usedTo {
		more := int64(s.setBacks % 500)
		if slot := m.slotAfter(ms - more); slot <= s.usedTo {
			return slot + more
		}
	}
	return m.slotAfter(ms)
}
