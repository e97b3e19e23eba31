package models

import (
	"net/netip"
	"strings"
	"testing"
)

// strictHost is the contract's rule for what is stored, written without the parser's means: an IP address in its
// canonical form without a zone, or a DNS name in lower-case ASCII.
func strictHost(s string) bool {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Zone() == "" && a.String() == s
	}
	if len(s) < 1 || len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if len(label) < 1 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	if strings.Trim(last, "0123456789") == "" {
		return false
	}
	return !strings.HasPrefix(last, "0x") || strings.Trim(last[2:], "0123456789abcdef") != ""
}

// label is one of the given length.
func label(n int) string { return strings.Repeat("a", n) }

func TestParseHostnameAccepts(t *testing.T) {
	long253 := label(63) + "." + label(63) + "." + label(63) + "." + label(61)
	for _, c := range []struct{ in, ascii, typed string }{
		{"claas.sh", "claas.sh", "claas.sh"},
		{"a", "a", "a"},
		{"localhost", "localhost", "localhost"},
		{"GW.Example", "gw.example", "GW.Example"},
		{"gw.example.", "gw.example", "gw.example"},
		{"_dmarc.example", "_dmarc.example", "_dmarc.example"},
		{"a_b-c.example", "a_b-c.example", "a_b-c.example"},
		{"_", "_", "_"},
		{"1a", "1a", "1a"},
		{"1.2.3.4a", "1.2.3.4a", "1.2.3.4a"},
		{"0xg.example", "0xg.example", "0xg.example"},
		{"127.example", "127.example", "127.example"},
		{"r3---sn-4g5e6nsz.example", "r3---sn-4g5e6nsz.example", "r3---sn-4g5e6nsz.example"},
		{"1e5", "1e5", "1e5"},
		{label(63), label(63), label(63)},
		{long253, long253, long253},
		{long253 + ".", long253, long253},
		{"bücher.example", "xn--bcher-kva.example", "bücher.example"},
		{"BÜCHER.example.", "xn--bcher-kva.example", "BÜCHER.example"},
		{"bu\u0308cher.example", "xn--bcher-kva.example", "bu\u0308cher.example"},
		{"straße.example", "xn--strae-oqa.example", "straße.example"},
		{"例え。テスト", "xn--r8jz45g.xn--zckzah", "例え。テスト"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"_sip.bücher.example", "_sip.xn--bcher-kva.example", "_sip.bücher.example"},
		{"раураӏ.example", "xn--80aa0cbo65f.example", "раураӏ.example"}, // a homograph of paypal is a name of its own
		{"127.0.0.1", "127.0.0.1", "127.0.0.1"},
		{"127.0.0.1.", "127.0.0.1", "127.0.0.1"},
		{"::1", "::1", "::1"},
		{"2001:DB8:0:0::00A", "2001:db8::a", "2001:db8::a"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.1"},
	} {
		ascii, typed, err := ParseHostname(c.in)
		if err != nil || ascii != c.ascii || typed != c.typed {
			t.Errorf("%q: got %q shown as %q, error %v, want %q shown as %q", c.in, ascii, typed, err, c.ascii, c.typed)
		}
		if err == nil && !strictHost(ascii) {
			t.Errorf("%q: got %q, which the strict rule refuses", c.in, ascii)
		}
	}
}

// refusedHosts are what must never become a target; tests of the API use the like.
var refusedHosts = []string{
	"", " ", ".", "..", "a..b", ".a", "a..", "127.0.0.1..", "::1.",
	"https://claas.sh", "http://[::1]/", "icmp:claas.sh", "//claas.sh", "claas.sh/ping", "/ping", "claas.sh?x", "claas.sh#x", `claas\sh`,
	"claas.sh:80", "127.0.0.1:80", "[::1]", "[::1]:80", "[127.0.0.1]", "user@claas.sh", "user:pass@claas.sh", "@", ":", ":80",
	" claas.sh", "claas.sh ", "cla as.sh", "claas.sh\t", "claas.sh\n", "claas.sh\r\nHost: x", "\u00a0claas.sh", "claas\u2028.sh", "cla\x00as.sh", "claas.sh\x00", "a\x7fb", "\u0085a",
	"-oProxy", "-oProxyCommand=x", "-f", "--", "a-", "a-.b", "a.-b", "-", "$(id)", "`id`", "a;id", "a|id", "a&b", "a'b", `a"b`, "a%b", "a*b", "a,b", "a=b", "a+b", "a~b", "a!b", "a(b", "{a}", "<a>",
	"127.1", "127.0.1", "0x7f000001", "0X7F000001", "2130706433", "0177.0.0.1", "127.0.0.01", "0x7f.0.0.1", "0x7f.1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.256", "999999999999", "0", "00", "a.1", "a.0x1", "a.0x", "a.0xdeadbeef", "1.2.3.4.0x5", "127.1.",
	"１２７.0.0.1", "127。0。0。1.5", "①②⑦.1", "٣", "a.１",
	"::1%lo", "fe80::1%eth0", "fe80::1%25eth0", "::g", ":::", "1:2:3:4:5:6:7:8:9", "::ffff:1.2.3.400", "12345::",
	"😀.example\u200e", "a\u202eb.example", "xn--a", "xn--\u00fc.example", "xn--0.example", "℀.example", "a／b.example", "ａ：８０", "bü..cher", "ü-.example", "-ü.example",
	label(64), label(64) + ".example", strings.Repeat(label(63)+".", 3) + label(62), label(254), strings.Repeat("a.", 127) + "a", label(300), strings.Repeat("ü", 64), strings.Repeat("ü.", 100) + "a",
	"\xff", "a\xc3.example", "bücher\xff.example",
}

func TestParseHostnameRefuses(t *testing.T) {
	for _, in := range refusedHosts {
		if ascii, typed, err := ParseHostname(in); err == nil {
			t.Errorf("%q: got %q shown as %q, want it refused", in, ascii, typed)
		} else if err.Error() == "" {
			t.Errorf("%q: refused without advice", in)
		}
	}
}

// The usual slips are answered with what would be right.
func TestParseHostnameAdvice(t *testing.T) {
	for in, want := range map[string]string{
		"https://claas.sh/ping":        "Leave out “https://”: use claas.sh",
		"https://user@claas.sh:8443/x": "Leave out “https://”: use claas.sh",
		"claas.sh/ping":                "Leave out the path: use claas.sh",
		"claas.sh:80":                  "Leave out the port: use claas.sh",
		"[2a00::1]:80":                 "Leave out the brackets: use 2a00::1",
		"user@claas.sh":                "Leave out the user name: use claas.sh",
		" claas.sh\n":                  "Leave out the white space: use claas.sh",
		"fe80::1%eth0":                 "Leave out the zone after “%”",
	} {
		if _, _, err := ParseHostname(in); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", in, err, want)
		}
	}
}

// FuzzHostname: nothing panics, what is accepted satisfies the strict rule, and parsing it again changes nothing.
func FuzzHostname(f *testing.F) {
	for _, s := range refusedHosts {
		f.Add(s)
	}
	for _, s := range []string{"claas.sh", "GW.Example.", "bücher.example", "例え。テスト", "127.0.0.1.", "2001:DB8::1", "::ffff:1.2.3.4", "_a-b.c", "xn--bcher-kva", "a\u200db", "\u00ad", "ß"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ascii, typed, err := ParseHostname(s)
		if err != nil {
			return
		}
		if !strictHost(ascii) {
			t.Fatalf("%q: got %q, which the strict rule refuses", s, ascii)
		}
		if again, _, err := ParseHostname(ascii); err != nil || again != ascii {
			t.Fatalf("%q: got %q, and from that %q, error %v, want the same", s, ascii, again, err)
		}
		if again, shown, err := ParseHostname(typed); err != nil || again != ascii || shown != typed {
			t.Fatalf("%q: shown as %q, and from that %q shown as %q, error %v, want the same", s, typed, again, shown, err)
		}
	})
}
