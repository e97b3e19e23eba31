package probe

import (
	"net/netip"
	"time"

	"echolot/models"
)

const (
	// missedMost is how many requests in a row a sentinel leaves unanswered before it is silent: one packet may get lost.
	missedMost = 2
	// sentinelTimeout is the time for one answer: shorter than the pause between two requests in trouble, so that each request
	// has its answer or is missed before the next.
	sentinelTimeout = 900 * time.Millisecond
)

// sentinel is one host that is asked whether our own network works. It is guarded by its Sentinels' lock.
type sentinel struct {
	host    string
	gateway netip.Addr // valid where it is a default gateway that was found
	// counts is true where its silence means something.
	counts bool
	// routeless is true for a gateway whose default route is gone, and that of its family with it. It may answer still, being
	// next to us: but nothing leads through it.
	routeless bool
	// trouble is why it can not be asked, in words; empty where it can.
	trouble string

	asking bool      // a request is under way
	asked  time.Time // when the last request was sent
	// answered is when the newest request was sent that was answered; zero = never.
	answered time.Time
	missed   int       // requests in a row without an answer
	since    time.Time // when the first of them was sent, or the route was gone
}

// name is what people call it.
func (s *sentinel) name() string {
	switch {
	case s.routeless:
		return "no default route (it was by " + s.host + ")"
	case s.gateway.IsValid():
		return "gateway " + s.host
	default:
		return s.host
	}
}

func (s *sentinel) silent() bool { return s.counts && (s.routeless || s.missed >= missedMost) }

// check is the next request to it.
func (s *sentinel) check(location int64, now time.Time) models.Check {
	return models.Check{Slot: now.UnixMilli(), Kind: models.KindScheduled, Location: location, Spec: models.Spec{
		Host: s.host, Count: 1, PacketSize: 56, Interval: models.MinPacketGap, Timeout: sentinelTimeout, Family: "auto",
	}}
}

// heard takes the result of a request.
func (s *sentinel) heard(r models.Result) {
	s.asking = false
	switch {
	case r.Received > 0:
		s.answered, s.missed, s.trouble, s.counts = s.asked, 0, "", true
	case r.Outcome == models.OutcomeUnknown && ours(r.Cause):
		s.trouble = r.Detail // it was not asked, so it said nothing
		if s.trouble == "" {
			s.trouble = string(r.Cause)
		}
	default:
		s.trouble = ""
		if r.Outcome == models.OutcomeUnknown {
			s.trouble = r.Detail
		}
		if s.missed++; s.missed == 1 {
			s.since = s.asked
		}
	}
}

// ours tells the causes for which nothing was asked that the network had a part in. A packet that finds no route, and a name
// that is not resolved, are signs of a network that does not work.
func ours(c models.Cause) bool {
	switch c {
	case models.CauseTargetNotAllowed, models.CauseNoPermission, models.CauseOverload, models.CauseClockStep:
		return true
	}
	return false
}

func (s *sentinel) figures() models.SentinelFigures {
	return models.SentinelFigures{Host: s.host, Gateway: s.gateway.IsValid(), Counts: s.counts, Trouble: s.trouble,
		Answers: !s.routeless && s.missed == 0 && !s.answered.IsZero()}
}
