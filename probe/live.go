package probe

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"echolot/models"
	"echolot/models/events"
)

// liveTakeOver is how long a new measurement waits for those that end, which may hold its address: the last lines of those
// are to be written within liveEnd.
const liveTakeOver = 2 * time.Second

// liveRuns bounds live measurements at once: 20 times 10 packets a second.
const liveRuns = 20

// notFromHere ends the measurement of a monitor that was paused, or moved to other countries.
const notFromHere = "the monitor is not checked from here now"

// live runs the location's live measurements. Each of them writes its own lines.
type live struct {
	*Prober
	mu      sync.Mutex
	running map[int64]liveUnder  // by session
	taken   map[netip.Addr]int64 // which session sends to an address
}

// liveUnder is a measurement under way: stop ends it, over is closed when it has let its addresses go.
type liveUnder struct {
	stop context.CancelFunc
	over chan struct{}
}

func newLive(p *Prober) *live {
	return &live{Prober: p, running: map[int64]liveUnder{}, taken: map[netip.Addr]int64{}}
}

// run measures until ctx ends, and returns when all is written. What is cut short then is taken up by whoever probes next.
func (l *live) run(ctx context.Context) {
	var runs sync.WaitGroup
	defer runs.Wait()
	reread := time.NewTicker(rereadEvery)
	defer reread.Stop()
	changes := l.bus.Subscribe(traceQueue, events.LiveChanged)
	defer func() { changes.Close() }()
	told := changes.C
	for {
		l.look(ctx, &runs)
		select {
		case <-ctx.Done():
			return
		case _, ok := <-told:
			if !ok { // the bus may be closed for good: not to spin then
				told = nil
			}
		case <-reread.C:
			if told == nil {
				changes = l.bus.Subscribe(traceQueue, events.LiveChanged)
				told = changes.C
			}
		}
	}
}

// look begins what people began, and ends what they ended.
func (l *live) look(ctx context.Context, runs *sync.WaitGroup) {
	reading, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	list, err := l.store.UnscopedLiveToRun(reading)
	if err != nil {
		l.trouble(reading, "live measurements not read", err)
		return
	}
	wanted := map[int64]bool{}
	for _, s := range list {
		wanted[s.ID] = true
	}
	ending := l.stopAllBut(wanted) // before others begin: one of these may hold their address
	for _, s := range list {
		l.mu.Lock()
		_, running := l.running[s.ID]
		full := len(l.running) >= liveRuns
		l.mu.Unlock()
		switch {
		case running:
			if why := l.changed(reading, s); why != "" {
				l.endSession(ctx, s.ID, why)
				delete(wanted, s.ID)
			}
		case !time.Now().Before(s.Until):
			l.endSession(ctx, s.ID, "")
		case full:
			l.endSession(ctx, s.ID, "too many live measurements at once")
		default:
			l.begin(ctx, s, runs, ending)
		}
	}
	l.stopAllBut(wanted)
}

// stopAllBut ends the runs of other sessions than those, and returns what tells that each is over.
func (l *live) stopAllBut(wanted map[int64]bool) (ending []<-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, under := range l.running {
		if !wanted[id] {
			under.stop()
			ending = append(ending, under.over)
		}
	}
	return ending
}

// changed says why a measurement under way must not go on; empty where it may.
func (l *live) changed(ctx context.Context, s models.LiveSession) string {
	target, ok, err := l.store.UnscopedMonitorToProbe(ctx, s.MonitorID)
	switch {
	case err != nil:
		return "" // the database's trouble, not the monitor's
	case !ok:
		return notFromHere
	case target.Spec.Host != s.Target:
		return "the monitor has another target now"
	}
	return ""
}

// begin begins one measurement, where its monitor is probed from here, once those that end have let their addresses go.
func (l *live) begin(ctx context.Context, s models.LiveSession, runs *sync.WaitGroup, ending []<-chan struct{}) {
	reading, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	target, ok, err := l.store.UnscopedMonitorToProbe(reading, s.MonitorID)
	if err != nil {
		l.trouble(reading, "monitor to measure live not read", err)
		return
	}
	if !ok {
		l.endSession(ctx, s.ID, notFromHere)
		return
	}
	last, _, err := l.store.UnscopedLastLive(reading, s.ID, 1)
	if err != nil {
		l.trouble(reading, "live packets not read", err)
		return
	}
	measuring, stop := context.WithCancel(ctx)
	run := newLiveRun(l, s, target, stop)
	if len(last) > 0 { // of a prober that was stopped
		run.n, run.seq, run.highest = last[0].N, last[0].Seq, last[0].Seq
	}
	l.mu.Lock()
	l.running[s.ID] = liveUnder{stop, make(chan struct{})}
	l.mu.Unlock()
	runs.Go(func() {
		defer l.forget(s.ID)
		defer stop()
		awaitAll(measuring, ending)
		run.run(measuring)
	})
}

// awaitAll returns when all are over, ctx ends, or liveTakeOver has passed.
func awaitAll(ctx context.Context, ending []<-chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, liveTakeOver)
	defer cancel()
	for _, over := range ending {
		select {
		case <-over:
		case <-ctx.Done():
			return
		}
	}
}

// claim takes an address for a session; false where another one sends to it.
func (l *live) claim(a netip.Addr, session int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if who, taken := l.taken[a]; taken {
		return who == session
	}
	l.taken[a] = session
	return true
}

// forget takes a session that is over out of the books.
func (l *live) forget(session int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for a, who := range l.taken {
		if who == session {
			delete(l.taken, a)
		}
	}
	close(l.running[session].over)
	delete(l.running, session)
}

// endSession notes the end of a measurement, for its viewers.
func (l *live) endSession(ctx context.Context, session int64, why string) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if err := l.store.UnscopedEndLive(ctx, session, why); err != nil {
		l.trouble(ctx, "end of a live measurement not written", err)
	}
}
