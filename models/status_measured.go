package models

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// measuredDays is how far back operators choose among measured incidents to tell of, and mostMeasured how many they see.
const (
	measuredDays = 30
	mostMeasured = 50
)

// StatusMeasured is a measured incident of a page's monitors, as operators see it who tell of it.
type StatusMeasured struct {
	PublicID           uuid.UUID
	Type               IncidentType
	StartedAt, EndedAt time.Time
	// Monitors are the page's in it.
	Monitors []StatusTarget
	// Post is the page's of it; nil where there is none. Hidden is true where that leaves it out.
	Post   uuid.UUID
	Hidden bool
	// Restorable is true where the post only leaves it out, so that visitors read of it again when the post is deleted.
	Restorable bool
	// Shown tells whether visitors are shown it: because of the page's rule, or because of the post.
	Shown bool
}

// StatusPageIncidents returns measured incidents of the page's monitors as far as the actor sees these, newest first: what is open or
// ended in the last 30 days, at most 50. Errors: ErrForbidden, *NotFound.
func (s *Store) StatusPageIncidents(ctx context.Context, by Actor, page uuid.UUID) ([]StatusMeasured, error) {
	if err := by.check(MayRead); err != nil {
		return nil, err
	}
	p, err := s.statusPage(ctx, s.ro, by, page, false)
	if err != nil {
		return nil, err
	}
	targets, err := s.statusTargets(ctx, s.ro, by, p)
	if err != nil || len(targets) == 0 {
		return nil, err
	}
	ids := make([]int64, len(targets))
	for i, t := range targets {
		ids[i] = t.ID
	}
	all := p
	all.Publish = PublishAll // all are chosen from, whatever the rule shows by itself
	parts, err := s.noticeParts(ctx, all, targets, s.clock().AddDate(0, 0, -measuredDays), time.Time{})
	if err != nil {
		return nil, err
	}
	var list []StatusMeasured
	places := map[int64]int{}
	var incidents []int64
	for _, part := range parts {
		i, there := places[part.IncidentID]
		if !there {
			if len(list) == mostMeasured {
				break
			}
			i = len(list)
			places[part.IncidentID] = i
			incidents = append(incidents, part.IncidentID)
			list = append(list, StatusMeasured{PublicID: part.PublicID, Type: part.Type, StartedAt: part.StartedAt.UTC(), EndedAt: part.EndedAt.UTC(), Shown: p.publishes(part.Type)})
		}
		m := &list[i]
		m.Monitors = append(m.Monitors, targets[slices.Index(ids, part.MonitorID)])
		if part.StartedAt.Before(m.StartedAt) {
			m.StartedAt = part.StartedAt.UTC()
		}
		if part.EndedAt.IsZero() || m.EndedAt.IsZero() {
			m.EndedAt = time.Time{}
		} else if part.EndedAt.After(m.EndedAt) {
			m.EndedAt = part.EndedAt.UTC()
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	var posts []struct {
		StatusPost `bun:",extend"`
		Told       bool
	}
	err = s.ro.NewSelect().TableExpr("status_posts AS p").ColumnExpr("p.*, EXISTS (SELECT 1 FROM status_updates AS u WHERE u.post_id = p.id) AS told").Where("p.organization_id = ? AND p.page_id = ? AND p.incident_id IN (?)", p.OrganizationID, p.ID, bun.List(incidents)).Scan(ctx, &posts)
	if err != nil {
		return nil, fmt.Errorf("reading the posts of incidents: %w", err)
	}
	for _, post := range posts {
		m := &list[places[post.IncidentID]]
		m.Restorable = m.Shown && post.Hidden && post.Title == "" && !post.Told
		m.Post, m.Hidden, m.Shown = post.PublicID, post.Hidden, !post.Hidden
	}
	return list, nil
}

// StatusPagesOf returns the pages that show a monitor of the incident, as far as the actor sees both, by name: where people can be told
// of it. Errors: ErrForbidden, *NotFound.
func (s *Store) StatusPagesOf(ctx context.Context, by Actor, incident uuid.UUID) ([]StatusPage, error) {
	if err := by.check(MayHandleIncidents); err != nil {
		return nil, err
	}
	row, err := s.incident(ctx, s.ro, by, incident)
	if err != nil || row.Type == IncidentBlind {
		return nil, err
	}
	monitors := visible(s.ro.NewSelect().TableExpr("incident_monitors AS im").ColumnExpr("1").Join("JOIN monitors AS m ON m.id = im.monitor_id").
		Join("JOIN customers AS c ON c.id = m.customer_id").Join("LEFT JOIN status_page_monitors AS spm ON spm.monitor_id = m.id AND spm.page_id = sp.id").
		Where("im.incident_id = ? AND im.organization_id = sp.organization_id", row.ID).Where("coalesce(spm.hidden, FALSE) = FALSE").
		Where("(spm.page_id IS NOT NULL OR sp.all_monitors AND m.customer_id = sp.customer_id)"), by)
	list := []StatusPage{}
	q := s.ro.NewSelect().Model(&list).ColumnExpr(statusPageColumns).Join("JOIN customers AS c ON c.id = sp.customer_id").
		Where("sp.organization_id = ? AND EXISTS (?)", by.OrganizationID, monitors).OrderExpr("sp.name, sp.id").Limit(mostMeasured)
	if err := visible(q, by).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading the pages of an incident: %w", err)
	}
	return list, nil
}
