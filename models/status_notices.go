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

const (
	// StatusPastDays is of how many days, today among them, a page tells what is over; months have the rest.
	StatusPastDays = 7
	// mostNotices bounds the posts that are read at once, and mostNoticeRows their updates and the parts of measured incidents.
	mostNotices    = 300
	mostNoticeRows = 5000
)

// fillNotices adds what the page tells: what is under way, what is to come, and what ended within the last StatusPastDays days.
func (s *Store) fillNotices(ctx context.Context, p StatusPage, b *StatusBoard) error {
	var monitors []StatusTarget
	for _, g := range b.Groups {
		for _, c := range g.Components {
			monitors = append(monitors, StatusTarget{ID: c.monitor, Name: c.Name})
		}
	}
	now := b.At.In(p.Zone())
	from := time.Date(now.Year(), now.Month(), now.Day()-StatusPastDays+1, 0, 0, 0, 0, now.Location())
	list, err := s.statusNotices(ctx, p, monitors, from, time.Time{}, b.At.UTC())
	if err != nil {
		return err
	}
	components := make(map[int64]StatusComponent, len(monitors))
	for _, g := range b.Groups {
		for _, c := range g.Components {
			components[c.monitor] = c
		}
	}
	worked := map[int64]bool{}
	for _, n := range list {
		b.turn(n)
		switch {
		case n.Kind == KindMaintenance && n.State == PostScheduled:
			n.Reminding = n.remind > 0 && !b.At.Before(n.StartsAt.Add(-n.remind))
			b.Announced = append(b.Announced, n.StatusNotice)
		case n.over(b.At):
			b.Past = append(b.Past, n.StatusNotice)
		case n.Kind == KindAnnouncement && n.StartsAt.After(b.At):
		case n.Kind == KindAnnouncement:
			b.Announced = append(b.Announced, n.StatusNotice)
		default:
			n.unstable(components)
			b.Open = append(b.Open, n.StatusNotice)
			for _, id := range n.monitors {
				worked[id] = worked[id] || n.Kind == KindMaintenance
			}
		}
	}
	slices.SortStableFunc(b.Announced, func(x, y StatusNotice) int { // what comes first, first; then announcements
		if x.Kind != y.Kind {
			return cmp.Compare(y.Kind, x.Kind)
		}
		if x.Kind == KindMaintenance {
			return x.StartsAt.Compare(y.StartsAt)
		}
		return y.StartsAt.Compare(x.StartsAt)
	})
	for g := range b.Groups {
		for c := range b.Groups[g].Components {
			b.Groups[g].Components[c].Maintenance = b.Groups[g].Components[c].Maintenance || worked[b.Groups[g].Components[c].monitor]
		}
	}
	return nil
}

// turn makes ChangesAt the first moment after At in which something of the notice begins, ends or is reminded of.
func (b *StatusBoard) turn(n notice) {
	if n.Kind == KindIncident {
		return
	}
	for _, t := range []time.Time{n.StartsAt.Add(-n.remind), n.StartsAt, n.EndsAt} {
		if t.After(b.At) && (b.ChangesAt.IsZero() || t.Before(b.ChangesAt)) {
			b.ChangesAt = t
		}
	}
}

// UnscopedStatusOver returns what the page told of that ended within the last StatusDays days, newest first.
// Errors: trouble of the database only.
func (s *Store) UnscopedStatusOver(ctx context.Context, p StatusPage) ([]StatusNotice, error) {
	monitors, err := s.shownTargets(ctx, p)
	if err != nil {
		return nil, err
	}
	now := s.clock()
	list, err := s.statusNotices(ctx, p, monitors, now.AddDate(0, 0, -StatusDays), time.Time{}, now)
	if err != nil {
		return nil, err
	}
	notices := []StatusNotice{}
	for _, n := range list {
		if n.over(now) {
			notices = append(notices, n.StatusNotice)
		}
	}
	return notices, nil
}

// shownTargets are the page's monitors by the names that visitors read.
func (s *Store) shownTargets(ctx context.Context, p StatusPage) ([]StatusTarget, error) {
	rows, err := s.statusMonitors(ctx, p)
	monitors := make([]StatusTarget, len(rows))
	for i, m := range rows {
		monitors[i] = StatusTarget{ID: m.ID, Name: m.component(p).Name}
	}
	return monitors, err
}

// UnscopedStatusMonth returns what the page told of a month of its time zone, newest first: what began or ended in it, or lasted all
// through it. Nothing is told of what is to come but maintenance. Errors: trouble of the database only.
func (s *Store) UnscopedStatusMonth(ctx context.Context, p StatusPage, year int, month time.Month) ([]StatusNotice, error) {
	monitors, err := s.shownTargets(ctx, p)
	if err != nil {
		return nil, err
	}
	now := s.clock()
	from := time.Date(year, month, 1, 0, 0, 0, 0, p.Zone())
	list, err := s.statusNotices(ctx, p, monitors, from, from.AddDate(0, 1, 0), now)
	if err != nil {
		return nil, err
	}
	notices := []StatusNotice{}
	for _, n := range list {
		if n.Kind == KindAnnouncement && (n.StartsAt.After(now) || n.StartsAt.Before(from) && n.EndsAt.IsZero()) {
			continue
		}
		if n.EndsAt.IsZero() && from.After(now) { // nobody knows that it will be open then
			continue
		}
		notices = append(notices, n.StatusNotice)
	}
	return notices, nil
}

// statusNotices reads all that the page tells of a time, newest first. to is zero where the future is told too.
func (s *Store) statusNotices(ctx context.Context, p StatusPage, monitors []StatusTarget, from, to, now time.Time) ([]notice, error) {
	parts, err := s.noticeParts(ctx, p, monitors, from, to)
	if err != nil {
		return nil, err
	}
	measured, order := map[int64][]noticePart{}, []int64{}
	for _, part := range parts {
		if measured[part.IncidentID] == nil {
			order = append(order, part.IncidentID)
		}
		measured[part.IncidentID] = append(measured[part.IncidentID], part)
	}
	posts, err := s.noticePosts(ctx, p, order, from, to)
	if err != nil {
		return nil, err
	}
	var list []notice
	for i := range posts {
		posts[i].parts = measured[posts[i].incident]
		delete(measured, posts[i].incident)
		posts[i].settle(now)
	}
	work := workOf(posts, now)
	list = append(list, posts...)
	for _, id := range order {
		if parts := measured[id]; len(parts) > 0 && p.publishes(parts[0].Type) {
			n := notice{StatusNotice: StatusNotice{ID: p.ComponentID(parts[0].PublicID), Kind: KindIncident, Measured: true}, incident: id, parts: notWorkedOn(parts, work, now)}
			if len(n.parts) > 0 {
				n.settle(now)
				list = append(list, n)
			}
		}
	}
	list = slices.DeleteFunc(list, func(n notice) bool {
		return n.hidden || !n.EndsAt.IsZero() && !n.EndsAt.After(from) || !to.IsZero() && !n.StartsAt.Before(to)
	})
	slices.SortStableFunc(list, func(a, b notice) int { return b.StartsAt.Compare(a.StartsAt) })
	for i := range list {
		for _, m := range monitors {
			if slices.Contains(list[i].monitors, m.ID) {
				list[i].Components = append(list[i].Components, m.Name)
			}
		}
	}
	return list, nil
}

// publishes tells whether the page shows measured incidents of the type by itself.
func (p StatusPage) publishes(t IncidentType) bool {
	switch t {
	case IncidentDowntime:
		return p.Publish == PublishDown || p.Publish == PublishAll
	case IncidentDegraded:
		return p.Publish == PublishAll
	default:
		return false
	}
}

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
	types := []IncidentType{IncidentNone}
	for _, t := range []IncidentType{IncidentDowntime, IncidentDegraded} {
		if p.publishes(t) {
			types = append(types, t)
		}
	}
	// One statement each for what is open and for what has ended: together, by OR, no index would help.
	var parts []noticePart
	for _, ended := range []bool{false, true} {
		var some []noticePart
		q := s.ro.NewSelect().TableExpr("incident_monitors AS im").ColumnExpr("im.incident_id, im.monitor_id, i.public_id, i.type, im.started_at, im.ended_at").
			Join("JOIN incidents AS i ON i.id = im.incident_id").
			Where("im.organization_id = ? AND im.monitor_id IN (?) AND i.type <> ?", p.OrganizationID, bun.List(ids), IncidentBlind).
			Where("(i.type IN (?) OR i.id IN (SELECT incident_id FROM status_posts WHERE page_id = ? AND incident_id IS NOT NULL))", bun.List(types), p.ID).
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
