package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"echolot/models"
)

// Pinger carries out checks, any number of them at once.
type Pinger interface {
	// Ping begins the check and returns at once. done is called exactly once, from any goroutine, maybe before Ping has
	// returned; it does not block. That is within c.Spec.Timeout and a tenth of a second, but where a packet had to wait for a
	// cap or a busy machine: it keeps the time that the plan left it, so that a check may take twice its timeout, and a second
	// more where more came back than could be read. A check never fails: what could not be measured is a result with
	// models.OutcomeUnknown and its cause.
	//
	// cancel ends the check soon: done is still called, and its result is to be thrown away. cancel may be called any
	// number of times, also after done.
	Ping(c models.Check, done func(models.Result)) (cancel func())
}

// Watcher is a Pinger that tells of packets while their check goes on.
type Watcher interface {
	Pinger
	// Watch is Ping; seen is told what becomes of each packet as it happens, in order, and before done. It must not block. The
	// check lasts to its timeout.
	Watch(c models.Check, seen func(Sighting), done func(models.Result)) (cancel func())
}

// Sighting is something that happened to a packet: State models.PacketLost is that it left, models.PacketReplied a reply, the
// first or a further one, models.PacketRefused an ICMP error.
type Sighting struct {
	State models.PacketState
	// RTT is until it came.
	RTT time.Duration
	// TTL is the reply's; 0 = unknown.
	TTL int
	// Source is who answered; for a packet that left, where it went.
	Source netip.Addr
	// Cause is what an ICMP error says.
	Cause models.Cause
}

// background carries out checks for a Pinger whose measurement blocks, each in a goroutine of its own.
type background struct {
	log     *slog.Logger
	panics  *perMinute
	running sync.WaitGroup
}

func newBackground(log *slog.Logger) *background {
	return &background{log: log, panics: newPerMinute()}
}

// ping is Pinger's Ping. measure must return soon after its context has ended.
func (b *background) ping(c models.Check, done func(models.Result), measure func(context.Context, models.Check) models.Result) (cancel func()) {
	ctx, cancel := context.WithCancel(context.Background())
	b.running.Go(func() {
		defer cancel()
		done(b.safely(ctx, c, measure))
	})
	return cancel
}

// safely never panics.
func (b *background) safely(ctx context.Context, c models.Check, measure func(context.Context, models.Check) models.Result) (r models.Result) {
	began := time.Now()
	defer func() {
		if p := recover(); p != nil {
			r = panicked(c, began, p, b.log, b.panics)
		}
	}()
	return measure(ctx, c)
}

// panicked is the result of a check whose pinger panicked: a bug in it is one monitor's unknown, not everybody's outage.
func panicked(c models.Check, began time.Time, p any, log *slog.Logger, notices *perMinute) models.Result {
	if notices.allow("pinger") {
		log.Error("pinger panicked", "monitor", c.Monitor, "panic", p, "stack", string(debug.Stack()))
	}
	r := models.NewResult(c).Unknown(models.CauseLocalError, fmt.Sprintf("panic: %v", p))
	r.StartedOffset = began.Sub(time.UnixMilli(c.Slot))
	return r
}

// resolveTime is half of the time that the packets leave over, so that a slow DNS server can not make the last packet's
// reply late and the target look lossy.
func resolveTime(spec models.Spec) time.Duration {
	spare := spec.Timeout - time.Duration(spec.Count-1)*spec.Interval
	if spare <= 0 { // the API refuses this; only those packets count that are sent in time
		spare = spec.Timeout
	}
	return spare / 2
}

// noteDone is what follows from a result for whoever measured it: the address of a host that failed is asked for anew.
func noteDone(resolver *Resolver, log *slog.Logger, host string, begun time.Time, r models.Result) {
	if r.Outcome == models.OutcomeFailure {
		resolver.Forget(host)
	}
	log.Debug("check done", "monitor", r.Monitor, "slot", r.Slot, "outcome", r.Outcome, "cause", r.Cause,
		"detail", r.Detail, "sent", r.Sent, "received", r.Received, "took", time.Since(begun))
}

// Unmeasured is why a check could not be measured: trouble with the name, with us, or with the rules.
type Unmeasured struct {
	Cause  models.Cause
	Detail string
}

func (e *Unmeasured) Error() string { return e.Detail }

// unmeasured makes a result of err: with the cause of an *Unmeasured, else models.CauseLocalError.
func unmeasured(result models.Result, err error) models.Result {
	cause := models.CauseLocalError
	var u *Unmeasured
	if errors.As(err, &u) {
		cause = u.Cause
	}
	return result.Unknown(cause, err.Error())
}
