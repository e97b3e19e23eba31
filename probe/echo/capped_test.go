//go:build linux

package echo

import (
	"net/netip"
	"testing"
	"time"

	"echolot/probe/lab"
)

// 100 packets a second and 200 at once to a target: that is what is on the wire, and the counters say what was held back.
func TestCapOnTheWire(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		sockets(t, func(t *testing.T, o Options) {
			families(t, func(t *testing.T, target func(int) netip.Addr) {
				o.PerTarget = Rate{Packets: 100, Burst: 200}
				e := newRig(t, o)
				var leaves []time.Time
				h.behave(func(r request) {
					if r.to == target(1) {
						leaves = append(leaves, time.Now())
					}
					h.echo(r)
				})
				var checks []*Check
				for range 100 { // 300 packets at once: 200 leave, 100 take a second more
					c := three(target(1))
					c.Timeout, c.Interval = 8*time.Second, 0
					checks = append(checks, c)
				}
				checks = append(checks, three(target(2)))
				begun := time.Now()
				for _, r := range e.all(checks...) {
					expect(t, "capped", r, [5]int{Replied: 3}, nil)
				}
				if took := time.Since(begun); took < 950*time.Millisecond || took > 5*time.Second {
					t.Errorf("300 packets took %s, want about a second", took)
				}
				h.done()
				if len(leaves) != 300 {
					t.Fatalf("got %d packets, want 300", len(leaves))
				}
				for i := range 99 {
					j := 200 + i
					if over := leaves[j].Sub(begun) - time.Duration(i+1)*10*time.Millisecond; over < -2*time.Millisecond || over > 2*time.Second {
						t.Errorf("packet %d left %s from its time", j, over)
					}
				}
				if s := e.Stats(); s.CappedTarget < 90 || s.CappedAll+s.CappedGroup != 0 {
					t.Errorf("got %d, %d and %d held back, want about 100 by the target's cap", s.CappedTarget, s.CappedGroup, s.CappedAll)
				}
			})
		})
	})
}

// Where a cap leaves no time to send, the packet is unsent, and not lost.
func TestCapped(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		h.behave(h.echo)
		lab.AllowDatagram(t)
		count := func(f func(Stats) uint64) func(*rig) uint64 { return func(e *rig) uint64 { return f(e.Stats()) } }
		for _, c := range []struct {
			name   string
			o      Options
			capped func(*rig) uint64
		}{
			{"all", Options{All: Rate{Packets: 1, Burst: 4}}, count(func(s Stats) uint64 { return s.CappedAll })},
			{"group", Options{PerGroup: Rate{Packets: 1, Burst: 4}}, count(func(s Stats) uint64 { return s.CappedGroup })},
			{"target", Options{PerTarget: Rate{Packets: 1, Burst: 4}}, count(func(s Stats) uint64 { return s.CappedTarget })},
			{"bytes", Options{PerTarget: Rate{Bytes: 84 * 3}}, count(func(s Stats) uint64 { return s.CappedTarget })},
		} {
			e := newRig(t, c.o)
			first, second := three(four(1)), three(four(1))
			first.Interval, second.Interval, second.Timeout = 0, 0, 100*time.Millisecond
			expect(t, c.name, e.measure(first), [5]int{Replied: 3}, nil)
			expect(t, c.name, e.measure(second), [5]int{Unsent: 2, Replied: 1}, ErrCapped)
			if c.capped(e) == 0 {
				t.Errorf("%s: the counter shows nothing: %+v", c.name, e.Stats())
			}
			other := three(four(2))
			other.Group = 7
			if c.name != "all" {
				expect(t, c.name+", another", e.measure(other), [5]int{Replied: 3}, nil)
			}
		}
	})
}

// A packet that a cap sent late still has the time that the plan left it.
func TestCapIsNoLoss(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		h.behave(func(r request) { time.AfterFunc(1300*time.Millisecond, func() { h.echo(r) }) })
		lab.AllowDatagram(t)
		e := newRig(t, Options{All: Rate{Packets: 2.5, Burst: 1}})
		var checks []*Check
		for i := range 3 { // 400 ms after each other: the last one is answered when two seconds are over
			c := three(four(i))
			c.Count, c.Timeout = 1, 2*time.Second
			checks = append(checks, c)
		}
		for _, r := range e.all(checks...) {
			expect(t, "late by a cap", r, [5]int{Replied: 1}, nil)
		}
	})
}

// Where more checks are asked for than a cap lets through, those that are left out are others each time, whatever their order.
func TestCapIsFair(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		h.behave(h.echo)
		lab.AllowDatagram(t)
		const targets, rounds = 40, 60
		e := newRig(t, Options{All: Rate{Packets: 100, Burst: 1}})
		var answers [targets][]chan Report
		var checks [targets][]*Check
		tick := time.NewTicker(100 * time.Millisecond) // four times what the cap lets through, in the same order each time
		defer tick.Stop()
		for range rounds {
			for i := range targets {
				c := three(four(i + 1))
				c.Count, c.Timeout = 1, 5*time.Second
				checks[i], answers[i] = append(checks[i], c), append(answers[i], e.begin(c))
			}
			<-tick.C
		}
		for i := range targets {
			measured := 0
			for n, c := range checks[i] {
				measured += e.wait(c, answers[i][n]).Received
			}
			if measured == 0 || measured == rounds {
				t.Errorf("target %d: %d of %d checks were made, want some", i, measured, rounds)
			}
		}
	})
}
