//go:build linux

package echo

import (
	"hash/maphash"
	"net/netip"

	"golang.org/x/sys/unix"
)

// pair are the two sockets that the checks of one family take turns at: each check of a target bears another identifier
// than the last one, so that no firewall goes by what it remembers of that. Both are the same where they are raw.
type pair [2]*socket

// open opens a family's pair and puts it in the place of the one that was in use.
func (e *Engine) open(family int) error {
	six := family == 1
	first, err := e.openOne(six, e.o.Raw)
	if err != nil {
		return err
	}
	second := first
	if !first.raw {
		if second, err = e.openOne(six, false); err != nil {
			unix.Close(first.fd)
			return err
		}
	}
	e.retire(e.pairs[family])
	e.pairs[family] = pair{first, second}
	e.sockets = append(e.sockets, first)
	if second != first {
		e.sockets = append(e.sockets, second)
	}
	e.stats.mode(family, first)
	return nil
}

func (e *Engine) openOne(six, raw bool) (*socket, error) {
	random := uint16(newKey().k0)
	if !raw {
		if s, err := openSocket(six, false, e.o, random); err == nil {
			return s, nil
		}
	}
	return openSocket(six, true, e.o, random)
}

// retire takes a pair out of use; its sockets stay open until the next rotation, and as long as checks are under way on
// them.
func (e *Engine) retire(p pair) {
	if p[0] == nil {
		return
	}
	e.retired = append(e.retired, p[0])
	if p[1] != p[0] {
		e.retired = append(e.retired, p[1])
	}
}

// rotate changes the identifiers of datagram sockets.
func (e *Engine) rotate(now int64) {
	if !e.used || now-e.rotated < int64(e.o.Rotate) {
		return
	}
	e.rotated, e.used = now, false
	old := e.retired
	e.retired = nil
	for family, p := range e.pairs {
		if p[0] == nil || !p[0].raw { // a family that was not there may have come
			_ = e.open(family) // else the old ones go on
		}
	}
	for _, s := range old {
		e.release(s)
	}
	if e.turns.n > 1<<20 {
		e.turns = newTurns()
	}
	e.caps.sweep(now)
}

// release gives up one use of a socket and closes it after the last.
func (e *Engine) release(s *socket) {
	if s.refs--; s.refs > 0 {
		return
	}
	unix.Close(s.fd)
	for i, other := range e.sockets {
		if other == s {
			e.sockets = append(e.sockets[:i], e.sockets[i+1:]...)
			return
		}
	}
}

// choose is the socket for the next check of an address, or nil.
func (e *Engine) choose(a netip.Addr) *socket {
	family := 0
	if !a.Is4() {
		family = 1
	}
	p := e.pairs[family]
	if p[0] == p[1] {
		return p[0]
	}
	return p[e.turns.next(a)]
}

// turns knows whose turn it is at each address: a table of hashes whose lowest bit says so, with open addressing. It is asked
// for every check, and a map would need two searches for that.
type turns struct {
	seed   maphash.Seed
	places []uint64 // a power of two of them; 0 = free
	n      int
}

func newTurns() turns {
	const least = 1 << 6
	return turns{seed: maphash.MakeSeed(), places: make([]uint64, least)}
}

// next is 0 and 1 in turn. Two addresses that share a hash of 62 bits would share their turns too, which does no harm.
func (t *turns) next(a netip.Addr) uint64 {
	b := a.As16()
	const used, turn = 2, 1
	hash := maphash.Bytes(t.seed, b[:])&^turn | used
	p := t.find(hash)
	if *p == 0 {
		if t.n++; t.n > len(t.places)*3/4 {
			t.grow()
			p = t.find(hash)
		}
		*p = hash
	}
	was := *p & turn
	*p ^= turn
	return was
}

// find returns where a hash is, or belongs.
func (t *turns) find(hash uint64) *uint64 {
	mask := uint64(len(t.places) - 1)
	for i := hash >> 2; ; i++ {
		if p := &t.places[i&mask]; *p == 0 || *p|1 == hash|1 {
			return p
		}
	}
}

func (t *turns) grow() {
	old := t.places
	t.places = make([]uint64, 2*len(old))
	for _, v := range old {
		if v != 0 {
			*t.find(v) = v
		}
	}
}
