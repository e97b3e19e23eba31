//go:build linux

package echo

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What the kernel of a 64-bit little-endian machine gave: messages and what was said beside them.
const (
	realReply4    = "00007d5dd60500010000000000000100a12708ea224672d318191a1b1c1d1e1f"
	realReplyRaw4 = "45000034827b00003d01fc4b7f0001017f0000010000dede6a220000000000000000010019c5b0ca655719a718191a1b1c1d1e1f"
	realReply6    = "81000ce4d6070001000000000000010062d8d28ecc88d85318191a1b1c1d1e1f"
	realQuote4    = "0800c548d606000100000000000002009dde25c9ca3f9a9318191a1b"
	realQuote6    = "80007ebc63ff000000000000000002007c39fefef76ea20d18191a1b"

	realStamp  = "40000000000000000100000041000000f810076b00000000f9b80407000000000000000000000000000000000000000000000000000000000000000000000000"
	realHops4  = realStamp + "140000000000000000000000020000003d00000000000000"
	realHops6  = realStamp + "140000000000000029000000340000003d00000000000000"
	realSent4  = realStamp + "3000000000000000000000000b0000002a00000004000000000000000100000000000000000000000000000000000000"
	realSent6  = realStamp + "3c0000000000000029000000190000002a0000000400000000000000010000000000000000000000000000000000000000000000000000000000000000000000"
	realError4 = realHops4 + "3000000000000000000000000b00000071000000020301000000000000000000020000000a0909090000000000000000"
	realError6 = realHops6 + "3c000000000000002900000019000000710000000301030000000000000000000a000000000000002a0000090000000000000000000000090000000000000000"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The captured messages say what was sent.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		text     string
		six, raw bool
		ttl      int
	}{{realReply4, false, false, 0}, {realReplyRaw4, false, true, 0x3d}, {realReply6, true, false, 0}} {
		r, ok := parseReply(unhex(t, c.text), c.six, c.raw)
		if !ok || len(r.payload) != 24 || r.payload[23] != 0x1f || r.ttl != c.ttl {
			t.Errorf("%s: got %+v, %t", c.text, r, ok)
		}
	}
	for _, six := range []bool{false, true} {
		text := map[bool]string{false: realQuote4, true: realQuote6}[six]
		if q, ok := parseQuote(unhex(t, text), six); !ok || len(q.payload) != 20 || q.identifier == 0 {
			t.Errorf("%s: got %+v, %t", text, q, ok)
		}
		if _, ok := parseQuote(unhex(t, text), !six); ok {
			t.Errorf("%s was taken for the other family's", text)
		}
	}
	if unix.SizeofPtr != 8 || unhex(t, realStamp)[0] != 0x40 {
		return // control messages have another form elsewhere
	}
	const stamp = 0x6b0710f8*int64(time.Second) + 0x0704b8f9
	for _, c := range []struct {
		text string
		want control
	}{
		{realStamp, control{}},
		{realHops4, control{ttl: 0x3d}},
		{realHops6, control{ttl: 0x3d}},
		{realSent4, control{hasErr: true, err: unix.SockExtendedErr{Errno: uint32(unix.ENOMSG), Origin: unix.SO_EE_ORIGIN_TIMESTAMPING, Data: 1}}},
		{realSent6, control{hasErr: true, err: unix.SockExtendedErr{Errno: uint32(unix.ENOMSG), Origin: unix.SO_EE_ORIGIN_TIMESTAMPING, Data: 1}}},
		{realError4, control{ttl: 0x3d, hasErr: true, offender: netip.MustParseAddr("10.9.9.9"),
			err: unix.SockExtendedErr{Errno: uint32(unix.EHOSTUNREACH), Origin: unix.SO_EE_ORIGIN_ICMP, Type: 3, Code: 1}}},
		{realError6, control{ttl: 0x3d, hasErr: true, offender: netip.MustParseAddr("2a00:9::9"),
			err: unix.SockExtendedErr{Errno: uint32(unix.EHOSTUNREACH), Origin: unix.SO_EE_ORIGIN_ICMP6, Type: 1, Code: 3}}},
	} {
		c.want.stamp = stamp
		if got := parseControl(unhex(t, c.text)); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.text, got, c.want)
		}
	}
}

func FuzzReply(f *testing.F) {
	f.Add(unhex(f, realReply4), false, false)
	f.Add(unhex(f, realReplyRaw4), false, true)
	f.Add(unhex(f, realReply6), true, false)
	f.Add([]byte{0x4f, 19: 0, 20: 0}, false, true) // options that are not there
	f.Fuzz(func(t *testing.T, b []byte, six, ipHeader bool) {
		r, ok := parseReply(b, six, ipHeader)
		if !ok {
			return
		}
		if len(r.payload)+icmpHeader > len(b) || !bytes.HasSuffix(b, r.payload) || r.ttl < 0 || r.ttl > 255 {
			t.Errorf("got %+v of %x", r, b)
		}
		if head := b[len(b)-len(r.payload)-icmpHeader:]; head[0] != echoReply4 && head[0] != echoReply6 || head[1] != 0 {
			t.Errorf("%x is no echo reply", head)
		}
		if _, ok := newKey().read(r.payload, four(1)); ok {
			t.Errorf("%x was taken for a token of ours", r.payload)
		}
	})
}

func FuzzQuote(f *testing.F) {
	f.Add(unhex(f, realQuote4), false)
	f.Add(unhex(f, realQuote6), true)
	f.Fuzz(func(t *testing.T, b []byte, six bool) {
		q, ok := parseQuote(b, six)
		if !ok {
			return
		}
		if len(q.payload)+icmpHeader != len(b) || b[0] != echoRequest4 && b[0] != echoRequest6 {
			t.Errorf("got %+v of %x", q, b)
		}
		if _, ok := newKey().read(q.payload, four(1)); ok {
			t.Errorf("%x was taken for a token of ours", q.payload)
		}
	})
}

func FuzzControl(f *testing.F) {
	for _, text := range []string{realStamp, realHops4, realHops6, realSent4, realSent6, realError4, realError6} {
		f.Add(unhex(f, text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := parseControl(b)
		if c.ttl < 0 || c.ttl > 255 || c.offender.IsValid() && !c.hasErr || c.offender.Is4In6() {
			t.Errorf("got %+v of %x", c, b)
		}
		if c.hasErr && c.err.Origin == unix.SO_EE_ORIGIN_ICMP {
			if kind := trouble(c.err.Origin, c.err.Type, c.err.Code); kind > TooBig {
				t.Errorf("got %d of %x", kind, b)
			}
		}
	})
}

// FuzzForged gives the engine messages that nobody who does not know its key can have made: none is believed, and none
// ends it.
func FuzzForged(f *testing.F) {
	f.Add(unhex(f, realReply4), unhex(f, realHops4), false, false)
	f.Add(unhex(f, realReplyRaw4), unhex(f, realHops4), false, true)
	f.Add(unhex(f, realReply6), unhex(f, realHops6), true, false)
	f.Fuzz(func(t *testing.T, data, oob []byte, six, raw bool) {
		e := &Engine{key: newKey(), clock: newClock(), caps: newCaps(Options{}), o: Options{Done: func(*Check, *Report) { t.Error("a check ended") }}}
		c := &Check{Addr: four(1), Count: 3, Size: 24, Timeout: time.Second}
		s := e.slab.take(c)
		s.check, s.addr, s.sent, s.left = c, c.Addr, 3, 3
		s.socket = &socket{six: six, raw: raw, small: map[smallKey]token{}}
		e.caps.join(s)
		for i := range s.packets {
			s.packets[i] = packet{state: Lost, seq: uint16(i)}
		}
		control := parseControl(oob)
		e.reply(s.socket, control, data, c.Addr, false, e.clock.now())
		if q, ok := parseQuote(data, six); !ok || len(q.payload) >= TokenSize { // what is less can be guessed
			e.troubled(s.socket, control, data, c.Addr, e.clock.now())
		}
		for i, p := range s.packets {
			if p.state != Lost {
				t.Errorf("packet %d is now in state %d", i, p.state)
			}
		}
	})
}
