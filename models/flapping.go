package models

import (
	"encoding/binary"
	"time"
)

// A monitor flaps from its flapAt-th turn of the verdict within flapSpan on, until no more than flapEnd are left in it. The gap
// between the two keeps the notice from flapping.
const (
	flapSpan = time.Hour
	flapAt   = 6
	flapEnd  = 2
)

// MaxFlips is how many turns of the verdict a state remembers, the newest; more an hour than this count as this many.
const MaxFlips = 60

const flipBytes = 4 // seconds since 1970, until 2106

// Flapping is true while the verdict turns too often: one incident then stays open, and it is told once.
func (s MonitorState) Flapping() bool { return !s.FlappingSince.IsZero() }

// FlipsWithinHour is how often the verdict turned in the hour before now, at most MaxFlips.
func (s MonitorState) FlipsWithinHour(now time.Time) int {
	return len(recentFlips(s.Flips, now)) / flipBytes
}

// recentFlips are those of the last hour. What is of the future is of a clock that was set back since, and gone.
func recentFlips(packed []byte, now time.Time) []byte {
	var kept []byte
	for ; len(packed) >= flipBytes; packed = packed[flipBytes:] {
		if age := now.Unix() - int64(binary.BigEndian.Uint32(packed)); age >= 0 && age < int64(flapSpan/time.Second) {
			kept = append(kept, packed[:flipBytes]...)
		}
	}
	return kept
}

// flip notes at a measured check whether the verdict turned. The first verdict, from pending, is none.
func (s *MonitorState) flip(before State, now time.Time) {
	s.Flips = recentFlips(s.Flips, now)
	if before != s.Measured && before != StatePending {
		s.Flips = binary.BigEndian.AppendUint32(s.Flips, uint32(now.Unix()))
		if over := len(s.Flips) - MaxFlips*flipBytes; over > 0 {
			s.Flips = s.Flips[over:]
		}
	}
	switch n := len(s.Flips) / flipBytes; {
	case n <= flapEnd:
		s.FlappingSince = time.Time{}
	case n >= flapAt && s.FlappingSince.IsZero():
		s.FlappingSince = now
	}
}
