//go:build linux

package echo

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// The tables of targets and of turns do what maps would do, also while they grow.
func TestTables(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var (
			found      = newTargets()
			turn       = newTurns()
			wantFound  = map[netip.Addr]*target{}
			wantTurn   = map[netip.Addr]uint64{}
			most       = rapid.SampledFrom([]int{3, 500}).Draw(t, "addresses")
			steps      = rapid.IntRange(1, 1000).Draw(t, "steps")
			addressing = rapid.IntRange(0, most-1)
		)
		for range steps {
			i := addressing.Draw(t, "address")
			a := four(i)
			if i%3 == 0 {
				a = netip.AddrFrom16([16]byte{0: 0xfd, 14: byte(i >> 8), 15: byte(i)})
			}
			if got := turn.next(a); got != wantTurn[a] {
				t.Fatalf("%s: got turn %d, want %d", a, got, wantTurn[a])
			}
			wantTurn[a] = 1 - wantTurn[a]

			got := found.find(a)
			if got != wantFound[a] {
				t.Fatalf("%s: got target %v, want %v", a, got, wantFound[a])
			}
			if got == nil {
				wantFound[a] = &target{addr: a, hash: found.hash(a)}
				found.add(wantFound[a])
			} else if rapid.Bool().Draw(t, "remove") {
				found.remove(got)
				delete(wantFound, a)
			}
			if found.n != len(wantFound) || turn.n != len(wantTurn) {
				t.Fatalf("got %d targets and %d turns, want %d and %d", found.n, turn.n, len(wantFound), len(wantTurn))
			}
		}
	})
}

// A target whose bucket is full is forgotten with its last check; one with a check under way is not.
func TestFullTargetIsForgotten(t *testing.T) {
	c := newCaps(Options{})
	first, second := &slot{check: &Check{}, addr: four(1)}, &slot{check: &Check{}, addr: four(1)}
	c.join(first)
	c.join(second)
	c.leave(first, 1)
	if got := c.targets.find(four(1)); got == nil || got.live != second {
		t.Errorf("got %v while a check is under way, want its target", got)
	}
	c.leave(second, 2)
	if got := c.targets.find(four(1)); got != nil || c.resting.n != 0 {
		t.Errorf("got %v and %d at rest, want it forgotten", got, c.resting.n)
	}
}
