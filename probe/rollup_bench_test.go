package probe

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// BenchmarkRetention deletes old results, as the program does, from a table of many, while 200 results a second are stored. It tells
// how late a check would begin, and how long storing takes, before and meanwhile. ECHOLOT_BENCH_ROWS sets how many results there
// are (a million); about a tenth of them is old.
func BenchmarkRetention(b *testing.B) {
	rows := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("ECHOLOT_BENCH_ROWS")); err == nil {
		rows = n
	}
	for kind, make := range map[string]func(testing.TB) string{"sqlite": modelstest.SQLite, "postgres": modelstest.Postgres} {
		b.Run(kind, func(b *testing.B) {
			url := make(b)
			s := modelstest.Open(b, url)
			const monitors, days = 500, 8
			ids := modelstest.Monitors(b, s, monitors+200)
			today := time.Now().Truncate(24 * time.Hour)
			fillResults(b, s, url, monitors, rows, today.Add(-days*24*time.Hour), days)
			for b.Loop() {
				quiet := storeAndListen(b, s, ids[monitors:], func(ctx context.Context) { sleep(ctx, 10*time.Second) })
				begun := time.Now()
				var took time.Duration
				busy := storeAndListen(b, s, ids[monitors:], func(ctx context.Context) {
					r := newRetention(s, models.Retention{Raw: (days-1)*24*time.Hour + time.Since(today) - time.Hour})
					for r.results.begun || r.results.due.IsZero() {
						if err := r.do(ctx); err != nil {
							b.Error(err)
							return
						}
					}
					took = time.Since(begun)
				})
				left := 0
				if err := modelstest.Connect(b, url).QueryRowContext(b.Context(), "SELECT count(*) FROM results WHERE monitor_id <= "+strconv.Itoa(monitors)).Scan(&left); err != nil {
					b.Fatal(err)
				}
				b.Logf("%d of %d results deleted in %s", rows-left, rows, took.Round(10*time.Millisecond))
				b.ReportMetric(float64(rows-left), "deleted")
				b.ReportMetric(quiet.late, "ms-late-p99-before")
				b.ReportMetric(busy.late, "ms-late-p99")
				b.ReportMetric(quiet.store, "ms-store-p99-before")
				b.ReportMetric(busy.store, "ms-store-p99")
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}

// fillResults writes results of so many days, past the store, and says that they are rolled up.
func fillResults(b *testing.B, s *models.Store, url string, monitors, rows int, from time.Time, days int) {
	b.Helper()
	each := rows / monitors
	statements := []string{"PRAGMA query_only = 0"}
	series, packets := `(WITH RECURSIVE c (m) AS (SELECT %d UNION ALL SELECT m + 1 FROM c WHERE m < %d) SELECT m FROM c),
		(WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < %d) SELECT n FROM c)`, "x'86a501020304'"
	if modelstest.IsPostgres(url) {
		statements = nil
		series, packets = "generate_series(%d, %d) AS m, generate_series(0, %d) AS n", `'\x86a501020304'::bytea`
		var batch []models.Result // which makes the days
		for day := range days {
			r := found(from.Add(time.Duration(day)*24*time.Hour).UnixMilli(), models.OutcomeSuccess)
			r.Monitor, r.Rev = int64(monitors+1), 1
			batch = append(batch, r)
		}
		if _, err := s.RecordResults(b.Context(), batch, models.Judge); err != nil {
			b.Fatal(err)
		}
	}
	const step = 10 // monitors: a statement may take some seconds
	for first := 1; first < monitors; first += step {
		statements = append(statements, fmt.Sprintf(`INSERT INTO results (monitor_id, slot, location_id, code, interval_seconds, started_us, packets)
			SELECT m, %d + cast(n AS BIGINT) * %d + m, 1, %d, 60, 900, %s FROM %s`, from.UnixMilli(), int64(days)*86_400_000/int64(each), 64<<16|2<<10|1<<15, packets,
			fmt.Sprintf(series, first, first+step-1, each-1)))
	}
	statements = append(statements, fmt.Sprintf("UPDATE monitor_states SET rolled_until = %d", time.Now().UnixMilli()), "ANALYZE")
	db := modelstest.Connect(b, url)
	db.SetMaxOpenConns(1) // the one that may write
	for _, statement := range statements {
		if _, err := db.ExecContext(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
}

// listened are 99th percentiles in milliseconds.
type listened struct{ late, store float64 }

// storeAndListen stores 200 results a second, and looks every 5 ms how late it is woken, while f runs.
func storeAndListen(b *testing.B, s *models.Store, ids []int64, f func(context.Context)) listened {
	b.Helper()
	ctx, stop := context.WithCancel(b.Context())
	var late, store []time.Duration
	done := make(chan struct{}, 2)
	go func() {
		defer func() { done <- struct{}{} }()
		for next := time.Now(); ctx.Err() == nil; {
			next = next.Add(5 * time.Millisecond)
			sleep(ctx, time.Until(next))
			late = append(late, max(0, time.Since(next)))
		}
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		for round := 0; ctx.Err() == nil; round++ {
			var batch []models.Result
			for _, id := range ids[round%5*40 : round%5*40+40] {
				r := found(time.Now().UnixMilli(), models.OutcomeSuccess)
				r.Monitor, r.Rev = id, 1
				batch = append(batch, r)
			}
			begun := time.Now()
			if _, err := s.RecordResults(b.Context(), batch, models.Judge); err != nil {
				b.Error(err)
				return
			}
			store = append(store, time.Since(begun))
			sleep(ctx, 200*time.Millisecond-time.Since(begun))
		}
	}()
	f(ctx)
	stop()
	<-done
	<-done
	p99 := func(list []time.Duration) float64 {
		slices.Sort(list)
		return float64(list[len(list)*99/100].Microseconds()) / 1000
	}
	return listened{p99(late), p99(store)}
}
