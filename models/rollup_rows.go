package models

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"
)

// longestMillis is the longest that a result can speak for the time after it: one and a half of the longest interval.
const longestMillis = maxIntervalSeconds * 1500

// resultRows reads the monitor's results that the condition on slots chooses.
func (s *Store) resultRows(ctx context.Context, monitor int64, condition string, args ...any) (list []resultRow, err error) {
	rows, err := s.ro.QueryContext(ctx, "SELECT "+resultColumns+" FROM results WHERE monitor_id = ? AND location_id = ? AND "+condition,
		append([]any{monitor, LocationID}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading results: %w", err)
	}
	defer func() {
		if err = errors.Join(err, rows.Close()); err != nil {
			list, err = nil, fmt.Errorf("reading results: %w", err)
		}
	}()
	for rows.Next() {
		var r resultRow
		var details *string
		if err := rows.Scan(&r.MonitorID, &r.Slot, &r.LocationID, &r.Code, &r.IntervalSeconds, &r.StartedUs, &r.Address, &r.Packets, &details); err != nil {
			return nil, err
		}
		if details != nil {
			r.Details = *details
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// resultsFrom reads, in order, the results from then on, at most so many, and before them the one that speaks for the time then.
func (s *Store) resultsFrom(ctx context.Context, monitor, from int64, limit int) ([]resultRow, error) {
	before, err := s.resultRows(ctx, monitor, "slot < ? AND slot > ? ORDER BY slot DESC LIMIT 1", from, from-longestMillis)
	if err != nil {
		return nil, err
	}
	rows, err := s.resultRows(ctx, monitor, "slot >= ? ORDER BY slot LIMIT ?", from, limit)
	if err != nil {
		return nil, err
	}
	if len(before) == 1 && before[0].ends() > from {
		rows = slices.Insert(rows, 0, before[0])
	}
	return rows, nil
}

// mostSetBack bounds the results after a time that are asked whether they set a trouble back into it.
const mostSetBack = 100

// resultsAround reads, in order, the results of [from, to), before them the one that speaks for the time then, and after them those
// that may set a trouble back.
func (s *Store) resultsAround(ctx context.Context, monitor, from, to int64) ([]resultRow, error) {
	rows, err := s.resultsFrom(ctx, monitor, from, mostSetBack)
	if err != nil || len(rows) < mostSetBack {
		return rows, err
	}
	at := rows[len(rows)-1].Slot + 1
	if at < to {
		more, err := s.resultRows(ctx, monitor, "slot >= ? AND slot < ? ORDER BY slot LIMIT ?", at, to, mostTail)
		if err != nil {
			return nil, err
		}
		rows, at = append(rows, more...), to
	}
	after, err := s.resultRows(ctx, monitor, "slot >= ? ORDER BY slot LIMIT ?", at, mostSetBack)
	return append(rows, after...), err
}

// endOfTime is later than every slot.
const endOfTime = int64(1) << 62

// resultWindow is a time of a monitor, in milliseconds, and about how many results there are in it. From whole on only those are read
// that may set a trouble back, which have details.
type resultWindow struct{ monitor, from, whole, to, rows int64 }

// windowsAtOnce is of how many windows a query reads the results, and resultsAtOnce about how many these are: half of mostTail, because
// failed checks have others between them.
const (
	windowsAtOnce = 100
	resultsAtOnce = mostTail / 2
)

// resultsWithin hands on the results in the windows, of one monitor after the other, in order. Windows of a monitor stand beside each
// other and do not overlap. Packets are read where they are asked for.
func (s *Store) resultsWithin(ctx context.Context, windows []resultWindow, packets bool, each func(monitor int64, rows []resultRow)) error {
	for len(windows) > 0 {
		n, rows := 0, int64(0)
		for n < len(windows) && (n == 0 || windows[n].monitor == windows[n-1].monitor || n < windowsAtOnce && rows+windows[n].rows <= resultsAtOnce) {
			rows += windows[n].rows
			n++
		}
		if err := s.someResultsWithin(ctx, windows[:n], packets, each); err != nil {
			return fmt.Errorf("reading results of times: %w", err)
		}
		windows = windows[n:]
	}
	return nil
}

func (s *Store) someResultsWithin(ctx context.Context, windows []resultWindow, packets bool, each func(monitor int64, rows []resultRow)) (err error) {
	var values strings.Builder
	oldest := windows[0].from
	for i, w := range windows {
		oldest = min(oldest, w.from)
		if i > 0 {
			values.WriteByte(',')
		}
		fmt.Fprintf(&values, "(%d,%d,%d,%d)", w.monitor, w.from, w.whole, w.to)
	}
	column := "NULL"
	if packets {
		column = "r.packets"
	}
	// CROSS JOIN keeps SQLite on the order of the windows; the oldest of them lets Postgres leave out partitions.
	rows, err := s.ro.QueryContext(ctx, `WITH w (id, since, whole, till) AS (VALUES `+values.String()+`)
		SELECT r.monitor_id, r.slot, r.code, r.interval_seconds, `+column+`, r.details FROM w CROSS JOIN results AS r
		WHERE r.monitor_id = w.id AND r.slot >= w.since AND r.slot < w.till AND (r.slot < w.whole OR r.details IS NOT NULL) AND r.slot >= ? AND r.location_id = ? ORDER BY r.monitor_id, r.slot LIMIT ?`,
		oldest, LocationID, mostTail)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var list []resultRow
	hand := func() {
		if len(list) > 0 {
			each(list[0].MonitorID, list)
		}
		list = list[:0]
	}
	for rows.Next() {
		var row resultRow
		var details *string
		if err := rows.Scan(&row.MonitorID, &row.Slot, &row.Code, &row.IntervalSeconds, &row.Packets, &details); err != nil {
			return err
		}
		if details != nil {
			row.Details = *details
		}
		if len(list) > 0 && list[0].MonitorID != row.MonitorID {
			hand()
		}
		list = append(list, row)
	}
	hand()
	return rows.Err()
}

// rollupRow is a pack as it is stored.
type rollupRow struct {
	bun.BaseModel `bun:"table:rollups"`
	ID            int64 `bun:",pk"`
	Times         []byte
	RTTs          []byte `bun:"rtts"`
}

// packs reads the packs that there are of those keys, in the keys' order; without rtts, where they are not asked for.
func (s *Store) packs(ctx context.Context, ids []int64, rtts bool) ([]rollupRow, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list := make([]rollupRow, 0, len(ids))
	q := s.ro.NewSelect().Model(&list).Column("id", "times").Where("id IN (?)", bun.List(ids)).OrderExpr("id")
	if rtts {
		q = q.Column("rtts")
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading roll-ups: %w", err)
	}
	return list, nil
}

// unpackRow reads the buckets of a stored pack that overlap [from, to).
func (s *Store) unpackRow(r *rollupRow, from, to int64) []tally {
	return s.codec.unpack(packed{r.Times, r.RTTs}, level(r.ID>>30&3), packStart(r.ID), from, to)
}
