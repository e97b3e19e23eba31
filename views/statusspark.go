package views

import (
	"math"
	"strconv"
	"strings"
	"time"

	"echolot/models"

	"github.com/a-h/templ"
)

// lastDay is the last day of a component as a small chart: RTT stands on the floor, loss hangs from the top, and what was not measured
// is a dot on the floor. It has no text: its foot has.
type lastDay struct {
	height, stride int
	top            time.Duration // the RTT at the top
	buckets        map[int]models.Bucket
	slots          int
}

func newLastDay(s models.Series, height, stride int, most func(models.Bucket) time.Duration) lastDay {
	t := lastDay{height: height, stride: stride, buckets: map[int]models.Bucket{}}
	if s.Step <= 0 {
		return t
	}
	t.slots = int(s.To.Sub(s.From) / s.Step)
	for _, b := range s.Buckets {
		if at := int(b.Start.Sub(s.From) / s.Step); at >= 0 && at < t.slots && b.Sent > 0 {
			t.buckets[at] = b
			t.top = max(t.top, most(b))
		}
	}
	return t
}

// y is how far below the top the RTT is.
func (t lastDay) y(d time.Duration) string {
	return strconv.Itoa(t.height - int(math.Round(0.94*float64(t.height)*float64(d)/float64(max(t.top, 1)))))
}

// steps draws the figure of each bucket as a step as wide as it; there is no line over a gap.
func (t lastDay) steps(of func(models.Bucket) time.Duration) string {
	var b strings.Builder
	width := strconv.Itoa(t.stride)
	open := false
	for i := range t.slots {
		bucket, ok := t.buckets[i]
		if ok = ok && bucket.Received > 0; ok && open {
			b.WriteString("V" + t.y(of(bucket)) + "h" + width)
		} else if ok {
			b.WriteString("M" + strconv.Itoa(i*t.stride) + " " + t.y(of(bucket)) + "h" + width)
		}
		open = ok
	}
	return b.String()
}

// band draws what lies between two quantiles.
func (t lastDay) band(low, high int) string {
	var b strings.Builder
	width := strconv.Itoa(t.stride)
	for i := 0; i < t.slots; i++ {
		first := i
		for ; i < t.slots && t.buckets[i].Received > 0; i++ {
			top := t.y(t.buckets[i].Quantiles[high])
			if i == first {
				b.WriteString("M" + strconv.Itoa(i*t.stride) + " " + top)
			} else {
				b.WriteString("V" + top)
			}
			b.WriteString("h" + width)
		}
		for j := i - 1; j >= first; j-- {
			b.WriteString("V" + t.y(t.buckets[j].Quantiles[low]) + "h-" + width)
		}
		if i > first {
			b.WriteString("z")
		}
	}
	return b.String()
}

// marks are lost packets, hanging: height √loss, so that little is seen too; all lost reaches the floor. And gaps.
func (t lastDay) marks() string {
	var some, all, none strings.Builder
	rect := func(b *strings.Builder, i, y, height int) {
		b.WriteString("M" + strconv.Itoa(i*t.stride) + " " + strconv.Itoa(y) + "h" + strconv.Itoa(t.stride) + "v" + strconv.Itoa(height) + "h-" + strconv.Itoa(t.stride) + "z")
	}
	for i := range t.slots {
		bucket, ok := t.buckets[i]
		switch loss := bucket.LossPercent() / 100; {
		case !ok:
			rect(&none, i, t.height-t.height/15, t.height/15)
		case loss >= 1:
			rect(&all, i, 0, t.height)
		case loss > 0:
			rect(&some, i, 0, max(t.height/10, int(math.Round(0.6*math.Sqrt(loss)*float64(t.height)))))
		}
	}
	return svgPath("d-deg", some.String()) + svgPath("d-down", all.String()) + svgPath("d-none", none.String())
}

func svgPath(class, d string) string {
	if d == "" {
		return ""
	}
	return `<path class="` + class + `" d="` + d + `"/>`
}

func average(b models.Bucket) time.Duration { return b.RTTAvg }

// sparkline draws the average round-trip time of each half hour.
func sparkline(s models.Series) templ.Component {
	t := newLastDay(s, 60, 2, average)
	return pieces(`<svg class="spark" viewBox="0 0 96 60" preserveAspectRatio="none" aria-hidden="true">`, t.marks(), svgPath("sp", t.steps(average)), `</svg>`)
}

// The quantiles' places in models.SeriesQuantiles.
const (
	q05 = iota
	q25
	q50
	q75
	q95
)

// smokeLast draws the bands of p5 to p95 and p25 to p75 and the median of each half hour.
func smokeLast(s models.Series) templ.Component {
	t := newLastDay(s, 96, 10, func(b models.Bucket) time.Duration { return b.Quantiles[q95] })
	return pieces(`<svg class="spark" viewBox="0 0 480 96" preserveAspectRatio="none" aria-hidden="true">`, svgPath("b1", t.band(q05, q95)), svgPath("b2", t.band(q25, q75)),
		t.marks(), svgPath("sp", t.steps(func(b models.Bucket) time.Duration { return b.Quantiles[q50] })), `</svg>`)
}

// rttRange says from where to where the half hours' averages went.
func (p StatusPage) rttRange(s models.Series) string {
	var least, most time.Duration
	sent := 0
	for _, b := range s.Buckets {
		sent += b.Sent
		if b.Received == 0 {
			continue
		}
		if least == 0 || b.RTTAvg < least {
			least = b.RTTAvg
		}
		most = max(most, b.RTTAvg)
	}
	switch {
	case sent == 0:
		return p.T("not measured")
	case most == 0:
		return p.T("no reply")
	case p.ms(least) == p.ms(most):
		return p.ms(most)
	}
	return strings.TrimSuffix(p.ms(least), nbsp+"ms") + "–" + p.ms(most)
}
