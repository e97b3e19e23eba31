//go:build linux

package echo

import "net/netip"

// recentSmall is how many packets without a token are still known after their check was over.
const recentSmall = 1024

// smallKey is all there is to know a packet by that is too small for a token.
type smallKey struct {
	identifier, seq uint16
	addr            netip.Addr
}

// reserveSeq finds a sequence number that no other packet without a token bears on its way to the slot's address.
func (s *socket) reserveSeq(sl *slot, t token) uint16 {
	for range 1 << 16 {
		s.seq++
		k := smallKey{sl.identifier, s.seq, sl.addr}
		if _, taken := s.small[k]; !taken {
			s.small[k] = t
			return s.seq
		}
	}
	return s.seq // more than 65,536 under way to one address: the caps forbid it
}

// forget takes a packet without a token out of the table, but not at once: what comes late is still known then.
func (s *socket) forget(k smallKey) {
	if s.over == nil {
		s.over = make([]smallKey, recentSmall)
	}
	old := &s.over[s.overAt%recentSmall]
	s.overAt++
	delete(s.small, *old)
	*old = k
}
