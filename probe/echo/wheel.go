//go:build linux

package echo

import "math/bits"

const (
	tick       = int64(1e6) // nanoseconds
	fineBits   = 10
	fineTicks  = 1 << fineBits // one turn of the fine ring: 1.024 s
	coarseSize = 256           // 262 s in all, more than a check lasts
)

// wheel is a timing wheel of two rings (Varghese and Lauck, 1987): a fine one of a millisecond a place and a coarse one of
// a turn of the fine one. Slots are linked by their own fields, so that nothing is allocated.
type wheel struct {
	now    int64 // the last tick that was handled
	fine   [fineTicks]*slot
	used   [fineTicks / 64]uint64 // which places of fine are not empty
	coarse [coarseSize]*slot
	count  int
}

// skip has an empty wheel go on to now. After a long sleep that comes before anything is added.
func (w *wheel) skip(now int64) {
	if w.count == 0 {
		w.now = max(w.now, now/tick)
	}
}

// add has the slot fall due at the first tick that is not before at, in nanoseconds; at the next one where that is over.
func (w *wheel) add(s *slot, at int64) {
	s.due = max((at+tick-1)/tick, w.now+1)
	w.count++
	w.place(s)
}

func (w *wheel) place(s *slot) {
	var head **slot
	if s.due-w.now < fineTicks {
		i := s.due & (fineTicks - 1)
		w.used[i>>6] |= 1 << (i & 63)
		head = &w.fine[i]
	} else { // what is farther than the ring reaches is placed again when its end has come
		due := min(s.due, w.now+(coarseSize-1)*fineTicks)
		head = &w.coarse[(due>>fineBits)&(coarseSize-1)]
	}
	s.next, s.prev = *head, nil
	if s.next != nil {
		s.next.prev = s
	}
	*head = s
	s.head = head
}

// remove does nothing where the slot is not in the wheel.
func (w *wheel) remove(s *slot) {
	if s.head == nil {
		return
	}
	w.count--
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		*s.head = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	if i := s.due & (fineTicks - 1); *s.head == nil && s.head == &w.fine[i] {
		w.used[i>>6] &^= 1 << (i & 63)
	}
	s.next, s.prev, s.head = nil, nil, nil
}

// take returns a slot that is due at now, in nanoseconds, or nil; it is out of the wheel then.
func (w *wheel) take(now int64) *slot {
	last := now / tick
	w.skip(now)
	for {
		i := w.now & (fineTicks - 1)
		if s := w.fine[i]; s != nil {
			w.remove(s)
			return s
		}
		if w.now >= last {
			return nil
		}
		w.now = min(w.nextTick(), last)
		if w.now&(fineTicks-1) == 0 {
			w.cascade()
		}
	}
}

// nextTick is the next tick with something to do, at most the end of the fine ring's turn.
func (w *wheel) nextTick() int64 {
	t := w.now + 1
	i := t & (fineTicks - 1)
	if i == 0 {
		return t
	}
	for word := i >> 6; word < fineTicks/64; word++ {
		set := w.used[word]
		if word == i>>6 {
			set &= ^uint64(0) << (i & 63)
		}
		if set != 0 {
			return t - i + word<<6 + int64(bits.TrailingZeros64(set))
		}
	}
	return t - i + fineTicks
}

// cascade moves what falls due in the turn that begins into the fine ring.
func (w *wheel) cascade() {
	head := &w.coarse[(w.now>>fineBits)&(coarseSize-1)]
	s := *head
	*head = nil
	for s != nil {
		next := s.next
		w.place(s)
		s = next
	}
}

// until is when the wheel must be looked at again, in nanoseconds; ok is false where it is empty.
func (w *wheel) until() (at int64, ok bool) {
	if w.count == 0 {
		return 0, false
	}
	return w.nextTick() * tick, true
}
