package probe

import "time"

// Monitors is how many are scheduled.
func (s *Scheduler) Monitors() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.places)
}

// Revs are those of all scheduled monitors, by their ids. What is set or removed meanwhile may be among them or not.
func (s *Scheduler) Revs() map[int64]int64 {
	s.mu.Lock()
	n := len(s.places)
	s.mu.Unlock()
	revs := make(map[int64]int64, n)
	for i := 0; s.chunkRevs(i, revs); i++ {
	}
	return revs
}

// chunkRevs is false where there is no such chunk.
func (s *Scheduler) chunkRevs(i int, revs map[int64]int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i >= len(s.slab.chunks) {
		return false
	}
	for j := range s.slab.chunks[i] {
		if m := &s.slab.chunks[i][j]; m.id != 0 && !m.gone {
			revs[m.id] = m.rev
		}
	}
	return true
}

// SchedulerStats are a scheduler's load figures.
type SchedulerStats struct {
	// Running checks are in flight.
	Monitors, Running int
	// Queued checks are due and wait for room.
	Queued int
	// Started checks since the start.
	Started int64
	// Skipped slots since the start: those that were shed, and those that passed while the monitor's own last check ran.
	Skipped int64
	// Shed slots since the start that were delivered as not measured, because there was no room.
	Shed int64
	// ClockSteps are how often the clock was set, or the machine slept, since the start.
	ClockSteps int
	// Lateness is the longest that a check waited for room since the figures were last taken, or waits now.
	Lateness time.Duration
}

// TakeStats returns the figures and begins a new measure of lateness.
func (s *Scheduler) TakeStats() SchedulerStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.time()
	stats := SchedulerStats{
		Monitors: len(s.places), Running: s.running, Queued: s.urgent.n + s.turn.n, Started: s.started, Skipped: s.skipped,
		Shed: s.shed, ClockSteps: s.steps, Lateness: s.lateness,
	}
	for _, q := range []*fifo{&s.urgent, &s.turn} {
		if q.first != none {
			stats.Lateness = max(stats.Lateness, now.Sub(time.UnixMilli(s.slab.at(q.first).since)))
		}
	}
	s.lateness = 0
	return stats
}
