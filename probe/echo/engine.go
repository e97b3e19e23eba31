//go:build linux

package echo

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// sendsBeforeReading is how many packets may leave before what came back is taken up. Each is worth two messages (the
	// time of sending and the reply), and the usual receive buffer holds 277.
	sendsBeforeReading = 64
	defaultRotate      = time.Minute
)

// Engine sends echo requests and measures their replies. Its methods are safe for concurrent use.
type Engine struct {
	o      Options
	key    key
	clock  clock
	caps   caps
	slab   slab
	wheel  wheel
	stats  counters
	in     inbox
	out    []byte // the packet being built
	sent   int    // since what came back was last taken up
	wake   int    // an eventfd
	asleep atomic.Bool
	ended  chan struct{}

	pairs   [2]pair // IPv4, IPv6
	sockets []*socket
	retired []*socket // no longer used for new checks, open for what comes late
	rotated int64
	used    bool // a check was begun since
	turns4  map[[4]byte]uint8
	turns6  map[netip.Addr]uint8
	fds     []unix.PollFd

	replies, errors *reader
}

// pair are the two sockets that the checks of one family take turns at: each check of a target bears another identifier
// than the last one, so that no firewall goes by what it remembers of that. Both are the same where they are raw.
type pair [2]*socket

// inbox is what other goroutines want of the engine's thread.
type inbox struct {
	mu     sync.Mutex
	orders []order // in the order given: a check may be used again after it was cancelled
	stop   bool
	gone   bool // the thread has ended
	some   atomic.Bool
}

// order is to start a check, or to cancel it.
type order struct {
	check  *Check
	cancel bool
}

// Open opens the sockets, datagram ones or else raw ones, and starts the engine. It is an error where neither IPv4 nor IPv6
// sockets can be opened. The caller closes the engine.
func Open(o Options) (*Engine, error) {
	if o.Rotate == 0 {
		o.Rotate = defaultRotate
	}
	e := &Engine{
		o: o, key: newKey(), clock: newClock(), caps: newCaps(o), ended: make(chan struct{}),
		out: make([]byte, icmpHeader+MaxSize), turns4: map[[4]byte]uint8{}, turns6: map[netip.Addr]uint8{},
		replies: newReader(), errors: newReader(),
	}
	for i := range e.out {
		e.out[i] = byte(i)
	}
	var firstErr error
	for family := range e.pairs {
		if err := e.open(family); err != nil && firstErr == nil {
			firstErr = err
		}
	}
	if len(e.sockets) == 0 {
		return nil, firstErr
	}
	var err error
	if e.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		for _, s := range e.sockets {
			unix.Close(s.fd)
		}
		return nil, fmt.Errorf("opening an eventfd: %w", err)
	}
	go e.run()
	return e, nil
}

// open opens a family's pair and puts it in the place of the one that was in use.
func (e *Engine) open(family int) error {
	six := family == 1
	first, err := e.openOne(six, e.o.Raw)
	if err != nil {
		return err
	}
	second := first
	if !first.raw {
		if second, err = e.openOne(six, false); err != nil {
			unix.Close(first.fd)
			return err
		}
	}
	e.retire(e.pairs[family])
	e.pairs[family] = pair{first, second}
	e.sockets = append(e.sockets, first)
	if second != first {
		e.sockets = append(e.sockets, second)
	}
	e.stats.mode(family, first)
	return nil
}

func (e *Engine) openOne(six, raw bool) (*socket, error) {
	random := uint16(newKey().k0)
	if !raw {
		if s, err := openSocket(six, false, e.o, random); err == nil {
			return s, nil
		}
	}
	return openSocket(six, true, e.o, random)
}

// retire takes a pair out of use; its sockets stay open until the next rotation, and as long as checks are under way on
// them.
func (e *Engine) retire(p pair) {
	if p[0] == nil {
		return
	}
	e.retired = append(e.retired, p[0])
	if p[1] != p[0] {
		e.retired = append(e.retired, p[1])
	}
}

// rotate changes the identifiers of datagram sockets.
func (e *Engine) rotate(now int64) {
	if !e.used || now-e.rotated < int64(e.o.Rotate) {
		return
	}
	e.rotated, e.used = now, false
	old := e.retired
	e.retired = nil
	for family, p := range e.pairs {
		if p[0] == nil || !p[0].raw { // a family that was not there may have come
			_ = e.open(family) // else the old ones go on
		}
	}
	for _, s := range old {
		e.release(s)
	}
	if len(e.turns4)+len(e.turns6) > 1<<20 {
		clear(e.turns4)
		clear(e.turns6)
	}
	e.caps.sweep(now)
}

// release gives up one use of a socket and closes it after the last.
func (e *Engine) release(s *socket) {
	if s.refs--; s.refs > 0 {
		return
	}
	unix.Close(s.fd)
	for i, other := range e.sockets {
		if other == s {
			e.sockets = append(e.sockets[:i], e.sockets[i+1:]...)
			return
		}
	}
}

// choose is the socket for the next check of an address, or nil.
func (e *Engine) choose(a netip.Addr) *socket {
	if a.Is4() {
		turn := e.turns4[a.As4()]
		e.turns4[a.As4()] = 1 - turn
		return e.pairs[0][turn]
	}
	turn := e.turns6[a]
	e.turns6[a] = 1 - turn
	return e.pairs[1][turn]
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

// Close ends all checks, with ErrClosed, and returns when the engine's thread has ended. Options.Done must not call it.
func (e *Engine) Close() {
	e.in.mu.Lock()
	e.in.stop = true
	e.rouse()
	e.in.mu.Unlock()
	<-e.ended
}

// tell gives the engine's thread an order; it returns false where the engine is closed.
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

var one = [8]byte{1} // what an eventfd is told; any number but 0 does, in either byte order

// rouse wakes the engine's thread where it sleeps. The caller holds the inbox's lock, so that the eventfd is still ours.
func (e *Engine) rouse() {
	e.in.some.Store(true)
	if !e.in.gone && e.asleep.CompareAndSwap(true, false) {
		_, _ = unix.Write(e.wake, one[:]) // it is only full where somebody else has just written
	}
}

// run is the engine's thread.
func (e *Engine) run() {
	runtime.LockOSThread() // the thread ends with it
	defer close(e.ended)
	var orders []order
	for {
		now := e.clock.now()
		if e.in.some.Load() {
			var stop bool
			if orders, stop = e.takeIn(orders); stop {
				e.stop(orders)
				return
			}
			e.wheel.skip(now)
			for _, o := range orders {
				e.obey(o, now)
			}
			clear(orders)
		}
		e.read()
		for s := e.wheel.take(now); s != nil; s = e.wheel.take(now) {
			if s.sent < s.check.Count {
				e.sendNext(s, now)
			} else {
				e.timeUp(s, now)
			}
			e.readIfMany()
		}
		e.read()
		e.rotate(now)
		e.sleep()
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

// stop ends everything; what was to be done is not begun.
func (e *Engine) stop(orders []order) {
	now := e.clock.now()
	for _, o := range orders {
		if o.cancel {
			e.obey(o, now)
		} else {
			e.o.Done(o.check, &Report{Packets: make([]Packet, o.check.Count), Err: ErrClosed})
		}
	}
	for _, s := range e.slab.slots {
		if s.live {
			e.finish(s, now, ErrClosed)
		}
	}
	for _, s := range e.sockets {
		unix.Close(s.fd)
	}
	e.in.mu.Lock()
	defer e.in.mu.Unlock()
	e.in.gone = true // nobody may write to what the number means next
	unix.Close(e.wake)
}

// sleep waits until something is due, something arrives or somebody rouses us.
func (e *Engine) sleep() {
	e.asleep.Store(true)
	defer e.asleep.Store(false)
	if e.in.some.Load() {
		return
	}
	var timeout *unix.Timespec
	if at, ok := e.wheel.until(); ok {
		wait := at - e.clock.now()
		if wait <= 0 {
			return
		}
		t := unix.NsecToTimespec(wait)
		timeout = &t
	}
	e.fds = append(e.fds[:0], unix.PollFd{Fd: int32(e.wake), Events: unix.POLLIN})
	for _, s := range e.sockets {
		e.fds = append(e.fds, unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN})
	}
	n, err := unix.Ppoll(e.fds, timeout, nil)
	if err != nil || n == 0 {
		return
	}
	if e.fds[0].Revents != 0 {
		var b [8]byte
		_, _ = unix.Read(e.wake, b[:])
	}
	for i, s := range e.sockets {
		if e.fds[i+1].Revents != 0 {
			s.unread = true
		}
	}
}
