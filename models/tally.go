package models

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"
)

// tally is what one bucket counts, in a form that can be added to another's: a Bucket in the making. Times are milliseconds, RTTs
// microseconds.
type tally struct {
	start int64
	times
	// announced is how much of that people had announced: the monitor was in maintenance.
	announced times
	// checks by outcome: success, warning, failure, unknown.
	checks         [4]int64
	sent, received int64
	lost           lossRun
	rtts           rttTally
	// replyTTL and address are of the last reply.
	replyTTL int
	address  netip.Addr
}

// times are how long a monitor was what, in milliseconds.
type times struct{ up, degraded, down, unknown int64 }

func (t times) sum() int64 { return t.up + t.degraded + t.down + t.unknown }

func (t *times) add(u times, sign int64) {
	t.up += sign * u.up
	t.degraded += sign * u.degraded
	t.down += sign * u.down
	t.unknown += sign * u.unknown
}

// spend adds time in a state. Before the first verdict there is none.
func (t *times) spend(state State, millis int64) {
	switch state {
	case StateUp:
		t.up += millis
	case StateDegraded:
		t.degraded += millis
	case StateDown:
		t.down += millis
	case StateUnknown:
		t.unknown += millis
	}
}

// lossRun is the longest run of requests without a reply, and what is needed to know it across two buckets: the runs at both ends.
type lossRun struct{ lead, trail, most int64 }

// rttTally is what is known of the RTTs of n replies: their figures, and their distribution as samples, as quantiles or as a
// sketch (or as samples that belong to a sketch too).
type rttTally struct {
	n, min, max, sum int64
	samples          []int64
	quantiles        *[len(SeriesQuantiles)]int64
	sketch           *ddsketch.DDSketch
	encoded          []byte // a sketch that nobody needed yet
	own              bool   // nobody else has the sketch
}

// sketchError is the relative error of a sketch's quantiles.
const sketchError = 0.01

// newSketch is an empty sketch. All have the same mapping, so that it need not be stored with each.
func newSketch() *ddsketch.DDSketch {
	m, _ := sketchMapping()
	return ddsketch.NewDDSketchFromStoreProvider(m, store.BufferedPaginatedStoreConstructor)
}

func sketchMapping() (mapping.IndexMapping, error) { return mapping.NewLogarithmicMapping(sketchError) }

// add counts one more request.
func (l *lossRun) add(sentBefore int64, replied bool) {
	if replied {
		l.trail = 0
		return
	}
	if l.trail++; l.trail > sentBefore {
		l.lead = l.trail
	}
	l.most = max(l.most, l.trail)
}

// then is the run of a bucket of so many requests followed by another.
func (l lossRun) then(sent int64, next lossRun, nextSent int64) lossRun {
	joined := lossRun{lead: l.lead, trail: next.trail, most: max(l.most, next.most, l.trail+next.lead)}
	if l.trail == sent {
		joined.lead = sent + next.lead
	}
	if next.trail == nextSent {
		joined.trail = nextSent + l.trail
	}
	return joined
}

// count adds a stored result. Of a check that could not be measured only that is counted: its packets say nothing of the target.
func (t *tally) count(row *resultRow) {
	outcome := place(codedOutcomes[:], row.Code.outcome(), 3)
	t.checks[outcome]++
	if row.Code.outcome() == OutcomeUnknown {
		return
	}
	packets := row.packets()
	if row.Details != "" {
		if d := row.details(); d.Counts != nil {
			t.lost = t.lost.then(t.sent, lossRun{}, int64(d.Counts[0]))
			t.sent += int64(d.Counts[0])
			t.received += int64(d.Counts[1])
			packets = nil
		}
	}
	replied := false
	for _, p := range packets {
		t.lost.add(t.sent, p.State == PacketReplied)
		t.sent++
		if p.State == PacketReplied {
			t.received++
			t.rtts.sample(p.RTT.Microseconds())
			replied = true
		}
	}
	if replied {
		t.replyTTL, t.address = row.Code.replyTTL(), row.Address.Addr
	}
}

func (r *rttTally) sample(us int64) {
	r.figures(1, us, us, us)
	r.samples = append(r.samples, us)
}

func (r *rttTally) figures(n, least, most, sum int64) {
	if n == 0 {
		return
	}
	if r.n == 0 || least < r.min {
		r.min = least
	}
	r.max = max(r.max, most)
	r.n += n
	r.sum += sum
}

// spend adds time in a state.
func (t *tally) spend(state State, maintenance bool, millis int64) {
	t.times.spend(state, millis)
	if maintenance {
		t.announced.spend(state, millis)
	}
}

// known tells whether the tally says anything; time before the first verdict does not.
func (t *tally) known() bool {
	return t.times.sum()+t.allChecks() > 0
}

func (t *tally) allChecks() int64 { return t.checks[0] + t.checks[1] + t.checks[2] + t.checks[3] }

// add adds the tally of a later time.
func (t *tally) add(u *tally) {
	t.times.add(u.times, 1)
	t.announced.add(u.announced, 1)
	for i := range t.checks {
		t.checks[i] += u.checks[i]
	}
	t.lost = t.lost.then(t.sent, u.lost, u.sent)
	t.sent += u.sent
	t.received += u.received
	if u.rtts.n > 0 {
		t.replyTTL, t.address = u.replyTTL, u.address
		t.rtts.add(&u.rtts)
	}
}

// add merges two distributions. The first one is taken as it is; from the second on it is a sketch.
func (r *rttTally) add(u *rttTally) {
	if r.n == 0 {
		*r = *u
		r.own = false
		return
	}
	if !r.own {
		*r = rttTally{n: r.n, min: r.min, max: r.max, sum: r.sum, sketch: r.toSketch(), own: true}
	}
	u.pour(r.sketch)
	r.figures(u.n, u.min, u.max, u.sum)
}

// toSketch is a new sketch of the distribution.
func (r *rttTally) toSketch() *ddsketch.DDSketch {
	s := newSketch()
	r.pour(s)
	return s
}

// pour adds the distribution to the sketch.
func (r *rttTally) pour(s *ddsketch.DDSketch) {
	switch {
	case r.sketch != nil:
		_ = s.MergeWith(r.sketch) // the error is about sketches of another accuracy
	case r.encoded != nil:
		_ = s.DecodeAndMergeWith(r.encoded)
	case r.samples != nil:
		for _, us := range r.samples {
			_ = s.Add(float64(us)) // the error is about figures that no RTT reaches
		}
	case r.quantiles != nil:
		r.pourQuantiles(s)
	}
}

// mostPoured bounds the values that stand for the replies of a bucket that has quantiles only.
const mostPoured = 40

// pourQuantiles adds values for the replies, spread evenly between the quantiles: more is not known of them.
func (r *rttTally) pourQuantiles(s *ddsketch.DDSketch) {
	at := [...]float64{0, SeriesQuantiles[0], SeriesQuantiles[1], SeriesQuantiles[2], SeriesQuantiles[3], SeriesQuantiles[4], 1}
	value := [...]int64{r.min, r.quantiles[0], r.quantiles[1], r.quantiles[2], r.quantiles[3], r.quantiles[4], r.max}
	points := min(r.n, mostPoured)
	for i := range points {
		q, k := (float64(i)+0.5)/float64(points), 0
		for k < len(at)-2 && q > at[k+1] {
			k++
		}
		share := (q - at[k]) / (at[k+1] - at[k])
		_ = s.AddWithCount(float64(value[k])+share*float64(value[k+1]-value[k]), float64(r.n)/float64(points))
	}
}

// atQuantiles are the RTTs at SeriesQuantiles.
func (r *rttTally) atQuantiles() (out [len(SeriesQuantiles)]int64) {
	switch {
	case r.n == 0:
		return out
	case r.quantiles != nil:
		return *r.quantiles
	case r.samples != nil:
		sorted := slices.Sorted(slices.Values(r.samples))
		for i, q := range SeriesQuantiles {
			out[i] = sorted[int(q*float64(len(sorted)-1))] // as the sketches do
		}
		return out
	}
	s := r.sketch
	if s == nil {
		s = r.toSketch()
	}
	values, err := s.GetValuesAtQuantiles(SeriesQuantiles[:])
	if err != nil {
		return out // it is empty
	}
	for i, v := range values {
		out[i] = min(max(int64(math.Round(v)), r.min), r.max)
	}
	return out
}

// bucket is the tally as others see it.
func (t *tally) bucket(length time.Duration) Bucket {
	ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	us := func(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
	b := Bucket{Start: time.UnixMilli(t.start).UTC(), Length: length, Up: ms(t.up), Degraded: ms(t.degraded), Down: ms(t.down), Unknown: ms(t.unknown),
		Maintenance: ms(t.announced.sum()), Successes: int(t.checks[0]), Warnings: int(t.checks[1]), Failures: int(t.checks[2]), Unknowns: int(t.checks[3]),
		Sent: int(t.sent), Received: int(t.received), LossRun: int(t.lost.most), RTTMin: us(t.rtts.min), RTTMax: us(t.rtts.max),
		ReplyTTL: t.replyTTL, Address: addrText(t.address)}
	if t.rtts.n > 0 {
		b.RTTAvg = us((t.rtts.sum + t.rtts.n/2) / t.rtts.n)
	}
	for i, v := range t.rtts.atQuantiles() {
		b.Quantiles[i] = us(v)
	}
	return b
}
