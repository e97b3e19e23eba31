package probe

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"echolot/models"
)

const (
	// peacePause and troublePause are the times between two requests to a sentinel.
	peacePause   = 5 * time.Second
	troublePause = time.Second
	// troubleTime is how long trouble lasts after its last sign.
	troubleTime = 10 * time.Second
	// gatewaysEvery is how often the gateways are looked for in peace; in trouble it is with each request.
	gatewaysEvery = time.Minute
)

// Sentinels tell whether this machine's own network works, by the answers of hosts that should always answer: the default
// gateways, which are found by themselves, and those that the operator chose. Their silence makes the location blind; then what
// failed says nothing of its target. They only ever speak for a target: an answer of it needs no sentinel's word.
//
// The location is blind when all that count are silent; of three or more, when most are. A chosen host counts from the start, a
// gateway from its first answer on, because many never answer.
type Sentinels struct {
	location int64
	pinger   Pinger
	gateways func() []netip.Addr // nil = none are looked for
	log      *slog.Logger
	// heard is called, without a lock, whenever something new is known.
	heard   func()
	turned  chan struct{} // has something while the verdict was not looked at since it turned
	wake    chan struct{}
	running sync.WaitGroup // requests

	mu      sync.Mutex
	list    []*sentinel
	looked  time.Time // for gateways
	trouble time.Time // the last sign of it
	blind   *models.Blindness
	from    time.Time // the last moment before it that the network worked for sure
	past    []blindSpan
}

// newSentinels returns sentinels that ask nobody before Run.
func newSentinels(location int64, pinger Pinger, hosts []string, gateways func() []netip.Addr, heard func(), log *slog.Logger) *Sentinels {
	s := &Sentinels{location: location, pinger: pinger, gateways: gateways, heard: heard, log: log,
		turned: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
	for _, host := range hosts {
		s.list = append(s.list, &sentinel{host: host, counts: true})
	}
	return s
}

// recall takes up what a prober before this one said in its last heartbeat: which gateways count, and that it was blind. Without
// it a start in the middle of an outage of ours would find a gateway that has never answered. It is called before Run.
func (s *Sentinels) recall(f models.ProberFigures) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, said := range f.Sentinels {
		if !said.Counts {
			continue
		}
		i := slices.IndexFunc(s.list, func(one *sentinel) bool { return one.host == said.Host && one.gateway.IsValid() == said.Gateway })
		if i < 0 {
			addr, err := netip.ParseAddr(said.Host)
			if err != nil || !said.Gateway || s.gateways == nil {
				continue // it is chosen no longer
			}
			i = len(s.list)
			s.list = append(s.list, &sentinel{host: said.Host, gateway: addr})
		}
		one := s.list[i]
		one.counts = true
		if f.Blind != nil && !said.Answers { // blind until it answers
			one.missed, one.since = missedMost, f.Blind.Since
		}
	}
	s.blind = f.Blind
}

// find needs the lock.
func (s *Sentinels) find(gateway netip.Addr) *sentinel {
	for _, known := range s.list {
		if known.gateway == gateway {
			return known
		}
	}
	return nil
}

// Run asks the sentinels until ctx ends, and returns when all requests have ended. It may be called again.
func (s *Sentinels) Run(ctx context.Context) {
	defer s.running.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-timer.C:
		}
		timer.Reset(s.round(ctx, time.Now()))
		s.heard()
	}
}

// alarm says that there is a sign of trouble: the sentinels are asked more often for a while, at once if need be.
func (s *Sentinels) alarm() {
	s.mu.Lock()
	now := time.Now()
	first := now.Sub(s.trouble) > troublePause/2
	if first {
		s.trouble = now
	}
	s.mu.Unlock()
	if !first {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// round asks whoever is due, and returns how long nobody else will be.
func (s *Sentinels) round(ctx context.Context, now time.Time) time.Duration {
	s.mu.Lock()
	pause := peacePause
	if s.inTrouble(now) {
		pause = troublePause
	}
	look := s.gateways != nil && (s.looked.IsZero() || now.Sub(s.looked) >= gatewaysEvery || pause == troublePause && now.Sub(s.looked) >= troublePause)
	s.mu.Unlock()
	if look {
		found := s.gateways() // reads files: without the lock
		s.mu.Lock()
		s.takeGateways(found, now)
		s.mu.Unlock()
	}
	s.mu.Lock()
	next := pause
	var due []*sentinel
	for _, one := range s.list {
		if one.asking || one.routeless {
			continue
		}
		if wait := pause - now.Sub(one.asked); wait > 0 {
			next = min(next, wait)
			continue
		}
		one.asking, one.asked = true, now
		due = append(due, one)
	}
	s.judge(now)
	s.mu.Unlock()
	for _, one := range due {
		s.ask(ctx, one, one.check(s.location, now))
	}
	return next
}

// inTrouble needs the lock.
func (s *Sentinels) inTrouble(now time.Time) bool {
	if now.Sub(s.trouble) < troubleTime || s.blind != nil {
		return true
	}
	return slices.ContainsFunc(s.list, func(one *sentinel) bool { return one.counts && (one.missed > 0 || one.routeless) })
}

// ask sends one request. It is ended when ctx ends, and what it found is not taken then.
func (s *Sentinels) ask(ctx context.Context, one *sentinel, c models.Check) {
	s.running.Add(1)
	ended := make(chan struct{})
	cancel := s.pinger.Ping(c, func(r models.Result) {
		defer s.running.Done()
		defer close(ended)
		s.mu.Lock()
		if ctx.Err() != nil {
			one.asking = false
			s.mu.Unlock()
			return
		}
		unasked := one.trouble
		one.heard(r)
		said := one.trouble != "" && one.trouble != unasked
		s.judge(time.Now())
		troubled := one.missed > 0
		s.mu.Unlock()
		if said {
			s.log.Info("a sentinel can not be asked", "host", one.host, "detail", r.Detail)
		}
		if troubled {
			s.alarm()
		}
		s.heard()
	})
	stop := context.AfterFunc(ctx, cancel)
	s.running.Go(func() { <-ended; stop() })
}

// takeGateways takes up which gateways there are now. It needs the lock.
func (s *Sentinels) takeGateways(found []netip.Addr, now time.Time) {
	s.looked = now
	for _, addr := range found {
		if s.find(addr) == nil {
			s.list = append(s.list, &sentinel{host: addr.String(), gateway: addr})
			s.log.Debug("gateway found", "gateway", addr)
		}
	}
	s.list = slices.DeleteFunc(s.list, func(one *sentinel) bool {
		if !one.gateway.IsValid() {
			return false
		}
		there := slices.Contains(found, one.gateway)
		other := slices.ContainsFunc(found, func(a netip.Addr) bool { return a.Is4() == one.gateway.Is4() })
		if !there && (other || !one.counts) {
			return true // another network now, or one that never spoke
		}
		if there && one.routeless { // it has to prove itself anew
			one.missed, one.asked = missedMost, time.Time{}
		}
		if !there && !one.routeless {
			if one.missed == 0 {
				one.since = now
			}
			s.log.Warn("no default route any more", "gateway", one.gateway)
		}
		one.routeless = !there
		return false
	})
}

// judge works the verdict out anew. It needs the lock.
func (s *Sentinels) judge(now time.Time) {
	var counting, silent int
	var names []string
	var alone netip.Addr
	var since time.Time
	for _, one := range s.list {
		if !one.counts {
			continue
		}
		counting++
		if one.silent() {
			silent++
			alone = one.gateway
			names = append(names, one.name())
			if one.since.After(since) {
				since = one.since
			}
		}
	}
	var gateway netip.Addr
	if silent == 1 {
		gateway = alone
	}
	is := counting > 0 && silent >= quorum(counting)
	switch {
	case is && s.blind == nil:
		s.from = s.worked()
		s.blind = &models.Blindness{Since: since.UTC().Truncate(time.Microsecond), Silent: names, Gateway: gateway}
		s.log.Warn("the prober is blind: failed checks are not measured", "why", s.blind.String(), "since", since)
	case is && !slices.Equal(names, s.blind.Silent):
		s.blind = &models.Blindness{Since: s.blind.Since, Silent: names, Gateway: gateway}
	case !is && s.blind != nil:
		s.log.Warn("the prober is no longer blind", "for", now.Sub(s.blind.Since))
		s.past = append(s.past, blindSpan{s.from, now, *s.blind})
		s.blind = nil
	default:
		return
	}
	s.past = slices.DeleteFunc(s.past, func(p blindSpan) bool { return now.Sub(p.to) > blindKept })
	select {
	case s.turned <- struct{}{}:
	default:
	}
}

// Blindness is what is wrong now; nil where the location sees.
func (s *Sentinels) Blindness() *models.Blindness {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blind
}

// figures are what the heartbeat tells of each.
func (s *Sentinels) figures() []models.SentinelFigures {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]models.SentinelFigures, len(s.list))
	for i, one := range s.list {
		all[i] = one.figures()
	}
	return all
}
