//go:build linux

package echo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// wantedBuffer holds about 10,900 replies, 64 ms of them at the kernel's own limit; the usual default holds 277.
const wantedBuffer = 8 << 20

// recentSends is how many packets of a socket may wait for the kernel's time of sending. The kernel stamps most of them
// before sendto returns; a queueing discipline may hold some back.
const recentSends = 4096

// rawIDs is how many identifiers a raw socket uses: those that begin with two bits chosen at random, so that the kernel's
// filter keeps most other programs' replies away.
const rawIDs = 1 << 14

// alwaysWhole is the most payload of a packet that is never fragmented: no link in use takes less than 296 bytes (RFC 1191
// §7.1), and the kernel believes no router that says less than 552 (net.ipv4.route.min_pmtu).
const alwaysWhole = 296 - 20 - icmpHeader

// socket is one ICMP socket. A datagram socket has one identifier, which the kernel chose; a raw one a new identifier for
// each check.
type socket struct {
	fd   int
	six  bool
	raw  bool
	refs int // live slots; and one while it is in use for new checks
	// stamps is true where the kernel tells when a packet left.
	stamps bool

	ttl, tos int // as set last; 0 = the system's
	df       bool

	// nextKey is what the kernel numbers the next packet's time stamp with (SOF_TIMESTAMPING_OPT_ID), pending the packets
	// by their numbers.
	nextKey uint32
	pending [recentSends]pendingStamp

	dropped uint32 // of SO_MEMINFO and SO_RXQ_OVFL, since the socket was opened
	prefix  uint16 // of raw identifiers
	nextID  uint16
	seq     uint16 // the last one: of all packets of a datagram socket, of those without a token of a raw one
	small   map[smallKey]token
	over    []smallKey // of those, the ones whose check is over, in a ring
	overAt  int
	unread  bool  // something may have come
	emptied int64 // all that had come by then has been taken up
}

type pendingStamp struct {
	key   uint32
	stale bool  // numbered before the last restamp
	token token // 0 = stamped already, or not to be
}

// openSocket opens a datagram socket, or a raw one.
func openSocket(six, raw bool, o Options, random uint16) (*socket, error) {
	domain, protocol, kind := unix.AF_INET, unix.IPPROTO_ICMP, unix.SOCK_DGRAM
	if six {
		domain, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	if raw {
		kind = unix.SOCK_RAW
	}
	fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, fmt.Errorf("opening an ICMP socket: %w", err)
	}
	s := &socket{fd: fd, six: six, raw: raw, refs: 1, prefix: random &^ (rawIDs - 1), nextID: random & (rawIDs - 1), small: map[smallKey]token{}}
	if err := s.setUp(o); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return s, nil
}

// setUp sets what the engine counts on. SO_BROADCAST is never set: the kernel then refuses broadcast addresses itself.
func (s *socket) setUp(o Options) error {
	if s.raw {
		if err := s.filter(); err != nil {
			return fmt.Errorf("filtering a raw socket: %w", err)
		}
	}
	set := func(level, name, value int) error { return unix.SetsockoptInt(s.fd, level, name, value) }
	var err error
	if s.six {
		err = errors.Join(set(unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1), set(unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1))
	} else {
		err = errors.Join(set(unix.IPPROTO_IP, unix.IP_RECVERR, 1), set(unix.IPPROTO_IP, unix.IP_RECVTTL, 1))
	}
	if err != nil {
		return fmt.Errorf("setting up an ICMP socket: %w", err)
	}
	if size := o.Buffer; size >= 0 {
		if size == 0 {
			size = wantedBuffer
		}
		// FORCE needs CAP_NET_ADMIN; without it as much as the system allows.
		if set(unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) != nil {
			_ = set(unix.SOL_SOCKET, unix.SO_RCVBUF, size)
		}
		if set(unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, size) != nil {
			_ = set(unix.SOL_SOCKET, unix.SO_SNDBUF, size)
		}
	}
	_ = set(unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1) // else SO_MEMINFO alone tells
	if !o.UserStamps {
		s.stamps = set(unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, stamping|unix.SOF_TIMESTAMPING_OPT_ID) == nil
	}
	if !s.stamps {
		_ = set(unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, 1) // else the time at which we read it counts
	}
	return nil
}

const stamping = unix.SOF_TIMESTAMPING_TX_SOFTWARE | unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_SOFTWARE | unix.SOF_TIMESTAMPING_OPT_TSONLY

// restamp has the kernel number its time stamps from 0 again: after a packet that did not leave nobody knows whether it
// took a number. Packets that wait for theirs, in a queueing discipline perhaps, keep the old numbers: these are not used
// again before they were overwritten.
func (s *socket) restamp() {
	if !s.stamps {
		return
	}
	for i := range s.pending {
		if p := &s.pending[i]; p.token != 0 {
			p.stale = true
		}
	}
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, stamping)
	s.stamps = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, stamping|unix.SOF_TIMESTAMPING_OPT_ID) == nil
	s.nextKey = 0
}

// expectStamp notes whose the next time stamp is.
func (s *socket) expectStamp(t token) {
	p := &s.pending[s.nextKey%recentSends]
	if p.stale && p.key == s.nextKey { // it may be the other's; ours keeps our own time
		t = 0
	}
	*p = pendingStamp{key: s.nextKey, token: t}
	s.nextKey++
}

// filter keeps all but echo replies with our identifiers away: every raw socket gets a copy of every ICMP message.
func (s *socket) filter() error {
	if s.six {
		all := [8]uint32{}
		for i := range all {
			all[i] = ^uint32(0)
		}
		all[echoReply6/32] &^= 1 << (echoReply6 % 32)
		const icmp6Filter = 1 // ICMP6_FILTER of linux/icmpv6.h; a set bit blocks the type (RFC 3542 §3.2)
		if err := setsockopt(s.fd, unix.IPPROTO_ICMPV6, icmp6Filter, unsafe.Pointer(&all), unsafe.Sizeof(all)); err != nil {
			return err
		}
	} else {
		const icmpFilter = 1 // ICMP_FILTER of linux/icmp.h, at level SOL_RAW
		blocked := ^uint32(1 << echoReply4)
		if err := setsockopt(s.fd, unix.SOL_RAW, icmpFilter, unsafe.Pointer(&blocked), unsafe.Sizeof(blocked)); err != nil {
			return err
		}
	}
	const all = 0x40000
	program := []unix.SockFilter{
		{Code: unix.BPF_LDX | unix.BPF_W | unix.BPF_IMM, K: 0},
		{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_IND, K: 4}, // the identifier
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0xffff &^ (rawIDs - 1)},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(s.prefix), Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: all},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}
	if !s.six { // IPv4 sockets see the IP header, of a length that it says itself
		program[0] = unix.SockFilter{Code: unix.BPF_LDX | unix.BPF_B | unix.BPF_MSH, K: 0}
	}
	return unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

func setsockopt(fd, level, name int, value unsafe.Pointer, size uintptr) error {
	_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(value), size, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// identifier is the one that a new check's packets bear: the kernel's own on a datagram socket, given as 0.
func (s *socket) identifier() uint16 {
	if !s.raw {
		return 0
	}
	s.nextID = (s.nextID + 1) & (rawIDs - 1)
	return s.prefix | s.nextID
}

// prepare sets the options that the next packet needs where the last one needed others.
func (s *socket) prepare(c *Check) error {
	set := func(level, name, value int) error { return unix.SetsockoptInt(s.fd, level, name, value) }
	if c.TTL != s.ttl {
		value := c.TTL
		if value == 0 {
			value = -1 // the system's (ip(7), IP_TTL; ipv6(7), IPV6_UNICAST_HOPS)
		}
		level, name := unix.IPPROTO_IP, unix.IP_TTL
		if s.six {
			level, name = unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS
		}
		if err := set(level, name, value); err != nil {
			return err
		}
		s.ttl = c.TTL
	}
	if c.TOS != s.tos {
		level, name := unix.IPPROTO_IP, unix.IP_TOS
		if s.six {
			level, name = unix.IPPROTO_IPV6, unix.IPV6_TCLASS
		}
		if err := set(level, name, c.TOS); err != nil {
			return err
		}
		s.tos = c.TOS
	}
	// What every path takes whole bears DF in any case, and then PROBE spares the kernel the choice of an IP identification,
	// which no such packet needs (RFC 6864 §4.1): half a microsecond of the nine that sending takes.
	df := c.DontFragment || !s.six && c.Size <= alwaysWhole
	if df != s.df {
		// PROBE sets DF and heeds no path MTU that was learned: what a router says now is what counts.
		value := unix.IP_PMTUDISC_WANT
		if df {
			value = unix.IP_PMTUDISC_PROBE
		}
		level, name := unix.IPPROTO_IP, unix.IP_MTU_DISCOVER
		if s.six {
			level, name = unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER
		}
		if err := set(level, name, value); err != nil {
			return err
		}
		if s.six {
			on := 0
			if df {
				on = 1
			}
			if err := set(unix.IPPROTO_IPV6, unix.IPV6_DONTFRAG, on); err != nil {
				return err
			}
		}
		s.df = df
	}
	return nil
}

// overflows reads how many messages the kernel threw away for want of room since the socket was opened.
func (s *socket) overflows() uint32 {
	const dropsAt = 8 // SK_MEMINFO_DROPS of linux/sock_diag.h
	var info [dropsAt + 1]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno == 0 && size == uint32(unsafe.Sizeof(info)) {
		return info[dropsAt]
	}
	return s.dropped
}

// sendto is sendto(2) without a word to Go's scheduler: on loopback it takes five microseconds.
func (s *socket) sendto(b []byte, to *rawAddr) syscall.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&to.bytes)), uintptr(to.size))
	return errno
}

// set makes the address that the kernel takes.
func (a *rawAddr) set(to netip.Addr) {
	clear(a.bytes[:])
	if to.Is4() {
		binary.NativeEndian.PutUint16(a.bytes[:], unix.AF_INET)
		ip := to.As4()
		copy(a.bytes[4:], ip[:])
		a.size = unix.SizeofSockaddrInet4
		return
	}
	binary.NativeEndian.PutUint16(a.bytes[:], unix.AF_INET6)
	ip := to.As16()
	copy(a.bytes[8:], ip[:])
	a.size = unix.SizeofSockaddrInet6
}
