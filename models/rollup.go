package models

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"
)

// Roll-ups are derived from raw results by a chore (RollUp) and by nobody else: what they say can be computed again as long as
// the results are there. Up to MonitorState.RolledUntil, a full hour, they are complete; what came later is read from the results.

// level is how long a roll-up's buckets are.
type level int64

// The levels, and how long they are kept in days; days are kept for ever.
const (
	level5m level = iota
	level1h
	level1d

	keep5m = 100
	keep1h = 400
)

const (
	minuteMillis = 60 * 1000
	hourMillis   = 60 * minuteMillis
)

// mostLocation is the highest id of a location that packID has room for.
const mostLocation = 1<<10 - 1

// step is the length of the level's buckets in milliseconds.
func (l level) step() int64 {
	return [...]int64{5 * minuteMillis, hourMillis, dayMillis}[l]
}

// period is how much time a pack of the level holds, in milliseconds: about a kilobyte. Measured: longer ones compress better (a
// day of 5-minute buckets a seventh better than a quarter), but waste pages of SQLite, and the newest is written again each hour.
func (l level) period() int64 {
	return [...]int64{6 * hourMillis, dayMillis, 16 * dayMillis}[l]
}

// packID is the key of the pack that the time belongs to: 31 bits of monitor, 2 of level, 10 of location, 20 of period.
// A location that does not fit would be taken for another one and write over its history: that is a fault of the program, and it panics.
func packID(monitor int64, l level, location, millis int64) int64 {
	if location < 0 || location > mostLocation {
		panic(fmt.Sprintf("location %d has no roll-ups: the ids of locations go from 0 to %d", location, mostLocation))
	}
	return monitor<<32 | int64(l)<<30 | location<<20 | floorTo(millis, l.period())/l.period()
}

// packStart is when the pack of the key begins, in milliseconds since 1970.
func packStart(id int64) int64 {
	l := level(id >> 30 & 3)
	return (id & (1<<20 - 1)) * l.period()
}

// packIDs are the keys of all packs that hold something of [from, to).
func packIDs(ids []int64, monitor int64, l level, location, from, to int64) []int64 {
	if from >= to {
		return ids
	}
	for at := floorTo(max(0, from), l.period()); at < to; at += l.period() {
		ids = append(ids, packID(monitor, l, location, at))
	}
	return ids
}

// floorTo is the greatest multiple of step that is not greater than n.
func floorTo(n, step int64) int64 {
	r := n % step
	if r < 0 {
		r += step
	}
	return n - r
}

// lateResults are monitors that are to be rolled up again, because a result belongs to a time that was rolled up already, or sets
// the begin of a trouble back into it.
type lateResults struct {
	monitors []int64
	since    int64 // milliseconds: the earliest of all of them; rolling one up from too early does no harm
}

// note looks at a result and the state after it, whose RolledUntil it lowers; turned is true where the measured state is another one
// than before.
func (l *lateResults) note(after *MonitorState, r Result, turned bool) {
	since := r.Slot
	if turned {
		since = min(since, after.Since.UnixMilli())
	}
	if since >= after.RolledUntil {
		return
	}
	after.RolledUntil = since
	if len(l.monitors) == 0 || since < l.since {
		l.since = since
	}
	l.monitors = append(l.monitors, after.MonitorID)
}

// rollAgain lowers what the late results' monitors are rolled up to, in the transaction that stores them.
func rollAgain(ctx context.Context, db bun.IDB, late lateResults) error {
	if len(late.monitors) == 0 {
		return nil
	}
	slices.Sort(late.monitors)
	_, err := db.NewUpdate().TableExpr("monitor_states").Set("rolled_until = ?", late.since).
		Where("location_id = ? AND rolled_until > ?", LocationID, late.since).Where("monitor_id IN (?)", bun.List(slices.Compact(late.monitors))).Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting late results: %w", err)
	}
	return nil
}
