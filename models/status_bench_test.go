package models_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// BenchmarkStatusBoard reads what a page of fifty monitors shows, with 90 days of roll-ups and two hours of results, one every ten
// seconds: for the first time, and again while its past is in memory; and its last day, for badges.
func BenchmarkStatusBoard(b *testing.B) {
	const monitors = 50
	for kind, make := range map[string]func(testing.TB) string{"sqlite": modelstest.SQLite, "postgres": modelstest.Postgres} {
		b.Run(kind, func(b *testing.B) {
			url, ctx := make(b), context.Background()
			rolled := benchPast.AddDate(0, 0, 95)
			now := rolled.Add(2*time.Hour - time.Minute)
			s := modelstest.Open(b, url, func(o *models.Options) { o.Now = func() time.Time { return now } })
			ids, rnd := modelstest.Monitors(b, s, monitors), rand.New(rand.NewPCG(1, 2))
			r := s.NewRolling()
			for day := range 95 {
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
			copyPacks(b, url, ids[0], monitors, benchPast)
			write(b, url, fmt.Sprintf("UPDATE monitor_states SET rolled_until = %d, last_slot = %d", rolled.UnixMilli(), rolled.UnixMilli()))
			write(b, url, "UPDATE monitors SET interval_seconds = 10, created_at = '2026-01-01 00:00:00+00:00'")
			for at := rolled; at.Before(now); at = at.Add(10 * time.Second) {
				var batch []models.Result
				for _, id := range ids {
					c := hourOf(rnd, id, at)[0].Result
					c.Rev, c.Slot = 1, at.UnixMilli()
					batch = append(batch, c)
				}
				if _, err := s.RecordResults(ctx, batch, models.Judge); err != nil {
					b.Fatal(err)
				}
			}
			write(b, url, fmt.Sprintf("UPDATE monitor_states SET rolled_until = %d", rolled.UnixMilli()))
			page := models.StatusPage{ID: 1, OrganizationID: 1, CustomerID: 1, AllMonitors: true}
			b.Run("last day", func(b *testing.B) {
				for b.Loop() {
					if days, err := s.UnscopedStatusLastDay(ctx, page); err != nil || len(days) != monitors {
						b.Fatalf("got %d uptimes and error %v", len(days), err)
					}
				}
			})
			for _, zone := range []string{"UTC", "Europe/Berlin", "Asia/Kolkata"} {
				for _, latency := range []models.StatusLatency{models.LatencyNone, models.LatencySparkline, models.LatencySmoke} {
					page.TimeZone, page.Latency = zone, latency
					read := func() {
						board, err := s.UnscopedStatusBoard(ctx, page)
						if err != nil || len(board.Groups) != 1 || len(board.Groups[0].Components) != monitors {
							b.Fatalf("got %d groups and error %v", len(board.Groups), err)
						}
						if u := board.Groups[0].Components[monitors-1].Uptime; u.Measured() < 89*24*time.Hour {
							b.Fatalf("got %+v, want all days", u)
						}
					}
					b.Run(zone+"/"+string(latency)+"/first", func(b *testing.B) {
						for b.Loop() {
							b.StopTimer()
							s.ForgetPasts()
							b.StartTimer()
							read()
						}
					})
					b.Run(zone+"/"+string(latency)+"/again", func(b *testing.B) {
						for b.Loop() {
							read()
						}
					})
				}
			}
		})
	}
}
