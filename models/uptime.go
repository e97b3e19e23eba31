package models

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// Uptime is how long a monitor was what in a time. It is three-valued: up (Up and Degraded), down, and not measured.
type Uptime struct {
	// From and To are what was looked at: the time asked for, cut at now and at the monitor's making, and widened to the
	// steps that history is kept in where its results are gone.
	From, To time.Time
	// Up, Degraded and Down were measured; Unknown could not be. Of the rest nothing is known.
	Up, Degraded, Down, Unknown time.Duration
	// Maintenance is how much of these people had announced; where it was to be excluded it is in none of them.
	Maintenance time.Duration
	Excluded    bool
	Checks      int
}

// Measured is how long something is known of.
func (u Uptime) Measured() time.Duration { return u.Up + u.Degraded + u.Down }

// NotMeasured is how much of the time nothing is known of, excluded maintenance left out.
func (u Uptime) NotMeasured() time.Duration {
	all := u.To.Sub(u.From)
	if u.Excluded {
		all -= u.Maintenance
	}
	return max(0, all-u.Measured())
}

// Percent is the share of the measured time that was up, with so many decimals: cut, never rounded, so that only what was never
// down is 100. It is empty where nothing was measured.
func (u Uptime) Percent(decimals int) string {
	measured := u.Measured().Milliseconds()
	if measured == 0 {
		return ""
	}
	scale := int64(1)
	for range decimals {
		scale *= 10
	}
	// A hundred years in milliseconds, times 1,000,000, still fit: six decimals at the most.
	parts := (u.Up + u.Degraded).Milliseconds() * 100 / measured * scale
	parts += (u.Up + u.Degraded).Milliseconds() * 100 % measured * scale / measured
	if decimals == 0 {
		return strconv.FormatInt(parts, 10)
	}
	return fmt.Sprintf("%d.%0*d", parts/scale, decimals, parts%scale)
}

// Uptime returns the monitor's uptime, with what was measured a moment ago. The time does not begin before the monitor was there.
// Where its results are not kept any more, it is widened to the steps that history of its age is kept in. Errors: ErrForbidden,
// *NotFound, *Invalid where the time is empty.
func (s *Store) Uptime(ctx context.Context, by Actor, id uuid.UUID, from, to time.Time, excludeMaintenance bool) (Uptime, error) {
	m, err := s.Monitor(ctx, by, id)
	if err != nil {
		return Uptime{}, err
	}
	now := s.clock()
	if to.After(now) {
		to = now
	}
	if from.After(to) {
		return Uptime{}, invalid("startDate", "startDate must be before endDate, and not in the future")
	}
	oldest, err := s.oldestResult(ctx, m.ID)
	if err != nil {
		return Uptime{}, err
	}
	w := windowOf(m.CreatedAt, m.State.RolledUntil, from, to, now, oldest)
	var rows []resultRow
	if at := max(w.from, w.rolled); at < w.to {
		if rows, err = s.resultsFrom(ctx, m.ID, at, mostTail); err != nil {
			return Uptime{}, err
		}
	}
	sum, err := s.sum(ctx, m.ID, w, rows, false)
	return sum.uptime(w.from, w.to, excludeMaintenance), err
}

// windowOf is the time in which the history of a monitor is summed up that was made then and is rolled up so far. An end within a bucket stays there where the results of the
// bucket are kept, to be counted one by one; else the window is widened by the rest of it. It is empty before there was a monitor.
// oldest is the slot of its first result that is kept.
func windowOf(made time.Time, rolledUntil int64, from, to, now time.Time, oldest int64) uptimeWindow {
	created := made.UnixMilli()
	w := uptimeWindow{from: max(from.UnixMilli(), created), to: to.UnixMilli(), rolled: floorTo(rolledUntil, hourMillis)}
	w.from = min(w.from, w.to)
	w.first, w.last = w.from, min(w.to, w.rolled)
	if w.from >= w.rolled || w.from == w.to {
		return w
	}
	kept := func(millis int64) bool { return oldest <= millis }
	step := edgeOf(now.Sub(time.UnixMilli(w.from))).step()
	if kept(w.from) {
		w.first = floorTo(w.from+step-1, step)
	} else { // the bucket in which the monitor was made has nothing of before
		w.first = floorTo(w.from, step)
		w.from = max(w.first, min(w.from, created))
	}
	if w.to < w.rolled {
		step = edgeOf(now.Sub(to)).step()
		if w.last = floorTo(w.to, step); !kept(w.last) {
			w.to = min(floorTo(w.to+step-1, step), w.rolled)
			w.last = w.to
		}
	}
	return w
}

// oldestResult is the slot of the monitor's first result that is kept; the end of time without one.
func (s *Store) oldestResult(ctx context.Context, monitor int64) (int64, error) {
	rows, err := s.resultRows(ctx, monitor, "slot >= 0 ORDER BY slot LIMIT 1")
	if err != nil || len(rows) == 0 {
		return math.MaxInt64, err
	}
	return rows[0].Slot, nil
}

// sum adds up what was measured of a monitor in the window. rows are its results from the end of the roll-ups on, or from the
// window's begin where that is later. With rtts the sum has the figures of the RTTs, without their distribution.
func (s *Store) sum(ctx context.Context, monitor int64, w uptimeWindow, rows []resultRow, rtts bool) (sum tally, err error) {
	add := func(t *tally) {
		sum.addTimes(t)
		sum.rtts.figures(t.rtts.n, t.rtts.min, t.rtts.max, t.rtts.sum)
	}
	err = s.addPacks(ctx, w.ids(nil, monitor), map[int64]uptimeWindow{monitor: w}, rtts, func(_ int64, t *tally) { add(t) })
	if err != nil {
		return tally{}, err
	}
	for _, part := range w.unpacked() {
		from, to := part[0], part[1]
		if from >= to {
			continue
		}
		of := rows
		if from < w.rolled {
			if of, err = s.resultsAround(ctx, monitor, from, to); err != nil {
				return tally{}, err
			}
		}
		for _, t := range tallies(of, from, to, level5m.step(), to) {
			add(&t)
		}
	}
	return sum, nil
}

// Uptimes returns the uptime of several monitors, by their ids, in full hours and up to the last one that is rolled up: two hours
// ago at most. Monitors that the actor does not see have none. Errors: ErrForbidden.
func (s *Store) Uptimes(ctx context.Context, by Actor, ids []int64, from, to time.Time, excludeMaintenance bool) (map[int64]Uptime, error) {
	if err := by.check(MayRead); err != nil {
		return nil, err
	}
	var known []struct {
		ID, RolledUntil int64
		CreatedAt       time.Time
	}
	if err := s.fromMonitors(s.ro.NewSelect().TableExpr("monitors AS m").ColumnExpr("m.id, m.created_at, s.rolled_until"), by, leadMonitors).
		Where("m.id IN (?)", bun.List(ids)).OrderExpr("m.id").Scan(ctx, &known); err != nil {
		return nil, fmt.Errorf("reading monitors: %w", err)
	}
	now := s.clock()
	if to.After(now) {
		to = now
	}
	edge := max(level1h, edgeOf(now.Sub(from)))
	windows, sums := make(map[int64]uptimeWindow, len(known)), make(map[int64]*tally, len(known))
	var packs []int64
	for _, m := range known {
		w := uptimeWindow{first: floorTo(from.UnixMilli(), edge.step()), rolled: floorTo(m.RolledUntil, hourMillis)}
		w.to = min(floorTo(to.UnixMilli(), hourMillis), w.rolled)
		w.last, w.from = w.to, max(w.first, m.CreatedAt.UnixMilli())
		if w.to <= w.from {
			continue
		}
		packs = w.ids(packs, m.ID)
		windows[m.ID], sums[m.ID] = w, new(tally)
	}
	if err := s.addPacks(ctx, packs, windows, false, func(monitor int64, t *tally) { sums[monitor].addTimes(t) }); err != nil {
		return nil, err
	}
	out := make(map[int64]Uptime, len(sums))
	for id, sum := range sums {
		out[id] = sum.uptime(windows[id].from, windows[id].to, excludeMaintenance)
	}
	return out, nil
}

// edgeOf is the shortest level that history of the age is kept in.
func edgeOf(age time.Duration) level {
	switch days := age.Hours() / 24; {
	case days >= keep1h-1:
		return level1d
	case days >= keep5m-1:
		return level1h
	}
	return level5m
}

// uptimeWindow is a time in milliseconds. From first to last it is made up of full days, of hours at both ends, and of 5 minutes at
// theirs; the rest, and what is not rolled up yet, is counted from results.
type uptimeWindow struct {
	from, to, rolled, first, last int64
}

// unpacked are the stretches before and after what is read from roll-ups.
func (w uptimeWindow) unpacked() [2][2]int64 {
	first := min(w.first, w.to)
	return [2][2]int64{{w.from, first}, {max(first, w.last), w.to}}
}

// part is what of the window is read in buckets of the level: two stretches, before and after those of the longer level.
func (w uptimeWindow) part(l level) (parts [2][2]int64) {
	inside := func(l level) (int64, int64) {
		return floorTo(w.first+l.step()-1, l.step()), floorTo(w.last, l.step())
	}
	from, to := inside(l)
	if l == level1d {
		return [2][2]int64{{from, to}}
	}
	innerFrom, innerTo := inside(l + 1)
	if innerFrom >= innerTo {
		return [2][2]int64{{from, to}}
	}
	return [2][2]int64{{from, innerFrom}, {innerTo, to}}
}

// ids adds the keys of the packs to read.
func (w uptimeWindow) ids(ids []int64, monitor int64) []int64 {
	for l := level5m; l <= level1d; l++ {
		for _, part := range w.part(l) {
			ids = packIDs(ids, monitor, l, LocationID, part[0], part[1])
		}
	}
	return ids
}

// addPacks reads the packs, with rtts where they are asked for, and hands on the buckets that are within their monitors' windows.
func (s *Store) addPacks(ctx context.Context, ids []int64, windows map[int64]uptimeWindow, rtts bool, add func(monitor int64, t *tally)) error {
	slices.Sort(ids)
	rows, err := s.packs(ctx, slices.Compact(ids), rtts)
	if err != nil {
		return err
	}
	for i := range rows {
		row := &rows[i]
		monitor, l := row.ID>>32, level(row.ID>>30&3)
		for _, part := range windows[monitor].part(l) {
			if part[0] < part[1] {
				s.codec.each(packed{row.Times, row.RTTs}, l, packStart(row.ID), part[0], part[1], func(t *tally) { add(monitor, t) })
			}
		}
	}
	return nil
}

// addTimes adds what uptime is made of.
func (t *tally) addTimes(u *tally) {
	t.times.add(u.times, 1)
	t.announced.add(u.announced, 1)
	for i := range t.checks {
		t.checks[i] += u.checks[i]
	}
}

func (t *tally) uptime(from, to int64, excludeMaintenance bool) Uptime {
	times := t.times
	if excludeMaintenance {
		times.add(t.announced, -1)
	}
	ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	return Uptime{From: time.UnixMilli(from).UTC(), To: time.UnixMilli(to).UTC(), Up: ms(times.up), Degraded: ms(times.degraded), Down: ms(times.down),
		Unknown: ms(times.unknown), Maintenance: ms(t.announced.sum()), Excluded: excludeMaintenance, Checks: int(t.allChecks())}
}
