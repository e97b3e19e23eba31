//go:build linux

package echo

import (
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"echolot/probe/lab"
)

// descriptors is how many files this process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// A check can be cancelled at every stage of its life, also twice and when it is over.
func TestCancel(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		modes(t, func(t *testing.T, o Options) {
			e := newRig(t, o)
			asked := make(chan request, 16)
			h.behave(func(r request) { asked <- r })
			long := func(i int) *Check {
				c := three(four(i))
				c.Interval, c.Timeout = time.Second, 10*time.Second
				return c
			}
			cancelled := func(what string, c *Check, where chan Report, want [5]int) {
				t.Helper()
				begun := time.Now()
				e.Cancel(c)
				e.Cancel(c)
				expect(t, what, e.wait(c, where), want, ErrCancelled)
				if took := time.Since(begun); took > 5*time.Second {
					t.Errorf("%s: Cancel took %s", what, took)
				}
				e.Cancel(c)
			}
			c := long(1)
			where := e.begin(c)
			cancelled("at once", c, where, [5]int{Unsent: 2, Unjudged: 1})
			<-asked

			c = long(2)
			where = e.begin(c)
			<-asked
			cancelled("between two packets", c, where, [5]int{Unsent: 2, Unjudged: 1})

			c = long(3)
			c.Interval = 0
			where = e.begin(c)
			for range 3 {
				<-asked
			}
			cancelled("waiting for replies", c, where, [5]int{Unjudged: 3})

			c = long(4)
			c.Interval = 0
			where = e.begin(c)
			h.echo(<-asked)
			lab.Eventually(t, func() bool { return e.Stats().Received == 1 }, "a reply")
			<-asked
			<-asked
			cancelled("partly answered", c, where, [5]int{Replied: 1, Unjudged: 2})

			h.behave(h.echo)
			c = three(four(5))
			expect(t, "after a cancelled one", e.measure(c), [5]int{Replied: 3}, nil)
			e.Cancel(c)
			expect(t, "the same again", e.measure(c), [5]int{Replied: 3}, nil)
			if got := e.Stats().InFlight; got != 0 {
				t.Errorf("got %d in flight, want 0", got)
			}
		})
	})
}

// Cancelling a check that is over does nothing to the next use of it, even where the engine hears of both together.
func TestCancelThenStart(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		lab.AllowDatagram(t)
		e := newRig(t, Options{})
		c := three(netip.MustParseAddr("127.0.0.1"))
		again := make(chan chan Report, 1)
		e.onDone(func(done *Check, _ *Report) {
			e.onDone(nil)
			e.Cancel(c)
			again <- e.begin(c)
		})
		e.measure(c)
		expect(t, "the second use", e.wait(c, <-again), [5]int{Replied: 3}, nil)
	})
}

// Close ends what is under way, sends nothing more, and leaves nothing behind.
func TestClose(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		modes(t, func(t *testing.T, o Options) {
			goroutines, files := runtime.NumGoroutine(), descriptors(t)
			o.Rotate = 10 * time.Millisecond // so that there are retired sockets too
			e := newRig(t, o)
			asked := make(chan request, 4096)
			h.behave(func(r request) { asked <- r })
			var checks []*Check
			var where []chan Report
			for i := range 300 {
				c := three(four(i))
				c.Interval, c.Timeout = time.Minute/3, time.Minute
				checks = append(checks, c)
				where = append(where, e.begin(c))
				<-asked
			}
			// The thread is held by a check that ends, so that one is still in the inbox when Close comes.
			holding, held := make(chan struct{}), make(chan struct{})
			e.onDone(func(*Check, *Report) {
				e.onDone(nil)
				close(holding)
				<-held
			})
			e.Cancel(checks[0])
			<-holding
			fresh := three(four(1000))
			freshReport := e.begin(fresh)
			var closing sync.WaitGroup
			for range 2 {
				closing.Go(e.Close)
			}
			lab.Eventually(t, func() bool {
				e.in.mu.Lock()
				defer e.in.mu.Unlock()
				return e.in.stop
			}, "Close")
			close(held)
			closing.Wait()
			for i, c := range checks {
				want := ErrClosed
				if i == 0 {
					want = ErrCancelled
				}
				expect(t, "under way", e.wait(c, where[i]), [5]int{Unsent: 2, Unjudged: 1}, want)
			}
			expect(t, "not begun", e.wait(fresh, freshReport), [5]int{Unsent: 3}, ErrClosed)
			expect(t, "started after Close", e.measure(fresh), [5]int{Unsent: 3}, ErrClosed)
			e.Cancel(fresh)
			e.Close()
			if got := h.requests(fresh.Addr); len(got) != 0 {
				t.Errorf("%d echo requests were sent by an engine that was to stop", len(got))
			}
			lab.Eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines }, "%d goroutines again", goroutines)
			if got := descriptors(t); got != files {
				t.Errorf("got %d open files, want %d", got, files)
			}
		})
	})
}

// Start, Cancel and Close come from everywhere at once: each check comes back exactly once.
func TestStartCancelClose(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		lab.AllowDatagram(t)
		for range 20 {
			e := newRig(t, Options{})
			var users sync.WaitGroup
			for i := range 8 {
				users.Go(func() {
					for range 50 {
						c := three(four(i))
						c.Interval = 0
						where := e.begin(c)
						if i%2 == 0 {
							e.Cancel(c)
						}
						e.wait(c, where)
						e.Cancel(c)
					}
				})
			}
			users.Go(func() {
				lab.Eventually(t, func() bool { return e.Stats().Received > 50 }, "some replies")
				e.Close()
			})
			users.Wait()
		}
	})
}

// Replies to checks that were under way when their socket was replaced still come, and it is closed at last.
func TestRotate(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		sockets(t, func(t *testing.T, o Options) {
			families(t, func(t *testing.T, target func(int) netip.Addr) {
				o.Rotate = 20 * time.Millisecond
				e := newRig(t, o)
				files := descriptors(t)
				asked := make(chan request, 64)
				h.behave(func(r request) {
					if r.to == target(1) {
						asked <- r
					} else {
						h.echo(r)
					}
				})
				c := three(target(1))
				c.Interval, c.Timeout = 0, 10*time.Second
				where := e.begin(c)
				identifiers := map[uint16]bool{}
				for i := range 60 { // at least 60 × 10 ms
					other := three(target(2 + i))
					expect(t, "meanwhile", e.measure(other), [5]int{Replied: 3}, nil)
					identifiers[h.requests(other.Addr)[0].id] = true
				}
				if len(identifiers) < 10 {
					t.Errorf("got %d identifiers for 60 checks over 600 ms, want one every 20 ms", len(identifiers))
				}
				for range 3 {
					h.echo(<-asked)
				}
				expect(t, "over many rotations", e.wait(c, where), [5]int{Replied: 3}, nil)
				for i := range 10 {
					e.measure(three(target(100 + i)))
				}
				retired := 4 // those of the last rotation
				// Not at once: the rotation under way opens its sockets before it closes those of the one before.
				lab.Eventually(t, func() bool { return descriptors(t) <= files+retired }, "at most %d open files", files+retired)
			})
		})
	})
}
