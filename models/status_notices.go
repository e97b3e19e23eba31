package models

import (
	"cmp"
	"context"
	"slices"
	"time"
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
