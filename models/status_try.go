package models

import (
	"context"

	"github.com/google/uuid"
)

// TryStatusPage returns the page as it would be with the fields, and saves nothing. Places of monitors stay as they are.
// Errors: ErrForbidden, *Invalid, *NotFound.
func (s *Store) TryStatusPage(ctx context.Context, by Actor, id uuid.UUID, f Fields) (StatusPage, error) {
	if err := by.check(MayChangeMonitors); err != nil {
		return StatusPage{}, err
	}
	p, err := s.statusPage(ctx, s.ro, by, id, false)
	if err != nil {
		return StatusPage{}, err
	}
	e := new(Invalid)
	change := p.apply(f, false, e)
	if f.Has("customDomainHostname") {
		s.checkDomain(p, e)
	}
	if err := e.orNil(); err != nil {
		return StatusPage{}, err
	}
	if change.customer != (Ref{}) {
		c, err := s.customer(ctx, s.ro, by, change.customer)
		if err != nil {
			return StatusPage{}, err
		}
		p.CustomerID = c.ID
	}
	return p, nil
}
