//go:build linux

package echo

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// restTime is how long the engine rests after each turn while much is going on: a wake-up costs as much as ten packets.
	// The times of packets are the kernel's, so only what is due and results wait for it.
	restTime = int64(4 * time.Millisecond)
	// busyPackets in busyTime are much.
	busyPackets = 100
	busyTime    = int64(100 * time.Millisecond)
)

// pace tells whether much is going on.
type pace struct {
	recent float64 // packets of about the last busyTime
	at     int64
}

// rest is how long to rest after a turn that sent n packets and ended now; 0 = not at all. After many it is shorter, so that
// their replies find room.
func (p *pace) rest(n int, now int64) int64 {
	kept := max(0, 1-float64(now-p.at)/float64(busyTime))
	p.recent, p.at = p.recent*kept+float64(n), now
	if p.recent < busyPackets {
		return 0
	}
	return restTime * sendsBeforeReading / int64(max(n, sendsBeforeReading))
}

// due tells whether there is more to do at once.
func (e *Engine) due(now int64) bool {
	at, ok := e.wheel.until()
	return ok && at <= now || e.in.some.Load()
}

// nap sleeps whatever comes; it is taken up after it.
func (e *Engine) nap(d int64) {
	// From a goroutine that was not scheduled anew for 10 ms Go's runtime takes what it runs on (sysmon and retake in
	// runtime/proc.go, Go 1.26), and for that wakes a thread thousands of times a second: 0.16 of a core instead of 0.11
	// with 5,000 packets a second.
	runtime.Gosched()
	t := unix.NsecToTimespec(d)
	_ = unix.Nanosleep(&t, nil) // an interruption only makes it shorter
	for _, s := range e.sockets {
		s.unread = true
	}
}
