package models

import (
	"context"
	"fmt"
	"time"
)

// UnscopedStatusFirst is when there is the first to be told of a page: when it was made or, where one is older, when its first post or the
// first measured incident of its monitors began. Nobody finds anything before it. Errors: trouble of the database only.
func (s *Store) UnscopedStatusFirst(ctx context.Context, p StatusPage) (time.Time, error) {
	posts := s.ro.NewSelect().TableExpr("status_posts AS sp").ColumnExpr("min(sp.starts_at)").Where("sp.organization_id = ? AND sp.page_id = ?", p.OrganizationID, p.ID)
	// A monitor's first incident has its lowest id, which an index finds at once, however many there were.
	oldest := onPage(s.ro.NewSelect().TableExpr("monitors AS m"), p).
		ColumnExpr("(SELECT min(f.incident_id) FROM incident_monitors AS f WHERE f.organization_id = m.organization_id AND f.monitor_id = m.id)")
	measured := s.ro.NewSelect().TableExpr("incident_monitors AS im").ColumnExpr("min(im.started_at)").Where("im.organization_id = ? AND im.incident_id IN (?)", p.OrganizationID, oldest)
	var row struct {
		Post     time.Time `bun:",nullzero"`
		Measured time.Time `bun:",nullzero"`
	}
	if err := s.ro.NewSelect().ColumnExpr("(?) AS post, (?) AS measured", posts, measured).Scan(ctx, &row); err != nil {
		return time.Time{}, fmt.Errorf("reading when a status page began: %w", err)
	}
	first := p.CreatedAt
	for _, t := range []time.Time{row.Post, row.Measured} {
		if !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	return first.UTC(), nil
}
