package models

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"echolot/models/events"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// MonitorRow is a monitor with what lists show beside it.
type MonitorRow struct {
	Monitor          `bun:",extend"`
	CustomerName     string       `bun:",scanonly"`
	CustomerPublicID uuid.UUID    `bun:"type:uuid,scanonly"`
	State            MonitorState `bun:"embed:s_"`
}

// monitorQuery selects MonitorRows that the actor sees.
func (s *Store) monitorQuery(db bun.IDB, by Actor, into any, lead string) *bun.SelectQuery {
	q := db.NewSelect().Model(into).
		ColumnExpr("m.*").
		ColumnExpr("c.name AS customer_name, c.public_id AS customer_public_id").
		ColumnExpr(stateColumns)
	return s.fromMonitors(q, by, lead)
}

// The table whose index on organization_id a query starts from. Asking both tables for the organization lets SQLite take
// the wrong one and sort 10,000 rows for a page of 50.
const (
	leadMonitors = "m"
	leadStates   = "s" // for lists that sort by state: its index holds the rank
)

// fromMonitors joins what a MonitorRow is made of. The joins are inner ones: every monitor has its state row from its
// first moment.
func (s *Store) fromMonitors(q *bun.SelectQuery, by Actor, lead string) *bun.SelectQuery {
	q = q.Join("JOIN monitor_states AS s ON s.monitor_id = m.id").
		Join("JOIN customers AS c ON c.id = m.customer_id").
		Where("?.organization_id = ?", bun.Ident(lead), by.OrganizationID)
	return visible(q, by)
}

// visible limits a query to the customers that the actor sees.
func visible(q *bun.SelectQuery, by Actor) *bun.SelectQuery {
	if by.Limited {
		if len(by.CustomerIDs) == 0 {
			return q.Where("1 = 0")
		}
		q = q.Where("c.id IN (?)", bun.List(by.CustomerIDs))
	}
	return q
}

const stateColumns = `s.monitor_id AS s_monitor_id, s.location_id AS s_location_id, s.organization_id AS s_organization_id,
	s.state AS s_state, s.since AS s_since, s.measured AS s_measured, s.rank AS s_rank, s.failures AS s_failures, s.successes AS s_successes,
	s.unknown_in_row AS s_unknown_in_row, s.cause AS s_cause, s.cause_source AS s_cause_source, s.last_slot AS s_last_slot,
	s.last_checked_at AS s_last_checked_at, s.last_outcome AS s_last_outcome, s.last_sent AS s_last_sent, s.last_received AS s_last_received,
	s.last_rtt AS s_last_rtt, s.address AS s_address, s.reply_ttl AS s_reply_ttl, s.recent AS s_recent`

// errNoMonitor is the one answer for a monitor that is not there or not the actor's.
func errNoMonitor() error { return &NotFound{What: "ICMP monitor"} }

// MonitorsFilter chooses and orders a list of monitors. The zero value is the first page of all, newest first.
type MonitorsFilter struct {
	Customer Ref
	// Search is a substring of name, host name or customer name, without case.
	Search string
	Status Status
	State  State
	// Sort is created, name, hostname, state or lastCheckedAt, with - in front for descending; empty is -created.
	Sort          string
	Page, PerPage int
}

// sortExpr is the order of a list. Text compares by code point on both databases: the columns say so.
func sortExpr(sort string) (string, bool) {
	name, desc := strings.CutPrefix(sort, "-")
	columns := map[string]string{"created": "m.id", "name": "m.search", "hostname": "m.hostname", "state": "s.rank", "lastCheckedAt": "s.last_checked_at"}
	column, ok := columns[name]
	if !ok {
		return "", false
	}
	if desc {
		column += " DESC"
	}
	if name == "lastCheckedAt" {
		if desc {
			column += " NULLS LAST"
		} else {
			column += " NULLS FIRST"
		}
	}
	if name == "state" {
		// The index on rank holds the monitor's id too: ordering by it makes one walk through the index of this.
		if desc {
			return column + ", s.monitor_id DESC", true
		}
		return column + ", s.monitor_id", true
	}
	return column + ", m.id DESC", true
}

// Monitors returns one page of the monitors that the actor sees, and how many there are in all. Errors: ErrForbidden,
// *Invalid, *NotFound for a customer that is not there.
func (s *Store) Monitors(ctx context.Context, by Actor, f MonitorsFilter) ([]MonitorRow, int, error) {
	if err := by.check(MayRead); err != nil {
		return nil, 0, err
	}
	if f.Sort == "" {
		f.Sort = "-created"
	}
	order, ok := sortExpr(f.Sort)
	if !ok {
		return nil, 0, invalid("sort", "sort must be created, name, hostname, state or lastCheckedAt, with - in front to reverse")
	}
	if f.Customer != (Ref{}) {
		c, err := s.customer(ctx, s.ro, by, f.Customer)
		if err != nil {
			return nil, 0, err
		}
		f.Customer = Ref{ID: c.ID}
	}
	rows := make([]MonitorRow, 0, f.PerPage)
	lead := leadMonitors
	if strings.TrimPrefix(f.Sort, "-") == "state" {
		lead = leadStates
	}
	q := s.filterMonitors(s.monitorQuery(s.ro, by, &rows, lead), f).OrderExpr(order)
	if err := q.Limit(int64(f.PerPage)).Offset(int64(f.Page-1) * int64(f.PerPage)).Scan(ctx); err != nil {
		return nil, 0, fmt.Errorf("listing monitors: %w", err)
	}
	total, err := s.countMonitors(ctx, by, f)
	return rows, total, err
}

func (s *Store) filterMonitors(q *bun.SelectQuery, f MonitorsFilter) *bun.SelectQuery {
	if f.Customer.ID != 0 {
		q = q.Where("m.customer_id = ?", f.Customer.ID)
	}
	if f.Search != "" {
		if strings.Contains(f.Search, "\n") { // it parts the texts that are searched, and is in none of them
			return q.Where("1 = 0")
		}
		p := likePattern(f.Search)
		q = q.Where(`(m.search LIKE ? ESCAPE '\' OR c.search LIKE ? ESCAPE '\')`, p, p)
	}
	if f.Status != "" {
		q = q.Where("m.status = ?", f.Status)
	}
	if f.State != "" {
		q = q.Where("s.state = ?", f.State)
	}
	return q
}

// countMonitors takes the number of all from the counters, which are kept, and counts only what is filtered.
func (s *Store) countMonitors(ctx context.Context, by Actor, f MonitorsFilter) (int, error) {
	if f.Customer.ID == 0 && f.Search == "" && f.Status == "" {
		counts, err := s.Counts(ctx, by)
		if f.State != "" {
			return counts.Of(f.State), err
		}
		return counts.Total(), err
	}
	n, err := s.filterMonitors(s.fromMonitors(s.ro.NewSelect().TableExpr("monitors AS m"), by, leadMonitors), f).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("counting monitors: %w", err)
	}
	return int(n), nil
}

// Monitor returns one monitor. Errors: ErrForbidden, *NotFound.
func (s *Store) Monitor(ctx context.Context, by Actor, id uuid.UUID) (MonitorRow, error) {
	if err := by.check(MayRead); err != nil {
		return MonitorRow{}, err
	}
	return s.monitor(ctx, s.ro, by, id)
}

func (s *Store) monitor(ctx context.Context, db bun.IDB, by Actor, id uuid.UUID) (MonitorRow, error) {
	var row MonitorRow
	err := s.monitorQuery(db, by, &row, leadMonitors).Where("m.public_id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return MonitorRow{}, errNoMonitor()
	}
	if err != nil {
		return MonitorRow{}, fmt.Errorf("reading monitor %s: %w", id, err)
	}
	return row, nil
}

// CreateMonitor makes a monitor of the contract's fields. Errors: ErrForbidden, *Invalid, *NotFound for its customer.
func (s *Store) CreateMonitor(ctx context.Context, by Actor, f Fields) (MonitorRow, error) {
	if err := by.check(MayChangeMonitors); err != nil {
		return MonitorRow{}, err
	}
	m, e := newMonitor(), &Invalid{}
	customer := m.apply(f, true, s.policy, e)
	if err := e.orNil(); err != nil {
		return MonitorRow{}, err
	}
	var row MonitorRow
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		c, err := s.customer(ctx, tx, by, customer)
		if err != nil {
			return err
		}
		if !f.Has("allowedCheckCountryCodes") {
			m.CountryCodes = c.CountryCodes
		}
		m.PublicID, m.OrganizationID, m.CustomerID = newID(), by.OrganizationID, c.ID
		m.CreatedAt = s.clock()
		m.UpdatedAt = m.CreatedAt
		if _, err := tx.NewInsert().Model(&m).Exec(ctx); err != nil {
			return fmt.Errorf("inserting the monitor: %w", err)
		}
		state := s.freshState(m)
		if _, err := tx.NewInsert().Model(&state).Exec(ctx); err != nil {
			return fmt.Errorf("inserting its state: %w", err)
		}
		row = MonitorRow{Monitor: m, CustomerName: c.Name, CustomerPublicID: c.PublicID, State: state}
		return s.audit(ctx, tx, by, "monitor.create", "monitor", m.ID, nil, m)
	})
	if err != nil {
		return MonitorRow{}, err
	}
	s.publishMonitor(events.MonitorCreated, row)
	return row, nil
}

// freshState is the state row of a monitor about which nothing is known yet.
func (s *Store) freshState(m Monitor) MonitorState {
	st := MonitorState{MonitorID: m.ID, LocationID: LocationID, OrganizationID: m.OrganizationID, Since: s.clock(), Measured: StatePending, LastRTT: -1, Recent: []byte{}}
	st.State = s.unmeasuredState(m)
	st.Rank = Rank(m.Status, st.State, false)
	return st
}

// unmeasuredState is the state of a monitor before its next result.
func (s *Store) unmeasuredState(m Monitor) State {
	switch {
	case m.Status == StatusDisabled:
		return StatePaused
	case !m.RunsIn(s.locationCountry):
		return StateUnknown
	default:
		return StatePending
	}
}

// ChangeMonitor changes what the fields say. ifMatch is the ETag the caller read, or empty. Somebody who may only set the
// status gets ErrForbidden for any other field. Errors: ErrForbidden, *Invalid, *NotFound, *Conflict.
func (s *Store) ChangeMonitor(ctx context.Context, by Actor, id uuid.UUID, f Fields, ifMatch string) (MonitorRow, error) {
	if err := by.check(MaySetStatus); err != nil {
		return MonitorRow{}, err
	}
	if !by.May(MayChangeMonitors) {
		for _, key := range f.Keys() {
			if key != "status" {
				return MonitorRow{}, ErrForbidden
			}
		}
	}
	// What is wrong with the fields is said before the monitor is looked for, so that the answer tells nothing of it.
	blank, e := newMonitor(), new(Invalid)
	blank.apply(f, false, s.policy, e)
	if err := e.orNil(); err != nil {
		return MonitorRow{}, err
	}
	var row MonitorRow
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.lockMonitor(ctx, tx, by, id); err != nil {
			return err
		}
		before, err := s.monitor(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if !before.matches(ifMatch) {
			return &Conflict{Message: "Somebody changed this monitor in between", Stale: true}
		}
		row = before
		e := new(Invalid)
		customer := row.Monitor.apply(f, false, s.policy, e)
		if err := e.orNil(); err != nil {
			return err
		}
		if customer != (Ref{}) {
			c, err := s.customer(ctx, tx, by, customer)
			if err != nil {
				return err
			}
			row.CustomerID, row.CustomerName, row.CustomerPublicID = c.ID, c.Name, c.PublicID
		}
		return s.saveMonitor(ctx, tx, by, before, &row)
	})
	if err != nil {
		return MonitorRow{}, err
	}
	s.publishMonitor(events.MonitorUpdated, row)
	return row, nil
}

// lockMonitor holds other writers of the monitor off until the transaction ends. On SQLite the transaction does that.
func (s *Store) lockMonitor(ctx context.Context, tx bun.Tx, by Actor, id uuid.UUID) error {
	if !s.postgres() {
		return nil
	}
	var n int64
	err := tx.NewSelect().TableExpr("monitors").Column("id").Where("public_id = ? AND organization_id = ?", id, by.OrganizationID).For("UPDATE").Scan(ctx, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return errNoMonitor()
	}
	return err
}

// saveMonitor writes what changed and what follows from it for the state.
func (s *Store) saveMonitor(ctx context.Context, tx bun.Tx, by Actor, before MonitorRow, row *MonitorRow) error {
	row.Version++
	row.UpdatedAt = s.clock()
	if before.changesMeasurement(row.Monitor) {
		row.Rev++
	}
	if _, err := tx.NewUpdate().Model(&row.Monitor).ExcludeColumn("id", "public_id", "organization_id", "created_at").WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("updating the monitor: %w", err)
	}
	st := &row.State
	ran := before.Status != StatusDisabled && before.RunsIn(s.locationCountry)
	runs := row.Status != StatusDisabled && row.RunsIn(s.locationCountry)
	if before.restartsChecks(row.Monitor) || ran != runs {
		recent, slot := st.Recent, st.LastSlot
		checked := st.LastCheckedAt
		*st = s.freshState(row.Monitor)
		st.LastSlot = slot
		if !before.restartsChecks(row.Monitor) {
			st.Recent, st.LastCheckedAt = recent, checked
		}
	}
	st.Rank = Rank(row.Status, st.State, st.Confirming())
	if _, err := tx.NewUpdate().Model(st).WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("updating its state: %w", err)
	}
	return s.audit(ctx, tx, by, "monitor.change", "monitor", row.ID, before.Monitor, row.Monitor)
}

// DeleteMonitor deletes the monitor at once and its results in small steps afterwards. Errors: ErrForbidden, *NotFound.
func (s *Store) DeleteMonitor(ctx context.Context, by Actor, id uuid.UUID) error {
	if err := by.check(MayChangeMonitors); err != nil {
		return err
	}
	var row MonitorRow
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.lockMonitor(ctx, tx, by, id); err != nil {
			return err
		}
		var err error
		if row, err = s.monitor(ctx, tx, by, id); err != nil {
			return err
		}
		if _, err := tx.NewDelete().TableExpr("monitors").Where("id = ?", row.ID).Exec(ctx); err != nil {
			return fmt.Errorf("deleting the monitor: %w", err)
		}
		if _, err := tx.NewInsert().Model(&deletedMonitor{MonitorID: row.ID, OrganizationID: row.OrganizationID, CustomerID: row.CustomerID, PublicID: row.PublicID, DeletedAt: s.clock()}).Exec(ctx); err != nil {
			return fmt.Errorf("noting the deletion: %w", err)
		}
		return s.audit(ctx, tx, by, "monitor.delete", "monitor", row.ID, row.Monitor, nil)
	})
	if err != nil {
		return err
	}
	s.publishMonitor(events.MonitorDeleted, row)
	return nil
}

// RequestCheck asks the prober for a check now. Errors: ErrForbidden, *NotFound, ErrNoLocation.
func (s *Store) RequestCheck(ctx context.Context, by Actor, id uuid.UUID) (MonitorRow, Location, error) {
	if err := by.check(MayChangeMonitors); err != nil {
		return MonitorRow{}, Location{}, err
	}
	row, err := s.monitor(ctx, s.ro, by, id)
	if err != nil {
		return MonitorRow{}, Location{}, err
	}
	location, err := s.Location(ctx)
	if err != nil {
		return MonitorRow{}, Location{}, err
	}
	beat, alive, err := s.Heartbeat(ctx)
	if err != nil {
		return MonitorRow{}, Location{}, err
	}
	if !alive || !beat.CanPing() || row.Status == StatusDisabled || !row.RunsIn(location.Country) {
		return MonitorRow{}, Location{}, ErrNoLocation
	}
	request := checkRequest{MonitorID: row.ID, OrganizationID: row.OrganizationID, RequestedAt: s.clock()}
	if _, err := s.db.NewInsert().Model(&request).On("CONFLICT (monitor_id) DO NOTHING").Exec(ctx); err != nil {
		return MonitorRow{}, Location{}, fmt.Errorf("writing the request: %w", err)
	}
	s.publishMonitor(events.CheckRequested, row)
	return row, location, nil
}

// publishMonitor tells of a committed change.
func (s *Store) publishMonitor(t events.Type, row MonitorRow) {
	s.publish(s.monitorEvent(t, row))
}

// monitorEvent is an event about a monitor; its Data is the MonitorRow.
func (s *Store) monitorEvent(t events.Type, row MonitorRow) events.Event {
	return events.Event{Type: t, At: s.clock(), OrganizationID: row.OrganizationID, CustomerID: row.CustomerID,
		MonitorID: row.ID, PublicID: row.PublicID.String(), Data: row}
}

// publish drops counters that an event makes stale, then tells the bus.
func (s *Store) publish(list ...events.Event) {
	for _, e := range list {
		if e.Type != events.Check {
			s.counts.drop(e.OrganizationID)
		}
	}
	s.bus.Publish(list...)
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

type checkRequest struct {
	bun.BaseModel  `bun:"table:check_requests"`
	MonitorID      int64 `bun:",pk"`
	OrganizationID int64
	RequestedAt    time.Time
}

// auditJSON is the form in which the trail keeps an object.
func auditJSON(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}
