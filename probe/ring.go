package probe

import "math/bits"

// ringSize is how many milliseconds the ring has buckets for: 4.4 minutes, a megabyte. What is due later lies in its
// bucket all the same and is passed over once a turn.
const ringSize = 1 << 18

// ring finds what is due: one bucket a millisecond, each a list of nodes that fill a cache line. Putting touches one node;
// removing touches none, because what lies in a bucket counts only while the schedule's own key says so. So nothing is
// moved from one level to another, grown or searched, and an edit costs the same whatever the number of schedules.
//
// Measured with a million schedules: lists linked through the schedules themselves cost three times as much (0.45 µs for
// each that is due against 0.15), because each step waits for memory; a node's schedules are fetched side by side.
type ring struct {
	slab  *slab
	heads []int32  // of the nodes' lists
	full  []uint64 // a bit for each bucket with something in it: an idle second costs 16 looks
	nodes []*[ringChunk]ringNode
	free  int32
	at    int64 // the millisecond that is visited; all before it have been
}

// ringChunk nodes are made at a time, so that growing copies none.
const (
	ringChunkBits = 10
	ringChunk     = 1 << ringChunkBits
)

// ringNode is 64 bytes.
type ringNode struct {
	after   int32
	n       int32
	entries [7]ringEntry
}

// ringEntry counts while its key is that of the schedule at place.
type ringEntry struct {
	key   uint32 // the low half of the milliseconds
	place int32
}

func newRing(s *slab, now int64) ring {
	heads := make([]int32, ringSize)
	for i := range heads {
		heads[i] = none
	}
	return ring{slab: s, heads: heads, full: make([]uint64, ringSize/64), free: none, at: now}
}

func (r *ring) head(ms int64) *int32 { return &r.heads[ms&(ringSize-1)] }

// filled is the first millisecond after ms, up to limit, whose bucket has something in it; limit where there is none.
func (r *ring) filled(ms, limit int64) int64 {
	for ms++; ms < limit; {
		i := ms & (ringSize - 1)
		if word := r.full[i/64] >> (i % 64); word != 0 {
			return min(ms+int64(bits.TrailingZeros64(word)), limit)
		}
		ms += 64 - i%64
	}
	return limit
}

func (r *ring) node(i int32) *ringNode {
	return &r.nodes[i>>ringChunkBits][i&(ringChunk-1)]
}

func (r *ring) newNode(after int32) int32 {
	if r.free == none {
		first := int32(len(r.nodes)) << ringChunkBits
		r.nodes = append(r.nodes, new([ringChunk]ringNode))
		for i := first + ringChunk - 1; i >= first; i-- {
			r.node(i).after, r.free = r.free, i
		}
	}
	i := r.free
	node := r.node(i)
	r.free = node.after
	node.after, node.n = after, 0
	return i
}

// put has the schedule found at ms, or at the next visit where that is over. One that is in the ring already is moved.
func (r *ring) put(p int32, m *schedule, ms int64) {
	ms = max(ms, r.at+1)
	if m.ringAt == ms {
		return
	}
	m.ringAt = ms
	i := ms & (ringSize - 1)
	r.full[i/64] |= 1 << (i % 64)
	head := r.head(ms)
	if *head == none || int(r.node(*head).n) == len(ringNode{}.entries) {
		*head = r.newNode(*head)
	}
	node := r.node(*head)
	node.entries[node.n] = ringEntry{uint32(ms), p}
	node.n++
}

// remove does nothing where the schedule is not in the ring.
func (r *ring) remove(m *schedule) { m.ringAt = 0 }

// visit goes on to the millisecond now, and takes out what is due until places is full. It returns what it took; where
// that is less than places holds, all that is due was taken.
func (r *ring) visit(now int64, places []int32) []int32 {
	r.at = max(r.at, now-ringSize) // a whole turn finds everything
	places = places[:0]
	for {
		var full bool
		if places, full = r.visitBucket(now, places); full || r.at >= now {
			return places
		}
		r.at = r.filled(r.at, now)
	}
}

// visitBucket is visit for the bucket of r.at. It stops where places is full.
func (r *ring) visitBucket(now int64, places []int32) (_ []int32, full bool) {
	for from := r.head(r.at); *from != none; {
		node := r.node(*from)
		for i := node.n - 1; i >= 0; i-- {
			e := node.entries[i]
			m := r.slab.at(e.place)
			if uint32(m.ringAt) == e.key && m.ringAt != 0 {
				if m.ringAt > now {
					continue
				}
				if len(places) == cap(places) {
					return places, true
				}
				m.ringAt = 0
				places = append(places, e.place)
			}
			node.n--
			node.entries[i] = node.entries[node.n]
		}
		if node.n > 0 {
			from = &node.after
			continue
		}
		i := *from
		*from, node.after, r.free = node.after, r.free, i
	}
	if i := r.at & (ringSize - 1); r.heads[i] == none {
		r.full[i/64] &^= 1 << (i % 64)
	}
	return places, false
}

// next is the first millisecond after now, up to limit, that something may be due at; limit where there is none.
func (r *ring) next(now, limit int64) int64 {
	for ms := r.filled(max(r.at, now), limit); ms < limit; ms = r.filled(ms, limit) {
		for i := *r.head(ms); i != none; i = r.node(i).after {
			node := r.node(i)
			for _, e := range node.entries[:node.n] {
				if e.key == uint32(ms) {
					return ms
				}
			}
		}
	}
	return limit
}

// jump makes now the millisecond that is visited, without looking at those between: the clock was set.
func (r *ring) jump(now int64) { r.at = now }
