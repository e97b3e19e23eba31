//go:build linux

package echo

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

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
			at, ok := e.clock.monotonic(c.stamp, sl.packets[k].user, now)
			if c.stamp == 0 || !ok {
				at = now
			}
			e.refused(sl, k, t, at, now)
		}
		return
	}
	if sl, k := e.quoted(s, q, to); sl != nil {
		// Anybody who guesses identifier and sequence can say so: a reply that comes in time knows better, so the check goes on.
		e.stats.troubles.Add(1)
		sl.packets[k].hearsay, sl.hearsay = true, t
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
	target := e.caps.targets.find(to)
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
