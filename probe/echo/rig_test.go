//go:build linux

package echo

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"echolot/probe/lab"
)

// rig is an engine whose reports are kept.
type rig struct {
	*Engine
	t *testing.T

	mu    sync.Mutex
	found map[*Check]chan Report
	hook  func(*Check, *Report)
}

// newRig opens an engine that is closed at the test's end.
func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	r := &rig{t: t, found: map[*Check]chan Report{}}
	o.Done = r.done
	e, err := Open(o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	r.Engine = e
	t.Cleanup(e.Close)
	return r
}

func (r *rig) done(c *Check, report *Report) {
	copied := *report
	copied.Packets = slices.Clone(report.Packets)
	r.mu.Lock()
	where, hook := r.found[c], r.hook
	delete(r.found, c)
	r.mu.Unlock()
	if hook != nil {
		hook(c, report)
	}
	if where == nil {
		r.t.Errorf("a check of %s came back twice, or was never started", c.Addr)
		return
	}
	where <- copied
}

// onDone has f called on the engine's goroutine for each report.
func (r *rig) onDone(f func(*Check, *Report)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hook = f
}

// begin starts a check and returns where its report will come.
func (r *rig) begin(c *Check) chan Report {
	where := make(chan Report, 1)
	r.mu.Lock()
	r.found[c] = where
	r.mu.Unlock()
	r.Start(c)
	return where
}

// wait waits for a report and looks whether it adds up.
func (r *rig) wait(c *Check, where chan Report) Report {
	r.t.Helper()
	select {
	case report := <-where:
		if err := addsUp(c, report); err != nil {
			r.t.Errorf("%s: %v: %+v", c.Addr, err, report)
		}
		return report
	case <-time.After(20 * time.Second):
		r.t.Fatalf("no report of %s within 20 s", c.Addr)
		return Report{}
	}
}

// measure measures, again and with twice the time where this machine had too much else to do for sending.
func (r *rig) measure(c *Check) Report {
	r.t.Helper()
	for range 5 {
		if report := r.wait(c, r.begin(c)); !errors.Is(report.Err, ErrLate) {
			return report
		}
		c.Timeout *= 2
	}
	r.t.Fatalf("%s: this machine was too busy five times", c.Addr)
	return Report{}
}

// all starts checks together and waits for all.
func (r *rig) all(checks ...*Check) []Report {
	r.t.Helper()
	where := make([]chan Report, len(checks))
	for i, c := range checks {
		where[i] = r.begin(c)
	}
	reports := make([]Report, len(checks))
	for i, c := range checks {
		reports[i] = r.wait(c, where[i])
	}
	return reports
}

// addsUp are the promises that every report keeps.
func addsUp(c *Check, r Report) error {
	if len(r.Packets) != c.Count {
		return fmt.Errorf("got %d packets, want %d", len(r.Packets), c.Count)
	}
	n := states(r)
	if r.Received != n[Replied] || r.Sent != n[Replied]+n[Lost]+n[Refused] {
		return fmt.Errorf("got %d of %d, but the states are %v", r.Received, r.Sent, n)
	}
	if n[Unjudged] > 0 && r.Err == nil {
		return fmt.Errorf("%d packets are unjudged without an error", n[Unjudged])
	}
	for i, p := range r.Packets {
		if came := p.State == Replied || p.State == Refused; came && (p.RTT < 0 || p.RTT > c.Timeout) || !came && p.RTT != 0 {
			return fmt.Errorf("packet %d: state %d with an RTT of %s", i, p.State, p.RTT)
		}
		if p.Late && p.State != Lost {
			return fmt.Errorf("packet %d: state %d, and late", i, p.State)
		}
	}
	if left := n[Replied] + n[Lost] + n[Refused] + n[Unjudged]; (left > 0) == r.Started.IsZero() {
		return fmt.Errorf("%d packets left, started %s", left, r.Started)
	}
	return nil
}

func states(r Report) (n [5]int) {
	for _, p := range r.Packets {
		n[p.State]++
	}
	return n
}

// expect compares what counts most of a report.
func expect(t *testing.T, what string, r Report, want [5]int, err error) {
	t.Helper()
	if got := states(r); got != want || !errors.Is(r.Err, err) {
		t.Errorf("%s: got %v (unsent, lost, replied, refused, unjudged) and error %v, want %v and %v", what, got, r.Err, want, err)
	}
}

// brief is the timeout of checks that are not answered.
const brief = 100 * time.Millisecond

// three is a check of three small packets in quick succession.
func three(addr netip.Addr) *Check {
	return &Check{Addr: addr, Count: 3, Size: 56, Interval: 5 * time.Millisecond, Timeout: 5 * time.Second}
}

// modes runs f with datagram and raw sockets, and with the kernel's time stamps and our own.
func modes(t *testing.T, f func(t *testing.T, o Options)) {
	lab.AllowDatagram(t)
	for _, raw := range []bool{false, true} {
		for _, user := range []bool{false, true} {
			name := fmt.Sprintf("raw=%t,user=%t", raw, user)
			t.Run(name, func(t *testing.T) { f(t, Options{Raw: raw, UserStamps: user}) })
		}
	}
}

// sockets runs f with datagram and raw sockets.
func sockets(t *testing.T, f func(t *testing.T, o Options)) {
	lab.AllowDatagram(t)
	for _, raw := range []bool{false, true} {
		t.Run(fmt.Sprintf("raw=%t", raw), func(t *testing.T) { f(t, Options{Raw: raw}) })
	}
}
