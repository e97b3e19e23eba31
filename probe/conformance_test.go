package probe

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"echolot/models"
	"echolot/probe/lab"
)

// conformant is a pinger under test, with what it can not do as the others do.
type conformant struct {
	name  string
	make  func(t *testing.T) Pinger
	least int // the smallest packet that it can send, in bytes
	// slack is by how much two packets may follow each other sooner than the interval.
	slack func(interval time.Duration) time.Duration
	// atOnce is how many checks it can run at once.
	atOnce int
	// causes is true where it hears of ICMP errors.
	causes bool
	// shares is true where checks under way share an identifier; their packets are told apart by token and tag.
	shares bool
}

// pingers are all implementations of Pinger. What is on the wire, what is counted and what comes out must be the same.
func pingers() []conformant {
	return []conformant{{
		name:  "pro-bing",
		make:  func(t *testing.T) Pinger { return newPinger(t, "", models.TargetPolicy{}) },
		least: smallestProbing,
		// On a busy machine its ticker makes up for a tick that came late, and two packets leave at once.
		slack:  func(interval time.Duration) time.Duration { return interval },
		atOnce: defaultParallel,
	}, {
		name:   "engine",
		make:   func(t *testing.T) Pinger { return newEnginePinger(t, "", models.TargetPolicy{}) },
		slack:  func(time.Duration) time.Duration { return 0 },
		atOnce: 500,
		causes: true,
		shares: true,
	}}
}

// eachPinger runs f with every pinger and both kinds of sockets.
func eachPinger(t *testing.T, f func(t *testing.T, c conformant, p Pinger)) {
	eachMode(t, func(t *testing.T, _ string) {
		for _, c := range pingers() {
			t.Run(c.name, func(t *testing.T) { f(t, c, c.make(t)) })
		}
	})
}

// The networks behind the peer of conformanceNet, whose addresses behave by their last byte, and hosts that are not there.
const (
	range4, range6   = "10.96.0.0/24", "2a00:96::/120"
	absent4, absent6 = "10.95.0.9", "2a00:1::9"
)

// The last bytes.
const (
	honest = iota + 1
	silent
	halfLost
	doubled
	swapped
	unreachable = 100 // and up: the errors of lab.Errors4 and lab.Errors6
)

// lastByte is the address of prefix that ends in last.
func lastByte(prefix string, last int) netip.Addr {
	b := netip.MustParsePrefix(prefix).Addr().AsSlice()
	b[len(b)-1] = byte(last)
	addr, _ := netip.AddrFromSlice(b)
	return addr
}

// conformanceNet is a peer by cable, with targets behind it, and a capture of what arrives there.
func conformanceNet(t *testing.T) *lab.Capture {
	lab.Sysctl(t, "net.ipv6.conf.default.accept_dad", "0")
	peer := lab.NewPeer(t)
	peer.Sysctl("net.ipv6.conf.default.accept_dad", "0")
	peer.Cable("near", "far")
	lab.IP(t, "addr", "add", "10.95.0.1/24", "dev", "near")
	lab.IP(t, "addr", "add", "2a00:1::1/64", "dev", "near", "nodad")
	peer.IP("addr", "add", "10.95.0.2/24", "dev", "far")
	peer.IP("addr", "add", "2a00:1::2/64", "dev", "far", "nodad")
	lab.IP(t, "route", "add", range4, "via", "10.95.0.2")
	lab.IP(t, "route", "add", range6, "via", "2a00:1::2")
	for prefix, errors := range map[string][]lab.ICMPError{range4: lab.Errors4(), range6: lab.Errors6()} {
		router := "10.95.0.2"
		if prefix == range6 {
			router = "2a00:1::2"
		}
		peer.Responders(netip.MustParsePrefix(prefix)).Behave(lab.Each(func(to netip.Addr) lab.Behaviour {
			last := int(to.AsSlice()[len(to.AsSlice())-1])
			if i := last - unreachable; i >= 0 && i < len(errors) {
				e := errors[i]
				e.From = netip.MustParseAddr(router)
				return lab.Fails(e)
			}
			switch last {
			case silent:
				return lab.Silent
			case halfLost:
				return lab.DropEvery(2, lab.Honest)
			case doubled:
				return lab.Times(2)
			case swapped:
				return lab.Swapped()
			}
			return lab.Honest
		}))
	}
	return peer.Capture("far")
}

// The same spec is the same packets, the same counts and the same outcome, whoever pings.
func TestConformance(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		capture := conformanceNet(t)
		type want struct {
			outcome  models.Outcome
			cause    models.Cause
			received int // 0 = all
		}
		success := want{outcome: models.OutcomeSuccess}
		cases := []struct {
			name string
			last int
			set  func(*models.Spec)
			want want
		}{
			{"plain", honest, func(*models.Spec) {}, success},
			{"silent", silent, func(*models.Spec) {}, want{models.OutcomeFailure, models.CauseTimeout, -1}},
			{"half lost", halfLost, func(s *models.Spec) { s.Count = 10 }, want{models.OutcomeSuccess, models.CauseTimeout, 5}},
			{"doubled", doubled, func(*models.Spec) {}, success},
			{"swapped", swapped, func(s *models.Spec) { s.Count = 4 }, success},
			{"ttl", honest, func(s *models.Spec) { s.TTL = 9 }, success},
			{"tos", honest, func(s *models.Spec) { s.TOS = 0xb8 }, success},
			{"don't fragment", honest, func(s *models.Spec) { s.DontFragment = true; s.PacketSize = 1400 }, success},
		}
		for _, size := range []int{0, 8, 15, 16, 23, 24, 1400, 4000, models.MaxPacketSize} {
			cases = append(cases, cases[0])
			c := &cases[len(cases)-1]
			c.name, c.set = fmt.Sprintf("%d bytes", size), func(s *models.Spec) { s.PacketSize = size; s.Count = 2 }
		}
		for _, count := range []int{1, 2, 10} {
			cases = append(cases, cases[0])
			c := &cases[len(cases)-1]
			c.name, c.set = fmt.Sprintf("%d packets", count), func(s *models.Spec) { s.Count = count }
		}
		eachPinger(t, func(t *testing.T, conformant conformant, p Pinger) {
			var lastPayload []byte
			for _, prefix := range []string{range4, range6} {
				for _, c := range cases {
					addr := lastByte(prefix, c.last)
					what := fmt.Sprintf("%s to %s", c.name, addr)
					spec := pingSpec(addr.String())
					if c.want == success { // ends with the last reply: a busy machine has time to send 65,507 bytes and to take them up
						spec.Timeout = 10 * time.Second
					}
					c.set(&spec)
					before := len(capture.Requests(addr))
					r := ping(t, p, spec)
					if spec.PacketSize < conformant.least {
						expect(t, what, r, models.OutcomeUnknown, models.CauseLocalError)
						continue
					}
					expect(t, what, r, c.want.outcome, c.want.cause)
					received := spec.Count
					if c.want.received != 0 {
						received = max(0, c.want.received)
					}
					if r.Sent != spec.Count || r.Received != received || r.Late != 0 || r.Address != addr || received > 0 && r.ReplyTTL != 64 {
						t.Errorf("%s: got %d of %d from %s, TTL %d, want %d of %d from it", what, r.Received, r.Sent, r.Address, r.ReplyTTL, received, spec.Count)
					}
					// The last reply ends a check, so that its double comes too late to be counted.
					if doubles := c.last == doubled; doubles && r.Duplicates < spec.Count-1 || !doubles && r.Duplicates != 0 {
						t.Errorf("%s: got %d duplicates", what, r.Duplicates)
					}
					capture.WaitFor(t, addr, before+spec.Count)
					requests := capture.Requests(addr)[before:]
					if len(requests) != spec.Count {
						t.Fatalf("%s: got %d packets on the wire, want %d", what, len(requests), spec.Count)
					}
					sameOnTheWire(t, what, spec, requests, conformant.slack(spec.Interval))
					if payload := requests[0].Payload; spec.PacketSize >= 16 {
						if slices.Equal(payload, lastPayload) {
							t.Errorf("%s: two checks sent the same payload", what)
						}
						lastPayload = payload
					}
				}
			}
			if n := capture.Dropped(t); n != 0 {
				t.Errorf("the capture dropped %d packets", n)
			}
		})
	})
}

// sameOnTheWire fails the test where the packets of one check are not those of spec.
func sameOnTheWire(t *testing.T, what string, spec models.Spec, requests []lab.Packet, slack time.Duration) {
	t.Helper()
	addr := netip.MustParseAddr(spec.Host)
	want := lab.Request{TTL: 64, TOS: spec.TOS, PacketSize: spec.PacketSize}
	if spec.TTL > 0 {
		want.TTL = spec.TTL
	}
	const mtu, header4 = 1500, 28
	want.DontFragment = addr.Is4() && (spec.DontFragment || spec.PacketSize+header4 <= mtu) // the kernel sets it on all that fits
	numbers := map[int]bool{}
	for i, got := range requests {
		if got.Request != want {
			t.Errorf("%s: got %+v on the wire, want %+v", what, got.Request, want)
		}
		if got.ID != requests[0].ID {
			t.Errorf("%s: one check has the identifiers %d and %d", what, requests[0].ID, got.ID)
		}
		numbers[got.Seq] = true
		if i > 0 {
			if gap := got.At.Sub(requests[i-1].At); gap < spec.Interval-slack {
				t.Errorf("%s: packet %d came %s after the one before, want %s", what, i, gap, spec.Interval)
			}
		}
	}
	if len(numbers) != len(requests) {
		t.Errorf("%s: got %d sequence numbers for %d packets", what, len(numbers), len(requests))
	}
	if took, least := requests[len(requests)-1].At.Sub(requests[0].At), time.Duration(spec.Count-1)*spec.Interval; took < least-max(slack, time.Millisecond) {
		t.Errorf("%s: all packets were sent within %s, want %s", what, took, least)
	}
}

// A host that is not there is down for everybody.
func TestConformanceAbsentHost(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		conformanceNet(t)
		for _, family := range []string{"ipv4", "ipv6"} { // give up after two questions, a tenth of a second apart
			lab.Sysctl(t, "net."+family+".neigh.near.mcast_solicit", "2")
			lab.Sysctl(t, "net."+family+".neigh.near.retrans_time_ms", "100")
		}
		eachPinger(t, func(t *testing.T, c conformant, p Pinger) {
			for _, host := range []string{absent4, absent6} {
				spec := pingSpec(host)
				spec.Count, spec.Interval = 8, 50*time.Millisecond
				cause := models.CauseTimeout
				if c.causes {
					cause = models.CauseHostUnreachable
				}
				expect(t, host, ping(t, p, spec), models.OutcomeFailure, cause)
			}
		})
	})
}

// What a router says is a failure with its cause and its source to those who hear it, and a silent target to the others.
func TestConformanceErrors(t *testing.T) {
	causes := map[string]models.Cause{
		"net unreachable": models.CauseNetUnreachable, "no route": models.CauseNetUnreachable,
		"host unreachable": models.CauseHostUnreachable, "address unreachable": models.CauseHostUnreachable,
		"protocol unreachable": models.CausePortUnreachable, "port unreachable": models.CausePortUnreachable,
		"net prohibited": models.CauseProhibited, "host prohibited": models.CauseProhibited, "administratively prohibited": models.CauseProhibited,
		"TTL exceeded": models.CauseTTLExceeded, "hop limit exceeded": models.CauseTTLExceeded,
		"fragmentation needed": models.CauseTooBig, "packet too big": models.CauseTooBig,
	}
	lab.Inside(t, func(t *testing.T) {
		conformanceNet(t)
		eachPinger(t, func(t *testing.T, c conformant, p Pinger) {
			var checks sync.WaitGroup
			for prefix, errors := range map[string][]lab.ICMPError{range4: lab.Errors4(), range6: lab.Errors6()} {
				for i, e := range errors {
					checks.Go(func() {
						addr := lastByte(prefix, unreachable+i)
						r := ping(t, p, pingSpec(addr.String()))
						if !c.causes {
							expect(t, e.Name, r, models.OutcomeFailure, models.CauseTimeout)
							return
						}
						expect(t, e.Name, r, models.OutcomeFailure, causes[e.Name])
						if want := map[string]string{range4: "10.95.0.2", range6: "2a00:1::2"}[prefix]; r.CauseSource.String() != want {
							t.Errorf("%s: said by %s, want %s", e.Name, r.CauseSource, want)
						}
					})
				}
			}
			checks.Wait()
		})
	})
}

// T19: of five hundred targets half are silent, and somebody answers every nonce to every identifier.
func TestConformanceCrossedReplies(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		const targets = 500
		lab.AllowDatagram(t)
		isSilent := func(addr netip.Addr) bool { return addr.As4()[3]%2 == 0 }
		capture := lab.NewCapture(t, "lo")
		lab.NewResponders(t, netip.MustParsePrefix("127.10.0.0/16")).Behave(lab.Crossed(3, lab.Each(func(to netip.Addr) lab.Behaviour {
			if isSilent(to) {
				return lab.Silent
			}
			return lab.Honest
		})))
		for _, c := range pingers() {
			t.Run(c.name, func(t *testing.T) {
				p := c.make(t)
				ids := map[netip.Addr]int{}
				running := make(chan struct{}, c.atOnce)
				for round := range 2 {
					var checks sync.WaitGroup
					next := netip.MustParseAddr("127.10.0.0")
					for range targets {
						next = next.Next()
						addr := next
						running <- struct{}{}
						checks.Go(func() {
							defer func() { <-running }()
							spec := pingSpec(addr.String())
							spec.Interval, spec.Timeout = 100*time.Millisecond, 2*time.Second
							if r := ping(t, p, spec); isSilent(addr) {
								expect(t, "silent "+addr.String(), r, models.OutcomeFailure, models.CauseTimeout)
							} else if r.Outcome != models.OutcomeSuccess || r.Received != 3 {
								t.Errorf("%s: got %s with %d of %d", addr, r.Outcome, r.Received, r.Sent)
							}
						})
					}
					checks.Wait()
					inFlight := map[int]netip.Addr{}
					for addr := range capture.Seen() {
						requests := capture.Requests(addr)
						id := requests[len(requests)-1].ID
						if other, ok := inFlight[id]; ok && !c.shares {
							t.Errorf("%s and %s were pinged by the same identifier %d at once", addr, other, id)
						}
						if inFlight[id] = addr; round > 0 && ids[addr] == id {
							t.Errorf("%s was pinged by the identifier %d twice in a row", addr, id)
						}
						ids[addr] = id
					}
				}
				if n := capture.Dropped(t); n != 0 {
					t.Errorf("the capture dropped %d packets", n)
				}
			})
		}
	})
}

// T20: a reply that comes during the next check is not that one's.
func TestConformanceLateReplies(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		addr := netip.MustParseAddr("127.11.0.1")
		responder := lab.NewResponder(t, addr, addr)
		eachPinger(t, func(t *testing.T, _ conformant, p Pinger) {
			responder.Behave(lab.After(1300 * time.Millisecond))
			expect(t, "first", ping(t, p, pingSpec(addr.String())), models.OutcomeFailure, models.CauseTimeout)
			responder.Behave(lab.Silent)
			r := ping(t, p, pingSpec(addr.String()))
			expect(t, "next", r, models.OutcomeFailure, models.CauseTimeout)
			if r.Received != 0 || r.Duplicates != 0 {
				t.Errorf("the replies to the first check were counted in the next one: %+v", r)
			}
		})
	})
}
