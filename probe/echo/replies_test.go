//go:build linux

package echo

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"echolot/probe/lab"
)

// Sizes from nothing to the largest, answered by the kernel.
func TestSizes(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		modes(t, func(t *testing.T, o Options) {
			e := newRig(t, o)
			for _, addr := range []string{"127.0.0.1", "::1"} {
				for _, size := range []int{0, 1, 15, 16, 23, 24, 56, 1400, 2039, 2040, 2041, 4000, MaxSize} {
					c := three(netip.MustParseAddr(addr))
					c.Size = size
					r := e.measure(c)
					expect(t, addr, r, [5]int{Replied: 3}, nil)
					if r.ReplyTTL != 64 || r.Duplicates != 0 {
						t.Errorf("%s, %d bytes: got %+v, want TTL 64 and no duplicates", addr, size, r)
					}
				}
				c := three(netip.MustParseAddr(addr))
				c.Count, c.Interval, c.Timeout = MaxCount, 0, 10*time.Second
				expect(t, "255 packets", e.measure(c), [5]int{Replied: MaxCount}, nil)
			}
			if s := e.Stats(); s.Late+s.Forged+s.Short+s.Stray+s.Dropped != 0 || s.Received != s.Sent || s.InFlight != 0 {
				t.Errorf("got %+v, want nothing but replies", s)
			}
			want := map[bool]string{true: "user", false: "kernel"}[o.UserStamps]
			if s := e.Stats(); s.Stamps != want || want == "kernel" && s.StampError(0.5) == 0 {
				t.Errorf("got %s stamps, error %s; want %s", s.Stamps, s.StampError(0.5), want)
			}
		})
	})
}

// T17 and T18: what the target sends beside, or instead of, the reply.
func TestHostileReplies(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		other := func(a netip.Addr) netip.Addr { return map[bool]netip.Addr{true: four(999), false: six(999)}[a.Is4()] }
		with := func(r request, at int, b byte) []byte {
			p := append([]byte(nil), r.payload...)
			p[at] ^= b
			return p
		}
		cases := []struct {
			name   string
			answer func(request)
			want   [5]int
			counts func(Stats) uint64 // how it shows in the counters
			times  uint64
		}{
			{"honest", h.echo, [5]int{Replied: 3}, nil, 0},
			{"five of each", func(r request) {
				for range 5 {
					h.echo(r)
				}
			}, [5]int{Replied: 3}, func(s Stats) uint64 { return s.Duplicates }, 12},
			{"silent", func(request) {}, [5]int{Lost: 3}, nil, 0},
			{"from another source", func(r request) { h.reply(other(r.to), r, r.id, r.seq, r.payload) },
				[5]int{Lost: 3}, func(s Stats) uint64 { return s.Forged }, 3},
			{"from another source and then right", func(r request) { h.reply(other(r.to), r, r.id, r.seq, r.payload); h.echo(r) },
				[5]int{Replied: 3}, func(s Stats) uint64 { return s.Forged }, 3},
			{"another time", func(r request) { h.reply(r.to, r, r.id, r.seq, with(r, 7, 1)) }, [5]int{Replied: 3}, nil, 0},
			{"wrong token", func(r request) { h.reply(r.to, r, r.id, r.seq, with(r, timeSize+7, 1)) },
				[5]int{Lost: 3}, func(s Stats) uint64 { return s.Forged }, 3},
			{"wrong tag", func(r request) { h.reply(r.to, r, r.id, r.seq, with(r, timeSize+15, 1)) },
				[5]int{Lost: 3}, func(s Stats) uint64 { return s.Forged }, 3},
			{"wrong checksum", func(r request) {
				m := make([]byte, 8, 8+len(r.payload))
				if m[0] = echoReply4; r.from.Is6() {
					m[0] = echoReply6
				}
				m[3] = 1 // what send takes for zero
				binary.BigEndian.PutUint16(m[4:], r.id)
				binary.BigEndian.PutUint16(m[6:], r.seq)
				h.send(r.to, r.from, append(m, r.payload...))
			}, [5]int{Lost: 3}, nil, 0},
			{"wrong sequence", func(r request) { h.reply(r.to, r, r.id, r.seq+1, r.payload) },
				[5]int{Lost: 3}, func(s Stats) uint64 { return s.Forged }, 3},
			{"only a beginning", func(r request) { h.reply(r.to, r, r.id, r.seq, r.payload[:20]) },
				[5]int{Lost: 3}, func(s Stats) uint64 { return s.Short }, 3},
			{"less than a token", func(r request) { h.reply(r.to, r, r.id, r.seq, r.payload[:12]) },
				[5]int{Lost: 3}, func(s Stats) uint64 { return s.Short }, 3},
			{"empty", func(r request) { h.reply(r.to, r, r.id, r.seq, nil) },
				[5]int{Lost: 3}, func(s Stats) uint64 { return s.Short }, 3},
			{"longer", func(r request) { h.reply(r.to, r, r.id, r.seq, append(append([]byte(nil), r.payload...), 1)) },
				[5]int{Lost: 3}, func(s Stats) uint64 { return s.Short }, 3},
		}
		modes(t, func(t *testing.T, o Options) {
			families(t, func(t *testing.T, target func(int) netip.Addr) {
				e := newRig(t, o)
				for i, c := range cases {
					h.behave(c.answer)
					before := e.Stats()
					check := three(target(i))
					if c.want[Lost] > 0 {
						check.Timeout = brief
					}
					r := e.measure(check)
					if c.name == "wrong checksum" && o.Raw && check.Addr.Is6() {
						// To the kernel these are drops like those for want of room (rawv6_rcv): nobody can tell.
						expect(t, c.name, r, [5]int{Unjudged: 3}, ErrOverflow)
						continue
					}
					expect(t, c.name, r, c.want, nil)
					if r.Received > 0 && r.ReplyTTL != 61 {
						t.Errorf("%s: got a TTL of %d, want 61", c.name, r.ReplyTTL)
					}
					if c.counts != nil {
						times := c.times * (e.Stats().Sent - before.Sent) / 3 // more than three where it was measured again
						lab.Eventually(t, func() bool { return c.counts(e.Stats())-c.counts(before) >= times }, "%s: %d of them", c.name, times)
						if got := c.counts(e.Stats()) - c.counts(before); got != times {
							t.Errorf("%s: got %d of them, want %d", c.name, got, times)
						}
					}
				}
			})
		})
	})
}

// Duplicates that come while the check is under way are the report's too; replies that overtake each other are counted.
func TestReordered(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		modes(t, func(t *testing.T, o Options) {
			families(t, func(t *testing.T, target func(int) netip.Addr) {
				var held []request
				h.behave(func(r request) {
					if held = append(held, r); len(held) < 4 {
						return
					}
					for i := len(held) - 1; i >= 0; i-- { // the last first, each but the first twice
						h.echo(held[i])
						if i > 0 {
							h.echo(held[i])
						}
					}
				})
				e := newRig(t, o)
				c := three(target(1))
				c.Count = 4
				r := e.measure(c)
				expect(t, "backwards", r, [5]int{Replied: 4}, nil)
				if r.Reordered != 3 || r.Duplicates != 3 {
					t.Errorf("got %d reordered, %d duplicates, want 3 and 3", r.Reordered, r.Duplicates)
				}
			})
		})
	})
}

// T20: a reply that comes after its check is over counts as late, whatever the next check of the target waits for.
func TestLateReplies(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		for _, size := range []int{8, 56} {
			sockets(t, func(t *testing.T, o Options) {
				families(t, func(t *testing.T, target func(int) netip.Addr) {
					e := newRig(t, o)
					late := make(chan request, 64)
					quiet := func(r request) { late <- r }
					old := func(request) {
						for len(late) > 0 { // just when new ones are waited for
							h.echo(<-late)
						}
					}
					c := three(target(1))
					c.Size, c.Timeout = size, brief
					for range 3 {
						h.behave(quiet)
						expect(t, "silent", e.measure(c), [5]int{Lost: 3}, nil)
						lab.Eventually(t, func() bool { return len(late) >= 3 }, "three requests")
						h.done()
						n, before := uint64(len(late)), e.Stats().Late
						h.behave(old)
						expect(t, "nothing but old replies", e.measure(c), [5]int{Lost: 3}, nil)
						lab.Eventually(t, func() bool { return e.Stats().Late-before == n }, "%d late replies with %d bytes", n, size)
					}
				})
			})
		}
	})
}

// A reply counts by when it came, not by when we got round to it: until the deadline, and not after.
func TestDeadline(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		modes(t, func(t *testing.T, o Options) {
			e := newRig(t, o)
			asked := make(chan request, 4)
			h.behave(func(r request) { asked <- r })
			blocker := three(four(2))
			blocker.Count, blocker.Timeout = 1, 100*time.Millisecond
			c := three(four(1))
			c.Count, c.Timeout, c.Interval = 2, 900*time.Millisecond, 360*time.Millisecond
			// While the engine's goroutine is held, the first packet is answered before the deadline and the second after it.
			holding, held := make(chan struct{}), make(chan struct{})
			e.onDone(func(done *Check, _ *Report) {
				if done == blocker {
					close(holding)
					<-held
				}
			})
			report := e.begin(c)
			first, second := <-asked, <-asked
			begun := time.Now()
			blocked := e.begin(blocker)
			<-asked
			<-holding
			h.echo(first)
			<-time.After(time.Until(begun.Add(1200 * time.Millisecond)))
			h.echo(second)
			close(held)
			e.wait(blocker, blocked)
			r := e.wait(c, report)
			expect(t, "one before and one after the deadline", r, [5]int{Replied: 1, Lost: 1}, nil)
			if r.Packets[0].State != Replied || r.Packets[0].RTT > 840*time.Millisecond {
				t.Errorf("got %+v, want the first answered within about 460 ms", r.Packets)
			}
			if r.Packets[0].Late || !r.Packets[1].Late {
				t.Errorf("got %+v, want the second late", r.Packets)
			}
			if e.Stats().Late != 1 {
				t.Errorf("got %d late, want 1", e.Stats().Late)
			}
		})
	})
}
