package models

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

const (
	// rollGrace is how long after an hour's end it is rolled up: most of its last results are stored by then. One that comes
	// later has its hour rolled up again.
	rollGrace = 2 * time.Minute
	// rollMonitors is how many monitors one transaction rolls up, so that the writer is free again within milliseconds.
	rollMonitors = 100
	// rollResults is how many results of a monitor are rolled up at a time.
	rollResults = 20_000
	// rollAhead is left for the next time where not all results were read: a verdict after them may set a trouble back into them.
	rollAhead = 10 * minuteMillis
)

// rollDue is a monitor that is to be rolled up.
type rollDue struct {
	MonitorID, RolledUntil, LastSlot int64
	Measured                         State
}

// rolled is what rolling up a monitor made.
type rolled struct {
	rollDue
	until int64
	packs []rollupRow
}

// RollUp rolls up the full hours of those monitors that are furthest behind, in one short transaction; more is true where others
// are behind too. It may run in several processes at once: what another one did meanwhile, or a late result undid, is left alone.
func (s *Store) RollUp(ctx context.Context) (more bool, err error) {
	done, more, err := s.computeRolled(ctx)
	if err != nil {
		return false, err
	}
	return more, s.saveRolled(ctx, done)
}

// computeRolled computes the roll-ups of those monitors that are furthest behind.
func (s *Store) computeRolled(ctx context.Context) (done []rolled, more bool, err error) {
	until := floorTo(s.clock().Add(-rollGrace).UnixMilli(), hourMillis)
	var due []rollDue
	if err := s.ro.NewSelect().TableExpr("monitor_states").Column("monitor_id", "rolled_until", "last_slot", "measured").
		Where("location_id = ? AND rolled_until < ?", LocationID, until).OrderExpr("rolled_until").Limit(rollMonitors).Scan(ctx, &due); err != nil {
		return nil, false, fmt.Errorf("reading what is to be rolled up: %w", err)
	}
	// The recorder locks states in this order.
	slices.SortFunc(due, func(a, b rollDue) int { return cmp.Compare(a.MonitorID, b.MonitorID) })
	more = len(due) == rollMonitors
	done = make([]rolled, 0, len(due))
	for _, d := range due {
		r, err := s.rollMonitor(ctx, d, until)
		if err != nil {
			return nil, false, fmt.Errorf("rolling up monitor %d: %w", d.MonitorID, err)
		}
		more = more || r.until < until
		done = append(done, r)
	}
	return done, more, nil
}

// rollMonitor computes the monitor's roll-ups up to then, or as far as the results go that are read at a time.
func (s *Store) rollMonitor(ctx context.Context, d rollDue, until int64) (rolled, error) {
	done := rolled{rollDue: d, until: until}
	from := floorTo(d.RolledUntil, hourMillis)
	rows, err := s.resultsFrom(ctx, d.MonitorID, from, rollResults)
	if err != nil || len(rows) == 0 {
		return done, err
	}
	from = max(from, floorTo(rows[0].Slot, hourMillis)) // a pause, or everything before the first result, is skipped
	if len(rows) >= rollResults {
		done.until = min(until, max(from+hourMillis, floorTo(rows[len(rows)-1].Slot-rollAhead, hourMillis)))
	}
	done.packs, err = s.rollRows(ctx, d.MonitorID, rows, from, done.until)
	return done, err
}

// rollRows returns the packs that the results of the full hours in [from, until) change; see tallies.
func (s *Store) rollRows(ctx context.Context, monitor int64, rows []resultRow, from, until int64) ([]rollupRow, error) {
	fives := tallies(rows, from, until, level5m.step(), until)
	if len(fives) == 0 {
		return nil, nil
	}
	firstDay := floorTo(fives[0].start, dayMillis)
	ids := packIDs(nil, monitor, level5m, LocationID, fives[0].start, until)
	ids = packIDs(ids, monitor, level1h, LocationID, firstDay, until)
	ids = packIDs(ids, monitor, level1d, LocationID, firstDay, until)
	stored, err := s.packs(ctx, ids, true)
	if err != nil {
		return nil, err
	}
	r := roller{store: s, monitor: monitor, stored: stored}
	r.put(level5m, fives)
	r.put(level1h, grouped(fives, hourMillis))
	r.put(level1d, r.days(firstDay, floorTo(until, dayMillis)))
	return r.changed, nil
}

// roller puts buckets into packs.
type roller struct {
	store   *Store
	monitor int64
	stored  []rollupRow
	changed []rollupRow
}

// put puts the buckets, in order of time, into the level's packs.
func (r *roller) put(l level, buckets []tally) {
	for len(buckets) > 0 {
		id := packID(r.monitor, l, LocationID, buckets[0].start)
		end := packStart(id) + l.period()
		n := 1
		for n < len(buckets) && buckets[n].start < end {
			n++
		}
		p := r.store.codec.pack(l, packStart(id), replaced(r.buckets(id), buckets[:n]))
		r.changed = append(r.changed, rollupRow{ID: id, Times: p.times, RTTs: p.rtts})
		buckets = buckets[n:]
	}
}

// buckets are those of a pack, the changed one if there is any.
func (r *roller) buckets(id int64) []tally {
	for _, list := range [...][]rollupRow{r.changed, r.stored} {
		if i := slices.IndexFunc(list, func(row rollupRow) bool { return row.ID == id }); i >= 0 {
			start := packStart(id)
			return r.store.unpackRow(&list[i], start, start+level(id>>30&3).period())
		}
	}
	return nil
}

// days are the buckets of the full days in [from, to), made of their hours.
func (r *roller) days(from, to int64) []tally {
	var hours []tally
	for _, id := range packIDs(nil, r.monitor, level1h, LocationID, from, to) {
		for _, hour := range r.buckets(id) {
			if hour.start >= from && hour.start < to {
				hours = append(hours, hour)
			}
		}
	}
	return grouped(hours, dayMillis)
}

// replaced are the stored buckets with the new ones in their places. A new one that knows of less is left out: the results that
// the stored one was made of are deleted meanwhile.
func replaced(stored, made []tally) []tally {
	out := make([]tally, 0, len(stored)+len(made))
	for len(stored) > 0 && len(made) > 0 {
		switch was, is := &stored[0], &made[0]; {
		case was.start < is.start:
			out, stored = append(out, *was), stored[1:]
		case was.start > is.start:
			out, made = append(out, *is), made[1:]
		default:
			if is.knowsLess(was) {
				is = was
			}
			out, stored, made = append(out, *is), stored[1:], made[1:]
		}
	}
	return append(append(out, stored...), made...)
}

// knowsLess tells whether t was made of fewer results than u.
func (t *tally) knowsLess(u *tally) bool {
	return t.allChecks() < u.allChecks() || t.allChecks() == u.allChecks() && t.times.sum() < u.times.sum()
}

// saveRolled stores the packs of those monitors of which nothing changed since they were read.
func (s *Store) saveRolled(ctx context.Context, done []rolled) error {
	if len(done) == 0 {
		return nil
	}
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var packs []rollupRow
		for _, d := range done {
			q := tx.NewUpdate().TableExpr("monitor_states").Set("rolled_until = ?", d.until).
				Where("monitor_id = ? AND location_id = ? AND rolled_until = ?", d.MonitorID, LocationID, d.RolledUntil).
				Where("measured = ?", d.Measured) // a verdict meanwhile may have set a trouble back into what was read
			// Results come in order, unless a clock was set back; then the last slot is set back with it.
			if d.LastSlot >= d.until {
				q = q.Where("last_slot >= ?", d.LastSlot)
			} else {
				q = q.Where("last_slot = ?", d.LastSlot)
			}
			result, err := q.Exec(ctx)
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err != nil {
				return err
			} else if n == 1 {
				packs = append(packs, d.packs...)
			}
		}
		return savePacks(ctx, tx, packs)
	})
	if err != nil {
		return fmt.Errorf("storing roll-ups: %w", err)
	}
	return nil
}

// savePacks stores packs in the place of those with their keys.
func savePacks(ctx context.Context, db bun.IDB, packs []rollupRow) error {
	for chunk := range slices.Chunk(packs, rollMonitors) {
		if _, err := db.NewInsert().Model(&chunk).On("CONFLICT (id) DO UPDATE").Set("times = EXCLUDED.times").Set("rtts = EXCLUDED.rtts").Returning("NULL").Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}
