package models

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"echolot/models/events"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// maxNote bounds a note and a comment, in characters.
const maxNote = 2000

// AcknowledgeIncident notes that the actor has taken the incident on; the note may be empty. Who does it later takes over, and the
// acknowledgement before becomes a comment. Errors: ErrForbidden, *Invalid, *NotFound, *Conflict where it has ended, or where that
// comment is one too many.
func (s *Store) AcknowledgeIncident(ctx context.Context, by Actor, id uuid.UUID, f Fields) error {
	e := new(Invalid)
	note, _ := reader{Fields: f, e: e}.text("note", false)
	note = cleanText(note, "note", e)
	return s.writeToIncident(ctx, by, id, e, func(ctx context.Context, tx bun.Tx, i *Incident, author string) error {
		if !i.Open() {
			return &Conflict{Message: "The incident has ended, so there is nothing to take on; it still takes comments"}
		}
		before := *i
		if !before.AcknowledgedAt.IsZero() {
			text := "Acknowledged"
			if before.AcknowledgeNote != "" {
				text += ": " + before.AcknowledgeNote
			}
			c := IncidentComment{IncidentID: i.ID, OrganizationID: i.OrganizationID, At: before.AcknowledgedAt, UserID: before.AcknowledgedByID, Author: before.AcknowledgedBy, Text: text}
			if err := insertComment(ctx, tx, &c); err != nil {
				return err
			}
		}
		i.AcknowledgedAt, i.AcknowledgedByID, i.AcknowledgedBy, i.AcknowledgeNote = i.UpdatedAt, by.UserID, author, note
		if _, err := tx.NewUpdate().Model(i).Column("acknowledged_at", "acknowledged_by_id", "acknowledged_by", "acknowledge_note").WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("acknowledging the incident: %w", err)
		}
		return s.audit(ctx, tx, by, "incident.acknowledge", "incident", i.ID, before, *i)
	})
}

// insertComment stores a comment. Errors: *Conflict where there are 500 already.
func insertComment(ctx context.Context, tx bun.Tx, c *IncidentComment) error {
	n, err := tx.NewSelect().TableExpr("incident_comments").Where("organization_id = ? AND incident_id = ?", c.OrganizationID, c.IncidentID).Count(ctx)
	if err != nil {
		return fmt.Errorf("counting comments: %w", err)
	}
	if n >= mostComments {
		return &Conflict{Message: fmt.Sprintf("The incident has %d comments, and takes no more", mostComments)}
	}
	if _, err := tx.NewInsert().Model(c).Exec(ctx); err != nil {
		return fmt.Errorf("inserting the comment: %w", err)
	}
	return nil
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
		c = IncidentComment{IncidentID: i.ID, OrganizationID: i.OrganizationID, At: i.UpdatedAt, UserID: by.UserID, Author: author, Text: text}
		if err := insertComment(ctx, tx, &c); err != nil {
			return err
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
