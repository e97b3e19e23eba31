package models

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// CreateStatusPage makes a page. Errors: ErrForbidden, *Invalid, *NotFound for a customer that is not there, *Conflict for a slug that
// is taken.
func (s *Store) CreateStatusPage(ctx context.Context, by Actor, f Fields) (StatusPage, error) {
	if err := by.check(MayChangeMonitors); err != nil {
		return StatusPage{}, err
	}
	now := s.clock()
	p := StatusPage{PublicID: newID(), OrganizationID: by.OrganizationID, Visibility: VisiblePublic, LinkToken: newSecret(), DomainToken: newSecret(),
		Language: "en", TimeZone: "UTC", AllMonitors: true, Latency: LatencySparkline, Publish: PublishDown, Version: 1, CreatedAt: now, UpdatedAt: now}
	e := new(Invalid)
	in := reader{Fields: f, e: e}
	customer, _ := in.integer("customerId", 1, 1<<53, true)
	p.Name, _ = in.text("name", true)
	p.Slug, _ = in.text("slug", true)
	if v, ok := in.text("visibility", true); ok {
		p.Visibility = Visibility(v)
	}
	p.IsPublished, _ = in.flag("isPublished", true)
	if err := e.orNil(); err != nil {
		return StatusPage{}, err
	}
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		c, err := s.customer(ctx, tx, by, Ref{ID: int64(customer)})
		if err != nil {
			return err
		}
		p.CustomerID = c.ID
		if _, err := tx.NewInsert().Model(&p).ExcludeColumn("id").Returning("id").Exec(ctx); err != nil {
			return err
		}
		return s.audit(ctx, tx, by, "status_page.create", "status_page", p.ID, nil, p)
	})
	switch {
	case isDuplicate(err):
		return StatusPage{}, &Conflict{Message: "This slug is taken"}
	case err != nil:
		return StatusPage{}, fmt.Errorf("making a status page: %w", err)
	}
	return p, nil
}
