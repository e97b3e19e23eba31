//go:build linux

package echo

import (
	"net/netip"
	"testing"
	"time"

	"echolot/probe/lab"
)

// Packets with no room for a token are told apart by identifier, sequence and source: also those of two checks of one
// target at once, and what is not exactly theirs is not believed.
func TestSmall(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		sockets(t, func(t *testing.T, o Options) {
			families(t, func(t *testing.T, target func(int) netip.Addr) {
				e := newRig(t, o)
				for _, size := range []int{0, 1, 15} {
					// The second of two checks of a target, by the size of what it sends, is not answered.
					h.behave(func(r request) {
						if len(r.payload) == size {
							h.echo(r)
						}
					})
					answered, silent := three(target(1)), three(target(1))
					answered.Size, silent.Size = size, size+1
					if size == 15 {
						silent.Size = 14
					}
					silent.Timeout = brief
					where := e.begin(answered)
					expect(t, "silent", e.measure(silent), [5]int{Lost: 3}, nil)
					expect(t, "answered", e.wait(answered, where), [5]int{Replied: 3}, nil)
				}

				other := func(a netip.Addr) netip.Addr { return map[bool]netip.Addr{true: four(999), false: six(999)}[a.Is4()] }
				for name, answer := range map[string]func(request){
					"from another source": func(r request) { h.reply(other(r.to), r, r.id, r.seq, r.payload) },
					"sequence":            func(r request) { h.reply(r.to, r, r.id, r.seq+100, r.payload) },
					"another payload":     func(r request) { h.reply(r.to, r, r.id, r.seq, []byte("otherwise")) },
					"shorter":             func(r request) { h.reply(r.to, r, r.id, r.seq, r.payload[:8]) },
					"longer":              func(r request) { h.reply(r.to, r, r.id, r.seq, append([]byte(nil), "0123456789"...)) },
					"with a token":        func(r request) { h.reply(r.to, r, r.id, r.seq, make([]byte, 16)) },
					"identifier":          func(r request) { h.reply(r.to, r, r.id+1, r.seq, r.payload) },
				} {
					h.behave(answer)
					c := three(target(2))
					c.Size, c.Timeout = 9, brief
					expect(t, name, e.measure(c), [5]int{Lost: 3}, nil)
				}

				h.behave(func(r request) {
					for range 5 {
						h.echo(r)
					}
				})
				before := e.Stats().Duplicates
				c := three(target(3))
				c.Size = 4
				expect(t, "five of each", e.measure(c), [5]int{Replied: 3}, nil)
				lab.Eventually(t, func() bool { return e.Stats().Duplicates-before == 12 }, "12 duplicates")

				// Many of them, so that the table forgets and is used again.
				h.behave(h.echo)
				for range 10 {
					var checks []*Check
					for i := range 200 {
						c := three(target(i % 7))
						c.Size, c.Interval = 8, 0
						checks = append(checks, c)
					}
					for _, r := range e.all(checks...) {
						expect(t, "one of many", r, [5]int{Replied: 3}, nil)
						if t.Failed() {
							t.Fatalf("%+v, %d requests seen", e.Stats(), len(h.seen))
						}
					}
				}
				e.Close()
				for _, s := range e.sockets {
					if len(s.small) > recentSmall {
						t.Errorf("the table has %d entries after all checks", len(s.small))
					}
				}
			})
		})
	})
}

// A packet that could not leave takes nobody else's place in the table.
func TestSmallBesideFailures(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		sockets(t, func(t *testing.T, o Options) {
			e := newRig(t, o)
			asked := make(chan request, 16)
			h.behave(func(r request) { asked <- r })
			small := three(four(1))
			small.Size, small.Interval, small.Timeout = 8, 0, 5*time.Second
			where := e.begin(small)
			held := []request{<-asked, <-asked, <-asked}
			large := three(four(1)) // the same target, more than its route's MTU
			large.Size, large.DontFragment = MaxSize, true
			lab.IP(t, "link", "set", "lo", "mtu", "1500")
			for range 2 {
				if n := states(e.measure(large)); n[Unsent] != 3 {
					t.Errorf("got %v, want nothing sent", n)
				}
			}
			for _, r := range held {
				h.echo(r)
			}
			expect(t, "small", e.wait(small, where), [5]int{Replied: 3}, nil)
			lab.IP(t, "link", "set", "lo", "mtu", "65536")
		})
	})
}
