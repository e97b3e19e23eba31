package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"echolot/models/events"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// CreateMonitor makes a monitor of the contract's fields. Errors: ErrForbidden, *Invalid, *NotFound for its customer.
func (s *Store) CreateMonitor(ctx context.Context, by Actor, f Fields) (MonitorRow, error) {
	if err := by.check(MayChangeMonitors); err != nil {
		return MonitorRow{}, err
	}
	m, e := newMonitor(), &Invalid{}
	customer := m.apply(f, true, s.policy, e)
	if err := e.orNil(); err != nil {
		return MonitorRow{}, err
	}
	var row MonitorRow
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.lockQuota(ctx, tx); err != nil {
			return err
		}
		e := new(Invalid)
		if err := errors.Join(s.checkQuota(ctx, tx, by.OrganizationID, e), s.checkWatchers(ctx, tx, by.OrganizationID, m.Hostname, e)); err != nil {
			return err
		}
		if err := e.orNil(); err != nil {
			return err
		}
		c, err := s.customer(ctx, tx, by, customer)
		if err != nil {
			return err
		}
		if !f.Has("allowedCheckCountryCodes") {
			m.CountryCodes = c.CountryCodes
		}
		m.PublicID, m.OrganizationID, m.CustomerID = newID(), by.OrganizationID, c.ID
		m.CreatedAt = s.clock()
		m.UpdatedAt = m.CreatedAt
		if _, err := tx.NewInsert().Model(&m).Exec(ctx); err != nil {
			return fmt.Errorf("inserting the monitor: %w", err)
		}
		state := s.freshState(m)
		if _, err := tx.NewInsert().Model(&state).Exec(ctx); err != nil {
			return fmt.Errorf("inserting its state: %w", err)
		}
		row = MonitorRow{Monitor: m, CustomerName: c.Name, CustomerPublicID: c.PublicID, State: state}
		return s.audit(ctx, tx, by, "monitor.create", "monitor", m.ID, nil, m)
	})
	if err != nil {
		return MonitorRow{}, err
	}
	s.publishMonitor(events.MonitorCreated, row)
	return row, nil
}

// freshState is the state row of a monitor about which nothing is known yet.
func (s *Store) freshState(m Monitor) MonitorState {
	st := MonitorState{MonitorID: m.ID, LocationID: LocationID, OrganizationID: m.OrganizationID, Since: s.clock(), Measured: StatePending, LastRTT: -1, Recent: []byte{}}
	st.State = s.unmeasuredState(m)
	st.Rank = Rank(m.Status, st.State, false)
	return st
}

// unmeasuredState is the state of a monitor before its next result.
func (s *Store) unmeasuredState(m Monitor) State {
	switch {
	case m.Status == StatusDisabled:
		return StatePaused
	case !m.RunsIn(s.locationCountry):
		return StateUnknown
	default:
		return StatePending
	}
}

// MayChangeMonitor tells whether the actor's role may change what the fields say, whatever the monitor.
func (a Actor) MayChangeMonitor(f Fields) bool {
	return a.May(MayChangeMonitors) || a.May(MaySetStatus) && !slices.ContainsFunc(f.Keys(), func(key string) bool { return key != "status" })
}

// ChangeMonitor changes what the fields say. ifMatch is the ETag the caller read, or empty. Somebody who may only set the
// status gets ErrForbidden for any other field. Errors: ErrForbidden, *Invalid, *NotFound, *Conflict.
func (s *Store) ChangeMonitor(ctx context.Context, by Actor, id uuid.UUID, f Fields, ifMatch string) (MonitorRow, error) {
	if err := by.check(MaySetStatus); err != nil {
		return MonitorRow{}, err
	}
	if !by.MayChangeMonitor(f) {
		return MonitorRow{}, ErrForbidden
	}
	// What is wrong with the fields is said before the monitor is looked for, so that the answer tells nothing of it.
	blank, e := newMonitor(), new(Invalid)
	blank.apply(f, false, s.policy, e)
	if err := e.orNil(); err != nil {
		return MonitorRow{}, err
	}
	var row MonitorRow
	var left int64 // the customer before
	var ended []events.Event
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if f.Has("hostname") {
			if err := s.lockQuota(ctx, tx); err != nil {
				return err
			}
		}
		if err := s.lockMonitor(ctx, tx, by, id); err != nil {
			return err
		}
		before, err := s.monitor(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if !before.matches(ifMatch) {
			return &Conflict{Message: "Somebody changed this monitor in between", Stale: true}
		}
		row, left = before, before.CustomerID
		e := new(Invalid)
		customer := row.Monitor.apply(f, false, s.policy, e)
		if row.Hostname != before.Hostname {
			if err := s.checkWatchers(ctx, tx, by.OrganizationID, row.Hostname, e); err != nil {
				return err
			}
		}
		if err := e.orNil(); err != nil {
			return err
		}
		if customer != (Ref{}) {
			c, err := s.customer(ctx, tx, by, customer)
			if err != nil {
				return err
			}
			row.CustomerID, row.CustomerName, row.CustomerPublicID = c.ID, c.Name, c.PublicID
		}
		ended, err = s.saveMonitor(ctx, tx, by, before, &row)
		return err
	})
	if err != nil {
		return MonitorRow{}, err
	}
	told := s.monitorEvent(events.MonitorUpdated, row)
	if left != row.CustomerID {
		told.FromCustomerID = left
	}
	s.publish(append(ended, told)...)
	return row, nil
}

// lockMonitor holds other writers of the monitor and of its state off until the transaction ends. The state comes first: the
// recorder locks states only, and then points to their monitors with the incidents that it opens. On SQLite the transaction does that.
func (s *Store) lockMonitor(ctx context.Context, tx bun.Tx, by Actor, id uuid.UUID) error {
	if !s.postgres() {
		return nil
	}
	for _, rows := range []string{"UPDATE OF s", "UPDATE OF m"} {
		var n int64
		err := tx.NewSelect().TableExpr("monitors AS m").ColumnExpr("m.id").Join("JOIN monitor_states AS s ON s.monitor_id = m.id").
			Where("m.public_id = ? AND m.organization_id = ?", id, by.OrganizationID).For(rows).Scan(ctx, &n)
		if errors.Is(err, sql.ErrNoRows) {
			return errNoMonitor()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// saveMonitor writes what changed and what follows from it for the state and the incident that is open; what it ended is told by
// the events that it returns.
func (s *Store) saveMonitor(ctx context.Context, tx bun.Tx, by Actor, before MonitorRow, row *MonitorRow) (ended []events.Event, err error) {
	row.Version++
	row.UpdatedAt = s.clock()
	if before.changesMeasurement(row.Monitor) {
		row.Rev++
	}
	if _, err := tx.NewUpdate().Model(&row.Monitor).ExcludeColumn("id", "public_id", "organization_id", "created_at").WherePK().Exec(ctx); err != nil {
		return nil, fmt.Errorf("updating the monitor: %w", err)
	}
	st := &row.State
	ran := before.Status != StatusDisabled && before.RunsIn(s.locationCountry)
	runs := row.Status != StatusDisabled && row.RunsIn(s.locationCountry)
	if before.restartsChecks(row.Monitor) || ran != runs {
		if ended, err = s.endIncidents(ctx, tx, by, []int64{row.ID}, endOf(before, *row)); err != nil {
			return nil, err
		}
		recent, slot := st.Recent, st.LastSlot
		checked := st.LastCheckedAt
		*st = s.freshState(row.Monitor)
		st.LastSlot = slot
		if !before.restartsChecks(row.Monitor) {
			st.Recent, st.LastCheckedAt = recent, checked
		}
	}
	st.Rank = Rank(row.Status, st.State, st.Confirming())
	if _, err := tx.NewUpdate().Model(st).WherePK().Exec(ctx); err != nil {
		return nil, fmt.Errorf("updating its state: %w", err)
	}
	return ended, s.audit(ctx, tx, by, "monitor.change", "monitor", row.ID, before.Monitor, row.Monitor)
}

// endOf is why the incident of a monitor ends whose checks begin anew or stop.
func endOf(before, after MonitorRow) IncidentEnd {
	switch {
	case after.Status == StatusDisabled:
		return EndPaused
	case before.restartsChecks(after.Monitor):
		return EndTarget
	default:
		return EndLocation
	}
}

// DeleteMonitor deletes the monitor at once and its results in small steps afterwards. Errors: ErrForbidden, *NotFound.
func (s *Store) DeleteMonitor(ctx context.Context, by Actor, id uuid.UUID) error {
	if err := by.check(MayChangeMonitors); err != nil {
		return err
	}
	var row MonitorRow
	var ended []events.Event
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.lockMonitor(ctx, tx, by, id); err != nil {
			return err
		}
		var err error
		if row, err = s.monitor(ctx, tx, by, id); err != nil {
			return err
		}
		if ended, err = s.endIncidents(ctx, tx, by, []int64{row.ID}, EndDeleted); err != nil {
			return err
		}
		if err := deleteIncidents(ctx, tx, row.Monitor); err != nil {
			return err
		}
		if _, err := tx.NewDelete().TableExpr("monitors").Where("id = ?", row.ID).Exec(ctx); err != nil {
			return fmt.Errorf("deleting the monitor: %w", err)
		}
		if _, err := tx.NewInsert().Model(&deletedMonitor{MonitorID: row.ID, OrganizationID: row.OrganizationID, CustomerID: row.CustomerID, PublicID: row.PublicID, DeletedAt: s.clock()}).Exec(ctx); err != nil {
			return fmt.Errorf("noting the deletion: %w", err)
		}
		return s.audit(ctx, tx, by, "monitor.delete", "monitor", row.ID, row.Monitor, nil)
	})
	if err != nil {
		return err
	}
	s.publish(append(ended, s.monitorEvent(events.MonitorDeleted, row))...)
	return nil
}
