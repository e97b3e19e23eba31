//go:build !unix

package probe

import (
	"fmt"
	"net/netip"

	"golang.org/x/net/icmp"
)

// trySocket opens and closes one ICMP socket.
func trySocket(mode, family string) error {
	network := map[string]string{
		ModeDatagram + "4": "udp4", ModeDatagram + "6": "udp6", ModeRaw + "4": "ip4:icmp", ModeRaw + "6": "ip6:ipv6-icmp",
	}[mode+family]
	conn, err := icmp.ListenPacket(network, "")
	if err != nil {
		return fmt.Errorf("%s socket for IPv%s: %w", mode, family, err)
	}
	return conn.Close()
}

// isBroadcast is false: here is no kernel that we could ask in a way that sends nothing. The target policy still knows
// our networks' broadcast addresses by their masks.
func isBroadcast(netip.Addr) (bool, error) { return false, nil }
