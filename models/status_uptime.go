package models

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// LastDays is the component's uptime of its last n days, today's begun one included, as the page's bar shows them.
func (c StatusComponent) LastDays(n int) Uptime {
	if n >= StatusDays {
		return c.Uptime
	}
	days := c.Days[max(0, len(c.Days)-n):]
	u := Uptime{Excluded: c.Uptime.Excluded}
	if len(days) == 0 {
		return u
	}
	u.From, u.To = days[0].Start, days[len(days)-1].Start.Add(days[len(days)-1].Length)
	if begun := c.Uptime.From; begun.After(u.From) {
		u.From = begun // the monitor was made within them
	}
	for _, d := range days {
		u.Up += d.Up
		u.Degraded += d.Degraded
		u.Down += d.Down
		u.Unknown += d.Unknown
		u.Maintenance += d.Maintenance
	}
	return u
}

// Silent is true where nobody measures any more: the newest check of all is older than three of the shortest intervals and a minute.
// What the components' states say is then of the past.
func (b StatusBoard) Silent(now time.Time) bool {
	return !b.Measured.IsZero() && now.Sub(b.Measured) > 3*b.Interval+time.Minute
}

// Component finds a component by the id that visitors know it by.
func (b StatusBoard) Component(id uuid.UUID) (StatusComponent, bool) {
	for _, g := range b.Groups {
		for _, c := range g.Components {
			if c.ID == id {
				return c, true
			}
		}
	}
	return StatusComponent{}, false
}

// UnscopedStatusLastDay returns the uptime of the last 24 hours of the page's components, by the ids that visitors know. It is made
// of roll-ups, which end an hour or two ago, and of the state since then for as long as it has been the same: what changed within the
// time that is not rolled up yet is left out, not guessed. Two queries, however many components. Errors: trouble of the database only.
func (s *Store) UnscopedStatusLastDay(ctx context.Context, p StatusPage) (map[uuid.UUID]Uptime, error) {
	monitors, err := s.statusMonitors(ctx, p)
	if err != nil || len(monitors) == 0 {
		return nil, err
	}
	ids := make([]int64, len(monitors))
	for i, m := range monitors {
		ids[i] = m.ID
	}
	var known []struct {
		ID, RolledUntil int64
		CreatedAt       time.Time
	}
	if err := s.ro.NewSelect().TableExpr("monitors AS m").ColumnExpr("m.id, m.created_at, s.rolled_until").Join("JOIN monitor_states AS s ON s.monitor_id = m.id").
		Where("m.id IN (?)", bun.List(ids)).OrderExpr("m.id").Scan(ctx, &known); err != nil {
		return nil, fmt.Errorf("reading how far a status page's monitors are rolled up: %w", err)
	}
	now := s.clock()
	from := now.Add(-24 * time.Hour).UnixMilli()
	windows, sums := make(map[int64]uptimeWindow, len(known)), make(map[int64]*tally, len(known))
	var packs []int64
	for _, m := range known {
		w := uptimeWindow{first: floorTo(from, level5m.step()), rolled: floorTo(m.RolledUntil, hourMillis)}
		w.to = min(floorTo(now.UnixMilli(), hourMillis), w.rolled)
		w.last, w.from = w.to, max(w.first, m.CreatedAt.UnixMilli())
		windows[m.ID], sums[m.ID] = w, new(tally)
		if w.from < w.to {
			packs = w.ids(packs, m.ID)
		}
	}
	if err := s.addPacks(ctx, packs, windows, false, func(monitor int64, t *tally) { sums[monitor].addTimes(t) }); err != nil {
		return nil, err
	}
	out := make(map[uuid.UUID]Uptime, len(monitors))
	for _, m := range monitors {
		sum, w := sums[m.ID], windows[m.ID]
		if sum == nil {
			continue // deleted meanwhile
		}
		since, until := max(m.Since.UnixMilli(), w.to, from), min(now.UnixMilli(), m.LastCheckedAt.UnixMilli()+int64(m.IntervalSeconds)*1500)
		if until > since {
			sum.spend(m.State, m.Status == StatusMaintenance, until-since)
		}
		out[p.ComponentID(m.PublicID)] = sum.uptime(min(w.from, now.UnixMilli()), now.UnixMilli(), true)
	}
	return out, nil
}
