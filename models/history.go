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
