package probe

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// The sweeper rolls up what was measured and deletes what is too old, but not while another process probes.
func TestSweeperKeepsHistory(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		s := modelstest.Open(t, url)
		ids := modelstest.Monitors(t, s, 3)
		var batch []models.Result
		began := time.Now().Add(-50 * time.Hour).UnixMilli()
		for i := range int64(49 * 60) {
			for _, id := range ids {
				r := found(began+i*60_000, models.OutcomeSuccess)
				r.Monitor, r.Rev = id, 1
				batch = append(batch, r)
			}
		}
		if recorded, err := s.RecordResults(t.Context(), batch, models.Judge); err != nil || len(recorded) != len(batch) {
			t.Fatalf("got %d recorded and error %v, want %d", len(recorded), err, len(batch))
		}
		db := modelstest.Connect(t, url)
		count := func(query string) (n int) {
			if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		var standby atomic.Bool
		sweep := func(until func() bool) {
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			sweeper := NewSweeper(s, models.Retention{Raw: 24 * time.Hour}, standby.Load, nil, slog.New(slog.DiscardHandler))
			asked := make(chan struct{}, 1)
			sweeper.chores = append(sweeper.chores, chore{name: "last", every: time.Hour, do: func(context.Context) error { asked <- struct{}{}; return nil }})
			go func() { defer close(done); sweeper.Run(ctx) }()
			<-asked // all chores before had their turn
			for deadline := time.Now().Add(30 * time.Second); !until() && time.Now().Before(deadline); {
			}
			stop()
			<-done
		}
		standby.Store(true)
		sweep(func() bool { return true })
		if n := count("SELECT count(*) FROM rollups"); n != 0 {
			t.Errorf("standing by: got %d packs, want none", n)
		}
		standby.Store(false)
		kept := func() int { return count("SELECT count(*) FROM results") }
		sweep(func() bool { return kept() < len(batch) })
		if n := count("SELECT count(*) FROM rollups"); n < 3*(8+2+1) {
			t.Errorf("got %d packs, want those of two days of three monitors", n)
		}
		if n := kept(); n >= len(batch) || n < 3*22*60 {
			t.Errorf("got %d of %d results, want those of a day", n, len(batch))
		}
	})
}
