package models

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// WallLine is a monitor as the wall shows it: its place, its state, and its last hour.
type WallLine struct {
	MonitorID, CustomerID int64
	Status                Status
	State                 State
	// Rank is the place in a list that sorts worst first; see Rank.
	Rank    int
	Minutes [WallMinutes]Minute
}

// MostWallLines is how many monitors a wall shows at most.
const MostWallLines = 20_000

// Wall returns the lines of all monitors that the actor sees, by customer and in the order in which they were added, so that a
// monitor keeps its place. Their minutes end now. Errors: ErrForbidden, *Invalid.
func (s *Store) Wall(ctx context.Context, by Actor, now time.Time) (lines []WallLine, err error) {
	if err := by.check(MayRead); err != nil {
		return nil, err
	}
	// Along monitor_states_by_rank, with one look-up of each monitor by its id: half the look-ups of the other way round. Where there
	// are too many, those in trouble are shown.
	q := s.ro.NewSelect().TableExpr("monitor_states AS s").ColumnExpr("m.id, m.customer_id, m.status, m.interval_seconds, s.state, s.rank, s.recent").
		Join("JOIN monitors AS m ON m.id = s.monitor_id").Where("s.organization_id = ?", by.OrganizationID)
	if by.Limited {
		if len(by.CustomerIDs) == 0 {
			return nil, nil
		}
		q = q.Where("m.customer_id IN (?)", bun.List(by.CustomerIDs))
	}
	rows, err := q.OrderExpr("s.rank, s.monitor_id").Limit(MostWallLines).Rows(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the wall: %w", err)
	}
	defer func() {
		if err = errors.Join(err, rows.Close()); err != nil {
			err = fmt.Errorf("reading the wall: %w", err)
		}
	}()
	var recent sql.RawBytes
	for rows.Next() {
		var l WallLine
		var seconds int
		if err := rows.Scan(&l.MonitorID, &l.CustomerID, &l.Status, &seconds, &l.State, &l.Rank, &recent); err != nil {
			return nil, err
		}
		l.Minutes = minutesOf(recent, now, time.Duration(seconds)*time.Second)
		lines = append(lines, l)
	}
	return placed(lines), rows.Err()
}

// placed are the lines by customer, then as they were added. Sorting them where they are would move a hundred bytes at each step.
func placed(lines []WallLine) []WallLine {
	order := make([]*WallLine, len(lines))
	for i := range lines {
		order[i] = &lines[i]
	}
	slices.SortFunc(order, func(a, b *WallLine) int {
		return cmp.Or(cmp.Compare(a.CustomerID, b.CustomerID), cmp.Compare(a.MonitorID, b.MonitorID))
	})
	out := make([]WallLine, len(lines))
	for i, l := range order {
		out[i] = *l
	}
	return out
}
