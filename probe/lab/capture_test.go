package lab

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Fragments may come in any order, and those of two packets among each other.
func TestCaptureOutOfOrder(t *testing.T) {
	from, to := netip.MustParseAddr("2a00:1::1"), netip.MustParseAddr("2a00:1::2")
	const echoRequest = 128
	message := make([]byte, echoHeader+3000)
	message[0] = echoRequest
	fragmentOf := func(id uint32, offset, end int) []byte {
		b := make([]byte, 48, 48+end-offset)
		b[0], b[6], b[7], b[40] = 6<<4, unix.IPPROTO_FRAGMENT, 64, unix.IPPROTO_ICMPV6
		binary.BigEndian.PutUint16(b[4:], uint16(8+end-offset))
		copy(b[8:], from.AsSlice())
		copy(b[24:], to.AsSlice())
		field := uint16(offset)
		if end < len(message) {
			field |= 1
		}
		binary.BigEndian.PutUint16(b[42:], field)
		binary.BigEndian.PutUint32(b[44:], id)
		return append(b, message[offset:end]...)
	}
	parts := [][2]int{{0, 1448}, {1448, 2896}, {2896, len(message)}}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}} {
		c := &Capture{seen: map[netip.Addr]int{}, requests: map[netip.Addr][]*Packet{}, replies: map[netip.Addr][]*Packet{}, fragments: map[fragment]*incomplete{}}
		first := time.Now()
		for i, part := range order {
			if n := len(c.Requests(to)); n != 0 {
				t.Fatalf("order %v: got %d packets after %d of 3 fragments of each", order, n, i)
			}
			for id := range uint32(2) {
				c.note(fragmentOf(id, parts[part][0], parts[part][1]), first.Add(time.Duration(i)*time.Millisecond))
			}
		}
		all := c.Requests(to)
		if len(all) != 2 || c.Seen()[to] != 2 || len(c.fragments) != 0 {
			t.Fatalf("order %v: got %d packets and %d unfinished, want 2 and none", order, len(all), len(c.fragments))
		}
		for _, p := range all {
			if p.PacketSize != 3000 || p.Fragments != 3 || !p.At.Equal(first) {
				t.Errorf("order %v: got %d bytes in %d fragments %s after the first, want 3000 in 3 at once", order, p.PacketSize, p.Fragments, p.At.Sub(first))
			}
		}
	}
}
