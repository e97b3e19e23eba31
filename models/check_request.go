package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"echolot/models/events"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// checkRequest is somebody's wish for a check now.
type checkRequest struct {
	bun.BaseModel  `bun:"table:check_requests"`
	MonitorID      int64 `bun:",pk"`
	OrganizationID int64
	RequestedAt    time.Time
}

// RequestCheck asks the prober for a check now. Errors: ErrForbidden, *NotFound, ErrNoLocation.
func (s *Store) RequestCheck(ctx context.Context, by Actor, id uuid.UUID) (MonitorRow, Location, error) {
	row, location, err := s.monitorToProbe(ctx, by, id)
	if err != nil {
		return MonitorRow{}, Location{}, err
	}
	request := checkRequest{MonitorID: row.ID, OrganizationID: row.OrganizationID, RequestedAt: s.clock()}
	if _, err := s.db.NewInsert().Model(&request).On("CONFLICT (monitor_id) DO NOTHING").Exec(ctx); err != nil {
		if isOrphan(err) { // deleted meanwhile
			return MonitorRow{}, Location{}, errNoMonitor()
		}
		return MonitorRow{}, Location{}, fmt.Errorf("writing the request: %w", err)
	}
	s.publishMonitor(events.CheckRequested, row)
	return row, location, nil
}

// monitorToProbe is a monitor that the actor may change and that is probed now, and from where. Errors: ErrForbidden, *NotFound,
// ErrNoLocation, with the monitor still.
func (s *Store) monitorToProbe(ctx context.Context, by Actor, id uuid.UUID) (MonitorRow, Location, error) {
	if err := by.check(MayChangeMonitors); err != nil {
		return MonitorRow{}, Location{}, err
	}
	row, err := s.monitor(ctx, s.ro, by, id)
	if err != nil {
		return MonitorRow{}, Location{}, err
	}
	location, err := s.Location(ctx)
	if err != nil {
		return MonitorRow{}, Location{}, err
	}
	beat, alive, err := s.Heartbeat(ctx)
	if err != nil {
		return MonitorRow{}, Location{}, err
	}
	if !alive || !beat.CanPing() || row.Status == StatusDisabled || !row.RunsIn(location.Country) {
		return row, Location{}, ErrNoLocation
	}
	return row, location, nil
}

// TakeCheckRequests returns the monitors that somebody wants checked now, and forgets the requests.
func (s *Store) TakeCheckRequests(ctx context.Context) ([]int64, error) {
	// Looking first keeps the writer free: mostly there is none.
	if some, err := s.ro.NewSelect().TableExpr("check_requests").Exists(ctx); err != nil || !some {
		return nil, err
	}
	var ids []int64
	if err := s.db.NewDelete().TableExpr("check_requests").Where("1 = 1").Returning("monitor_id").Scan(ctx, &ids); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("taking check requests: %w", err)
	}
	return ids, nil
}
