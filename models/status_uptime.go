package models

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// LastDays is the component's uptime of its last n days, today's begun one included, as the page's bar shows them.
func (c StatusComponent) LastDays(n int) Uptime {
	if n >= StatusDays {
		return c.Uptime
	}
	days := c.Days[max(0, len(c.Days)-n):]
	u := Uptime{Excluded: c.Uptime.Excluded}
	if len(days) == 0 {
		return u
	}
	u.From, u.To = days[0].Start, days[len(days)-1].Start.Add(days[len(days)-1].Length)
	if begun := c.Uptime.From; begun.After(u.From) {
		u.From = begun // the monitor was made within them
	}
	for _, d := range days {
		u.Up += d.Up
		u.Degraded += d.Degraded
		u.Down += d.Down
		u.Unknown += d.Unknown
		u.Maintenance += d.Maintenance
	}
	return u
}

// Component finds a component by the id that visitors know it by.
func (b StatusBoard) Component(id uuid.UUID) (StatusComponent, bool) {
	for _, g := range b.Groups {
		for _, c := range g.Components {
			if c.ID == id {
				return c, true
			}
		}
	}
	return StatusComponent{}, false
}

// UnscopedStatusLastDay returns the uptime of the last 24 hours of the page's components, by the ids that visitors know: of this moment,
// and exact. The middle is read from roll-ups; the five minutes in which the day begins, and what is not rolled up yet, are counted from
// results. Where those of the begin are not kept any more, all of the five minutes are counted. What maintenance was announced of is that. Five
// queries for fifty components, and two for each time of maintenance.
// Errors: trouble of the database only.
func (s *Store) UnscopedStatusLastDay(ctx context.Context, p StatusPage) (map[uuid.UUID]Uptime, error) {
	monitors, err := s.statusMonitors(ctx, p)
	if err != nil || len(monitors) == 0 {
		return nil, err
	}
	of := make([]*statusMonitor, len(monitors))
	for i := range monitors {
		of[i] = &monitors[i]
	}
	now := s.clock()
	from := now.Add(-24 * time.Hour)
	oldest, err := s.oldestResults(ctx, of)
	if err != nil {
		return nil, err
	}
	windows, sums, err := s.timesWithin(ctx, of, oldest, from, now, now)
	if err != nil {
		return nil, err
	}
	work, err := s.statusWork(ctx, p, from, now)
	if err != nil {
		return nil, err
	}
	pieces := work.pieces(of, from.UnixMilli(), now.UnixMilli(), nil, oldest)
	err = s.eachPiece(ctx, pieces, oldest, now, func(_ workSpan, monitor int64, t times) {
		sum := sums[monitor]
		sum.announced.add(t.atMost(sum.net()), 1)
	})
	if err != nil {
		return nil, err
	}
	out := make(map[uuid.UUID]Uptime, len(monitors))
	for _, m := range monitors {
		w := windows[m.ID]
		out[p.ComponentID(m.PublicID)] = sums[m.ID].uptime(w.from, w.to, true)
	}
	return out, nil
}

// timesWithin sums up how long the monitors were what in [from, to), with the window that was counted of each: the middle from roll-ups,
// the ends from results, as far as these are kept, from oldest on. Errors: trouble of the database only.
func (s *Store) timesWithin(ctx context.Context, monitors []*statusMonitor, oldest map[int64]int64, from, to, now time.Time) (map[int64]uptimeWindow, map[int64]*tally, error) {
	windows, sums := make(map[int64]uptimeWindow, len(monitors)), make(map[int64]*tally, len(monitors))
	var packs []int64
	var unpacked []resultWindow
	for _, m := range monitors {
		w := windowOf(m.CreatedAt, m.RolledUntil, from, to, now, oldest[m.ID])
		windows[m.ID], sums[m.ID] = w, new(tally)
		packs = w.ids(packs, m.ID)
		unpacked = w.results(unpacked, m.ID, int64(m.IntervalSeconds)*1000)
	}
	if err := s.addPacks(ctx, packs, windows, false, func(monitor int64, t *tally) { sums[monitor].addTimes(t) }); err != nil {
		return nil, nil, err
	}
	err := s.resultsWithin(ctx, unpacked, false, func(monitor int64, rows []resultRow) {
		for _, part := range windows[monitor].unpacked() {
			for _, t := range tallies(rows, part[0], part[1], level5m.step(), part[1]) {
				sums[monitor].addTimes(&t)
			}
		}
	})
	return windows, sums, err
}

// oldestResults are the slots of the monitors' first results that are kept; the end of time without one.
func (s *Store) oldestResults(ctx context.Context, of []*statusMonitor) (map[int64]int64, error) {
	ids := make([]int64, len(of))
	for i := range of {
		ids[i] = of[i].ID
	}
	var rows []struct{ ID, Oldest int64 }
	if err := s.ro.NewSelect().TableExpr("monitors AS m").ColumnExpr("m.id").
		ColumnExpr("coalesce((SELECT r.slot FROM results AS r WHERE r.monitor_id = m.id AND r.location_id = ? ORDER BY r.slot LIMIT 1), ?) AS oldest", LocationID, endOfTime).
		Where("m.id IN (?)", bun.List(ids)).OrderExpr("m.id").Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("reading how far back a status page's results are kept: %w", err)
	}
	oldest := make(map[int64]int64, len(of))
	for _, id := range ids {
		oldest[id] = endOfTime
	}
	for _, row := range rows {
		oldest[row.ID] = row.Oldest
	}
	return oldest, nil
}

// results adds what has to be read for the stretches that are not in roll-ups: from the check on that speaks for their begin, and after
// the first one those that may set a trouble back into it. every is the monitor's interval in milliseconds.
func (w uptimeWindow) results(list []resultWindow, monitor, every int64) []resultWindow {
	parts := w.unpacked()
	head := resultWindow{monitor: monitor, from: parts[0][0] - every*3/2, whole: parts[0][1], to: parts[0][1] + mostSetBack*every}
	tail := resultWindow{monitor: monitor, from: parts[1][0] - every*3/2, whole: w.to, to: w.to + mostSetBack*every}
	switch {
	case parts[0][0] >= parts[0][1]:
		list = append(list, tail)
	case parts[1][0] >= parts[1][1]:
		list = append(list, head)
	case head.to >= tail.from:
		head.whole, head.to = tail.whole, tail.to
		list = append(list, head)
	default:
		list = append(list, head, tail)
	}
	for i := range list {
		if r := &list[i]; r.monitor == monitor {
			r.rows = (r.whole - r.from) / every
		}
	}
	return list
}
