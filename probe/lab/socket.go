package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// rawSocket receives the echo requests to the addresses of this namespace, and sends ICMP from any address at all.
type rawSocket struct {
	conn *net.IPConn
	four bool
}

func openRawSocket(prefix netip.Prefix) (*rawSocket, error) {
	s := &rawSocket{four: prefix.Addr().Is4()}
	network, local := "ip6:ipv6-icmp", ""
	if s.four {
		network = "ip4:icmp"
	}
	if prefix.IsSingleIP() { // else the kernel would copy every request to each of many Responders
		local = prefix.Addr().String()
	}
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		controlled := raw.Control(func(fd uintptr) { err = s.setUp(int(fd)) })
		return errors.Join(controlled, err)
	}}
	conn, err := config.ListenPacket(context.Background(), network, local)
	if err != nil {
		return nil, err
	}
	s.conn = conn.(*net.IPConn)
	return s, nil
}

// setUp lets only echo requests in (icmp(7)'s ICMP_FILTER; RFC 3542 §3.2), and any source address out.
func (s *rawSocket) setUp(fd int) error {
	const queue = 8 << 20 // one burst of a test's
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, queue) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, queue) // within unshare -Urn only up to rmem_max
	}
	if s.four {
		const icmpFilter = 1
		return errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_RAW, icmpFilter, ^(1<<8)&0xffffffff),
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TRANSPARENT, 1))
	}
	var filter unix.ICMPv6Filter
	for i := range filter.Data {
		filter.Data[i] = ^uint32(0)
	}
	filter.Data[128>>5] &^= 1 << (128 & 31)
	return errors.Join(
		unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &filter),
		unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TRANSPARENT, 1),
		unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1),
		unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1))
}

// read returns the next packet, and false where that is no whole echo request.
func (s *rawSocket) read(buffer []byte) (Echo, bool, error) {
	var oob [256]byte
	n, oobn, _, from, err := s.conn.ReadMsgIP(buffer, oob[:])
	if err != nil {
		return Echo{}, false, err
	}
	if s.four { // with its header: net strips that in ReadFrom only
		packet := append([]byte(nil), buffer[:n]...)
		if len(packet) < 20 || len(packet) < int(packet[0]&0x0f)*4 {
			return Echo{}, false, nil
		}
		e, ok := parseEcho(packet, int(packet[0]&0x0f)*4)
		e.From, e.To, e.TTL = addrOf(packet[12:16]), addrOf(packet[16:20]), int(packet[8])
		return e, ok, nil
	}
	var control ipv6.ControlMessage
	if err := control.Parse(oob[:oobn]); err != nil {
		return Echo{}, false, fmt.Errorf("control message: %w", err)
	}
	// The kernel keeps the header to itself: what it must have been.
	const header, icmpv6 = 40, 58
	packet := make([]byte, header, header+n)
	packet[0] = 6 << 4
	binary.BigEndian.PutUint16(packet[4:], uint16(n))
	packet[6], packet[7] = icmpv6, byte(control.HopLimit)
	copy(packet[8:], from.IP.To16())
	copy(packet[24:], control.Dst.To16())
	packet = append(packet, buffer[:n]...)
	e, ok := parseEcho(packet, header)
	e.From, e.To, e.TTL = addrOf(from.IP), addrOf(control.Dst), control.HopLimit
	return e, ok, nil
}

// write sends an ICMP message; ttl 0 is the system's.
func (s *rawSocket) write(message []byte, from, to netip.Addr, ttl int) {
	var oob []byte
	if s.four {
		oob = unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: from.As4()})
		if ttl > 0 {
			oob = append(oob, intControl(unix.IPPROTO_IP, unix.IP_TTL, ttl)...)
		}
	} else {
		oob = unix.PktInfo6(&unix.Inet6Pktinfo{Addr: from.As16()})
		if ttl > 0 {
			oob = append(oob, intControl(unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT, ttl)...)
		}
	}
	s.conn.WriteMsgIP(message, oob, &net.IPAddr{IP: to.AsSlice()})
}

// intControl is a control message with an int for sendmsg(2).
func intControl(level, kind int32, value int) []byte {
	b := make([]byte, syscall.CmsgSpace(4))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = level, kind
	h.SetLen(unix.CmsgLen(4))
	binary.NativeEndian.PutUint32(b[unix.CmsgLen(0):], uint32(value))
	return b
}
