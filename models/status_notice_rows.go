package models

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// noticeParts are the parts that the page's monitors had in measured incidents of the time: of those that its rule shows, and of those
// that it has a post of. The newest incidents come first.
func (s *Store) noticeParts(ctx context.Context, p StatusPage, monitors []StatusTarget, from, to time.Time) ([]noticePart, error) {
	if len(monitors) == 0 {
		return nil, nil
	}
	ids := make([]int64, len(monitors))
	for i, m := range monitors {
		ids[i] = m.ID
	}
	// One statement each for what is open and for what has ended: together, by OR, no index would help.
	var parts []noticePart
	for _, ended := range []bool{false, true} {
		var some []noticePart
		q := s.ro.NewSelect().TableExpr("incident_monitors AS im").ColumnExpr("im.incident_id, im.monitor_id, i.public_id, i.type, im.started_at, im.ended_at").
			Join("JOIN incidents AS i ON i.id = im.incident_id").
			Where("im.organization_id = ? AND im.monitor_id IN (?) AND i.type <> ?", p.OrganizationID, bun.List(ids), IncidentBlind).
			Where("(i.type IN (?) OR i.id IN (SELECT incident_id FROM status_posts WHERE page_id = ? AND incident_id IS NOT NULL))", bun.List(p.publishedTypes()), p.ID).
			OrderExpr("im.incident_id DESC, im.monitor_id").Limit(mostNoticeRows)
		if ended {
			q = q.Where("im.ended_at > ?", from.UTC())
		} else {
			q = q.Where("im.ended_at IS NULL")
		}
		if !to.IsZero() {
			q = q.Where("im.started_at < ?", to.UTC())
		}
		if err := q.Scan(ctx, &some); err != nil {
			return nil, fmt.Errorf("reading a status page's incidents: %w", err)
		}
		parts = append(parts, some...)
	}
	slices.SortStableFunc(parts, func(a, b noticePart) int { return cmp.Compare(b.IncidentID, a.IncidentID) })
	return parts, nil
}

// noticePosts are the page's posts of the time, and those of the measured incidents, with what was told of each; only those of the kinds,
// where there are any.
func (s *Store) noticePosts(ctx context.Context, p StatusPage, incidents []int64, from, to time.Time, kinds ...StatusKind) ([]notice, error) {
	var rows []struct {
		StatusPost       `bun:",extend"`
		Measured         bool
		IncidentPublicID uuid.UUID `bun:"type:uuid,nullzero"`
	}
	q := s.ro.NewSelect().TableExpr("status_posts AS p").ColumnExpr("p.*, i.id IS NOT NULL AS measured, i.public_id AS incident_public_id").Join("LEFT JOIN incidents AS i ON i.id = p.incident_id").
		Where("p.organization_id = ? AND p.page_id = ?", p.OrganizationID, p.ID).OrderExpr("p.starts_at DESC, p.id DESC").Limit(mostNotices)
	q = q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		q = q.Where("i.id IS NULL AND (p.ends_at IS NULL OR p.ends_at > ?)", from.UTC())
		if len(incidents) > 0 {
			q = q.WhereOr("p.incident_id IN (?)", bun.List(incidents)) // within the group's brackets: whose page it is holds for both
		}
		return q
	})
	if len(kinds) > 0 {
		q = q.Where("p.kind IN (?)", bun.List(kinds))
	}
	if !to.IsZero() {
		// What was begun early or called off may have been planned for later.
		q = q.Where("(p.starts_at < ? OR p.kind = ? AND EXISTS (SELECT 1 FROM status_updates AS u WHERE u.post_id = p.id AND u.state IN (?) AND u.at < ?))",
			to.UTC(), KindMaintenance, bun.List([]StatusPostState{PostInProgress, PostCompleted}), to.UTC())
	}
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("reading a status page's posts: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	list, ids, byID := make([]notice, len(rows)), make([]int64, len(rows)), make(map[int64]*notice, len(rows))
	for i, row := range rows {
		list[i] = notice{post: row.ID, hidden: row.Hidden, remind: time.Duration(row.RemindMinutes) * time.Minute,
			StatusNotice: StatusNotice{ID: row.PublicID, Kind: row.Kind, Title: row.Title, State: row.State, StartsAt: row.StartsAt.UTC(), EndsAt: utcOrZero(row.EndsAt),
				CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC()}}
		if row.Measured {
			list[i].incident, list[i].ID = row.IncidentID, p.ComponentID(row.IncidentPublicID) // as before anybody told of it
		} else if row.IncidentID != 0 && row.EndsAt.IsZero() {
			list[i].EndsAt = row.UpdatedAt.UTC() // its incident went with the monitor: nobody will measure its end
		}
		ids[i], byID[row.ID] = row.ID, &list[i]
	}
	var updates []StatusUpdate
	if err := s.ro.NewSelect().Model(&updates).Where("u.post_id IN (?)", bun.List(ids)).OrderExpr("u.at DESC, u.id DESC").Limit(mostNoticeRows).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading what a status page told: %w", err)
	}
	for _, u := range updates {
		byID[u.PostID].Updates = append(byID[u.PostID].Updates, StatusNoticeUpdate{State: u.State, Body: u.Body, At: u.At.UTC()})
	}
	var affected []statusPostMonitor
	if err := s.ro.NewSelect().Model(&affected).Where("post_id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading what a status page's posts are about: %w", err)
	}
	for _, a := range affected {
		n := byID[a.PostID]
		if n.announced == nil {
			n.announced = map[int64]time.Time{}
		}
		n.monitors, n.announced[a.MonitorID] = append(n.monitors, a.MonitorID), a.AnnouncedAt
	}
	return list, nil
}

func utcOrZero(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}
