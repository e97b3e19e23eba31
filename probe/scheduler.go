package probe

import (
	"log/slog"
	"sync"
	"time"

	"echolot/models"
)

const (
	// clockLook is how often the wall clock is read where nothing is due: timers do not notice that it was set forward.
	clockLook = time.Second
	// slice is how many monitors are dealt with at a time while others wait for the lock: a tenth of a millisecond.
	slice = 128
)

// Scheduler decides when each monitor of one location is checked and has it done, never two checks of a monitor at a
// time and never more than its limit in all.
//
// A monitor's slots are its phase plus whole multiples of its interval in UTC milliseconds, so they do not drift, are the
// same after a restart and are spread evenly over the monitors. A slot that has to wait for room runs late until the next
// one is due; then it is shed: counted, and delivered as a result that was not measured. A slot that passes while the
// monitor's own last check is running is skipped: counted alone. Beside the slots there are checks out of turn: first (new
// or changed), manual, burst (after a first failure, at once) and confirm (after the rule's pause). One check serves all that was asked for before it began. Slots of
// one monitor only grow, but where the clock is set back.
//
// All methods are safe for concurrent use. Whatever the number of monitors, none holds the others up for long.
type Scheduler struct {
	location int64
	parallel int
	pinger   Pinger
	deliver  func(models.Result)
	failed   func(r models.Result, last time.Time) // takes failures instead of deliver; nil = deliver does
	late     func(time.Duration)                   // may be nil
	log      *slog.Logger
	panics   *perMinute

	wake    chan struct{}
	pace    pace // Run's alone
	arrived arrivals
	// Run's alone: what is to be pinged, and what has ended, of which the first seen were seen to.
	begun []begun
	ended []arrival
	seen  int

	mu      sync.Mutex
	clock   wallClock
	slab    slab
	places  map[int64]int32 // by the monitors' ids
	ring    ring
	urgent  fifo // wait for room, and somebody for them
	turn    fifo // wait for room
	stopped bool

	load   load
	budget budget // for checks that ask again

	epochs   []epoch
	renewed  int   // places that are in the current epoch for sure
	overdue  int   // monitors caught up with since the start
	usedTo   int64 // slots up to here may have been used before the clock was set back
	setBacks int

	running                int
	started, skipped, shed int64
	steps                  int
	lateness               time.Duration
}

// NewScheduler returns a scheduler without monitors. At most parallel checks run at once. Each result goes to deliver, and to
// late how long after its slot each scheduled check began; nil = nobody hears that. Neither may block or call back.
func NewScheduler(location int64, parallel int, pinger Pinger, deliver func(models.Result), late func(time.Duration), log *slog.Logger) *Scheduler {
	s := &Scheduler{
		location: location, parallel: parallel, pinger: pinger, deliver: deliver, late: late, log: log, panics: newPerMinute(),
		wake: make(chan struct{}, 1), clock: newWallClock(), slab: newSlab(), places: make(map[int64]int32),
		epochs: []epoch{{}}, load: newLoad(),
	}
	s.ring = newRing(&s.slab, s.clock.start.UnixMilli())
	s.urgent, s.turn = newFIFO(&s.slab), newFIFO(&s.slab)
	return s
}

// Set takes up a new or changed monitor: it is checked at once, and a running check of what it was is cut short. A
// monitor whose rev is known already is left alone.
func (s *Scheduler) Set(t models.ProbeTarget) {
	s.mu.Lock()
	now := s.time()
	p, m, cut := s.take(t, now)
	if m != nil {
		s.outOfTurn(p, m, extraFirst, now.UnixMilli(), now.UnixMilli())
	}
	s.mu.Unlock()
	call(cut)
}

// take needs the lock. m is nil where the target is known already; the caller settles what it returns. The caller calls
// cut, if there is one, without the lock.
func (s *Scheduler) take(t models.ProbeTarget, now time.Time) (p int32, m *schedule, cut func()) {
	p, known := s.places[t.MonitorID]
	if !known {
		p = s.slab.take()
		m = s.slab.at(p)
		m.epoch = s.epochNow()
		s.places[t.MonitorID] = p
	} else {
		m = s.at(p)
		if !m.gone && t.Rev <= m.rev {
			return p, nil, nil
		}
		cut = m.flight.cut()
		if !m.gone {
			s.load.remove(m)
		}
	}
	m.set(t)
	s.load.add(m)
	m.next = s.slotAfter(m, max(now.UnixMilli(), m.last))
	return p, m, cut
}

// Remove forgets a monitor. A check of it that is running is cut short and its result thrown away.
func (s *Scheduler) Remove(id int64) {
	s.mu.Lock()
	cut := s.remove(id)
	s.mu.Unlock()
	call(cut)
}

func (s *Scheduler) remove(id int64) (cut func()) {
	p, known := s.places[id]
	if !known {
		return nil
	}
	m := s.at(p)
	if !m.gone {
		s.load.remove(m)
	}
	if m.flight != nil {
		// It stays known until its check returned: it may come back meanwhile, and must not be checked twice at a time.
		m.gone = true
		return m.flight.cut()
	}
	s.forget(p, m)
	return nil
}

// forget needs the lock, and that no check of the monitor is running.
func (s *Scheduler) forget(p int32, m *schedule) {
	s.leave(p, m)
	delete(s.places, m.id)
	s.slab.release(p)
}

// CheckNow has the monitor checked at once, or right after the check that is running. It is false where the monitor is
// not known.
func (s *Scheduler) CheckNow(id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, known := s.places[id]
	if !known {
		return false
	}
	now := s.time().UnixMilli()
	m := s.at(p)
	if m.gone {
		return false
	}
	s.outOfTurn(p, m, extraManual, now, now)
	return true
}

// Recorded hears what was committed. A failure that is not confirmed yet is checked again: the first one at once, by a burst,
// and then after the rule's pause, as far as the budget for that goes. Where many fail at once it is needed for confirming.
func (s *Scheduler) Recorded(r models.Recorded) {
	if r.Monitor.State.LastOutcome != models.OutcomeFailure {
		return // nothing to confirm, and most are so: without the lock
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, known := s.places[r.Result.Monitor]
	if !known {
		return
	}
	now := s.time().UnixMilli()
	m := s.at(p)
	if m.gone || m.flight != nil || r.Result.Rev != m.rev || r.Result.Slot != m.last {
		return // it is out of date: what runs now or is to come will be recorded too
	}
	rule := m.setting.Value().rule
	if !models.NeedsConfirming(r.Monitor.State, rule) {
		return
	}
	if r.Monitor.State.Failures == 1 && r.Result.Kind != models.KindBurst && !r.Result.Mass && s.mayBurst(m, now) {
		s.outOfTurn(p, m, extraBurst, now, now)
		return
	}
	if at, ok := s.confirmAt(m, rule, now); ok {
		s.outOfTurn(p, m, extraConfirm, at, now)
	}
}

// outOfTurn needs the lock. The earlier of two that were asked for stays. Somebody waits for what is wanted at once,
// unless it is we who ask again.
func (s *Scheduler) outOfTurn(p int32, m *schedule, why extra, at, now int64) {
	ms := max(at, now, m.last+1)
	if m.extra == extraNone || ms < m.extraAt {
		m.extra, m.extraAt = why, ms
		m.urgent = why != extraConfirm && why != extraBurst && at <= now
	}
	s.settle(p, m, now)
	s.nudge()
}

// settle puts a schedule where it belongs: among those that wait where it is due and no check of it is running, and always
// into the ring, for what will be due next. So a check costs one move in the ring. It needs the lock.
func (s *Scheduler) settle(p int32, m *schedule, now int64) {
	after := m.next
	if after <= now {
		after += int64(m.interval)
	}
	if m.extra != extraNone && m.extraAt > now {
		after = min(after, m.extraAt)
	}
	s.ring.put(p, m, after)
	if m.flight != nil {
		return // its end does the rest
	}
	due := m.due()
	if due > now {
		s.leaveQueue(p, m)
		return
	}
	if m.waits == waitsNot {
		m.since = max(due, m.ended)
	}
	if want := m.queue(); m.waits != want {
		s.leaveQueue(p, m)
		m.waits = want
		s.queue(want).push(p)
	}
}

// queue is where the monitor waits for room: what somebody waits for goes before what is due. So where checks have to
// queue, a person who adds a monitor or asks for a check still sees it within the time of one check.
func (m *schedule) queue() waits {
	if m.urgent {
		return waitsUrgent
	}
	return waitsTurn
}

func (s *Scheduler) queue(w waits) *fifo {
	if w == waitsUrgent {
		return &s.urgent
	}
	return &s.turn
}

func (s *Scheduler) leaveQueue(p int32, m *schedule) {
	if m.waits != waitsNot {
		s.queue(m.waits).remove(p)
		m.waits = waitsNot
	}
}

// leave takes a schedule out of whatever it is in. It needs the lock.
func (s *Scheduler) leave(p int32, m *schedule) {
	s.leaveQueue(p, m)
	s.ring.remove(m)
}
