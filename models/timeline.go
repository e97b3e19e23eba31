package models

import (
	"maps"
	"slices"
)

// span is a time in which a monitor's state was the same, in milliseconds since 1970. row is the result that says so.
type span struct {
	from, to    int64
	state       State
	maintenance bool
	row         int
}

// timeline tells from results, in order of their slots, what the monitor's state was when, up to the time until. From a result to
// the next one, and at most for one and a half of its interval, the state is the one after it. Where a verdict set the begin of a
// trouble back, the time since then is the trouble's, as far as it was measured. What lies between two spans was not measured.
func timeline(rows []resultRow, until int64) []span {
	spans := make([]span, 0, len(rows))
	for i := range rows {
		row := &rows[i]
		if row.Details != "" {
			spans = setBack(spans, row.since(), row.Code.state())
		}
		to := min(row.ends(), until)
		if i+1 < len(rows) {
			to = min(to, rows[i+1].Slot)
		}
		if to > row.Slot {
			spans = append(spans, span{from: row.Slot, to: to, state: row.Code.state(), maintenance: row.Code.maintenance(), row: i})
		}
	}
	return spans
}

// setBack gives what was measured from then on to the state.
func setBack(spans []span, since int64, state State) []span {
	for i := len(spans) - 1; i >= 0 && spans[i].to > since; i-- {
		s := &spans[i]
		if s.state == StateUnknown || s.state == state {
			continue
		}
		if s.from >= since {
			s.state = state
			continue
		}
		rest := *s
		rest.from, rest.state = since, state
		s.to = since
		spans = slices.Insert(spans, i+1, rest)
	}
	return spans
}

// tallies fold results, in order of their slots, into buckets of so many milliseconds. The buckets are those that begin in
// [from, to), both multiples of the step, or else the first and the last one are cut; one of which nothing is known is left out. Results from before from are there for what
// they say of the time after it, and those from to on for where they set a trouble back.
func tallies(rows []resultRow, from, to, step, until int64) []tally {
	if from >= to {
		return nil
	}
	all := make(map[int64]*tally, min((to-from)/step, int64(len(rows))+1))
	bucket := func(at int64) *tally {
		start := floorTo(at, step)
		t, ok := all[start]
		if !ok {
			t = &tally{start: start}
			all[start] = t
		}
		return t
	}
	for _, s := range timeline(rows, until) {
		for at, end := max(s.from, from), min(s.to, to); at < end; {
			next := min(floorTo(at, step)+step, end)
			bucket(at).spend(s.state, s.maintenance, next-at)
			at = next
		}
	}
	for i := range rows {
		if slot := rows[i].Slot; slot >= from && slot < to {
			bucket(slot).count(&rows[i])
		}
	}
	out := make([]tally, 0, len(all))
	for _, start := range slices.Sorted(maps.Keys(all)) {
		if t := all[start]; t.known() {
			out = append(out, *t)
		}
	}
	return out
}

// grouped adds up tallies, in order of time, to buckets of so many milliseconds.
func grouped(list []tally, step int64) []tally {
	var out []tally
	for i := range list {
		start := floorTo(list[i].start, step)
		if n := len(out); n == 0 || out[n-1].start != start {
			out = append(out, tally{start: start})
		}
		out[len(out)-1].add(&list[i])
	}
	return out
}
