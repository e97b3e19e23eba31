//go:build linux

package echo

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Stats are an engine's counters since it was opened.
type Stats struct {
	// Sent counts echo requests, Received first replies, Duplicates further ones, Reordered those that overtook another.
	Sent, Received, Duplicates, Reordered uint64
	// Late replies and errors came after their check was over. Forged ones bear no tag of ours for their source, Short ones
	// are not of the length sent; Stray messages are nobody's.
	Late, Forged, Short, Stray uint64
	// Troubles are ICMP errors for packets of ours, SendErrors packets that the system did not take, Dropped messages that
	// it threw away because we did not take them up.
	Troubles, SendErrors, Dropped uint64
	// CappedAll, CappedGroup and CappedTarget are packets that a cap held back or refused.
	CappedAll, CappedGroup, CappedTarget uint64
	// InFlight checks are under way.
	InFlight int
	// IPv4 and IPv6 say by what the family is sent: "datagram", "raw", or nothing.
	IPv4, IPv6 string
	// Stamps is "kernel" where the kernel says when packets left, else "user".
	Stamps string
	// StampErrors counts replies by how much longer their RTT would have been by our own clock readings: place i holds
	// those below 2^i nanoseconds and not below half of that.
	StampErrors [40]uint64
}

// StampError returns a quantile, 0 to 1, of what StampErrors counts; it is right within a factor of two, and 0 where nothing
// was counted.
func (s Stats) StampError(quantile float64) time.Duration {
	var all, below uint64
	for _, n := range s.StampErrors {
		all += n
	}
	for i, n := range s.StampErrors {
		if below += n; n > 0 && float64(below) >= quantile*float64(all) {
			return time.Duration(1) << i
		}
	}
	return 0
}

// counters are the engine's own; only its goroutine writes.
type counters struct {
	sent, received, duplicates, reordered atomic.Uint64
	late, forged, short, stray            atomic.Uint64
	troubles, sendErrors, dropped         atomic.Uint64
	capped                                [capCount]atomic.Uint64
	inFlight                              atomic.Int64
	stampErrors                           [40]atomic.Uint64
	modes                                 [2]atomic.Int32 // 0 none, 1 datagram, 2 raw
	kernel                                atomic.Bool
}

func (c *counters) stampError(longer int64) {
	c.stampErrors[min(bits.Len64(uint64(max(longer, 0))), len(c.stampErrors)-1)].Add(1)
}

func (c *counters) mode(family int, s *socket) {
	mode := int32(1)
	if s.raw {
		mode = 2
	}
	c.modes[family].Store(mode)
	c.kernel.Store(s.stamps)
}

// Stats returns the counters.
func (e *Engine) Stats() Stats {
	c := &e.stats
	s := Stats{
		Sent: c.sent.Load(), Received: c.received.Load(), Duplicates: c.duplicates.Load(), Reordered: c.reordered.Load(),
		Late: c.late.Load(), Forged: c.forged.Load(), Short: c.short.Load(), Stray: c.stray.Load(),
		Troubles: c.troubles.Load(), SendErrors: c.sendErrors.Load(), Dropped: c.dropped.Load(),
		CappedAll: c.capped[capAll].Load(), CappedGroup: c.capped[capGroup].Load(), CappedTarget: c.capped[capTarget].Load(),
		InFlight: int(c.inFlight.Load()), Stamps: "user",
	}
	modes := [...]string{"", "datagram", "raw"}
	s.IPv4, s.IPv6 = modes[c.modes[0].Load()], modes[c.modes[1].Load()]
	if c.kernel.Load() {
		s.Stamps = "kernel"
	}
	for i := range s.StampErrors {
		s.StampErrors[i] = c.stampErrors[i].Load()
	}
	return s
}
