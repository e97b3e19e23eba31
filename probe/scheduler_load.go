package probe

import (
	"time"

	"echolot/models"
)

const (
	// coldSpread is the time over which monitors that a stop left overdue are checked: long enough not to be a burst,
	// short enough that nobody waits for an answer.
	coldSpread = time.Minute
	// coldGap is the time between two of them where they are few.
	coldGap = 100 * time.Millisecond
)

// Load takes up monitors at a start, a page at a time. Each is due at its next slot. Those that a stop left overdue, or
// that were never checked, do not wait for a slot that is far off: they are checked within a minute, the first 600 of them
// a tenth of a second apart, the others where the hash of their ids is in the minute.
func (s *Scheduler) Load(targets []models.ProbeTarget) {
	for len(targets) > 0 {
		n := min(slice, len(targets))
		s.loadSome(targets[:n])
		targets = targets[n:]
	}
}

func (s *Scheduler) loadSome(targets []models.ProbeTarget) {
	s.mu.Lock()
	now := s.time()
	var cuts []func()
	for _, t := range targets {
		p, m, cut := s.take(t, now)
		if m == nil {
			continue
		}
		if now.Sub(t.LastCheckedAt).Milliseconds() > int64(m.interval) {
			s.catchUp(m, s.coldStart(m, now.UnixMilli()))
		}
		s.settle(p, m, now.UnixMilli())
		cuts = appendCut(cuts, cut)
	}
	s.mu.Unlock()
	s.nudge()
	for _, cut := range cuts {
		cut()
	}
}

// coldStart is when an overdue monitor is checked after a start; it needs the lock.
func (s *Scheduler) coldStart(m *schedule, now int64) int64 {
	if wait := int64(s.overdue) * coldGap.Milliseconds(); wait < coldSpread.Milliseconds() {
		return now + wait
	}
	return now + spread(m)
}

// spread is where in the minute a monitor is checked that is overdue with all the others.
func spread(m *schedule) int64 { return phase(m.id, coldSpread.Milliseconds()) }

// catchUp has an overdue monitor checked once at ms, unless its next slot comes before that. It needs the lock; the caller
// settles the schedule.
func (s *Scheduler) catchUp(m *schedule, ms int64) {
	if m.next <= ms {
		return
	}
	s.overdue++
	m.extra, m.extraAt, m.urgent = extraFirst, max(ms, m.last+1), false
}

// CatchUp has monitors checked once within a minute, unless their next slot comes before: their last checks could not be measured
// for a reason that is over.
func (s *Scheduler) CatchUp(ids []int64) {
	for len(ids) > 0 {
		n := min(slice, len(ids))
		s.catchUpSome(ids[:n])
		ids = ids[n:]
	}
	s.nudge()
}

func (s *Scheduler) catchUpSome(ids []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.time().UnixMilli()
	for _, id := range ids {
		p, known := s.places[id]
		if !known {
			continue
		}
		if m := s.at(p); !m.gone && m.flight == nil && m.extra == extraNone {
			s.catchUp(m, s.coldStart(m, now))
			s.settle(p, m, now)
		}
	}
}
