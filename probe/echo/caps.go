//go:build linux

package echo

import (
	"net/netip"
	"time"
)

// bucket is a token bucket in the form of the generic cell rate algorithm (ITU-T I.371 annex A): one time instead of a
// count. What it lets through later is reserved, so that who came first goes first.
type bucket struct {
	packets, bytes int64 // theoretical arrival times, in nanoseconds
}

// rate is a Rate in the algorithm's terms, in nanoseconds.
type rate struct {
	packet    int64 // between two packets; 0 = no cap
	burst     int64
	perByte   float64
	byteBurst int64
}

// slowest is as long as a century: what is slower would not fit into the sums.
const slowest = float64(100 * 365 * 24 * time.Hour)

func newRate(r Rate) rate {
	var out rate
	if r.Packets > 0 {
		burst := r.Burst
		if burst <= 0 {
			burst = r.Packets / 10
		}
		out.packet = int64(min(float64(time.Second)/r.Packets, slowest))
		out.burst = int64(min((max(burst, 1)-1)*float64(time.Second)/r.Packets, slowest))
	}
	if r.Bytes > 0 {
		out.perByte = min(float64(time.Second)/r.Bytes, slowest/MaxSize)
		out.byteBurst = int64(time.Second)
	}
	return out
}

func (r rate) none() bool { return r.packet == 0 && r.perByte == 0 }

// when is the time at which the bucket lets a packet through, now or later.
func (b *bucket) when(r rate, now int64) int64 {
	at := now
	if r.packet > 0 {
		at = max(at, b.packets-r.burst)
	}
	if r.perByte > 0 {
		at = max(at, b.bytes-r.byteBurst)
	}
	return at
}

// reserve takes a packet of size bytes out of the bucket, at the time given by when or later.
func (b *bucket) reserve(r rate, at int64, size int) {
	b.packets = max(b.packets, at) + r.packet
	b.bytes = max(b.bytes, at) + int64(float64(size)*r.perByte)
}

// full tells whether nothing was taken out of late.
func (b *bucket) full(now int64) bool { return b.packets <= now && b.bytes <= now }

// target is one address with checks under way, or whose bucket is not full yet.
type target struct {
	addr   netip.Addr
	bucket bucket
	live   *slot // linked by near and far
	rests  bool  // is among those that rest
	next   *target
	hash   uint64  // of addr
	beside *target // the next one in the same place of the table
}

// caps are the buckets of everything, of groups and of targets.
type caps struct {
	all, perGroup, perTarget rate
	none                     bool // of the three is set
	everything               bucket
	groups                   map[int64]*bucket
	targets                  targets
	resting                  resting
	spare                    *target // unused ones
	swept                    int64
}

// resting are targets that had no checks under way when they came here, and whose buckets were not full, in a list.
type resting struct {
	first, last *target
	n           int
}

func (r *resting) push(t *target) {
	t.rests, t.next = true, nil
	if r.last == nil {
		r.first = t
	} else {
		r.last.next = t
	}
	r.last = t
	r.n++
}

// pop takes the first out; there must be one.
func (r *resting) pop() *target {
	t := r.first
	if r.first = t.next; r.first == nil {
		r.last = nil
	}
	t.rests, t.next = false, nil
	r.n--
	return t
}

func newCaps(o Options) caps {
	c := caps{
		all: newRate(o.All), perGroup: newRate(o.PerGroup), perTarget: newRate(o.PerTarget),
		groups: map[int64]*bucket{}, targets: newTargets(),
	}
	c.none = c.all.none() && c.perGroup.none() && c.perTarget.none()
	return c
}

// join notes a slot at its target.
func (c *caps) join(s *slot) {
	hash := c.targets.hash(s.addr)
	t := c.targets.at(s.addr, hash)
	if t == nil {
		if t = c.spare; t != nil {
			c.spare = t.next
			*t = target{}
		} else {
			t = &target{}
		}
		t.addr, t.hash = s.addr, hash
		c.targets.add(t)
	}
	s.target, s.near, s.far = t, nil, t.live
	if s.far != nil {
		s.far.near = s
	}
	t.live = s
}

// leave is the opposite of join.
func (c *caps) leave(s *slot, now int64) {
	t := s.target
	if s.near != nil {
		s.near.far = s.far
	} else {
		t.live = s.far
	}
	if s.far != nil {
		s.far.near = s.near
	}
	s.near, s.far = nil, nil
	if t.live == nil && !t.rests {
		if t.bucket.full(now) { // always where there is no cap
			c.drop(t)
		} else {
			c.resting.push(t)
		}
	}
	c.forget(now, 2) // more than came in, so that they do not heap up
}

// drop forgets a target of which nothing is known.
func (c *caps) drop(t *target) {
	c.targets.remove(t)
	t.next, c.spare = c.spare, t
}

// forget drops, of the first n targets that rest, those of which nothing is known: their buckets are full.
func (c *caps) forget(now int64, n int) {
	for range min(n, c.resting.n) {
		t := c.resting.pop()
		switch {
		case t.live != nil: // it comes back when its checks have ended
		case t.bucket.full(now):
			c.drop(t)
		default:
			c.resting.push(t)
		}
	}
}

// The caps, in the order in which a packet passes them. Each counts it when it gets there, so that the last one, that for
// the target's sake, is kept to the packet on the wire. What one of them holds back keeps nobody waiting at those before.
const (
	capAll = iota
	capGroup
	capTarget
	capCount
)

// pass returns when the slot's next packet may pass one of the caps, now or later. Where that is not after latest, the
// packet is taken out of its bucket.
func (c *caps) pass(s *slot, which int, now, latest int64, size int) (at int64) {
	r, b := c.all, &c.everything
	switch which {
	case capGroup:
		if r = c.perGroup; r.none() {
			return now
		}
		if b = c.groups[s.check.Group]; b == nil {
			b = &bucket{}
			c.groups[s.check.Group] = b
		}
	case capTarget:
		r, b = c.perTarget, &s.target.bucket
	}
	if r.none() {
		return now
	}
	if at = b.when(r, now); at <= latest {
		b.reserve(r, at, size)
	}
	return at
}

// sweep forgets buckets that are full again, every so often: of the targets those that ended last, the others went before.
func (c *caps) sweep(now int64) {
	if now-c.swept < int64(time.Minute) {
		return
	}
	c.swept = now
	c.forget(now, c.resting.n)
	for id, b := range c.groups {
		if b.full(now) {
			delete(c.groups, id)
		}
	}
}
