//go:build linux

package echo

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"echolot/probe/lab"
)

// Replies that the kernel threw away, because we did not take them up, are unjudged: we do not know.
func TestOverflow(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		sockets(t, func(t *testing.T, o Options) {
			families(t, func(t *testing.T, target func(int) netip.Addr) {
				o.Buffer = 2048
				e := newRig(t, o)
				asked := make(chan request, 256)
				h.behave(func(r request) {
					if r.to == target(7) {
						h.echo(r)
						return
					}
					asked <- r
				})
				// More replies than the buffer holds come while nobody reads.
				var checks []*Check
				var where []chan Report
				for i := range 40 {
					c := three(target(10 + i))
					c.Count, c.Timeout = 1, time.Second
					checks = append(checks, c)
					where = append(where, e.begin(c))
				}
				lab.Eventually(t, func() bool { return len(asked) == 40 }, "40 requests")
				holding, held := make(chan struct{}), make(chan struct{})
				e.onDone(func(*Check, *Report) {
					e.onDone(nil)
					close(holding)
					<-held
				})
				last := three(target(7))
				last.Count = 1
				lastReport := e.begin(last)
				<-holding
				for range 40 {
					h.echo(<-asked)
				}
				close(held)
				e.wait(last, lastReport)
				var replied, unjudged int
				for i, c := range checks {
					r := e.wait(c, where[i])
					n := states(r)
					replied += n[Replied]
					unjudged += n[Unjudged]
					if n[Unjudged] == 1 && !errors.Is(r.Err, ErrOverflow) || n[Replied] == 1 && r.Err != nil {
						t.Errorf("got %v and %v", n, r.Err)
					}
				}
				if replied == 0 || unjudged == 0 || replied+unjudged != 40 {
					t.Errorf("got %d replied, %d unjudged of 40; want some of both, and none lost", replied, unjudged)
				}
				if got := e.Stats().Dropped; got != uint64(unjudged) {
					t.Errorf("got %d dropped, want %d", got, unjudged)
				}
				silent := three(target(9))
				silent.Timeout = brief
				h.behave(func(request) {})
				expect(t, "after it", e.measure(silent), [5]int{Lost: 3}, nil)
			})
		})
	})
}

// Bursts do not overflow the default buffer, nor the system's.
func TestBursts(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		lab.AllowDatagram(t)
		for _, o := range []Options{{}, {Buffer: -1}, {Buffer: -1, UserStamps: true}, {Raw: true}, {Raw: true, Buffer: -1}} {
			e := newRig(t, o)
			for _, six := range []bool{false, true} {
				var checks []*Check
				for i := range 2000 {
					addr := four(i)
					if six {
						addr = netip.MustParseAddr("::1")
					}
					c := three(addr)
					c.Interval = 0
					checks = append(checks, c)
				}
				for _, r := range e.all(checks...) {
					expect(t, "in a burst", r, [5]int{Replied: 3}, nil)
				}
			}
			if s := e.Stats(); s.Dropped != 0 || s.Received != 12000 {
				t.Errorf("%+v: got %d dropped, %d received; want 12,000 and none dropped", o, s.Dropped, s.Received)
			}
			e.Close()
		}
	})
}

// The machine stands still for a second, while replies come and deadlines pass: nothing is lost, and what waited for us to
// read it was not on its way all the while.
func TestStall(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		modes(t, func(t *testing.T, o Options) {
			families(t, func(t *testing.T, target func(int) netip.Addr) {
				e := newRig(t, o)
				const delay, slow = 40 * time.Millisecond, 500 * time.Millisecond // slow is what the responder may be
				h.behave(func(r request) {
					if r.to == target(1) {
						h.echo(r)
						return
					}
					time.AfterFunc(delay, func() { h.echo(r) })
				})
				var checks []*Check
				for i := range 50 {
					c := three(target(2 + i))
					c.Interval, c.Timeout = 100*time.Millisecond, 700*time.Millisecond // all is over while it stands
					checks = append(checks, c)
				}
				stalled := make(chan struct{})
				e.onDone(func(*Check, *Report) {
					e.onDone(nil)
					<-time.After(time.Second)
					close(stalled)
				})
				blocker := three(target(1))
				blocker.Count = 1
				where := make([]chan Report, len(checks))
				for i, c := range checks {
					where[i] = e.begin(c)
				}
				blocked := e.begin(blocker)
				<-stalled
				e.wait(blocker, blocked)
				for i, c := range checks {
					r := e.wait(c, where[i])
					n := states(r)
					if n[Lost]+n[Unjudged]+n[Refused] != 0 || n[Unsent] > 0 && !errors.Is(r.Err, ErrLate) {
						t.Errorf("got %v and %v; want none lost, and what could not be sent in time unsent", n, r.Err)
					}
					for _, p := range r.Packets {
						if p.State == Replied && (p.RTT < delay-time.Millisecond || p.RTT > delay+slow) {
							t.Errorf("got an RTT of %s, want about %s", p.RTT, delay)
						}
					}
				}
			})
		})
	})
}
