package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"echolot/models/events"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// endIncidents ends what is open of the monitors because somebody stopped the checks that it was made of: nobody knows whether
// the trouble is over. It comes before their states are made anew. What it returns is to be published after the commit.
func (s *Store) endIncidents(ctx context.Context, db bun.IDB, by Actor, monitors []int64, why IncidentEnd) ([]events.Event, error) {
	if len(monitors) == 0 {
		return nil, nil
	}
	if s.postgres() { // the recorder may be opening one; on SQLite the transaction holds it off
		if _, err := db.ExecContext(ctx, "SELECT 1 FROM monitor_states WHERE monitor_id IN (?) ORDER BY monitor_id FOR NO KEY UPDATE", bun.List(monitors)); err != nil {
			return nil, fmt.Errorf("locking the states: %w", err)
		}
	}
	var open []struct {
		IncidentID, MonitorID, CustomerID int64
		PublicID                          uuid.UUID
	}
	err := db.NewSelect().TableExpr("incident_monitors AS im").ColumnExpr("im.incident_id, im.monitor_id, m.customer_id, m.public_id").
		Join("JOIN monitors AS m ON m.id = im.monitor_id").Where("im.monitor_id IN (?) AND im.ended_at IS NULL", bun.List(monitors)).
		OrderExpr("im.incident_id, im.monitor_id").Scan(ctx, &open)
	if err != nil {
		return nil, fmt.Errorf("reading open incidents: %w", err)
	}
	if len(open) == 0 {
		return nil, nil
	}
	name, err := s.actorName(ctx, db, by)
	if err != nil {
		return nil, err
	}
	now := s.clock()
	ids := make([]int64, len(open))
	for i, o := range open {
		ids[i] = o.IncidentID
	}
	// The state's count goes with the state.
	if _, err := db.NewUpdate().TableExpr("incident_monitors").Set("ended_at = CASE WHEN started_at > ? THEN started_at ELSE ? END", now, now).
		Set(`failed_checks = failed_checks + coalesce((SELECT CASE WHEN s.incident_type = ? THEN s.failures
				WHEN s.degraded_in_row > s.failures THEN s.degraded_in_row - s.failures ELSE 0 END
			FROM monitor_states AS s WHERE s.monitor_id = incident_monitors.monitor_id AND s.location_id = incident_monitors.location_id), 0)`, IncidentDowntime).
		Where("monitor_id IN (?) AND ended_at IS NULL", bun.List(monitors)).Exec(ctx); err != nil {
		return nil, fmt.Errorf("ending incidents: %w", err)
	}
	still, err := incidentsWithOpenParts(ctx, db, ids)
	if err != nil {
		return nil, fmt.Errorf("ending incidents: %w", err)
	}
	var ended []int64
	for _, id := range ids {
		if !still[id] {
			ended = append(ended, id)
		}
	}
	if _, err := db.NewUpdate().TableExpr("incidents").Set("updated_at = ?", now).Where("id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
		return nil, fmt.Errorf("ending incidents: %w", err)
	}
	if len(ended) > 0 {
		if _, err := db.NewUpdate().TableExpr("incidents").Set("ended_at = CASE WHEN started_at > ? THEN started_at ELSE ? END", now, now).
			Set("end_reason = ?", why).Set("ended_by = ?", name).Where("id IN (?)", bun.List(ended)).Exec(ctx); err != nil {
			return nil, fmt.Errorf("ending incidents: %w", err)
		}
	}
	var incidents []Incident
	if err := db.NewSelect().Model(&incidents).Where("i.id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading ended incidents: %w", err)
	}
	byID := make(map[int64]Incident, len(incidents))
	for _, incident := range incidents {
		byID[incident.ID] = incident
	}
	told := make([]events.Event, len(open))
	for i, o := range open {
		told[i] = incidentEvent(byID[o.IncidentID], MonitorRow{Monitor: Monitor{ID: o.MonitorID, CustomerID: o.CustomerID, PublicID: o.PublicID}})
		told[i].At = now
	}
	return told, nil
}

// incidentEvent tells of an incident that somebody ended or changed; its Data is an IncidentChange.
func incidentEvent(incident Incident, m MonitorRow) events.Event {
	e := events.Event{Type: events.IncidentChanged, At: incident.UpdatedAt, OrganizationID: incident.OrganizationID}
	if !incident.Open() {
		e.Type = events.IncidentClosed
	}
	if m.ID != 0 {
		e.CustomerID, e.MonitorID, e.PublicID = m.CustomerID, m.ID, m.PublicID.String()
	}
	e.Data = IncidentChange{Type: e.Type, Incident: incident}
	return e
}

// deleteIncidents deletes the incidents that are the monitor's alone, before it is deleted; from those of many it goes with its row.
func deleteIncidents(ctx context.Context, db bun.IDB, m Monitor) error {
	_, err := db.NewDelete().TableExpr("incidents").Where("organization_id = ?", m.OrganizationID).
		Where("id IN (SELECT incident_id FROM incident_monitors WHERE organization_id = ? AND monitor_id = ?)", m.OrganizationID, m.ID).
		Where("NOT EXISTS (SELECT 1 FROM incident_monitors AS o WHERE o.incident_id = incidents.id AND o.monitor_id <> ?)", m.ID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("deleting its incidents: %w", err)
	}
	return nil
}

// actorName is what people call the actor: the user's name or address, or the token's name; empty for the program itself.
func (s *Store) actorName(ctx context.Context, db bun.IDB, by Actor) (string, error) {
	var u struct{ Email, FirstName, LastName string }
	var err error
	switch {
	case by.UserID != 0:
		err = db.NewSelect().TableExpr("users").Column("email", "first_name", "last_name").Where("id = ?", by.UserID).Scan(ctx, &u)
	case by.TokenID != 0:
		err = db.NewSelect().TableExpr("api_tokens").ColumnExpr("name AS email").Where("id = ?", by.TokenID).Scan(ctx, &u)
		u.Email = "token " + u.Email
	default:
		return "", nil
	}
	if errors.Is(err, sql.ErrNoRows) { // gone in this moment
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading who acts: %w", err)
	}
	if name := strings.TrimSpace(u.FirstName + " " + u.LastName); name != "" {
		return name, nil
	}
	return u.Email, nil
}
