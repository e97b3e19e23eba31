package probe

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"echolot/models"
)

// Sources are where a Watch reads what others count. Each is called at every scrape and heartbeat, from any goroutine, and
// must be cheap. What is nil counts nothing; without Engine it is pro-bing that sends, and the packets are counted from the
// results.
type Sources struct {
	Engine  func() EngineStats
	Work    func() WorkStats
	Storage func() models.StorageFigures
}

// Watch keeps the prober's own numbers: for Prometheus, and for the heartbeat. Nothing in them is of one monitor or tenant.
// All methods are safe for concurrent use; Began and Ended take well under a microsecond.
type Watch struct {
	sources   Sources
	startedAt time.Time

	late     *lateness
	lateHist prometheus.Histogram
	results  [len(outcomes)][len(causes)]atomic.Int64
	packets  struct{ sent, received, duplicates, late atomic.Uint64 }
	metrics  []metric
	checks   *prometheus.Desc
	engine   *prometheus.Desc
}

// The words that results are counted by; the last of each stands for those that are not known here.
var (
	outcomes = [...]models.Outcome{models.OutcomeSuccess, models.OutcomeWarning, models.OutcomeFailure, models.OutcomeUnknown, "other"}
	causes   = [...]models.Cause{models.CauseNone, models.CauseTimeout, models.CauseHostUnreachable, models.CauseNetUnreachable,
		models.CausePortUnreachable, models.CauseProhibited, models.CauseTTLExceeded, models.CauseTooBig, models.CauseDNSError,
		models.CauseNameNotFound, models.CauseLocalError, models.CauseNoPermission, models.CauseTargetNotAllowed,
		models.CauseOverload, models.CauseClockStep, models.CauseProberBlind, "other"}
)

// NewWatch registers its metrics with reg. Location is the code of the place that checks are made from.
func NewWatch(reg prometheus.Registerer, location string, sources Sources) (*Watch, error) {
	w := &Watch{sources: sources, startedAt: time.Now().UTC()}
	w.late = newLateness(w.startedAt)
	w.describe(location)
	if err := reg.Register(w); err != nil {
		return nil, fmt.Errorf("registering the prober's metrics: %w", err)
	}
	return w, nil
}

// Began observes that a check began so long after its slot.
func (w *Watch) Began(late time.Duration) {
	w.late.observe(late)
	w.lateHist.Observe(max(late, 0).Seconds())
}

// Ended observes the result of a check.
func (w *Watch) Ended(r models.Result) {
	w.results[outcomeIndex(r.Outcome)][causeIndex(r.Cause)].Add(1)
	w.packets.sent.Add(uint64(r.Sent))
	w.packets.received.Add(uint64(r.Received))
	w.packets.duplicates.Add(uint64(r.Duplicates))
	w.packets.late.Add(uint64(r.Late))
}

// Some words and a loop over them: faster than a map's hash, and nothing to keep in step.
func outcomeIndex(o models.Outcome) int {
	for i, known := range outcomes {
		if o == known {
			return i
		}
	}
	return len(outcomes) - 1
}

func causeIndex(c models.Cause) int {
	for i, known := range causes {
		if c == known {
			return i
		}
	}
	return len(causes) - 1
}

// snapshot is what all sources said at one moment.
type snapshot struct {
	engine  EngineStats
	work    WorkStats
	storage models.StorageFigures
}

func (w *Watch) snapshot() snapshot {
	var s snapshot
	if w.sources.Work != nil {
		s.work = w.sources.Work()
	}
	if w.sources.Storage != nil {
		s.storage = w.sources.Storage()
	}
	s.engine = EngineStats{Kind: EngineProbing, Stamps: StampsUser}
	if w.sources.Engine != nil {
		s.engine = w.sources.Engine()
	}
	if s.engine.Kind == EngineProbing { // which counts nothing itself
		s.engine.Sent, s.engine.Received = w.packets.sent.Load(), w.packets.received.Load()
		s.engine.Duplicates, s.engine.Late = w.packets.duplicates.Load(), w.packets.late.Load()
	}
	return s
}

// Figures are what the heartbeat tells. They are to be asked for every few minutes at least: that also ends the windows of
// the lateness.
func (w *Watch) Figures() models.ProberFigures {
	s := w.snapshot()
	e := s.engine
	f := models.ProberFigures{
		StartedAt: w.startedAt, Storage: s.storage, Skipped: s.work.Skipped, Shed: s.work.Shed, ClockSteps: s.work.ClockSteps,
		Engine: models.EngineFigures{Kind: e.Kind, Stamps: e.Stamps, PacketsPerSecond: e.PacketsPerSecond,
			ErrorP50: e.StampError.P50, ErrorP99: e.StampError.P99, ErrorCount: int64(e.StampError.Count)},
		Packets: models.PacketFigures{Sent: int64(e.Sent), Received: int64(e.Received), Duplicates: int64(e.Duplicates), Late: int64(e.Late), Reordered: int64(e.Reordered),
			Forged: int64(e.Forged), Stray: int64(e.Stray), Short: int64(e.Short),
			ICMPErrors: int64(e.ICMPErrors), SendErrors: int64(e.SendErrors), SocketDrops: int64(e.SocketDrops)},
		Delayed: models.CapFigures{Global: int64(e.CapGlobal), Group: int64(e.CapGroup), Target: int64(e.CapTarget)},
	}
	f.Lately, f.Ever = w.late.figures(time.Now())
	unknown := outcomeIndex(models.OutcomeUnknown)
	for i, cause := range causes {
		if n := w.results[unknown][i].Load(); n > 0 {
			if f.NotMeasured == nil {
				f.NotMeasured = map[models.Cause]int64{}
			}
			f.NotMeasured[cause] = n
		}
	}
	return f
}
