package views

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// stamp writes a moment of the chart in its zone: with the day, and with seconds where minutes would not tell two apart.
func (s Smoke) stamp(t time.Time) string {
	return t.In(s.zone()).Format("2 Jan ") + s.hour(t)
}

func (s Smoke) hour(t time.Time) string {
	if s.Series.Step%time.Minute != 0 || s.Series.To.Sub(s.Series.From) < 10*time.Minute {
		return t.In(s.zone()).Format("15:04:05")
	}
	return t.In(s.zone()).Format("15:04")
}

// when is the time of a slot: a single check's moment, or from and to.
func (s Smoke) when(at slot) string {
	from, to := at.start.In(s.zone()), at.end.In(s.zone())
	switch {
	case s.Series.Step == 0 && !at.gap:
		return from.Format("2 Jan 15:04:05")
	case at.end.Sub(at.start) >= dayTime && from.Format("15:04") == "00:00" && to.Format("15:04") == "00:00":
		if last := to.AddDate(0, 0, -1); last.After(from) {
			return from.Format("2 Jan") + "–" + last.Format("2 Jan 2006")
		}
		return from.Format("2 Jan 2006")
	case s.stamp(at.start) == s.stamp(at.end):
		return s.stamp(at.start)
	case from.YearDay() == to.YearDay():
		return s.stamp(at.start) + "–" + s.hour(at.end)
	default:
		return s.stamp(at.start) + " – " + s.stamp(at.end)
	}
}

// zoneName is what stands after a time: UTC, or the zone's own short name.
func (s Smoke) zoneName() string {
	if s.zone() == time.UTC {
		return "UTC"
	}
	return s.Series.To.In(s.zone()).Format("MST")
}

// figure is one of the readout: a word and its value, which may be lossy.
type figure struct{ word, value, after, class string }

// readout are the exact values of a slot. chart.js has the same rule for the slot under the cursor.
func (d drawing) readout(at slot) []figure {
	if at.gap {
		return []figure{{word: "not measured"}}
	}
	var out []figure
	if at.answered() {
		q := at.Quantiles
		out = append(out, figure{word: "median", value: milliseconds(q[p50]) + nbsp + "ms"},
			figure{word: "p5–p95", value: milliseconds(q[p5]) + "–" + milliseconds(q[p95])},
			figure{word: "p25–p75", value: milliseconds(q[p25]) + "–" + milliseconds(q[p75])})
	} else {
		out = append(out, figure{word: "no reply"})
	}
	loss := figure{word: "loss", value: percent(at.LossPercent()) + nbsp + "%", after: "(" + thousands(int64(at.Sent-at.Received)) + " of " + thousands(int64(at.Sent)) + ")"}
	if at.Received < at.Sent {
		loss.class = "lossy"
	}
	out = append(out, loss)
	if d.Series.Step > 0 {
		out = append(out, figure{word: count(at.Checks(), "check", "checks")})
	}
	if at.Unknowns > 0 {
		out = append(out, figure{word: thousands(int64(at.Unknowns)) + " not measured"})
	}
	return out
}

// last is the newest slot; ok is false where there is none.
func (d drawing) last() (slot, bool) {
	if len(d.slots) == 0 {
		return slot{}, false
	}
	return d.slots[len(d.slots)-1], true
}

// title says what the chart shows; with the years where it is of more than one: from 25 Nov to 25 Nov would be no time at all.
func (d drawing) title() string {
	from, to := d.Series.From.In(d.zone()), d.Series.To.In(d.zone())
	if from.Year() != to.Year() {
		return "Round-trip time and loss, " + from.Format("2 Jan 2006") + " to " + to.Format("2 Jan 2006") + " " + d.zoneName()
	}
	return "Round-trip time and loss, " + d.stamp(d.Series.From) + " to " + d.stamp(d.Series.To) + " " + d.zoneName()
}

// description says the most that can be said without the picture.
func (d drawing) description() string {
	var medians []time.Duration
	var worst slot
	var gaps []string
	for _, s := range d.slots {
		switch {
		case s.gap:
			gaps = append(gaps, d.when(s))
		case s.LossPercent() > worst.LossPercent():
			worst = s
		}
		if s.answered() {
			medians = append(medians, s.Quantiles[p50])
		}
	}
	var said []string
	if len(medians) > 0 {
		slices.Sort(medians)
		said = append(said, "Median "+milliseconds(medians[len(medians)/2])+" ms.")
	} else {
		said = append(said, "No replies.")
	}
	if worst.Sent > 0 {
		said = append(said, "Loss of up to "+percent(worst.LossPercent())+" %, "+d.when(worst)+".")
	} else if len(medians) > 0 {
		said = append(said, "No loss.")
	}
	if n := len(gaps); n > 3 {
		said = append(said, count(n, "stretch", "stretches")+" not measured.")
	} else if n > 0 {
		said = append(said, "Not measured "+strings.Join(gaps, ", ")+".")
	}
	return strings.Join(said, " ")
}

// tableRows is how many rows the table beside the chart has at most.
const tableRows = 60

// tableRow is one row of the chart's table: some slots together.
type tableRow struct {
	when, checks, loss, low, avg, high string
	gap                                bool
}

// table holds the chart's figures that can be put together exactly: quantiles can not, sums and extremes can. Newest first.
func (d drawing) table() []tableRow {
	gaps := 0
	for _, s := range d.slots {
		if s.gap {
			gaps++
		}
	}
	apart := 3*gaps < tableRows // else gaps are put together with what is around them
	var each int
	if room := tableRows - 2; apart {
		each = (len(d.slots) + room - 2*gaps - 1) / (room - 2*gaps)
	} else {
		each = (len(d.slots) + room - 1) / room
	}
	var rows []tableRow
	for first := 0; first < len(d.slots); {
		end := first + 1
		for end < len(d.slots) && end-first < each && (!apart || !d.slots[first].gap && !d.slots[end].gap) {
			end++
		}
		rows = append(rows, d.tableRow(d.slots[first:end]))
		first = end
	}
	slices.Reverse(rows)
	return rows
}

func (d drawing) tableRow(some []slot) tableRow {
	all := slot{start: some[0].start, end: some[len(some)-1].end, gap: true}
	var sum time.Duration
	for _, s := range some {
		all.gap = all.gap && s.gap
		all.Sent += s.Sent
		all.Received += s.Received
		all.Successes += s.Checks() - s.Unknowns
		if s.answered() {
			sum += s.RTTAvg * time.Duration(s.Received)
			all.RTTMax = max(all.RTTMax, s.RTTMax)
			if all.RTTMin == 0 || s.RTTMin < all.RTTMin {
				all.RTTMin = s.RTTMin
			}
		}
	}
	row := tableRow{when: d.when(all), gap: all.gap, checks: thousands(int64(all.Successes)), loss: percent(all.LossPercent()), low: "–", avg: "–", high: "–"}
	if all.Received > 0 {
		row.low, row.avg, row.high = milliseconds(all.RTTMin), milliseconds(sum/time.Duration(all.Received)), milliseconds(all.RTTMax)
	}
	return row
}

// points are the slots for the cursor, as JSON without a quote in it: [start, length] of a gap, and of others
// [start, length, p5, p25, p50, p75, p95, sent, received, checks, unknowns]; times in milliseconds, the start since 1970, RTTs in
// microseconds, all 0 where nobody answered.
func (d drawing) points() string {
	b := make([]byte, 0, 64*len(d.slots)+2)
	b = append(b, '[')
	for i, s := range d.slots {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = strconv.AppendInt(b, s.start.UnixMilli(), 10)
		add := func(n int64) {
			b = append(b, ',')
			b = strconv.AppendInt(b, n, 10)
		}
		add(s.end.Sub(s.start).Milliseconds())
		if !s.gap {
			for _, q := range s.Quantiles {
				add(q.Microseconds())
			}
			add(int64(s.Sent))
			add(int64(s.Received))
			add(int64(s.Checks()))
			add(int64(s.Unknowns))
		}
		b = append(b, ']')
	}
	return string(append(b, ']'))
}

// hasData is true where there is something to draw.
func (d drawing) hasData() bool {
	return slices.ContainsFunc(d.slots, func(s slot) bool { return !s.gap })
}
