//go:build linux

package echo

import (
	"encoding/binary"
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// mostTries bounds the sending of one packet beside a flood of ICMP errors.
const mostTries = 32

// mostQuiet of them may fail with no error in the queue: three were too few once, beside 300 checks of which a third was refused.
const mostQuiet = 8

// transmit builds and sends packet k. The errno is 0 where it left.
func (e *Engine) transmit(s *slot, k int) syscall.Errno {
	c, p, socket := s.check, &s.packets[k], s.socket
	if err := socket.prepare(c); err != nil {
		var errno syscall.Errno
		if errors.As(err, &errno) {
			return errno
		}
		return unix.EINVAL
	}
	b := e.out[:icmpHeader+c.Size]
	t := newToken(s, k)
	if p.seq = uint16(k); !socket.raw {
		// All checks of a datagram socket bear the same identifier: a router that quotes no more than the header of one's
		// packet must not be taken to mean another's.
		socket.seq++
		p.seq = socket.seq
	}
	if c.Size >= TokenSize {
		e.key.put(b[icmpHeader:], t, s.addr)
	} else {
		fill(b[icmpHeader:])
		p.seq = socket.reserveSeq(s, t)
	}
	binary.BigEndian.PutUint16(b[4:], s.identifier)
	binary.BigEndian.PutUint16(b[6:], p.seq)
	b[0], b[1], b[2], b[3] = echoRequest4, 0, 0, 0
	if socket.six {
		b[0] = echoRequest6
	} else if socket.raw { // datagram sockets and ICMPv6 leave it to the kernel
		binary.BigEndian.PutUint16(b[2:], checksum(b))
	}
	p.user = e.clock.now()
	errno := socket.sendto(b, &s.sa)
	// An ICMP error for another target waits on the socket until somebody asks, and that may have been this call. Reading
	// the error queue takes it away. The kernel queues an error before it has it wait, so that an empty queue is no proof
	// of the opposite; what fails mostQuiet times with nothing in the queue fails by itself.
	for try, quiet := 0, 0; errno != 0 && quiet < mostQuiet && try < mostTries; try++ {
		if e.readErrors(socket) == 0 {
			quiet++
		}
		socket.restamp()
		p.user = e.clock.now()
		errno = socket.sendto(b, &s.sa)
	}
	if errno != 0 {
		socket.restamp()
		if c.Size < TokenSize {
			delete(socket.small, smallKey{s.identifier, p.seq, s.addr})
		}
		return errno
	}
	p.sent, p.state = p.user, Lost
	if socket.stamps {
		socket.expectStamp(t)
	}
	socket.unread = true
	e.sent++
	e.stats.sent.Add(1)
	return 0
}

// passing tells whether an errno is about a moment's lack of room, so that the next packet may well leave.
func passing(errno syscall.Errno) bool {
	return errno == unix.ENOBUFS || errno == unix.EAGAIN || errno == unix.ENOMEM
}

func ipHeader(s *slot) int {
	if s.addr.Is4() {
		return 20
	}
	return 40
}

// fill is the payload of packets without a token.
func fill(b []byte) {
	for i := range b {
		b[i] = byte(i)
	}
}
