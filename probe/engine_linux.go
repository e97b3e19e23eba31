package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"echolot/models"
	"echolot/probe/echo"
)

// reopenEvery is how often the engine's sockets are tried again where none could be opened.
const reopenEvery = 10 * time.Second

// EnginePinger is a Pinger that sends by the packet engine, and by pro-bing as long as the engine's sockets can not be
// opened. Names, policy and the verdict are ours, packets and time the engine's.
type EnginePinger struct {
	resolver   *Resolver
	policy     models.TargetPolicy
	local      *localAddresses
	caps       Caps
	log        *slog.Logger
	fallback   *ProbingPinger
	fallenBack atomic.Int32 // checks that it makes now
	panics     *perMinute

	engine atomic.Pointer[echo.Engine]
	mu     sync.Mutex // held to open and to close
	tried  time.Time
	closed bool

	outbox  outbox
	lookups sync.WaitGroup
}

// NewPinger makes the pinger for this system: on Linux an EnginePinger.
func NewPinger(resolver *Resolver, policy models.TargetPolicy, caps Caps, log *slog.Logger) *EnginePinger {
	p := &EnginePinger{resolver: resolver, local: newLocalAddresses(policy.Local), caps: caps, log: log, panics: newPerMinute()}
	policy.Local = p.local.known
	p.policy = policy
	p.fallback = NewProbingPinger(resolver, policy, log)
	p.outbox.start()
	p.open()
	return p
}

// open opens the engine where it is not open yet. Trouble is logged when it is new.
func (p *EnginePinger) open() *echo.Engine {
	if e := p.engine.Load(); e != nil || !p.mu.TryLock() {
		return e
	}
	defer p.mu.Unlock()
	if p.closed || time.Since(p.tried) < reopenEvery {
		return p.engine.Load()
	}
	first := p.tried.IsZero()
	p.tried = time.Now()
	e, err := echo.Open(echo.Options{Done: p.done, Allow: p.policy.Check, All: p.caps.All.echo(), PerGroup: p.caps.PerOrganization.echo(), PerTarget: p.caps.PerTarget.echo()})
	if err != nil {
		if first {
			p.log.Warn("the packet engine can not open a socket; pro-bing checks until it can", "error", err)
		}
		return nil
	}
	stats := e.Stats()
	p.log.Info("the packet engine is open", "ipv4", stats.IPv4, "ipv6", stats.IPv6, "stamps", stats.Stamps)
	p.engine.Store(e)
	return e
}

// Close ends all checks and returns when each has been handed on.
func (p *EnginePinger) Close() {
	p.mu.Lock()
	p.closed = true
	e := p.engine.Load()
	p.mu.Unlock()
	p.lookups.Wait()
	if e != nil {
		e.Close()
	}
	p.outbox.stop() // which may begin checks of the other pinger
	p.fallback.Close()
}

// engineCheck is one check under way at an EnginePinger.
type engineCheck struct {
	echo.Check
	pinger *EnginePinger
	check  models.Check
	result models.Result
	begun  time.Time
	done   func(models.Result)
	seen   func(Sighting) // nil where nobody watches

	mu        sync.Mutex
	cancelled bool
	// stop ends what is going on now: the lookup, the engine's check, or pro-bing's. Nil = nothing is.
	stop func()
}

// Ping begins one check; see Pinger.
func (p *EnginePinger) Ping(c models.Check, done func(models.Result)) (cancel func()) {
	return p.Watch(c, nil, done)
}

// Watch begins one check; see Watcher. While pro-bing sends, done is all there is.
func (p *EnginePinger) Watch(c models.Check, seen func(Sighting), done func(models.Result)) (cancel func()) {
	f := &engineCheck{pinger: p, check: c, result: models.NewResult(c), begun: time.Now(), done: done, seen: seen}
	f.result.StartedOffset = max(0, f.begun.Sub(time.UnixMilli(c.Slot)))
	p.local.refresh(f.begun)
	if err := c.Spec.Valid(); err != nil {
		f.deliver(unmeasured(f.result, err))
		return func() {}
	}
	if addr, err, ok := p.resolver.Cached(c.Spec.Host, c.Spec.Family); ok {
		f.send(addr, err)
		return f.cancel
	}
	ctx, end := context.WithDeadline(context.Background(), f.begun.Add(resolveTime(c.Spec)))
	f.begin(end)
	p.lookups.Go(func() {
		defer end()
		defer func() {
			if r := recover(); r != nil {
				f.deliver(panicked(c, f.begun, r, p.log, p.panics))
			}
		}()
		addr, err := p.resolver.Resolve(ctx, c.Spec.Host, c.Spec.Family)
		f.send(addr, err)
	})
	return f.cancel
}

// begin notes how to end what is going on; false where the check was cancelled before.
func (f *engineCheck) begin(stop func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stop = stop
	return !f.cancelled
}

func (f *engineCheck) cancel() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.cancelled && f.stop != nil {
		f.stop()
	}
	f.cancelled = true
}

// send sends to the address that was found.
func (f *engineCheck) send(addr netip.Addr, err error) {
	if err == nil {
		if refused := f.pinger.policy.Check(addr); refused != nil {
			err = &Unmeasured{models.CauseTargetNotAllowed, refused.Error()}
		}
	}
	if err != nil {
		f.deliver(unmeasured(f.result, err))
		return
	}
	e := f.pinger.open()
	if e == nil {
		f.fallBack()
		return
	}
	spec := f.check.Spec
	f.result.Address = addr
	f.Check = echo.Check{
		Addr: addr, Count: spec.Count, Size: spec.PacketSize, Interval: spec.Interval,
		Timeout: max(spec.Timeout-time.Since(f.begun), time.Millisecond),
		TTL:     spec.TTL, TOS: spec.TOS, DontFragment: spec.DontFragment, Group: f.check.Organization, Owner: f,
	}
	if f.seen != nil {
		f.Seen = func(_ int, packet echo.Packet, ttl int, t echo.Trouble) {
			f.pinger.outbox.put(func() { f.seen(newSighting(addr, packet, ttl, t)) })
		}
	}
	if f.begin(func() { e.Cancel(&f.Check) }) {
		e.Start(&f.Check)
		return
	}
	f.deliver(f.result.Unknown(models.CauseLocalError, echo.ErrCancelled.Error()))
}

// fallBack has pro-bing make the check; one more than it can make at once is left out.
func (f *engineCheck) fallBack() {
	p := f.pinger
	if p.fallenBack.Add(1) > defaultParallel {
		p.fallenBack.Add(-1)
		f.deliver(f.result.Unknown(models.CauseOverload, fmt.Sprintf("pro-bing makes %d checks already", defaultParallel)))
		return
	}
	stop := p.fallback.Ping(f.check, func(r models.Result) {
		p.fallenBack.Add(-1)
		f.done(r)
	})
	if !f.begin(stop) {
		stop()
	}
}

// done is called on the engine's goroutine: it judges and leaves the rest to others.
func (p *EnginePinger) done(c *echo.Check, r *echo.Report) {
	f := c.Owner.(*engineCheck)
	if errors.Is(r.Err, echo.ErrFamily) {
		p.outbox.put(func() { f.fallBack() })
		return
	}
	result, refused := judgeReport(f.result, r), errors.Is(r.Err, syscall.EACCES)
	p.outbox.put(func() {
		if refused && result.Outcome == models.OutcomeUnknown {
			// The engine's sockets never may broadcast: the kernel says the same of such an address and of a prohibited route.
			if broadcast, err := isBroadcast(result.Address); err == nil && broadcast {
				result = result.Unknown(models.CauseTargetNotAllowed, fmt.Sprintf("%s is a broadcast address", result.Address))
				result.Address = netip.Addr{}
			}
		}
		f.deliver(result)
	})
}

// deliver hands the result on.
func (f *engineCheck) deliver(r models.Result) {
	noteDone(f.pinger.resolver, f.pinger.log, f.check.Spec.Host, f.begun, r)
	f.done(r)
}

// Parallel is how many checks may be under way at once: far more than the caps on packets let begin. 200,000 take about
// 120 MB.
const Parallel = 200_000

// Kind names what sends now: EngineEcholot, or EngineProbing while the engine is not open.
func (p *EnginePinger) Kind() string { return p.Stats().Kind }

// Abilities are those of the sockets that are open; while none is, what this process may open.
func (p *EnginePinger) Abilities() Abilities {
	e := p.open()
	if e == nil {
		return ProbeAbilities()
	}
	stats := e.Stats()
	var all Abilities
	for _, a := range []Ability{{Family: "4", Mode: stats.IPv4}, {Family: "6", Mode: stats.IPv6}} {
		if a.OK = a.Mode != ""; a.OK {
			all = append(all, a)
		}
	}
	return all
}

// Stats are the counts of what sends.
func (p *EnginePinger) Stats() EngineStats {
	e := p.engine.Load()
	if e == nil {
		return probingStats()
	}
	s := e.Stats()
	var compared uint64
	for _, n := range s.StampErrors {
		compared += n
	}
	return EngineStats{
		Kind: EngineEcholot, Stamps: s.Stamps, Mode4: s.IPv4, Mode6: s.IPv6,
		Sent: s.Sent, Received: s.Received, Duplicates: s.Duplicates, Reordered: s.Reordered, Late: s.Late, Forged: s.Forged, Stray: s.Stray, Short: s.Short,
		ICMPErrors: s.Troubles, SendErrors: s.SendErrors, SocketDrops: s.Dropped,
		CapGlobal: s.CappedAll, CapGroup: s.CappedGroup, CapTarget: s.CappedTarget,
		InFlight: s.InFlight, PacketsPerSecond: int(p.caps.All.Packets),
		StampError: StampError{P50: s.StampError(0.5), P99: s.StampError(0.99), Count: compared},
	}
}
