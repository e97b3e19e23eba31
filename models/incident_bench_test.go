package models_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// BenchmarkIncidents stores one batch in which every monitor's verdict falls, and one in which every monitor recovers: alone, each
// opens an incident of its own; as a mass failure all are one. Beside it stands the same batch in which nothing changes.
func BenchmarkIncidents(b *testing.B) {
	const monitors = 5_000
	for _, kind := range []string{"sqlite", "postgres"} {
		for _, mass := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/mass=%t", kind, mass), func(b *testing.B) {
				url := modelstest.SQLite
				if kind == "postgres" {
					url = modelstest.Postgres
				}
				s := modelstest.Open(b, url(b))
				ids := modelstest.Monitors(b, s, monitors)
				slot := time.Now().UnixMilli()
				batch := func(outcome models.Outcome) time.Duration {
					slot += 60_000
					list := make([]models.Result, len(ids))
					for i, id := range ids {
						list[i] = measured(id, slot)
						list[i].Outcome, list[i].Mass = outcome, mass
						if outcome == models.OutcomeFailure {
							list[i].Cause, list[i].Received, list[i].Packets = models.CauseTimeout, 0, make([]models.Packet, 4)
						}
					}
					began := time.Now()
					recorded, err := s.RecordResults(context.Background(), list, models.Judge)
					if err != nil || len(recorded) != monitors {
						b.Fatalf("got %d recorded and error %v", len(recorded), err)
					}
					return time.Since(began)
				}
				var quiet, opens, ends time.Duration
				for b.Loop() {
					batch(models.OutcomeSuccess)
					quiet += batch(models.OutcomeFailure)
					opens += batch(models.OutcomeFailure)
					ends += batch(models.OutcomeSuccess)
				}
				for name, d := range map[string]time.Duration{"ms-quiet": quiet, "ms-opening": opens, "ms-ending": ends} {
					b.ReportMetric(float64(d.Milliseconds())/float64(b.N), name)
				}
			})
		}
	}
}
