//go:build linux

package echo

import (
	"bytes"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	readBatch   = 64
	readData    = 2048 // of a reply; a longer one is known by its beginning
	readControl = 256
	// mostBatches bounds one reading, so that a flood of replies can not keep us from sending.
	mostBatches = 64
)

// reader is the memory that messages are taken up into, by one recvmmsg(2) for many.
type reader struct {
	messages [readBatch]message
	vectors  [readBatch]unix.Iovec
	names    [readBatch][unix.SizeofSockaddrInet6]byte
	data     [readBatch][readData]byte
	control  [readBatch][readControl]byte
}

// message is struct mmsghdr of recvmmsg(2).
type message struct {
	header unix.Msghdr
	length uint32
}

func newReader() *reader {
	r := &reader{}
	for i := range r.messages {
		r.vectors[i].Base = &r.data[i][0]
		r.vectors[i].SetLen(readData)
		h := &r.messages[i].header
		h.Name = &r.names[i][0]
		h.Iov = &r.vectors[i]
		h.SetIovlen(1)
		h.Control = &r.control[i][0]
		r.reset(i)
	}
	return r
}

// reset gives message i its room back, after the kernel has said how much it used.
func (r *reader) reset(i int) {
	h := &r.messages[i].header
	h.Namelen = unix.SizeofSockaddrInet6
	h.SetControllen(readControl)
	h.Flags = 0
}

// read takes up messages of a socket.
func (r *reader) read(fd, flags int) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.messages)), readBatch,
		uintptr(flags|unix.MSG_DONTWAIT), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// parts are those of message i.
func (r *reader) parts(i int) (data, name, control []byte, cut bool) {
	m := &r.messages[i]
	return r.data[i][:min(m.length, readData)], r.names[i][:m.header.Namelen], r.control[i][:m.header.Controllen],
		m.header.Flags&unix.MSG_TRUNC != 0
}

func (e *Engine) readIfMany() {
	if e.sent >= sendsBeforeReading {
		e.read()
	}
}

// read takes up what has come on all sockets.
func (e *Engine) read() {
	e.sent = 0
	for i := len(e.sockets) - 1; i >= 0; i-- { // a check that ends may close its socket, but no other
		if s := e.sockets[i]; s.unread {
			e.readSocket(s)
		}
	}
}

// readSocket takes up what has come on one socket.
func (e *Engine) readSocket(s *socket) {
	s.refs++ // it stays open while we read
	begun := e.clock.now()
	if s.unread = !e.readReplies(s); !s.unread {
		s.emptied = begun
	}
	e.release(s)
}

// readErrors takes up a socket's error queue: times of sending and ICMP errors. It returns how many of the latter came.
func (e *Engine) readErrors(s *socket) (icmp int) {
	for range mostBatches {
		n, _ := e.errors.read(s.fd, unix.MSG_ERRQUEUE)
		now := e.clock.look()
		for i := range n {
			data, name, oob, _ := e.errors.parts(i)
			c := parseControl(oob)
			switch {
			case !c.hasErr:
			case c.err.Origin == unix.SO_EE_ORIGIN_TIMESTAMPING:
				e.stamped(s, c, now)
			case c.err.Origin == unix.SO_EE_ORIGIN_ICMP, c.err.Origin == unix.SO_EE_ORIGIN_ICMP6:
				icmp++
				e.troubled(s, c, data, parseAddr(name), now)
			}
			e.errors.reset(i)
		}
		if n < readBatch {
			break
		}
	}
	return icmp
}

// stamped notes when the kernel says that a packet left.
func (e *Engine) stamped(s *socket, c control, now int64) {
	waits := &s.pending[c.err.Data%recentSends]
	pending := *waits
	if pending.key != c.err.Data || pending.token == 0 {
		return
	}
	waits.token = 0
	sl := e.slab.find(pending.token)
	if sl == nil || !sl.live || sl.gen != pending.token.gen() {
		return
	}
	p := &sl.packets[pending.token.packet()]
	if at, ok := e.clock.monotonic(c.stamp, p.user, now); ok && p.state == Lost {
		p.sent = max(at, p.user)
	}
}

// troubled notes an ICMP error. It is ours where its quote has our token; where a router quoted too little for that, where
// a check to the address waits for a reply to a packet that begins like the quote.
func (e *Engine) troubled(s *socket, c control, quoted []byte, to netip.Addr, now int64) {
	kind := trouble(c.err.Origin, c.err.Type, c.err.Code)
	q, ok := parseQuote(quoted, s.six)
	if !ok || kind == NoTrouble {
		e.stats.stray.Add(1)
		return
	}
	t := Trouble{Kind: kind, Type: c.err.Type, Code: c.err.Code, Source: c.offender}
	if kind == TooBig {
		t.MTU = int(c.err.Info)
	}
	if id, ok := e.key.read(q.payload, to); ok {
		sl, k := e.slab.find(id), id.packet()
		switch {
		case sl == nil || !sl.live || sl.gen != id.gen() || k >= len(sl.packets):
			e.stats.late.Add(1)
		case sl.socket != s || sl.packets[k].seq != q.seq || s.raw && sl.identifier != q.identifier:
			e.stats.forged.Add(1)
		default:
			e.stats.troubles.Add(1)
			e.refused(sl, k, t, now)
		}
		return
	}
	if sl, k := e.quoted(s, q, to); sl != nil {
		e.stats.troubles.Add(1)
		e.refused(sl, k, t, now)
		return
	}
	switch {
	case s.raw && q.identifier&^(rawIDs-1) != s.prefix: // another program's
		e.stats.stray.Add(1)
	case len(q.payload) >= TokenSize || e.expects(to):
		e.stats.forged.Add(1)
	default:
		e.stats.late.Add(1)
	}
}

// quoted returns the packet without a token, or with too little of it quoted, that waits for a reply; or nil.
func (e *Engine) quoted(s *socket, q reply, to netip.Addr) (*slot, int) {
	target := e.caps.targets[to]
	if target == nil {
		return nil, 0
	}
	for sl := target.live; sl != nil; sl = sl.far {
		if sl.socket != s || s.raw && sl.identifier != q.identifier {
			continue
		}
		for k := sl.sent - 1; k >= 0; k-- {
			if p := &sl.packets[k]; p.seq == q.seq && p.state == Lost && e.begins(sl, k, q.payload) {
				return sl, k
			}
		}
	}
	return nil, 0
}

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

// dropped notes how many messages of the socket were thrown away so far.
func (e *Engine) dropped(s *socket, n uint32) {
	if n > s.dropped {
		e.stats.dropped.Add(uint64(n - s.dropped))
		s.dropped = n
	}
}

// overflowed asks how many messages of the socket were thrown away so far.
func (e *Engine) overflowed(s *socket) uint32 {
	e.dropped(s, s.overflows())
	return s.dropped
}

// reply judges one message: whose reply it is, whether it is what we sent, and when it came.
func (e *Engine) reply(s *socket, c control, data []byte, from netip.Addr, cut bool, now int64) {
	r, ok := parseReply(data, s.six, s.raw && !s.six)
	if !ok {
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
	if t := e.caps.targets[from]; t != nil {
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
	if t := e.caps.targets[from]; t != nil {
		for s := t.live; s != nil; s = s.far {
			if s.check.Size > size {
				return true
			}
		}
	}
	return false
}
