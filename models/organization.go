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

// Organization is a tenant.
type Organization struct {
	bun.BaseModel        `bun:"table:organizations,alias:o" json:"-"`
	ID                   int64     `bun:",pk,autoincrement"`
	PublicID             uuid.UUID `bun:"type:uuid"`
	Name                 string
	CreatedAt, UpdatedAt time.Time
}

// defaultOrganization is the name of the organization that is made when nobody named one.
const defaultOrganization = "Organization"

// errNoOrganization is the one answer for an organization that is not there or not the actor's.
func errNoOrganization() error { return &NotFound{What: "Organization"} }

// ChooseOrganization returns the actor acting in the organization that it named. Somebody without a global role may
// name the own one only. Errors: *NotFound.
func (s *Store) ChooseOrganization(ctx context.Context, by Actor, ref Ref) (Actor, error) {
	var o Organization
	q := s.ro.NewSelect().Model(&o)
	err := ref.where(q, "o").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !by.Role.Global() && o.ID != by.HomeID {
		return Actor{}, errNoOrganization()
	}
	if err != nil {
		return Actor{}, fmt.Errorf("reading the organization: %w", err)
	}
	by.OrganizationID = o.ID
	return by, nil
}

// Organizations returns the organizations that the actor may name, by name: all for a global role, else the own one.
func (s *Store) Organizations(ctx context.Context, by Actor) ([]Organization, error) {
	if by.Role == "" {
		return nil, ErrUnauthorized
	}
	list := []Organization{}
	q := s.ro.NewSelect().Model(&list).OrderExpr("o.name, o.id").Limit(1000)
	if !by.Role.Global() {
		q = q.Where("o.id = ?", by.HomeID)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing organizations: %w", err)
	}
	return list, nil
}

// Organization returns the organization that the actor acts in.
func (s *Store) Organization(ctx context.Context, by Actor) (Organization, error) {
	var o Organization
	if err := by.check(MayRead); err != nil {
		return o, err
	}
	err := s.ro.NewSelect().Model(&o).Where("o.id = ?", by.OrganizationID).Scan(ctx)
	return o, err
}

// Account is who is signed in, and where, as every page shows it.
type Account struct {
	Email, FirstName, LastName string
	// Organization is the name of the one acted in; empty where a global role has chosen none.
	Organization string
}

// Account returns the user behind the actor with the organization's name, in one query: every page asks.
func (s *Store) Account(ctx context.Context, by Actor) (Account, error) {
	var a Account
	err := s.ro.NewSelect().TableExpr("users AS u").ColumnExpr("u.email, u.first_name, u.last_name, coalesce(o.name, '') AS organization").
		Join("LEFT JOIN organizations AS o ON o.id = ?", by.OrganizationID).Where("u.id = ?", by.UserID).Scan(ctx, &a)
	if err != nil {
		return Account{}, fmt.Errorf("reading the account: %w", err)
	}
	return a, nil
}

// makeOrganization inserts an organization with a first customer, whose e-mail is the one given.
func (s *Store) makeOrganization(ctx context.Context, tx bun.IDB, name, email string) (Organization, error) {
	now := s.clock()
	o := Organization{PublicID: newID(), Name: name, CreatedAt: now, UpdatedAt: now}
	if _, err := tx.NewInsert().Model(&o).Exec(ctx); err != nil {
		return o, fmt.Errorf("inserting the organization: %w", err)
	}
	c := Customer{PublicID: newID(), OrganizationID: o.ID, Name: name, Email: email, Status: CustomerActive, CustomFields: emptyObject, CreatedAt: now, UpdatedAt: now}
	c.Search = fold(c.Name)
	if _, err := tx.NewInsert().Model(&c).Exec(ctx); err != nil {
		return o, fmt.Errorf("inserting its first customer: %w", err)
	}
	return o, nil
}
