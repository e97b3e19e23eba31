package handlers

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

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
