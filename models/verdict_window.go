package models

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"
)

// windowParts is how many parts a window has at most, however many checks fall into it: so the oldest checks leave it in steps of
// a sixtieth, and a state row stays small.
const windowParts = 60

// sketchAccuracy is how far a p95 of a window may be off, and sketchBins how many bins a part's sketch has at most: RTTs from 1 µs
// to 60 s, the longest time for a check, take 900.
const (
	sketchAccuracy = 0.01
	sketchBins     = 1024
)

// windowPart is the sum of the checks that began in one part of a window.
type windowPart struct {
	// at numbers the part since 1970, in parts of this window's length.
	at             int64
	sent, received int
	rtt            int64  // microseconds, the sum
	sketch         []byte // of the RTTs in microseconds, for a p95 only
}

// window is the memory of a rule that looks back. Packed, it is MonitorState.WindowChecks: its seconds, its measure, then its
// parts, oldest first, each as unsigned varints.
type window struct {
	seconds int64
	p95     bool
	parts   []windowPart
}

// remember adds the check to what packed holds and drops what is out of the rule's window by then. It returns the window's
// figures and the new packed form. What is of another window, or not readable, is forgotten.
func (rule Rule) remember(packed []byte, r Result) (figures, []byte) {
	w := window{seconds: int64(rule.Window / time.Second), p95: rule.Latency == LatencyP95}
	now := r.StartedAt().UnixMilli() * windowParts / (w.seconds * 1000)
	if kept, ok := unpackWindow(packed); ok && kept.seconds == w.seconds && kept.p95 == w.p95 {
		w.parts = slices.DeleteFunc(kept.parts, func(part windowPart) bool {
			return part.at <= now-windowParts || part.at > now // those to come are of a clock that was set back since
		})
	}
	w.add(now, r)
	return w.figures(), w.pack()
}

func (w *window) add(at int64, r Result) {
	if n := len(w.parts); n == 0 || w.parts[n-1].at != at {
		w.parts = append(w.parts, windowPart{at: at})
	}
	part := &w.parts[len(w.parts)-1]
	part.sent += r.Sent
	part.received += r.Received
	var sketch *ddsketch.DDSketch
	if w.p95 {
		sketch = newWindowSketch()
		// What does not decode is left out, here and in figures: a verdict must not hang on one damaged row.
		_ = sketch.DecodeAndMergeWith(part.sketch)
	}
	for _, p := range r.Packets {
		if p.State != PacketReplied {
			continue
		}
		part.rtt += p.RTT.Microseconds()
		if sketch != nil {
			_ = sketch.Add(float64(p.RTT.Microseconds())) // fails above 1e308 only
		}
	}
	if sketch != nil {
		part.sketch = nil
		sketch.Encode(&part.sketch, true)
	}
}

func (w *window) figures() figures {
	var f figures
	var rtt int64
	for _, part := range w.parts {
		f.sent += part.sent
		f.received += part.received
		rtt += part.rtt
	}
	if f.received == 0 {
		return f
	}
	f.latency = time.Duration(rtt) * time.Microsecond / time.Duration(f.received)
	if w.p95 {
		all := newWindowSketch()
		for _, part := range w.parts {
			_ = all.DecodeAndMergeWith(part.sketch)
		}
		if us, err := all.GetValueAtQuantile(p95Quantile(f.received)); err == nil {
			f.latency = time.Duration(math.Round(us)) * time.Microsecond
		}
	}
	return f
}

// p95Quantile is the quantile at which a sketch of n values gives the one that p95 gives of a check: sketches count ranks from 0
// to n-1 and take the value whose rank is the next below. The half keeps clear of rounding.
func p95Quantile(n int) float64 {
	rank := p95Rank(n)
	if rank == n-1 {
		return 1
	}
	return (float64(rank) + 0.5) / float64(n-1)
}

// newWindowSketch is an empty sketch as parts of windows have it.
func newWindowSketch() *ddsketch.DDSketch {
	m, err := mapping.NewLogarithmicMapping(sketchAccuracy)
	if err != nil {
		panic(err) // the accuracy is a constant between 0 and 1
	}
	return ddsketch.NewDDSketch(m, store.NewCollapsingLowestDenseStore(sketchBins), store.NewCollapsingLowestDenseStore(1))
}

func (w *window) pack() []byte {
	b := binary.AppendUvarint(nil, uint64(w.seconds))
	if w.p95 {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	var last int64
	for _, part := range w.parts {
		for _, n := range [...]int64{part.at - last, int64(part.sent), int64(part.received), part.rtt} {
			b = binary.AppendUvarint(b, uint64(n))
		}
		last = part.at
		if w.p95 {
			b = append(binary.AppendUvarint(b, uint64(len(part.sketch))), part.sketch...)
		}
	}
	return b
}

// unpackWindow reads what pack wrote.
func unpackWindow(packed []byte) (w window, ok bool) {
	d := resultDecoder{rest: packed}
	w.seconds, w.p95 = int64(d.uvarint()), d.byte() == 1
	w.parts = make([]windowPart, 0, windowParts+1) // one more is added before the oldest leaves
	var last int64
	for len(d.rest) > 0 {
		part := windowPart{at: last + int64(d.uvarint()), sent: int(d.uvarint()), received: int(d.uvarint()), rtt: int64(d.uvarint())}
		last = part.at
		if w.p95 {
			part.sketch = d.take(int(min(d.uvarint(), uint64(len(d.rest)+1))))
		}
		w.parts = append(w.parts, part)
	}
	return w, !d.bad
}
