package models

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// NoteBlind is what the prober's notice of its blindness does to incidents.
func (s *Store) NoteBlind(ctx context.Context, since time.Time, silent []string, over bool) error {
	at := s.clock()
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return s.blindIncidents(ctx, tx, LocationID, since, silent, over)
	})
	if err != nil {
		return err
	}
	return s.publishBlind(ctx, LocationID, at)
}
