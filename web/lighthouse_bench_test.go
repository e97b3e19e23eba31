package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// BenchmarkLighthouse has Lighthouse judge a status page of 50 monitors with 90 days of history, five times as on a phone, and prints
// the medians.
func BenchmarkLighthouse(b *testing.B) {
	const tool = "../tools/lighthouse/node_modules/lighthouse/cli/index.js"
	if _, err := os.Stat(tool); err != nil {
		b.Skip("`make bench` installs Lighthouse in tools/lighthouse")
	}
	p := newBenchProgram(b)
	path := filepath.Join(p.data, "echolot.db")
	for b.Loop() {
		p.start()
		token := p.fill(50, 1800)
		p.post("/api/status-pages", token, `{"customerId":1,"name":"Fifty","slug":"fifty","description":"Hosts of a bench","visibility":"public","isPublished":true}`)
		p.stop()
		ninetyDays(b, path)
		p.start()
		scores := map[string][]float64{}
		for range 5 {
			for category, score := range lighthouse(b, tool, "http://"+p.addr+"/status/fifty") {
				scores[category] = append(scores[category], score)
			}
		}
		p.stop()
		fmt.Printf("\nLighthouse, a status page of 50 monitors, median of 5\n")
		for _, c := range []struct {
			name  string
			asked float64
		}{{"performance", 95}, {"accessibility", 100}, {"best-practices", 100}, {"seo", 100}} {
			slices.Sort(scores[c.name])
			word := "reached"
			if scores[c.name][2] < c.asked {
				word = "MISSED"
			}
			fmt.Printf("  %-16s %4.0f   asked ≥ %.0f: %s\n", c.name, scores[c.name][2], c.asked, word)
		}
	}
}

// lighthouse returns the categories' scores, 0 to 100. What took points off is printed.
func lighthouse(b *testing.B, tool, url string) map[string]float64 {
	b.Helper()
	cmd := exec.Command("node", tool, url, "--output=json", "--quiet", "--no-enable-error-reporting", "--chrome-flags=--headless=new --no-sandbox --disable-gpu")
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		b.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "CHROME_PATH="+chromium)
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("Lighthouse: %v\n%s", err, out)
	}
	var report struct {
		Categories map[string]struct {
			Score     float64
			AuditRefs []struct {
				ID     string
				Weight float64
			}
		}
		Audits map[string]struct {
			Score        *float64
			DisplayValue string
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		b.Fatal(err)
	}
	scores := map[string]float64{}
	for name, category := range report.Categories {
		scores[name] = 100 * category.Score
		var lost []string
		for _, ref := range category.AuditRefs {
			if a := report.Audits[ref.ID]; ref.Weight > 0 && a.Score != nil && *a.Score < 1 {
				lost = append(lost, strings.TrimSpace(ref.ID+" "+a.DisplayValue))
			}
		}
		if len(lost) > 0 {
			fmt.Printf("  %s: %s\n", name, strings.Join(lost, ", "))
		}
	}
	return scores
}

// ninetyDays gives every monitor in the file a check each half hour, its interval, of the last 90 days, one in a hundred of them lost,
// rolled up; from then on it is checked each minute.
func ninetyDays(b *testing.B, path string) {
	b.Helper()
	begin := time.Now().AddDate(0, 0, -models.StatusDays)
	store := modelstest.Open(b, path)
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(b.Context(), "UPDATE monitors SET created_at = ?", begin); err != nil {
		b.Fatal(err)
	}
	by := models.Actor{UserID: 1, Role: models.RoleAdmin, HomeID: 1, OrganizationID: 1}
	rows, _, err := store.Monitors(b.Context(), by, models.MonitorsFilter{Page: 1, PerPage: 50})
	if err != nil {
		b.Fatal(err)
	}
	for at := begin; time.Since(at) > time.Hour; at = at.Add(30 * time.Minute) {
		results := make([]models.Result, 0, len(rows))
		for i, m := range rows {
			r := models.NewResult(models.Check{Monitor: m.ID, Rev: m.Rev, Location: models.LocationID, Kind: models.KindScheduled, Slot: at.UnixMilli() + int64(i)})
			r.Outcome, r.Sent, r.Received, r.ReplyTTL = models.OutcomeSuccess, 1, 1, 57
			r.Packets = []models.Packet{{State: models.PacketReplied, RTT: time.Duration(9000+(at.Unix()/1800+int64(i))%700) * time.Microsecond}}
			if (at.Unix()/1800+int64(i)*31)%400 < 4 {
				r.Outcome, r.Cause, r.Received, r.Packets = models.OutcomeFailure, models.CauseTimeout, 0, make([]models.Packet, 1)
			}
			results = append(results, r)
		}
		if _, err := store.RecordResults(b.Context(), results, models.Judge); err != nil {
			b.Fatal(err)
		}
	}
	for more := true; more; {
		if more, err = store.RollUp(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := db.ExecContext(b.Context(), "UPDATE monitors SET interval_seconds = 60"); err != nil {
		b.Fatal(err)
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
}
