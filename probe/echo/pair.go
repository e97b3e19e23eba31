//go:build linux

package echo

import (
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
	if len(e.turns4)+len(e.turns6) > 1<<20 {
		clear(e.turns4)
		clear(e.turns6)
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
	if a.Is4() {
		turn := e.turns4[a.As4()]
		e.turns4[a.As4()] = 1 - turn
		return e.pairs[0][turn]
	}
	turn := e.turns6[a]
	e.turns6[a] = 1 - turn
	return e.pairs[1][turn]
}
