package probe

import (
	"context"
	"time"

	"echolot/models"
)

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
	looked := time.Now()
	for ctx.Err() == nil {
		if stood := time.Since(looked); stood > largestDrift {
			s.stood(stood)
		}
		looked = time.Now()
		wait := s.pass()
		if wait == 0 {
			continue
		}
		wake := s.wake
		if s.pace.busy(looked) {
			wait, wake = restTime, nil
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-wake:
		case <-timer.C:
		}
	}
	s.stop()
}

const (
	// restTime is how long Run rests after each pass while much is going on: a wake-up costs as much as many checks.
	restTime = 4 * time.Millisecond
	// busyChecks in busyTime are much.
	busyChecks = 50
	busyTime   = 100 * time.Millisecond
)

// pace tells whether much is going on.
type pace struct {
	recent float64 // checks begun in about the last busyTime
	at     time.Time
}

// busy is asked after each pass that began at now.
func (p *pace) busy(now time.Time) bool {
	p.recent *= max(0, 1-float64(now.Sub(p.at))/float64(busyTime))
	p.at = now
	return p.recent >= busyChecks
}

// stood makes void what was being measured while this process stood still: replies may have come that nobody took.
func (s *Scheduler) stood(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	epochs := len(s.epochs)
	if now := s.time(); len(s.epochs) == epochs { // else the clock told already
		s.log.Warn("the prober stood still: checks under way are void", "for", d)
		s.breakAt(now, 0, models.CauseLocalError, "the prober stood still")
	}
}

// pass sees to what has ended and begins what is due, a slice of each, and returns how long nothing more will be; 0 = not
// at all.
func (s *Scheduler) pass() time.Duration {
	more := s.finishSome()
	wait := s.beginSome()
	s.pace.recent += float64(len(s.begun))
	for i := range s.begun {
		s.launch(&s.begun[i])
	}
	s.keepCancels()
	if more {
		return 0
	}
	return wait
}

// finishSome sees to a slice of the checks that have ended. It is true where there are more.
func (s *Scheduler) finishSome() (more bool) {
	if s.seen == len(s.ended) {
		clear(s.ended) // not to hold on to what was measured
		if cap(s.ended) > mostArrivals {
			s.ended = nil
		}
		s.ended, s.seen = s.arrived.swap(s.ended), 0
		if len(s.ended) == 0 {
			return false
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.time().UnixMilli()
	for end := min(s.seen+slice, len(s.ended)); s.seen < end; s.seen++ {
		s.finish(s.ended[s.seen].flight, s.ended[s.seen].result, now)
	}
	return s.seen < len(s.ended)
}

// finish hands on what was measured, under the lock so that a monitor's results keep their order.
// Where there was a break since the check began, the result says nothing.
func (s *Scheduler) finish(flight *flight, r models.Result, now int64) {
	m := s.at(flight.place)
	s.running--
	m.burstTook = 0
	if flight.burst {
		m.burstTook = int32(now - m.ended)
	}
	m.flight, m.ended = nil, now
	if flight.epoch != s.epochNow() {
		first := s.epochs[flight.epoch+1]
		r = r.Unknown(first.cause, first.why)
	}
	if !flight.thrown && !m.gone && r.Rev == m.rev {
		if r.Outcome == models.OutcomeFailure && s.failed != nil {
			// Where packets had to wait for a cap, the check ended as much later.
			last, end := r.StartedAt().Add(flight.span), time.UnixMilli(now)
			if delayed := end.Add(-flight.rest); delayed.After(last) {
				last = delayed
			}
			s.failed(r, last)
		} else {
			s.deliver(r)
		}
	}
	if m.gone {
		s.forget(flight.place, m)
		return
	}
	s.skipMissed(m, now)
	s.settle(flight.place, m, now)
}

// beginSome finds what is due and takes out what there is room for, into begun.
func (s *Scheduler) beginSome() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = s.begun[:0]
	now := s.time()
	ms := now.UnixMilli()
	more := s.renewSome()
	var places [slice]int32
	due := s.ring.visit(ms, places[:0:slice])
	for _, p := range due {
		s.fire(p, ms)
	}
	more = more || len(due) == slice
	for s.running < s.parallel && !s.stopped {
		p := s.urgent.first
		if p == none {
			p = s.turn.first
		}
		if p == none {
			break
		}
		if len(s.begun) == slice {
			more = true
			break
		}
		if m := s.at(p); m.waits != waitsNot { // else it is not due in this epoch
			s.begin(p, m, now)
		}
	}
	if more {
		return 0
	}
	next := s.ring.next(ms, ms+clockLook.Milliseconds())
	return max(time.UnixMilli(next).Sub(now), time.Microsecond)
}

// fire sees to a schedule that the ring found. It needs the lock.
func (s *Scheduler) fire(p int32, now int64) {
	m := s.slab.at(p)
	if m.epoch != s.epochNow() {
		s.renew(p, m)
		return
	}
	if m.flight != nil {
		s.skipMissed(m, now)
	} else {
		s.shedMissed(m, now)
	}
	s.settle(p, m, now)
}

// skipMissed gives up the slots that passed while the monitor's own last check was running. It needs the lock.
func (s *Scheduler) skipMissed(m *schedule, now int64) {
	missed := m.missedBy(now)
	s.skipped += missed
	m.next += missed * int64(m.interval)
}

// shedMissed gives up the slots that a monitor has waited for until the next was due. The newest of them is delivered as
// not measured. It needs the lock.
func (s *Scheduler) shedMissed(m *schedule, now int64) {
	missed := m.missedBy(now)
	if missed == 0 {
		return
	}
	s.skipped += missed
	s.shed++
	m.next += missed * int64(m.interval)
	m.last = m.next - int64(m.interval)
	r := models.NewResult(models.Check{Monitor: m.id, Rev: m.rev, Location: s.location, Slot: m.last, Kind: models.KindScheduled})
	r.StartedOffset = time.Duration(now-m.last) * time.Millisecond
	s.deliver(r.Unknown(models.CauseOverload, ""))
}

// begin needs the lock.
func (s *Scheduler) begin(p int32, m *schedule, now time.Time) {
	ms := now.UnixMilli()
	s.shedMissed(m, ms)
	// Waiting for the monitor's own last check is not lateness of ours.
	s.lateness = max(s.lateness, now.Sub(time.UnixMilli(m.since)))
	set := m.setting.Value()
	b := begun{lateness: -1, flight: &flight{scheduler: s, place: p, epoch: m.epoch}, check: models.Check{
		Monitor: m.id, Rev: m.rev, Slot: m.extraAt, Kind: m.extra.kind(), Location: s.location, Organization: m.organization, Spec: set.spec,
	}}
	b.check.Spec.Host = m.host
	if m.next <= ms {
		b.check.Slot, b.check.Kind = m.next, models.KindScheduled
		b.lateness = now.Sub(time.UnixMilli(m.since))
	}
	s.leaveQueue(p, m)
	m.last, m.next = b.check.Slot, s.slotAfter(m, max(ms, b.check.Slot))
	b.check.Spec.Timeout = endsBefore(time.UnixMilli(m.next).Sub(now), set.spec.Timeout)
	if b.check.Kind == models.KindBurst {
		asBurst(&b.check.Spec, set.rule.Retry, time.Duration(ms-m.ended)*time.Millisecond)
		b.flight.burst = true
	}
	b.flight.span = time.Duration(b.check.Spec.Count-1) * b.check.Spec.Interval
	b.flight.rest = b.check.Spec.Timeout - b.flight.span
	m.extra, m.urgent = extraNone, false
	m.flight = b.flight
	s.settle(p, m, ms)
	s.running++
	s.started++
	s.begun = append(s.begun, b)
}

// endMargin is how long before the next slot a check is to end, so that it can be handed on in time.
const endMargin = 25 * time.Millisecond

// endsBefore is the timeout of a check whose next slot is due after left. A timeout as long as the interval would have each
// check of a silent target begin a little later than the last one, until slots are missed; it is cut by twice the margin at
// most, because how late we are must not make replies late.
func endsBefore(left, timeout time.Duration) time.Duration {
	if left -= endMargin; left < timeout {
		return max(left, timeout-2*endMargin)
	}
	return timeout
}

// finishAll sees to all checks that have ended.
func (s *Scheduler) finishAll() {
	for s.finishSome() || s.arrived.waiting() {
	}
}

// stop cuts short what is running and waits for it. What has ended before is delivered.
func (s *Scheduler) stop() {
	s.finishAll()
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	for i := 0; ; i++ {
		cuts, ok := s.cutChunk(i)
		if !ok {
			break
		}
		for _, cut := range cuts {
			cut()
		}
	}
	for {
		s.finishAll()
		s.mu.Lock()
		running := s.running
		s.mu.Unlock()
		if running == 0 {
			return
		}
		<-s.wake
	}
}

// cutChunk cuts short the checks of one chunk of monitors. It is false where there is no such chunk.
func (s *Scheduler) cutChunk(i int) (cuts []func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i >= len(s.slab.chunks) {
		return nil, false
	}
	for j := range s.slab.chunks[i] {
		cuts = appendCut(cuts, s.slab.chunks[i][j].flight.cut())
	}
	return cuts, true
}
