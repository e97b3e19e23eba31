//go:build linux

package echo

import (
	"fmt"
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
	pace   pace
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
	turns   turns
	fds     []unix.PollFd

	replies, errors *reader
}

// Open opens the sockets, datagram ones or else raw ones, and starts the engine. It is an error where neither IPv4 nor IPv6
// sockets can be opened. The caller closes the engine.
func Open(o Options) (*Engine, error) {
	if o.Rotate == 0 {
		o.Rotate = defaultRotate
	}
	e := &Engine{
		o: o, key: newKey(), clock: newClock(), caps: newCaps(o), ended: make(chan struct{}),
		out: make([]byte, icmpHeader+MaxSize), turns: newTurns(),
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

// run is the engine's goroutine. It is not locked to a thread: each rest would then cost a change of threads, and what is
// its own is so by being touched by nobody else.
func (e *Engine) run() {
	defer close(e.ended)
	var orders []order
	var turned uint64 // packets sent before this turn
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
		sent := e.stats.sent.Load()
		ended := e.clock.now()
		if rest := e.pace.rest(int(sent-turned), ended); rest > 0 && !e.due(ended) {
			e.nap(rest)
		} else {
			e.sleep()
		}
		turned = sent
	}
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
