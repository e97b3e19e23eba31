package models

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// CheckHistory returns the monitor's checks that began before the time (zero = the newest), newest first. Errors:
// ErrForbidden, *NotFound.
func (s *Store) CheckHistory(ctx context.Context, by Actor, id uuid.UUID, before time.Time, limit int) ([]Result, error) {
	m, err := s.Monitor(ctx, by, id)
	if err != nil {
		return nil, err
	}
	return s.checksOf(ctx, m, before, limit)
}

func (s *Store) checksOf(ctx context.Context, m MonitorRow, before time.Time, limit int) ([]Result, error) {
	var rows []resultRow
	q := s.ro.NewSelect().Model(&rows).Where("r.monitor_id = ?", m.ID).OrderExpr("r.slot DESC, r.location_id DESC").Limit(int64(limit))
	if !before.IsZero() {
		// What is shown of a check, and so what a client pages on with, is its start; that is never before its slot. The
		// first condition is for the index.
		q = q.Where("r.slot < ?", before.Add(time.Millisecond).UnixMilli()).Where("r.slot * 1000 + r.started_us < ?", before.UnixMicro())
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading checks: %w", err)
	}
	results := make([]Result, len(rows))
	for i := range rows {
		results[i] = rows[i].result()
	}
	return results, nil
}

// StoredCheck is a check as it is kept: what was found, and the verdict after it.
type StoredCheck struct {
	Result
	// State is the monitor's after the check; Confirming is true where failed checks were counted for a verdict to come.
	State       State
	Confirming  bool
	Maintenance bool
	// Interval is the monitor's then.
	Interval time.Duration
}

// StoredChecks returns, in order, up to limit checks whose slot is at or after from and before to. A caller who wants more goes on
// one millisecond after the last slot: a reader that holds one query open for long would keep SQLite's log from being emptied.
// Errors: ErrForbidden, *NotFound.
func (s *Store) StoredChecks(ctx context.Context, by Actor, id uuid.UUID, from, to time.Time, limit int) ([]StoredCheck, error) {
	m, err := s.Monitor(ctx, by, id)
	if err != nil {
		return nil, err
	}
	rows, err := s.resultRows(ctx, m.ID, "slot >= ? AND slot < ? ORDER BY slot LIMIT ?", ceilMilli(from), ceilMilli(to), limit)
	if err != nil {
		return nil, err
	}
	checks := make([]StoredCheck, len(rows))
	for i := range rows {
		code := rows[i].Code
		checks[i] = StoredCheck{Result: rows[i].result(), State: code.state(), Confirming: code.confirming(), Maintenance: code.maintenance(),
			Interval: time.Duration(rows[i].IntervalSeconds) * time.Second}
	}
	return checks, nil
}
