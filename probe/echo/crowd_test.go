//go:build linux

package echo

import (
	"net/netip"
	"testing"
	"time"

	"echolot/probe/lab"
)

// T19: 500 checks at once, every other target silent, and a responder that sends every payload to every identifier and
// sequence number that it saw of late, from everybody's address. No silent target is up, no check bears the identifier of
// the target's last one.
func TestCrowd(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		h := newHostile(t)
		sockets(t, func(t *testing.T, o Options) {
			families(t, func(t *testing.T, target func(int) netip.Addr) {
				const targets = 500
				silent := map[netip.Addr]bool{}
				for i := range targets {
					silent[target(i)] = i%2 == 1
				}
				var recent []request
				h.behave(func(r request) {
					if !silent[r.to] {
						h.echo(r)
					}
					for _, old := range recent {
						if old.id == r.id && old.seq == r.seq {
							continue // that would be right
						}
						h.reply(r.to, r, old.id, old.seq, r.payload) // ours for others
						h.reply(old.to, r, r.id, r.seq, r.payload)   // ours from another
						if len(r.payload) >= TokenSize {             // smaller ones are all alike
							h.reply(r.to, r, r.id, r.seq, old.payload)     // others' for ours
							h.reply(old.to, r, old.id, old.seq, r.payload) // ours as another's
						}
					}
					if recent = append(recent, r); len(recent) > 2 {
						recent = recent[1:]
					}
				})
				e := newRig(t, o)
				last := map[netip.Addr]uint16{}
				for round := range 2 {
					seen := map[netip.Addr]int{}
					for i := range targets {
						seen[target(i)] = len(h.requests(target(i)))
					}
					var checks []*Check
					for i := range targets {
						c := three(target(i))
						c.Interval, c.Timeout = 10*time.Millisecond, 3*time.Second
						if round == 1 {
							c.Size = 12 // without tokens
						}
						checks = append(checks, c)
					}
					for i, r := range e.all(checks...) {
						want := [5]int{Replied: 3}
						if i%2 == 1 {
							want = [5]int{Lost: 3}
						}
						expect(t, "in the crowd", r, want, nil)
					}
					for i := range targets {
						new := h.requests(target(i))[seen[target(i)]:]
						if len(new) != 3 || new[0].id != new[1].id || new[1].id != new[2].id {
							t.Fatalf("got %d requests of different identifiers", len(new))
						}
						if new[0].seq == new[1].seq || new[1].seq == new[2].seq {
							t.Errorf("two packets of a check bear the sequence %d", new[1].seq)
						}
						if id, ok := last[target(i)]; ok && id == new[0].id {
							t.Errorf("two checks of %s in a row bear the identifier %d", target(i), id)
						}
						last[target(i)] = new[0].id
					}
				}
				if s := e.Stats(); s.Forged < 1000 {
					t.Errorf("got %d forged, want thousands", s.Forged)
				}
			})
		})
	})
}
