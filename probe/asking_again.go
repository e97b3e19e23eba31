package probe

import (
	"time"

	"echolot/models"
)

const (
	// burstGap is the time between two packets of a burst. Closer ones would ask for the rate limits that some routers have.
	burstGap = 200 * time.Millisecond
	// burstMargin is left between a burst and the confirming check after it: for recording the burst's result.
	burstMargin = 500 * time.Millisecond
	// extraShare of the packets that are planned may be sent beside them by checks that ask again, and extraLeast a second in any
	// case: an outage of everything must not multiply what is sent. The least is what it takes to confirm the outage of a thousand
	// monitors, checked every minute by three packets, twice.
	extraShare = 0.1
	extraLeast = 100
	// budgetTime is how long unused budget is saved up.
	budgetTime = 4 * time.Second
)

// load is what is planned: how many monitors there are of each interval, and the packets of all.
type load struct {
	monitors map[int32]int // by interval in milliseconds
	packets  float64       // a second
}

func newLoad() load { return load{monitors: map[int32]int{}} }

func (l *load) add(m *schedule) {
	l.monitors[m.interval]++
	l.packets += m.rate()
}

func (l *load) remove(m *schedule) {
	if l.monitors[m.interval]--; l.monitors[m.interval] == 0 {
		delete(l.monitors, m.interval)
	}
	if l.packets -= m.rate(); len(l.monitors) == 0 {
		l.packets = 0 // what rounding left
	}
}

// rate is the monitor's packets a second.
func (m *schedule) rate() float64 {
	return m.cost() * 1000 / float64(m.interval)
}

// cost is the packets of one of its checks.
func (m *schedule) cost() float64 { return float64(max(m.setting.Value().spec.Count, 1)) }

// probedWithin is how many monitors are to be probed at least once within the time.
func (s *Scheduler) probedWithin(d time.Duration) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0.0
	for interval, monitors := range s.load.monitors {
		n += float64(monitors) * min(1, float64(d.Milliseconds())/float64(interval))
	}
	return n
}

// budget is a token bucket of packets.
type budget struct {
	tokens float64
	at     int64 // milliseconds; 0 = it is full
}

// fill brings the bucket up to now, and returns what it holds when full. More than a turn of the clock is as good as full.
func (b *budget) fill(rate float64, now int64) (full float64) {
	full = rate * budgetTime.Seconds()
	if b.at == 0 || now < b.at {
		b.tokens = full
	}
	b.tokens = min(full, b.tokens+rate*float64(now-b.at)/1000)
	b.at = now
	return full
}

// extraRate is how many packets a second may be sent beside what is planned. It needs the lock.
func (s *Scheduler) extraRate() float64 { return max(extraLeast, extraShare*s.load.packets) }

// mayBurst takes a burst from the budget, and is false where there is to be none: the next check is soon due anyway, the pause
// before the confirming check is too short for it, or more than half of the budget is used up. It needs the lock.
func (s *Scheduler) mayBurst(m *schedule, now int64) bool {
	set := m.setting.Value()
	spec := set.spec
	if !asBurst(&spec, set.rule.Retry, time.Duration(now-m.ended)*time.Millisecond) || now+spec.Timeout.Milliseconds() >= m.next {
		return false
	}
	if full := s.budget.fill(s.extraRate(), now); s.budget.tokens-m.cost() < full/2 {
		return false
	}
	s.budget.tokens -= m.cost()
	return true
}

// asBurst makes the spec that of a burst that begins passed after the failed check: it ends before the confirming check is due,
// which is a pause after that one, or as long after it as a check takes. So a burst never makes a verdict late. It is false
// where there is no time for one.
func asBurst(spec *models.Spec, pause, passed time.Duration) bool {
	gap := burstGap
	if time.Duration(spec.Count)*gap > spec.Timeout {
		gap = min(gap, spec.Interval) // what the monitor has, and fits
	}
	least := time.Duration(spec.Count-1)*gap + models.MinTimeout
	room := pause - burstMargin - passed
	if room < least {
		room = max(pause, spec.Timeout) - 2*burstMargin - passed
	}
	spec.Interval, spec.Timeout = gap, max(min(spec.Timeout, room), models.MinTimeout)
	return room >= least
}

// confirmAt is when the check that is to confirm a failure is made: after the rule's pause from the end of the last check, but for
// a burst, and later where too many ask again. It is false where the next slot comes before that and serves as well. It needs
// the lock.
func (s *Scheduler) confirmAt(m *schedule, rule models.Rule, now int64) (at int64, ok bool) {
	at = max(now, m.ended-int64(m.burstTook)+rule.Retry.Milliseconds())
	rate := s.extraRate()
	s.budget.fill(rate, now)
	if left := s.budget.tokens - m.cost(); left < 0 {
		at = max(at, now+int64(-left/rate*1000))
	}
	if at >= m.next {
		return 0, false
	}
	s.budget.tokens -= m.cost()
	return at, true
}
