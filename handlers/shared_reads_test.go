package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"echolot/models"
)

// Many who ask for the same cost one read; one that is slow holds only those who ask for it, each as long as that one's patience.
func TestSharedReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &sharedReads{log: slog.New(slog.DiscardHandler)}
		months := statusMonths{shared: shared, kept: map[monthKey]keptMonth{}}
		var reads atomic.Int64
		slow := func(ctx context.Context) (toldMonth, error) {
			reads.Add(1)
			select {
			case <-ctx.Done():
				return toldMonth{}, ctx.Err()
			case <-time.After(2 * time.Second):
				return toldMonth{list: make([]models.StatusNotice, 3)}, nil
			}
		}
		key := monthKey{1, "2026-11"}
		begun := time.Now()
		got := make(chan error, 50)
		for range 50 {
			go func() {
				told, err := months.of(t.Context(), key, 1, slow)
				if err == nil && (len(told.list) != 3 || time.Since(begun) != 2*time.Second) {
					err = fmt.Errorf("got %d notices after %v, want 3 after two seconds", len(told.list), time.Since(begun))
				}
				got <- err
			}()
		}
		synctest.Wait()
		if told, err := months.of(t.Context(), monthKey{2, "2026-11"}, 1, func(context.Context) (toldMonth, error) {
			return toldMonth{list: make([]models.StatusNotice, 1)}, nil
		}); err != nil || len(told.list) != 1 || time.Since(begun) != 0 {
			t.Errorf("another page meanwhile: got %d notices and error %v after %v, want one at once", len(told.list), err, time.Since(begun))
		}
		hurry, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := months.of(hurry, key, 1, slow); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("whose context ends: got error %v after %v, want its own end after a second", err, time.Since(begun))
		}
		for range 50 {
			if err := <-got; err != nil {
				t.Error(err)
			}
		}
		if n := reads.Load(); n != 1 {
			t.Errorf("got %d reads for 51 who asked, want one", n)
		}
		time.Sleep(monthAge)
		away := func(context.Context) (toldMonth, error) { return toldMonth{}, context.DeadlineExceeded }
		if told, err := months.of(t.Context(), key, 1, away); err != nil || len(told.list) != 3 {
			t.Errorf("without the database: got %d notices and error %v, want what was read", len(told.list), err)
		}
		if _, err := months.of(t.Context(), monthKey{3, "2026-11"}, 1, func(context.Context) (toldMonth, error) { panic("oh") }); err == nil {
			t.Error("a read that panics: got no error")
		}
	})
}

// A read that nobody waits for any more is waited for by close; after it there is none.
func TestSharedReadsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &sharedReads{log: slog.New(slog.DiscardHandler)}
		over := false
		hurry, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		slow := func(context.Context) (int, error) { time.Sleep(2 * time.Second); over = true; return 1, nil }
		if _, err := shareRead(hurry, shared, "a", slow); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want the caller's own end", err)
		}
		shared.close(t.Context())
		if !over {
			t.Error("close did not wait for the read")
		}
		if _, err := shareRead(t.Context(), shared, "a", slow); err == nil {
			t.Error("after close: got no error")
		}
	})
}

// Close that waits in vain leaves nothing behind but the read, which may still end.
func TestSharedReadsEndLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &sharedReads{log: slog.New(slog.DiscardHandler)}
		go func() {
			if n, err := shareRead(t.Context(), shared, "a", func(context.Context) (int, error) { time.Sleep(5 * time.Second); return 1, nil }); n != 1 || err != nil {
				t.Errorf("got %d and error %v, want the read to end", n, err)
			}
		}()
		synctest.Wait()
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if shared.close(ctx); time.Since(begun) != time.Second {
			t.Errorf("close took %v, want no longer than its context", time.Since(begun))
		}
		<-shared.over
		if after := time.Since(begun); after != 5*time.Second {
			t.Errorf("the last read was over after %v, want five seconds", after)
		}
		synctest.Wait()
	})
}

// A page's newer version takes the place of the older one, and is never answered with it; what was read of before comes too late.
func TestMonthsOfAnotherVersion(t *testing.T) {
	months := statusMonths{shared: &sharedReads{log: slog.New(slog.DiscardHandler)}, kept: map[monthKey]keptMonth{}}
	key := monthKey{1, "2026-11"}
	of := func(version int64, err error) (int, error) {
		told, err := months.of(t.Context(), key, version, func(context.Context) (toldMonth, error) {
			return toldMonth{list: make([]models.StatusNotice, version)}, err
		})
		return len(told.list), err
	}
	for _, version := range []int64{1, 2, 3, 2} {
		if got, err := of(version, nil); err != nil || got != int(version) {
			t.Errorf("version %d: got that of version %d and error %v", version, got, err)
		}
	}
	if k := months.kept[key]; len(months.kept) != 1 || k.version != 3 || len(k.list) != 3 {
		t.Errorf("got %d kept and the version %d, want the newest alone", len(months.kept), k.version)
	}
	if got, err := of(4, context.DeadlineExceeded); !models.IsUnavailable(err) {
		t.Errorf("without the database: got %d notices and error %v, want no older version", got, err)
	}
}

// What is kept is bounded; the oldest gives way.
func TestKeptForVisitorsIsBounded(t *testing.T) {
	months := statusMonths{kept: map[monthKey]keptMonth{}}
	days := lastDays{pages: map[int64]*lastDay{}}
	for i := range int64(2 * mostMonths) {
		months.keep(monthKey{i, "2026-11"}, keptMonth{version: 1, at: someday.Add(time.Duration(i))})
		days.keep(models.StatusPage{ID: i, Version: 1}, nil, nil)
		days.pages[i].at = someday.Add(time.Duration(i))
	}
	if _, newest := months.kept[monthKey{2*mostMonths - 1, "2026-11"}]; len(months.kept) != mostMonths || !newest {
		t.Errorf("got %d months, with the newest %v, want %d with it", len(months.kept), newest, mostMonths)
	}
	if len(days.pages) != mostStatusPages || days.pages[2*mostMonths-1] == nil {
		t.Errorf("got %d pages, the newest %v, want %d with it", len(days.pages), days.pages[2*mostMonths-1], mostStatusPages)
	}
}
