package probe

import (
	"context"
	"time"

	"echolot/models"
	"echolot/models/events"
)

const (
	// busLag is how many events may pile up while the database is read; beyond that everything is read anew.
	busLag = 4096
	// loadPage is how many monitors are read at a time.
	loadPage = 1000
	// changedOverlap reads changes again, because commits do not become visible in the order of their times, and other
	// processes' clocks differ from ours.
	changedOverlap = 10 * time.Second
	// manyChanged is how many changes one read may tell at most (see models); then everything is read anew.
	manyChanged = 1000
	// compareEvery is how many rereads pass between two comparisons of what is scheduled with what is to be.
	compareEvery = 5
	// fewDifferences are read one by one; of more, everything is read anew.
	fewDifferences = 20
)

// follower keeps a scheduler in step with the database: at once by the bus, and by reading again what the bus could not
// tell. It also writes the heartbeat.
type follower struct {
	*Prober
	scheduler *Scheduler
	events    *events.Subscription
	stale     bool // something was missed: read everything
	loaded    bool // the start is over
	since     time.Time
	skipped   int64
}

func newFollower(p *Prober) *follower {
	f := &follower{Prober: p}
	f.listen()
	f.scheduler = NewScheduler(p.options.Location, p.options.Parallel, p.pinger, p.deliver, p.options.Log)
	p.scheduler.Store(f.scheduler)
	return f
}

func (f *follower) listen() {
	f.events = f.bus.Subscribe(busLag, events.MonitorCreated, events.MonitorUpdated, events.MonitorDeleted, events.CheckRequested)
}

func (f *follower) close() { f.events.Close() }

// follow takes up changes until ctx ends.
func (f *follower) follow(ctx context.Context) {
	reread, heartbeat := time.NewTicker(rereadEvery), time.NewTicker(heartbeatEvery)
	defer reread.Stop()
	defer heartbeat.Stop()
	told := f.events.C
	for n := 1; ; {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-told:
			if !ok {
				// Cut off for being too slow, or the bus is closed: not to spin then, the next reread subscribes again.
				told, f.stale = nil, true
				continue
			}
			f.take(ctx, e)
		case <-reread.C:
			if told == nil {
				f.listen()
				told = f.events.C
			}
			f.reread(ctx, n%compareEvery == 0)
			n++
		case <-heartbeat.C:
			f.beat(ctx)
		}
	}
}

// take acts on one event. What it says is read from the database: the event is only a nudge.
func (f *follower) take(ctx context.Context, e events.Event) {
	switch e.Type {
	case events.MonitorDeleted:
		f.scheduler.Remove(e.MonitorID)
	case events.MonitorCreated, events.MonitorUpdated:
		f.look(ctx, e.MonitorID)
	case events.CheckRequested:
		f.requests(ctx)
	}
}

// look reads one monitor again.
func (f *follower) look(ctx context.Context, id int64) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	target, ok, err := f.store.UnscopedMonitorToProbe(ctx, id)
	switch {
	case err != nil:
		f.missed(ctx, "monitor not read", err)
	case ok:
		f.scheduler.Set(target)
	default:
		f.scheduler.Remove(id)
	}
}

// requests starts the checks that people asked for.
func (f *follower) requests(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	ids, err := f.store.TakeCheckRequests(ctx)
	if err != nil {
		f.trouble(ctx, "check requests not read", err)
	}
	for _, id := range ids {
		f.scheduler.CheckNow(id)
	}
}

// missed makes the next reread one of everything.
func (f *follower) missed(ctx context.Context, what string, err error) {
	f.stale = true
	f.trouble(ctx, what, err)
}

// reread is the safety net under the bus.
func (f *follower) reread(ctx context.Context, compare bool) {
	if f.stale {
		f.reload(ctx)
	} else {
		f.changes(ctx)
	}
	if compare && !f.stale {
		f.compare(ctx)
	}
	f.requests(ctx)
	f.readFeed(ctx, false)
}

// reload reads all monitors. At the start they are spread; later, whatever is new among them is checked at once.
func (f *follower) reload(ctx context.Context) {
	began := time.Now()
	var targets []models.ProbeTarget
	for after, more := int64(0), true; more; {
		var page []models.ProbeTarget
		var err error
		if page, after, more, err = f.page(ctx, after); err != nil {
			f.missed(ctx, "monitors not read", err)
			return
		}
		targets = append(targets, page...)
	}
	if !f.loaded {
		f.scheduler.Load(targets)
	}
	there := make(map[int64]bool, len(targets))
	for _, t := range targets {
		there[t.MonitorID] = true
		f.scheduler.Set(t) // those of Load are known and left alone
	}
	for id := range f.scheduler.Revs() {
		if !there[id] {
			f.scheduler.Remove(id)
		}
	}
	f.stale, f.loaded, f.since = false, true, began.Add(-changedOverlap)
}

func (f *follower) page(ctx context.Context, after int64) ([]models.ProbeTarget, int64, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return f.store.UnscopedMonitorsToProbe(ctx, after, loadPage)
}

// changes takes up what changed of late, most of it known already.
func (f *follower) changes(ctx context.Context) {
	began := time.Now()
	readCtx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	targets, stopped, err := f.store.UnscopedMonitorsChanged(readCtx, f.since.UTC())
	if err != nil {
		f.missed(ctx, "changed monitors not read", err)
		return
	}
	for _, t := range targets {
		f.scheduler.Set(t)
	}
	for _, id := range stopped {
		f.scheduler.Remove(id)
	}
	f.since = began.Add(-changedOverlap)
	if len(targets)+len(stopped) >= manyChanged {
		f.reload(ctx)
	}
}

// compare takes up what another process changed and no clock could tell: what it deleted, or wrote with a clock behind ours.
func (f *follower) compare(ctx context.Context) {
	known := f.scheduler.Revs() // before reading: a monitor that is made meanwhile is not among them
	readCtx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	revs, err := f.store.UnscopedProbedIDs(readCtx)
	if err != nil {
		f.trouble(ctx, "monitors' ids not read", err)
		return
	}
	for id := range known {
		if _, there := revs[id]; !there {
			f.scheduler.Remove(id)
		}
	}
	var differ []int64
	for id, rev := range revs {
		if have, scheduled := known[id]; !scheduled || have < rev {
			differ = append(differ, id)
		}
	}
	if len(differ) > fewDifferences {
		f.reload(ctx)
		return
	}
	for _, id := range differ {
		f.look(ctx, id)
	}
}

// beat writes the heartbeat.
func (f *follower) beat(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	stats, abilities := f.scheduler.TakeStats(), f.options.Abilities()
	f.stats.Store(&stats)
	if stats.Skipped > f.skipped && f.notices.allow("skipped") {
		f.options.Log.Warn("checks skipped: their next was due before there was room or the last had ended",
			"skipped", stats.Skipped-f.skipped, "queued", stats.Queued, "lateness", stats.Lateness)
		f.skipped = stats.Skipped
	}
	beat := models.Heartbeat{
		LocationID: f.options.Location, SeenAt: time.Now().UTC(), Engine: f.options.Engine,
		IPv4: abilities.Mode("4"), IPv6: abilities.Mode("6"), Hint: abilities.Fix(),
		Blind: !abilities.IPv4() && !abilities.IPv6(), Lateness: stats.Lateness,
		Monitors: stats.Monitors, InFlight: stats.Running, Queue: f.recorder.waiting(),
	}
	if f.options.Figures != nil {
		beat.Figures = f.options.Figures()
	}
	if err := f.store.SaveHeartbeat(ctx, beat); err != nil {
		f.trouble(ctx, "heartbeat not written", err)
	}
}
