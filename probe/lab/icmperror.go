package lab

import (
	"encoding/binary"
	"net/netip"
)

// ICMPError is an ICMP error message about an echo request.
type ICMPError struct {
	// Name says which, as tests print it.
	Name string
	// Type and Code are those of RFC 792 and RFC 1812 §5.2.7.1 for IPv4, RFC 4443 for IPv6.
	Type, Code int
	// MTU goes with "fragmentation needed" (RFC 1191 §4) and "packet too big".
	MTU int
	// From is who says so, by default the request's target. Reply.From goes before it.
	From netip.Addr
	// Quote is how many bytes of the request are quoted behind its IP header: 8 is what RFC 792 asks for, 0 as many as
	// may be (RFC 1812 §4.3.2.3: up to 576 bytes in all; RFC 4443 §2.4: 1280), -1 none.
	Quote int
	// Spoil changes the quoted packet, from its IP header on, before it is sent; nil leaves it as it is.
	Spoil func(packet []byte)
}

// Errors4 are the errors that hosts and routers send about an IPv4 packet.
func Errors4() []ICMPError {
	return []ICMPError{
		{Name: "net unreachable", Type: 3, Code: 0},
		{Name: "host unreachable", Type: 3, Code: 1},
		{Name: "protocol unreachable", Type: 3, Code: 2},
		{Name: "port unreachable", Type: 3, Code: 3},
		{Name: "fragmentation needed", Type: 3, Code: 4, MTU: 1400},
		{Name: "net prohibited", Type: 3, Code: 9},
		{Name: "host prohibited", Type: 3, Code: 10},
		{Name: "administratively prohibited", Type: 3, Code: 13},
		{Name: "TTL exceeded", Type: 11, Code: 0},
	}
}

// Errors6 are the same for IPv6.
func Errors6() []ICMPError {
	return []ICMPError{
		{Name: "no route", Type: 1, Code: 0},
		{Name: "administratively prohibited", Type: 1, Code: 1},
		{Name: "address unreachable", Type: 1, Code: 3},
		{Name: "port unreachable", Type: 1, Code: 4},
		{Name: "packet too big", Type: 2, Code: 0, MTU: 1400},
		{Name: "hop limit exceeded", Type: 3, Code: 0},
	}
}

// message is the ICMP message about e, with its checksum for IPv4; for IPv6 the kernel sums up.
func (i *ICMPError) message(e Echo) []byte {
	const header = 8
	four := e.To.Is4()
	ipHeader, most := 40, 1280-40-header
	if four {
		ipHeader, most = int(e.packet[0]&0x0f)*4, 576-20-header
	}
	quoted := len(e.packet)
	switch {
	case i.Quote < 0:
		quoted = ipHeader
	case i.Quote > 0:
		quoted = min(quoted, ipHeader+i.Quote)
	default:
		quoted = min(quoted, most)
	}
	b := make([]byte, header+quoted)
	b[0], b[1] = byte(i.Type), byte(i.Code)
	if four {
		binary.BigEndian.PutUint16(b[6:], uint16(i.MTU))
	} else {
		binary.BigEndian.PutUint32(b[4:], uint32(i.MTU))
	}
	copy(b[header:], e.packet)
	if i.Spoil != nil {
		i.Spoil(b[header:])
	}
	if four {
		binary.BigEndian.PutUint16(b[2:], checksum(b))
	}
	return b
}

// checksum is RFC 1071's.
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
