package probe

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"echolot/models"
)

const (
	// flushPause is how long a result waits for company: short enough that a page seems live.
	flushPause = 200 * time.Millisecond
	// longestPause bounds the wait where the database is slow and larger batches help it.
	longestPause = 2 * time.Second
	// largestBatch is where more rows in one transaction stop paying.
	largestBatch = 5000
	// mostKept bounds the memory for results that can not be stored: about 20 MB.
	mostKept = 50_000
	// storeTimeout bounds one transaction.
	storeTimeout = 3 * time.Second
	// stopTimeout bounds what a stop waits for: the transaction under way and those for what is left. It is longer than
	// storeTimeout, and shorter than what the program gives the prober to stop in.
	stopTimeout = 3500 * time.Millisecond
	// longestBackoff is how long after its return a database may be left waiting.
	longestBackoff = 5 * time.Second
)

// resultStore is the recorder's part of models.Store; simulations stand in for it.
type resultStore interface {
	RecordResults(ctx context.Context, results []models.Result, judge models.JudgeFunc) ([]models.Recorded, error)
}

// Recorder stores results in batches. While the database fails it keeps them, in order and bounded, and tries again.
type Recorder struct {
	store    resultStore
	recorded func(models.Recorded)
	log      *slog.Logger
	notices  *perMinute
	wake     chan struct{}

	mu      sync.Mutex
	queue   []models.Result
	dropped int
}

// NewRecorder returns a recorder that tells recorded of each result that was committed.
func NewRecorder(store resultStore, recorded func(models.Recorded), log *slog.Logger) *Recorder {
	return &Recorder{
		store: store, recorded: recorded, log: log, notices: newPerMinute(), wake: make(chan struct{}, 1),
	}
}

// Take accepts a result. It never waits for the database: beyond mostKept results the oldest is dropped.
func (r *Recorder) Take(result models.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(r.queue, result)
	if len(r.queue) > mostKept {
		r.queue = r.queue[1:]
		r.dropped++
	}
	if n := len(r.queue); n == 1 || n == largestBatch {
		r.nudge()
	}
}

func (r *Recorder) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run stores what Take accepts until ctx ends, and then what is left. It returns an error where that could not be stored.
func (r *Recorder) Run(ctx context.Context) error {
	// A transaction that has begun may end: a stop throws no results away.
	storing := context.WithoutCancel(ctx)
	stopped := make(chan time.Time, 1)
	defer context.AfterFunc(ctx, func() { stopped <- time.Now() })()
	pause, limit, failing := flushPause, largestBatch, false
	for r.gather(ctx, pause, failing) {
		began := time.Now()
		err := r.flush(storing, limit)
		if err == nil {
			// Under load: at most a fifth of the time is spent in transactions.
			pause, limit = min(max(4*time.Since(began), flushPause), longestPause), largestBatch
			if failing {
				r.log.Info("results stored again", "kept", r.waiting())
			}
			failing = false
			continue
		}
		if !failing || r.notices.allow("store") {
			r.log.Warn("results not stored, will be tried again", "kept", r.waiting(), "error", err)
		}
		if limit == 1 && !models.IsUnavailable(err) {
			// One row that the database refuses must not hold up all others for ever.
			r.log.Error("result refused by the database and thrown away", "result", r.drop(), "error", err)
		}
		// Smaller batches: this one may take too long, or hold a row that is refused.
		pause, limit, failing = min(2*pause, longestBackoff), max(limit/2, 1), true
	}
	last, cancel := context.WithDeadline(storing, (<-stopped).Add(stopTimeout))
	defer cancel()
	for r.waiting() > 0 {
		if err := r.flush(last, largestBatch); err != nil {
			return fmt.Errorf("%d results lost at the stop: %w", r.waiting(), err)
		}
	}
	return nil
}

// gather waits until there is something to store and, unless a batch is full, for the pause. It is false at the end.
func (r *Recorder) gather(ctx context.Context, pause time.Duration, failing bool) bool {
	for r.waiting() == 0 {
		select {
		case <-ctx.Done():
			return false
		case <-r.wake:
		}
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for failing || r.waiting() < largestBatch {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-r.wake:
		}
	}
	return ctx.Err() == nil
}

func (r *Recorder) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue)
}

// drop takes the oldest result out.
func (r *Recorder) drop() models.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	oldest := r.queue[0]
	r.queue = r.queue[1:]
	return oldest
}

// flush stores the oldest results, limit at most. They stay in the queue until they are committed.
func (r *Recorder) flush(ctx context.Context, limit int) error {
	r.mu.Lock()
	batch, dropped := r.queue[:min(limit, len(r.queue))], r.dropped
	r.mu.Unlock()
	if dropped > 0 && r.notices.allow("dropped") {
		r.log.Warn("results dropped because too many wait for the database", "since_start", dropped)
	}

	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	recorded, err := r.store.RecordResults(ctx, batch, Judge)
	if err != nil {
		return err
	}
	r.mu.Lock()
	lost := r.dropped - dropped // meanwhile, and they were the batch's oldest
	r.queue = r.queue[max(0, len(batch)-lost):]
	r.mu.Unlock()
	for _, rec := range recorded {
		r.tell(rec)
	}
	return nil
}

// tell logs what is worth it and tells the scheduler.
func (r *Recorder) tell(rec models.Recorded) {
	result, state := rec.Result, rec.Monitor.State
	if rec.Changed {
		r.log.Info("monitor state changed", "monitor", result.Monitor, "state", state.State, "cause", state.Cause)
	}
	// Trouble of our own befalls all monitors at once: one line says it.
	if result.Outcome == models.OutcomeUnknown && result.Detail != "" && r.notices.allow(string(result.Cause)) {
		r.log.Warn("check not measured", "cause", result.Cause, "detail", result.Detail, "monitor", result.Monitor)
	}
	r.recorded(rec)
}

// perMinute lets a key through once a minute, so that a log line per trouble does not become one per check.
type perMinute struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func newPerMinute() *perMinute {
	return &perMinute{last: make(map[string]time.Time)}
}

func (p *perMinute) allow(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if last, seen := p.last[key]; seen && now.Sub(last) < time.Minute {
		return false
	}
	p.last[key] = now
	return true
}
