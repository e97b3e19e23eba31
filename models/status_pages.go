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

// StatusPagesFilter chooses a page of the list of status pages.
type StatusPagesFilter struct {
	Customer      Ref
	Page, PerPage int
}

// statusPageQuery selects pages that the actor sees: those of customers that the actor sees, with no monitor of another's. Who could
// change such a page could make it show that monitor's host.
func statusPageQuery(db bun.IDB, by Actor, into any) *bun.SelectQuery {
	q := db.NewSelect().Model(into).ColumnExpr(statusPageColumns).ColumnExpr("c.name AS customer_name, c.public_id AS customer_public_id").
		Join("JOIN customers AS c ON c.id = sp.customer_id").Where("sp.organization_id = ?", by.OrganizationID)
	if by.Limited && len(by.CustomerIDs) > 0 {
		q = q.Where("NOT EXISTS (?)", db.NewSelect().TableExpr("status_page_monitors AS spm").ColumnExpr("1").
			Join("JOIN monitors AS m ON m.id = spm.monitor_id").Where("spm.page_id = sp.id AND m.customer_id NOT IN (?)", bun.List(by.CustomerIDs)))
	}
	return visible(q, by)
}

func (s *Store) statusPage(ctx context.Context, db bun.IDB, by Actor, id uuid.UUID, lock bool) (StatusPage, error) {
	var p StatusPage
	q := statusPageQuery(db, by, &p).Where("sp.public_id = ?", id)
	if lock && s.postgres() { // on SQLite the transaction does that
		q = q.For("UPDATE OF sp")
	}
	err := q.Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return StatusPage{}, errNoStatusPage()
	}
	if err != nil {
		return StatusPage{}, fmt.Errorf("reading a status page: %w", err)
	}
	return p, nil
}

// StatusPage returns one page. Errors: ErrForbidden, *NotFound.
func (s *Store) StatusPage(ctx context.Context, by Actor, id uuid.UUID) (StatusPage, error) {
	if err := by.check(MayRead); err != nil {
		return StatusPage{}, err
	}
	return s.statusPage(ctx, s.ro, by, id, false)
}

// StatusPages returns one page of the list of status pages that the actor sees, newest first, and how many there are in all.
// Errors: ErrForbidden, *NotFound for a customer that is not there.
func (s *Store) StatusPages(ctx context.Context, by Actor, f StatusPagesFilter) ([]StatusPage, int, error) {
	if err := by.check(MayRead); err != nil {
		return nil, 0, err
	}
	list := make([]StatusPage, 0, f.PerPage)
	q := statusPageQuery(s.ro, by, &list)
	if f.Customer != (Ref{}) {
		c, err := s.customer(ctx, s.ro, by, f.Customer)
		if err != nil {
			return nil, 0, err
		}
		q = q.Where("sp.customer_id = ?", c.ID)
	}
	total, err := q.OrderExpr("sp.id DESC").Limit(int64(f.PerPage)).Offset(int64(f.Page-1) * int64(f.PerPage)).ScanAndCount(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("listing status pages: %w", err)
	}
	return list, int(total), nil
}

// CreateStatusPage makes a page. Errors: ErrForbidden, *Invalid, *NotFound for a customer or a monitor that is not there, *Conflict for
// a slug that is taken.
func (s *Store) CreateStatusPage(ctx context.Context, by Actor, f Fields) (StatusPage, error) {
	if err := by.check(MayChangeMonitors); err != nil {
		return StatusPage{}, err
	}
	now := s.clock()
	p := StatusPage{PublicID: newID(), OrganizationID: by.OrganizationID, Visibility: VisiblePublic, LinkToken: newSecret(), DomainToken: newSecret(),
		Language: "en", TimeZone: "UTC", AllMonitors: true, Latency: LatencySparkline, Publish: PublishDown, Version: 1, CreatedAt: now, UpdatedAt: now}
	e := new(Invalid)
	change := p.apply(f, true, e)
	s.checkDomain(p, e)
	p.complete(change.password != "", e)
	if err := e.orNil(); err != nil {
		return StatusPage{}, err
	}
	if err := s.setStatusPassword(ctx, &p, change); err != nil {
		return StatusPage{}, err
	}
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.giveStatusPage(ctx, tx, by, change.customer, &p); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(&p).ExcludeColumn("id").Returning("id").Exec(ctx); err != nil {
			return statusPageTaken(err)
		}
		if err := s.savePlaces(ctx, tx, by, p, change.places); err != nil {
			return err
		}
		return s.audit(ctx, tx, by, "status_page.create", "status_page", p.ID, nil, p)
	})
	if err != nil {
		return StatusPage{}, err
	}
	s.publishStatusPage(p)
	return p, nil
}

// ChangeStatusPage changes what the fields say. ifMatch is the ETag that the caller read, or empty. A changed password ends the
// visits of those who gave the old one. Errors: ErrForbidden, *Invalid, *NotFound, *Conflict for a slug that is taken and, with Stale,
// for a page that was changed in between.
func (s *Store) ChangeStatusPage(ctx context.Context, by Actor, id uuid.UUID, f Fields, ifMatch string) (StatusPage, error) {
	if err := by.check(MayChangeMonitors); err != nil {
		return StatusPage{}, err
	}
	// What is wrong with the fields is said before the page is looked for, so that the answer tells nothing of it.
	var blank StatusPage
	e := new(Invalid)
	change := blank.apply(f, false, e)
	s.checkDomain(blank, e)
	if err := e.orNil(); err != nil {
		return StatusPage{}, err
	}
	if change.password != "" {
		// Before the password is hashed, which takes time that is not spent in a transaction.
		if _, err := s.statusPage(ctx, s.ro, by, id, false); err != nil {
			return StatusPage{}, err
		}
		if err := s.setStatusPassword(ctx, &blank, change); err != nil {
			return StatusPage{}, err
		}
	}
	return s.updateStatusPage(ctx, by, id, "status_page.change", func(ctx context.Context, tx bun.Tx, p *StatusPage) error {
		if !matchesTag(ifMatch, p.ETag()) {
			return &Conflict{Message: "Somebody changed this status page in between", Stale: true}
		}
		p.apply(f, false, new(Invalid))
		if change.hasPassword {
			p.PasswordHash = blank.PasswordHash
			if _, err := tx.NewDelete().TableExpr("status_visits").Where("page_id = ?", p.ID).Exec(ctx); err != nil {
				return fmt.Errorf("forgetting who gave the old password: %w", err)
			}
		}
		e := new(Invalid)
		if p.complete(p.HasPassword(), e); e.orNil() != nil {
			return e
		}
		if err := s.giveStatusPage(ctx, tx, by, change.customer, p); err != nil {
			return err
		}
		if change.hasPlaces {
			return s.savePlaces(ctx, tx, by, *p, change.places)
		}
		return nil
	})
}

// RenewStatusLink makes the page's link a new one: who has the old one sees nothing any more. Errors: ErrForbidden, *NotFound.
func (s *Store) RenewStatusLink(ctx context.Context, by Actor, id uuid.UUID) (StatusPage, error) {
	if err := by.check(MayChangeMonitors); err != nil {
		return StatusPage{}, err
	}
	return s.updateStatusPage(ctx, by, id, "status_page.renew_link", func(_ context.Context, _ bun.Tx, p *StatusPage) error {
		p.LinkToken = newSecret()
		return nil
	})
}

// DeleteStatusPage deletes the page with everything that was told on it. Errors: ErrForbidden, *NotFound.
func (s *Store) DeleteStatusPage(ctx context.Context, by Actor, id uuid.UUID) error {
	if err := by.check(MayChangeMonitors); err != nil {
		return err
	}
	var p StatusPage
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		if p, err = s.statusPage(ctx, tx, by, id, true); err != nil {
			return err
		}
		if _, err := tx.NewDelete().TableExpr("status_pages").Where("id = ?", p.ID).Exec(ctx); err != nil {
			return fmt.Errorf("deleting a status page: %w", err)
		}
		return s.audit(ctx, tx, by, "status_page.delete", "status_page", p.ID, p, nil)
	})
	if err == nil {
		s.publishStatusPage(p)
	}
	return err
}

// updateStatusPage changes the page in a transaction and tells of it afterwards, under its old slug too.
func (s *Store) updateStatusPage(ctx context.Context, by Actor, id uuid.UUID, action string, change func(context.Context, bun.Tx, *StatusPage) error) (StatusPage, error) {
	var before, p StatusPage
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		if before, err = s.statusPage(ctx, tx, by, id, true); err != nil {
			return err
		}
		p = before
		if err := change(ctx, tx, &p); err != nil {
			return err
		}
		p.Version++
		p.UpdatedAt = s.clock()
		if !p.UpdatedAt.After(before.UpdatedAt) { // its ETag must move
			p.UpdatedAt = before.UpdatedAt.Add(time.Microsecond)
		}
		if _, err := tx.NewUpdate().Model(&p).ExcludeColumn("id", "public_id", "organization_id", "created_at").WherePK().Exec(ctx); err != nil {
			return statusPageTaken(err)
		}
		return s.audit(ctx, tx, by, action, "status_page", p.ID, before, p)
	})
	if err != nil {
		return StatusPage{}, err
	}
	if before.Slug != p.Slug {
		s.publishStatusPage(before)
	}
	s.publishStatusPage(p)
	return p, nil
}

// giveStatusPage makes the page the customer's, where one was named.
func (s *Store) giveStatusPage(ctx context.Context, tx bun.Tx, by Actor, customer Ref, p *StatusPage) error {
	if customer == (Ref{}) {
		return nil
	}
	c, err := s.customer(ctx, tx, by, customer)
	p.CustomerID, p.CustomerName, p.CustomerPublicID = c.ID, c.Name, c.PublicID
	return err
}

// setStatusPassword hashes the new password, or forgets the old one.
func (s *Store) setStatusPassword(ctx context.Context, p *StatusPage, change statusChange) (err error) {
	if change.hasPassword {
		p.PasswordHash = ""
	}
	if change.password != "" {
		if p.PasswordHash, err = s.hashPassword(ctx, change.password); err != nil {
			return fmt.Errorf("hashing a status page's password: %w", err)
		}
	}
	return nil
}

// statusPageTaken says what a row that could not be written is about.
func statusPageTaken(err error) error {
	if isDuplicate(err) {
		return &Conflict{Message: "This slug is taken"}
	}
	return fmt.Errorf("writing a status page: %w", err)
}

func (s *Store) publishStatusPage(p StatusPage) {
	// Past Store.publish: no counter of monitors is made stale by it.
	s.bus.Publish(events.Event{Type: events.StatusPageChanged, At: s.clock(), OrganizationID: p.OrganizationID, CustomerID: p.CustomerID,
		PublicID: p.PublicID.String(), Data: p.Slug})
}
