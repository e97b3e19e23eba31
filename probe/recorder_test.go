package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"echolot/models"
)

// fakeStore is a database that is slow or fails when the test says so.
type fakeStore struct {
	takes time.Duration
	each  time.Duration                     // for each result of a batch, on top
	fails func(batch []models.Result) error // nil = never

	mu      sync.Mutex
	stored  []int64 // slots
	batches []int   // sizes
	late    int     // batches that took too long
	last    time.Time
}

func (f *fakeStore) RecordResults(ctx context.Context, batch []models.Result, judge models.JudgeFunc) ([]models.Recorded, error) {
	f.mu.Lock()
	takes := f.takes + time.Duration(len(batch))*f.each
	f.mu.Unlock()
	sleep(ctx, takes)
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		f.late++
		return nil, ctx.Err()
	}
	if f.fails != nil {
		if err := f.fails(batch); err != nil {
			return nil, err
		}
	}
	f.batches, f.last = append(f.batches, len(batch)), time.Now()
	recorded := make([]models.Recorded, len(batch))
	for i, r := range batch {
		f.stored = append(f.stored, r.Slot)
		state, _ := judge(models.MonitorState{}, r, models.Rule{}, models.StatusActive)
		recorded[i] = models.Recorded{Monitor: models.MonitorRow{State: state}, Result: r, Changed: r.Outcome == models.OutcomeFailure}
	}
	return recorded, nil
}

func (f *fakeStore) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// inOrder checks that the slots from first to last were stored once each and in order.
func (f *fakeStore) inOrder(t *testing.T, first, last int64) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := last - first + 1; int64(len(f.stored)) != n {
		t.Fatalf("results stored: got %d, want %d", len(f.stored), n)
	}
	for i, slot := range f.stored {
		if slot != first+int64(i) {
			t.Fatalf("result %d: got slot %d, want %d", i, slot, first+int64(i))
		}
	}
}

// pass lets time pass and everybody finish what they do then.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// recording is a recorder that runs in a bubble.
type recording struct {
	*Recorder
	log  lockedText
	told int
	stop func() error
	slot int64
}

func record(t *testing.T, store *fakeStore, changes ...func(*Recorder)) *recording {
	r := &recording{}
	log := slog.New(slog.NewTextHandler(&r.log, nil))
	r.Recorder = NewRecorder(store, "", func(models.Recorded) { r.told++ }, log)
	for _, change := range changes {
		change(r.Recorder)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = r.stop() }) // what it says is the business of the tests that ask
	return r
}

// take takes n good results, with slots that count from 1.
func (r *recording) take(n int) {
	for range n {
		r.slot++
		r.Take(found(r.slot, models.OutcomeSuccess))
	}
}

// lines counts the log lines of a level.
func (r *recording) lines(level string) int { return strings.Count(r.log.String(), "level="+level) }

func TestRecorderFlushesSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		r := record(t, store)
		for range 3 {
			pass(time.Minute)
			at := time.Now()
			r.take(2)
			pass(199 * time.Millisecond)
			r.take(1)
			pass(time.Second)
			store.set(func() {
				if after := store.last.Sub(at); after != 200*time.Millisecond {
					t.Errorf("stored after %s, want 200ms", after)
				}
			})
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		store.inOrder(t, 1, 9)
		if got := fmt.Sprint(store.batches); got != "[3 3 3]" || r.told != 9 {
			t.Errorf("got batches %s and %d told, want three of 3 and 9", got, r.told)
		}
	})
}

func TestRecorderUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{takes: 300 * time.Millisecond}
		r := record(t, store)
		for range 200 { // 20 s at 2,000 a second
			r.take(200)
			pass(100 * time.Millisecond)
		}
		if n := len(store.batches); n > 20 {
			t.Errorf("transactions of 300 ms in 20 s: got %d, want at most 20", n)
		}
		store.set(func() { store.takes = 0 })
		for range 5 { // 20,000 at once, every second
			r.take(20_000)
			pass(time.Second)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		store.inOrder(t, 1, 200*200+5*20_000)
		for _, n := range store.batches {
			if n > 5000 {
				t.Errorf("rows in a transaction: got %d, want at most 5,000", n)
			}
		}
	})
}

// Where the largest batch takes too long, a smaller one is found and kept to.
func TestRecorderFindsTheBatchThatFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{each: 2 * time.Millisecond} // 5,000 would take 10 s
		r := record(t, store)
		r.take(20_000)
		pass(90 * time.Second)
		store.inOrder(t, 1, 20_000)
		if store.late > 3 {
			t.Errorf("got %d batches that took too long, want three at most", store.late)
		}
	})
}

func TestRecorderOutlivesTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		store := &fakeStore{fails: func([]models.Result) error {
			if down {
				return fmt.Errorf("writing: %w", context.DeadlineExceeded)
			}
			return nil
		}}
		r := record(t, store)
		for range 3000 { // five minutes without a database
			r.take(10)
			pass(100 * time.Millisecond)
		}
		if n := len(store.stored); n != 0 {
			t.Fatalf("stored by a database that is down: %d", n)
		}
		if n := r.lines("WARN"); n < 4 || n > 6 {
			t.Errorf("warnings in five minutes: got %d, want one a minute:\n%s", n, r.log.String())
		}
		store.set(func() { down = false })
		back := time.Now()
		pass(10 * time.Second)
		store.inOrder(t, 1, 30_000)
		if after := store.last.Sub(back); after > 7*time.Second {
			t.Errorf("all stored %s after the database's return", after)
		}
		if n := r.lines("INFO"); n != 1 {
			t.Errorf("lines about the return: got %d, want 1:\n%s", n, r.log.String())
		}
		if r.told != 30_000 || r.lines("ERROR") != 0 {
			t.Errorf("told of %d results, want 30,000 and no error:\n%s", r.told, r.log.String())
		}
	})
}

func TestRecorderIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		store := &fakeStore{fails: func([]models.Result) error {
			if down {
				return context.DeadlineExceeded
			}
			return nil
		}}
		size := int64(found(1, models.OutcomeSuccess).Size())
		r := record(t, store, func(r *Recorder) { r.memoryBytes, r.mostBytes = 25_000*size, 50_000*size })
		for range 70 {
			r.take(1000)
			pass(time.Second / 2)
		}
		pass(10 * time.Second)
		if n := strings.Count(r.log.String(), "results dropped"); n != 1 {
			t.Errorf("warnings of dropped results: got %d, want 1:\n%s", n, r.log.String())
		}
		store.set(func() { down = false })
		pass(10 * time.Second)
		store.inOrder(t, 20_001, 70_000)
		if got, want := r.Stats(), (RecorderStats{Stored: 50_000, Dropped: 20_000}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestRecorderThrowsAwayWhatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{fails: func(batch []models.Result) error {
			for _, r := range batch {
				if r.Slot == 777 {
					return errors.New("CHECK constraint failed")
				}
			}
			return nil
		}}
		r := record(t, store)
		r.take(1000)
		pass(5 * time.Minute)
		if len(store.stored) != 999 || r.lines("ERROR") != 1 {
			t.Errorf("stored %d of 1,000, one of them refused, want 999 and one error:\n%s", len(store.stored), r.log.String())
		}
	})
}

func TestRecorderStops(t *testing.T) {
	for name, test := range map[string]struct {
		store  *fakeStore
		within time.Duration
		stored int
	}{
		"with results that wait":  {&fakeStore{}, 0, 7000},
		"with a slow database":    {&fakeStore{takes: time.Second}, 3 * time.Second, 7000},
		"with one that hangs":     {&fakeStore{takes: time.Hour}, 8 * time.Second, 0},
		"with one that is broken": {&fakeStore{fails: func([]models.Result) error { return errors.New("broken") }}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := record(t, test.store)
				r.take(7000)
				synctest.Wait()
				at := time.Now()
				err := r.stop()
				if after := time.Since(at); after > test.within {
					t.Errorf("stopped after %s, want %s", after, test.within)
				}
				if lost := 7000 - test.stored; (err != nil) != (lost > 0) || lost > 0 && !strings.Contains(err.Error(), fmt.Sprint(lost, " results lost")) {
					t.Errorf("error: got %v, want one of %d lost", err, lost)
				}
				if len(test.store.stored) != test.stored {
					t.Errorf("stored: got %d, want %d", len(test.store.stored), test.stored)
				}
				r.take(1) // after the stop: nobody minds
			})
		})
	}
}

func TestPingersNeverWaitForTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := record(t, &fakeStore{takes: time.Hour})
		r.take(1)
		pass(time.Second)
		at := time.Now()
		r.take(60_000)
		if waited := time.Since(at); waited != 0 {
			t.Errorf("taking results waited %s for a database that hangs", waited)
		}
	})
}

func TestRecorderLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := record(t, &fakeStore{})
		for slot := range int64(120) { // two minutes of trouble on 100 monitors
			for monitor := range int64(100) {
				result := found(slot*1000+monitor+1, models.OutcomeUnknown)
				result.Monitor, result.Detail = monitor, "lookup m: server misbehaving"
				r.Take(result)
			}
			pass(time.Second)
		}
		if n := r.lines("WARN"); n != 2 {
			t.Errorf("warnings in two minutes of one trouble: got %d, want 2:\n%.1000s", n, r.log.String())
		}
		r.Take(found(at(1), models.OutcomeFailure))
		pass(time.Second)
		if log := r.log.String(); r.lines("INFO") != 1 || !strings.Contains(log, "monitor state changed") || !strings.Contains(log, "state=down") {
			t.Errorf("a change of state: got %.1000s", log)
		}
	})
}
