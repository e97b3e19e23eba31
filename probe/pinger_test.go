package probe

import (
	"log/slog"
	"maps"
	"net/netip"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"echolot/models"
	"echolot/probe/lab"
)

// pingSpec is three small packets in quick succession.
func pingSpec(host string) models.Spec {
	return models.Spec{Host: host, Count: 3, PacketSize: 56, Interval: 20 * time.Millisecond, Timeout: time.Second, Family: "auto"}
}

// newPinger is a pinger with what it needs; its goroutines are waited for at the test's end.
func newPinger(t *testing.T, server string, policy models.TargetPolicy) Pinger {
	t.Helper()
	if policy.Local == nil {
		policy.Local = models.LocalAddresses
	}
	p := NewProbingPinger(NewResolver(server), policy, slog.New(slog.DiscardHandler))
	t.Cleanup(p.Close)
	return p
}

// newEnginePinger is newPinger for the packet engine, which must be able to open a socket.
func newEnginePinger(t *testing.T, server string, policy models.TargetPolicy) Pinger {
	t.Helper()
	if policy.Local == nil {
		policy.Local = models.LocalAddresses
	}
	p := NewPinger(NewResolver(server), policy, Caps{}, slog.New(slog.DiscardHandler))
	if p.engine.Load() == nil {
		t.Fatal("the packet engine did not open")
	}
	t.Cleanup(p.Close)
	return p
}

// maker makes a pinger with what it needs.
type maker func(t *testing.T, server string, policy models.TargetPolicy) Pinger

// ping pings and fails the test where that takes longer than it may. The promise is a tenth of a second over the
// timeout; the tests allow a whole one, for machines that have more to do.
func ping(t *testing.T, p Pinger, spec models.Spec) models.Result {
	t.Helper()
	begun := time.Now()
	r := wait(p, models.Check{Monitor: 1, Spec: spec, Slot: begun.UnixMilli()})
	if took := time.Since(begun); took > spec.Timeout+time.Second {
		t.Errorf("%s: Ping took %s with a timeout of %s", spec.Host, took, spec.Timeout)
	}
	if len(r.Packets) != r.Sent || r.Received+r.Late > r.Sent {
		t.Errorf("%s: the result does not add up: %+v", spec.Host, r)
	}
	return r
}

// wait carries out a check and waits for its result.
func wait(p Pinger, c models.Check) models.Result {
	result := make(chan models.Result, 1)
	p.Ping(c, func(r models.Result) { result <- r })
	return <-result
}

func expect(t *testing.T, what string, r models.Result, outcome models.Outcome, cause models.Cause) {
	t.Helper()
	if r.Outcome != outcome || r.Cause != cause {
		t.Errorf("%s: got %s/%q (%s), want %s/%q", what, r.Outcome, r.Cause, r.Detail, outcome, cause)
	}
}

// eachMode runs f with raw sockets and with datagram ones.
func eachMode(t *testing.T, f func(t *testing.T, mode string)) {
	for _, mode := range []string{ModeRaw, ModeDatagram} {
		if mode == ModeDatagram {
			lab.AllowDatagram(t)
		}
		if got := ProbeAbilities().Mode("4"); got != mode {
			t.Fatalf("the namespace pings by %q sockets, want %q", got, mode)
		}
		t.Run(mode, func(t *testing.T) { f(t, mode) })
	}
}

// bothModes runs f with either pinger, by raw sockets and by datagram ones.
func bothModes(t *testing.T, f func(t *testing.T, mode string, newPinger maker)) {
	eachMode(t, func(t *testing.T, mode string) {
		t.Run("pro-bing", func(t *testing.T) { f(t, mode, newPinger) })
		t.Run("engine", func(t *testing.T) { f(t, mode, newEnginePinger) })
	})
}

func TestPingAnswers(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		lab.IP(t, "addr", "add", "2a00:1::1/128", "dev", "lo", "nodad")
		bothModes(t, func(t *testing.T, mode string, newPinger maker) {
			p := newPinger(t, "", models.TargetPolicy{})
			for _, host := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.1", "2a00:1::1"} {
				r := ping(t, p, pingSpec(host))
				expect(t, host, r, models.OutcomeSuccess, models.CauseNone)
				if r.Sent != 3 || r.Received != 3 || r.Duplicates != 0 || r.ReplyTTL != 64 {
					t.Errorf("%s: got %+v, want 3 of 3 and TTL 64", host, r)
				}
				if want := netip.MustParseAddr(host).Unmap(); r.Address != want {
					t.Errorf("address: got %s, want %s", r.Address, want)
				}
				if f, ok := r.RTTs(); !ok || f.Min <= 0 || f.Max > 500*time.Millisecond {
					t.Errorf("%s: RTTs %+v", host, f)
				}
				if r.StartedOffset < 0 || r.StartedOffset > time.Second {
					t.Errorf("%s: started %s after its slot", host, r.StartedOffset)
				}
			}
		})
	})
}

// What a spec asks for must be on the wire.
func TestPingOptions(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		peer := lab.NewPeer(t)
		peer.Cable("near", "far")
		four, six := netip.MustParseAddr("10.95.0.2"), netip.MustParseAddr("2a00:1::2")
		lab.IP(t, "addr", "add", "10.95.0.1/24", "dev", "near")
		peer.IP("addr", "add", four.String()+"/24", "dev", "far")
		lab.IP(t, "addr", "add", "2a00:1::1/64", "dev", "near", "nodad")
		peer.IP("addr", "add", six.String()+"/64", "dev", "far", "nodad")
		capture := peer.Capture("far")
		bothModes(t, func(t *testing.T, mode string, newPinger maker) {
			p := newPinger(t, "", models.TargetPolicy{})
			wire := func(what string, spec models.Spec, want lab.Request) {
				target := netip.MustParseAddr(spec.Host)
				before := capture.Seen()[target]
				expect(t, what, ping(t, p, spec), models.OutcomeSuccess, models.CauseNone)
				capture.WaitFor(t, target, before+spec.Count)
				if got := capture.Last(target); got != want {
					t.Errorf("%s: got %+v on the wire, want %+v", what, got, want)
				}
			}
			spec := pingSpec(four.String())
			wire("plain", spec, lab.Request{TTL: 64, PacketSize: 56, DontFragment: true}) // the kernel sets it on all that fits
			spec.TTL, spec.TOS, spec.PacketSize, spec.DontFragment = 7, 0xb8, 1000, true
			wire("all options", spec, lab.Request{TTL: 7, TOS: 0xb8, PacketSize: 1000, DontFragment: true})
			spec.Host = six.String()
			wire("all options by IPv6", spec, lab.Request{TTL: 7, TOS: 0xb8, PacketSize: 1000})
			spec = pingSpec(six.String())
			wire("plain by IPv6", spec, lab.Request{TTL: 64, PacketSize: 56})

			large := pingSpec(four.String())
			large.PacketSize = 4000
			expect(t, "in fragments", ping(t, p, large), models.OutcomeSuccess, models.CauseNone)
			large.DontFragment = true
			expect(t, "too big to go unfragmented", ping(t, p, large), models.OutcomeUnknown, models.CauseLocalError)
			largest := pingSpec("127.0.0.1")
			largest.PacketSize = models.MaxPacketSize
			expect(t, "the largest", ping(t, p, largest), models.OutcomeSuccess, models.CauseNone)
			small := pingSpec("127.0.0.1")
			small.PacketSize = smallestProbing - 1
			if _, ok := p.(*ProbingPinger); ok {
				expect(t, "too small for pro-bing", ping(t, p, small), models.OutcomeUnknown, models.CauseLocalError)
			} else {
				expect(t, "small", ping(t, p, small), models.OutcomeSuccess, models.CauseNone)
			}
		})
	})
}

// A host that is not there is down, also on our own network, where it is our own kernel that finds out; the engine hears
// that it did.
func TestPingAbsentHost(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		peer := lab.NewPeer(t)
		peer.Cable("near", "far")
		lab.IP(t, "addr", "add", "10.95.0.1/24", "dev", "near")
		lab.IP(t, "addr", "add", "2a00:1::1/64", "dev", "near", "nodad")
		for _, family := range []string{"ipv4", "ipv6"} { // give up after two questions, a tenth of a second apart
			lab.Sysctl(t, "net."+family+".neigh.near.mcast_solicit", "2")
			lab.Sysctl(t, "net."+family+".neigh.near.retrans_time_ms", "100")
		}
		bothModes(t, func(t *testing.T, mode string, newPinger maker) {
			p := newPinger(t, "", models.TargetPolicy{})
			cause := models.CauseTimeout
			if _, ok := p.(*ProbingPinger); !ok {
				cause = models.CauseHostUnreachable
			}
			var checks sync.WaitGroup
			for host, here := range map[string]string{"10.95.0.9": "10.95.0.1", "2a00:1::9": "2a00:1::1"} {
				checks.Go(func() {
					spec := pingSpec(host)
					spec.Count, spec.Interval, spec.Timeout = 8, 100*time.Millisecond, 2*time.Second
					r := ping(t, p, spec)
					expect(t, host, r, models.OutcomeFailure, cause)
					if cause == models.CauseHostUnreachable && r.CauseSource.String() != here {
						t.Errorf("%s: %s said so, want %s", host, r.CauseSource, here)
					}
					if r.Sent != spec.Count {
						t.Errorf("%s: got %d sent, want %d", host, r.Sent, spec.Count)
					}
				})
			}
			checks.Wait()
		})
	})
}

func TestPingFamily(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		dns := lab.NewDNS(t)
		dns.Name("both.test", lab.Addresses("::1", "127.0.0.1"))
		dns.Name("six.test", lab.Addresses("::1"))
		p := newPinger(t, dns.Addr, models.TargetPolicy{})
		for _, c := range []struct{ host, family, want string }{
			{"both.test", "auto", "127.0.0.1"}, {"both.test", "4", "127.0.0.1"}, {"both.test", "6", "::1"}, {"six.test", "auto", "::1"},
		} {
			spec := pingSpec(c.host)
			spec.Family = c.family
			if r := ping(t, p, spec); r.Outcome != models.OutcomeSuccess || r.Address.String() != c.want {
				t.Errorf("%s by %s: got %s %s (%s), want %s", c.host, c.family, r.Outcome, r.Address, r.Detail, c.want)
			}
		}
		spec := pingSpec("six.test")
		spec.Family = "4"
		expect(t, "no address of the family", ping(t, p, spec), models.OutcomeUnknown, models.CauseDNSError)
		spec.Host = "::1"
		expect(t, "literal of the other family", ping(t, p, spec), models.OutcomeUnknown, models.CauseLocalError)
	})
}

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
				spec.Count, spec.Interval, spec.Timeout = 10, 250*time.Millisecond, 10*time.Second
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
					r := ping(t, p, pingSpec(targets[i].String()))
					expect(t, c.name, r, c.outcome, c.cause)
					if r.Sent != 3 || r.Received != c.received || r.LossPercent() < 0 {
						t.Errorf("%s: got %d of %d, want %d of 3", c.name, r.Received, r.Sent, c.received)
					}
					// Two cores under the race detector may be this late; an hour or a day they are not.
					if f, ok := r.RTTs(); ok && (f.Min < c.least || f.Max > c.least+500*time.Millisecond) {
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
		if took := time.Since(begun); took > 2*time.Second {
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
