package models

import (
	"context"

	"github.com/google/uuid"
)

// StatusPage returns one page. Errors: ErrForbidden, *NotFound.
func (s *Store) StatusPage(ctx context.Context, by Actor, id uuid.UUID) (StatusPage, error) {
	if err := by.check(MayRead); err != nil {
		return StatusPage{}, err
	}
	q := s.ro.NewSelect().Join("JOIN customers AS c ON c.id = sp.customer_id").Where("sp.organization_id = ? AND sp.public_id = ?", by.OrganizationID, id)
	return s.unscopedStatusPage(ctx, visible(q, by))
}
