package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"echolot/models"
	"echolot/probe/lab"
)

func TestResolve(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		dns := lab.NewDNS(t)
		dns.Name("one.test", lab.Addresses("192.168.7.7"))
		dns.Name("both.test", lab.Addresses("2a00:1::1", "192.168.7.8"))
		dns.Name("mapped.test", lab.Addresses("::ffff:192.168.7.9"))
		resolver := NewResolver(dns.Addr)
		for _, c := range []struct {
			host, family, want string
			cause              models.Cause
		}{
			{"192.168.1.1", "auto", "192.168.1.1", ""},
			{"::ffff:192.168.1.1", "4", "192.168.1.1", ""},
			{"2a00:1::1", "6", "2a00:1::1", ""},
			{"one.test", "auto", "192.168.7.7", ""},
			{"one.test.", "4", "192.168.7.7", ""},
			{"ONE.test", "", "192.168.7.7", ""},
			{"both.test", "auto", "192.168.7.8", ""},
			{"both.test", "6", "2a00:1::1", ""},
			{"mapped.test", "auto", "192.168.7.9", ""},
			{"one.test", "6", "", models.CauseDNSError},
			{"192.168.1.1", "6", "", models.CauseLocalError},
			{"none.test", "auto", "", models.CauseNameNotFound},
			{"127.1", "auto", "", models.CauseNameNotFound},
			{"0x7f000001", "auto", "", models.CauseNameNotFound},
			{"0x7F.0x1", "auto", "", models.CauseNameNotFound},
			{"2130706433", "auto", "", models.CauseNameNotFound},
			{"0177.0.0.1", "auto", "", models.CauseNameNotFound},
			{"127.0.0.1.", "auto", "", models.CauseNameNotFound},
			{"a..b", "auto", "", models.CauseNameNotFound},
		} {
			got, err := resolver.Resolve(t.Context(), c.host, c.family)
			if c.cause == "" {
				if err != nil || got != netip.MustParseAddr(c.want) {
					t.Errorf("%s by %q: got %s, %v, want %s", c.host, c.family, got, err, c.want)
				}
				continue
			}
			var unmeasured *Unmeasured
			if !errors.As(err, &unmeasured) || unmeasured.Cause != c.cause {
				t.Errorf("%s by %q: got %s, %v, want cause %s", c.host, c.family, got, err, c.cause)
			}
		}
		for _, host := range []string{"127.1", "0x7f000001", "0x7F.0x1", "2130706433", "0177.0.0.1"} {
			if n := dns.Asked(host); n != 0 {
				t.Errorf("%s was looked up %d times", host, n)
			}
		}
	})
}

// The lookup ends with its caller, and its sockets and goroutines with it.
func TestResolveLeavesNothing(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		dns := lab.NewDNS(t)
		dns.Name("silent.test", lab.NoAnswer)
		resolver := NewResolver(dns.Addr)
		base := runtime.NumGoroutine()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		begun := time.Now()
		if _, err := resolver.Resolve(ctx, "silent.test", "auto"); err == nil || !strings.Contains(err.Error(), dns.Addr) {
			t.Errorf("got %v, want an error that names the server %s", err, dns.Addr)
		}
		if took := time.Since(begun); took > 4*time.Second {
			t.Errorf("returned after %s, want 200ms", took)
		}
		lab.Eventually(t, func() bool { return runtime.NumGoroutine() <= base }, "%d goroutines again", base)
		if took := time.Since(begun); took > 4500*time.Millisecond {
			t.Errorf("its goroutines were gone after %s only: net.Resolver waits 5s for an answer", took)
		}
	})
}

// T15: trouble with DNS is never the target's failure, and other checks do not feel it.
func TestPingDNSTrouble(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		dns := lab.NewDNS(t)
		cases := map[string]struct {
			script lab.Script
			cause  models.Cause
		}{
			"servfail.test":  {lab.ServFail, models.CauseDNSError},
			"silent.test":    {lab.NoAnswer, models.CauseDNSError},
			"truncated.test": {lab.Truncated, models.CauseDNSError},
			"cutoff.test":    {lab.CutOff, models.CauseDNSError},
			"slow.test":      {lab.Late(10*time.Second, lab.Addresses("127.0.0.1")), models.CauseDNSError},
			"empty.test":     {lab.Empty, models.CauseDNSError},
			"loop.test":      {lab.CNAMELoop, models.CauseDNSError},
			"missing.test":   {lab.NXDomain, models.CauseNameNotFound},
		}
		p := newPinger(t, dns.Addr, models.TargetPolicy{})
		capture := lab.NewCapture(t, "lo")
		var checks sync.WaitGroup
		for name, c := range cases {
			dns.Name(name, c.script)
			checks.Go(func() {
				r := ping(t, p, pingSpec(name))
				expect(t, name, r, models.OutcomeUnknown, c.cause)
				if r.Sent != 0 || r.Address.IsValid() {
					t.Errorf("%s: got %+v, want nothing sent", name, r)
				}
			})
		}
		checks.Go(func() {
			for range 5 {
				expect(t, "another monitor", ping(t, p, pingSpec("127.0.0.5")), models.OutcomeSuccess, models.CauseNone)
			}
		})
		checks.Wait()
		capture.WaitFor(t, netip.MustParseAddr("127.0.0.5"), 15)
		if seen := capture.Seen(); len(seen) != 1 {
			t.Errorf("echo requests went to %v", seen)
		}
		if dns.Asked("silent.test") == 0 || dns.Asked("missing.test") == 0 {
			t.Error("the server of ECHOLOT_RESOLVER was not asked")
		}
	})
}

// A slow answer that still comes must cost the packets nothing.
func TestPingSlowName(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		dns := lab.NewDNS(t)
		dns.Name("slow.test", lab.Late(1500*time.Millisecond, lab.Addresses("127.0.0.1")))
		p := newPinger(t, dns.Addr, models.TargetPolicy{})
		spec := pingSpec("slow.test")
		spec.Timeout = 8 * time.Second
		r := ping(t, p, spec)
		expect(t, "slow name", r, models.OutcomeSuccess, models.CauseNone)
		if f, _ := r.RTTs(); f.Max > time.Second {
			t.Errorf("the RTT holds the lookup: %s", f.Max)
		}
		// With a second between two packets, the same answer would leave the last one no time: then it is the name's fault.
		spec.Interval, spec.Timeout = 900*time.Millisecond, 2*time.Second
		expect(t, "no time left", ping(t, p, spec), models.OutcomeUnknown, models.CauseDNSError)
	})
}

// T16: an address is judged when it is used, not when the monitor is made.
func TestPingRebinding(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		peer := lab.NewPeer(t)
		peer.Cable("near", "far")
		lab.IP(t, "addr", "add", "10.95.0.1/24", "dev", "near")
		lab.IP(t, "route", "add", "default", "dev", "near") // whatever is sent does leave
		peer.IP("addr", "add", "10.95.0.2/24", "dev", "far")
		good := netip.MustParseAddr("8.8.8.8")
		peer.IP("addr", "add", good.String()+"/32", "dev", "far")
		peer.IP("addr", "add", "169.254.169.254/32", "dev", "far")
		lo, far := lab.NewCapture(t, "lo"), peer.Capture("far")
		dns := lab.NewDNS(t)
		forbidden := []string{"127.0.0.1", "169.254.169.254", "10.95.0.1", "10.95.0.2", "0.0.0.0", "224.0.0.1"}
		answers := []string{good.String()}
		for _, addr := range forbidden {
			answers = append(answers, addr, good.String())
		}
		runs := 0
		bothModes(t, func(t *testing.T, mode string, newPinger maker) {
			runs++
			name := fmt.Sprintf("run%d.test", runs)
			dns.Name(name, lab.Changing(answers...))
			p := newPinger(t, dns.Addr, models.TargetPolicy{Public: true})
			spec := pingSpec(name)
			spec.Family = "4" // one question for each check
			for i, answer := range answers {
				r := ping(t, p, spec)
				if i%2 == 0 {
					expect(t, answer, r, models.OutcomeSuccess, models.CauseNone)
				} else {
					expect(t, answer, r, models.OutcomeUnknown, models.CauseTargetNotAllowed)
				}
			}
		})
		far.WaitFor(t, good, runs*3*(len(forbidden)+1))
		if seen := lo.Seen(); len(seen) != 0 {
			t.Errorf("echo requests on lo: %v", seen)
		}
		if seen := far.Seen(); len(seen) != 1 {
			t.Errorf("echo requests at the peer: %v, want only those to %s", seen, good)
		}
	})
}
