package handlers

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// BenchmarkDetailsOfAYear asks for all that is told of a monitor, by the year, through HTTP: a year of checks each minute lies behind
// it, rolled up, and the last hours as they were measured.
func BenchmarkDetailsOfAYear(b *testing.B) {
	for _, kind := range []string{"sqlite", "postgres"} {
		b.Run(kind, func(b *testing.B) {
			url := modelstest.SQLite(b)
			if kind == "postgres" {
				url = modelstest.Postgres(b)
			}
			now := time.Now().Truncate(time.Hour).AddDate(-1, 0, 0)
			store := modelstest.Open(b, url, func(o *models.Options) { o.Now = func() time.Time { return now } })
			h := newHouse(b, store)
			token := h.token("readonly@example.com")
			now = now.AddDate(1, 0, 0)
			h.year(now)
			client := &http.Client{}
			for _, query := range []string{"range=year", "range=day", "range=year&granularity=1d"} {
				b.Run(query, func(b *testing.B) {
					var times []time.Duration
					for b.Loop() {
						r, err := http.NewRequest("GET", h.url+monitorsPath+"/"+h.monitor.PublicID.String()+"/details?"+query, nil)
						if err != nil {
							b.Fatal(err)
						}
						r.Header.Set("Authorization", "Bearer "+token)
						began := time.Now()
						drain(b, client, r, http.StatusOK)
						times = append(times, time.Since(began))
					}
					slices.Sort(times)
					b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
				})
			}
		})
	}
}

// year records a year of checks each minute up to now, and rolls them up.
func (h *house) year(now time.Time) {
	h.t.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	begin := now.AddDate(-1, 0, 0)
	const part = 10_000
	for at := begin; at.Before(now); {
		var results []models.Result
		for ; len(results) < part && at.Before(now); at = at.Add(time.Minute) {
			r := models.Result{Monitor: h.monitor.ID, Rev: h.monitor.Rev, Location: models.LocationID, Slot: at.UnixMilli(), Kind: models.KindScheduled, Outcome: models.OutcomeSuccess, ReplyTTL: 57}
			for range 4 {
				p := models.Packet{State: models.PacketReplied, RTT: time.Duration(20_000*(1+0.05*rnd.ExpFloat64())) * time.Microsecond}
				if r.Sent++; rnd.IntN(1000) == 0 {
					p = models.Packet{}
				} else {
					r.Received++
				}
				r.Packets = append(r.Packets, p)
			}
			results = append(results, r)
		}
		if _, err := h.store.RecordResults(context.Background(), results, models.Judge); err != nil {
			h.t.Fatal(err)
		}
	}
	for more := true; more; {
		var err error
		if more, err = h.store.RollUp(context.Background()); err != nil {
			h.t.Fatal(err)
		}
	}
	// What the sweep leaves, a thousand a step: on Postgres a year of single checks would be a year of partitions.
	for range 365 * 24 * 60 / 1000 {
		if _, _, err := h.store.SweepResults(context.Background(), models.Retention{Raw: 7 * 24 * time.Hour}, 0); err != nil {
			h.t.Fatal(err)
		}
	}
}
