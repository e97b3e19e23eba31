package models

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// statusRhythm is that a page's newest check is never older than every, counted from since at the earliest.
type statusRhythm struct {
	since time.Time
	every time.Duration
}

// pace notes how often results are to be expected: by the shortest interval of those that are checked as they were, and of each monitor
// that was resumed or retimed from that moment.
func (b *StatusBoard) pace(rows []statusMonitor, retimed map[int64]bool) {
	b.paused = true
	for _, m := range rows {
		if m.State != StatePaused {
			b.paused = false
		}
	}
	steady := statusRhythm{}
	for _, m := range rows {
		if m.State == StatePaused && !b.paused {
			continue
		}
		every := time.Duration(m.IntervalSeconds) * time.Second
		if b.Interval == 0 || every < b.Interval {
			b.Interval = every
		}
		switch {
		case m.State == StatePending:
			b.rhythms = append(b.rhythms, statusRhythm{since: m.Since, every: every})
		case retimed[m.ID]:
			b.rhythms = append(b.rhythms, statusRhythm{since: m.UpdatedAt, every: every})
		case steady.every == 0 || every < steady.every:
			steady.every = every
		}
	}
	if steady.every > 0 {
		b.rhythms = append(b.rhythms, steady)
	}
}

// retimedMonitors are those of the rows that people changed since their last check and that were not checked so often before: no
// scheduled check was made in the interval before the last one. Whatever else was changed, the name or the status, moves no check.
func (s *Store) retimedMonitors(ctx context.Context, rows []statusMonitor) (map[int64]bool, error) {
	var changed []int64
	for _, m := range rows {
		if m.State != StatePaused && m.State != StatePending && m.UpdatedAt.After(m.LastCheckedAt) {
			changed = append(changed, m.ID)
		}
	}
	if len(changed) == 0 {
		return nil, nil
	}
	// Half an interval more, as a check may come late.
	as := s.ro.NewSelect().TableExpr("results AS r").ColumnExpr("1").
		Where("r.monitor_id = m.id AND r.location_id = s.location_id AND r.code & 7 = 0").
		Where("r.slot < s.last_slot AND r.slot >= s.last_slot - 1500 * m.interval_seconds")
	var ids []int64
	err := s.ro.NewSelect().TableExpr("monitors AS m").ColumnExpr("m.id").
		Join("JOIN monitor_states AS s ON s.monitor_id = m.id AND s.location_id = ?", LocationID).
		Where("m.id IN (?)", bun.List(changed)).Where("NOT EXISTS (?)", as).Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("reading which monitors of a status page are checked more often: %w", err)
	}
	retimed := make(map[int64]bool, len(ids))
	for _, id := range ids {
		retimed[id] = true
	}
	return retimed, nil
}
