package models

import (
	"net/netip"
	"strings"
	"testing"
)

// T62's policy table. Every class stands with its first and last addresses, neighbours that are outside of it, and in
// every form that carries an IPv4 address within an IPv6 one.
func TestTargetPolicy(t *testing.T) {
	private := TargetPolicy{Local: localNetworks}
	public := TargetPolicy{Public: true, Local: localNetworks}
	for _, c := range []struct {
		class           string
		private, public bool // may be pinged
		addrs           string
	}{
		{"never", false, false, `
			0.0.0.0 0.0.0.1 0.1.2.3 0.255.255.255
			169.254.0.0 169.254.0.1 169.254.169.253 169.254.169.254 169.254.170.2 169.254.255.255
			224.0.0.0 224.0.0.1 224.0.0.251 224.0.1.1 232.1.1.1 239.1.2.3 239.255.255.250 239.255.255.255
			240.0.0.0 240.0.0.1 250.1.2.3 255.0.0.1 255.255.255.0 255.255.255.254 255.255.255.255
			:: ::2 ::ff ::7f00:1 ::127.0.0.2 ::8.8.8.8 ::a9fe:a9fe ::255.255.255.255
			fe80:: fe80::1 fe80::ffff:ffff:ffff:ffff fe81::1 febf::1 febf:ffff::1
			fec0::1 feff:ffff::1
			ff00::1 ff01::1 ff02::1 ff02::2 ff02::fb ff02::1:ff00:1 ff05::1:3 ff0e::1 ff1e::1 ffff::1
			fd00:ec2::254`},
		{"never, with a zone", false, false, `fe80::1%eth0 fe80::1%1 ff02::1%eth0 ::1%lo 2a00:1450::1%eth0`},
		{"never, as IPv4 in IPv6", false, false, `
			::ffff:0.0.0.0 ::ffff:0.1.2.3 ::ffff:169.254.169.254 ::ffff:a9fe:a9fe ::ffff:224.0.0.1 ::ffff:239.1.2.3 ::ffff:240.0.0.1 ::ffff:255.255.255.255
			64:ff9b::0.0.0.0 64:ff9b::169.254.169.254 64:ff9b::a9fe:a9fe 64:ff9b::224.0.0.1 64:ff9b::240.0.0.1 64:ff9b::255.255.255.255
			64:ff9b:1::169.254.169.254 64:ff9b:1::224.0.0.1 64:ff9b:1::255.255.255.255
			2002:0:1:: 2002:a9fe:a9fe:: 2002:a9fe:a9fe::1 2002:e000:1::1 2002:efff:fffa::1 2002:f000:1::1 2002:ffff:ffff::1
			2001::5601:5601 2001:0:4136:e378:8000:63bf:5601:5601 2001:0:1:2:3:4:1fff:fffe 2001:0:1:2:3:4:0:0 2001:0:1:2:3:4:ffff:ffff`},
		{"broadcast of our networks", false, false, `
			10.95.0.255 10.95.0.0 10.96.0.127 10.96.0.0 10.97.0.3 10.97.0.0 127.255.255.255 127.0.0.0
			::ffff:10.95.0.255 64:ff9b::10.95.0.255 2002:a5f:ff::1 2001:0:1:2:3:4:f5a0:ff00`},
		{"inside", true, false, `
			127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254
			10.0.0.0 10.0.0.1 10.95.0.254 10.96.0.126 10.96.0.128 10.96.0.255 10.255.255.255
			172.16.0.0 172.16.0.1 172.20.10.1 172.31.255.255
			192.168.0.0 192.168.0.1 192.168.1.255 192.168.255.255
			100.64.0.0 100.64.0.1 100.100.100.200 100.127.255.255
			::1 fc00:: fc00::1 fcff:ffff::1 fd00::1 fd00:ec2::253 fd12:3456:789a::1 fdff:ffff:ffff::1`},
		{"inside, as IPv4 in IPv6", true, false, `
			::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1 ::ffff:172.16.0.1 ::ffff:192.168.0.1 ::ffff:100.64.0.1
			64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::192.168.1.1 64:ff9b:1::10.0.0.1
			2002:7f00:1::1 2002:a00:1::1 2002:c0a8:101::1 2002:ac10:1::1 2002:6440:1::1
			2001:0:1:2:3:4:80ff:fffe 2001:0:1:2:3:4:f5ff:fffe 2001:0:1:2:3:4:3f57:fefe`},
		{"our own", true, false, `10.95.0.1 81.2.69.142 ::ffff:81.2.69.142 2a02:8070:1::5`},
		{"reserved", false, false, `
			192.0.0.0 192.0.0.1 192.0.0.170 192.0.0.255 192.0.2.0 192.0.2.1 192.0.2.255
			198.18.0.0 198.18.0.1 198.19.255.255 198.51.100.1 198.51.100.255 203.0.113.0 203.0.113.1 203.0.113.255
			2001:db8:: 2001:db8::1 2001:db8:ffff::1 100:: 100::1 3fff::1 3fff:fff::1
			::ffff:192.0.2.1 64:ff9b::198.18.0.1 2002:cb00:7101::1`},
		{"public", true, true, `
			1.0.0.0 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 81.2.69.141 81.2.69.143 100.63.255.255 100.128.0.0
			126.255.255.255 128.0.0.1 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0
			192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0
			203.0.112.255 203.0.114.0 223.255.255.255
			::ffff:8.8.8.8 ::ffff:808:808 64:ff9b::8.8.8.8 64:ff9b:1::8.8.8.8 2002:808:808::1 2001:0:1:2:3:4:f7f7:f7f7
			2000::1 2001:1::1 2001:db7:ffff::1 2001:db9::1 2001:4860:4860::8888 2003::1 2606:4700:4700::1111 2a00:1450::1 2a02:8070:1::6 3ffe::1`},
	} {
		for _, text := range strings.Fields(c.addrs) {
			addr := netip.MustParseAddr(text)
			if err := private.Check(addr); (err == nil) != c.private {
				t.Errorf("%s (%s) by the private policy: got %v, want allowed %t", text, c.class, err, c.private)
			}
			if err := public.Check(addr); (err == nil) != c.public {
				t.Errorf("%s (%s) by the public policy: got %v, want allowed %t", text, c.class, err, c.public)
			}
		}
	}
	if private.Check(netip.Addr{}) == nil {
		t.Error("no address at all is allowed")
	}
}

// localNetworks is a machine with three networks, a public address and loopback.
func localNetworks() (own, broadcasts []netip.Addr) {
	for _, text := range strings.Fields("127.0.0.1 ::1 10.95.0.1 10.96.0.1 10.97.0.1 81.2.69.142 2a02:8070:1::5") {
		own = append(own, netip.MustParseAddr(text))
	}
	for _, text := range strings.Fields("127.0.0.0 127.255.255.255 10.95.0.0 10.95.0.255 10.96.0.0 10.96.0.127 10.97.0.0 10.97.0.3") {
		broadcasts = append(broadcasts, netip.MustParseAddr(text))
	}
	return own, broadcasts
}

// ECHOLOT_TARGET_ALLOW opens inside addresses to a public server, and nothing that is never pinged.
func TestTargetPolicyAllow(t *testing.T) {
	p := TargetPolicy{Public: true, Local: localNetworks, Allow: prefixes("10.0.0.0/8", "192.0.2.0/24", "169.254.0.0/16", "224.0.0.0/4", "fd00::/8")}
	for text, want := range map[string]bool{
		"10.1.2.3": true, "10.95.0.1": true, "::ffff:10.1.2.3": true, "192.0.2.1": true, "fd12::1": true, "64:ff9b::10.1.2.3": true,
		"192.168.0.1": false, "169.254.169.254": false, "224.0.0.1": false, "10.95.0.255": false, "fd00:ec2::254": false,
	} {
		if err := p.Check(netip.MustParseAddr(text)); (err == nil) != want {
			t.Errorf("%s: got %v, want allowed %t", text, err, want)
		}
	}
}

// The real machine's own addresses hold loopback and its broadcasts.
func TestLocalAddresses(t *testing.T) {
	own, broadcasts := LocalAddresses()
	for what, list := range map[string][]netip.Addr{"127.0.0.1": own, "127.255.255.255": broadcasts} {
		found := false
		for _, a := range list {
			found = found || a == netip.MustParseAddr(what)
		}
		if !found {
			t.Errorf("got %v, want %s among them", list, what)
		}
	}
}
