package probe

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"echolot/probe/lab"
)

// route4 is an IPv4 address as this machine's kernel writes it.
func route4(addr string) string {
	b := netip.MustParseAddr(addr).As4()
	return fmt.Sprintf("%08X", binary.NativeEndian.Uint32(b[:]))
}

func TestGatewaysOfATable(t *testing.T) {
	const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	line4 := func(to, via, flags, mask string) string {
		return "eth0\t" + route4(to) + "\t" + route4(via) + "\t" + flags + "\t0\t0\t0\t" + route4(mask) + "\t0\t0\t0\n"
	}
	const none, zeros = "00000000000000000000000000000000", "0.0.0.0"
	line6 := func(to, bits, via, flags, iface string) string {
		return to + " " + bits + " " + none + " 00 " + via + " 00000400 00000001 00000000 " + flags + "     " + iface + "\n"
	}
	for name, c := range map[string]struct {
		table string
		parse func([]string) (netip.Addr, bool)
		want  string
	}{
		"a default route":               {head + line4(zeros, "10.99.0.1", "0003", zeros) + line4("10.99.0.0", zeros, "0001", "255.255.255.0"), parseRoute4, "10.99.0.1"},
		"two, as with two uplinks":      {head + line4(zeros, "10.99.0.1", "0003", zeros) + line4(zeros, "10.98.0.1", "0003", zeros), parseRoute4, "10.99.0.1 10.98.0.1"},
		"to a device without a gateway": {head + line4(zeros, zeros, "0001", zeros), parseRoute4, ""},
		"half of the world, by a VPN":   {head + line4(zeros, "10.99.0.1", "0003", "128.0.0.0"), parseRoute4, ""},
		"to one host":                   {head + line4("192.0.2.7", "10.99.0.1", "0007", "255.255.255.255"), parseRoute4, ""},
		"down":                          {head + line4(zeros, "10.99.0.1", "0002", zeros), parseRoute4, ""},
		"unreachable":                   {head + line4(zeros, "10.99.0.1", "0203", zeros), parseRoute4, ""},
		"nothing":                       {"", parseRoute4, ""},
		"lines cut off, and nonsense":   {head + "eth0\t00000000\n\neth0 00000000 nonsense 0003 0 0 0 00000000\neth0 00000000 0100630A nonsense 0 0 0 00000000\n", parseRoute4, ""},

		"IPv6":                   {line6(none, "00", "20010db8000000000000000000000001", "00000003", "eth0"), parseRoute6, "2001:db8::1"},
		"IPv6, link-local":       {line6(none, "00", "fe800000000000000000000000000001", "00450003", "eth0"), parseRoute6, "fe80::1%eth0"},
		"IPv6, to a network":     {line6("20010db8000000000000000000000000", "20", "fe800000000000000000000000000001", "00000003", "eth0"), parseRoute6, ""},
		"IPv6, unreachable":      {line6(none, "00", none, "00200200", "lo"), parseRoute6, ""},
		"IPv6, without gateway":  {line6(none, "00", none, "00000001", "eth0"), parseRoute6, ""},
		"IPv6, part of anything": {line6(none, "01", "fe800000000000000000000000000001", "00000003", "eth0"), parseRoute6, ""},
		"IPv6, nonsense":         {"zz 00 zz 00 zz 0 0 0 zz eth0\n" + none + " 00 " + none + " 00 0a63 0 0 0 00000003 eth0\n", parseRoute6, ""},
	} {
		var got []string
		for _, a := range defaultGateways(strings.NewReader(c.table), c.parse) {
			got = append(got, a.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// A router with the whole Internet's routes must not be read for a second: the default ones come first.
func TestGatewaysOfALongTable(t *testing.T) {
	line := "eth0\t" + route4("192.0.2.0") + "\t" + route4("10.99.0.1") + "\t0003\t0\t0\t0\t" + route4("255.255.255.0") + "\t0\t0\t0\n"
	table := strings.NewReader(strings.Repeat(line, 100_000))
	if got := defaultGateways(table, parseRoute4); got != nil {
		t.Errorf("got %v, want none", got)
	}
	if read := table.Size() - int64(table.Len()); read > mostRouteBytes {
		t.Errorf("read %d bytes, want at most %d", read, mostRouteBytes)
	}
}

func TestDefaultGateways(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		expect := func(what string, want ...string) {
			t.Helper()
			var got []string
			for _, a := range DefaultGateways() {
				got = append(got, a.String())
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: got %v, want %v", what, got, want)
			}
		}
		expect("without routes")
		lab.NewRouter(t)
		expect("with a router", lab.RouterIn4, lab.RouterIn6)
		lab.IP(t, "-6", "route", "add", "default", "via", "fe80::fe", "dev", "lan0", "metric", "5")
		expect("with a link-local one as well", lab.RouterIn4, lab.RouterIn6, "fe80::fe%lan0")
		lab.IP(t, "route", "del", "default")
		expect("without the IPv4 one", lab.RouterIn6, "fe80::fe%lan0")
		lab.IP(t, "link", "set", "lan0", "down")
		expect("with the interface down")
	})
}
