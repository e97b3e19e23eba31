package models

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// What the public policy lets strangers store, beside the caps on what is sent.
const (
	publicMonitors      = 100 // of one organization, whatever their status
	publicOrganizations = 5   // that watch one host, by the name or address that is stored
	// quotaLock is the key of the Postgres advisory lock that whoever counts takes.
	quotaLock = 0x6563686f + 2
)

// lockQuota holds off others who count until the transaction ends, so that of two who would take the last place one gets it.
// It is taken before any row is locked, else the two could wait for each other. On SQLite the transaction does that.
func (s *Store) lockQuota(ctx context.Context, tx bun.Tx) error {
	if !s.policy.Public || !s.postgres() {
		return nil
	}
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?)", quotaLock); err != nil {
		return fmt.Errorf("locking the quota: %w", err)
	}
	return nil
}

// checkQuota looks whether the organization may have one more monitor, and adds to e where it has as many as it may.
func (s *Store) checkQuota(ctx context.Context, tx bun.Tx, organization int64, e *Invalid) error {
	if !s.policy.Public {
		return nil
	}
	n, err := tx.NewSelect().TableExpr("monitors").Where("organization_id = ?", organization).Count(ctx)
	if err != nil {
		return fmt.Errorf("counting the organization's monitors: %w", err)
	}
	if n >= publicMonitors {
		e.Fields = append(e.Fields, FieldError{Field: "organizationId", Code: "tooManyMonitors",
			Message: fmt.Sprintf("This organization has %d monitors, and this server allows %d: delete one first", n, publicMonitors)})
	}
	return nil
}

// checkWatchers looks whether the organization may watch the host, and adds to e where too many others do. It reads through
// all monitors, without an index that every other server would have to write: beside 20,000, about as many as the policy's
// packets a second are enough for, making one takes 2 ms on SQLite and 11 ms on Postgres.
func (s *Store) checkWatchers(ctx context.Context, tx bun.Tx, organization int64, host string, e *Invalid) error {
	if !s.policy.Public {
		return nil
	}
	var others int
	err := tx.NewSelect().TableExpr("monitors").ColumnExpr("count(DISTINCT organization_id)").
		Where("hostname = ? AND organization_id <> ?", host, organization).Scan(ctx, &others)
	if err != nil {
		return fmt.Errorf("counting who watches the host: %w", err)
	}
	if others >= publicOrganizations {
		e.Fields = append(e.Fields, FieldError{Field: "hostname", Code: "targetNotAllowed",
			Message: fmt.Sprintf("Target not allowed: %d organizations watch it, as many as this server allows", others)})
	}
	return nil
}
