package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
	"golang.org/x/text/cases"
)

// The bounds of a place's texts, in characters.
const (
	maxGroupName   = 80
	maxDisplayName = 120
	// mostFound is how many monitors a search for some to pick shows.
	mostFound = 50
)

// StatusPlace is a monitor as the layout of a page has it.
type StatusPlace struct {
	PublicID uuid.UUID `bun:"type:uuid"`
	// Name, Hostname and CustomerName are the monitor's own.
	Name, Hostname, CustomerName string
	// Own is true for a monitor of the page's customer.
	Own bool
	// Placed is true where the page has a place for it; else it stands behind those that have one, or is not on the page.
	Placed                 bool
	GroupName, DisplayName string
	Hidden                 bool
}

// Shown tells whether visitors of a page see the monitor; all is the page's AllMonitors.
func (p StatusPlace) Shown(all bool) bool { return !p.Hidden && (p.Placed || all && p.Own) }

// statusPlaceInput is a place as it was sent.
type statusPlaceInput struct {
	monitor                uuid.UUID
	groupName, displayName string
	hidden                 bool
}

// places reads the places of monitors in their order; null is none.
func (r reader) places(key string) []statusPlaceInput {
	var list []json.RawMessage
	if !r.read(key, "an array of objects, or null", false, &list) {
		return nil
	}
	if len(list) > mostStatusMonitors {
		r.e.add(key, fmt.Sprintf("%s must have at most %d items", key, mostStatusMonitors), fmt.Sprintf("A page shows at most %d monitors", mostStatusMonitors))
		return nil
	}
	out := make([]statusPlaceInput, 0, len(list))
	seen := make(map[uuid.UUID]bool, len(list))
	for i, raw := range list {
		prefix := fmt.Sprintf("%s.%d", key, i)
		fields, err := ParseFields(raw)
		if err != nil {
			r.e.add(prefix, prefix+" must be an object", "Must be an object")
			continue
		}
		in := reader{Fields: fields, e: r.e, prefix: prefix + "."}
		var p statusPlaceInput
		id, _ := in.text("monitorId", true)
		if p.monitor, err = ParsePublicID(id); err != nil {
			r.e.add(prefix+".monitorId", "ICMP monitor public ID (UUID) required", "")
		} else if seen[p.monitor] {
			r.e.add(prefix+".monitorId", prefix+".monitorId is there twice", "Each monitor has one place")
		}
		seen[p.monitor] = true
		if v, ok := in.text("groupName", false); ok {
			p.groupName = in.line("groupName", v, maxGroupName, false)
		}
		if v, ok := in.text("displayName", false); ok {
			p.displayName = in.line("displayName", v, maxDisplayName, false)
		}
		in.setFlag("hidden", &p.hidden)
		out = append(out, p)
	}
	return together(out)
}

// GroupKey is the same for names that people take for one, "Core net" and "core  net", whichever of them is first on a page. All that has
// no group is one too.
func GroupKey(name string) string {
	return cases.Fold().String(strings.Join(strings.Fields(name), " "))
}

// together moves the places of a group behind the group's first one, whose spelling they get.
func together(places []statusPlaceInput) []statusPlaceInput {
	var groups []string
	of := map[string][]statusPlaceInput{}
	for _, p := range places {
		key := GroupKey(p.groupName)
		if of[key] == nil {
			groups = append(groups, key)
		} else {
			p.groupName = of[key][0].groupName
		}
		of[key] = append(of[key], p)
	}
	out := make([]statusPlaceInput, 0, len(places))
	for _, g := range groups {
		out = append(out, of[g]...)
	}
	return out
}

// StatusPlaces are the places of a page's monitors that the actor sees, in order. Errors: ErrForbidden.
func (s *Store) StatusPlaces(ctx context.Context, by Actor, p StatusPage) ([]StatusPlace, error) {
	if err := by.check(MayRead); err != nil {
		return nil, err
	}
	return s.statusPlaces(ctx, by, p, "spm.page_id IS NOT NULL")
}

// StatusLayout are the places of a page's monitors in order, then its customer's other monitors, then at most 50 more of the
// organization that the search finds in name, host or customer, where it is not empty. The actor sees all of them. Errors: ErrForbidden.
func (s *Store) StatusLayout(ctx context.Context, by Actor, p StatusPage, search string) ([]StatusPlace, error) {
	if err := by.check(MayRead); err != nil {
		return nil, err
	}
	rows, err := s.statusPlaces(ctx, by, p, "(spm.page_id IS NOT NULL OR m.customer_id = ?)", p.CustomerID)
	if err != nil || strings.TrimSpace(search) == "" || strings.ContainsAny(search, "\n\x00") {
		return rows, err
	}
	pattern := likePattern(strings.TrimSpace(search))
	found, err := s.statusPlaces(ctx, by, p, `(spm.page_id IS NULL AND m.customer_id <> ? AND (m.search LIKE ? ESCAPE '\' OR c.search LIKE ? ESCAPE '\'))`, p.CustomerID, pattern, pattern)
	return append(rows, found[:min(len(found), mostFound)]...), err
}

func (s *Store) statusPlaces(ctx context.Context, by Actor, p StatusPage, which string, args ...any) ([]StatusPlace, error) {
	rows := []StatusPlace{}
	q := s.ro.NewSelect().TableExpr("monitors AS m").
		ColumnExpr("m.public_id, m.name, m.hostname_typed AS hostname, c.name AS customer_name, m.customer_id = ? AS own", p.CustomerID).
		ColumnExpr("spm.page_id IS NOT NULL AS placed, coalesce(spm.group_name, '') AS group_name").
		ColumnExpr("coalesce(spm.display_name, '') AS display_name, coalesce(spm.hidden, FALSE) AS hidden").
		Join("JOIN customers AS c ON c.id = m.customer_id").
		Join("LEFT JOIN status_page_monitors AS spm ON spm.monitor_id = m.id AND spm.page_id = ?", p.ID).
		Where("m.organization_id = ?", by.OrganizationID).Where(which, args...).
		OrderExpr("spm.position IS NULL, spm.position, m.search, m.id").Limit(mostStatusMonitors)
	if err := visible(q, by).Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("reading a status page's layout: %w", err)
	}
	countedOrder(rows, p.Language, func(place StatusPlace) bool { return place.Placed }, func(place StatusPlace) string { return place.Name })
	return rows, nil
}

// savePlaces puts new places in the place of the old ones. Errors: *NotFound for a monitor that the actor does not see.
func (s *Store) savePlaces(ctx context.Context, tx bun.Tx, by Actor, p StatusPage, places []statusPlaceInput) error {
	if _, err := tx.NewDelete().TableExpr("status_page_monitors").Where("page_id = ?", p.ID).Exec(ctx); err != nil {
		return fmt.Errorf("clearing a status page's layout: %w", err)
	}
	if len(places) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(places))
	for i, place := range places {
		ids[i] = place.monitor
	}
	var found []struct {
		ID       int64
		PublicID uuid.UUID `bun:"type:uuid"`
	}
	q := tx.NewSelect().TableExpr("monitors AS m").ColumnExpr("m.id, m.public_id").Join("JOIN customers AS c ON c.id = m.customer_id").
		Where("m.organization_id = ? AND m.public_id IN (?)", by.OrganizationID, bun.List(ids))
	if err := visible(q, by).Scan(ctx, &found); err != nil {
		return fmt.Errorf("reading the monitors to place: %w", err)
	}
	number := make(map[uuid.UUID]int64, len(found))
	for _, m := range found {
		number[m.PublicID] = m.ID
	}
	rows := make([]StatusPageMonitor, len(places))
	for i, place := range places {
		id, ok := number[place.monitor]
		if !ok {
			return errNoMonitor()
		}
		rows[i] = StatusPageMonitor{PageID: p.ID, MonitorID: id, OrganizationID: p.OrganizationID, GroupName: place.groupName,
			DisplayName: place.displayName, Hidden: place.hidden, Position: i + 1}
	}
	if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
		if isOrphan(err) { // deleted since it was read
			return errors.Join(errNoMonitor(), err)
		}
		return fmt.Errorf("placing monitors on a status page: %w", err)
	}
	return nil
}
