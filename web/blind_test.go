package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"echolot/models/modelstest"
	"echolot/probe/lab"
)

// awayTime is how long our own network is away at a time: five seconds, and in the long form three minutes.
func awayTime() time.Duration {
	if os.Getenv("ECHOLOT_SOAK") != "" {
		return 3 * time.Minute
	}
	return 5 * time.Second
}

// T11: our own network is away, in three ways, and back each time. Of 50 monitors none goes down, all are unknown; everybody is
// told once; and nothing is left of it afterwards.
func TestOurNetworkIsAway(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		router := lab.NewRouter(t)
		lab.IP(t, "-6", "route", "del", "default") // one way out, as at most places
		const monitors, farNet = 50, "10.92.0.0/24"
		router.Far.IP("route", "add", "local", farNet, "dev", "lo")
		router.IP("route", "add", farNet, "via", lab.Far4)

		path := modelstest.SQLite(t)
		settings := []string{"ECHOLOT_DATABASE_URL=" + path, "ECHOLOT_DATA_DIR=" + t.TempDir(), "ECHOLOT_SENTINELS="}
		by := admin(t, settings...)
		p := serve(t, settings...)
		for i := range monitors {
			p.addMonitor(by.token, fmt.Sprintf("Host %d", i+1), fmt.Sprintf("10.92.0.%d", i+1), 2)
		}
		db := modelstest.Connect(t, path)
		all := func(state string) {
			t.Helper()
			eventually(t, "all to be "+state, func() (bool, string) {
				n := count(t, db, "SELECT count(*) FROM monitor_states WHERE state = '"+state+"'")
				return n == monitors, fmt.Sprint(n)
			})
		}
		for _, c := range []struct {
			what        string
			break_, fix func()
			why         string
		}{
			{"the gateway is silent and forwards nothing", func() {
				router.Sysctl("net.ipv4.icmp_echo_ignore_all", "1")
				router.Sysctl("net.ipv4.ip_forward", "0")
			}, func() {
				router.Sysctl("net.ipv4.ip_forward", "1")
				router.Sysctl("net.ipv4.icmp_echo_ignore_all", "0")
			}, "gateway " + lab.RouterIn4 + " is silent"},
			{"the default route is gone", func() { lab.IP(t, "route", "del", "default") },
				func() { lab.IP(t, "route", "add", "default", "via", lab.RouterIn4) }, "no default route (it was by " + lab.RouterIn4 + ")"},
			{"the interface is down", func() { lab.IP(t, "link", "set", "lan0", "down") }, func() {
				lab.IP(t, "link", "set", "lan0", "up")
				lab.IP(t, "route", "add", "default", "via", lab.RouterIn4)
			}, "no default route (it was by " + lab.RouterIn4 + ")"},
		} {
			all("up")
			eventually(t, "the prober to see", func() (bool, string) {
				a := p.ask("", "GET", "/readyz", "")
				return a.status == 200 && !strings.Contains(a.body, "blind"), a.body
			})
			said := strings.Count(p.said(), "the prober is blind")
			before := count(t, db, "SELECT max(slot) FROM results")
			c.break_()
			eventually(t, "/readyz to say that it is blind, and why", func() (bool, string) {
				a := p.ask("", "GET", "/readyz", "")
				return a.status == 200 && strings.Contains(a.body, `"blind":true`) && strings.Contains(a.body, c.why+" since "), a.body
			})
			all("unknown")
			if r := runProgram(t, settings, "", "doctor"); r.code != 1 || !strings.Contains(r.stdout, "no      probing: blind since ") || !strings.Contains(r.stdout, c.why) {
				t.Errorf("%s: doctor ends with %d and says:\n%s", c.what, r.code, r.stdout)
			}
			if page := p.page(by, "/monitors"); strings.Count(page, "The prober is blind since ") != 1 || !strings.Contains(page, c.why) {
				t.Errorf("%s: the page does not say so, once, and why", c.what)
			}
			if a := p.ask("", "GET", "/metrics", ""); !strings.Contains(a.body, "\necholot_blind 1\n") {
				t.Errorf("%s: the metrics do not say so", c.what)
			}
			<-time.After(awayTime()) // nothing is to happen meanwhile
			all("unknown")
			if n := strings.Count(p.said(), "the prober is blind") - said; n != 1 {
				t.Errorf("%s: said %d times, want once", c.what, n)
			}
			c.fix()
			all("up")
			if n := count(t, db, fmt.Sprintf("SELECT count(*) FROM results WHERE code >> 3 & 3 = 2 AND slot > %d", before)); n != 0 {
				t.Errorf("%s: got %d failures stored, want none", c.what, n)
			}
		}
		if strings.Contains(p.said(), `"state":"down"`) {
			t.Error("a monitor went down")
		}
		if r := runProgram(t, settings, "", "doctor"); r.code != 0 || !strings.Contains(r.stdout, "ok      sentinel: gateway "+lab.RouterIn4+" answers\n") {
			t.Errorf("doctor ends with %d and says:\n%s", r.code, r.stdout)
		}
		eventually(t, "the page to say nothing any more", func() (bool, string) {
			page := p.page(by, "/monitors")
			return !strings.Contains(page, "The prober is blind"), "it does"
		})
		p.stop()
	})
}
