package models

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// countryCodes are the 249 officially assigned codes of ISO 3166-1, written down here a second time.
const countryCodes = `AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI
GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI
LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF
PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL
TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW`

func TestCountries(t *testing.T) {
	assigned := map[string]bool{}
	for _, code := range strings.Fields(countryCodes) {
		assigned[code] = true
	}
	if len(assigned) != 249 {
		t.Fatalf("got %d codes in the test's own list, want 249", len(assigned))
	}
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			if code := string(a) + string(b); IsCountry(code) != assigned[code] {
				t.Errorf("%s: got %t, want %t", code, IsCountry(code), assigned[code])
			}
		}
	}
	for _, code := range []string{"", "D", "de", "DEU", "276", "D ", "Ä", "ÄÖ", "EN"} {
		if IsCountry(code) {
			t.Errorf("%q: accepted", code)
		}
	}
}

func TestEmail(t *testing.T) {
	for _, s := range []string{"noc@example.com", "a@b", "first.last+tag@sub.example.co", "o'brien@example.com", "x_y@example.com", strings.Repeat("a", 64) + "@example.com", "noc@bücher.example"} {
		if !isEmail(s) {
			t.Errorf("%q: refused", s)
		}
	}
	for _, s := range []string{"", "noc", "@example.com", "noc@", "noc@@example.com", "a b@example.com", "noc@exa mple.com", " noc@example.com", "noc@example.com ", "Noc <noc@example.com>", "<noc@example.com>",
		"noc@example.com, x@example.com", "noc@example.com\r\nBcc: x@example.com", "noc@example.com\n", "noc\x00@example.com", ".noc@example.com", "noc.@example.com", "a..b@example.com",
		"noc@-example.com", "noc@example..com", "noc@https://example.com", strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat(strings.Repeat("a", 60)+".", 4) + "example.com"} {
		if isEmail(s) {
			t.Errorf("%q: accepted", s)
		}
	}
}

func TestPhone(t *testing.T) {
	for s, want := range map[string]bool{"+493512345678": true, "+4935123": true, "+123456789012345": true, "+1234567890123456": false, "493512345678": false, "+0351234567": false,
		"+49 351 2345678": false, "+49-351": false, "+": false, "": false, "++4935123456": false, "+49351234567x": false, "+493512345678\n": false, "+４９３５１２３４５": false} {
		if got := e164.MatchString(s); got != want {
			t.Errorf("%q: got %t, want %t", s, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{"x": "x", "  Gateway\t": "Gateway", "Zürich ✓ 😀": "Zürich ✓ 😀", strings.Repeat("ü", 255): strings.Repeat("ü", 255), "<b>&\"'": "<b>&\"'"} {
		if got, wrong := cleanName(in, 255); got != want || wrong != "" {
			t.Errorf("%q: got %q, %q, want %q", in, got, wrong, want)
		}
	}
	for _, in := range []string{"", " ", "\t\n", strings.Repeat("x", 256), strings.Repeat("x", 300), "a\nb", "a\x00b", "a\x7fb", "a\u0085b", "a\u001bb"} {
		if got, wrong := cleanName(in, 255); wrong == "" {
			t.Errorf("%q: accepted as %q", in, got)
		}
	}
}

func TestRefs(t *testing.T) {
	for in, want := range map[string]string{`5`: "5", `"5"`: "5", `5.0`: "5", `5e0`: "5", `0.5e1`: "5", `"6764e84f-f02a-43e6-a46d-cecaec556723"`: "6764e84f-f02a-43e6-a46d-cecaec556723", `"6764E84F-F02A-43E6-A46D-CECAEC556723"`: "6764e84f-f02a-43e6-a46d-cecaec556723", `9007199254740992`: "9007199254740992"} {
		ref, err := parseRef(json.RawMessage(in))
		got := ref.PublicID.String()
		if ref.ID != 0 {
			got = fmt.Sprint(ref.ID)
		}
		if err != nil || got != want {
			t.Errorf("%s: got %s, error %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{``, `null`, `true`, `[]`, `{}`, `""`, `"x"`, `0`, `-1`, `-0`, `5.5`, `1e308`, `1e400`, `1e-400`, `"0"`, `"-1"`, `"+5"`, `" 5"`, `"5 "`, `"5.0"`, `"5e0"`, `"0x5"`, `"٥"`, `"1 OR 1=1"`, `"1;--"`,
		`"{6764e84f-f02a-43e6-a46d-cecaec556723}"`, `"urn:uuid:6764e84f-f02a-43e6-a46d-cecaec556723"`, `"6764e84ff02a43e6a46dcecaec556723"`, `"6764e84f-f02a-43e6-a46d-cecaec55672g"`, `"6764e84f-f02a-43e6-a46d-cecaec5567231"`} {
		if ref, err := parseRef(json.RawMessage(in)); err == nil {
			t.Errorf("%s: got %+v, want it refused", in, ref)
		}
	}
	// The nil UUID is an identifier that nobody has. As the zero Ref it would be taken for none sent.
	if ref, err := ParseRef("00000000-0000-0000-0000-000000000000"); err != nil || ref == (Ref{}) {
		t.Errorf("got %+v, error %v, want a Ref that is not the zero one", ref, err)
	}
}

// FuzzMonitor: whatever the body, what the rules accept is a monitor that every promise holds for.
func FuzzMonitor(f *testing.F) {
	const base = `"customerId":1,"name":"Gateway","hostname":"gw.example"`
	f.Add([]byte(`{` + base + `}`))
	for _, more := range []string{`"checkInterval":0.0167`, `"checkInterval":1440`, `"checkInterval":1e-320`, `"checkIntervalSeconds":1,"timeoutSeconds":1`, `"timeoutSeconds":59.9999`, `"timeoutSeconds":0.99999`, `"status":"paused"`,
		`"icmpConfig":{"count":100,"intervalMs":599},"timeoutSeconds":60`, `"icmpConfig":{"Count":1e9,"packetsize":-1}`, `"config":{"count":2},"icmpConfig":{"count":2.0}`, `"config":null`, `"icmpConfig":[]`,
		`"allowedCheckCountryCodes":["de","DE"," at"]`, `"allowedCheckCountryCodes":[null]`, `"notificationEmail":null,"notificationPhoneNumber":"+4935123456"`, `"port":65535`, `"port":-0`, `"hostname":1`} {
		f.Add([]byte(`{` + base + `,` + more + `}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, err := ParseFields(body)
		if err != nil {
			return
		}
		for _, create := range []bool{true, false} {
			m, e := newMonitor(), &Invalid{}
			if !create {
				m.Name, m.Hostname, m.TimeoutMs = "x", "x", 1000
			}
			m.apply(fields, create, TargetPolicy{}, e)
			if e.orNil() != nil {
				for _, field := range e.Fields {
					if field.Field == "" || field.Message == "" {
						t.Fatalf("%s: got an error without field or message: %+v", body, field)
					}
				}
				continue
			}
			checkPromises(t, body, m)
		}
	})
}

func checkPromises(t *testing.T, body []byte, m Monitor) {
	t.Helper()
	control := func(r rune) bool { return unicode.IsControl(r) }
	switch n := utf8.RuneCountInString(m.Name); {
	case n < 1 || n > 255 || strings.ContainsFunc(m.Name, control) || strings.TrimSpace(m.Name) != m.Name:
		t.Fatalf("%s: got name %q", body, m.Name)
	case !strictHost(m.Hostname):
		t.Fatalf("%s: got host %q", body, m.Hostname)
	case m.Status != StatusActive && m.Status != StatusMaintenance && m.Status != StatusDisabled:
		t.Fatalf("%s: got status %q", body, m.Status)
	case m.IntervalSeconds < 1 || m.IntervalSeconds > 86400 || m.TimeoutMs < 1000 || m.TimeoutMs > 60000 || m.TimeoutMs > 1000*m.IntervalSeconds:
		t.Fatalf("%s: got %d s and %d ms", body, m.IntervalSeconds, m.TimeoutMs)
	case m.Config.Count < 1 || m.Config.Count > 100 || m.Config.PacketSize < 0 || m.Config.PacketSize > 65507:
		t.Fatalf("%s: got %d packets of %d", body, m.Config.Count, m.Config.PacketSize)
	case time.Duration(m.Config.Count)*m.Config.Interval() > m.Timeout():
		t.Fatalf("%s: %d packets every %s do not fit into %s", body, m.Config.Count, m.Config.Interval(), m.Timeout())
	case m.Spec().Valid() != nil:
		t.Fatalf("%s: got %v", body, m.Spec().Valid())
	case m.Port != nil && (*m.Port < 1 || *m.Port > 65535):
		t.Fatalf("%s: got port %d", body, *m.Port)
	}
	stored, err := json.Marshal(m.Config)
	if err != nil {
		t.Fatal(err)
	}
	var back IcmpConfig
	if err := back.Scan(string(stored)); err != nil {
		t.Fatalf("%s: stored as %s and not readable: %v", body, stored, err)
	}
	again, err := json.Marshal(back)
	if err != nil || !bytes.Equal(again, stored) || back.Spec("h", 0) != m.Config.Spec("h", 0) || back.Rule() != m.Config.Rule() {
		t.Fatalf("%s: stored as %s and read back as %s, error %v", body, stored, again, err)
	}
}

// TestFamilyStoredWrong: a monitor that was stored with an address of the other family can be paused, and mended.
func TestFamilyStoredWrong(t *testing.T) {
	for body, wrong := range map[string]bool{
		`{"status":"paused"}`:                                  false,
		`{"name":"Other"}`:                                     false,
		`{"icmpConfig":{}}`:                                    false,
		`{"hostname":"127.0.0.1"}`:                             false,
		`{"hostname":"::ffff:127.0.0.1"}`:                      false, // the same address to us, and measured as such
		`{"hostname":"gw.example"}`:                            false,
		`{"hostname":"fd00::2"}`:                               true,
		`{"icmpConfig":{"ipFamily":"4","count":2}}`:            true,
		`{"config":{"ipFamily":"6"},"hostname":"192.168.0.1"}`: true,
	} {
		m, e := newMonitor(), &Invalid{}
		four := "4"
		m.Hostname, m.HostnameTyped, m.TimeoutMs, m.Config.IPFamily = "::1", "::1", 10_000, &four
		f, err := splitObject([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		m.apply(f, false, TargetPolicy{}, e)
		if _, got := e.Field("icmpConfig.ipFamily"); got != wrong || len(e.Fields) > 1 || !wrong && len(e.Fields) > 0 {
			t.Errorf("%s: got %v, want an error of the family: %t", body, e, wrong)
		}
	}
}
