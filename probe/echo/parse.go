//go:build linux

package echo

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

const icmpHeader = 8

// The types of RFC 792 and RFC 4443 that we send and take.
const (
	echoRequest4, echoReply4                   = 8, 0
	unreachable4, timeExceeded4                = 3, 11
	echoRequest6, echoReply6                   = 128, 129
	unreachable6, packetTooBig6, timeExceeded6 = 1, 2, 3
)

// reply is an echo reply as it came: its parts point into the buffer.
type reply struct {
	identifier, seq uint16
	message         []byte // from the ICMP header on
	payload         []byte
	ttl             int // of the IP header where there is one, else 0
}

// parseReply reads an echo reply. Raw IPv4 sockets give the IP header too.
func parseReply(b []byte, six, ipHeader bool) (r reply, ok bool) {
	if ipHeader {
		if len(b) < 20 || b[0]>>4 != 4 {
			return reply{}, false
		}
		header := int(b[0]&0x0f) * 4
		if header < 20 || len(b) < header {
			return reply{}, false
		}
		r.ttl = int(b[8])
		b = b[header:]
	}
	want := byte(echoReply4)
	if six {
		want = echoReply6
	}
	if len(b) < icmpHeader || b[0] != want || b[1] != 0 {
		return reply{}, false
	}
	r.identifier, r.seq = binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])
	r.message, r.payload = b, b[icmpHeader:]
	return r, true
}

// parseQuote reads the echo request of ours that an ICMP error brings back, as far as it is quoted: routers need not
// return more than its header (RFC 792; RFC 1812 §4.3.2.3).
func parseQuote(b []byte, six bool) (r reply, ok bool) {
	want := byte(echoRequest4)
	if six {
		want = echoRequest6
	}
	if len(b) < icmpHeader || b[0] != want {
		return reply{}, false
	}
	r.identifier, r.seq = binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])
	r.payload = b[icmpHeader:]
	return r, true
}

// control is what the kernel says beside a message.
type control struct {
	stamp   int64 // nanoseconds since 1970; 0 = none
	ttl     int   // 0 = not said
	dropped uint32
	err     unix.SockExtendedErr
	// offender said so; invalid where the error is not an ICMP one.
	offender netip.Addr
	hasErr   bool
}

// parseControl reads control messages (cmsg(3)); what makes no sense ends it.
func parseControl(b []byte) (c control) {
	const header = unix.SizeofCmsghdr
	for len(b) >= header {
		size := nativeLen(b)
		if size < header || size > uint64(len(b)) {
			return c
		}
		level, kind := int32(binary.NativeEndian.Uint32(b[header-8:])), int32(binary.NativeEndian.Uint32(b[header-4:]))
		data := b[header:size]
		switch {
		case level == unix.SOL_SOCKET && (kind == unix.SO_TIMESTAMPING_NEW || kind == unix.SO_TIMESTAMPNS_NEW) && len(data) >= 16:
			c.stamp = int64(binary.NativeEndian.Uint64(data))*1e9 + int64(binary.NativeEndian.Uint64(data[8:]))
		case level == unix.SOL_SOCKET && kind == unix.SO_RXQ_OVFL && len(data) >= 4:
			c.dropped = binary.NativeEndian.Uint32(data)
		case level == unix.IPPROTO_IP && kind == unix.IP_TTL && len(data) >= 4,
			level == unix.IPPROTO_IPV6 && kind == unix.IPV6_HOPLIMIT && len(data) >= 4:
			c.ttl = int(binary.NativeEndian.Uint32(data)) & 0xff
		case level == unix.IPPROTO_IP && kind == unix.IP_RECVERR && len(data) >= 16,
			level == unix.IPPROTO_IPV6 && kind == unix.IPV6_RECVERR && len(data) >= 16:
			c.hasErr = true
			c.err = unix.SockExtendedErr{
				Errno: binary.NativeEndian.Uint32(data), Origin: data[4], Type: data[5], Code: data[6],
				Info: binary.NativeEndian.Uint32(data[8:]), Data: binary.NativeEndian.Uint32(data[12:]),
			}
			c.offender = parseAddr(data[16:])
		}
		b = b[min((size+unix.SizeofPtr-1)&^(unix.SizeofPtr-1), uint64(len(b))):]
	}
	return c
}

// nativeLen is a control message's cmsg_len, a size_t.
func nativeLen(b []byte) uint64 {
	if unix.SizeofPtr == 8 {
		return binary.NativeEndian.Uint64(b)
	}
	return uint64(binary.NativeEndian.Uint32(b))
}

// parseAddr reads a sockaddr_in or sockaddr_in6; it is invalid for any other.
func parseAddr(b []byte) netip.Addr {
	if len(b) < 8 {
		return netip.Addr{}
	}
	switch family := binary.NativeEndian.Uint16(b); {
	case family == unix.AF_INET:
		return netip.AddrFrom4([4]byte(b[4:8]))
	case family == unix.AF_INET6 && len(b) >= 24:
		return netip.AddrFrom16([16]byte(b[8:24])).Unmap()
	}
	return netip.Addr{}
}

// trouble sorts an ICMP error by type and code (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1; RFC 4443 §3). NoTrouble
// are those that say nothing of the target, such as a source quench.
func trouble(origin, kind, code uint8) TroubleKind {
	if origin == unix.SO_EE_ORIGIN_ICMP {
		switch kind {
		case unreachable4:
			switch code {
			case 0, 6, 11:
				return NetUnreachable
			case 1, 5, 7, 8, 12:
				return HostUnreachable
			case 2:
				return ProtocolUnreachable
			case 3:
				return PortUnreachable
			case 4:
				return TooBig
			case 9, 10, 13, 14, 15:
				return Prohibited
			}
		case timeExceeded4:
			if code == 0 {
				return TTLExceeded
			}
		}
		return NoTrouble
	}
	switch kind {
	case unreachable6:
		switch code {
		case 0, 2:
			return NetUnreachable
		case 1, 5, 6:
			return Prohibited
		case 3:
			return HostUnreachable
		case 4:
			return PortUnreachable
		}
	case packetTooBig6:
		return TooBig
	case timeExceeded6:
		if code == 0 {
			return TTLExceeded
		}
	}
	return NoTrouble
}

// checksum is that of RFC 1071 over an ICMPv4 message whose checksum field is zero; it is 0 over one with a right checksum.
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
