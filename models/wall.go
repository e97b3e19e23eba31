package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// WallLine is a monitor as the wall shows it: its place, its state, and its last hour.
type WallLine struct {
	CustomerID int64
	Status     Status
	State      State
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
	// In the order of monitors_by_customer, so that nothing is sorted.
	q := s.ro.NewSelect().TableExpr("monitors AS m").ColumnExpr("m.customer_id, m.status, m.interval_seconds, s.state, s.rank, s.recent").
		Join("JOIN monitor_states AS s ON s.monitor_id = m.id").Where("m.organization_id = ?", by.OrganizationID)
	if by.Limited {
		if len(by.CustomerIDs) == 0 {
			return nil, nil
		}
		q = q.Where("m.customer_id IN (?)", bun.List(by.CustomerIDs))
	}
	rows, err := q.OrderExpr("m.customer_id, m.id").Limit(MostWallLines).Rows(ctx)
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
		if err := rows.Scan(&l.CustomerID, &l.Status, &seconds, &l.State, &l.Rank, &recent); err != nil {
			return nil, err
		}
		l.Minutes = minutesOf(recent, now, time.Duration(seconds)*time.Second)
		lines = append(lines, l)
	}
	return lines, rows.Err()
}
