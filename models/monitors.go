package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

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
	s.unknown_in_row AS s_unknown_in_row, s.cause AS s_cause, s.cause_source AS s_cause_source, s.cause_mtu AS s_cause_mtu, s.last_slot AS s_last_slot,
	s.last_checked_at AS s_last_checked_at, s.last_outcome AS s_last_outcome, s.last_sent AS s_last_sent, s.last_received AS s_last_received,
	s.last_rtt AS s_last_rtt, s.address AS s_address, s.reply_ttl AS s_reply_ttl, s.recent AS s_recent,
	s.degraded_in_row AS s_degraded_in_row, s.trouble_since AS s_trouble_since, s.window_checks AS s_window_checks, s.flips AS s_flips,
	s.flapping_since AS s_flapping_since, s.incident_id AS s_incident_id, s.incident_type AS s_incident_type,
	s.passes AS s_passes, s.failing_since AS s_failing_since, s.reason AS s_reason, s.rolled_until AS s_rolled_until`

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
