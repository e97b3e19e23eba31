package models

import (
	"context"
	"fmt"
	"time"

	"echolot/models/events"

	"github.com/uptrace/bun"
)

// FeedBus tells this process's bus what other processes committed since then: changed and deleted monitors and, with
// states, their newest results. An event told twice does no harm. It returns the time to ask from next, which overlaps by
// a second because commits do not become visible in the order of their clocks.
func (s *Store) FeedBus(ctx context.Context, since time.Time, states bool) (next time.Time, err error) {
	next = s.clock().Add(-time.Second)
	var list []events.Event
	var changed []MonitorRow
	if err := s.feedQuery(&changed).Where("m.updated_at >= ?", since).Scan(ctx); err != nil {
		return since, fmt.Errorf("reading changed monitors: %w", err)
	}
	for _, row := range changed {
		t := events.MonitorUpdated
		if row.Version == 1 {
			t = events.MonitorCreated
		}
		list = append(list, s.monitorEvent(t, row))
	}
	var deleted []deletedMonitor
	if err := s.ro.NewSelect().Model(&deleted).Where("deleted_at >= ?", since).Limit(1000).Scan(ctx); err != nil {
		return since, fmt.Errorf("reading deleted monitors: %w", err)
	}
	for _, d := range deleted {
		list = append(list, events.Event{Type: events.MonitorDeleted, At: d.DeletedAt, OrganizationID: d.OrganizationID, CustomerID: d.CustomerID, MonitorID: d.MonitorID, PublicID: d.PublicID.String()})
	}
	if states {
		recorded, err := s.newestResults(ctx, since)
		if err != nil {
			return since, err
		}
		defer s.publishRecorded(recorded)
	}
	s.publish(list...)
	return next, nil
}

func (s *Store) feedQuery(rows *[]MonitorRow) *bun.SelectQuery {
	return s.ro.NewSelect().Model(rows).ColumnExpr("m.*").ColumnExpr("c.name AS customer_name, c.public_id AS customer_public_id").ColumnExpr(stateColumns).
		Join("JOIN monitor_states AS s ON s.monitor_id = m.id AND s.location_id = ?", LocationID).
		Join("JOIN customers AS c ON c.id = m.customer_id").OrderExpr("m.id").Limit(1000)
}

// newestResults reads, for each monitor checked since then, its last result.
func (s *Store) newestResults(ctx context.Context, since time.Time) ([]Recorded, error) {
	var rows []MonitorRow
	if err := s.feedQuery(&rows).Where("s.last_checked_at >= ?", since.Add(-time.Minute)).Where("s.last_slot > 0").Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading new states: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	ids := make([]int64, len(rows))
	byID := make(map[int64]MonitorRow, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
		byID[row.ID] = row
	}
	var results []resultRow
	q := s.ro.NewSelect().Model(&results).Where("r.monitor_id IN (?)", bun.List(ids)).
		Join("JOIN monitor_states AS s ON s.monitor_id = r.monitor_id AND s.location_id = r.location_id AND s.last_slot = r.slot")
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading new results: %w", err)
	}
	recorded := make([]Recorded, len(results))
	for i, r := range results {
		// Whether the state changed is not known here; saying so makes readers look.
		recorded[i] = Recorded{Monitor: byID[r.MonitorID], Result: r.result(), Changed: true}
	}
	return recorded, nil
}
