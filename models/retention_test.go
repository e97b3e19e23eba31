package models_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// sweepAll deletes what is too old.
func sweepAll(t testing.TB, s *models.Store, keep models.Retention) {
	t.Helper()
	for _, sweep := range []func(after int64) (int64, bool, error){
		func(after int64) (int64, bool, error) { return s.SweepResults(t.Context(), keep, after) },
		func(after int64) (int64, bool, error) { return s.SweepRollUps(t.Context(), after) },
	} {
		for after, steps, more := int64(0), 0, true; more; steps++ {
			var err error
			if after, more, err = sweep(after); err != nil || steps > 10_000 {
				t.Fatalf("step %d: %v", steps, err)
			}
		}
	}
	for {
		more, err := s.GiveBack(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return
		}
	}
}

func count(t testing.TB, url, query string) (n int64) {
	t.Helper()
	if err := modelstest.Connect(t, url).QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// Results go when they are too old and rolled up, not before; what they said stays. A deleted monitor leaves nothing.
func TestRetention(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		p := history(t, url, time.Minute)
		var batch []models.Result
		for i := range 4 * 24 * 60 {
			batch = append(batch, p.check(p.began.Add(time.Duration(i)*time.Minute), 1000+i%100, 1100))
		}
		p.record(setsBack, batch...)
		end := p.began.Add(4*24*time.Hour + 5*time.Minute)
		p.now = end
		all := int64(len(batch))
		sweepAll(t, p.s, models.Retention{Raw: 24 * time.Hour})
		if n := count(t, url, "SELECT count(*) FROM results"); n != all {
			t.Errorf("before the roll-up: got %d results, want all %d", n, all)
		}
		before := p.series(p.began, end, time.Hour)
		p.rollUp(end)
		sweepAll(t, p.s, models.Retention{Raw: 24 * time.Hour})
		if n := count(t, url, "SELECT count(*) FROM results"); n != 24*60-5 && !modelstest.IsPostgres(url) || n < 24*60-5 || n > 2*24*60 {
			t.Errorf("after a day: got %d results, want those of the last 24 hours; on Postgres, of the days they are in", n)
		}
		same(t, time.Hour, before, p.series(p.began, end, time.Hour))

		// A bound in bytes keeps less. Rolling up anew what is gone changes nothing.
		sweepAll(t, p.s, models.Retention{Raw: 24 * time.Hour, RawBytes: 20_000})
		if n := count(t, url, "SELECT count(*) FROM results"); n < 1 || n > 24*60 || !modelstest.IsPostgres(url) && n > 1000 {
			t.Errorf("with 20,000 bytes: got %d results, want those of eight hours, on Postgres of a day", n)
		}
		write(t, url, "UPDATE monitor_states SET rolled_until = 0")
		p.rollUp(end)
		same(t, time.Hour, before, p.series(p.began, end, time.Hour))

		packs := "SELECT count(*) FROM rollups WHERE id >> 30 & 3 = %d"
		for _, age := range []struct{ days, fives, hours int }{{50, 1, 1}, {110, 0, 1}, {410, 0, 0}} {
			p.now = p.began.Add(time.Duration(age.days) * 24 * time.Hour)
			sweepAll(t, p.s, models.Retention{Raw: 24 * time.Hour})
			fives, hours, days := count(t, url, fmt.Sprintf(packs, 0)), count(t, url, fmt.Sprintf(packs, 1)), count(t, url, fmt.Sprintf(packs, 2))
			if fives > 0 != (age.fives > 0) || hours > 0 != (age.hours > 0) || days != 1 {
				t.Errorf("after %d days: got %d, %d and %d packs", age.days, fives, hours, days)
			}
		}
		if err := p.s.DeleteMonitor(t.Context(), p.by, p.row.PublicID); err != nil {
			t.Fatal(err)
		}
		p.now = p.now.Add(time.Hour)
		for more := true; more; {
			var err error
			if more, err = p.s.SweepDeleted(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := count(t, url, "SELECT (SELECT count(*) FROM results) + (SELECT count(*) FROM rollups)"); n != 0 {
			t.Errorf("after the deletion: got %d rows, want none", n)
		}
	})
}

// write changes rows past the store.
func write(t testing.TB, url, statement string) {
	t.Helper()
	db := modelstest.Connect(t, url)
	if !modelstest.IsPostgres(url) {
		if _, err := db.ExecContext(t.Context(), "PRAGMA query_only = 0"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// The file stops growing when as much is deleted as is stored (T41), and its log stays small though somebody reads (T42).
func TestFileStopsGrowing(t *testing.T) {
	t.Parallel()
	url := modelstest.SQLite(t) // Postgres drops days
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	s := modelstest.Open(t, url, func(o *models.Options) { o.Now = func() time.Time { return now } })
	ids := modelstest.Monitors(t, s, 10)
	var after [5]int64
	for cycle := range after {
		for range 24 {
			var batch []models.Result
			for minute := range 60 {
				for _, id := range ids {
					r := measured(id, now.Add(time.Duration(minute)*time.Minute).UnixMilli()+id)
					r.Address = r.Address.Next()
					batch = append(batch, r)
				}
			}
			now = now.Add(time.Hour)
			if recorded, err := s.RecordResults(t.Context(), batch, models.Judge); err != nil || len(recorded) != len(batch) {
				t.Fatalf("got %d recorded and error %v, want %d", len(recorded), err, len(batch))
			}
			for more := true; more; {
				var err error
				if more, err = s.RollUp(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		sweepAll(t, s, models.Retention{Raw: 24 * time.Hour})
		after[cycle] = count(t, url, "SELECT page_count FROM pragma_page_count()")
	}
	// Roll-ups go on growing: some 5 KB a day for each monitor.
	if rollUps := int64(len(ids) * 2 * 2); after[4] > after[2]+rollUps {
		t.Errorf("pages after each day: got %d, want no growth from the third on but for roll-ups", after)
	}
	if info, err := os.Stat(url + "-wal"); err != nil || info.Size() > 64<<20+1<<20 {
		t.Errorf("the log: got %v and error %v, want 64 MiB at most", info.Size(), err)
	}
}

// While somebody reads for long, SQLite's log can not be emptied; results are stored all the same, and afterwards it is cut (T42).
// Readers of our own read page by page, and those of others only their owner can end.
func TestLongReader(t *testing.T) {
	t.Parallel()
	url := modelstest.SQLite(t)
	s := modelstest.Open(t, url)
	ids := modelstest.Monitors(t, s, 10)
	slot := time.Now().UnixMilli()
	record := func(what string) {
		t.Helper()
		var batch []models.Result
		for _, id := range ids {
			batch = append(batch, measured(id, slot))
		}
		slot++
		recorded, err := s.RecordResults(t.Context(), batch, models.Judge)
		if err != nil || len(recorded) != len(ids) || recorded[0].Monitor.State.State != models.StateUp {
			t.Fatalf("%s: got %d recorded and error %v, want all of them up", what, len(recorded), err)
		}
	}
	log := func() int64 {
		info, err := os.Stat(url + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size() >> 20
	}
	reader, err := modelstest.Connect(t, url).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRowContext(t.Context(), "SELECT count(*) FROM results").Scan(&n); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		write(t, url, fmt.Sprintf("WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 2500) INSERT INTO rollups SELECT n + %d, zeroblob(3500), '' FROM c", i*2500))
		record("with a reader")
	}
	if log() < 80 {
		t.Fatalf("got a log of %d MiB: this test proves nothing", log())
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	record("after the reader")
	record("in the emptied log")
	if log() > 64 {
		t.Errorf("got a log of %d MiB after the reader, want 64 at most", log())
	}
}
