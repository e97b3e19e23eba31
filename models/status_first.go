package models

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// UnscopedStatusFirst is when there is the first to be told of a page: when it was made or, where one is older, when its first post or the
// first measured incident of its monitors that it shows began. Nobody finds anything before it, and nobody learns from it when something
// began that is left out. Errors: trouble of the database only.
func (s *Store) UnscopedStatusFirst(ctx context.Context, p StatusPage) (time.Time, error) {
	// What is told of a measured incident is shown at the time of that.
	posts := s.ro.NewSelect().TableExpr("status_posts AS sp").ColumnExpr("min(sp.starts_at)").Join("LEFT JOIN incidents AS i ON i.id = sp.incident_id").
		Where("sp.organization_id = ? AND sp.page_id = ? AND NOT sp.hidden AND i.id IS NULL", p.OrganizationID, p.ID)
	// A monitor's first incident has its lowest id, which an index finds at once, however many there were.
	first := s.ro.NewSelect().TableExpr("incident_monitors AS im").ColumnExpr("im.started_at").Join("JOIN incidents AS i ON i.id = im.incident_id").
		Join("LEFT JOIN status_posts AS sp ON sp.page_id = ? AND sp.incident_id = i.id", p.ID).
		Where("im.organization_id = m.organization_id AND im.monitor_id = m.id AND i.type <> ?", IncidentBlind).
		Where("(sp.id IS NULL AND i.type IN (?) OR sp.hidden = FALSE)", bun.List(p.publishedTypes())).OrderExpr("im.incident_id").Limit(1)
	each := onPage(s.ro.NewSelect().TableExpr("monitors AS m").ColumnExpr("(?) AS started_at", first), p)
	measured := s.ro.NewSelect().TableExpr("(?) AS each_first", each).ColumnExpr("min(started_at)")
	var row struct {
		Post     time.Time `bun:",nullzero"`
		Measured time.Time `bun:",nullzero"`
	}
	if err := s.ro.NewSelect().ColumnExpr("(?) AS post, (?) AS measured", posts, measured).Scan(ctx, &row); err != nil {
		return time.Time{}, fmt.Errorf("reading when a status page began: %w", err)
	}
	began := p.CreatedAt
	for _, t := range []time.Time{row.Post, row.Measured} {
		if !t.IsZero() && t.Before(began) {
			began = t
		}
	}
	return began.UTC(), nil
}

// publishedTypes are the types of measured incidents that the page shows by itself, and one that nothing has: a list of none is no SQL.
func (p StatusPage) publishedTypes() []IncidentType {
	types := []IncidentType{IncidentNone}
	for _, t := range []IncidentType{IncidentDowntime, IncidentDegraded} {
		if p.publishes(t) {
			types = append(types, t)
		}
	}
	return types
}
