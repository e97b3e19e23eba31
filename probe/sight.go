package probe

import (
	"slices"
	"time"

	"echolot/models"
)

// blindKept is for how long a blindness that is over is remembered: longer than any check takes.
const blindKept = 2*models.MaxTimeout + 10*time.Second

// blindSpan is a blindness that is over: from the last moment before it that the network worked for sure.
type blindSpan struct {
	from, to time.Time
	why      models.Blindness
}

// quorum is how many of n must be silent for the location to be blind.
func quorum(n int) int {
	if n < 3 {
		return n
	}
	return n/2 + 1
}

// worked is the last moment that the network worked for sure: when the newest request was sent whose answer, with those of
// others, rules out that the location was blind. It needs the lock.
func (s *Sentinels) worked() time.Time {
	var times []time.Time
	for _, one := range s.list {
		if one.counts {
			times = append(times, one.answered)
		}
	}
	if len(times) == 0 {
		return time.Time{}
	}
	slices.SortFunc(times, func(a, b time.Time) int { return b.Compare(a) })
	return times[len(times)-quorum(len(times))]
}

// word is what the sentinels say of a failed check.
type word int

const (
	wordNone  word = iota // not yet
	wordSeen              // the network worked: the failure is the target's
	wordBlind             // it did not, or nobody knows whether it did
)

// sight is what the sentinels know at one moment.
type sight struct {
	counting bool // there is somebody whose silence means something
	worked   time.Time
	blind    *models.Blindness
	from     time.Time
	past     []blindSpan
}

func (s *Sentinels) sight() sight {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sight{
		counting: slices.ContainsFunc(s.list, func(one *sentinel) bool { return one.counts }),
		worked:   s.worked(), blind: s.blind, from: s.from, past: slices.Clone(s.past),
	}
}

// of is the word on a check whose packets were sent from began to last, and why it is wordBlind.
func (s sight) of(began, last time.Time) (word, models.Blindness) {
	for _, p := range s.past {
		if began.Before(p.to) && last.After(p.from) {
			return wordBlind, p.why
		}
	}
	switch {
	case s.blind != nil && last.After(s.from):
		return wordBlind, *s.blind
	case !s.counting || !s.worked.Before(last):
		return wordSeen, models.Blindness{}
	default:
		return wordNone, models.Blindness{}
	}
}
