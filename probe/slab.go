package probe

// none is no place.
const none int32 = -1

// slabBits: 1,024 schedules at a time, so that growing never copies a million of them.
const (
	slabBits  = 10
	slabChunk = 1 << slabBits
)

// slab holds schedules by place. Places are small numbers that link schedules to lists, and are used again.
type slab struct {
	chunks []*[slabChunk]schedule
	free   int32 // the first of the list of free places
}

func newSlab() slab { return slab{free: none} }

// at is the schedule at a place. The pointer stays good as long as the place is taken.
func (s *slab) at(p int32) *schedule {
	return &s.chunks[p>>slabBits][p&(slabChunk-1)]
}

// take returns a free place with an empty schedule.
func (s *slab) take() int32 {
	if s.free == none {
		first := int32(len(s.chunks)) << slabBits
		s.chunks = append(s.chunks, new([slabChunk]schedule))
		for p := first + slabChunk - 1; p >= first; p-- {
			s.release(p)
		}
	}
	p := s.free
	s.free = s.at(p).waitAfter
	*s.at(p) = schedule{}
	return p
}

// release gives a place back that is in no list.
func (s *slab) release(p int32) {
	*s.at(p) = schedule{waitAfter: s.free}
	s.free = p
}

// waits is which queue a schedule waits in for room.
type waits uint8

const (
	waitsNot waits = iota
	waitsTurn
	waitsUrgent
)

// fifo is a list of those that wait, the first to come first.
type fifo struct {
	slab        *slab
	first, last int32
	n           int
}

func newFIFO(s *slab) fifo { return fifo{slab: s, first: none, last: none} }

func (f *fifo) push(p int32) {
	m := f.slab.at(p)
	m.waitBefore, m.waitAfter = f.last, none
	if f.last == none {
		f.first = p
	} else {
		f.slab.at(f.last).waitAfter = p
	}
	f.last = p
	f.n++
}

func (f *fifo) remove(p int32) {
	m := f.slab.at(p)
	if m.waitBefore == none {
		f.first = m.waitAfter
	} else {
		f.slab.at(m.waitBefore).waitAfter = m.waitAfter
	}
	if m.waitAfter == none {
		f.last = m.waitBefore
	} else {
		f.slab.at(m.waitAfter).waitBefore = m.waitBefore
	}
	f.n--
}
