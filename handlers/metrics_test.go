package handlers

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

const metricsToken = "0123456789abcdef"

// someMetrics is a registry with one counter.
func someMetrics() prometheus.Gatherer {
	reg := prometheus.NewRegistry()
	reg.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "echolot_monitors", Help: "Monitors that are scheduled."}))
	return reg
}

// TestMetricsOnThisMachine: a program here may read them, and nobody who comes by way of another.
func TestMetricsOnThisMachine(t *testing.T) {
	for _, withToken := range []bool{true, false} {
		for _, proxies := range [][]string{nil, {"127.0.0.0/8", "::1"}} {
			h := liteHouse(t, func(o *Options) {
				o.TrustedProxies = proxies
				if withToken {
					o.MetricsToken = metricsToken
				}
			})
			want := "# HELP echolot_monitors Monitors that are scheduled.\n# TYPE echolot_monitors gauge\necholot_monitors 0\n"
			a := h.request("GET", "/metrics", "")
			if a.status != 200 || a.body != want || a.header.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" {
				t.Errorf("from here: got %d, %q, %q, want %q", a.status, a.header.Get("Content-Type"), a.body, want)
			}
			nothing := h.request("GET", "/nothing", "").body
			session, admin := h.session("admin@example.com"), h.token("admin@example.com")
			for what, header := range map[string][]string{
				"forwarded for somebody": {"X-Forwarded-For", "192.0.2.7"}, "forwarded for this machine": {"X-Forwarded-For", "127.0.0.1"},
				"forwarded for nobody": {"X-Forwarded-For", ""}, "Forwarded": {"Forwarded", "for=192.0.2.7"}, "X-Real-Ip": {"x-real-ip", "127.0.0.1"},
				"Via": {"Via", "1.1 proxy"}, "X-Forwarded-Host": {"X-Forwarded-Host", "echolot.example"}, "X-Forwarded-Proto": {"X-Forwarded-Proto", "https"},
				"a token of nobody": {"Authorization", "Bearer wrong"}, "no token at all": {"Authorization", "Bearer "}, "Basic": {"Authorization", "Basic eDp5"}, "half of the token": {"Authorization", "Bearer " + metricsToken[:8]},
				"an administrator's token": {"Authorization", "Bearer " + admin}, "an administrator's session": {"Authorization", "Bearer " + session},
				"a proxied administrator": {"X-Forwarded-For", "192.0.2.7", "Cookie", "sid=" + session},
			} {
				if a := h.request("GET", "/metrics", "", header...); a.status != 404 || a.body != nothing {
					t.Errorf("%s (token %t, proxies %v): got %d %s, want what is said of nothing", what, withToken, proxies, a.status, firstBytes(a.body))
				}
				if a := h.request("HEAD", "/metrics", "", header...); a.status != 404 {
					t.Errorf("%s by HEAD: got %d", what, a.status)
				}
			}
			status := 404
			if withToken {
				status = 200
			}
			for _, header := range [][]string{{"Authorization", "Bearer " + metricsToken}, {"Authorization", "bearer " + metricsToken, "X-Forwarded-For", "192.0.2.7"}} {
				if a := h.request("GET", "/metrics", "", header...); a.status != status {
					t.Errorf("with the token (set: %t): got %d, want %d", withToken, a.status, status)
				}
			}
			for host, want := range map[string]int{"127.0.0.1:8080": 200, "localhost": 200, "LOCALHOST:9": 200, "[::1]:8080": 200, "[::1]": 200, "127.8.8.8": 200,
				"echolot.example": 404, "localhost.evil.example": 404, "192.0.2.1:8080": 404, "127.0.0.1.evil.example:80": 404, "0.0.0.0": 404} {
				if a := h.raw("GET /metrics HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"); a.status != want {
					t.Errorf("Host %s: got %d, want %d", host, a.status, want)
				}
			}
		}
	}
}

// TestMetricsFromElsewhere: the socket's address counts. What Fiber's own test sends comes from 0.0.0.0.
func TestMetricsFromElsewhere(t *testing.T) {
	h := liteHouse(t, func(o *Options) { o.MetricsToken, o.TrustedProxies = metricsToken, []string{"0.0.0.0"} })
	for what, c := range map[string]struct {
		header []string
		status int
	}{
		"a stranger":                     {nil, 404},
		"who says to come from here":     {[]string{"X-Forwarded-For", "127.0.0.1"}, 404},
		"with another's token":           {[]string{"Authorization", "Bearer " + h.token("global_admin@example.com")}, 404},
		"with the metrics' own":          {[]string{"Authorization", "Bearer " + metricsToken}, 200},
		"with the metrics' own as Basic": {[]string{"Authorization", "Basic " + metricsToken}, 404},
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Host = "127.0.0.1"
		for i := 0; i < len(c.header); i += 2 {
			r.Header.Set(c.header[i], c.header[i+1])
		}
		resp, err := h.s.app.Test(r, -1)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("%s: got %d, want %d", what, resp.StatusCode, c.status)
		}
	}
}

type brokenMetrics struct{}

func (brokenMetrics) Gather() ([]*dto.MetricFamily, error) { return nil, errors.New("a secret reason") }

func TestMetricsThatFail(t *testing.T) {
	h := liteHouse(t, func(o *Options) { o.Metrics = brokenMetrics{} })
	a := h.request("GET", "/metrics", "")
	if a.status != 500 || strings.Contains(a.body, "secret") || !strings.Contains(h.log.all(), "a secret reason") {
		t.Errorf("got %d %s, want a 500 whose reason is in the log only", a.status, a.body)
	}
	h = liteHouse(t, func(o *Options) { o.Metrics = nil })
	if a := h.request("GET", "/metrics", ""); a.status != 404 {
		t.Errorf("without metrics: got %d, want 404", a.status)
	}
}
