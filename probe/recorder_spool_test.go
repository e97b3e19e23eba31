package probe

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"echolot/models"
)

// spooling makes a recorder keep little in memory, so that the spool is used soon.
func spooling(dir string) func(*Recorder) {
	size := int64(found(1, models.OutcomeSuccess).Size())
	return func(r *Recorder) { r.spoolDir, r.memoryBytes, r.mostBytes = dir, 1000*size, 10_000*size }
}

// away is a store whose database is away while down is true.
func away() (store *fakeStore, down *bool) {
	down = new(bool)
	return &fakeStore{fails: func([]models.Result) error {
		if *down {
			return context.DeadlineExceeded
		}
		return nil
	}}, down
}

func TestSpoolHoldsWhatMemoryDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, down := away()
		*down = true
		dir := t.TempDir()
		r := record(t, store, spooling(dir))
		for range 100 { // a minute and 40 seconds of 500 a second
			r.take(500)
			pass(time.Second)
		}
		s := r.Stats()
		if s.Waiting > 1500 || s.WaitingBytes > r.memoryBytes*3/2 || s.SpoolResults+int64(s.Waiting) != 50_000 || s.SpoolBytes < 1_000_000 || !s.Failing || s.Dropped != 0 ||
			s.Stored != 0 || !s.OldestWaiting.Equal(found(1, models.OutcomeSuccess).StartedAt()) {
			t.Errorf("got %+v", s)
		}
		store.set(func() { *down = false })
		for range 10 {
			r.take(500)
			pass(time.Second)
		}
		store.inOrder(t, 1, 55_000)
		if got, want := r.Stats(), (RecorderStats{Stored: 55_000}); got != want {
			t.Errorf("after the database's return: got %+v, want %+v", got, want)
		}
		if found := files(t, dir); len(found) != 0 {
			t.Errorf("got files %q, want none", found)
		}
		if r.lines("ERROR") != 0 || !strings.Contains(r.log.String(), "all results of the spool are stored") {
			t.Errorf("log: %s", r.log.String())
		}
	})
}

// What waits at a stop is stored by the next run, once, in order and before its own.
func TestSpoolOutlivesAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, down := away()
		*down = true
		dir := t.TempDir()
		r := record(t, store, spooling(dir))
		r.take(5000)
		pass(5 * time.Second)
		r.take(300)
		if err := r.stop(); err != nil {
			t.Fatalf("a stop without a database: %v", err)
		}
		if !strings.Contains(r.log.String(), "results wait in the spool for the next start") {
			t.Errorf("log: %s", r.log.String())
		}
		next := record(t, store, spooling(dir))
		next.slot = r.slot
		next.take(100)
		pass(10 * time.Second)
		if s := next.Stats(); s.SpoolResults != 5400 || s.Waiting != 0 {
			t.Errorf("got %+v, want 5,400 in the spool", s)
		}
		store.set(func() { *down = false })
		pass(10 * time.Second)
		next.take(100)
		pass(time.Second)
		store.inOrder(t, 1, 5500)
	})
}

// While the database is away for long, a kill loses what came in the last seconds: the spool has all else, far though memory
// is from full, and the next run stores it, once and in order.
func TestSpoolTakesAllWhileTheDatabaseIsAway(t *testing.T) {
	for name, store := range map[string]*fakeStore{
		"refuses": {fails: func([]models.Result) error { return context.DeadlineExceeded }},
		"hangs":   {takes: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				r := record(t, store, func(r *Recorder) { r.spoolDir = dir })
				for range 4 {
					r.take(10)
					pass(time.Second)
				}
				if s := r.Stats(); s.SpoolResults != 0 || s.Waiting != 40 {
					t.Errorf("after four seconds: got %+v, want 40 in memory", s)
				}
				for range 60 {
					for range 10 {
						r.take(1)
						pass(100 * time.Millisecond)
					}
					if s := r.Stats(); r.slot > 120 && s.Waiting > 50 {
						t.Fatalf("after %d results at ten a second: got %+v, want those of the last five seconds in memory", r.slot, s)
					}
				}
				// A kill: another recorder has the files as they are now, and nothing of this one's memory.
				killed := t.TempDir()
				if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
					t.Fatal(err)
				}
				kept := r.Stats().SpoolResults
				again := &fakeStore{}
				next := record(t, again, func(r *Recorder) { r.spoolDir = killed })
				pass(10 * time.Second)
				if kept < 590 {
					t.Errorf("got %d of 640 results in the spool, want at least 590", kept)
				}
				again.inOrder(t, 1, kept)
				if s := next.Stats(); s != (RecorderStats{Stored: kept}) {
					t.Errorf("after the replay: got %+v", s)
				}
				if found := files(t, killed); len(found) != 0 {
					t.Errorf("got files %q, want none", found)
				}
				// And the one that was not killed stores all, its memory's after its spool's.
				store.set(func() { store.takes, store.fails = 0, nil })
				pass(20 * time.Second)
				r.take(10)
				pass(time.Second)
				store.inOrder(t, 1, 650)
				if s := r.Stats(); s.SpoolResults != 0 || s.Failing {
					t.Errorf("after the return: got %+v", s)
				}
			})
		})
	}
}

// A database that hangs does not make a stop longer, and loses nothing.
func TestSpoolTakesWhatAHangingDatabaseHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{takes: time.Hour}
		dir := t.TempDir()
		r := record(t, store, spooling(dir))
		r.take(700)
		pass(time.Second)
		r.take(100)
		at := time.Now()
		if err := r.stop(); err != nil || time.Since(at) > 4*time.Second {
			t.Errorf("stopped after %s with error %v", time.Since(at), err)
		}
		store.set(func() { store.takes = 0 })
		next := record(t, store, spooling(dir))
		pass(10 * time.Second)
		store.inOrder(t, 1, 800)
		if s := next.Stats(); s.Stored != 800 {
			t.Errorf("got %+v", s)
		}
	})
}

// At a stop, what the spool can not take is offered to the database once more; where that fails too, the error says why.
func TestStopWithASpoolThatCanNotBeWritten(t *testing.T) {
	for _, back := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			store, down := away()
			*down = true
			dir := filepath.Join(t.TempDir(), "spool")
			r := record(t, store, spooling(dir))
			r.take(500)
			pass(2 * time.Second)
			if err := os.RemoveAll(dir); err != nil { // a full disk
				t.Fatal(err)
			}
			store.set(func() { *down = !back })
			err := r.stop()
			if back {
				if err != nil {
					t.Errorf("got %v, want all stored", err)
				}
				store.inOrder(t, 1, 500)
			} else if want := "500 results lost at the stop"; !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), want) {
				t.Errorf("got error %v, want %q and its cause", err, want)
			}
		})
	}
}

// Two processes on one data directory: the second has no spool, and takes over what the first left when that is gone.
func TestSpoolOfAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, down := away()
		*down = true
		dir := t.TempDir()
		first := record(t, store, spooling(dir))
		first.take(2000)
		pass(time.Second)
		idle := &fakeStore{}
		second := record(t, idle, spooling(dir))
		pass(time.Minute)
		if len(idle.stored) != 0 || second.Stats().SpoolResults != 0 || second.lines("WARN") != 0 {
			t.Errorf("beside the first: got %d stored, %+v and %s", len(idle.stored), second.Stats(), second.log.String())
		}
		if err := first.stop(); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		idle.inOrder(t, 1, 2000)
	})
}

// Where no spool can be made, memory is all there is: the oldest go, and both is said.
func TestNoSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, down := away()
		*down = true
		dir := filepath.Join(t.TempDir(), "spool")
		if err := os.WriteFile(dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		r := record(t, store, spooling(dir))
		for range 15 {
			r.take(1000)
			pass(time.Second)
		}
		if s := r.Stats(); s.Waiting != 10_000 || s.Dropped != 5000 {
			t.Errorf("got %+v, want 10,000 in memory and 5,000 dropped", s)
		}
		if log := r.log.String(); strings.Count(log, "no spool for results") != 1 || strings.Count(log, "results dropped") != 1 {
			t.Errorf("log: %s", log)
		}
		// Somebody clears the way.
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		if s := r.Stats(); s.SpoolResults == 0 || s.Dropped != 5000 {
			t.Errorf("got %+v, want a spool", s)
		}
		store.set(func() { *down = false })
		pass(10 * time.Second)
		store.inOrder(t, 5001, 15_000)
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}
