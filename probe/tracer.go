package probe

import (
	"context"
	"hash/fnv"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"echolot/models"
	"echolot/models/events"
)

const (
	// traceWorkers is how many traces are under way at most.
	traceWorkers = 8
	// failureTraces is how many failures are traced in a minute: an outage of many is seen in these, and does not multiply
	// traffic (25 packets a second).
	failureTraces = 30
	// traceQueue is how many traces may wait; of more, baselines wait for their next time, and others are left out.
	traceQueue = 64
	// baselineEvery is how often the path to a target that answers is traced, where there are few monitors: up to fewMonitors
	// that is 24 packets a second.
	baselineEvery = time.Hour
	fewMonitors   = 1800
	// baselineShare bounds baselines beyond that: at most one packet for so many of the monitor's own.
	baselineShare = 20
)

// publicProbes is hopProbes under the public policy: there a target gets two packets a second and twenty at once, and three
// times eight would keep its checks waiting.
const publicProbes = 1

// TraceProbes is how often a trace asks each hop under a target policy.
func TraceProbes(policy models.TargetPolicy) int {
	if policy.Public {
		return publicProbes
	}
	return hopProbes
}

// wish is a trace to take.
type wish struct {
	monitor int64
	kind    models.TraceKind
	address netip.Addr // what was pinged last; invalid = ask for the name
	tries   int        // so many baselines were taken in vain just before
}

// tracer takes path traces: at first failures, of paths that are well from time to time, and those that people ask for.
type tracer struct {
	*Prober
	urgent, calm chan wish
	owed         *owedBaselines

	mu      sync.Mutex
	busy    map[int64]bool
	minute  time.Time
	counted int // failures traced in that minute
}

func newTracer(p *Prober) *tracer {
	return &tracer{Prober: p, urgent: make(chan wish, traceQueue), calm: make(chan wish, traceQueue), owed: newOwedBaselines(), busy: map[int64]bool{}}
}

// hear decides whether what was just recorded asks for a trace. It does not block.
func (t *tracer) hear(r models.Recorded) {
	now := time.Now()
	if len(r.Before.Recent) == 0 { // of a new monitor, or of another target
		t.owed.owe(r.Monitor.ID, 0, now)
	}
	w := wish{monitor: r.Monitor.ID, address: r.Result.Address}
	switch {
	case !w.address.IsValid():
	case failsFirst(r):
		w.kind = models.TraceFailure
		if t.mayTraceFailure(now) {
			t.ask(t.urgent, w)
		}
	case r.Result.Outcome == models.OutcomeSuccess && r.Result.Received == r.Result.Sent && r.Monitor.State.State == models.StateUp:
		tries, owed := t.owed.pay(r.Monitor.ID, now)
		if w.kind, w.tries = models.TraceBaseline, tries; owed || t.baselineDue(r) {
			t.ask(t.calm, w)
		}
	}
}

// failsFirst is true for the first failed check of a monitor that answered before, and where its verdict becomes degraded.
func failsFirst(r models.Recorded) bool {
	if r.Result.Outcome == models.OutcomeFailure {
		return r.Before.Failures == 0 && (r.Before.Measured == models.StateUp || r.Before.Measured == models.StateDegraded)
	}
	return r.Before.Measured == models.StateUp && r.Monitor.State.Measured == models.StateDegraded
}

// mayTraceFailure counts a failure's trace; false where there were enough in this minute.
func (t *tracer) mayTraceFailure(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.minute) >= time.Minute {
		t.minute, t.counted = now, 0
	}
	t.counted++
	return t.counted <= failureTraces
}

// baselineDue tells whether the check was the first one in a new period of its monitor.
func (t *tracer) baselineDue(r models.Recorded) bool {
	n := 0
	if s := t.scheduler.Load(); s != nil {
		n = s.Monitors()
	}
	every := baselinePeriod(n, r.Monitor.Interval(), r.Monitor.Config.Count)
	return baselineTurn(r.Monitor.ID, every, r.Result.Slot) != baselineTurn(r.Monitor.ID, every, r.Before.LastSlot)
}

// baselinePeriod is the time between two baselines of a monitor that sends count packets each interval, beside so many others.
func baselinePeriod(monitors int, interval time.Duration, count int) time.Duration {
	if monitors <= fewMonitors {
		return baselineEvery
	}
	return max(baselineEvery, interval*tracePackets*baselineShare/time.Duration(max(count, 1)))
}

// baselineTurn numbers a monitor's periods. They begin at different times, by a hash of its id, so that a start brings no crowd.
func baselineTurn(monitor int64, every time.Duration, slot int64) int64 {
	h := fnv.New64a()
	_, _ = h.Write(strconv.AppendInt(nil, monitor, 10)) // never fails
	period := every.Milliseconds()
	return (slot + int64(h.Sum64()%uint64(period))) / period
}

// ask has a trace wait for its turn.
func (t *tracer) ask(queue chan<- wish, w wish) {
	select {
	case queue <- w:
	default:
		if t.notices.allow("traces") {
			t.options.Log.Info("path traces left out: too many at once", "kind", w.kind, "waiting", cap(queue))
		}
	}
}

// run takes traces until ctx ends, and returns when all have ended.
func (t *tracer) run(ctx context.Context) {
	var workers sync.WaitGroup
	defer workers.Wait()
	for range traceWorkers {
		workers.Go(func() { t.work(ctx) })
	}
	reread := time.NewTicker(rereadEvery)
	defer reread.Stop()
	requests := t.bus.Subscribe(traceQueue, events.TraceRequested)
	defer func() { requests.Close() }()
	told := requests.C
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-told:
			if !ok { // the bus may be closed for good: not to spin then
				told = nil
				continue
			}
		case <-reread.C:
			if told == nil {
				requests = t.bus.Subscribe(traceQueue, events.TraceRequested)
				told = requests.C
			}
		}
		t.requests(ctx)
	}
}

// requests takes up what people asked for.
func (t *tracer) requests(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	ids, err := t.store.TakeTraceRequests(ctx)
	if err != nil {
		t.trouble(ctx, "trace requests not read", err)
	}
	for _, id := range ids {
		t.ask(t.urgent, wish{monitor: id, kind: models.TraceManual})
	}
}

// work takes one trace after the other, urgent ones first.
func (t *tracer) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-t.urgent:
			t.take(ctx, w)
			continue
		default:
		}
		select {
		case <-ctx.Done():
			return
		case w := <-t.urgent:
			t.take(ctx, w)
		case w := <-t.calm:
			t.take(ctx, w)
		}
	}
}

// take takes and stores one trace. A baseline in vain is owed again.
func (t *tracer) take(ctx context.Context, w wish) {
	if t.options.Engine() == EngineProbing {
		return // which can not see who says that a TTL is exceeded: every hop would look silent
	}
	if !t.stored(ctx, w) && w.kind == models.TraceBaseline {
		t.owed.owe(w.monitor, w.tries+1, time.Now())
	}
}

// stored takes one trace and tells whether it was stored. Of one monitor there is one at a time.
func (t *tracer) stored(ctx context.Context, w wish) bool {
	if !t.begin(w.monitor) {
		return false
	}
	defer t.end(w.monitor)
	target, ok := t.target(ctx, w.monitor)
	if !ok {
		return false
	}
	host := target.Spec.Host
	if w.address.IsValid() {
		host = w.address.String()
	}
	found, ok := trace(ctx, t.pinger, target, t.options.Location, host, t.options.TraceProbes)
	if !ok || w.kind == models.TraceBaseline && !found.Reached {
		return false // what is compared with later must have been well
	}
	found.Kind = w.kind
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if err := t.store.UnscopedSaveTrace(ctx, found); err != nil {
		t.trouble(ctx, "trace not stored", err)
		return false
	}
	return true
}

func (t *tracer) target(ctx context.Context, id int64) (models.ProbeTarget, bool) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	target, ok, err := t.store.UnscopedMonitorToProbe(ctx, id)
	if err != nil {
		t.trouble(ctx, "monitor to trace not read", err)
	}
	return target, ok && err == nil
}

func (t *tracer) begin(monitor int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy[monitor] {
		return false
	}
	t.busy[monitor] = true
	return true
}

func (t *tracer) end(monitor int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.busy, monitor)
}
