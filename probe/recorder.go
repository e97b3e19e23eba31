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
	// largestBatch is where more rows in one transaction stop paying: from 1,000 on a result costs about the same, and a batch
	// of 5,000 holds SQLite's one writer for a third of a second.
	largestBatch = 5000
	// memoryBytes is how much waits in memory, 100,000 results, before the spool takes it; and mostBytes is where the oldest
	// are dropped because there is no spool, or it does not keep up.
	memoryBytes = 32 << 20
	mostBytes   = 2 * memoryBytes
	// spoolWhenAway is how long the database refuses results before they go to the spool as they come, however few: a kill
	// then costs what came since the last attempt to store, longestBackoff at most. A lock or a failover is over sooner and
	// needs no file.
	spoolWhenAway = 5 * time.Second
	// spillBatch is how many results go to the spool at a time, with one fsync.
	spillBatch = 20_000
	// storeTimeout bounds one transaction.
	storeTimeout = 3 * time.Second
	// stopTimeout bounds what a stop waits for: the transaction under way and those for what is left. It is longer than
	// storeTimeout, and shorter than what the program gives the prober to stop in.
	stopTimeout = 3500 * time.Millisecond
	// longestBackoff is how long after its return a database may be left waiting.
	longestBackoff = 5 * time.Second
	// spoolRetry is how long after an error, or while another process has it, the spool is left alone.
	spoolRetry = 5 * time.Second
	// mostRefusals is how often in a row one result alone is refused before it is thrown away: an error of the connection that
	// we do not know as one must not cost a result.
	mostRefusals = 3
)

// resultStore is the recorder's part of models.Store; simulations stand in for it.
type resultStore interface {
	RecordResults(ctx context.Context, results []models.Result, judge models.JudgeFunc) ([]models.Recorded, error)
}

// Recorder stores results in batches and in order. While the database fails it keeps them, in memory and, when that lasts or
// they are many, in a spool on disk, and tries again. The results in the spool are always older than those in memory.
type Recorder struct {
	store    resultStore
	recorded func(models.Recorded)
	log      *slog.Logger
	notices  *perMinute
	wake     chan struct{}

	memoryBytes, mostBytes int64 // the constants but in tests

	spoolDir     string // empty = no spool
	spool        *spool // Run's alone, as the two below; nil while it is not open
	spoolAfter   time.Time
	failingSince time.Time // when the first attempt in a row that failed began; zero while the database takes results

	mu      sync.Mutex
	queue   []models.Result
	dropped int // from the queue's front, ever
	stats   RecorderStats
}

// RecorderStats is what a Recorder has done and what waits.
type RecorderStats struct {
	// Waiting results are in memory and take WaitingBytes there; SpoolResults are in files of SpoolBytes.
	Waiting                  int
	WaitingBytes             int64
	SpoolResults, SpoolBytes int64
	// Stored and Dropped count since the start. Dropped are those that nothing had room for, that were damaged in the spool, or
	// that the database refused.
	Stored, Dropped int64
	// Failing is true while the database does not take results.
	Failing bool
	// OldestWaiting is when the oldest waiting result's check began; zero where none waits.
	OldestWaiting time.Time
}

// NewRecorder returns a recorder that tells recorded of each result that was committed. What the database does not take for
// spoolWhenAway, or memory does not hold, goes to files in spoolDir; where that is empty, it stays in memory and the oldest are
// dropped.
func NewRecorder(store resultStore, spoolDir string, recorded func(models.Recorded), log *slog.Logger) *Recorder {
	return &Recorder{
		store: store, spoolDir: spoolDir, recorded: recorded, log: log, notices: newPerMinute(), wake: make(chan struct{}, 1),
		memoryBytes: memoryBytes, mostBytes: mostBytes,
	}
}

// Take accepts a result. It never waits, for the database or the disk: beyond mostBytes the oldest results are dropped.
func (r *Recorder) Take(result models.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(r.queue, result)
	r.stats.WaitingBytes += int64(result.Size())
	for r.stats.WaitingBytes > r.mostBytes && len(r.queue) > 1 {
		r.cut(1)
		r.dropped++
		r.stats.Dropped++
	}
	if n := len(r.queue); n == 1 || n == largestBatch || r.stats.WaitingBytes > r.memoryBytes {
		r.nudge()
	}
}

func (r *Recorder) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// cut takes the n oldest results out of memory. It needs the lock.
func (r *Recorder) cut(n int) {
	for i := range r.queue[:n] {
		r.stats.WaitingBytes -= int64(r.queue[i].Size())
	}
	r.queue = r.queue[n:]
}

// Stats returns the present figures. It costs next to nothing.
func (r *Recorder) Stats() RecorderStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Waiting = len(r.queue)
	if s.OldestWaiting.IsZero() && len(r.queue) > 0 {
		s.OldestWaiting = r.queue[0].StartedAt()
	}
	return s
}

// Run stores what Take accepts until ctx ends, and then what is left: in the database or, where that is away, in the spool for
// the next process. It returns an error where that was not possible either.
func (r *Recorder) Run(ctx context.Context) error {
	r.openSpool()
	defer r.closeSpool()
	// A transaction that has begun may end: a stop throws no results away.
	storing := context.WithoutCancel(ctx)
	stopped := make(chan time.Time, 1)
	defer context.AfterFunc(ctx, func() { stopped <- time.Now() })()
	pause, limit, failing, refusals := flushPause, largestBatch, false, 0
	for r.gather(ctx, pause, limit, failing) {
		r.relieve()
		began := time.Now()
		err := r.flush(storing, limit)
		r.setFailing(err != nil)
		if err == nil {
			// Under load: at most a fifth of the time is spent in transactions.
			took := time.Since(began)
			pause = min(max(4*took, flushPause), longestPause)
			if took < storeTimeout/4 { // twice as many are sure to be stored in time as well
				limit = min(2*limit, largestBatch)
			}
			if failing {
				r.log.Info("results stored again", "kept", r.waiting())
			}
			failing, refusals, r.failingSince = false, 0, time.Time{}
			continue
		}
		if !failing {
			r.failingSince = began
		}
		if !failing || r.notices.allow("store") {
			r.log.Warn("results not stored, will be tried again", "kept", r.waiting(), "error", err)
		}
		if limit == 1 && !models.IsUnavailable(err) {
			// One row that the database refuses must not hold up all others for ever.
			if refusals++; refusals >= mostRefusals {
				r.log.Error("result refused by the database and thrown away", "result", r.drop(), "error", err)
				refusals = 0
			}
		}
		// Smaller batches: this one may take too long, or hold a row that is refused.
		pause, limit, failing = min(2*pause, longestBackoff), max(limit/2, 1), true
		r.relieve() // of what came while this attempt hung
	}
	return r.finish(storing, (<-stopped).Add(stopTimeout), failing)
}

// finish stores what is left until the deadline, and spools the rest. Where the database failed just now, the spool comes
// first.
func (r *Recorder) finish(ctx context.Context, deadline time.Time, failing bool) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	var err error
	store := func() {
		for r.waiting() > 0 && err == nil {
			err = r.flush(ctx, largestBatch)
		}
	}
	if !failing || r.spool == nil {
		store()
	}
	r.spoolAfter = time.Time{} // there is no later
	r.spill(0, 0)
	if r.Stats().Waiting > 0 { // the disk may be full
		store()
	}
	if n := r.Stats().Waiting; n > 0 {
		return fmt.Errorf("%d results lost at the stop: %w", n, err)
	}
	if n := r.waiting(); n > 0 {
		r.log.Warn("results wait in the spool for the next start", "results", n)
	}
	return nil
}

// gather waits until there is something to store and, unless a batch of limit is full, for the pause. It is false at the end.
func (r *Recorder) gather(ctx context.Context, pause time.Duration, limit int, failing bool) bool {
	for r.waiting() == 0 {
		var look <-chan time.Time // who used the spool may be gone, and have left something in it
		if r.spool == nil && r.spoolDir != "" {
			look = time.After(spoolRetry)
		}
		select {
		case <-ctx.Done():
			return false
		case <-r.wake:
		case <-look:
			r.openSpool()
		}
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for failing || r.waiting() < limit {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-r.wake:
			r.spill(r.memoryBytes, r.memoryBytes/2) // not each result that comes: that would be an fsync for each
		}
	}
	return ctx.Err() == nil
}

// waiting is how many results wait, in memory and in the spool.
func (r *Recorder) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue) + int(r.stats.SpoolResults)
}

func (r *Recorder) setFailing(failing bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Failing = failing
}

// flush stores the oldest results, limit at most. They stay where they are until they are committed.
func (r *Recorder) flush(ctx context.Context, limit int) error {
	batch, spooled, dropped := r.oldest(limit)
	if len(batch) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	recorded, err := r.store.RecordResults(ctx, batch, models.Judge)
	if err != nil {
		if ctx.Err() != nil {
			// Whatever the drivers make of it: the time was over, which says nothing against the results.
			err = fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		return err
	}
	r.done(len(batch), spooled, dropped)
	r.mu.Lock()
	r.stats.Stored += int64(len(recorded))
	r.mu.Unlock()
	for _, rec := range recorded {
		r.tell(rec)
	}
	return nil
}

// oldest returns the oldest results, from the spool while there are any, and what done needs to take them out.
func (r *Recorder) oldest(limit int) (batch []models.Result, spooled bool, dropped int) {
	if batch = r.nextSpooled(limit); len(batch) > 0 {
		return batch, true, 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dropped > 0 && r.notices.allow("dropped") {
		r.log.Warn("results dropped because too many wait for the database", "since_start", r.dropped)
	}
	return r.queue[:min(limit, len(r.queue))], false, r.dropped
}

// done takes out a batch that oldest returned.
func (r *Recorder) done(n int, spooled bool, dropped int) {
	if spooled {
		r.forgetSpooled()
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	lost := r.dropped - dropped // meanwhile, and they were the batch's oldest
	r.cut(max(0, n-lost))
}

// drop throws the oldest result away.
func (r *Recorder) drop() models.Result {
	batch, spooled, dropped := r.oldest(1)
	if len(batch) == 0 {
		return models.Result{}
	}
	r.mu.Lock()
	r.stats.Dropped++
	r.mu.Unlock()
	oldest := batch[0]
	r.done(1, spooled, dropped)
	return oldest
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
