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
	// compareEvery is how long it is at least between two comparisons of what is scheduled with what is to be.
	compareEvery = 5 * rereadEvery
	// compareShare: at most one part in so many of the time is spent comparing, where there are very many monitors.
	compareShare = 50
	// meanwhileMost is how many events are seen to between two pages.
	meanwhileMost = 100
	// fewDifferences are read one by one; of more, everything is read anew.
	fewDifferences = 20
)

// follower keeps a scheduler in step with the database: at once by the bus, and by reading again what the bus could not
// tell. It also writes the heartbeat.
type follower struct {
	*Prober
	scheduler  *Scheduler
	events     *events.Subscription
	told       <-chan events.Event // nil after we were cut off
	heartbeats *time.Ticker
	stale      bool // something was missed: read everything
	loaded     bool // the start is over
	since      time.Time
	compareAt  time.Time
	skipped    int64
	blindTold  bool // the database knows whether we are blind
}

func newFollower(p *Prober) *follower {
	f := &follower{Prober: p, heartbeats: time.NewTicker(heartbeatEvery), compareAt: time.Now().Add(compareEvery)}
	f.listen()
	f.scheduler = NewScheduler(p.options.Location, p.options.Parallel, p.pinger, p.veto.take, p.options.Late, p.options.Log)
	f.scheduler.failed = p.veto.failed
	p.scheduler.Store(f.scheduler)
	return f
}

func (f *follower) listen() {
	f.events = f.bus.Subscribe(busLag, events.MonitorCreated, events.MonitorUpdated, events.MonitorDeleted, events.CheckRequested)
	f.told = f.events.C
}

func (f *follower) close() {
	f.heartbeats.Stop()
	f.events.Close()
}

// follow reads all monitors and then takes up changes until ctx ends.
func (f *follower) follow(ctx context.Context) {
	reread := time.NewTicker(rereadEvery)
	defer reread.Stop()
	f.noteBlind(ctx)
	f.reload(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-f.told:
			f.hear(ctx, e, ok)
		case <-reread.C:
			if f.told == nil {
				f.listen()
			}
			f.reread(ctx)
		case <-f.heartbeats.C:
			f.beat(ctx)
		case <-f.sentinels.turned:
			f.turn(ctx)
		}
	}
}

// meanwhile does what can not wait until everything is read, which may take long.
func (f *follower) meanwhile(ctx context.Context) {
	for range meanwhileMost {
		select {
		case e, ok := <-f.told:
			f.hear(ctx, e, ok)
		case <-f.heartbeats.C:
			f.beat(ctx)
		case <-f.sentinels.turned:
			f.turn(ctx)
		default:
			return
		}
	}
}

// hear takes one event, or the end of them.
func (f *follower) hear(ctx context.Context, e events.Event, ok bool) {
	if !ok {
		// Cut off for being too slow, or the bus is closed: not to spin then, the next reread subscribes again.
		f.told, f.stale = nil, true
		return
	}
	f.take(ctx, e)
}

// take acts on one event. What it says is read from the database: the event is only a nudge.
func (f *follower) take(ctx context.Context, e events.Event) {
	switch e.Type {
	case events.MonitorDeleted:
		f.remove(e.MonitorID)
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
	f.mass.remove(id) // it may be another host now
	target, ok, err := f.store.UnscopedMonitorToProbe(ctx, id)
	switch {
	case err != nil:
		f.missed(ctx, "monitor not read", err)
	case ok:
		f.scheduler.Set(target)
	default:
		f.remove(id)
	}
}

// remove forgets a monitor that is not probed any more.
func (f *follower) remove(id int64) {
	f.scheduler.Remove(id)
	f.mass.remove(id)
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
		if !f.scheduler.CheckNow(id) {
			f.look(ctx, id) // not loaded yet: it is new, and so checked at once
		}
	}
}

// missed makes the next reread one of everything.
func (f *follower) missed(ctx context.Context, what string, err error) {
	f.stale = true
	f.trouble(ctx, what, err)
}

// reread is the safety net under the bus.
func (f *follower) reread(ctx context.Context) {
	if f.stale || !f.loaded {
		f.reload(ctx)
	} else {
		f.changes(ctx)
	}
	if began := time.Now(); !f.stale && !began.Before(f.compareAt) {
		f.compare(ctx)
		f.compareAt = began.Add(max(compareEvery-rereadEvery/2, compareShare*time.Since(began)))
	}
	if !f.blindTold {
		f.noteBlind(ctx)
	}
	f.requests(ctx)
	f.readFeed(ctx, false)
}

// reload reads all monitors, a page at a time, and hands on each page at once: those already loaded are checked while the
// rest is read. At the start they are spread; later, whatever is new among them is checked at once.
func (f *follower) reload(ctx context.Context) {
	began := time.Now()
	f.stale = false
	gone := f.scheduler.Revs() // before reading: a monitor that is made meanwhile is not among them
	for after, more := int64(0), true; more; {
		var page []models.ProbeTarget
		var err error
		if page, after, more, err = f.page(ctx, after); err != nil {
			f.missed(ctx, "monitors not read", err)
			return
		}
		if !f.loaded {
			f.scheduler.Load(page)
		}
		for _, t := range page {
			delete(gone, t.MonitorID)
			f.scheduler.Set(t) // those of Load are known and left alone
		}
		f.meanwhile(ctx)
	}
	for id := range gone {
		f.remove(id)
	}
	f.since = began.Add(-changedOverlap)
	if !f.loaded {
		f.loaded = true
		f.options.Log.Info("probing", "monitors", f.scheduler.Monitors(), "parallel", f.options.Parallel)
	}
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
		f.remove(id)
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
			f.remove(id)
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
			"skipped", stats.Skipped-f.skipped, "no_room_since_start", stats.Shed, "queued", stats.Queued, "lateness", stats.Lateness)
		f.skipped = stats.Skipped
	}
	beat := models.Heartbeat{
		LocationID: f.options.Location, SeenAt: time.Now().UTC(), Engine: f.options.Engine(),
		IPv4: abilities.Mode("4"), IPv6: abilities.Mode("6"), Hint: abilities.Fix(),
		Lateness: stats.Lateness,
		Monitors: stats.Monitors, InFlight: stats.Running, Queue: f.recorder.waiting(),
	}
	if f.options.Figures != nil {
		beat.Figures = f.options.Figures()
	}
	beat.Figures.Sentinels, beat.Figures.Blind = f.sentinels.figures(), f.sentinels.Blindness()
	beat.Blind = !beat.CanPing() || beat.Figures.Blind != nil
	if err := f.store.SaveHeartbeat(ctx, beat); err != nil {
		f.trouble(ctx, "heartbeat not written", err)
	}
}
