//go:build linux

package echo

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"echolot/probe/lab"
)

// router is who says that a target can not be reached.
func router(r request) netip.Addr {
	if r.to.Is4() {
		return netip.MustParseAddr("10.9.9.9")
	}
	return netip.MustParseAddr("2a00:9::9")
}

// header is the part of a request that a router must quote: the IP header and eight bytes (RFC 792).
func header(r request) []byte { return r.ip[:len(r.ip)-len(r.payload)] }

// unreachable is a host unreachable of the request's family.
func (h *hostile) unreachable(r request, quote []byte) {
	if r.to.Is4() {
		h.refuse(router(r), r, 3, 1, 0, quote)
	} else {
		h.refuse(router(r), r, 1, 3, 0, quote)
	}
}

// Each kind of ICMP error is known by type and code, with who said so, however little is quoted. When all packets are refused
// by quotes of our tokens the check is over; who quotes less might be anybody, and a reply may still come.
func TestTrouble(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		v4 := []Trouble{
			{Kind: NetUnreachable, Type: 3, Code: 0}, {Kind: HostUnreachable, Type: 3, Code: 1}, {Kind: ProtocolUnreachable, Type: 3, Code: 2},
			{Kind: PortUnreachable, Type: 3, Code: 3}, {Kind: TooBig, Type: 3, Code: 4, MTU: 1300}, {Kind: Prohibited, Type: 3, Code: 9},
			{Kind: Prohibited, Type: 3, Code: 10}, {Kind: Prohibited, Type: 3, Code: 13}, {Kind: TTLExceeded, Type: 11, Code: 0},
		}
		v6 := []Trouble{
			{Kind: NetUnreachable, Type: 1, Code: 0}, {Kind: Prohibited, Type: 1, Code: 1}, {Kind: HostUnreachable, Type: 1, Code: 3},
			{Kind: PortUnreachable, Type: 1, Code: 4}, {Kind: Prohibited, Type: 1, Code: 5}, {Kind: TooBig, Type: 2, Code: 0, MTU: 1300},
			{Kind: TTLExceeded, Type: 3, Code: 0},
		}
		modes(t, func(t *testing.T, o Options) {
			families(t, func(t *testing.T, target func(int) netip.Addr) {
				e := newRig(t, o)
				all := v4
				if target(0).Is6() {
					all = v6
				}
				again := uint64(0)
				for i, want := range all {
					for _, size := range []int{0, 8, 16, 56} {
						for _, short := range []bool{false, true} {
							want := want
							want.Source = router(request{to: target(i)})
							h.behave(func(r request) {
								quote := r.ip
								if short {
									quote = header(r)
								}
								h.refuse(want.Source, r, want.Type, want.Code, uint32(want.MTU), quote)
							})
							c := three(target(i))
							proved := !short && size >= TokenSize
							if c.Size, c.Timeout = size, 10*time.Second; !proved {
								c.Timeout = 50 * time.Millisecond
							}
							begun := time.Now()
							r := e.measure(c)
							for range 3 { // a busy machine's errors may come after so short a time
								if r.Trouble == want && len(r.Packets) == 3 && !slices.ContainsFunc(r.Packets, func(p Packet) bool { return p.State == Lost }) {
									break
								}
								begun, c.Timeout = time.Now(), 4*c.Timeout
								again++
								r = e.measure(c)
							}
							expect(t, "refused", r, [5]int{Refused: 3}, nil)
							if r.Trouble != want {
								t.Errorf("size %d, short %t: got %+v, want %+v", size, short, r.Trouble, want)
							}
							if took := time.Since(begun); proved && took > 5*time.Second || !proved && took < c.Timeout {
								t.Errorf("size %d, short %t: a refused check took %s", size, short, took)
							}
						}
					}
				}
				// An error without a token that comes after its time finds the next try of its check under way, and is not believed.
				if s := e.Stats(); s.Troubles+s.Late+s.Forged != s.Sent || s.Forged > 3*again || s.Stray+s.SendErrors != 0 {
					t.Errorf("got %+v, want a trouble for each packet sent and nothing else", s)
				}
			})
		})
	})
}

// Anybody can guess the little that some routers quote: a reply that comes in time knows better.
func TestTroubleByHearsay(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		modes(t, func(t *testing.T, o Options) {
			families(t, func(t *testing.T, target func(int) netip.Addr) {
				e := newRig(t, o)
				h.behave(func(r request) {
					h.unreachable(r, header(r))
					h.echo(r)
				})
				r := e.measure(three(target(1)))
				expect(t, "refused, then answered", r, [5]int{Replied: 3}, nil)
				if r.Trouble != (Trouble{}) {
					t.Errorf("got %+v, want no trouble: all was answered", r.Trouble)
				}
			})
		})
	})
}

// Errors that do not quote what was sent are not believed, nor those that say nothing of the target.
func TestTroubleForged(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		// changed is the request with one byte changed, counted from the ICMP header, cut to so many of the payload.
		changed := func(r request, at, payload int) []byte {
			b := append([]byte(nil), r.ip[:len(header(r))+payload]...)
			b[len(header(r))-8+at] ^= 1
			return b
		}
		cases := []struct {
			name  string
			send  func(request)
			small bool // of packets without a token too
		}{
			{"identifier", func(r request) { h.unreachable(r, changed(r, 5, 0)) }, true},
			{"sequence", func(r request) { h.unreachable(r, changed(r, 6, 0)) }, true},
			{"sequence, all quoted", func(r request) { h.unreachable(r, changed(r, 6, len(r.payload))) }, true},
			{"token", func(r request) { h.unreachable(r, changed(r, 8+tokenAt(len(r.payload))+3, len(r.payload))) }, true},
			{"beginning of the payload", func(r request) { h.unreachable(r, changed(r, 8+3, 8)) }, true},
			{"tag", func(r request) { h.unreachable(r, changed(r, 8+timeSize+12, len(r.payload))) }, false},
			{"an echo reply", func(r request) {
				b := changed(r, 8, len(r.payload))
				b[len(header(r))-8] = 0
				h.unreachable(r, b)
			}, true},
			{"another target's", func(r request) {
				b := append([]byte(nil), r.ip...)
				if r.to.Is4() {
					b[19] ^= 1
				} else {
					b[39] ^= 1
				}
				h.unreachable(r, b)
			}, true},
			{"a source quench or a reassembly time exceeded", func(r request) {
				if r.to.Is4() {
					h.refuse(router(r), r, 4, 0, 0, r.ip)
					h.refuse(router(r), r, 11, 1, 0, r.ip)
				} else {
					h.refuse(router(r), r, 3, 1, 0, r.ip)
				}
			}, true},
		}
		sockets(t, func(t *testing.T, o Options) {
			families(t, func(t *testing.T, target func(int) netip.Addr) {
				e := newRig(t, o)
				for i, c := range cases {
					for _, size := range []int{56, 10} {
						if size < TokenSize && !c.small {
							continue
						}
						h.behave(c.send)
						check := three(target(i))
						check.Size, check.Timeout = size, brief
						r := e.measure(check)
						expect(t, c.name, r, [5]int{Lost: 3}, nil)
						if r.Trouble != (Trouble{}) {
							t.Errorf("%s: got %+v", c.name, r.Trouble)
						}
					}
				}
				if s := e.Stats(); s.Troubles != 0 {
					t.Errorf("got %d troubles", s.Troubles)
				}
			})
		})
	})
}

// A reply wins over an error that came before it, and stands against one that comes after.
func TestTroubleAndReply(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		sockets(t, func(t *testing.T, o Options) {
			families(t, func(t *testing.T, target func(int) netip.Addr) {
				e := newRig(t, o)
				n := 0
				h.behave(func(r request) {
					switch n++; n {
					case 1:
						h.unreachable(r, r.ip)
						h.echo(r)
					case 2:
						h.echo(r)
						h.unreachable(r, r.ip)
					case 3:
						h.unreachable(r, r.ip)
					}
				})
				r := e.measure(three(target(1)))
				expect(t, "both", r, [5]int{Replied: 2, Refused: 1}, nil)
				if r.Packets[2].State != Refused || r.Duplicates != 0 {
					t.Errorf("got %+v, want the last refused", r)
				}
			})
		})
	})
}

// A reply that came is found, even where the engine finds the error for the packet at the same time, and before it.
func TestTroubleBesideReply(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		sockets(t, func(t *testing.T, o Options) {
			families(t, func(t *testing.T, target func(int) netip.Addr) {
				for name, answer := range map[string]func(request){
					"a reply, then an error": func(r request) { h.echo(r); h.unreachable(r, r.ip) },
					"an error, then a reply": func(r request) { h.unreachable(r, r.ip); h.echo(r) },
				} {
					e := newRig(t, o)
					asked, busy, goOn := make(chan request, 3), make(chan bool), make(chan bool)
					h.behave(func(r request) {
						if r.to == target(1) {
							asked <- r
						} else {
							h.echo(r)
						}
					})
					held := three(target(2))
					e.onDone(func(c *Check, _ *Report) {
						if c == held {
							busy <- true
							<-goOn
						}
					})
					c := three(target(1))
					found := e.begin(c)
					requests := []request{<-asked, <-asked, <-asked}
					ended := e.begin(held)
					<-busy // the engine does nothing until all has come
					for _, r := range requests {
						answer(r)
					}
					goOn <- true
					r := e.wait(c, found)
					expect(t, name, r, [5]int{Replied: 3}, nil)
					if r.Duplicates != 0 {
						t.Errorf("%s: got %d duplicates, want none", name, r.Duplicates)
					}
					e.wait(held, ended)
				}
			})
		})
	})
}

// An error for one check says nothing of another: not by the socket's pending error, not where only a header is quoted.
func TestTroubleOfOthers(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		modes(t, func(t *testing.T, o Options) {
			families(t, func(t *testing.T, target func(int) netip.Addr) {
				e := newRig(t, o)
				h.behave(func(r request) {
					switch len(r.payload) {
					case 40:
						h.unreachable(r, header(r))
					case 56:
						h.echo(r)
					}
				})
				var checks []*Check
				for i := range 300 {
					c := three(target(i / 3)) // three checks to each target: refused, answered, silent
					c.Interval, c.Size, c.Timeout = time.Duration(i%7)*time.Millisecond, 40+i%3*16, 3*time.Second
					checks = append(checks, c)
				}
				for i, r := range e.all(checks...) {
					expect(t, "beside others", r, [...][5]int{{Refused: 3}, {Replied: 3}, {Lost: 3}}[i%3], nil)
				}
				if s := e.Stats(); s.SendErrors != 0 || s.Forged != 0 {
					t.Errorf("got %d send errors, %d forged", s.SendErrors, s.Forged)
				}
			})
		})
	})
}
