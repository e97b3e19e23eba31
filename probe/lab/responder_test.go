package lab

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// client sends echo requests from a raw socket and sees whatever ICMP comes back.
type client struct {
	t        *testing.T
	conn     *icmp.PacketConn
	four     bool
	sentinel netip.Addr
}

// got is a message that came back.
type got struct {
	from       netip.Addr
	kind, code int
	message    []byte
	at         time.Time
}

func (g got) id() int      { return int(binary.BigEndian.Uint16(g.message[4:])) }
func (g got) seq() int     { return int(binary.BigEndian.Uint16(g.message[6:])) }
func (g got) data() []byte { return g.message[8:] }

const sentinelID = 0xffff

// newClient sends from this namespace to addresses of the sentinel's family. The sentinel answers at once and honestly:
// what comes back before its reply was all there is. It must be one of those who are asked, or else they answer when they
// get to it; see behave.
func newClient(t *testing.T, sentinel netip.Addr) *client {
	t.Helper()
	c := &client{t: t, four: sentinel.Is4(), sentinel: sentinel}
	network, local := "ip6:ipv6-icmp", "::"
	if c.four {
		network, local = "ip4:icmp", "0.0.0.0"
	}
	var err error
	if c.conn, err = icmp.ListenPacket(network, local); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.conn.Close() })
	return c
}

// behave changes how r answers all but the sentinel's requests. A responder takes one request after the other: when it has
// answered the sentinel's, it has dealt with all that were sent before.
func (c *client) behave(r *Responder, b Behaviour) {
	r.Behave(func(e Echo) []Reply {
		if e.ID == sentinelID && len(e.Data) == 0 {
			return Honest(e)
		}
		return b(e)
	})
}

func (c *client) send(to netip.Addr, id, seq int, data []byte) {
	c.t.Helper()
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: id, Seq: seq, Data: data}}
	if !c.four {
		m.Type = ipv6.ICMPTypeEchoRequest
	}
	packet, err := m.Marshal(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.conn.WriteTo(packet, &net.IPAddr{IP: to.AsSlice()}); err != nil {
		c.t.Fatalf("send to %s: %v", to, err)
	}
}

// answers returns what came back, at least until there are want, without requests and the sentinel's reply.
func (c *client) answers(want int) (all []got) {
	c.t.Helper()
	c.send(c.sentinel, sentinelID, 1, nil)
	c.conn.SetReadDeadline(time.Now().Add(patience))
	buffer := make([]byte, 1<<16)
	for over := false; !over || len(all) < want; {
		n, from, err := c.conn.ReadFrom(buffer)
		if err != nil {
			c.t.Errorf("got %d answers, want %d: %v", len(all), want, err)
			return all
		}
		g := got{from: addrOf(from.(*net.IPAddr).IP), kind: int(buffer[0]), code: int(buffer[1]), message: slices.Clone(buffer[:n]), at: time.Now()}
		switch {
		case g.kind == 8 || g.kind >= 128 && g.kind != 129: // requests, neighbours
		case len(g.message) == 8 && g.id() == sentinelID:
			over = true
		default:
			all = append(all, g)
		}
	}
	return all
}

// bothFamilies runs f in a namespace with a target that a responder holds, an address that is nobody's, and a client whose
// sentinel is the target.
func bothFamilies(t *testing.T, f func(t *testing.T, c *client, r *Responder, target, other netip.Addr)) {
	for _, a := range []struct{ name, prefix, target, other string }{
		{"IPv4", "127.5.0.0/16", "127.5.1.1", "10.5.5.5"},
		{"IPv6", "2a00:5::/64", "2a00:5::1", "2a00:7::7"},
	} {
		t.Run(a.name, func(t *testing.T) {
			r, target := NewResponders(t, netip.MustParsePrefix(a.prefix)), netip.MustParseAddr(a.target)
			f(t, newClient(t, target), r, target, netip.MustParseAddr(a.other))
		})
	}
}

func TestResponderReplies(t *testing.T) {
	Inside(t, func(t *testing.T) {
		bothFamilies(t, func(t *testing.T, c *client, r *Responder, target, other netip.Addr) {
			data := []byte("0123456789abcdef0123456789abcdef")
			const id = 0x1234
			right := func(g got) string {
				switch {
				case g.kind != 0 && g.kind != 129:
					return fmt.Sprintf("type %d", g.kind)
				case g.from != target:
					return "from " + g.from.String()
				case g.id() != id:
					return fmt.Sprintf("id %#x", g.id())
				case !bytes.Equal(g.data(), data):
					return fmt.Sprintf("data %q", g.data())
				}
				return fmt.Sprint(g.seq())
			}
			far := slices.Clone(data)
			far[31] ^= 1
			stamped := slices.Clone(data)
			binary.BigEndian.PutUint64(stamped, binary.BigEndian.Uint64(data)+uint64(time.Hour))
			for _, test := range []struct {
				name      string
				behaviour Behaviour
				want      []string // after requests 1 to 4
			}{
				{"honest", Honest, []string{"1", "2", "3", "4"}},
				{"silent", Silent, nil},
				{"twice", Times(2), []string{"1", "1", "2", "2", "3", "3", "4", "4"}},
				{"every second lost", DropEvery(2, Honest), []string{"1", "3"}},
				{"all lost", Drop(1, 1, Honest), nil},
				{"none lost", Drop(0, 1, Honest), []string{"1", "2", "3", "4"}},
				{"swapped", Swapped(), []string{"2", "1", "4", "3"}},
				{"short", Short(5), slices.Repeat([]string{`data "01234"`}, 4)},
				{"empty", Short(0), slices.Repeat([]string{`data ""`}, 4)},
				{"wrong payload", WrongPayload(-1), slices.Repeat([]string{fmt.Sprintf("data %q", far)}, 4)},
				{"stamped", Stamped(time.Hour), slices.Repeat([]string{fmt.Sprintf("data %q", stamped)}, 4)},
				{"wrong id", WrongID, slices.Repeat([]string{fmt.Sprintf("id %#x", id^0x5555)}, 4)},
				{"wrong number", WrongSeq, []string{fmt.Sprint(1 ^ 0x4000), fmt.Sprint(2 ^ 0x4000), fmt.Sprint(3 ^ 0x4000), fmt.Sprint(4 ^ 0x4000)}},
				{"from another", From(other), slices.Repeat([]string{"from " + other.String()}, 4)},
			} {
				c.behave(r, test.behaviour)
				for seq := range 4 {
					c.send(target, id, seq+1, data)
				}
				var seen []string
				for _, g := range c.answers(len(test.want)) {
					seen = append(seen, right(g))
				}
				if !slices.Equal(seen, test.want) {
					t.Errorf("%s: got %q, want %q", test.name, seen, test.want)
				}
			}

			c.behave(r, RandomPayload(7))
			c.send(target, id, 1, data)
			if all := c.answers(1); len(all) != 1 || all[0].id() != id || len(all[0].data()) != len(data) || bytes.Equal(all[0].data(), data) {
				t.Errorf("random payload: got %+v", all)
			}

			c.behave(r, After(100*time.Millisecond))
			begun := time.Now()
			c.send(target, id, 1, data)
			if all := c.answers(1); len(all) != 1 || all[0].at.Sub(begun) < 100*time.Millisecond {
				t.Errorf("late: got %+v, want one reply after 100ms", all)
			}

			// By IPv4 and IPv6, replies larger than the wire go in fragments, and all of it arrives.
			c.behave(r, Honest)
			large := bytes.Repeat([]byte("x"), 60000)
			c.send(target, id, 1, large)
			if all := c.answers(1); len(all) != 1 || !bytes.Equal(all[0].data(), large) {
				t.Errorf("large: got %d replies, want one of 60000 bytes", len(all))
			}
		})
	})
}

func TestDropIsRepeatable(t *testing.T) {
	lost := func(seed uint64) (which []int) {
		b := Drop(0.3, seed, Honest)
		for i := range 1000 {
			if len(b(Echo{})) == 0 {
				which = append(which, i)
			}
		}
		return which
	}
	first := lost(1)
	if n := len(first); n < 230 || n > 370 {
		t.Errorf("got %d of 1000 lost, want about 300", n)
	}
	if !slices.Equal(first, lost(1)) || slices.Equal(first, lost(2)) {
		t.Error("the same seed must lose the same requests, another one others")
	}
}

func TestResponderErrors(t *testing.T) {
	Inside(t, func(t *testing.T) {
		bothFamilies(t, func(t *testing.T, c *client, r *Responder, target, other netip.Addr) {
			data := bytes.Repeat([]byte("0123456789"), 100)
			header, all, most := 40, Errors6(), 1280-48
			if c.four {
				header, all, most = 20, Errors4(), 576-28
			}
			for i, e := range all {
				for _, quote := range []int{8, 0, -1, 100, 5000} {
					e.From, e.Quote = other, quote
					c.behave(r, Fails(e))
					c.send(target, 77, i, data)
					answers := c.answers(1)
					if len(answers) != 1 {
						t.Errorf("%s: got %d answers, want 1", e.Name, len(answers))
						continue
					}
					g := answers[0]
					quoted := map[int]int{8: header + 8, 0: min(most, header+8+1000), -1: header, 100: header + 100, 5000: header + 8 + 1000}[quote]
					if g.kind != e.Type || g.code != e.Code || g.from != other || len(g.data()) != quoted {
						t.Errorf("%s: got type %d code %d from %s with %d bytes quoted, want %d %d %s %d",
							e.Name, g.kind, g.code, g.from, len(g.data()), e.Type, e.Code, other, quoted)
						continue
					}
					if mtu := g.seq(); mtu != e.MTU { // both have it in the last two bytes
						t.Errorf("%s: got MTU %d, want %d", e.Name, mtu, e.MTU)
					}
					if quote < 0 {
						continue
					}
					request, ok := parseEcho(g.data(), header)
					if to := addrOf(g.data()[header-len(target.AsSlice()) : header]); !ok || request.ID != 77 || request.Seq != i || to != target {
						t.Errorf("%s: quoted %+v to %s, want request %d to %s", e.Name, request, to, i, target)
					}
				}
			}
			// A quote of somebody else's packet.
			e := all[0]
			e.Spoil = func(packet []byte) { packet[header+4] ^= 0xff }
			c.behave(r, Fails(e))
			c.send(target, 0x0077, 1, data)
			for _, g := range c.answers(1) {
				if request, _ := parseEcho(g.data(), header); request.ID != 0xff77 || g.from != target {
					t.Errorf("spoiled: quoted id %#x from %s", request.ID, g.from)
				}
			}
		})
	})
}

// The kernel takes our errors for real: the socket that sent hears of them by its error queue.
func TestErrorsReachTheKernel(t *testing.T) {
	Inside(t, func(t *testing.T) {
		AllowDatagram(t)
		bothFamilies(t, func(t *testing.T, c *client, r *Responder, target, other netip.Addr) {
			e := Errors6()[0]
			if c.four {
				e = Errors4()[1]
			}
			for _, quote := range []int{8, 0} {
				e.From, e.Quote = other, quote
				c.behave(r, Fails(e))
				if cause := errorQueue(t, target); cause.from != other || cause.kind != e.Type || cause.code != e.Code {
					t.Errorf("%s with %d bytes quoted: the error queue says %+v, want %d %d from %s", e.Name, quote, cause, e.Type, e.Code, other)
				}
			}
		})
	})
}

func TestCrossed(t *testing.T) {
	Inside(t, func(t *testing.T) {
		bothFamilies(t, func(t *testing.T, c *client, r *Responder, target, _ netip.Addr) {
			second := target.Next()
			c.behave(r, Crossed(2, Each(func(to netip.Addr) Behaviour {
				if to == second {
					return Silent
				}
				return Honest
			})))
			c.send(target, 1, 1, []byte("one"))
			c.send(second, 2, 1, []byte("two"))
			var seen []string
			for _, g := range c.answers(4) {
				seen = append(seen, fmt.Sprintf("%s %d %s", g.from, g.id(), g.data()))
			}
			want := []string{
				fmt.Sprintf("%s 1 one", target), // the only right one
				fmt.Sprintf("%s 2 one", second), fmt.Sprintf("%s 1 two", target), fmt.Sprintf("%s 1 one", second),
			}
			if !slices.Equal(seen, want) {
				t.Errorf("got %q, want %q", seen, want)
			}
		})
	})
}

// One responder holds more addresses than there are monitors in any test.
func TestRespondersHoldMany(t *testing.T) {
	Inside(t, func(t *testing.T) {
		for _, prefix := range []netip.Prefix{netip.MustParsePrefix("127.9.0.0/16"), netip.MustParsePrefix("10.9.0.0/16"), netip.MustParsePrefix("2a00:9::/64")} {
			NewResponders(t, prefix)
			sentinel := prefix.Addr().Next()
			c := newClient(t, sentinel)
			addr := sentinel.Next()
			want := map[netip.Addr]bool{}
			for range 12 { // as much as the client's queue holds
				for range 50 {
					want[addr] = true
					c.send(addr, 1, 1, []byte("x"))
					addr = addr.Next()
				}
				for _, g := range c.answers(50) {
					delete(want, g.from)
				}
			}
			if len(want) != 0 {
				t.Errorf("%s: %d of 600 addresses did not answer", prefix, len(want))
			}
		}
	})
}
