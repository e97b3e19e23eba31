package models

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"echolot/models/events"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// CustomerStatus is where a customer stands.
type CustomerStatus string

// The statuses of a customer.
const (
	CustomerActive    CustomerStatus = "active"
	CustomerMarked    CustomerStatus = "marked_for_cancellation"
	CustomerCancelled CustomerStatus = "cancelled"
)

// cancellationDays is how long a cancelled customer's monitors go on.
const cancellationDays = 3

// emptyObject is the custom fields of a customer that has none.
const emptyObject = "{}"

// Customer is one that an organization watches hosts for.
type Customer struct {
	bun.BaseModel           `bun:"table:customers,alias:c" json:"-"`
	ID                      int64     `bun:",pk,autoincrement"`
	PublicID                uuid.UUID `bun:"type:uuid"`
	OrganizationID          int64
	Name                    string
	Search                  string `json:"-"`
	Email                   string
	Status                  CustomerStatus
	NotificationEmail       *string
	NotificationPhoneNumber *string
	// CountryCodes is the default of the customer's monitors.
	CountryCodes Countries
	// CustomFields is a JSON object as it was sent.
	CustomFields          string
	MonthlyReportsEnabled bool
	CancelledAt           *time.Time
	CancellationDate      *time.Time
	CreatedAt, UpdatedAt  time.Time
}

// errNoCustomer is the one answer for a customer that is not there or not the actor's.
func errNoCustomer() error { return &NotFound{What: "Customer"} }

// customerFields are the fields of a customer in the contract's order.
var customerFields = [...]string{"name", "email", "status", "notificationEmail", "notificationPhoneNumber", "allowedCheckCountryCodes", "customFields", "monthlyReportsEnabled"}

// apply changes c as the fields say and notes in e what is wrong.
func (c *Customer) apply(f Fields, create bool, e *Invalid) {
	in := reader{Fields: f, e: e}
	if v, ok := in.text("name", true); ok {
		name, wrong := cleanName(v, maxName)
		if wrong != "" {
			e.add("name", "name "+wrong, nameAdvice(wrong))
		}
		c.Name = name
	} else if create {
		e.add("name", "name is required", "Type a name")
	}
	if v, ok := in.text("email", true); ok {
		if !isEmail(v) {
			e.add("email", "email must be an e-mail address", "Type an address like noc@example.com")
		}
		c.Email = v
	} else if create {
		e.add("email", "email is required", "Type an e-mail address")
	}
	if v, ok := in.text("status", true); ok {
		c.Status = CustomerStatus(v)
		if c.Status != CustomerActive && c.Status != CustomerMarked && c.Status != CustomerCancelled {
			e.add("status", "status must be active, marked_for_cancellation or cancelled", "")
		}
	}
	c.NotificationEmail = in.optional("notificationEmail", c.NotificationEmail, isEmail, "an e-mail address", "Type an address like noc@example.com")
	c.NotificationPhoneNumber = in.optional("notificationPhoneNumber", c.NotificationPhoneNumber, e164.MatchString, "an E.164 number like +493512345678", "Type a number like +493512345678")
	if f.Has("allowedCheckCountryCodes") {
		c.CountryCodes = in.countries("allowedCheckCountryCodes")
	}
	if f.Has("customFields") {
		c.CustomFields = emptyObject
		var object map[string]json.RawMessage
		if in.read("customFields", "an object", false, &object) {
			c.CustomFields = string(f.raw["customFields"])
		}
	}
	if v, ok := in.flag("monthlyReportsEnabled", true); ok && !create {
		c.MonthlyReportsEnabled = v
	}
	c.Search = fold(c.Name)
	e.sortLike(customerFields[:])
}

// Version names the version of the customer's settings, for who would change what was read before.
func (c Customer) Version() string { return c.UpdatedAt.UTC().Format(time.RFC3339Nano) }

// settle makes the dates fit the status that was set.
func (c *Customer) settle(now time.Time) {
	switch c.Status {
	case CustomerActive:
		c.CancelledAt, c.CancellationDate = nil, nil
		return
	case CustomerMarked:
		if c.CancelledAt == nil {
			end := now.AddDate(0, 0, cancellationDays)
			c.CancelledAt, c.CancellationDate = &now, &end
		}
	case CustomerCancelled:
		if c.CancelledAt == nil {
			c.CancelledAt = &now
		}
		if c.CancellationDate == nil || c.CancellationDate.After(now) {
			c.CancellationDate = &now
		}
	}
}

// customer finds one customer that the actor sees.
func (s *Store) customer(ctx context.Context, db bun.IDB, by Actor, ref Ref) (Customer, error) {
	var c Customer
	q := visible(db.NewSelect().Model(&c).Where("c.organization_id = ?", by.OrganizationID), by)
	err := ref.where(q, "c").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return c, errNoCustomer()
	}
	if err != nil {
		return c, fmt.Errorf("reading the customer: %w", err)
	}
	return c, nil
}

// Customer returns one customer. Errors: ErrForbidden, *NotFound.
func (s *Store) Customer(ctx context.Context, by Actor, ref Ref) (Customer, error) {
	if err := by.check(MayRead); err != nil {
		return Customer{}, err
	}
	return s.customer(ctx, s.ro, by, ref)
}

// maxCustomers bounds the list of customers, which the contract does not page.
const maxCustomers = 5000

// Customers returns the customers that the actor sees, newest first, at most 5,000. Errors: ErrForbidden.
func (s *Store) Customers(ctx context.Context, by Actor) ([]Customer, error) {
	if err := by.check(MayRead); err != nil {
		return nil, err
	}
	list := []Customer{}
	q := s.ro.NewSelect().Model(&list).Where("c.organization_id = ?", by.OrganizationID).OrderExpr("c.id DESC").Limit(maxCustomers)
	if err := visible(q, by).Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing customers: %w", err)
	}
	return list, nil
}

// MonitorCounts returns the number of monitors of each customer that the actor sees.
func (s *Store) MonitorCounts(ctx context.Context, by Actor) (map[int64]int, error) {
	if err := by.check(MayRead); err != nil {
		return nil, err
	}
	var rows []struct {
		CustomerID int64
		N          int
	}
	q := s.ro.NewSelect().TableExpr("monitors AS m").ColumnExpr("m.customer_id, count(*) AS n").
		Join("JOIN customers AS c ON c.id = m.customer_id").Where("m.organization_id = ?", by.OrganizationID).GroupExpr("m.customer_id")
	if err := visible(q, by).Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("counting customers' monitors: %w", err)
	}
	counts := make(map[int64]int, len(rows))
	for _, r := range rows {
		counts[r.CustomerID] = r.N
	}
	return counts, nil
}

// CreateCustomer makes a customer. Errors: ErrForbidden, *Invalid.
func (s *Store) CreateCustomer(ctx context.Context, by Actor, f Fields) (Customer, error) {
	if err := by.check(MayChangeCustomers); err != nil {
		return Customer{}, err
	}
	now := s.clock()
	c := Customer{PublicID: newID(), OrganizationID: by.OrganizationID, Status: CustomerActive, CustomFields: emptyObject, CreatedAt: now, UpdatedAt: now}
	e := new(Invalid)
	c.apply(f, true, e)
	if err := e.orNil(); err != nil {
		return Customer{}, err
	}
	c.settle(now)
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(&c).Exec(ctx); err != nil {
			return fmt.Errorf("inserting the customer: %w", err)
		}
		return s.audit(ctx, tx, by, "customer.create", "customer", c.ID, nil, c)
	})
	return c, err
}

// ChangeCustomer changes what the fields say. ifVersion is the Version that the caller read, or empty.
// Errors: ErrForbidden, *Invalid, *NotFound, *Conflict.
func (s *Store) ChangeCustomer(ctx context.Context, by Actor, ref Ref, f Fields, ifVersion string) (Customer, error) {
	if err := by.check(MayChangeCustomers); err != nil {
		return Customer{}, err
	}
	var blank Customer
	e := new(Invalid)
	blank.apply(f, false, e)
	if err := e.orNil(); err != nil {
		return Customer{}, err
	}
	return s.updateCustomer(ctx, by, ref, "customer.change", func(c *Customer) error {
		if ifVersion != "" && ifVersion != c.Version() {
			return &Conflict{Message: "Somebody changed this customer in between", Stale: true}
		}
		c.apply(f, false, new(Invalid))
		return nil
	})
}

// CancelCustomer marks the customer: its monitors stop three days later. Doing it again changes nothing.
// Errors: ErrForbidden, *NotFound.
func (s *Store) CancelCustomer(ctx context.Context, by Actor, ref Ref) (Customer, error) {
	if err := by.check(MayChangeCustomers); err != nil {
		return Customer{}, err
	}
	return s.updateCustomer(ctx, by, ref, "customer.cancel", func(c *Customer) error {
		if c.Status == CustomerActive {
			c.Status = CustomerMarked
		}
		return nil
	})
}

// updateCustomer changes the customer and, where that cancels it, stops its monitors in the same transaction.
func (s *Store) updateCustomer(ctx context.Context, by Actor, ref Ref, action string, change func(*Customer) error) (Customer, error) {
	var c Customer
	var stopped []MonitorRow
	var ended []events.Event
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		before, err := s.customer(ctx, tx, by, ref)
		if err != nil {
			return err
		}
		if err := s.lockCustomer(ctx, tx, &before); err != nil {
			return err
		}
		c = before
		if err := change(&c); err != nil {
			return err
		}
		c.UpdatedAt = s.clock()
		c.settle(c.UpdatedAt)
		if _, err := tx.NewUpdate().Model(&c).ExcludeColumn("id", "public_id", "organization_id", "created_at").WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("updating the customer: %w", err)
		}
		if c.Status == CustomerCancelled {
			if stopped, ended, err = s.stopMonitors(ctx, tx, by, c); err != nil {
				return err
			}
		}
		return s.audit(ctx, tx, by, action, "customer", c.ID, before, c)
	})
	if err == nil {
		s.publish(ended...)
		s.publishStopped(stopped)
	}
	return c, err
}

// lockCustomer reads the customer anew and holds off other writers: the second of two changes at once starts from what
// the first one left. On SQLite the transaction does that.
func (s *Store) lockCustomer(ctx context.Context, tx bun.Tx, c *Customer) error {
	if !s.postgres() {
		return nil
	}
	if err := tx.NewSelect().Model(c).WherePK().For("UPDATE").Scan(ctx); err != nil {
		return fmt.Errorf("locking the customer: %w", err)
	}
	return nil
}

// stopMonitors disables every monitor of the customer, in a few statements however many there are. What that ended is told by the
// events that it returns.
func (s *Store) stopMonitors(ctx context.Context, tx bun.Tx, by Actor, c Customer) (rows []MonitorRow, ended []events.Event, err error) {
	now := s.clock()
	var ids []int64
	err = tx.NewUpdate().TableExpr("monitors").Set("status = ?", StatusDisabled).Set("rev = rev + 1").Set("version = version + 1").Set("updated_at = ?", now).
		Where("organization_id = ? AND customer_id = ? AND status <> ?", c.OrganizationID, c.ID, StatusDisabled).Returning("id").Scan(ctx, &ids)
	if errors.Is(err, sql.ErrNoRows) || err == nil && len(ids) == 0 {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("stopping the customer's monitors: %w", err)
	}
	if ended, err = s.endIncidents(ctx, tx, by, ids, EndCancelled); err != nil {
		return nil, nil, err
	}
	if _, err := tx.NewUpdate().TableExpr("monitor_states").Set("state = ?", StatePaused).Set("since = ?", now).Set("measured = ?", StatePending).
		Set("rank = ?", Rank(StatusDisabled, StatePaused, false)).Set(forgetVerdict).
		Where("monitor_id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
		return nil, nil, fmt.Errorf("pausing their states: %w", err)
	}
	if err := s.monitorQuery(tx, Actor{OrganizationID: c.OrganizationID}, &rows, leadMonitors).Where("m.id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, nil, fmt.Errorf("reading the stopped monitors: %w", err)
	}
	return rows, ended, nil
}

func (s *Store) publishStopped(rows []MonitorRow) {
	for _, row := range rows {
		s.publishMonitor(events.MonitorUpdated, row)
	}
}
