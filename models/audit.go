package models

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// AuditEntry is one line of an organization's trail: who did what to which object.
type AuditEntry struct {
	bun.BaseModel   `bun:"table:audit_entries"`
	ID              int64 `bun:",pk,autoincrement"`
	OrganizationID  int64
	At              time.Time
	UserID, TokenID int64 `bun:",nullzero"`
	Address         string
	Action          string
	ObjectType      string
	ObjectID        int64
	Before, After   string // JSON, empty where there is none; never a secret
}

// audit adds a line to the trail, in the transaction of what it tells about.
func (s *Store) audit(ctx context.Context, tx bun.IDB, by Actor, action, objectType string, id int64, before, after any) error {
	e := AuditEntry{OrganizationID: by.OrganizationID, At: s.clock(), UserID: by.UserID, TokenID: by.TokenID, Address: by.Address,
		Action: action, ObjectType: objectType, ObjectID: id}
	var err error
	if e.Before, err = auditJSON(before); err != nil {
		return fmt.Errorf("writing the audit trail: %w", err)
	}
	if e.After, err = auditJSON(after); err != nil {
		return fmt.Errorf("writing the audit trail: %w", err)
	}
	if _, err := tx.NewInsert().Model(&e).ExcludeColumn("id").Returning("NULL").Exec(ctx); err != nil {
		return fmt.Errorf("writing the audit trail: %w", err)
	}
	return nil
}

// auditJSON is the form in which the trail keeps an object.
func auditJSON(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}
