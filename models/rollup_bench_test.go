package models_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// benchPast is from when on the benchmarks' monitors have a history.
var benchPast = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// hourOf are an hour's checks of a monitor, each minute: four packets whose RTTs wander about 20 ms as a day goes by, with spikes,
// and sometimes a lost one.
func hourOf(rnd *rand.Rand, monitor int64, hour time.Time) []models.Recorded {
	base := 15_000 + 10_000*math.Mod(float64(monitor)*0.618, 1)
	checks := make([]models.Recorded, 60)
	for i := range checks {
		at := hour.Add(time.Duration(i)*time.Minute + time.Duration(monitor*977%60_000)*time.Millisecond)
		busy := 1 + 0.3*math.Sin(float64(at.Unix())/86400*2*math.Pi)
		r := models.Result{Monitor: monitor, Slot: at.UnixMilli(), Location: models.LocationID, Kind: models.KindScheduled, Outcome: models.OutcomeSuccess, ReplyTTL: 57,
			StartedOffset: time.Duration(rnd.IntN(3000)) * time.Microsecond, Address: netip.AddrFrom4([4]byte{10, 1, byte(monitor >> 8), byte(monitor)})}
		for range 4 {
			p := models.Packet{State: models.PacketReplied, RTT: time.Duration(base*busy*(1+0.05*rnd.ExpFloat64())) * time.Microsecond}
			if rnd.IntN(200) == 0 {
				p.RTT *= time.Duration(2 + rnd.IntN(5))
			}
			if rnd.IntN(1000) == 0 {
				p = models.Packet{}
			}
			r.Packets = append(r.Packets, p)
			r.Sent++
			if p.State == models.PacketReplied {
				r.Received++
			}
		}
		checks[i] = models.Recorded{Result: r}
		m := &checks[i].Monitor
		m.Status, m.IntervalSeconds, m.State.State = models.StatusActive, 60, models.StateUp
	}
	return checks
}

// BenchmarkRollUpBytes tells what a month of roll-ups takes, written as the program does, hour by hour.
func BenchmarkRollUpBytes(b *testing.B) {
	const monitors, days = 20, 30
	eachKind(b, func(b *testing.B, url string, s *models.Store) {
		ctx, rnd := context.Background(), rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			r := s.NewRolling()
			for hour := range days * 24 {
				from := benchPast.Add(time.Duration(hour) * time.Hour)
				for m := range int64(monitors) {
					if err := r.Roll(ctx, hourOf(rnd, m+1, from), from, from.Add(time.Hour)); err != nil {
						b.Fatal(err)
					}
				}
				if err := r.Flush(ctx); err != nil {
					b.Fatal(err)
				}
				if hour%24 == 23 && modelstest.IsPostgres(url) { // the tests' Postgres does not do it by itself
					write(b, url, "VACUUM rollups")
				}
			}
		}
		bytes := tableBytes(b, url, "rollups")
		b.ReportMetric(float64(bytes)/monitors/1e3, "KB/monitor-month")
		b.ReportMetric(float64(bytes)/monitors*10_000/1e9, "GB/10000-monitors-month")
		b.ReportMetric(0, "ns/op")
		for l, name := range []string{"5m", "1h", "1d"} {
			var sum float64
			if err := modelstest.Connect(b, url).QueryRowContext(ctx, fmt.Sprintf("SELECT sum(length(times) + length(rtts)) FROM rollups WHERE id >> 30 & 3 = %d", l)).Scan(&sum); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(sum/monitors/1e3, "KB-of-"+name)
		}
	})
}

// BenchmarkRawBytes tells what a check takes, recorded as the program does: an hour of 200 monitors, each minute, four packets of
// about 20 ms, and a day of it.
func BenchmarkRawBytes(b *testing.B) {
	const monitors, hours = 200, 24
	eachKind(b, func(b *testing.B, url string, s *models.Store) {
		ids, rnd := modelstest.Monitors(b, s, monitors), rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			for hour := range hours {
				byMinute := make([][]models.Result, 60)
				for _, id := range ids {
					for minute, r := range hourOf(rnd, id, benchPast.Add(time.Duration(hour)*time.Hour)) {
						r.Result.Rev = 1
						byMinute[minute] = append(byMinute[minute], r.Result)
					}
				}
				for _, batch := range byMinute {
					if recorded, err := s.RecordResults(context.Background(), batch, models.Judge); err != nil || len(recorded) != len(batch) {
						b.Fatalf("got %d recorded and error %v, want %d", len(recorded), err, len(batch))
					}
				}
			}
		}
		b.ReportMetric(float64(tableBytes(b, url, "results"))/monitors/hours/60, "B/check")
		b.ReportMetric(0, "ns/op")
	})
}

// eachKind runs the benchmark on both databases.
func eachKind(b *testing.B, f func(b *testing.B, url string, s *models.Store)) {
	b.Helper()
	for kind, make := range map[string]func(testing.TB) string{"sqlite": modelstest.SQLite, "postgres": modelstest.Postgres} {
		b.Run(kind, func(b *testing.B) {
			url := make(b)
			f(b, url, modelstest.Open(b, url, func(o *models.Options) {
				o.Now = func() time.Time { return benchPast.Add(365*24*time.Hour + 90*time.Second) }
			}))
		})
	}
}

// BenchmarkHistory reads from the roll-ups of a thousand monitors that were checked each minute for 35 days (50 million checks), and
// of one that was for a year: that year, and the uptime of a thousand monitors over 30 days.
func BenchmarkHistory(b *testing.B) {
	const monitors, days, year = 1000, 35, 365
	eachKind(b, func(b *testing.B, url string, s *models.Store) {
		ids, rnd, ctx := modelstest.Monitors(b, s, monitors), rand.New(rand.NewPCG(1, 2)), context.Background()
		end := benchPast.Add(year * 24 * time.Hour)
		begun := time.Now()
		r := s.NewRolling()
		for day := range year {
			from := benchPast.Add(time.Duration(day) * 24 * time.Hour)
			var checks []models.Recorded
			for hour := range 24 {
				checks = append(checks, hourOf(rnd, ids[0], from.Add(time.Duration(hour)*time.Hour))...)
			}
			if err := r.Roll(ctx, checks, from, from.Add(24*time.Hour)); err != nil {
				b.Fatal(err)
			}
			if err := r.Flush(ctx); err != nil {
				b.Fatal(err)
			}
		}
		copyPacks(b, url, ids[0], monitors, end.Add(-days*24*time.Hour))
		write(b, url, fmt.Sprintf("UPDATE monitor_states SET rolled_until = %d, last_slot = %d", end.UnixMilli(), end.UnixMilli()))
		b.Logf("%d checks' worth of roll-ups, %d MB, written in %s", monitors*days*1440+(year-days)*1440, tableBytes(b, url, "rollups")>>20, time.Since(begun).Round(time.Second))
		by := models.Actor{OrganizationID: 1, Role: models.RoleAdmin}
		row, err := firstMonitor(ctx, s, by)
		if err != nil {
			b.Fatal(err)
		}
		for name, step := range map[string]time.Duration{"year": 0, "year-of-6h": 6 * time.Hour, "month-of-hours": time.Hour} {
			from := benchPast
			if step == time.Hour {
				from = end.Add(-30 * 24 * time.Hour)
			}
			b.Run(name, func(b *testing.B) {
				percentiles(b, func() {
					series, err := s.Series(ctx, by, row.PublicID, models.SeriesRange{From: from, To: end, Step: step})
					if err != nil || len(series.Buckets) < 360 {
						b.Fatalf("got %d buckets and error %v", len(series.Buckets), err)
					}
				})
			})
		}
		b.Run("uptime-of-1000", func(b *testing.B) {
			percentiles(b, func() {
				all, err := s.Uptimes(ctx, by, ids, end.Add(-30*24*time.Hour), end, false)
				if err != nil || len(all) != monitors || all[ids[0]].Checks != 30*1440 {
					b.Fatalf("got %d monitors, %+v and error %v", len(all), all[ids[0]], err)
				}
			})
		})
	})
}

// copyPacks gives the first monitor's packs since then to all others.
func copyPacks(b *testing.B, url string, first, monitors int64, since time.Time) {
	b.Helper()
	day := since.Unix() / 86400
	write(b, url, fmt.Sprintf(`INSERT INTO rollups (id, times, rtts) SELECT p.id + ((m.id - %d) << 32), p.times, p.rtts FROM monitors AS m, rollups AS p
		WHERE m.id > %d AND m.id <= %d AND p.id >> 32 = %d AND (p.id & 1048575) >= CASE p.id >> 30 & 3 WHEN 0 THEN %d WHEN 1 THEN %d ELSE %d END ORDER BY 1`,
		first, first, monitors, first, day*4, day, day/16))
	write(b, url, "ANALYZE")
}

func firstMonitor(ctx context.Context, s *models.Store, by models.Actor) (models.MonitorRow, error) {
	rows, _, err := s.Monitors(ctx, by, models.MonitorsFilter{Sort: "created", Page: 1, PerPage: 1})
	if err != nil || len(rows) == 0 {
		return models.MonitorRow{}, fmt.Errorf("got %d monitors and error %w", len(rows), err)
	}
	return rows[0], nil
}

// percentiles measures f at least a hundred times.
func percentiles(b *testing.B, f func()) {
	b.Helper()
	var took []time.Duration
	f()
	for b.Loop() {
		for range 100 {
			begun := time.Now()
			f()
			took = append(took, time.Since(begun))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(0, "ns/op")
}

// tableBytes is what a table takes in the database, with its index.
func tableBytes(tb testing.TB, url, table string) (bytes int64) {
	tb.Helper()
	query := "SELECT sum(pgsize) FROM dbstat WHERE name = '" + table + "'"
	if modelstest.IsPostgres(url) {
		query = "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c WHERE c.oid = '" + table + "'::regclass OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = '" + table + "'::regclass)"
	}
	if err := modelstest.Connect(tb, url).QueryRowContext(context.Background(), query).Scan(&bytes); err != nil {
		tb.Fatal(err)
	}
	return bytes
}
