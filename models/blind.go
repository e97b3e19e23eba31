package models

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// Blindness is a time in which a location could not see: its sentinels were silent, so that what failed there says nothing of
// the targets.
type Blindness struct {
	// Since is when the first request was sent that the sentinels did not answer.
	Since time.Time `json:"since"`
	// Gateway is the gateway that is silent; invalid where none is, or not it alone.
	Gateway netip.Addr `json:"gateway,omitzero"`
	// Silent says who is silent, each like "gateway 10.99.0.1" or "no default route".
	Silent []string `json:"silent"`
}

// String says who is silent: "gateway 10.99.0.1 is silent".
func (b Blindness) String() string {
	if len(b.Silent) == 0 {
		return "the sentinels are silent"
	}
	words := make([]string, len(b.Silent))
	for i, who := range b.Silent {
		words[i] = who
		if !strings.HasPrefix(who, "no ") {
			words[i] += " is silent"
		}
	}
	return strings.Join(words, ", ")
}

// SetBlind notes that a location can not measure since then, in its heartbeat at once, and opens the incidents that say so. It may
// be called again.
func (s *Store) SetBlind(ctx context.Context, locationID int64, since time.Time, silent []string) error {
	return s.noteBlind(ctx, locationID, since, silent, false)
}

// ClearBlind notes that a location measures again, and closes those incidents. It does nothing where the location was not blind.
func (s *Store) ClearBlind(ctx context.Context, locationID int64) error {
	return s.noteBlind(ctx, locationID, s.clock(), nil, true)
}

func (s *Store) noteBlind(ctx context.Context, locationID int64, since time.Time, silent []string, over bool) error {
	began := s.clock()
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewUpdate().TableExpr("prober_heartbeats").Set("blind = ?", !over).Where("location_id = ?", locationID).Exec(ctx)
		if err != nil {
			return err
		}
		return s.blindIncidents(ctx, tx, locationID, since.UTC(), silent, over)
	})
	if err != nil {
		return fmt.Errorf("noting whether the prober is blind: %w", err)
	}
	return s.publishBlind(ctx, locationID, began)
}
