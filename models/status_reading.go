package models

import "context"

// UnscopedStatusPageByID returns a page by its internal id, published or not: what is kept in memory of a page outlives its slug.
// Errors: *NotFound.
func (s *Store) UnscopedStatusPageByID(ctx context.Context, id int64) (StatusPage, error) {
	return s.unscopedStatusPage(ctx, s.ro.NewSelect().Where("sp.id = ?", id))
}

// MonitorIDs are the internal ids of the monitors shown, which no visitor is told: events name monitors by them.
func (b StatusBoard) MonitorIDs() []int64 {
	var ids []int64
	for _, g := range b.Groups {
		for _, c := range g.Components {
			ids = append(ids, c.monitor)
		}
	}
	return ids
}
