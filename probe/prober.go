package probe

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"echolot/models"
	"echolot/models/events"
)

const (
	// rereadEvery is how often the database is asked for what the bus could not tell: other processes write too.
	rereadEvery = 2 * time.Second
	// heartbeatEvery must stay well under the age at which models takes a heartbeat for dead.
	heartbeatEvery = 5 * time.Second
	// lastBeat is what a stop leaves for the last heartbeat: the time is the recorder's.
	lastBeat = 300 * time.Millisecond
	// readTimeout bounds one read, so that a slow database does not also stop the heartbeat.
	readTimeout = 5 * time.Second
	// defaultParallel is how many checks run at once where each has a socket of its own: with more of them on raw
	// sockets, round-trip times are wrong (100: 6 ms at the 99th percentile, 1,000: 437 ms).
	defaultParallel = 100
)

// database is the prober's part of models.Store; simulations stand in for it.
type database interface {
	resultStore
	UnscopedMonitorsToProbe(ctx context.Context, after int64, limit int) (targets []models.ProbeTarget, last int64, more bool, err error)
	UnscopedMonitorsChanged(ctx context.Context, since time.Time) (targets []models.ProbeTarget, stopped []int64, err error)
	UnscopedMonitorToProbe(ctx context.Context, id int64) (target models.ProbeTarget, ok bool, err error)
	UnscopedProbedIDs(ctx context.Context) (map[int64]int64, error)
	TakeCheckRequests(ctx context.Context) ([]int64, error)
	TakeTraceRequests(ctx context.Context) ([]int64, error)
	UnscopedSaveTrace(ctx context.Context, t models.Trace) error
	UnscopedLiveToRun(ctx context.Context) ([]models.LiveSession, error)
	UnscopedLastLive(ctx context.Context, session int64, last int) ([]models.LivePacket, models.LiveSummary, error)
	UnscopedSaveLive(ctx context.Context, packets []models.LivePacket) error
	UnscopedEndLive(ctx context.Context, id int64, why string) error
	SaveHeartbeat(ctx context.Context, h models.Heartbeat) error
	Heartbeat(ctx context.Context) (h models.Heartbeat, alive bool, err error)
	SetBlind(ctx context.Context, locationID int64, since time.Time, silent []string) error
	ClearBlind(ctx context.Context, locationID int64) error
	HoldLocation(ctx context.Context, locationID int64) (release func(), lost <-chan struct{}, held bool, err error)
	NewFeed() *models.Feed
}

// Options say how a Prober works.
type Options struct {
	// Location is the id of the place that it probes from; 0 = models.LocationID.
	Location int64
	// Parallel is how many checks run at once; 0 = 100.
	Parallel int
	// Engine names what sends now, for the heartbeat; nil = EngineProbing.
	Engine func() string
	// Abilities tells who may ping; nil = ProbeAbilities.
	Abilities func() Abilities
	// Sentinels are hosts, beside the gateways, whose silence means that this location is blind; see Sentinels.
	Sentinels []string
	// Gateways tells the default gateways, DefaultGateways for one; nil = there are none that count.
	Gateways func() []netip.Addr
	// Figures are what the heartbeat tells of the prober's own work; nil = nothing.
	Figures func() models.ProberFigures
	// Observe is told each result as it is recorded, by many goroutines at once; it must not block. nil = nobody.
	Observe func(models.Result)
	// SpoolDir is where results wait when neither the database nor memory has room; empty = nowhere.
	SpoolDir string
	// Shared is true where other processes write to the same database: what they change is told to our bus too.
	Shared bool
	// TraceProbes is how often a path trace asks each hop; 0 = no traces are taken.
	TraceProbes int
	// Late hears how long after its slot each scheduled check began; nil = nobody. It must not block.
	Late func(time.Duration)
	Log  *slog.Logger
}

// Prober checks all monitors of one location and keeps in step with the database. Of several on one database only the
// one that holds the location probes; the others stand by.
type Prober struct {
	store   database
	bus     *events.Bus
	pinger  Pinger
	options Options
	notices *perMinute
	standby atomic.Bool
	// recorder outlives the right to probe: what was measured and not stored when it was lost is stored later.
	recorder  *Recorder
	sentinels *Sentinels
	veto      *veto
	mass      *massFailure
	scheduler atomic.Pointer[Scheduler]      // the latest
	tracer    atomic.Pointer[tracer]         // the latest; nil where no traces are taken
	feed      *models.Feed                   // nil where nobody else writes
	stats     atomic.Pointer[SchedulerStats] // as of the last heartbeat
}

// New returns a prober that does nothing before Run. Run is called once.
func New(store database, bus *events.Bus, pinger Pinger, o Options) *Prober {
	if o.Location == 0 {
		o.Location = models.LocationID
	}
	if o.Parallel == 0 {
		o.Parallel = defaultParallel
	}
	if o.Engine == nil {
		o.Engine = func() string { return EngineProbing }
	}
	if o.Abilities == nil {
		o.Abilities = ProbeAbilities
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Prober{store: store, bus: bus, pinger: pinger, options: o, notices: newPerMinute()}
	p.recorder = NewRecorder(store, o.SpoolDir, p.recorded, o.Log)
	p.sentinels = newSentinels(o.Location, pinger, o.Sentinels, o.Gateways, func() { p.veto.look() }, o.Log)
	p.veto = newVeto(p.sentinels, p.pass, o.Log)
	p.mass = newMassFailure(p.probedWithin, o.Log)
	return p
}

// Run probes until ctx ends. It returns when all checks have returned and what was measured is stored; trouble with the
// database meanwhile is logged and waited out. The error says how many results could not be stored at the end.
func (p *Prober) Run(ctx context.Context) error {
	if p.options.Shared {
		p.feed = p.store.NewFeed()
		defer p.feed.Close()
	}
	storing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	stored := make(chan error, 1)
	go func() { stored <- p.recorder.Run(storing) }()
	for ctx.Err() == nil {
		release, lost, held, err := p.hold(ctx)
		p.standby.Store(err == nil && !held)
		if held {
			p.probe(ctx, lost)
			if ctx.Err() != nil {
				defer release() // when all is stored: nobody else is to judge newer results before
				break
			}
			release()
			p.options.Log.Warn("the right to probe was lost with its connection; trying to take it again")
			continue
		}
		if err != nil {
			p.trouble(ctx, "location not held", err)
		} else if p.notices.allow("standby") {
			p.options.Log.Info("standing by: another instance probes for this location")
		}
		p.readFeed(ctx, true)
		sleep(ctx, rereadEvery)
	}
	stop()
	return <-stored
}

// pass takes each result that is as it is to be recorded.
func (p *Prober) pass(r models.Result) {
	r = p.mass.mark(r)
	if p.options.Observe != nil {
		p.options.Observe(r)
	}
	p.recorder.Take(r)
}

// probedWithin is how many monitors are planned to be probed within the time.
func (p *Prober) probedWithin(d time.Duration) float64 {
	if s := p.scheduler.Load(); s != nil {
		return s.probedWithin(d)
	}
	return 0
}

// recorded tells whoever schedules now what was committed.
func (p *Prober) recorded(r models.Recorded) {
	p.mass.recorded(r)
	if s := p.scheduler.Load(); s != nil {
		s.Recorded(r)
	}
	if t := p.tracer.Load(); t != nil {
		t.hear(r)
	}
}

// Standby tells whether another instance probes for our location.
func (p *Prober) Standby() bool { return p.standby.Load() }

func (p *Prober) hold(ctx context.Context) (release func(), lost <-chan struct{}, held bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return p.store.HoldLocation(ctx, p.options.Location)
}

// readFeed tells our bus what other processes wrote.
func (p *Prober) readFeed(ctx context.Context, results bool) {
	if p.feed == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if err := p.feed.Read(ctx, results); err != nil {
		p.trouble(ctx, "changes not read", err)
	}
}

// probe runs everything but the recorder until ctx ends or the location is lost: then another instance may probe already.
func (p *Prober) probe(ctx context.Context, lost <-chan struct{}) {
	holding, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-lost:
			cancel()
		case <-holding.Done():
		}
	}()
	defer func() { cancel(); <-watched }()

	f := newFollower(p)
	defer f.close()
	f.recall(holding)
	var beside sync.WaitGroup
	beside.Go(func() { p.sentinels.Run(holding) })
	beside.Go(func() { newLive(p).run(holding) })
	if p.options.TraceProbes > 0 {
		t := newTracer(p)
		p.tracer.Store(t)
		beside.Go(func() { t.run(holding) })
	}
	checks := make(chan struct{})
	go func() { defer close(checks); f.scheduler.Run(holding) }()
	f.beat(holding)
	f.follow(holding)
	<-checks
	beside.Wait()
	p.veto.drop()
	p.mass.forget()
	p.options.Log.Info("all checks have ended")
	if ctx.Err() != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastBeat)
		defer cancel()
		f.beat(last)
	}
}

// trouble logs what we cope with, once a minute; a stop is none.
func (p *Prober) trouble(ctx context.Context, what string, err error) {
	if ctx.Err() != context.Canceled && p.notices.allow(what) {
		p.options.Log.Warn("the database does not do what the prober needs", "what", what, "error", err)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
