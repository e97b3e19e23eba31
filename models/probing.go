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

// ErrNoLocation means that no location can check the monitor now.
var ErrNoLocation = errors.New("no active monitoring locations available")

// ProbeTarget is what the prober knows of a monitor.
type ProbeTarget struct {
	MonitorID, OrganizationID, Rev int64
	PublicID                       uuid.UUID
	Status                         Status
	Interval                       time.Duration
	Spec                           Spec
	Rule                           Rule
	// LastCheckedAt is zero before the first result.
	LastCheckedAt time.Time
	// ChangedAt is when the settings last changed.
	ChangedAt time.Time
}

// probeRow is what a ProbeTarget is read from.
type probeRow struct {
	Monitor       `bun:",extend"`
	LastCheckedAt time.Time `bun:",scanonly"`
	State         State     `bun:",scanonly"`
	Cause         Cause     `bun:",scanonly"`
}

func (s *Store) probeQuery(rows *[]probeRow) *bun.SelectQuery {
	return s.ro.NewSelect().Model(rows).ColumnExpr("m.*, s.last_checked_at, s.state, s.cause").
		Join("JOIN monitor_states AS s ON s.monitor_id = m.id AND s.location_id = ?", LocationID)
}

// probed tells whether the monitor is to be checked from here.
func (s *Store) probed(r probeRow) bool {
	return r.Status != StatusDisabled && r.RunsIn(s.locationCountry)
}

func (r probeRow) target() ProbeTarget {
	return ProbeTarget{MonitorID: r.ID, OrganizationID: r.OrganizationID, Rev: r.Rev, PublicID: r.PublicID, Status: r.Status,
		Interval: r.Interval(), Spec: r.Spec(), Rule: r.Config.Rule(), LastCheckedAt: r.LastCheckedAt, ChangedAt: r.UpdatedAt}
}

// UnscopedMonitorsToProbe returns up to limit monitors with an id above after, by id. more is false after the last page.
// Those among them that are not checked from here any more, because the location is now in another country, become unknown.
func (s *Store) UnscopedMonitorsToProbe(ctx context.Context, after int64, limit int) (targets []ProbeTarget, last int64, more bool, err error) {
	var rows []probeRow
	if err := s.probeQuery(&rows).Where("m.id > ?", after).OrderExpr("m.id").Limit(int64(limit)).Scan(ctx); err != nil {
		return nil, after, false, fmt.Errorf("reading monitors to probe: %w", err)
	}
	left := map[Status][]int64{}
	next := after
	for _, r := range rows {
		next = r.ID
		if s.probed(r) {
			targets = append(targets, r.target())
		} else if r.Status != StatusDisabled && (r.State != StateUnknown || r.Cause != CauseNone) {
			left[r.Status] = append(left[r.Status], r.ID)
			s.counts.drop(r.OrganizationID)
		}
	}
	if err := s.forgetMeasured(ctx, left); err != nil {
		return nil, after, false, err
	}
	return targets, next, len(rows) == limit, nil
}

// forgetMeasured gives monitors that are not checked any more, by their status, the state that says so.
func (s *Store) forgetMeasured(ctx context.Context, left map[Status][]int64) error {
	for status, ids := range left {
		var ended []events.Event
		err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
			if ended, err = s.endIncidents(ctx, tx, Actor{}, ids, EndLocation); err != nil {
				return err
			}
			_, err = tx.NewUpdate().TableExpr("monitor_states").Set("state = ?", StateUnknown).Set("since = ?", s.clock()).Set("measured = ?", StatePending).
				Set("rank = ?", Rank(status, StateUnknown, false)).Set(forgetVerdict).
				Where("monitor_id IN (?)", bun.List(ids)).Where("location_id = ?", LocationID).Exec(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("forgetting what was measured: %w", err)
		}
		s.publish(ended...)
	}
	return nil
}

// UnscopedMonitorsChanged returns the monitors whose settings changed since then: those to probe, and the ids of those
// that are not probed any more. Of more than 1,000 changes the rest comes with the next call, from the last ChangedAt.
func (s *Store) UnscopedMonitorsChanged(ctx context.Context, since time.Time) (targets []ProbeTarget, stopped []int64, err error) {
	var rows []probeRow
	q := s.probeQuery(&rows).Where("m.updated_at >= ?", since)
	if err := q.OrderExpr("m.updated_at, m.id").Limit(1000).Scan(ctx); err != nil {
		return nil, nil, fmt.Errorf("reading changed monitors: %w", err)
	}
	for _, r := range rows {
		if s.probed(r) {
			targets = append(targets, r.target())
		} else {
			stopped = append(stopped, r.ID)
		}
	}
	return targets, stopped, nil
}

// UnscopedMonitorToProbe returns one monitor; ok is false where it is gone or not to be probed from here.
func (s *Store) UnscopedMonitorToProbe(ctx context.Context, id int64) (target ProbeTarget, ok bool, err error) {
	var rows []probeRow
	if err := s.probeQuery(&rows).Where("m.id = ?", id).Scan(ctx); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return ProbeTarget{}, false, fmt.Errorf("reading a monitor to probe: %w", err)
	}
	if len(rows) == 0 || !s.probed(rows[0]) {
		return ProbeTarget{}, false, nil
	}
	return rows[0].target(), true, nil
}

// UnscopedProbedIDs returns the rev of every monitor that is to be checked from here, by its id. It goes by no clock: it
// finds what was deleted, and what a process whose clock is behind changed.
func (s *Store) UnscopedProbedIDs(ctx context.Context) (map[int64]int64, error) {
	var rows []struct {
		ID, Rev      int64
		CountryCodes Countries
	}
	if err := s.ro.NewSelect().TableExpr("monitors").Column("id", "rev", "country_codes").Where("status <> ?", StatusDisabled).Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("reading the monitors' ids: %w", err)
	}
	revs := make(map[int64]int64, len(rows))
	for _, r := range rows {
		if (Monitor{CountryCodes: r.CountryCodes}).RunsIn(s.locationCountry) {
			revs[r.ID] = r.Rev
		}
	}
	return revs, nil
}
