package models

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"echolot/models/events"

	"github.com/uptrace/bun"
)

// blindIncidents opens one incident of type blind for each organization that has monitors to check, where none is open, or with
// over ends those that are open. silent names what did not answer: the sentinels of the location. It has no monitors of its own,
// since nothing is known of any.
func (s *Store) blindIncidents(ctx context.Context, tx bun.IDB, locationID int64, since time.Time, silent []string, over bool) error {
	now := s.clock()
	if over {
		_, err := tx.NewUpdate().TableExpr("incidents").Set("ended_at = CASE WHEN started_at > ? THEN started_at ELSE ? END", now, now).Set("end_reason = ?", EndRecovered).
			Set("updated_at = ?", now).Where("type = ? AND location_id = ? AND ended_at IS NULL", IncidentBlind, locationID).Exec(ctx)
		if err != nil {
			return fmt.Errorf("ending blind incidents: %w", err)
		}
		return nil
	}
	var organizations []int64
	err := tx.NewSelect().TableExpr("monitors AS m").ColumnExpr("DISTINCT m.organization_id").Where("m.status <> ?", StatusDisabled).
		Where("NOT EXISTS (SELECT 1 FROM incidents AS i WHERE i.organization_id = m.organization_id AND i.location_id = ? AND i.type = ? AND i.ended_at IS NULL)", locationID, IncidentBlind).
		OrderExpr("m.organization_id").Scan(ctx, &organizations)
	if err != nil {
		return fmt.Errorf("reading who is blind: %w", err)
	}
	if len(organizations) == 0 {
		return nil
	}
	rows := make([]Incident, len(organizations))
	for i, id := range organizations {
		rows[i] = Incident{PublicID: newID(), OrganizationID: id, LocationID: locationID, Type: IncidentBlind, UpdatedAt: now,
			IncidentFacts: IncidentFacts{Cause: CauseProberBlind, CauseSource: strings.Join(silent, ", "), RTT: -1, StartedAt: since.UTC().Truncate(time.Microsecond), ConfirmedAt: now}}
	}
	for some := range slices.Chunk(rows, rowsAtOnce) {
		if _, err := tx.NewInsert().Model(&some).ExcludeColumn("id").On("CONFLICT DO NOTHING").Returning("NULL").Exec(ctx); err != nil {
			return fmt.Errorf("opening blind incidents: %w", err)
		}
	}
	return nil
}

// publishBlind tells every organization that its blind incident opened or, with over, ended since the time given. It is called
// after the commit.
func (s *Store) publishBlind(ctx context.Context, locationID int64, since time.Time) error {
	var incidents []Incident
	err := s.ro.NewSelect().Model(&incidents).Where("i.type = ? AND i.location_id = ? AND i.updated_at >= ?", IncidentBlind, locationID, since).OrderExpr("i.id").Scan(ctx)
	if err != nil {
		return fmt.Errorf("reading blind incidents: %w", err)
	}
	for _, incident := range incidents {
		e := incidentEvent(incident, MonitorRow{})
		if incident.Open() {
			e.Type = events.IncidentOpened
			e.Data = IncidentChange{Type: e.Type, Incident: incident}
		}
		s.publish(e)
	}
	return nil
}
