package handlers

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"echolot/models/modelstest"

	"github.com/gofiber/fiber/v2"
)

// BenchmarkStatusPage asks for a page of 50 monitors, drawn once for all, and for a file of the same size from the same app, with wrk
// beside it on the same machine.
func BenchmarkStatusPage(b *testing.B) {
	store := modelstest.Open(b, modelstest.SQLite(b))
	h := newHouse(b, store)
	for i := range 49 {
		if _, err := store.CreateMonitor(b.Context(), h.organization, object(b, fmt.Sprintf(`{"customerId":1,"name":"Host %d","hostname":"127.0.1.%d"}`, i, i+1))); err != nil {
			b.Fatal(err)
		}
	}
	h.statusPage("bench")
	body := h.request("GET", "/status/bench", "", "Accept-Encoding", "br").body
	h.serveAgain(func(s *Server) {
		s.app.Get("/same/:file", s.anyone, func(c *fiber.Ctx) error {
			c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
			c.Set(fiber.HeaderContentType, "text/css; charset=utf-8")
			return c.Send([]byte(body))
		})
	})
	rates := map[string]float64{}
	for _, path := range []string{"/same/file.css", "/status/bench"} {
		b.Run(strings.Split(path, "/")[1], func(b *testing.B) {
			before := store.Queries()
			for b.Loop() {
				out, err := exec.CommandContext(b.Context(), "wrk", "-t1", "-c32", "-d6s", "-H", "Accept-Encoding: br", h.url+path).CombinedOutput()
				if err != nil || strings.Contains(string(out), "Non-2xx") {
					b.Fatalf("wrk: %v\n%s", err, out)
				}
				_, rest, _ := strings.Cut(string(out), "Requests/sec:")
				rate, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
				if err != nil {
					b.Fatal(err)
				}
				rates[path] = rate
				b.ReportMetric(rate, "req/s")
			}
			b.ReportMetric(float64(store.Queries()-before)/6/float64(b.N), "queries/s")
			b.ReportMetric(float64(len(body)), "bytes")
			if path != "/same/file.css" {
				b.ReportMetric(rates[path]/rates["/same/file.css"], "of-a-file")
			}
		})
	}
}
