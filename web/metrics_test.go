package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestMetrics is the whole program, as Prometheus and an administrator see it at work.
func TestMetrics(t *testing.T) {
	t.Parallel()
	const token = "0123456789abcdef"
	settings := []string{"ECHOLOT_DATA_DIR=" + t.TempDir(), "ECHOLOT_METRICS_TOKEN=" + token, "ECHOLOT_LOCATION_CODE=ams1"}
	by := admin(t, settings...)
	p := serve(t, settings...)
	id := p.addMonitor(by.token, "Loopback", "127.0.0.1", 1)
	p.waitState(by.token, id, "up")
	for _, credential := range []string{"", token} {
		eventually(t, "figures of the checks", func() (bool, string) {
			a := p.ask(credential, "GET", "/metrics", "")
			for _, want := range []string{
				`echolot_checks_total\{cause="",location="ams1",outcome="success"\} [1-9]`, `echolot_check_lateness_seconds_bucket\{le="\+Inf"\} [1-9]`,
				`echolot_packets_total\{direction="received"\} [1-9]`, `echolot_monitors 1\n`, `echolot_prober_engine\{kind="[a-z-]+",stamps="(kernel|user)"\} 1\n`,
				`go_goroutines [1-9]`, `process_resident_memory_bytes [1-9]`,
			} {
				if a.status != 200 || !regexp.MustCompile(want).MatchString(a.body) {
					return false, want + " in " + a.body
				}
			}
			return true, ""
		})
	}
	if a := p.ask(by.token, "GET", "/metrics", ""); a.status != 404 {
		t.Errorf("with an administrator's token: got %d, want 404", a.status)
	}
	if a := p.ask(token, "GET", "/api/icmp-monitors", ""); a.status != 401 {
		t.Errorf("the metrics' token on the API: got %d, want 401", a.status)
	}
	eventually(t, "the page to tell it", func() (bool, string) {
		page := strings.ReplaceAll(p.page(by, "/prober"), "\u00a0", " ")
		return regexp.MustCompile(`[0-9.]+ % of checks started within 50 ms of their slot`).MatchString(page), page
	})
}
