//go:build linux

package echo

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"echolot/probe/lab"
)

// In steady state a check costs no allocation.
func TestAllocations(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		modes(t, func(t *testing.T, o Options) {
			done := make(chan struct{}, 1000)
			o.Done = func(*Check, *Report) { done <- struct{}{} }
			o.Allow = func(netip.Addr) error { return nil }
			o.All, o.PerGroup, o.PerTarget = Rate{Packets: 1e6}, Rate{Packets: 1e6}, Rate{Packets: 1e6}
			e, err := Open(o)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			var checks []*Check
			for i := range 100 {
				c := three(four(i))
				if i%2 == 1 {
					c = three(netip.MustParseAddr("::1"))
				}
				if i%5 == 0 {
					c.Size = 8
				}
				c.Interval, c.Count, c.TTL = 0, 1+i%3, 64*(i%2)
				checks = append(checks, c)
			}
			run := func() {
				for _, c := range checks {
					e.Start(c)
				}
				for range checks {
					<-done
				}
			}
			for range 20 {
				run()
			}
			if got := testing.AllocsPerRun(50, run) / float64(len(checks)); got > 0.02 {
				t.Errorf("got %.3f allocations a check, want none", got)
			}
		})
	})
}

// switches is how often a thread of this process gave up its processor by itself.
func switches(t *testing.T, thread int) (n int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/status", thread))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if count, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
			n, err = strconv.Atoi(strings.TrimSpace(count))
		}
	}
	if err != nil || n == 0 {
		t.Fatalf("no count of switches in %s", status)
	}
	return n
}

// Idle, an engine does nothing: it is not woken for what is over.
func TestIdle(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		lab.AllowDatagram(t)
		e := newRig(t, Options{})
		// A thousand checks a minute, as if each waited a second for its reply: their deadlines must wake nobody.
		for range 17 {
			c := three(netip.MustParseAddr("127.0.0.1"))
			c.Count, c.Timeout = 1, 900*time.Millisecond
			e.measure(c)
		}
		tid := make(chan int, 1)
		e.onDone(func(*Check, *Report) { tid <- unix.Gettid() })
		e.measure(three(netip.MustParseAddr("127.0.0.1")))
		e.onDone(nil)
		thread := <-tid
		before := switches(t, thread)
		<-time.After(time.Second)
		if got := switches(t, thread) - before; got > 20 {
			t.Errorf("the idle thread was switched to %d times in a second", got)
		}
	})
}
