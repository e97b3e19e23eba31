package models

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// maxRemind is how long before maintenance a page may remind of it, in minutes: two weeks.
const maxRemind = 14 * 24 * 60

// apply changes p as the fields say and notes in e what is wrong with them. Its kind is known already.
func (p *StatusPost) apply(f Fields, create bool, e *Invalid) {
	in := reader{Fields: f, e: e}
	if v, ok := in.flag("hidden", true); ok {
		p.Hidden = v
	}
	if typed, ok := in.text("title", true); !create && p.Title == "" && !p.Hidden && p.IncidentID != 0 && strings.TrimSpace(typed) == "" && ok == f.Has("title") {
		e.add("title", "title is required; to show what was measured, delete the post", "Type a title; or delete this, then visitors read what was measured")
	}
	in.title(&p.Title, p.untitled(f))
	if t, ok := in.moment("startsAt", true); ok {
		p.StartsAt = t
	}
	if f.Has("endsAt") && p.Kind == KindIncident {
		e.add("endsAt", "an incident ends with its update resolved", "Add an update that says resolved")
	} else if t, ok := in.moment("endsAt", false); ok || f.null("endsAt") {
		p.EndsAt = t
	}
	if !create && f.Has("kind") {
		if v, ok := in.text("kind", true); ok && v != string(p.Kind) {
			e.add("kind", "kind can not be changed", "Delete this and tell it anew as another kind")
		}
	}
	if v, ok := in.integer("remindMinutes", 0, maxRemind, true); ok && p.Kind == KindMaintenance {
		p.RemindMinutes = v
	} else if ok && v != 0 && p.Kind != "" {
		e.add("remindMinutes", "only maintenance reminds", "Leave it out, or choose maintenance as its kind")
	}
	switch _, wrong := e.Field("endsAt"); {
	case p.Kind == KindMaintenance && p.StartsAt.IsZero():
		e.add("startsAt", "startsAt is required", "Type when it begins")
	case p.Kind == KindMaintenance && p.EndsAt.IsZero():
		e.add("endsAt", "endsAt is required", "Type when it ends")
	case p.Kind != KindIncident && !wrong && !p.EndsAt.IsZero() && !p.EndsAt.After(p.StartsAt):
		e.add("endsAt", "endsAt must be after startsAt", "It ends before it begins: choose a later time")
	}
}

// untitled tells whether the post may have no title, f being what is sent of it: where all that it does is to leave a measured incident
// out. Visitors never read of it.
func (p *StatusPost) untitled(f Fields) bool {
	return p.Hidden && (p.IncidentID != 0 || f.Has("incidentId") && !f.null("incidentId"))
}

// checkBegin notes in e what is wrong with when an incident began: nobody tells of one before it begins. updates are newest first.
func (p *StatusPost) checkBegin(updates []StatusUpdate, now time.Time, e *Invalid) {
	if p.Kind != KindIncident || p.IncidentID != 0 {
		return
	}
	if p.StartsAt.After(now.Add(clockSlack)) {
		e.add("startsAt", "startsAt of an incident must not be in the future", "In the future: choose when it began")
	} else if first := len(updates) - 1; first >= 0 && p.StartsAt.After(updates[first].At) {
		e.add("startsAt", "startsAt must not be after the first update", "After what was told first: choose an earlier time")
	}
}

// tellOf makes the post one of a measured incident of the page's monitors, which the actor sees, and returns these.
func (s *Store) tellOf(ctx context.Context, tx bun.Tx, by Actor, page StatusPage, f Fields, p *StatusPost, e *Invalid) (monitors []int64, err error) {
	v, ok := reader{Fields: f, e: e}.text("incidentId", false)
	if !ok {
		return nil, nil
	}
	if p.Kind != KindIncident {
		e.add("incidentId", "only an incident tells of a measured one", "Choose incident as its kind")
		return nil, nil
	}
	id, err := ParsePublicID(v)
	if err != nil {
		e.add("incidentId", "Incident public ID (UUID) required", "")
		return nil, nil
	}
	var parts []struct {
		IncidentID, MonitorID int64
		StartedAt             time.Time
	}
	q := onPage(tx.NewSelect().TableExpr("incident_monitors AS im").ColumnExpr("im.incident_id, im.monitor_id, im.started_at").
		Join("JOIN incidents AS i ON i.id = im.incident_id").Join("JOIN monitors AS m ON m.id = im.monitor_id").Join("JOIN customers AS c ON c.id = m.customer_id"), page).
		Where("im.organization_id = ? AND i.public_id = ? AND i.type <> ?", page.OrganizationID, id, IncidentBlind).OrderExpr("im.monitor_id").Limit(mostStatusMonitors)
	if err := visible(q, by).Scan(ctx, &parts); err != nil {
		return nil, fmt.Errorf("reading the incident to tell of: %w", err)
	}
	if len(parts) == 0 {
		return nil, errNoIncident()
	}
	p.IncidentID, p.StartsAt = parts[0].IncidentID, parts[0].StartedAt.UTC()
	for _, part := range parts {
		monitors = append(monitors, part.MonitorID)
		if part.StartedAt.Before(p.StartsAt) {
			p.StartsAt = part.StartedAt.UTC()
		}
	}
	return monitors, nil
}

// settle makes the post's state and end follow from the update that brought its state; nil = there is none.
func (p *StatusPost) settle(by *StatusUpdate) {
	switch p.Kind {
	case KindIncident:
		p.State, p.EndsAt = PostInvestigating, time.Time{}
		if by != nil {
			p.State = by.State
		}
		if p.State == PostResolved && p.IncidentID == 0 { // a measured one ends when it is measured to
			p.EndsAt = later(p.StartsAt, by.At)
		}
	case KindMaintenance:
		p.State = PostScheduled
		if by != nil {
			p.State = by.State
		}
	default:
		p.State = ""
	}
}
