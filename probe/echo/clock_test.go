//go:build linux

package echo

import (
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"echolot/probe/lab"
)

// Whatever the wall clock does, a stamp turns into a time between sending and reading, the right one unless it is given up;
// without a step it never is.
func TestClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var now, wall int64 = 1, rapid.Int64Range(0, 4e18).Draw(t, "1970")
		noise := rapid.SampledFrom([]int64{0, 0, 0, 50_000}) // a reading that was interrupted
		c := clock{}
		c.read = func() (int64, int64) { return now, wall + now - noise.Draw(t, "noise") }
		c.look()
		step := rapid.SampledFrom([]int64{0, 0, 0, int64(time.Millisecond), -int64(time.Millisecond), int64(time.Second), -int64(time.Second), int64(time.Hour), -int64(time.Hour)})
		pass := func(what string) { now += rapid.Int64Range(0, 3e9).Draw(t, what) }
		for range 10 {
			pass("idle")
			between := step.Draw(t, "step between checks")
			wall += between
			if rapid.Bool().Draw(t, "busy") {
				c.look()
			}
			sent := now
			before := step.Draw(t, "step before the stamp")
			wall += before
			pass("flight")
			truth, stamp := now, now+wall
			after := step.Draw(t, "step after the stamp")
			wall += after
			pass("reading")
			c.look()
			at, ok := c.monotonic(stamp, sent, now)
			if !ok && before == 0 && after == 0 && between == 0 {
				t.Fatalf("a stamp was given up without a step")
			}
			if ok && (at < sent-largestNoise || at > now+largestNoise) {
				t.Fatalf("got %d, want a time from %d to %d", at, sent, now)
			}
			few := 0
			for _, d := range []int64{between, before, after} {
				if d != 0 {
					few++
				}
			}
			if d := at - truth; ok && few <= 1 && (d < -largestNoise || d > largestNoise) {
				t.Fatalf("got %s from the truth", time.Duration(d))
			}
		}
	})
}

// The clock is set by an hour while replies are on their way: RTTs stay right.
func TestClockStep(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		modes(t, func(t *testing.T, o Options) {
			e := newRig(t, o)
			// The kernel's clock stays; what we read beside it is by so much ahead. Only the engine's goroutine reads the clock.
			var ahead atomic.Int64
			set := make(chan struct{})
			e.onDone(func(*Check, *Report) {
				e.onDone(nil)
				real := e.clock.read
				e.clock.read = func() (int64, int64) {
					now, wall := real()
					return now, wall + ahead.Load()
				}
				close(set)
			})
			h.behave(h.echo)
			e.measure(three(four(0)))
			<-set
			const delay = 60 * time.Millisecond
			for i, to := range []time.Duration{0, time.Hour, 0, -time.Hour, 0, time.Hour, -time.Hour} {
				var once atomic.Bool
				h.behave(func(r request) {
					if !once.Swap(true) {
						ahead.Store(int64(to)) // between sending and the reply
					}
					time.AfterFunc(delay, func() { h.echo(r) })
				})
				c := three(four(1 + i))
				r := e.measure(c)
				expect(t, "over a step", r, [5]int{Replied: 3}, nil)
				for _, p := range r.Packets {
					if p.RTT < delay-time.Millisecond || p.RTT > delay+2*time.Second {
						t.Errorf("step to %s: got an RTT of %s, want about %s", to, p.RTT, delay)
					}
				}
				if off := time.Since(r.Started) + to; off < 0 || off > time.Minute {
					t.Errorf("step to %s: started %s ago", to, off)
				}
				expect(t, "after it", e.measure(c), [5]int{Replied: 3}, nil)
			}
			if s := e.Stats(); s.Late+s.Forged+s.Stray != 0 {
				t.Errorf("got %+v, want no late ones", s)
			}
		})
	})
}
