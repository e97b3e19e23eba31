package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"echolot/models/events"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

const (
	// mostParts bounds the monitors of an incident that are shown.
	mostParts = 200
	// maxNote bounds a note and a comment, in characters.
	maxNote = 2000
	// mostComments bounds the comments that are shown, and that an incident takes.
	mostComments = 500
)

// IncidentDetail is one incident with what shows it.
type IncidentDetail struct {
	IncidentRow
	// Parts are the monitors that the actor sees, those that have not recovered first, at most 200 of them.
	Parts []IncidentPart
	// Failed are checks of the row's monitor: those that led to the verdict, and after the end up to ten more; Recovered those that
	// ended it. Both are oldest first; the totals count also those that are not kept.
	Failed, Recovered           []Result
	FailedTotal, RecoveredTotal int
	// Comments are in the order written; none where the actor does not see all of the incident.
	Comments []IncidentComment
	// Whole is false where the incident concerns others too, whom the actor does not see: then nothing may be written to it.
	Whole bool
}

// IncidentPart is one monitor of an incident.
type IncidentPart struct {
	IncidentFacts
	Monitor      IncidentTarget
	CustomerName string
}

// errNoIncident is the one answer for an incident that is not there or not the actor's.
func errNoIncident() error { return &NotFound{What: "Incident"} }

// Incident returns one incident. Errors: ErrForbidden, *NotFound.
func (s *Store) Incident(ctx context.Context, by Actor, id uuid.UUID) (IncidentDetail, error) {
	if err := by.check(MayRead); err != nil {
		return IncidentDetail{}, err
	}
	row, err := s.incident(ctx, s.ro, by, id)
	if err != nil {
		return IncidentDetail{}, err
	}
	d := IncidentDetail{IncidentRow: row, Whole: wholeFor(by, row.Incident)}
	if err := s.fillParts(ctx, by, &d); err != nil {
		return IncidentDetail{}, err
	}
	if !d.Whole {
		return d, nil
	}
	err = s.ro.NewSelect().Model(&d.Comments).Where("ic.organization_id = ? AND ic.incident_id = ?", row.OrganizationID, row.ID).OrderExpr("ic.id").Limit(mostComments).Scan(ctx)
	if err != nil {
		return IncidentDetail{}, fmt.Errorf("reading comments: %w", err)
	}
	return d, nil
}

// wholeFor tells whether the actor sees all that an incident concerns.
func wholeFor(by Actor, i Incident) bool { return !by.Limited || !i.Mass && i.Type != IncidentBlind }

// incident finds one incident that the actor sees.
func (s *Store) incident(ctx context.Context, db bun.IDB, by Actor, id uuid.UUID) (IncidentRow, error) {
	rows := make([]IncidentRow, 1)
	err := s.filterIncidents(db.NewSelect().Model(&rows[0].Incident), by, IncidentsFilter{}).Where("i.public_id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return IncidentRow{}, errNoIncident()
	}
	if err != nil {
		return IncidentRow{}, fmt.Errorf("reading incident %s: %w", id, err)
	}
	return rows[0], s.nameMonitors(ctx, db, by, 0, rows)
}

// fillParts reads the monitors and the row's monitor's checks.
func (s *Store) fillParts(ctx context.Context, by Actor, d *IncidentDetail) error {
	if d.Monitor.ID == 0 {
		return nil
	}
	var parts []struct {
		IncidentFacts `bun:",extend"`
		MonitorID     int64
		PublicID      uuid.UUID
		Name          string
		Hostname      string
		Status        Status
		CustomerName  string
	}
	err := partsQuery(s.ro.NewSelect().TableExpr("incident_monitors AS im"), by).
		ColumnExpr("im.cause, im.cause_source, im.cause_mtu, im.reason, im.checks, im.sent, im.received, im.rtt, im.started_at, im.confirmed_at, im.ended_at").
		ColumnExpr("im.monitor_id, m.public_id, m.name, m.hostname_typed AS hostname, m.status, c.name AS customer_name").
		Where("im.incident_id = ?", d.ID).OrderExpr("CASE WHEN im.ended_at IS NULL THEN 0 ELSE 1 END, m.search, m.id").Limit(mostParts).Scan(ctx, &parts)
	if err != nil {
		return fmt.Errorf("reading the incident's monitors: %w", err)
	}
	for _, p := range parts {
		d.Parts = append(d.Parts, IncidentPart{IncidentFacts: p.IncidentFacts, CustomerName: p.CustomerName,
			Monitor: IncidentTarget{ID: p.MonitorID, PublicID: p.PublicID, Name: p.Name, Hostname: p.Hostname, Status: p.Status}})
	}
	var row incidentMonitor
	if err := s.ro.NewSelect().Model(&row).Where("im.incident_id = ? AND im.monitor_id = ?", d.ID, d.Monitor.ID).Scan(ctx); err != nil {
		return fmt.Errorf("reading the incident's checks: %w", err)
	}
	d.Failed, d.Recovered = row.Evidence.Failed, row.Evidence.Recovered
	d.FailedTotal, d.RecoveredTotal = row.FailedChecks, max(row.RecoveryChecks, len(d.Recovered))
	if row.Open() {
		var st MonitorState
		err := s.ro.NewSelect().Model(&st).Column("failures", "degraded_in_row").Where("s.monitor_id = ? AND s.location_id = ?", row.MonitorID, row.LocationID).Scan(ctx)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("counting its failed checks: %w", err)
		}
		d.FailedTotal += failedInRow(st, d.Type)
	}
	d.FailedTotal = max(d.FailedTotal, len(d.Failed))
	return nil
}

// AcknowledgeIncident notes that the actor has taken the incident on; the note may be empty. Who does it later takes over. Errors:
// ErrForbidden, *Invalid, *NotFound.
func (s *Store) AcknowledgeIncident(ctx context.Context, by Actor, id uuid.UUID, f Fields) error {
	e := new(Invalid)
	note, _ := reader{Fields: f, e: e}.text("note", false)
	note = cleanText(note, "note", e)
	return s.writeToIncident(ctx, by, id, e, func(ctx context.Context, tx bun.Tx, i *Incident, author string) error {
		before := *i
		i.AcknowledgedAt, i.AcknowledgedByID, i.AcknowledgedBy, i.AcknowledgeNote = i.UpdatedAt, by.UserID, author, note
		if _, err := tx.NewUpdate().Model(i).Column("acknowledged_at", "acknowledged_by_id", "acknowledged_by", "acknowledge_note").WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("acknowledging the incident: %w", err)
		}
		return s.audit(ctx, tx, by, "incident.acknowledge", "incident", i.ID, before, *i)
	})
}

// CommentIncident adds what somebody wrote. Errors: ErrForbidden, *Invalid, *NotFound, *Conflict where there are 500 already.
func (s *Store) CommentIncident(ctx context.Context, by Actor, id uuid.UUID, f Fields) (IncidentComment, error) {
	e := new(Invalid)
	text, ok := reader{Fields: f, e: e}.text("text", true)
	if text = cleanText(text, "text", e); ok && text == "" || !ok {
		e.add("text", "text is required", "Type a comment")
	}
	var c IncidentComment
	err := s.writeToIncident(ctx, by, id, e, func(ctx context.Context, tx bun.Tx, i *Incident, author string) error {
		n, err := tx.NewSelect().TableExpr("incident_comments").Where("organization_id = ? AND incident_id = ?", i.OrganizationID, i.ID).Count(ctx)
		if err != nil {
			return fmt.Errorf("counting comments: %w", err)
		}
		if n >= mostComments {
			return &Conflict{Message: fmt.Sprintf("The incident has %d comments, and takes no more", mostComments)}
		}
		c = IncidentComment{IncidentID: i.ID, OrganizationID: i.OrganizationID, At: i.UpdatedAt, UserID: by.UserID, Author: author, Text: text}
		if _, err := tx.NewInsert().Model(&c).Exec(ctx); err != nil {
			return fmt.Errorf("inserting the comment: %w", err)
		}
		return s.audit(ctx, tx, by, "incident.comment", "incident", i.ID, nil, c)
	})
	return c, err
}

// writeToIncident has write change an incident that the actor sees whole, and tells of it. e is what is wrong with the input.
func (s *Store) writeToIncident(ctx context.Context, by Actor, id uuid.UUID, e *Invalid, write func(ctx context.Context, tx bun.Tx, i *Incident, author string) error) error {
	if err := by.check(MayHandleIncidents); err != nil {
		return err
	}
	if err := e.orNil(); err != nil {
		return err
	}
	var told []events.Event
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		row, err := s.incident(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if !wholeFor(by, row.Incident) {
			return ErrForbidden
		}
		author, err := s.actorName(ctx, tx, by)
		if err != nil {
			return err
		}
		row.UpdatedAt = s.clock()
		if _, err := tx.NewUpdate().Model(&row.Incident).Column("updated_at").WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("changing the incident: %w", err)
		}
		if err := write(ctx, tx, &row.Incident, author); err != nil {
			return err
		}
		told, err = s.incidentEvents(ctx, tx, []Incident{row.Incident}, events.IncidentChanged)
		return err
	})
	if err != nil {
		return err
	}
	s.publish(told...)
	return nil
}

// incidentEvents tells of the incidents once to each customer's people, by one of their monitors.
func (s *Store) incidentEvents(ctx context.Context, db bun.IDB, incidents []Incident, kind events.Type) ([]events.Event, error) {
	ids := make([]int64, len(incidents))
	byID := make(map[int64]Incident, len(incidents))
	for i, incident := range incidents {
		ids[i], byID[incident.ID] = incident.ID, incident
	}
	var seen []struct {
		IncidentID, ID, CustomerID int64
		PublicID                   uuid.UUID
	}
	first := db.NewSelect().TableExpr("incident_monitors AS im").ColumnExpr("im.incident_id, min(im.monitor_id) AS monitor_id").
		Join("JOIN monitors AS m ON m.id = im.monitor_id").Where("im.incident_id IN (?)", bun.List(ids)).GroupExpr("im.incident_id, m.customer_id")
	err := db.NewSelect().TableExpr("(?) AS f", first).ColumnExpr("f.incident_id, m.id, m.customer_id, m.public_id").
		Join("JOIN monitors AS m ON m.id = f.monitor_id").OrderExpr("f.incident_id, m.id").Scan(ctx, &seen)
	if err != nil {
		return nil, fmt.Errorf("reading whom an incident concerns: %w", err)
	}
	var told []events.Event
	add := func(incident Incident, m MonitorRow) {
		e := incidentEvent(incident, m)
		if kind != "" {
			e.Type = kind
			e.Data = IncidentChange{Type: kind, Incident: incident}
		}
		told = append(told, e)
	}
	for _, o := range seen {
		add(byID[o.IncidentID], MonitorRow{Monitor: Monitor{ID: o.ID, CustomerID: o.CustomerID, PublicID: o.PublicID}})
	}
	for _, incident := range incidents {
		if incident.Type == IncidentBlind {
			add(incident, MonitorRow{})
		}
	}
	return told, nil
}

// cleanText trims a text of several lines and notes in e what is wrong with it.
func cleanText(s, field string, e *Invalid) string {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	if utf8.RuneCountInString(s) > maxNote {
		e.add(field, fmt.Sprintf("%s must have at most %d characters", field, maxNote), fmt.Sprintf("Longer than %d characters: shorten it", maxNote))
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		e.add(field, field+" contains a control character", "Leave out control characters")
	}
	return s
}

// IncidentHistory returns the newest 100 incidents of the monitor as far as they are its own, newest first, and how many there are in
// all. Errors: ErrForbidden, *NotFound.
func (s *Store) IncidentHistory(ctx context.Context, by Actor, id uuid.UUID, limit int) ([]IncidentRow, int, error) {
	m, err := s.Monitor(ctx, by, id)
	if err != nil {
		return nil, 0, err
	}
	return s.Incidents(ctx, by, IncidentsFilter{Monitor: m.ID, Limit: min(limit, 100)})
}

// IncidentsBetween returns the incidents of the monitor that were open at some time in the range, as far as they are its own, oldest
// first, at most 500: what a chart marks. Errors: ErrForbidden, *NotFound.
func (s *Store) IncidentsBetween(ctx context.Context, by Actor, id uuid.UUID, from, to time.Time) ([]IncidentRow, error) {
	m, err := s.Monitor(ctx, by, id)
	if err != nil {
		return nil, err
	}
	var incidents []Incident
	err = s.ro.NewSelect().Model(&incidents).Join("JOIN incident_monitors AS im ON im.incident_id = i.id").
		Where("im.organization_id = ? AND im.monitor_id = ?", m.OrganizationID, m.ID).Where("im.started_at < ?", to).
		Where("(im.ended_at IS NULL OR im.ended_at > ?)", from).OrderExpr("i.id").Limit(500).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading a range's incidents: %w", err)
	}
	rows := make([]IncidentRow, len(incidents))
	for i := range incidents {
		rows[i].Incident = incidents[i]
	}
	return rows, s.nameMonitors(ctx, s.ro, by, m.ID, rows)
}
