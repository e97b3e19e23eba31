//go:build linux

package echo

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"echolot/probe/lab"
)

// What a check asks for is on the wire, and nothing of it on the next one's.
func TestOptions(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		peer := lab.NewPeer(t)
		peer.Cable("near", "far")
		v4, v6 := netip.MustParseAddr("10.95.0.2"), netip.MustParseAddr("2a00:1::2")
		lab.IP(t, "addr", "add", "10.95.0.1/24", "dev", "near")
		lab.IP(t, "addr", "add", "2a00:1::1/64", "dev", "near", "nodad")
		peer.IP("addr", "add", v4.String()+"/24", "dev", "far")
		peer.IP("addr", "add", v6.String()+"/64", "dev", "far", "nodad")
		capture := peer.Capture("far")
		modes(t, func(t *testing.T, o Options) {
			e := newRig(t, o)
			wire := func(what string, c *Check, want lab.Request) {
				t.Helper()
				before := capture.Seen()[c.Addr]
				expect(t, what, e.measure(c), [5]int{Replied: c.Count}, nil)
				capture.WaitFor(t, c.Addr, before+c.Count)
				if got := capture.Last(c.Addr); got != want {
					t.Errorf("%s to %s: got %+v on the wire, want %+v", what, c.Addr, got, want)
				}
			}
			for range 2 { // by both sockets of the pair
				for _, addr := range []netip.Addr{v4, v6} {
					is4 := addr.Is4()
					plain := lab.Request{TTL: 64, PacketSize: 56, DontFragment: is4} // the kernel sets it on all IPv4 that fits
					wire("plain", three(addr), plain)
					c := three(addr)
					c.TTL, c.TOS, c.Size, c.DontFragment = 7, 0xb8, 1000, true
					wire("all options", c, lab.Request{TTL: 7, TOS: 0xb8, PacketSize: 1000, DontFragment: is4})
					c = three(addr)
					c.TTL, c.TOS = 255, 0xff
					wire("the largest", c, lab.Request{TTL: 255, TOS: 0xff, PacketSize: 56, DontFragment: is4})
					wire("plain again", three(addr), plain)
				}
			}
			for _, addr := range []netip.Addr{v4, v6} {
				c := three(addr)
				c.Size = 4000
				expect(t, "in fragments", e.measure(c), [5]int{Replied: 3}, nil)
				c.DontFragment = true
				expect(t, "too big to go unfragmented", e.measure(c), [5]int{Unsent: 3}, unix.EMSGSIZE)
				c.DontFragment = false
				expect(t, "in fragments again", e.measure(c), [5]int{Replied: 3}, nil)
			}
		})
	})
}

// Packets leave at least Interval apart, and the first at once.
func TestInterval(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		sockets(t, func(t *testing.T, o Options) {
			e := newRig(t, o)
			var times []time.Time
			h.behave(func(r request) {
				times = append(times, time.Now())
				h.echo(r)
			})
			c := three(four(1))
			c.Count, c.Interval, c.Timeout = 5, 50*time.Millisecond, 5*time.Second
			begun := time.Now()
			expect(t, "paced", e.measure(c), [5]int{Replied: 5}, nil)
			h.done()
			if first := times[0].Sub(begun); first > time.Second {
				t.Errorf("the first packet left after %s", first)
			}
			if all := times[4].Sub(begun); all < 4*50*time.Millisecond || all > 3*time.Second {
				t.Errorf("five packets took %s, want a little more than 200 ms", all)
			}
		})
	})
}

// What is out of bounds is a mistake of the caller's, found before anything is sent.
func TestBounds(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		lab.AllowDatagram(t)
		e := newRig(t, Options{})
		for name, change := range map[string]func(*Check){
			"no packets":         func(c *Check) { c.Count = 0 },
			"too many packets":   func(c *Check) { c.Count = MaxCount + 1 },
			"less than nothing":  func(c *Check) { c.Size = -1 },
			"too big":            func(c *Check) { c.Size = MaxSize + 1 },
			"no time":            func(c *Check) { c.Timeout = 0 },
			"too much time":      func(c *Check) { c.Timeout = MaxTimeout + 1 },
			"backwards":          func(c *Check) { c.Interval = -1 },
			"interval too long":  func(c *Check) { c.Interval = 1 << 62 },
			"TTL":                func(c *Check) { c.TTL = 256 },
			"TOS":                func(c *Check) { c.TOS = -1 },
			"no address":         func(c *Check) { c.Addr = netip.Addr{} },
			"address and a zone": func(c *Check) { c.Addr = netip.MustParseAddr("fe80::1%lo") },
		} {
			c := three(netip.MustParseAddr("127.0.0.1"))
			change(c)
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: Start took it", name)
					}
				}()
				e.Start(c)
			}()
		}
		if got := e.Stats().Sent; got != 0 {
			t.Errorf("%d packets were sent", got)
		}
	})
}
