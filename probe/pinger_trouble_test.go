package probe

import (
	"log/slog"
	"maps"
	"net/netip"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"echolot/models"
	"echolot/probe/lab"
)

// T13: what the own machine refuses is unknown at once, and nothing is left running: pro-bing alone would send to a
// prohibited route for ever.
func TestPingLocalErrors(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		for _, kind := range []string{"prohibit", "blackhole", "unreachable", "throw"} {
			lab.IP(t, "route", "add", kind, map[string]string{
				"prohibit": "10.1.0.0/24", "blackhole": "10.2.0.0/24", "unreachable": "10.3.0.0/24", "throw": "10.4.0.0/24"}[kind])
			lab.IP(t, "-6", "route", "add", kind, map[string]string{
				"prohibit": "2a00:1::/64", "blackhole": "2a00:2::/64", "unreachable": "2a00:3::/64", "throw": "2a00:4::/64"}[kind])
		}
		bothModes(t, func(t *testing.T, mode string, newPinger maker) {
			p := newPinger(t, "", models.TargetPolicy{})
			base, cpu, begun := runtime.NumGoroutine(), cpuTime(t), time.Now()
			hosts := []string{"10.1.0.9", "10.2.0.9", "10.3.0.9", "10.4.0.9", "10.9.0.9", "2a00:1::9", "2a00:2::9", "2a00:3::9", "2a00:4::9", "2a00:9::9"}
			for _, host := range hosts {
				r := ping(t, p, pingSpec(host))
				expect(t, host, r, models.OutcomeUnknown, models.CauseLocalError)
				if r.Sent != 0 || r.Detail == "" {
					t.Errorf("%s: got %+v, want nothing sent and the system's words", host, r)
				}
			}
			lab.Eventually(t, func() bool { return runtime.NumGoroutine() <= base }, "%d goroutines again", base)
			used := cpuTime(t) - cpu
			t.Logf("%s: %d checks, %s of CPU, %s of time", mode, len(hosts), used, time.Since(begun))
			if used > time.Second {
				t.Errorf("%d checks used %s of CPU", len(hosts), used)
			}
		})
	})
}

// cpuTime is what this process has used so far.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// A route that is taken away in the middle of a check ends it: what was answered counts. What could not leave does not,
// nor does what left and had not its time to be answered.
func TestPingLosesItsRoute(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		peer := lab.NewPeer(t)
		peer.Cable("near", "far")
		lab.IP(t, "addr", "add", "10.95.0.1/24", "dev", "near")
		peer.IP("addr", "add", "10.95.0.2/24", "dev", "far")
		capture := peer.Capture("far")
		target := netip.MustParseAddr("10.95.0.2")
		bothModes(t, func(t *testing.T, mode string, newPinger maker) {
			for _, c := range []struct {
				route, ignore string
				outcome       models.Outcome
				cause         models.Cause
			}{
				{"prohibit", "0", models.OutcomeSuccess, models.CauseNone},
				{"unreachable", "0", models.OutcomeSuccess, models.CauseNone},
				{"prohibit", "1", models.OutcomeUnknown, models.CauseLocalError},
				{"unreachable", "1", models.OutcomeUnknown, models.CauseLocalError},
			} {
				peer.Sysctl("net.ipv4.icmp_echo_ignore_all", c.ignore)
				p := newPinger(t, "", models.TargetPolicy{})
				base, before, begun := runtime.NumGoroutine(), capture.Seen()[target], time.Now()
				spec := pingSpec(target.String())
				spec.Count, spec.Interval, spec.Timeout = 40, 250*time.Millisecond, 20*time.Second
				results := make(chan models.Result, 1)
				p.Ping(models.Check{Spec: spec}, func(r models.Result) { results <- r })
				capture.WaitFor(t, target, before+2)
				lab.IP(t, "route", "add", c.route, target.String())
				r := <-results
				lab.IP(t, "route", "del", c.route, target.String())
				expect(t, c.route, r, c.outcome, c.cause)
				if r.Sent >= spec.Count || r.Received != r.Sent || r.Detail == "" {
					t.Errorf("%s: got %d sent, %d received (%s), want only those answered", c.route, r.Sent, r.Received, r.Detail)
				}
				if took := time.Since(begun); took > spec.Timeout/2 {
					t.Errorf("%s: the check went on for %s", c.route, took)
				}
				lab.Eventually(t, func() bool { return runtime.NumGoroutine() <= base }, "%d goroutines again", base)
			}
		})
	})
}

// A full queue in our own kernel (ENOBUFS) is the other case in which pro-bing tries for ever.
func TestPingQueueFull(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		lab.AllowDatagram(t)
		peer := lab.NewPeer(t)
		peer.Cable("near", "far")
		lab.IP(t, "addr", "add", "10.95.0.1/24", "dev", "near")
		lab.IP(t, "neigh", "add", "10.95.0.2", "lladdr", "02:00:00:00:00:02", "dev", "near")
		if out, err := exec.Command("tc", "qdisc", "add", "dev", "near", "root", "pfifo", "limit", "0").CombinedOutput(); err != nil {
			t.Fatalf("tc: %v: %s", err, out)
		}
		p := newPinger(t, "", models.TargetPolicy{})
		base := runtime.NumGoroutine()
		r := ping(t, p, pingSpec("10.95.0.2"))
		expect(t, "full queue", r, models.OutcomeUnknown, models.CauseLocalError)
		if !strings.Contains(r.Detail, "no buffer space") {
			t.Errorf("got %q, want ENOBUFS", r.Detail)
		}
		lab.Eventually(t, func() bool { return runtime.NumGoroutine() <= base }, "%d goroutines again", base)
	})
}

// T18, and F5 to F7 of the failures known from others: what a target sends can not change what we measured.
func TestPingHostileTarget(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		cases := []struct {
			name      string
			behaviour lab.Behaviour
			outcome   models.Outcome
			cause     models.Cause
			received  int
			least     time.Duration
		}{
			{"honest", lab.Honest, models.OutcomeSuccess, models.CauseNone, 3, 0},
			{"silent", lab.Silent, models.OutcomeFailure, models.CauseTimeout, 0, 0},
			{"five of each", lab.Times(5), models.OutcomeSuccess, models.CauseNone, 3, 0},
			{"slow", lab.After(200 * time.Millisecond), models.OutcomeSuccess, models.CauseNone, 3, 190 * time.Millisecond},
			{"too late", lab.After(1100 * time.Millisecond), models.OutcomeFailure, models.CauseTimeout, 0, 0},
			{"from another source", lab.FromOther, models.OutcomeFailure, models.CauseTimeout, 0, 0},
			{"from another source first", lab.FromBoth, models.OutcomeSuccess, models.CauseNone, 3, 15 * time.Millisecond},
			{"an hour ago", lab.Stamped(-time.Hour), models.OutcomeSuccess, models.CauseNone, 3, 0},
			{"in a day", lab.Stamped(24 * time.Hour), models.OutcomeSuccess, models.CauseNone, 3, 0},
			{"short", lab.Short(12), models.OutcomeFailure, models.CauseTimeout, 0, 0},
			{"empty", lab.Short(0), models.OutcomeFailure, models.CauseTimeout, 0, 0},
		}
		targets := make([]netip.Addr, len(cases))
		for i, c := range cases {
			targets[i] = netip.AddrFrom4([4]byte{127, 0, 1, byte(i)})
			lab.NewResponder(t, targets[i], netip.AddrFrom4([4]byte{127, 0, 2, byte(i)})).Behave(c.behaviour)
		}
		bothModes(t, func(t *testing.T, mode string, newPinger maker) {
			p := newPinger(t, "", models.TargetPolicy{})
			var checks sync.WaitGroup
			for i, c := range cases {
				checks.Go(func() {
					spec := pingSpec(targets[i].String())
					if c.received > 0 { // the others wait for all of it
						spec.Timeout = 4 * time.Second
					}
					r := ping(t, p, spec)
					expect(t, c.name, r, c.outcome, c.cause)
					if r.Sent != 3 || r.Received != c.received || r.LossPercent() < 0 {
						t.Errorf("%s: got %d of %d, want %d of 3", c.name, r.Received, r.Sent, c.received)
					}
					// Two cores under the race detector may be this late; an hour or a day they are not.
					if f, ok := r.RTTs(); ok && (f.Min < c.least || f.Max > c.least+3*time.Second) {
						t.Errorf("%s: RTT %s to %s, want about %s", c.name, f.Min, f.Max, c.least)
					}
					if c.name == "five of each" && r.Duplicates == 0 {
						t.Errorf("%s: no duplicate was counted", c.name)
					}
				})
			}
			checks.Wait()
		})
	})
}

// A check is over at its timeout, and a cancelled one soon, whatever the target does.
func TestPingCancelled(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		responder := lab.NewResponder(t, netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3"))
		responder.Behave(lab.Silent)
		p := newPinger(t, "", models.TargetPolicy{})
		base := runtime.NumGoroutine()
		spec := pingSpec("127.0.0.2")
		spec.Timeout = models.MaxTimeout
		begun := time.Now()
		results := make(chan models.Result, 1)
		cancel := p.Ping(models.Check{Spec: spec}, func(r models.Result) { results <- r })
		timer := time.AfterFunc(100*time.Millisecond, cancel)
		<-results
		timer.Stop()
		cancel() // any number of times, also after the end
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("a cancelled check took %s", took)
		}
		lab.Eventually(t, func() bool { return runtime.NumGoroutine() <= base }, "%d goroutines again", base)
	})
}

// T22: whatever got past the API and the tables, the process lives and nothing is sent.
func TestPingBadSpec(t *testing.T) {
	specs := map[string]func(*models.Spec){
		"no host":            func(s *models.Spec) { s.Host = "" },
		"interval 0":         func(s *models.Spec) { s.Interval = 0 },
		"interval -1":        func(s *models.Spec) { s.Interval = -1 },
		"interval for ever":  func(s *models.Spec) { s.Interval = 1<<63 - 1 },
		"timeout 0":          func(s *models.Spec) { s.Timeout = 0 },
		"timeout -1":         func(s *models.Spec) { s.Timeout = -time.Second },
		"timeout for ever":   func(s *models.Spec) { s.Timeout = 1<<63 - 1 },
		"size 2e9":           func(s *models.Spec) { s.PacketSize = 2e9 },
		"size -1":            func(s *models.Spec) { s.PacketSize = -1 },
		"count 0":            func(s *models.Spec) { s.Count = 0 },
		"count -1":           func(s *models.Spec) { s.Count = -1 },
		"count 1e6":          func(s *models.Spec) { s.Count = 1e6 },
		"ttl 256":            func(s *models.Spec) { s.TTL = 256 },
		"ttl -2":             func(s *models.Spec) { s.TTL = -2 },
		"tos 256":            func(s *models.Spec) { s.TOS = 256 },
		"everything missing": func(s *models.Spec) { *s = models.Spec{Host: "127.0.0.1"} },
	}
	lab.Inside(t, func(t *testing.T) {
		for name, p := range map[string]Pinger{"pro-bing": newPinger(t, "", models.TargetPolicy{}), "engine": newEnginePinger(t, "", models.TargetPolicy{})} {
			refused := specs
			if name == "pro-bing" { // which has no packets so small
				refused = maps.Clone(specs)
				refused["size 0"] = func(s *models.Spec) { s.PacketSize = 0 }
				refused["size of one time"] = func(s *models.Spec) { s.PacketSize = 8 }
			}
			for what, spoil := range refused {
				spec := pingSpec("127.0.0.1")
				spoil(&spec)
				r := wait(p, models.Check{Spec: spec})
				expect(t, name+", "+what, r, models.OutcomeUnknown, models.CauseLocalError)
				if r.Sent != 0 || r.Detail == "" {
					t.Errorf("%s, %s: got %+v, want nothing sent and a reason", name, what, r)
				}
			}
		}
	})
}

// A cap has the second packet leave later than planned, and so the check last longer than its timeout: what then comes back for
// the first one is neither lost nor in time.
func TestPingLate(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		addr := netip.MustParseAddr("127.0.0.7")
		responder := lab.NewResponder(t, addr, addr)
		eachMode(t, func(t *testing.T, _ string) {
			asked := 0
			responder.Behave(func(e lab.Echo) []lab.Reply {
				if asked++; asked == 1 {
					return lab.After(2600 * time.Millisecond)(e)
				}
				return nil
			})
			p := NewPinger(NewResolver(""), models.TargetPolicy{Local: models.LocalAddresses}, Caps{PerTarget: Rate{Packets: 0.625, Burst: 1}}, slog.New(slog.DiscardHandler))
			t.Cleanup(p.Close)
			spec := pingSpec(addr.String())
			spec.Count, spec.Timeout = 2, 2*time.Second
			r := ping(t, p, spec)
			expect(t, "late", r, models.OutcomeFailure, models.CauseTimeout)
			if want := []models.Packet{{State: models.PacketLate}, {State: models.PacketLost}}; r.Late != 1 || !slices.Equal(r.Packets, want) {
				t.Errorf("got %d late, %v, want 1 and %v", r.Late, r.Packets, want)
			}
		})
	})
}
