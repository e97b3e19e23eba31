//go:build linux

package echo

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"echolot/probe/lab"
)

// T13: what this machine refuses ends the check at once, with the system's errno, and nothing is called lost.
func TestLocalErrors(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		routes := []struct {
			kind       string
			four, six  string
			err4, err6 error
		}{
			{"prohibit", "10.1.0.9", "2a00:1::9", unix.EACCES, unix.EACCES},
			{"blackhole", "10.2.0.9", "2a00:2::9", unix.EINVAL, unix.EINVAL},
			{"unreachable", "10.3.0.9", "2a00:3::9", unix.EHOSTUNREACH, unix.EHOSTUNREACH},
			{"throw", "10.4.0.9", "2a00:4::9", unix.ENETUNREACH, unix.ENETUNREACH},
			{"", "10.5.0.9", "2a00:5::9", unix.ENETUNREACH, unix.ENETUNREACH},
		}
		for _, r := range routes {
			if r.kind != "" {
				lab.IP(t, "route", "add", r.kind, r.four+"/32")
				lab.IP(t, "-6", "route", "add", r.kind, r.six+"/128")
			}
		}
		modes(t, func(t *testing.T, o Options) {
			e := newRig(t, o)
			for _, r := range routes {
				for _, c := range []struct {
					addr string
					err  error
				}{{r.four, r.err4}, {r.six, r.err6}} {
					for _, size := range []int{8, 56} {
						check := three(netip.MustParseAddr(c.addr))
						check.Size, check.Timeout = size, 10*time.Second
						begun := time.Now()
						expect(t, r.kind+" "+c.addr, e.measure(check), [5]int{Unsent: 3}, c.err)
						if took := time.Since(begun); took > 5*time.Second {
							t.Errorf("%s: the check took %s", c.addr, took)
						}
					}
				}
				expect(t, "beside it", e.measure(three(netip.MustParseAddr("127.0.0.1"))), [5]int{Replied: 3}, nil)
				expect(t, "beside it", e.measure(three(netip.MustParseAddr("::1"))), [5]int{Replied: 3}, nil)
			}
			if s := e.Stats(); s.Received != s.Sent || s.SendErrors != 20 || o.UserStamps != (s.Stamps == "user") {
				t.Errorf("got %+v, want all of what left answered, and 20 errors", s)
			}
		})
	})
}

// A full queue is a moment's lack of room: the next packets may leave.
func TestQueueFull(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		peer := lab.NewPeer(t)
		peer.Cable("near", "far")
		lab.IP(t, "addr", "add", "10.95.0.1/24", "dev", "near")
		peer.IP("addr", "add", "10.95.0.2/24", "dev", "far")
		tc := func(args ...string) {
			t.Helper()
			if out, err := exec.Command("tc", args...).CombinedOutput(); err != nil {
				t.Fatalf("tc %v: %v: %s", args, err, out)
			}
		}
		target := netip.MustParseAddr("10.95.0.2")
		modes(t, func(t *testing.T, o Options) {
			e := newRig(t, o)
			expect(t, "before", e.measure(three(target)), [5]int{Replied: 3}, nil) // and the neighbour is known
			tc("qdisc", "add", "dev", "near", "root", "pfifo", "limit", "0")
			expect(t, "full", e.measure(three(target)), [5]int{Unsent: 3}, unix.ENOBUFS)
			c := three(target)
			c.Count, c.Interval, c.Timeout = 20, 20*time.Millisecond, 5*time.Second
			where := e.begin(c)
			lab.Eventually(t, func() bool { return e.Stats().SendErrors >= 5 }, "two packets that could not leave")
			tc("qdisc", "del", "dev", "near", "root")
			r := e.wait(c, where)
			n := states(r)
			if n[Unsent] < 2 || n[Replied] < 2 || n[Lost] > 1 || n[Unjudged] != 0 || !errors.Is(r.Err, unix.ENOBUFS) {
				t.Errorf("got %v and %v, want some unsent, then some answered, and ENOBUFS", n, r.Err) // one may be in the queue as it is taken away
			}
			expect(t, "after", e.measure(three(target)), [5]int{Replied: 3}, nil)
		})
	})
}

// A route that is taken away in the middle of a check ends it; what was answered counts, the rest is unjudged.
func TestRouteTakenAway(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		modes(t, func(t *testing.T, o Options) {
			e := newRig(t, o)
			var n atomic.Int32
			asked := make(chan request, 16)
			h.behave(func(r request) {
				if n.Add(1) == 1 {
					h.echo(r)
				}
				asked <- r
			})
			lab.IP(t, "addr", "add", "10.95.0.1/32", "dev", "lo")
			lab.IP(t, "route", "add", "local", "10.7.0.9/32", "dev", "lo", "src", "10.95.0.1")
			c := three(netip.MustParseAddr("10.7.0.9"))
			c.Count, c.Interval, c.Timeout = 10, 100*time.Millisecond, 10*time.Second
			where := e.begin(c)
			<-asked
			<-asked
			lab.IP(t, "route", "del", "local", "10.7.0.9/32", "dev", "lo")
			lab.IP(t, "addr", "del", "10.95.0.1/32", "dev", "lo")
			expect(t, "half measured", e.wait(c, where), [5]int{Unsent: 8, Replied: 1, Unjudged: 1}, unix.ENETUNREACH)
		})
	})
}

// T63: the system refuses broadcast addresses, because we never say that we want them.
func TestBroadcast(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		peer := lab.NewPeer(t)
		peer.Cable("near", "far")
		lab.IP(t, "addr", "add", "10.95.0.1/25", "brd", "+", "dev", "near")
		capture := peer.Capture("far")
		modes(t, func(t *testing.T, o Options) {
			e := newRig(t, o)
			for _, addr := range []string{"10.95.0.127", "255.255.255.255", "127.255.255.255"} {
				r := e.measure(three(netip.MustParseAddr(addr)))
				if n := states(r); n[Unsent] != 3 || r.Err == nil {
					t.Errorf("%s: got %v and %v, want nothing sent", addr, n, r.Err)
				}
			}
			expect(t, "broadcast", e.measure(three(netip.MustParseAddr("10.95.0.127"))), [5]int{Unsent: 3}, unix.EACCES)
		})
		if seen := capture.Seen(); len(seen) != 0 {
			t.Errorf("echo requests left: %v", seen)
		}
	})
}

// Where a family is not to be had its checks say so; the other goes on.
func TestFamilyMissing(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		sockets(t, func(t *testing.T, o Options) {
			e := newRig(t, o)
			v4, v6 := three(netip.MustParseAddr("127.0.0.1")), three(netip.MustParseAddr("::1"))
			lab.Sysctl(t, "net.ipv6.conf.all.disable_ipv6", "1")
			r := e.measure(v6)
			if n := states(r); n[Unsent] != 3 || r.Err == nil {
				t.Errorf("IPv6 switched off: got %v and %v, want nothing sent and an error", n, r.Err)
			}
			expect(t, "IPv4 beside it", e.measure(v4), [5]int{Replied: 3}, nil)
			lab.Sysctl(t, "net.ipv6.conf.all.disable_ipv6", "0")
			lab.Sysctl(t, "net.ipv6.conf.lo.disable_ipv6", "0")
			// A kernel without IPv6 can not be had here: take the sockets away, on the engine's goroutine.
			e.onDone(func(*Check, *Report) { e.pairs[1] = pair{} })
			e.measure(v4)
			e.onDone(nil)
			expect(t, "no socket", e.measure(v6), [5]int{Unsent: 3}, ErrFamily)
			mapped := three(netip.MustParseAddr("::ffff:127.0.0.1"))
			expect(t, "IPv4 in IPv6 form", e.measure(mapped), [5]int{Replied: 3}, nil)
		})
		lab.WithoutRaw(t, func() {
			if e, err := Open(Options{Raw: true, Done: func(*Check, *Report) {}}); err == nil {
				e.Close()
				t.Error("raw sockets were opened without the right to")
			} else if !errors.Is(err, unix.EPERM) {
				t.Errorf("got %v, want EPERM", err)
			}
			e, err := Open(Options{Done: func(*Check, *Report) {}})
			if err != nil {
				t.Errorf("datagram sockets need no right: %v", err)
				return
			}
			defer e.Close()
			if s := e.Stats(); s.IPv4 != "datagram" || s.IPv6 != "datagram" {
				t.Errorf("got %q and %q, want datagram sockets", s.IPv4, s.IPv6)
			}
		})
	})
}

// Allow is asked before each packet: an address that is refused in the middle of a check gets nothing more.
func TestAllow(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		h.behave(h.echo)
		sockets(t, func(t *testing.T, o Options) {
			no := fmt.Errorf("not any more")
			var asked atomic.Int32
			allowed := int32(0)
			o.Allow = func(a netip.Addr) error {
				if a != four(1) {
					t.Errorf("asked about %s, want %s", a, four(1))
				}
				if asked.Add(1) > allowed {
					return no
				}
				return nil
			}
			e := newRig(t, o)
			for allowed = range int32(3) {
				asked.Store(0)
				before := len(h.requests(four(1)))
				c := three(netip.AddrFrom16(four(1).As16()))
				c.Timeout, c.Interval = 5*time.Second, 50*time.Millisecond
				r := e.measure(c)
				var refusal *NotAllowed
				if !errors.As(r.Err, &refusal) || !errors.Is(r.Err, no) || r.Err.Error() != no.Error() {
					t.Errorf("got %v, want %v as a NotAllowed", r.Err, no)
				}
				if n := states(r); n[Replied] != int(allowed) || n[Unsent] != 3-int(allowed) {
					t.Errorf("got %v with %d allowed", n, allowed)
				}
				if got := len(h.requests(four(1))) - before; got != int(allowed) {
					t.Errorf("%d packets left, want %d", got, allowed)
				}
			}
		})
	})
}
