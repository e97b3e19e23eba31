package probe

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

const (
	// mostRouteBytes is how much of a routing table is read. The kernel lists routes by destination, so the default ones stand
	// first; a router may have a million behind them.
	mostRouteBytes = 1 << 20
	// routeUp and routeGateway are RTF_UP and RTF_GATEWAY, routeReject is RTF_REJECT: an unreachable route (linux/route.h).
	routeUp, routeGateway, routeReject = 0x1, 0x2, 0x200
)

// DefaultGateways are the gateways of this machine's default routes, of both families, each once and sorted. Where the system
// does not tell (it is not Linux), there are none. A link-local gateway has its interface as zone.
func DefaultGateways() []netip.Addr {
	all := slices.Concat(readRoutes("/proc/thread-self/net/route", parseRoute4), readRoutes("/proc/thread-self/net/ipv6_route", parseRoute6))
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

func readRoutes(path string, parse func(fields []string) (netip.Addr, bool)) []netip.Addr {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	return defaultGateways(f, parse)
}

// defaultGateways are the gateways that parse finds in a table's lines. A line that it can not read is passed over: what was
// found is better than nothing.
func defaultGateways(table io.Reader, parse func(fields []string) (netip.Addr, bool)) (all []netip.Addr) {
	for lines := bufio.NewScanner(io.LimitReader(table, mostRouteBytes)); lines.Scan(); {
		if a, ok := parse(strings.Fields(lines.Text())); ok {
			all = append(all, a)
		}
	}
	return all
}

// parseRoute4 reads a line of /proc/net/route: interface, destination, gateway, flags, reference count, use, metric, mask, …
// Addresses are the machine's own 32-bit numbers of what is big-endian on the wire (fib_route_seq_show in net/ipv4/fib_trie.c).
func parseRoute4(fields []string) (netip.Addr, bool) {
	if len(fields) < 8 || fields[1] != "00000000" || fields[7] != "00000000" || !viaGateway(fields[3]) {
		return netip.Addr{}, false
	}
	n, err := strconv.ParseUint(fields[2], 16, 32)
	if err != nil || n == 0 { // a gateway of the other family (RFC 5549) is not told here
		return netip.Addr{}, false
	}
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], uint32(n))
	return netip.AddrFrom4(b), true
}

// parseRoute6 reads a line of /proc/net/ipv6_route: destination, its prefix length, source, its prefix length, next hop, metric,
// reference count, use, flags, interface (rt6_info_route in net/ipv6/route.c). Addresses are as on the wire.
func parseRoute6(fields []string) (netip.Addr, bool) {
	if len(fields) < 10 || strings.Trim(fields[0], "0") != "" || fields[1] != "00" || !viaGateway(fields[8]) {
		return netip.Addr{}, false
	}
	b, err := hex.DecodeString(fields[4])
	a, ok := netip.AddrFromSlice(b)
	if err != nil || !ok || !a.Is6() || a.IsUnspecified() {
		return netip.Addr{}, false
	}
	if a.IsLinkLocalUnicast() {
		a = a.WithZone(fields[9])
	}
	return a, true
}

// viaGateway tells whether the flags, in hexadecimal, are those of a route that leads somewhere by a gateway.
func viaGateway(flags string) bool {
	n, err := strconv.ParseUint(flags, 16, 32)
	return err == nil && n&(routeUp|routeGateway) == routeUp|routeGateway && n&routeReject == 0
}
