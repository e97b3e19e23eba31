package models

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// TargetPolicy decides which addresses may be sent to. It is asked when a monitor is saved and again, on the resolved
// address, each time something is about to be sent.
type TargetPolicy struct {
	// Public refuses inside addresses (loopback, RFC 1918, CGNAT, ULA) unless Allow names them.
	Public bool
	Allow  []netip.Prefix
	// Local tells this machine's own addresses and the broadcast addresses of its networks; nil = none known.
	// LocalAddresses is the real one.
	Local func() (own, broadcasts []netip.Addr)
}

// never are addresses no monitor has a reason to ping and some could do harm with.
var never = prefixes("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/96", "fe80::/10", "fec0::/10",
	"ff00::/8", "fd00:ec2::254/128")

// inside are addresses of one's own network.
var inside = prefixes("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7")

// reserved are addresses that nobody has: documentation, benchmarks, protocol assignments, discard.
var reserved = prefixes("192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"2001:db8::/32", "100::/64", "3fff::/20")

// embedded are IPv6 ranges that carry an IPv4 address, with the byte where it starts. The inner address is judged.
var embedded = []struct {
	prefix netip.Prefix
	at     int
	xor    byte
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12, 0},   // NAT64, RFC 6052
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12, 0}, // local NAT64, RFC 8215
	{netip.MustParsePrefix("2002::/16"), 2, 0},       // 6to4, RFC 3056
	{netip.MustParsePrefix("2001::/32"), 12, 0xff},   // Teredo, RFC 4380: the client's address is stored inverted
}

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}

func inAny(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Check returns nil where the address may be sent to, else an error that says why not.
func (p TargetPolicy) Check(a netip.Addr) error {
	if !a.IsValid() {
		return fmt.Errorf("no address")
	}
	if a.Zone() != "" {
		return fmt.Errorf("%s carries a zone", a)
	}
	a = a.Unmap()
	if inAny(never, a) && a != netip.IPv6Loopback() { // ::1 lies in ::/96
		return fmt.Errorf("%s is never pinged: it is link-local, multicast, broadcast or unspecified", a)
	}
	var own, broadcasts []netip.Addr
	if p.Local != nil {
		own, broadcasts = p.Local()
	}
	if slices.Contains(broadcasts, a) {
		return fmt.Errorf("%s is the broadcast address of this machine's network", a)
	}
	if inAny(p.Allow, a) {
		return nil
	}
	if inAny(inside, a) || slices.Contains(own, a) {
		if p.Public {
			return fmt.Errorf("%s is an inside address and this server pings public ones only", a)
		}
		return nil
	}
	if inAny(reserved, a) {
		return fmt.Errorf("%s is reserved and belongs to nobody", a)
	}
	for _, e := range embedded {
		if e.prefix.Contains(a) {
			b := a.As16()
			var inner [4]byte
			for i := range inner {
				inner[i] = b[e.at+i] ^ e.xor
			}
			if err := p.Check(netip.AddrFrom4(inner)); err != nil {
				return fmt.Errorf("%s holds an IPv4 address: %w", a, err)
			}
		}
	}
	return nil
}

// LocalAddresses reads this machine's own addresses and, for each of its IPv4 networks, the two that reach every host
// of it: all ones (RFC 919 §7) and the network's own number, which old stacks treat as a broadcast too (RFC 1122 §3.3.6).
func LocalAddresses() (own, broadcasts []netip.Addr) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, nil
	}
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		own = append(own, prefix.Addr())
		if !prefix.Addr().Is4() || prefix.Bits() > 30 {
			continue
		}
		first := prefix.Masked().Addr().As4()
		last := first
		for bit := prefix.Bits(); bit < 32; bit++ {
			last[bit/8] |= 0x80 >> (bit % 8)
		}
		broadcasts = append(broadcasts, netip.AddrFrom4(first), netip.AddrFrom4(last))
	}
	return own, broadcasts
}
