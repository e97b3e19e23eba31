//go:build unix

package probe

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// trySocket opens and closes one ICMP socket. Not every unix can open one that a child does not inherit, and we start none.
func trySocket(mode, family string) error {
	domain, protocol, kind := unix.AF_INET, unix.IPPROTO_ICMP, unix.SOCK_DGRAM
	if family == "6" {
		domain, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	if mode == ModeRaw {
		kind = unix.SOCK_RAW
	}
	fd, err := unix.Socket(domain, kind, protocol)
	if err != nil {
		return fmt.Errorf("%s socket for IPv%s: %w", mode, family, err)
	}
	return unix.Close(fd)
}

// isBroadcast asks the kernel's routing table whether an IPv4 address is a broadcast address of one of our networks,
// whatever their masks. Connecting a UDP socket sends nothing, and without SO_BROADCAST it fails with EACCES for these
// and for prohibited routes; the latter fail with it too. Plain system calls, because the net package sets SO_BROADCAST
// on its own (setDefaultSockopts).
func isBroadcast(addr netip.Addr) (bool, error) {
	if !addr.Is4() {
		return false, nil // IPv6 has none (RFC 4291 §2)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return false, fmt.Errorf("socket for the broadcast test: %w", err)
	}
	defer unix.Close(fd)
	to := &unix.SockaddrInet4{Port: discardPort, Addr: addr.As4()}
	if !errors.Is(unix.Connect(fd, to), unix.EACCES) {
		return false, nil
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1); err != nil {
		return false, fmt.Errorf("SO_BROADCAST for the broadcast test: %w", err)
	}
	return unix.Connect(fd, to) == nil, nil
}

const discardPort = 9 // RFC 863; nothing is sent to it
