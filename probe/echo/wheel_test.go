//go:build linux

package echo

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// wheelModel is what a wheel does, said simply: slots and the ticks at which they are due.
type wheelModel struct {
	due map[*slot]int64
	now int64
}

// least is the earliest due tick.
func (m *wheelModel) least() (int64, bool) {
	found := false
	var least int64
	for _, due := range m.due {
		if !found || due < least {
			found, least = true, due
		}
	}
	return least, found
}

// A wheel gives every slot back at the first tick that is not before its time, never before it, in order, whatever else
// happens; and says when it must be looked at again.
func TestWheel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, m := &wheel{}, &wheelModel{due: map[*slot]int64{}}
		var now int64
		slots := make([]*slot, 40)
		for i := range slots {
			slots[i] = &slot{}
		}
		spans := rapid.OneOf( // within a turn, within a few, as long as a check can last, and more than the rings reach
			rapid.Int64Range(0, 3*tick), rapid.Int64Range(0, 2000*tick), rapid.Int64Range(0, 5000*tick), rapid.Int64Range(0, 262*1000*tick),
			rapid.Int64Range(0, 2000*1000*tick))
		look := func(t *rapid.T) {
			got := map[*slot]bool{}
			last := int64(0)
			for s := w.take(now); s != nil; s = w.take(now) {
				due, is := m.due[s]
				if !is || got[s] {
					t.Fatalf("a slot came that is not in the wheel")
				}
				if due > now/tick {
					t.Fatalf("at %d a slot came that is due at %d", now/tick, due)
				}
				if due < last {
					t.Fatalf("a slot that is due at %d came after one of %d", due, last)
				}
				last = due
				got[s] = true
				delete(m.due, s)
			}
			if least, some := m.least(); some && least <= now/tick {
				t.Fatalf("at %d a slot did not come that was due at %d", now/tick, least)
			}
			m.now = now / tick
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				s := slots[rapid.IntRange(0, len(slots)-1).Draw(t, "slot")]
				if _, in := m.due[s]; in {
					t.Skip()
				}
				if len(m.due) == 0 {
					w.skip(now)
					m.now = max(m.now, now/tick)
				}
				at := now + spans.Draw(t, "in") - rapid.Int64Range(0, 2).Draw(t, "less")
				w.add(s, at)
				m.due[s] = max((at+tick-1)/tick, m.now+1)
			},
			"remove": func(t *rapid.T) {
				s := slots[rapid.IntRange(0, len(slots)-1).Draw(t, "slot")]
				w.remove(s)
				delete(m.due, s)
			},
			"time passes": func(t *rapid.T) {
				now += spans.Draw(t, "by")
				look(t)
			},
			"time passes unseen": func(t *rapid.T) { now += spans.Draw(t, "by") },
			"sleep": func(t *rapid.T) { // as the engine does: until the wheel says so
				look(t)
				for range 3000 {
					at, ok := w.until()
					least, some := m.least()
					if ok != some {
						t.Fatalf("the wheel wants to be looked at: %t; something is due: %t", ok, some)
					}
					if !some {
						return
					}
					if at > least*tick {
						t.Fatalf("at %d the wheel wants to be looked at at %d, but a slot is due at %d", now/tick, at/tick, least)
					}
					if at <= now {
						t.Fatalf("at %d the wheel wants to be looked at at %d", now, at)
					}
					if now = at; now/tick >= least {
						look(t)
						return
					}
					look(t)
				}
				t.Fatalf("the wheel was looked at 3000 times for nothing")
			},
			"": func(t *rapid.T) {
				if w.count != len(m.due) {
					t.Fatalf("got %d slots, want %d", w.count, len(m.due))
				}
			},
		})
		now += 3_000_000 * tick
		look(t)
		if w.count != 0 || slices.ContainsFunc(slots, func(s *slot) bool { return s.head != nil }) {
			t.Fatalf("%d slots are left", w.count)
		}
	})
}

// A removed slot must not wake anybody: an engine whose checks are all answered sleeps.
func TestWheelForgetsRemoved(t *testing.T) {
	w := &wheel{}
	first, last := &slot{}, &slot{}
	w.add(first, 5*tick)
	w.add(last, 900*tick)
	w.remove(first)
	if at, _ := w.until(); at != 900*tick {
		t.Errorf("got %s, want 900 ms", time.Duration(at))
	}
}
