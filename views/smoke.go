package views

import (
	"time"

	"echolot/models"
)

// Smoke is the chart of a monitor's round-trip times and loss over a range. It is drawn from a Series alone: what it says of
// times stands in Zone, what it marks was found by others.
type Smoke struct {
	Series models.Series
	// Begun is when the monitor was made: before it there was nothing to measure, so nothing is called not measured. Zero = always.
	Begun time.Time
	// Interval is the time between two checks; a stretch of more than one and a half without a check was not measured.
	Interval time.Duration
	// Zone is where the axis and the readout tell the time; nil = UTC.
	Zone *time.Location
	// Limits are drawn as dashed lines.
	Limits []SmokeLimit
	// Flags are the incidents that touch the range, in order of time.
	Flags []SmokeFlag
}

// SmokeLimit is a round-trip time that a rule names: "degraded above 25 ms".
type SmokeLimit struct {
	RTT  time.Duration
	Text string
}

// SmokeFlag is an incident on its pole. End is zero while it is open.
type SmokeFlag struct {
	Kind       models.IncidentType
	Start, End time.Time
}

func (s Smoke) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// slot is one step of the cursor: a bucket, or a stretch that was not measured.
type slot struct {
	models.Bucket
	// start and end lie within the range.
	start, end time.Time
	gap        bool
}

// answered is true where there is a round-trip time to draw.
func (s slot) answered() bool { return !s.gap && s.Received > 0 }

// middle is where the slot's values stand: a single check's at its start, a bucket's in its middle.
func (s slot) middle(step time.Duration) time.Time {
	if step == 0 {
		return s.start
	}
	return s.start.Add(s.end.Sub(s.start) / 2)
}

// slots are the buckets with what was not measured between them, in order of time. Neighbouring gaps are one.
func (s Smoke) slots() []slot {
	out := make([]slot, 0, len(s.Series.Buckets)+8)
	gap := func(from, to time.Time) {
		if n := len(out); n > 0 && out[n-1].gap {
			out[n-1].end = to
			return
		}
		out = append(out, slot{start: from, end: to, gap: true})
	}
	at := s.Series.From
	if s.Begun.After(at) {
		at = s.Begun
		if b := s.Series.Buckets; len(b) > 0 {
			at = earlier(at, b[0].Start) // what was measured before is here, wherever it comes from
		}
	}
	for _, b := range s.Series.Buckets {
		start, end := later(b.Start, s.Series.From), earlier(b.Start.Add(b.Length), s.Series.To)
		if !end.After(start) {
			continue
		}
		if start.Sub(at) > s.tolerance(b.Length) {
			gap(at, start)
		}
		if b.Sent == 0 {
			gap(start, end)
			if n := len(out); n > 0 {
				out[n-1].Unknowns += b.Unknowns
			}
		} else {
			out = append(out, slot{Bucket: b, start: start, end: end})
		}
		at = later(at, end)
	}
	if len(s.Series.Buckets) > 0 && s.Series.To.Sub(at) > max(s.tolerance(s.Series.Step), s.Interval*3/2) || len(s.Series.Buckets) == 0 && s.Series.To.After(at) {
		gap(at, s.Series.To)
	}
	return out
}

// tolerance is how long after a bucket's end nothing may come before it is called a gap: half a check where each stands for
// its interval, one and a half intervals between buckets, which may be shorter than the interval.
func (s Smoke) tolerance(length time.Duration) time.Duration {
	if s.Series.Step == 0 {
		return length / 2
	}
	return max(length/2, s.Interval*3/2)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// lossStep is how heavily a loss in per cent is drawn: 0 none at all, 1 below 4, 2 below 15, 3 below 50, 4 more.
func lossStep(percent float64) int {
	switch {
	case percent <= 0:
		return 0
	case percent < 4:
		return 1
	case percent < 15:
		return 2
	case percent < 50:
		return 3
	default:
		return 4
	}
}

// Places of SeriesQuantiles in a bucket.
const (
	p5 = iota
	p25
	p50
	p75
	p95
)
