package models

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
