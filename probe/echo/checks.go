//go:build linux

package echo

import (
	"math/rand/v2"
	"time"
)

// begin takes up a check and sends its first packet.
func (e *Engine) begin(c *Check, now int64) {
	addr := c.Addr.Unmap()
	socket := e.choose(addr)
	if socket == nil || len(e.slab.slots) >= mostSlots {
		err := ErrFamily
		if socket != nil {
			err = ErrLate
		}
		e.o.Done(c, &Report{Packets: make([]Packet, c.Count), Err: err})
		return
	}
	e.used = true
	s := e.slab.take(c)
	c.slot, c.gen = s, s.gen
	s.check, s.addr, s.socket = c, addr, socket
	s.sa.set(addr)
	socket.refs++
	s.identifier = socket.identifier()
	s.began, s.deadline, s.over = now, now+int64(c.Timeout), socket.dropped
	e.caps.join(s)
	e.stats.inFlight.Add(1)
	e.sendNext(s, now)
}

// patience is how long a check's first packet may wait for the caps.
const patience = 2 * time.Second

// sendNext sends the slot's next packet, or has it wait for the caps.
func (e *Engine) sendNext(s *slot, now int64) {
	c := s.check
	if e.o.Allow != nil {
		if err := e.o.Allow(s.addr); err != nil {
			e.finish(s, now, &NotAllowed{err})
			return
		}
	}
	latest := s.began + int64(c.Timeout)
	if now > latest {
		e.giveUp(s, now, ErrLate)
		return
	}
	if !e.caps.none && !e.passCaps(s, now, latest) {
		return
	}
	k := s.sent
	errno := e.transmit(s, k)
	s.sent++
	switch {
	case errno == 0:
		p := &s.packets[k]
		s.left++
		if c.Seen != nil {
			c.Seen(k, Packet{State: Lost}, 0, Trouble{})
		}
		if wait := int64(c.Timeout) - int64(k)*int64(c.Interval); wait > 0 {
			s.deadline = max(s.deadline, p.user+wait)
		}
	case passing(errno):
		e.stats.sendErrors.Add(1)
		if s.report.Err == nil {
			s.report.Err = errno
		}
	default:
		e.stats.sendErrors.Add(1)
		e.finish(s, now, errno)
		return
	}
	if s.sent == c.Count {
		e.await(s, now)
		return
	}
	e.wheel.add(s, e.clock.now()+int64(c.Interval))
}

// passCaps tells whether the slot's next packet may leave now. Else it waits in the wheel, or the check was given up.
func (e *Engine) passCaps(s *slot, now, latest int64) bool {
	if s.sent == 0 {
		// Where more is asked for than the caps let through, the checks that are left out are to be others each time: else those
		// whose slots come first would get everything, for ever. A check that has begun gets all its packets.
		latest = min(latest, now+int64(float64(patience)*(0.5+0.5*rand.Float64())))
	}
	for s.passed < capCount {
		at := e.caps.pass(s, s.passed, now, latest, s.check.Size+icmpHeader+ipHeader(s))
		if at > now {
			e.stats.capped[s.passed].Add(1)
		}
		if at > latest {
			e.giveUp(s, now, ErrCapped)
			return false
		}
		s.passed++
		if at > now {
			e.wheel.add(s, at)
			return false
		}
	}
	s.passed = 0
	return true
}

// giveUp sends nothing more; what has left keeps its time.
func (e *Engine) giveUp(s *slot, now int64, why error) {
	s.sent = s.check.Count
	if s.report.Err == nil {
		s.report.Err = why
	}
	e.await(s, now)
}

// await has the slot wait for what is unanswered, or ends the check where nothing is.
func (e *Engine) await(s *slot, now int64) {
	if s.settled == s.left {
		e.end(s, now)
		return
	}
	e.wheel.add(s, s.deadline)
}

// end ends a check that waits for nothing more. A reply knows better than an error, but may be found after it, and after the
// last of all errors: the two come by queues of their own. So where there were errors, what has come by now is taken up first.
func (e *Engine) end(s *slot, now int64) {
	if s.refused == 0 {
		e.finish(s, now, nil)
		return
	}
	s.ends = now
	e.wheel.remove(s)
	e.wheel.add(s, now)
}

// replied notes a reply to packet k that came at the time given.
func (e *Engine) replied(s *slot, k int, at, now int64, ttl int) {
	p := &s.packets[k]
	switch p.state {
	case Replied:
		if see := s.check.Seen; see != nil {
			see(k, Packet{State: Replied, RTT: time.Duration(min(max(at-p.sent, 0), int64(s.check.Timeout)))}, ttl, Trouble{})
		}
		s.report.Duplicates++
		e.stats.duplicates.Add(1)
		return
	case Lost:
		s.settled++
	case Refused:
		s.refused--
	case Unsent: // the system said that it did not leave, and it did
		e.stats.stray.Add(1)
		return
	}
	p.rtt = min(max(at-p.sent, 0), int64(s.check.Timeout))
	p.state = Replied
	if p.sent != p.user && at != now {
		e.stats.stampError(now - p.user - p.rtt)
	}
	if k < s.highest {
		s.report.Reordered++
		e.stats.reordered.Add(1)
	}
	s.highest = max(s.highest, k)
	s.report.ReplyTTL = ttl
	e.stats.received.Add(1)
	if see := s.check.Seen; see != nil {
		see(k, Packet{State: Replied, RTT: time.Duration(p.rtt)}, ttl, Trouble{})
	}
	e.settle(s, now)
}

// refused notes an ICMP error for packet k that came at the time given.
func (e *Engine) refused(s *slot, k int, t Trouble, at, now int64) {
	p := &s.packets[k]
	if p.state != Lost {
		return
	}
	p.state = Refused
	p.rtt = min(max(at-p.sent, 0), int64(s.check.Timeout))
	s.settled++
	s.refused++
	s.report.Trouble = t
	if see := s.check.Seen; see != nil {
		see(k, Packet{State: Refused, RTT: time.Duration(p.rtt)}, 0, t)
	}
	e.settle(s, now)
}

// settle ends a check that waits for nothing more, unless somebody watches it.
func (e *Engine) settle(s *slot, now int64) {
	if s.sent == s.check.Count && s.settled == s.left && s.check.Seen == nil {
		e.end(s, now)
	}
}

// timeUp ends a check at its deadline. What came by then is taken up first, however late we are; where the flood of what
// came is too big for that, it has a second more.
func (e *Engine) timeUp(s *slot, now int64) {
	socket := s.socket
	if s.settled == s.left && s.refused > 0 && socket.emptied <= s.ends {
		if e.readSocket(socket); !s.live {
			return
		}
	}
	if s.settled < s.left && socket.emptied <= s.deadline {
		if e.readSocket(socket); !s.live {
			return // what was waited for was there
		}
		switch {
		case socket.emptied > s.deadline, s.settled == s.left:
		case now < s.deadline+int64(time.Second):
			e.wheel.add(s, now)
			return
		default:
			e.finish(s, now, ErrOverflow)
			return
		}
	}
	e.finish(s, now, nil)
}

// finish gives the check back. Where err ends it before its time, what is unanswered is not lost but unjudged.
func (e *Engine) finish(s *slot, now int64, err error) {
	e.wheel.remove(s)
	r, c := &s.report, s.check
	if err != nil {
		r.Err = err
	}
	if err == nil && s.settled < s.left && e.overflowed(s.socket) != s.over {
		err, r.Err = ErrOverflow, ErrOverflow
	}
	var first int64
	for k := range s.packets {
		p := &s.packets[k]
		state := p.state
		late := state == Lost && p.late
		switch {
		case late: // the target says so itself
		case state == Lost && err != nil:
			state = Unjudged
		case state == Lost && p.hearsay:
			state = Refused
			if r.Trouble.Kind == NoTrouble {
				r.Trouble = s.hearsay
			}
		}
		r.Packets[k] = Packet{State: state, Late: late}
		switch state {
		case Replied:
			r.Packets[k].RTT = time.Duration(p.rtt)
			r.Received++
			r.Sent++
		case Refused:
			r.Packets[k].RTT = time.Duration(p.rtt)
			r.Sent++
		case Lost:
			r.Sent++
		}
		if p.state != Unsent && first == 0 {
			first = p.sent
		}
		if c.Size < TokenSize && p.state != Unsent {
			s.socket.forget(smallKey{s.identifier, p.seq, s.addr})
		}
	}
	if first != 0 {
		r.Started = e.clock.wall(first)
	}
	e.caps.leave(s, now)
	e.release(s.socket)
	e.slab.give(s)
	c.slot = nil
	e.stats.inFlight.Add(-1)
	e.o.Done(c, r)
}
