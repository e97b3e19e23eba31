//go:build linux

package echo

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"

	"github.com/dchest/siphash"
)

// token names one packet: 24 bits of slot, 32 of the slot's generation, 8 of the packet.
type token uint64

const mostSlots = 1 << 24

func newToken(s *slot, packet int) token {
	return token(uint64(s.index)<<40 | uint64(s.gen)<<8 | uint64(packet))
}

func (t token) slot() int   { return int(t >> 40) }
func (t token) gen() uint32 { return uint32(t >> 8) }
func (t token) packet() int { return int(t & 0xff) }

// key makes tags that nobody else can make.
type key struct{ k0, k1 uint64 }

func newKey() key {
	var b [16]byte
	rand.Read(b[:]) // never returns an error (crypto/rand, Go 1.24)
	return key{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// tag binds a token to the address that it was sent to.
func (k key) tag(t token, to netip.Addr) uint64 {
	var b [24]byte
	binary.BigEndian.PutUint64(b[:], uint64(t))
	a := to.As16()
	copy(b[8:], a[:])
	return siphash.Hash(k.k0, k.k1, b[:])
}

// timeSize is what comes before the token where there is room: other programs keep the time of sending there, and some
// targets are known to change it. Nothing that lies there is looked at.
const timeSize = 8

// tokenAt is where the token of a payload of that size begins.
func tokenAt(size int) int {
	if size >= timeSize+TokenSize {
		return timeSize
	}
	return 0
}

// put writes what a payload of at least TokenSize bytes begins with: the token and its tag.
func (k key) put(payload []byte, t token, to netip.Addr) {
	at := tokenAt(len(payload))
	fill(payload[:at])
	binary.BigEndian.PutUint64(payload[at:], uint64(t))
	binary.BigEndian.PutUint64(payload[at+8:], k.tag(t, to))
}

// read returns the token of a payload that was sent to the address; ok is false where it is not ours.
func (k key) read(payload []byte, to netip.Addr) (t token, ok bool) {
	if len(payload) < TokenSize {
		return 0, false
	}
	payload = payload[tokenAt(len(payload)):]
	t = token(binary.BigEndian.Uint64(payload))
	return t, k.tag(t, to) == binary.BigEndian.Uint64(payload[8:])
}
