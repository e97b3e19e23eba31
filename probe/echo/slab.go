//go:build linux

package echo

import (
	"math/bits"
	"net/netip"

	"golang.org/x/sys/unix"
)

// slot is a check under way. It belongs to the engine's goroutine.
type slot struct {
	check *Check
	index int32
	// gen counts the checks that used the slot. A free slot keeps that of its last check, so that what comes back late is
	// still known.
	gen  uint32
	live bool

	addr       netip.Addr
	sa         rawAddr
	socket     *socket
	target     *target
	near, far  *slot // the target's other live slots
	identifier uint16

	packets []packet // Check.Count of them
	sent    int      // how many have left or were given up
	left    int      // how many of these have really left
	settled int      // how many of those are answered or refused
	refused int      // how many are refused
	highest int      // the highest packet answered
	passed  int      // how many caps the next packet has passed; it may wait for the time that the last of them said

	began    int64  // when it was first to send; 0 of the engine's clock is its start
	deadline int64  // when what is unanswered is lost
	ends     int64  // when the last of its packets was settled, where some are refused
	over     uint32 // the socket's overflow count when it began
	report   Report
	hearsay  Trouble // the last such error; the report has those that proved themselves

	// The wheel's.
	due        int64
	next, prev *slot
	head       **slot
}

// packet is one echo request. Times are the engine's clock, in nanoseconds.
type packet struct {
	user  int64 // just before the system call
	sent  int64 // by the kernel where it says, else user
	rtt   int64
	seq   uint16
	state PacketState
	// hearsay is true where an ICMP error without a tag of ours said what became of it.
	hearsay bool
	// late is true where a reply came after the packet's time; it counts only where none came before.
	late bool
}

// slab keeps slots for use again, by the number of packets that they have room for. Free ones are used again as late as
// possible.
type slab struct {
	slots []*slot
	free  [9]struct{ first, last *slot }
}

// class is the least power of two that has room for count.
func class(count int) int { return bits.Len(uint(count - 1)) }

func (b *slab) take(c *Check) *slot {
	list := &b.free[class(c.Count)]
	s := list.first
	if s == nil {
		s = newSlot(1 << class(c.Count))
		s.index = int32(len(b.slots))
		b.slots = append(b.slots, s)
	} else if list.first = s.next; list.first == nil {
		list.last = nil
	}
	s.next = nil
	s.gen++
	s.live = true
	s.packets = s.packets[:c.Count]
	clear(s.packets)
	s.report = Report{Packets: s.report.Packets[:c.Count]}
	s.hearsay = Trouble{}
	s.sent, s.left, s.settled, s.refused, s.ends, s.highest, s.passed = 0, 0, 0, 0, 0, -1, 0
	return s
}

// newSlot returns a slot with room for n packets. Usual checks have few, and find theirs in the same page of memory: the
// next of tens of thousands of checks is never in the processor's cache.
func newSlot(n int) *slot {
	const few = 4
	if n > few {
		s := &slot{packets: make([]packet, n)}
		s.report.Packets = make([]Packet, n)
		return s
	}
	both := &struct {
		slot
		packets [few]packet
		reports [few]Packet
	}{}
	both.slot.packets, both.report.Packets = both.packets[:n:n], both.reports[:n:n]
	return &both.slot
}

func (b *slab) give(s *slot) {
	s.live = false
	s.check, s.socket, s.target = nil, nil, nil
	list := &b.free[class(cap(s.packets))]
	if list.last == nil {
		list.first = s
	} else {
		list.last.next = s
	}
	list.last = s
}

// find returns the slot of a token, or nil.
func (b *slab) find(t token) *slot {
	if i := t.slot(); i < len(b.slots) {
		return b.slots[i]
	}
	return nil
}

// rawAddr is a socket address as the kernel takes it. IPv4's lies in the first 16 bytes.
type rawAddr struct {
	bytes [unix.SizeofSockaddrInet6]byte
	size  uint32
}
