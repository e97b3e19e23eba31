package models_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

const day = 24 * time.Hour

// days are the partitions there are.
func days(t *testing.T, db *sql.DB) string {
	t.Helper()
	var names string
	if err := db.QueryRowContext(t.Context(), "SELECT coalesce(string_agg(inhrelid::regclass::text, ' ' ORDER BY inhrelid::regclass::text), '') FROM pg_inherits WHERE inhparent = 'results'::regclass").Scan(&names); err != nil {
		t.Fatal(err)
	}
	return names
}

func TestDaysAreMadeAheadAndOnDemand(t *testing.T) {
	t.Parallel()
	url := modelstest.Postgres(t)
	now := time.Date(2026, 2, 27, 23, 59, 59, 0, time.UTC)
	s := modelstest.Open(t, url, func(o *models.Options) { o.Now = func() time.Time { return now } })
	db := modelstest.Connect(t, url)
	for range 2 {
		if err := s.PrepareDays(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := days(t, db), "results_20260227 results_20260228 results_20260301 results_20260302"; got != want {
		t.Errorf("made ahead: got %s, want %s", got, want)
	}
	id := modelstest.Monitors(t, s, 1)[0]
	var batch []models.Result
	for _, at := range []time.Time{time.Unix(0, 0), now.Add(-8 * day), now, now.Add(time.Second), now.Add(500 * day)} {
		batch = append(batch, measured(id, at.UnixMilli()))
	}
	if recorded, err := s.RecordResults(t.Context(), batch[:1], always); err != nil || len(recorded) != 1 {
		t.Fatalf("a clock that starts in 1970: got %d recorded and error %v", len(recorded), err)
	}
	if recorded, err := s.RecordResults(t.Context(), batch[1:], always); err != nil || len(recorded) != 4 {
		t.Fatalf("days that nobody made: got %d recorded and error %v", len(recorded), err)
	}
	// A day that was dropped behind our back is made again.
	if _, err := db.ExecContext(t.Context(), "DROP TABLE results_20260219"); err != nil {
		t.Fatal(err)
	}
	if recorded, err := s.RecordResults(t.Context(), batch[1:2], always); err != nil || len(recorded) != 1 {
		t.Errorf("a dropped day: got %d recorded and error %v", len(recorded), err)
	}
	if got, want := days(t, db), "results_19700101 results_20260219 results_20260227 results_20260228 results_20260301 results_20260302 results_20270712"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Two instances that need the same new days at once both get them.
func TestDaysMadeByTwoAtOnce(t *testing.T) {
	t.Parallel()
	url := modelstest.Postgres(t)
	stores := []*models.Store{modelstest.Open(t, url), modelstest.Open(t, url)}
	ids := modelstest.Monitors(t, stores[0], 2)
	start := time.Now().UnixMilli()
	var running sync.WaitGroup
	for i, s := range stores {
		running.Go(func() {
			for n := range int64(10) {
				if recorded, err := s.RecordResults(t.Context(), []models.Result{measured(ids[i], start+n*day.Milliseconds())}, always); err != nil || len(recorded) != 1 {
					t.Errorf("instance %d, day %d: got %d recorded and error %v", i, n, len(recorded), err)
				}
			}
		})
	}
	running.Wait()
	var n int
	if err := modelstest.Connect(t, url).QueryRowContext(t.Context(), "SELECT count(*) FROM results").Scan(&n); err != nil || n != 20 {
		t.Errorf("got %d results and error %v, want 20", n, err)
	}
}

// The newest checks of a monitor and a step of the sweep touch a day or two of a hundred, and no sort of all of them.
func TestHistoryAndSweepOverManyDays(t *testing.T) {
	t.Parallel()
	url := modelstest.Postgres(t)
	s, db := modelstest.Open(t, url), modelstest.Connect(t, url)
	ids := modelstest.Monitors(t, s, 20)
	now := time.Now().UnixMilli()
	for n := range int64(100) {
		var batch []models.Result
		for _, id := range ids {
			for i := range int64(60) {
				batch = append(batch, measured(id, now-(99-n)*day.Milliseconds()+i*1000))
			}
		}
		if _, err := s.RecordResults(t.Context(), batch, always); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.ExecContext(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	for what, query := range map[string]string{
		"history": "SELECT * FROM results AS r WHERE r.monitor_id = 3 ORDER BY r.slot DESC, r.location_id DESC LIMIT 50",
		"sweep":   "SELECT min(slot), max(slot) FROM (SELECT slot FROM results WHERE monitor_id = 3 ORDER BY slot LIMIT 1000) AS step",
	} {
		rows, err := db.QueryContext(t.Context(), "EXPLAIN (ANALYZE, TIMING off) "+query)
		if err != nil {
			t.Fatal(err)
		}
		var plan strings.Builder
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&plan, line)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		if rows.Err() != nil {
			t.Fatal(rows.Err())
		}
		if text := plan.String(); strings.Contains(text, "Sort") || strings.Contains(text, "Seq Scan") || strings.Count(text, "never executed") < 80 {
			t.Errorf("%s: got a plan that does not walk the days' indexes in order:\n%s", what, text)
		}
		t.Log(what, plan.String()[strings.Index(plan.String(), "Planning Time"):])
	}
}

// A slot that comes again after a clock was set back is judged, and is there once.
func TestASlotThatComesTwice(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		now := time.Now()
		s := modelstest.Open(t, url, func(o *models.Options) { o.Now = func() time.Time { return now } })
		id := modelstest.Monitors(t, s, 1)[0]
		slot := now.UnixMilli()
		none := measured(id, slot+60_000)
		none.Packets, none.Sent, none.Received, none.Outcome = nil, 0, 0, models.OutcomeUnknown
		for round := range 2 {
			recorded, err := s.RecordResults(context.Background(), []models.Result{measured(id, slot), none}, always)
			if err != nil || len(recorded) != 2 {
				t.Fatalf("round %d: got %d recorded and error %v, want 2", round, len(recorded), err)
			}
			now = now.Add(-time.Hour)
		}
		var n int
		if err := modelstest.Connect(t, url).QueryRowContext(t.Context(), "SELECT count(*) FROM results").Scan(&n); err != nil || n != 2 {
			t.Errorf("got %d results and error %v, want 2", n, err)
		}
	})
}
