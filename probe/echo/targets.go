//go:build linux

package echo

import (
	"hash/maphash"
	"net/netip"
)

// targets finds a target by its address. It is a table of chains through the targets themselves: Go's maps took a
// twentieth of all that a check costs, for a lookup, an insertion and a deletion each.
type targets struct {
	seed   maphash.Seed // so that nobody can choose addresses that share a place
	places []*target    // a power of two of them
	n      int
}

func newTargets() targets {
	const least = 1 << 6
	return targets{seed: maphash.MakeSeed(), places: make([]*target, least)}
}

func (x *targets) hash(a netip.Addr) uint64 {
	b := a.As16()
	return maphash.Bytes(x.seed, b[:])
}

func (x *targets) place(hash uint64) **target { return &x.places[hash&uint64(len(x.places)-1)] }

// find returns the target of an address, or nil.
func (x *targets) find(a netip.Addr) *target { return x.at(a, x.hash(a)) }

// at is find where the hash is known.
func (x *targets) at(a netip.Addr, hash uint64) *target {
	t := *x.place(hash)
	for t != nil && (t.hash != hash || t.addr != a) {
		t = t.beside
	}
	return t
}

// add takes up a target that is not there yet.
func (x *targets) add(t *target) {
	if x.n == len(x.places) {
		x.grow()
	}
	x.n++
	p := x.place(t.hash)
	t.beside, *p = *p, t
}

func (x *targets) grow() {
	old := x.places
	x.places = make([]*target, 2*len(old))
	for _, t := range old {
		for t != nil {
			next, p := t.beside, x.place(t.hash)
			t.beside, *p = *p, t
			t = next
		}
	}
}

// remove takes out a target that is there.
func (x *targets) remove(t *target) {
	p := x.place(t.hash)
	for *p != t {
		p = &(*p).beside
	}
	*p, t.beside = t.beside, nil
	x.n--
}
