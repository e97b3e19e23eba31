package probe

import (
	"log/slog"
	"net/netip"
	"sync"
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
// timeout; the tests allow five seconds, for machines that have more to do.
func ping(t *testing.T, p Pinger, spec models.Spec) models.Result {
	t.Helper()
	begun := time.Now()
	r := wait(p, models.Check{Monitor: 1, Spec: spec, Slot: begun.UnixMilli()})
	if took := time.Since(begun); took > spec.Timeout+5*time.Second {
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
				if f, ok := r.RTTs(); !ok || f.Min <= 0 || f.Max > time.Second {
					t.Errorf("%s: RTTs %+v", host, f)
				}
				if r.StartedOffset < 0 || r.StartedOffset > 5*time.Second {
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
