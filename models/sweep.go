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

// sweepStep is how many results one transaction deletes: the writer is free again within milliseconds.
const sweepStep = 1000

// SweepDeleted deletes one step of the results of deleted monitors; more is true where there are more.
func (s *Store) SweepDeleted(ctx context.Context) (more bool, err error) {
	var id int64
	// A minute's grace: other instances read these rows to learn of the deletion.
	err = s.ro.NewSelect().TableExpr("deleted_monitors").Column("monitor_id").Where("deleted_at < ?", s.clock().Add(-time.Minute)).
		OrderExpr("monitor_id").Limit(1).Scan(ctx, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading deleted monitors: %w", err)
	}
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		slots := tx.NewSelect().TableExpr("results").Column("slot").Where("monitor_id = ?", id).OrderExpr("slot").Limit(sweepStep)
		gone, err := tx.NewDelete().TableExpr("results").Where("monitor_id = ? AND slot IN (?)", id, slots).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := gone.RowsAffected(); err != nil || n > 0 {
			return err
		}
		_, err = tx.NewDelete().TableExpr("deleted_monitors").Where("monitor_id = ?", id).Exec(ctx)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("sweeping results: %w", err)
	}
	return true, nil
}

// SweepExpired deletes sessions, setup links and counted sign-ins that are over.
func (s *Store) SweepExpired(ctx context.Context) error {
	now := s.clock()
	for _, q := range []*bun.DeleteQuery{
		s.db.NewDelete().TableExpr("sessions").Where("expires_at < ? OR last_seen_at < ?", now, now.Add(-sessionIdle)),
		s.db.NewDelete().TableExpr("setup_tokens").Where("expires_at < ?", now),
		s.db.NewDelete().TableExpr("login_attempts").Where("at < ?", now.Add(-throttleWindow)),
	} {
		if _, err := q.Exec(ctx); err != nil {
			return fmt.Errorf("sweeping what expired: %w", err)
		}
	}
	return nil
}

// CancelDue stops the monitors of customers whose cancellation date has come.
func (s *Store) CancelDue(ctx context.Context) error {
	due := func(db bun.IDB, into *[]Customer) error {
		return db.NewSelect().Model(into).Where("c.status = ? AND c.cancellation_date <= ?", CustomerMarked, s.clock()).OrderExpr("c.id").Limit(100).Scan(ctx)
	}
	var list []Customer
	if err := due(s.ro, &list); err != nil || len(list) == 0 {
		return err
	}
	for _, c := range list {
		if err := s.cancelNow(ctx, c); err != nil {
			return fmt.Errorf("cancelling customer %d: %w", c.ID, err)
		}
	}
	return nil
}

func (s *Store) cancelNow(ctx context.Context, c Customer) error {
	by := Actor{Role: RoleAdmin, HomeID: c.OrganizationID, OrganizationID: c.OrganizationID}
	var stopped []MonitorRow
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		stopped = nil
		if err := s.monitorQuery(tx, by, &stopped, leadMonitors).Where("m.customer_id = ? AND m.status <> ?", c.ID, StatusDisabled).Scan(ctx); err != nil {
			return err
		}
		for i, before := range stopped {
			stopped[i].Status = StatusDisabled
			if err := s.saveMonitor(ctx, tx, by, before, &stopped[i]); err != nil {
				return err
			}
		}
		after := c
		after.Status, after.UpdatedAt = CustomerCancelled, s.clock()
		if _, err := tx.NewUpdate().Model(&after).Column("status", "updated_at").WherePK().Exec(ctx); err != nil {
			return err
		}
		return s.audit(ctx, tx, by, "customer.cancelled", "customer", c.ID, c, after)
	})
	if err != nil {
		return err
	}
	for _, row := range stopped {
		s.publishMonitor(events.MonitorUpdated, row)
	}
	return nil
}

// deletedMonitor is what is left of a monitor while its results are swept.
type deletedMonitor struct {
	bun.BaseModel  `bun:"table:deleted_monitors"`
	MonitorID      int64 `bun:",pk"`
	OrganizationID int64
	CustomerID     int64
	PublicID       uuid.UUID `bun:"type:uuid"`
	DeletedAt      time.Time
}
