package probe

import (
	"container/heap"
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"echolot/models"
)

const (
	// coldSpread is the time over which monitors that a stop left overdue are checked: long enough not to be a burst,
	// short enough that nobody waits for an answer.
	coldSpread = time.Minute
	// coldGap is the time between two of them where they are few.
	coldGap = 100 * time.Millisecond
	// clockLook is how often the wall clock is read where nothing is due: timers do not notice that it was set forward.
	clockLook = time.Second
)

// Scheduler decides when each monitor of one location is checked and has it done, never two checks of a monitor at a
// time and never more than its limit in all.
//
// A monitor's slots are its phase plus whole multiples of its interval in UTC milliseconds, so they do not drift, are the
// same after a restart and are spread evenly over the monitors. A slot that has to wait runs late until the next one is
// due; then it is skipped and counted. Beside the slots there are checks out of turn: first (new or changed), manual, and
// confirm (after a failure). One check serves all that was asked for before it began. Slots of one monitor only grow.
//
// All methods are safe for concurrent use.
type Scheduler struct {
	location int64
	parallel int
	pinger   Pinger
	deliver  func(models.Result)
	log      *slog.Logger
	panics   *perMinute

	wake   chan struct{}
	checks sync.WaitGroup

	mu       sync.Mutex
	clock    wallClock
	monitors map[int64]*schedule
	queue    queue
	running  int
	skipped  int64
	lateness time.Duration
}

// NewScheduler returns a scheduler without monitors. At most parallel checks run at once. Each result goes to deliver,
// which must not block or call back.
func NewScheduler(location int64, parallel int, pinger Pinger, deliver func(models.Result), log *slog.Logger) *Scheduler {
	return &Scheduler{
		location: location, parallel: parallel, pinger: pinger, deliver: deliver, log: log, panics: newPerMinute(),
		wake: make(chan struct{}, 1), clock: newWallClock(), monitors: make(map[int64]*schedule),
	}
}

// Load takes up all monitors at a start. Each is due at its next slot. Those that a stop left overdue, or that were never
// checked, do not wait for a slot that is far off: they are spread evenly over a minute, or less where they are few.
func (s *Scheduler) Load(targets []models.ProbeTarget) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.time()
	var overdue []*schedule
	for _, t := range targets {
		m := s.take(t, now)
		if m == nil {
			continue
		}
		if now.Sub(t.LastCheckedAt) > m.interval() {
			overdue = append(overdue, m)
		}
		if m.cancel == nil {
			s.queue.put(m)
		}
	}
	spread := min(coldSpread, time.Duration(len(overdue))*coldGap)
	overdue = slices.DeleteFunc(overdue, func(m *schedule) bool { return m.next <= now.Add(spread).UnixMilli() })
	for i, m := range overdue {
		s.outOfTurn(m, models.KindFirst, now.Add(time.Duration(i)*spread/time.Duration(len(overdue))))
	}
	s.nudge()
}

// Set takes up a new or changed monitor: it is checked at once, and a running check of what it was is cut short. A
// monitor whose rev is known already is left alone.
func (s *Scheduler) Set(t models.ProbeTarget) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.time()
	if m := s.take(t, now); m != nil {
		s.outOfTurn(m, models.KindFirst, now)
	}
}

// take needs the lock. It returns nil where the target is known already; the caller queues what it returns.
func (s *Scheduler) take(t models.ProbeTarget, now time.Time) *schedule {
	m := s.monitors[t.MonitorID]
	switch {
	case m == nil:
		m = &schedule{place: -1}
		s.monitors[t.MonitorID] = m
	case !m.gone && t.Rev <= m.target.Rev:
		return nil
	case m.cancel != nil:
		m.cancel()
	}
	m.target, m.gone, m.extra, m.urgent = t, false, "", false
	m.next = m.slotAfter(max(now.UnixMilli(), m.last))
	return m
}

// Remove forgets a monitor. A check of it that is running is cut short and its result thrown away.
func (s *Scheduler) Remove(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.monitors[id]
	if m == nil {
		return
	}
	if m.cancel != nil {
		// It stays known until its check returned: it may come back meanwhile, and must not be checked twice at a time.
		m.gone = true
		m.cancel()
		return
	}
	s.queue.remove(m)
	delete(s.monitors, id)
}

// CheckNow has the monitor checked at once, or right after the check that is running. Unknown ids are ignored.
func (s *Scheduler) CheckNow(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.monitors[id]; m != nil && !m.gone {
		s.outOfTurn(m, models.KindManual, s.time())
	}
}

// Recorded hears what was committed. A failure that is not confirmed yet is checked again after the rule's pause.
func (s *Scheduler) Recorded(r models.Recorded) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.monitors[r.Result.Monitor]
	if m == nil || m.gone || m.cancel != nil || r.Result.Rev != m.target.Rev || r.Result.Slot != m.last {
		return // it is out of date: what runs now or is to come will be recorded too
	}
	if needsConfirming(r.Monitor.State, m.target.Rule) {
		s.outOfTurn(m, models.KindConfirm, m.ended.Add(m.target.Rule.Retry))
	}
}

// outOfTurn needs the lock. The earlier of two that were asked for stays. Somebody waits for what is wanted at once,
// unless it is we who ask, to confirm.
func (s *Scheduler) outOfTurn(m *schedule, kind models.Kind, at time.Time) {
	now := s.time()
	ms := max(at.UnixMilli(), now.UnixMilli(), m.last+1)
	if m.extra == "" || ms < m.extraAt {
		m.extra, m.extraAt = kind, ms
		m.urgent = kind != models.KindConfirm && !at.After(now)
	}
	if m.cancel == nil {
		s.queue.put(m)
		s.nudge()
	}
}

func (s *Scheduler) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run checks what is due until ctx ends, cuts short what is running then, and returns when all of it has returned.
// It is called once.
func (s *Scheduler) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		timer.Reset(s.beginDue(ctx))
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-timer.C:
		}
	}
	s.checks.Wait()
}

// beginDue begins what is due as far as there is room, and returns how long nothing more will be.
func (s *Scheduler) beginDue(ctx context.Context) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.running < s.parallel && len(s.queue) > 0 {
		now := s.time()
		m := s.queue[0]
		if m.due() > now.UnixMilli() {
			return min(time.UnixMilli(m.due()).Sub(now), clockLook)
		}
		heap.Pop(&s.queue)
		s.begin(ctx, m, now)
	}
	return clockLook // the end of a check wakes us
}

// begin needs the lock.
func (s *Scheduler) begin(ctx context.Context, m *schedule, now time.Time) {
	// Waiting for the monitor's own last check is not lateness of ours.
	waiting := time.UnixMilli(m.due())
	if m.ended.After(waiting) {
		waiting = m.ended
	}
	s.lateness = max(s.lateness, now.Sub(waiting))

	ms := now.UnixMilli()
	c := models.Check{
		Monitor: m.target.MonitorID, Rev: m.target.Rev, Location: s.location, Spec: m.target.Spec,
		Slot: m.extraAt, Kind: m.extra,
	}
	if m.next <= ms {
		interval := m.interval().Milliseconds()
		missed := (ms - m.next) / interval
		s.skipped += missed
		c.Slot, c.Kind = m.next+missed*interval, models.KindScheduled
	}
	m.last, m.next = c.Slot, m.slotAfter(max(ms, c.Slot))
	m.extra, m.urgent = "", false
	s.running++
	var checkCtx context.Context
	checkCtx, m.cancel = context.WithCancel(ctx)
	cancel, steps := m.cancel, s.clock.steps
	s.checks.Go(func() {
		defer cancel()
		r := s.measure(checkCtx, c)
		s.finish(m, r, checkCtx.Err() == nil, steps)
	})
}

// measure never panics: a bug in a pinger is one monitor's unknown, not everybody's outage.
func (s *Scheduler) measure(ctx context.Context, c models.Check) (r models.Result) {
	began := time.Now()
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		r = models.NewResult(c).Unknown(models.CauseLocalError, fmt.Sprintf("panic: %v", p))
		r.StartedOffset = began.Sub(time.UnixMilli(c.Slot))
		if s.panics.allow("pinger") {
			s.log.Error("pinger panicked", "monitor", c.Monitor, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	return s.pinger.Ping(ctx, c)
}

// finish hands on what was measured, under the lock so that a monitor's results keep their order.
// Where the clock was set since the check began, when there were steps of it, the result says nothing.
func (s *Scheduler) finish(m *schedule, r models.Result, whole bool, steps int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.time()
	s.running--
	m.cancel, m.ended = nil, now
	if s.clock.steps != steps {
		r = r.Unknown(models.CauseClockStep, "")
	}
	if whole && !m.gone && r.Rev == m.target.Rev {
		s.deliver(r)
	}
	if m.gone {
		delete(s.monitors, m.target.MonitorID)
	} else {
		s.queue.put(m)
	}
	s.nudge()
}

// Revs are those of all scheduled monitors, by their ids.
func (s *Scheduler) Revs() map[int64]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	revs := make(map[int64]int64, len(s.monitors))
	for id, m := range s.monitors {
		if !m.gone {
			revs[id] = m.target.Rev
		}
	}
	return revs
}

// SchedulerStats are a scheduler's load figures.
type SchedulerStats struct {
	Monitors, Running int
	// Queued checks are due and wait for room.
	Queued int
	// Skipped slots since the start.
	Skipped int64
	// Lateness is the longest that a check waited for room since the figures were last taken, or waits now.
	Lateness time.Duration
}

// TakeStats returns the figures and begins a new measure of lateness.
func (s *Scheduler) TakeStats() SchedulerStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.time()
	stats := SchedulerStats{
		Monitors: len(s.monitors), Running: s.running, Skipped: s.skipped, Lateness: s.lateness,
		Queued: s.queue.overdue(now.UnixMilli(), 0),
	}
	if stats.Queued > 0 {
		stats.Lateness = max(stats.Lateness, now.Sub(time.UnixMilli(s.queue[0].due())))
	}
	s.lateness = 0
	return stats
}
