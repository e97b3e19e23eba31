package lab

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// fragment tells which fragments belong together (RFC 791 §3.2, RFC 8200 §4.5).
type fragment struct {
	from, to netip.Addr
	id       uint32
}

// ipPacket is an IP packet that carries ICMP, or a fragment of one.
type ipPacket struct {
	fragment
	Request // without its size
	four    bool
	offset  int  // of the message's first byte in the whole message
	more    bool // fragments follow
	message []byte
}

// parsePacket takes the IP header off; false where there is none or no ICMP behind it.
func parsePacket(data []byte) (p ipPacket, ok bool) {
	switch {
	case len(data) >= 20 && data[0]>>4 == 4 && data[9] == unix.IPPROTO_ICMP:
		header, total := int(data[0]&0x0f)*4, int(binary.BigEndian.Uint16(data[2:]))
		if len(data) < header || total < header {
			return p, false
		}
		from, to := netip.AddrFrom4([4]byte(data[12:16])), netip.AddrFrom4([4]byte(data[16:20]))
		flags := binary.BigEndian.Uint16(data[6:])
		p = ipPacket{
			fragment: fragment{from, to, uint32(binary.BigEndian.Uint16(data[4:]))},
			Request:  Request{TTL: int(data[8]), TOS: int(data[1]), DontFragment: flags&0x4000 != 0},
			four:     true, offset: int(flags&0x1fff) * 8, more: flags&0x2000 != 0,
			message: data[header:min(total, len(data))],
		}
		return p, true
	case len(data) >= 40 && data[0]>>4 == 6:
		from, to := netip.AddrFrom16([16]byte(data[8:24])), netip.AddrFrom16([16]byte(data[24:40]))
		total := 40 + int(binary.BigEndian.Uint16(data[4:]))
		p = ipPacket{
			fragment: fragment{from: from, to: to},
			Request:  Request{TTL: int(data[7]), TOS: int(binary.BigEndian.Uint16(data)>>4) & 0xff},
			message:  data[40:max(40, min(total, len(data)))],
		}
		next := data[6]
		if next == unix.IPPROTO_FRAGMENT && len(p.message) >= 8 {
			next = p.message[0]
			field := binary.BigEndian.Uint16(p.message[2:])
			p.offset, p.more, p.id = int(field&^7), field&1 != 0, binary.BigEndian.Uint32(p.message[4:])
			p.message = p.message[8:]
		}
		return p, next == unix.IPPROTO_ICMPV6
	}
	return p, false
}

// echoHeader is how long the ICMP header of an echo request or reply is (RFC 792, RFC 4443 §4.1).
const echoHeader = 8

// echo takes a first fragment or a whole packet as an echo request or reply.
func (p ipPacket) echo() (packet *Packet, ok bool) {
	if len(p.message) < echoHeader {
		return nil, false
	}
	request := false
	switch kind := p.message[0]; { // RFC 792; RFC 4443 §4.1 and §4.2
	case p.four && kind == 8 || !p.four && kind == 128:
		request = true
	case p.four && kind == 0 || !p.four && kind == 129:
	default:
		return nil, false
	}
	packet = &Packet{
		Request: p.Request, From: p.from, To: p.to, Fragments: 1, request: request,
		ID: int(binary.BigEndian.Uint16(p.message[4:])), Seq: int(binary.BigEndian.Uint16(p.message[6:])),
		Payload: append([]byte(nil), p.message[echoHeader:]...),
	}
	packet.PacketSize = len(packet.Payload)
	return packet, true
}
