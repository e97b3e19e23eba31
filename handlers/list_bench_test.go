package handlers

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// manyMonitors is how many monitors the benchmark's organization has.
const manyMonitors = 10_000

// BenchmarkListPage draws the first page of 50 rows of 10,000 monitors, through HTTP, with one client for each core.
func BenchmarkListPage(b *testing.B) {
	h := benchHouse(b)
	session := h.session("admin@example.com")
	req := func(path string) *http.Request {
		r, err := http.NewRequest("GET", h.url+path, nil)
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Cookie", h.s.sessions.name()+"="+session)
		return r
	}
	for _, path := range []string{"/monitors", "/api/icmp-monitors", "/monitors?sort=name"} {
		b.Run(path, func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				client := &http.Client{Transport: &http.Transport{}}
				for pb.Next() {
					drain(b, client, req(path), http.StatusOK)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
		})
	}
}

// BenchmarkWall draws the last hour of 10,000 monitors of 40 customers; one in fifty loses packets, one in a hundred is down.
func BenchmarkWall(b *testing.B) {
	h := newHouse(b, modelstest.Open(b, modelstest.SQLite(b)))
	ctx, now := context.Background(), time.Now()
	var results []models.Result
	for i := range manyMonitors {
		if i%(manyMonitors/40) == 0 {
			if _, err := h.store.CreateCustomer(ctx, h.organization, object(b, fmt.Sprintf(`{"name":"Customer %d","email":"c%d@example.com"}`, i, i))); err != nil {
				b.Fatal(err)
			}
		}
		m, err := h.store.CreateMonitor(ctx, h.organization, object(b, fmt.Sprintf(`{"customerId":%d,"name":"Host %d","hostname":"127.%d.%d.%d","checkIntervalSeconds":900}`,
			4+i/(manyMonitors/40), i, 1+i/62500, i/250%250, 1+i%250)))
		if err != nil {
			b.Fatal(err)
		}
		for k := range 5 {
			r := models.Result{Monitor: m.ID, Rev: 1, Slot: now.Add(time.Duration(k-4) * 14 * time.Minute).UnixMilli(), Location: models.LocationID, Kind: models.KindScheduled,
				Outcome: models.OutcomeSuccess, Sent: 3, Received: 3, Packets: []models.Packet{{State: models.PacketReplied, RTT: 8 * time.Millisecond}}}
			switch {
			case i%100 == 99 && k > 1:
				r.Outcome, r.Received, r.Packets = models.OutcomeFailure, 0, nil
			case i%50 == 5 && k%2 == 1:
				r.Received = 2
			}
			results = append(results, r)
		}
	}
	for some := range slices.Chunk(results, 5000) {
		if _, err := h.store.RecordResults(ctx, some, models.Judge); err != nil {
			b.Fatal(err)
		}
	}
	session := h.session("admin@example.com")
	page := h.as(session, "GET", "/wall", "")
	if page.status != 200 || strings.Count(page.body, "data-strips=") < 40 {
		b.Fatalf("got %d and %d groups", page.status, strings.Count(page.body, "data-strips="))
	}
	keepPage(b, page.body)
	for _, path := range []string{"/wall", "/wall/lines?customerId=5"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				if a := h.as(session, "GET", path, "", "HX-Request", "true"); a.status != 200 {
					b.Fatalf("got %d", a.status)
				}
			}
		})
	}
	b.Logf("the page has %d KiB", len(page.body)/1024)
}

// keepPage keeps a page for the eyes where TEST_SHOTS names a directory.
func keepPage(b *testing.B, body string) {
	if dir := os.Getenv("TEST_SHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "wall-10000.html"), []byte(body), 0o644); err != nil {
			b.Fatal(err)
		}
	}
}

func benchHouse(b *testing.B) *house {
	b.Helper()
	h := newHouse(b, modelstest.Open(b, modelstest.SQLite(b)))
	f := func(i int) string {
		return fmt.Sprintf(`{"customerId":1,"name":"Host %d","hostname":"127.%d.%d.%d","checkIntervalSeconds":60}`, i, 1+i/62500, i/250%250, 1+i%250)
	}
	for i := range manyMonitors {
		if _, err := h.store.CreateMonitor(context.Background(), h.organization, object(b, f(i))); err != nil {
			b.Fatal(err)
		}
	}
	return h
}

// drain sends the request and reads the answer to its end.
func drain(b *testing.B, client *http.Client, r *http.Request, want int) {
	resp, err := client.Do(r)
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != want {
		b.Errorf("got %d, error %v", resp.StatusCode, err)
	}
}
