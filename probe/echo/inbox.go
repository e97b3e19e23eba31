//go:build linux

package echo

import (
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// inbox is what other goroutines want of the engine's goroutine.
type inbox struct {
	mu     sync.Mutex
	orders []order // in the order given: a check may be used again after it was cancelled
	stop   bool
	gone   bool // the goroutine has ended
	some   atomic.Bool
}

// order is to start a check, or to cancel it.
type order struct {
	check  *Check
	cancel bool
}

// Start begins a check at once. After Close it calls Options.Done itself. It panics where the check is out of the bounds
// that Check gives, which is a mistake of the caller's.
func (e *Engine) Start(c *Check) {
	if c.Count < 1 || c.Count > MaxCount || c.Size < 0 || c.Size > MaxSize || c.Timeout <= 0 || c.Timeout > MaxTimeout ||
		c.Interval < 0 || c.Interval > MaxTimeout || c.TTL < 0 || c.TTL > 255 || c.TOS < 0 || c.TOS > 255 ||
		!c.Addr.IsValid() || c.Addr.Zone() != "" {
		panic(fmt.Sprintf("echo: check out of bounds: %+v", *c))
	}
	if !e.tell(order{check: c}) {
		e.o.Done(c, &Report{Packets: make([]Packet, c.Count), Err: ErrClosed})
	}
}

// Cancel ends a check soon: it comes back with ErrCancelled, unless it is over already.
func (e *Engine) Cancel(c *Check) { e.tell(order{check: c, cancel: true}) }

// Close ends all checks, with ErrClosed, and returns when the engine's goroutine has ended. Options.Done must not call it.
func (e *Engine) Close() {
	e.in.mu.Lock()
	e.in.stop = true
	e.rouse()
	e.in.mu.Unlock()
	<-e.ended
}

// tell gives the engine's goroutine an order; it returns false where the engine is closed.
func (e *Engine) tell(o order) bool {
	e.in.mu.Lock()
	defer e.in.mu.Unlock()
	if e.in.stop {
		return false
	}
	e.in.orders = append(e.in.orders, o)
	e.rouse()
	return true
}

// rouse wakes the engine's goroutine where it sleeps. The caller holds the inbox's lock, so that the eventfd is still ours.
func (e *Engine) rouse() {
	e.in.some.Store(true)
	if !e.in.gone && e.asleep.CompareAndSwap(true, false) {
		one := [8]byte{1}                 // any number but 0 does, in either byte order
		_, _ = unix.Write(e.wake, one[:]) // it is only full where somebody else has just written
	}
}

// takeIn empties the inbox; the slice is its next one.
func (e *Engine) takeIn(empty []order) (orders []order, stop bool) {
	e.in.mu.Lock()
	defer e.in.mu.Unlock()
	orders, e.in.orders = e.in.orders, empty[:0]
	e.in.some.Store(false)
	return orders, e.in.stop
}

func (e *Engine) obey(o order, now int64) {
	if o.cancel {
		if s := o.check.slot; s != nil && s.live && s.check == o.check && s.gen == o.check.gen {
			e.finish(s, now, ErrCancelled)
		}
		return
	}
	e.begin(o.check, now)
	e.readIfMany()
}
