//go:build linux

package echo

import (
	"bytes"
	"net/netip"

	"golang.org/x/sys/unix"
)

// readReplies takes up echo replies, and the error queue with them. It returns whether there were no more.
func (e *Engine) readReplies(s *socket) bool {
	for range mostBatches {
		n, errno := e.replies.read(s.fd, 0)
		// The error queue is read after the replies and before they are judged: when a packet left is known by then.
		e.readErrors(s)
		if errno != 0 && errno != unix.EAGAIN && errno != unix.EINTR {
			continue // an ICMP error that waited on the socket; asking has taken it away
		}
		now := e.clock.look()
		for i := range n {
			data, name, oob, cut := e.replies.parts(i)
			c := parseControl(oob)
			e.dropped(s, c.dropped)
			e.reply(s, c, data, parseAddr(name), cut, now)
			e.replies.reset(i)
		}
		if n < readBatch {
			return true
		}
	}
	return false
}

// reply judges one message: whose reply it is, whether it is what we sent, and when it came.
func (e *Engine) reply(s *socket, c control, data []byte, from netip.Addr, cut bool, now int64) {
	r, ok := parseReply(data, s.six, s.raw && !s.six)
	if !ok || s.raw && !s.six && !cut && checksum(r.message) != 0 { // which the kernel looks at only for others
		e.stats.stray.Add(1)
		return
	}
	var id token
	if len(r.payload) >= TokenSize {
		id, ok = e.key.read(r.payload, from)
	} else {
		id, ok = s.small[smallKey{identifierOf(s, r), r.seq, from}]
	}
	if !ok {
		switch {
		case len(r.payload) < timeSize+TokenSize && e.expectsMore(from, len(r.payload)):
			e.stats.short.Add(1)
		case len(r.payload) >= TokenSize && e.pretends(s, id, r.identifier, from):
			e.stats.forged.Add(1)
		default:
			e.stats.stray.Add(1)
		}
		return
	}
	sl := e.slab.find(id)
	if sl == nil || sl.gen != id.gen() || id.packet() >= len(sl.packets) {
		e.stats.late.Add(1)
		return
	}
	k := id.packet()
	if r.seq != sl.packets[k].seq || s.raw && r.identifier != sl.identifier || sl.live && sl.socket != s {
		e.stats.forged.Add(1)
		return
	}
	if !sl.live { // the check is over
		if sl.packets[k].state == Replied {
			e.stats.duplicates.Add(1)
		} else {
			e.stats.late.Add(1)
		}
		return
	}
	if size := sl.check.Size; len(r.payload) != size && !(cut && len(r.payload) < size) {
		e.stats.short.Add(1)
		return
	}
	if sl.check.Size < TokenSize && !e.begins(sl, k, r.payload) {
		e.stats.forged.Add(1)
		return
	}
	at, ok := e.clock.monotonic(c.stamp, sl.packets[k].user, now)
	if c.stamp == 0 || !ok {
		at = now
	}
	if at-sl.packets[k].sent > int64(sl.check.Timeout) || sl.sent == sl.check.Count && at > sl.deadline {
		e.stats.late.Add(1)
		sl.packets[k].late = true
		return
	}
	ttl := c.ttl
	if r.ttl != 0 {
		ttl = r.ttl
	}
	e.replied(sl, k, at, now, ttl)
}

// begins tells whether a payload, as far as it goes, is that of packet k.
func (e *Engine) begins(s *slot, k int, payload []byte) bool {
	var b [timeSize + TokenSize]byte
	want := b[:min(s.check.Size, len(b))]
	if s.check.Size >= TokenSize {
		e.key.put(want, newToken(s, k), s.addr)
	} else {
		fill(want)
	}
	n := min(len(want), len(payload))
	return bytes.Equal(want[:n], payload[:n])
}

// identifierOf is the identifier that the table of small packets goes by: a datagram socket's is always its own.
func identifierOf(s *socket, r reply) uint16 {
	if s.raw {
		return r.identifier
	}
	return 0
}

// pretends tells whether a reply whose tag is wrong bears the identifier of a check: of the one that its token names, or of
// one of its source. To a datagram socket come no others; a raw one also sees some of what other programs asked for.
func (e *Engine) pretends(s *socket, id token, identifier uint16, from netip.Addr) bool {
	if sl := e.slab.find(id); !s.raw || sl != nil && sl.live && sl.socket == s && sl.identifier == identifier {
		return true
	}
	if t := e.caps.targets.find(from); t != nil {
		for sl := t.live; sl != nil; sl = sl.far {
			if sl.socket == s && sl.identifier == identifier {
				return true
			}
		}
	}
	return false
}

// expects tells whether a check of the address is under way.
func (e *Engine) expects(from netip.Addr) bool { return e.expectsMore(from, -1) }

// expectsMore tells whether a check of the address is under way whose packets are larger.
func (e *Engine) expectsMore(from netip.Addr, size int) bool {
	if t := e.caps.targets.find(from); t != nil {
		for s := t.live; s != nil; s = s.far {
			if s.check.Size > size {
				return true
			}
		}
	}
	return false
}

// dropped notes how many messages of the socket were thrown away so far.
func (e *Engine) dropped(s *socket, n uint32) {
	if n > s.dropped {
		e.stats.dropped.Add(uint64(n - s.dropped))
		s.dropped = n
	}
}

// overflowed asks how many messages of the socket were thrown away so far. A raw IPv6 socket counts those with a wrong
// checksum too (rawv6_rcv), so that a stranger who sends such replies keeps its losses from being judged.
func (e *Engine) overflowed(s *socket) uint32 {
	e.dropped(s, s.overflows())
	return s.dropped
}
