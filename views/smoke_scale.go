package views

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// rttScale is the vertical axis: from 0 to top, a line at each multiple of step.
type rttScale struct {
	top, step time.Duration
}

// emptyTop is the axis of a chart that has nothing to show.
const emptyTop = 10 * time.Millisecond

// clipQuantile is how many of the buckets' p95 the axis must hold; what stands above is cut off, so that one
// bucket in a hundred does not press all others flat. The medians are always inside.
const clipQuantile = 0.98

// scaleFor chooses the axis for the slots. A limit is held where that costs the data less than half of the height.
func scaleFor(slots []slot, limits []SmokeLimit) rttScale {
	var need time.Duration
	var tops []time.Duration
	for _, s := range slots {
		if s.answered() {
			need = max(need, s.Quantiles[p50])
			tops = append(tops, s.Quantiles[p95])
		}
	}
	if len(tops) > 0 {
		slices.Sort(tops)
		need = max(need, tops[int(float64(len(tops)-1)*clipQuantile)])
	}
	for _, l := range limits {
		if l.RTT > need && l.RTT <= 2*need {
			need = l.RTT + l.RTT/20
		}
	}
	if need <= 0 {
		need = emptyTop
	}
	step := niceStep(need)
	return rttScale{top: (need + step - 1) / step * step, step: step}
}

// niceStep is 1, 2 or 5 times a power of ten, so that at most five of it reach the need.
func niceStep(need time.Duration) time.Duration {
	rough := float64(need) / 5
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, m := range [...]float64{1, 2, 5, 10} {
		if m*power >= rough {
			return time.Duration(math.Round(m * power))
		}
	}
	return need
}

// label writes a value of the axis in the unit that the whole axis has; where there is room, the unit stands at the top.
func (r rttScale) label(v time.Duration, unitToo bool) string {
	unit, name := time.Millisecond, "ms"
	switch {
	case r.top >= time.Second:
		unit, name = time.Second, "s"
	case r.top < time.Millisecond:
		unit, name = time.Microsecond, "µs"
	}
	text := strconv.FormatFloat(float64(v)/float64(unit), 'f', -1, 64)
	if unitToo && v+r.step > r.top {
		text += nbsp + name
	}
	return text
}

// tick is one mark of the time axis. Strong ones begin a day, or a year.
type tick struct {
	at     time.Time
	text   string
	strong bool
}

// tickSteps are the distances between marks below a day.
var tickSteps = [...]time.Duration{time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
	15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour}

// dayTime is a day without a change of the clocks.
const dayTime = 24 * time.Hour

// ticksFor are at most so many marks between two times, at round times of the zone.
func ticksFor(from, to time.Time, zone *time.Location, most int) []tick {
	span := to.Sub(from)
	if most < 1 || span <= 0 {
		return nil
	}
	for _, step := range tickSteps {
		if span <= step*time.Duration(most) {
			return clockTicks(from.In(zone), to, step)
		}
	}
	for _, days := range [...]int{1, 2, 7, 14} {
		if span <= time.Duration(days*most)*dayTime {
			return dayTicks(from.In(zone), to, days)
		}
	}
	for _, months := range [...]int{1, 2, 3, 6} {
		if span <= time.Duration(months*most)*31*dayTime {
			return monthTicks(from.In(zone), to, months)
		}
	}
	return monthTicks(from.In(zone), to, 12)
}

// clockTicks counts from each local midnight, so that a day with a change of the clocks keeps its round hours.
func clockTicks(from, to time.Time, step time.Duration) []tick {
	var out []tick
	y, m, d := from.Date()
	for day := 0; ; day++ {
		midnight := time.Date(y, m, d+day, 0, 0, 0, 0, from.Location())
		if midnight.After(to) {
			return out
		}
		for sec := 0; sec < int(dayTime/time.Second); sec += int(step / time.Second) {
			at := time.Date(y, m, d+day, 0, 0, sec, 0, from.Location())
			if at.Before(from) || at.After(to) || len(out) > 0 && !at.After(out[len(out)-1].at) {
				continue
			}
			t := tick{at: at, text: at.Format("15:04"), strong: sec == 0}
			if step < time.Minute {
				t.text = at.Format("15:04:05")
			}
			if sec == 0 {
				t.text = at.Format("Mon 2")
			}
			out = append(out, t)
		}
	}
}

func dayTicks(from, to time.Time, days int) []tick {
	var out []tick
	y, m, d := from.Date()
	if days == 7 || days == 14 { // weeks begin on Monday
		d -= (int(from.Weekday()) + 6) % 7
	}
	for at := time.Date(y, m, d, 0, 0, 0, 0, from.Location()); !at.After(to); at = time.Date(y, m, d, 0, 0, 0, 0, from.Location()) {
		if !at.Before(from) {
			out = append(out, tick{at: at, text: at.Format("2 Jan"), strong: at.YearDay() == 1})
		}
		d += days
	}
	return out
}

func monthTicks(from, to time.Time, months int) []tick {
	var out []tick
	y, m := from.Year(), 1
	for at := from; !at.After(to); m += months {
		at = time.Date(y, time.Month(m), 1, 0, 0, 0, 0, from.Location())
		if at.Before(from) || at.After(to) {
			continue
		}
		t := tick{at: at, text: at.Format("Jan"), strong: at.Month() == time.January}
		if t.strong {
			t.text = at.Format("2006")
		}
		out = append(out, t)
	}
	return out
}
