package probe

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"echolot/models"
)

// snapshotAfter is how long after a check's deadline it waits for pro-bing to end by itself. Its receiver notices up
// to a tenth of a second late; by then there is nothing more to wait for.
const snapshotAfter = 20 * time.Millisecond

// smallestProbing is pro-bing's least payload: it puts the time (8 bytes) and a UUID (16) into each packet.
const smallestProbing = 24

// ProbingPinger is a Pinger that sends by pro-bing, one socket for each check. pro-bing sends, receives and matches by
// its UUID; names, policy, time, source addresses and the verdict are ours.
type ProbingPinger struct {
	resolver *Resolver
	policy   models.TargetPolicy
	log      *slog.Logger
	checks   *background
}

// NewProbingPinger makes a ProbingPinger that sends to what policy allows.
func NewProbingPinger(resolver *Resolver, policy models.TargetPolicy, log *slog.Logger) *ProbingPinger {
	return &ProbingPinger{resolver: resolver, policy: policy, log: log, checks: newBackground(log)}
}

// Close waits for what Pings have left running; that takes a tenth of a second. It is called after the last Ping.
func (p *ProbingPinger) Close() { p.checks.running.Wait() }

// Ping carries out one check; see Pinger.
func (p *ProbingPinger) Ping(c models.Check, done func(models.Result)) (cancel func()) {
	return p.checks.ping(c, done, p.check)
}

// check measures, and returns when the result is known or soon after ctx has ended.
func (p *ProbingPinger) check(ctx context.Context, c models.Check) models.Result {
	begun := time.Now()
	result := models.NewResult(c)
	result.StartedOffset = max(0, begun.Sub(time.UnixMilli(c.Slot)))
	result = p.measure(ctx, c.Spec, begun, result)
	noteDone(p.resolver, p.log, c.Spec.Host, begun, result)
	return result
}

func (p *ProbingPinger) measure(ctx context.Context, spec models.Spec, begun time.Time, result models.Result) models.Result {
	if err := spec.Valid(); err != nil {
		return unmeasured(result, err)
	}
	if spec.PacketSize < smallestProbing {
		return unmeasured(result, fmt.Errorf("packet size %d is less than %d bytes, the least this pinger can send", spec.PacketSize, smallestProbing))
	}
	addr, err := p.resolve(ctx, spec, begun)
	if err != nil {
		return unmeasured(result, err)
	}
	if err := p.allowed(addr); err != nil {
		return unmeasured(result, err)
	}
	mode, err := socketMode(addr)
	if err != nil {
		return unmeasured(result, err)
	}
	result.Address = addr
	run := &probingRun{
		spec: spec, addr: addr, raw: mode == ModeRaw, deadline: begun.Add(spec.Timeout),
		allowed: func() error { return p.allowed(addr) },
	}
	p.send(ctx, run)
	return run.judge(result)
}

// resolve finds the address in its share of the check's time.
func (p *ProbingPinger) resolve(ctx context.Context, spec models.Spec, begun time.Time) (netip.Addr, error) {
	ctx, cancel := context.WithDeadline(ctx, begun.Add(resolveTime(spec)))
	defer cancel()
	return p.resolver.Resolve(ctx, spec.Host, spec.Family)
}

// allowed is nil where the address may be sent to now. The policy knows our networks by their masks, the kernel also
// those with a broadcast address of their own.
func (p *ProbingPinger) allowed(addr netip.Addr) error {
	if err := p.policy.Check(addr); err != nil {
		return &Unmeasured{models.CauseTargetNotAllowed, err.Error()}
	}
	broadcast, err := isBroadcast(addr)
	if err != nil {
		return err
	}
	if broadcast {
		return &Unmeasured{models.CauseTargetNotAllowed, fmt.Sprintf("%s is a broadcast address", addr)}
	}
	return nil
}

// send runs pro-bing until it ends or the check's time is over.
func (p *ProbingPinger) send(ctx context.Context, run *probingRun) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	p.checks.running.Go(func() {
		defer close(ended)
		defer func() {
			if r := recover(); r != nil { // reaches what pro-bing does before it starts goroutines of its own
				run.fail(fmt.Errorf("pro-bing panicked: %v", r))
			}
		}()
		if err := run.pinger().RunWithContext(ctx); err != nil {
			run.fail(err)
		}
	})
	timer := time.NewTimer(time.Until(run.deadline) + snapshotAfter)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
}
