package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// sweepStep is how many results one transaction deletes: the writer is free again within milliseconds.
const sweepStep = 1000

// SweepDeleted deletes one step of the results of deleted monitors; more is true where there are more.
func (s *Store) SweepDeleted(ctx context.Context) (more bool, err error) {
	var id int64
	err = s.ro.NewSelect().TableExpr("deleted_monitors").Column("monitor_id").Where("deleted_at < ?", s.clock().Add(-graceOfDeleted)).
		OrderExpr("monitor_id").Limit(1).Scan(ctx, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading deleted monitors: %w", err)
	}
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var first, last sql.NullInt64
		step := tx.NewSelect().TableExpr("results").Column("slot").Where("monitor_id = ?", id).OrderExpr("slot").Limit(sweepStep)
		if err := tx.NewSelect().TableExpr("(?) AS step", step).ColumnExpr("min(slot), max(slot)").Scan(ctx, &first, &last); err != nil {
			return err
		}
		if first.Valid {
			// With its bounds given as numbers, the statement goes to the days that it is about and to no other.
			_, err := tx.NewDelete().TableExpr("results").Where("monitor_id = ? AND slot BETWEEN ? AND ?", id, first.Int64, last.Int64).Exec(ctx)
			return err
		}
		// Its roll-ups are hundreds of rows, however long it lived.
		if _, err := tx.NewDelete().TableExpr("rollups").Where("id BETWEEN ? AND ?", packID(id, level5m, 0, 0), packID(id+1, level5m, 0, 0)-1).Exec(ctx); err != nil {
			return err
		}
		_, err := tx.NewDelete().TableExpr("deleted_monitors").Where("monitor_id = ?", id).Exec(ctx)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("sweeping results: %w", err)
	}
	return true, nil
}

// SweepExpired deletes sessions, setup links, live measurements, visits and counted sign-ins that are over.
func (s *Store) SweepExpired(ctx context.Context) error {
	now := s.clock()
	for _, q := range []*bun.DeleteQuery{
		s.db.NewDelete().TableExpr("sessions").Where("expires_at < ? OR last_seen_at < ?", now, now.Add(-sessionIdle)),
		s.db.NewDelete().TableExpr("setup_tokens").Where("expires_at < ?", now),
		s.db.NewDelete().TableExpr("live_sessions").Where("until < ?", now.Add(-LiveKept)), // its packets go with it
		s.db.NewDelete().TableExpr("status_visits").Where("expires_at < ?", now),
		s.db.NewDelete().TableExpr("login_attempts").Where("at < ?", now.Add(-throttleWindow)),
	} {
		if _, err := q.Exec(ctx); err != nil {
			return fmt.Errorf("sweeping what expired: %w", err)
		}
	}
	return nil
}

// CancelDue cancels the customers whose date has come, and so stops their monitors.
func (s *Store) CancelDue(ctx context.Context) error {
	var due []Customer
	err := s.ro.NewSelect().Model(&due).Where("c.status = ? AND c.cancellation_date <= ?", CustomerMarked, s.clock()).OrderExpr("c.id").Limit(100).Scan(ctx)
	if err != nil {
		return fmt.Errorf("reading cancelled customers: %w", err)
	}
	for _, c := range due {
		by := Actor{OrganizationID: c.OrganizationID}
		_, err := s.updateCustomer(ctx, by, Ref{ID: c.ID}, "customer.cancelled", func(c *Customer) error {
			// Somebody may have taken the customer back meanwhile.
			if c.Status == CustomerMarked && c.CancellationDate != nil && !c.CancellationDate.After(s.clock()) {
				c.Status = CustomerCancelled
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("cancelling customer %d: %w", c.ID, err)
		}
	}
	return nil
}

// graceOfDeleted is how long a deleted monitor is remembered before its results are swept: other instances read it.
const graceOfDeleted = time.Minute

// deletedMonitor is what is left of a monitor while its results are swept.
type deletedMonitor struct {
	bun.BaseModel  `bun:"table:deleted_monitors"`
	MonitorID      int64 `bun:",pk"`
	OrganizationID int64
	CustomerID     int64
	PublicID       uuid.UUID `bun:"type:uuid"`
	DeletedAt      time.Time
}
