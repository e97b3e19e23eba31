package models

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// IncidentRow is an incident with the monitor that lists show beside it: the first one of those that the actor sees, one
// that has not recovered before others. To whoever does not see all of the organization the incident is what that monitor has of
// it: nobody reads of other people's monitors.
type IncidentRow struct {
	Incident
	// Monitor and its customer are zero where there is none (IncidentBlind).
	Monitor                     IncidentTarget
	CustomerID                  int64
	CustomerName, CustomerEmail string
	CustomerPublicID            uuid.UUID
	// Monitors is how many of the incident's the actor sees, OpenMonitors those of them that have not recovered.
	Monitors, OpenMonitors int
	// Flapping is true where it is open, though its monitor may be up, because the verdict of that turns too often. UpSince is zero
	// unless the monitor is up; Flips is how often it turned in the hour before the row was read, at most MaxFlips.
	Flapping bool
	UpSince  time.Time
	Flips    int
}

// IncidentTarget is a monitor as an incident names it.
type IncidentTarget struct {
	ID       int64
	PublicID uuid.UUID
	Name     string
	// Hostname is as it was typed.
	Hostname string
	Status   Status
}

// IncidentsFilter chooses a part of the incidents, newest first. The zero value chooses all; Limit must be given.
type IncidentsFilter struct {
	// Open leaves out those that ended, Ended those that did not.
	Open, Ended bool
	Type        IncidentType
	Customer    Ref
	// Monitor is the internal number of one whose incidents are wanted; 0 = any.
	Monitor int64
	// Search is a substring of a monitor's name or host, or of a customer's name, without case.
	Search        string
	Limit, Offset int
}

// byMonitor is true where the filter asks for incidents of certain monitors, which a blind location's are not.
func (f IncidentsFilter) byMonitor() bool {
	return f.Customer != (Ref{}) || f.Monitor != 0 || f.Search != ""
}

// partsQuery selects from the parts that the actor sees, with im, m and c.
func partsQuery(q *bun.SelectQuery, by Actor) *bun.SelectQuery {
	q = q.Join("JOIN monitors AS m ON m.id = im.monitor_id").Join("JOIN customers AS c ON c.id = m.customer_id").Where("im.organization_id = ?", by.OrganizationID)
	return visible(q, by)
}

// filterIncidents limits a query on incidents AS i to those that the actor sees and the filter asks for.
func (s *Store) filterIncidents(q *bun.SelectQuery, by Actor, f IncidentsFilter) *bun.SelectQuery {
	q = q.Where("i.organization_id = ?", by.OrganizationID)
	if f.Open {
		q = q.Where("i.ended_at IS NULL")
	}
	switch {
	case f.Ended && (by.Limited || f.Monitor != 0): // who is shown only a part is shown that this has ended
		open := partsQuery(s.ro.NewSelect().TableExpr("incident_monitors AS im").ColumnExpr("im.incident_id"), by).Where("im.ended_at IS NULL")
		if f.Monitor != 0 {
			open = open.Where("im.monitor_id = ?", f.Monitor)
		}
		q = q.Where("(i.ended_at IS NOT NULL OR i.type <> ? AND i.id NOT IN (?))", IncidentBlind, open)
	case f.Ended:
		q = q.Where("i.ended_at IS NOT NULL")
	}
	if f.Type != IncidentNone {
		q = q.Where("i.type = ?", f.Type)
	}
	if !by.Limited && !f.byMonitor() {
		return q // whoever sees everything of the organization needs no look at its monitors
	}
	parts := partsQuery(s.ro.NewSelect().TableExpr("incident_monitors AS im").ColumnExpr("im.incident_id"), by)
	if f.Open {
		parts = parts.Where("im.ended_at IS NULL")
	}
	if f.Customer.ID != 0 {
		parts = parts.Where("m.customer_id = ?", f.Customer.ID)
	}
	if f.Monitor != 0 {
		parts = parts.Where("im.monitor_id = ?", f.Monitor)
	}
	if f.Search != "" {
		p := likePattern(f.Search)
		parts = parts.Where(`(m.search LIKE ? ESCAPE '\' OR c.search LIKE ? ESCAPE '\')`, p, p)
	}
	if f.byMonitor() {
		return q.Where("i.id IN (?)", parts)
	}
	return q.Where("(i.type = ? OR i.id IN (?))", IncidentBlind, parts) // that the location is blind concerns everybody
}

// Incidents returns the incidents that the actor sees, newest first, and how many there are under the filter in all. Errors:
// ErrForbidden, *Invalid, *NotFound for a customer that is not there.
func (s *Store) Incidents(ctx context.Context, by Actor, f IncidentsFilter) ([]IncidentRow, int, error) {
	if err := by.check(MayRead); err != nil {
		return nil, 0, err
	}
	if f.Customer != (Ref{}) {
		c, err := s.customer(ctx, s.ro, by, f.Customer)
		if err != nil {
			return nil, 0, err
		}
		f.Customer = Ref{ID: c.ID}
	}
	if strings.Contains(f.Search, "\n") { // it parts the texts that are searched, and is in none of them
		return []IncidentRow{}, 0, nil
	}
	var incidents []Incident
	err := s.filterIncidents(s.ro.NewSelect().Model(&incidents), by, f).OrderExpr("i.id DESC").Limit(int64(f.Limit)).Offset(int64(f.Offset)).Scan(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("listing incidents: %w", err)
	}
	total, err := s.filterIncidents(s.ro.NewSelect().TableExpr("incidents AS i"), by, f).Count(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("counting incidents: %w", err)
	}
	rows := make([]IncidentRow, len(incidents))
	for i := range incidents {
		rows[i].Incident = incidents[i]
	}
	return rows, int(total), s.nameMonitors(ctx, s.ro, by, f.Monitor, rows)
}

// openIncidents is the number of open incidents that the actor sees.
func (s *Store) openIncidents(ctx context.Context, by Actor) (int, error) {
	n, err := s.filterIncidents(s.ro.NewSelect().TableExpr("incidents AS i"), by, IncidentsFilter{Open: true}).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("counting open incidents: %w", err)
	}
	return int(n), nil
}

// nameMonitors fills in the monitors that the actor sees: of each incident the first, or the one given.
func (s *Store) nameMonitors(ctx context.Context, db bun.IDB, by Actor, only int64, rows []IncidentRow) error {
	if len(rows) == 0 {
		return nil
	}
	byID := make(map[int64]*IncidentRow, len(rows))
	ids := make([]int64, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
		byID[rows[i].ID] = &rows[i]
	}
	first := partsQuery(db.NewSelect().TableExpr("incident_monitors AS im"), by).
		ColumnExpr("im.incident_id, coalesce(min(CASE WHEN im.ended_at IS NULL THEN im.monitor_id END), min(im.monitor_id)) AS monitor_id, count(*) AS monitors, sum(CASE WHEN im.ended_at IS NULL THEN 1 ELSE 0 END) AS open_monitors").
		Where("im.incident_id IN (?)", bun.List(ids)).GroupExpr("im.incident_id")
	if only != 0 {
		first = first.Where("im.monitor_id = ?", only)
	}
	var parts []struct {
		incidentMonitor             `bun:",extend"`
		Monitors, OpenMonitors      int
		PublicID, CustomerPublicID  uuid.UUID
		Name, Hostname              string
		Status                      Status
		CustomerID                  int64
		CustomerName, CustomerEmail string
		State                       State
		Since, FlappingSince        time.Time `bun:",nullzero"`
		Flips                       []byte
	}
	err := db.NewSelect().TableExpr("(?) AS f", first).ColumnExpr("im.*, f.monitors, f.open_monitors, m.public_id, m.name, m.hostname_typed AS hostname, m.status").
		ColumnExpr("s.state, s.since, s.flapping_since, s.flips").
		ColumnExpr("c.id AS customer_id, c.name AS customer_name, c.email AS customer_email, c.public_id AS customer_public_id").
		Join("JOIN incident_monitors AS im ON im.incident_id = f.incident_id AND im.monitor_id = f.monitor_id").
		Join("JOIN monitors AS m ON m.id = im.monitor_id").Join("JOIN customers AS c ON c.id = m.customer_id").
		Join("LEFT JOIN monitor_states AS s ON s.monitor_id = m.id AND s.location_id = ?", LocationID).Scan(ctx, &parts)
	if err != nil {
		return fmt.Errorf("naming the incidents' monitors: %w", err)
	}
	for _, p := range parts {
		row := byID[p.IncidentID]
		row.Monitor = IncidentTarget{ID: p.MonitorID, PublicID: p.PublicID, Name: p.Name, Hostname: p.Hostname, Status: p.Status}
		row.CustomerID, row.CustomerName, row.CustomerEmail, row.CustomerPublicID = p.CustomerID, p.CustomerName, p.CustomerEmail, p.CustomerPublicID
		row.Monitors, row.OpenMonitors = p.Monitors, p.OpenMonitors
		row.show(by, only, p.IncidentFacts)
		if row.Open() && p.EndedAt.IsZero() && !p.FlappingSince.IsZero() && p.Status != StatusDisabled {
			row.Flapping, row.Flips = true, MonitorState{Flips: p.Flips}.FlipsWithinHour(s.clock())
			if p.State == StateUp {
				row.UpSince = p.Since.UTC()
			}
		}
	}
	return nil
}

// show makes the incident what the part is of it, where only that is asked for or seen. Whoever sees only some of an incident of
// many does not read what others wrote to it.
func (i *IncidentRow) show(by Actor, only int64, part IncidentFacts) {
	if only == 0 && !by.Limited {
		return
	}
	i.IncidentFacts = part
	if !i.Mass {
		return
	}
	i.EndReason, i.EndedBy = "", ""
	if !i.Open() {
		i.EndReason = EndRecovered
	}
	if by.Limited {
		i.AcknowledgedAt, i.AcknowledgedByID, i.AcknowledgedBy, i.AcknowledgeNote = time.Time{}, 0, "", ""
	}
}
