package models_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
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
	const monitors, days = 40, 30
	for _, kind := range []string{"sqlite", "postgres"} {
		b.Run(kind, func(b *testing.B) {
			url := modelstest.SQLite(b)
			if kind == "postgres" {
				url = modelstest.Postgres(b)
			}
			s := modelstest.Open(b, url)
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
				}
			}
			bytes := tableBytes(b, url, "rollups")
			b.ReportMetric(float64(bytes)/monitors, "B/monitor-month")
			b.ReportMetric(float64(bytes)/monitors*10_000/1e9, "GB/10000-monitors-month")
			for l, name := range []string{"5m", "1h", "1d"} {
				var sum, n float64
				err := modelstest.Connect(b, url).QueryRowContext(ctx, fmt.Sprintf("SELECT sum(length(times) + length(rtts)), count(*) FROM rollups WHERE id >> 30 & 3 = %d", l)).Scan(&sum, &n)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(sum/monitors, "B-of-"+name)
				b.ReportMetric(sum/n, "B/pack-of-"+name)
			}
		})
	}
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
