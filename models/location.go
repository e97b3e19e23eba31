package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// LocationID is the id of the one location there is today.
const LocationID = 1

// Location is a place that checks are made from.
type Location struct {
	bun.BaseModel `bun:"table:locations,alias:l"`
	ID            int64     `bun:",pk"`
	PublicID      uuid.UUID `bun:"type:uuid"`
	Code          string
	Name          string
	// Country is an ISO 3166-1 alpha-2 code, or empty: then checks for any country run here.
	Country   string
	CreatedAt time.Time
}

// Location returns the place that checks are made from.
func (s *Store) Location(ctx context.Context) (Location, error) {
	var l Location
	err := s.ro.NewSelect().Model(&l).Where("id = ?", LocationID).Scan(ctx)
	return l, err
}
