package probe

import (
	"context"
	"log/slog"
	"time"

	"echolot/models"
)

// chore is periodic work: its name, what it does, and how long it rests in between.
type chore struct {
	name  string
	every time.Duration
	do    func(context.Context) error
}

// Sweeper does what has to be done from time to time: deleted monitors' results, expired sessions, cancelled customers, the
// coming days' partitions.
type Sweeper struct {
	chores []chore
	log    *slog.Logger
}

// NewSweeper returns a sweeper that does nothing before Run.
func NewSweeper(store *models.Store, log *slog.Logger) *Sweeper {
	return &Sweeper{log: log, chores: []chore{
		{"sweep_deleted", 10 * time.Second, func(ctx context.Context) error { return sweepDeleted(ctx, store) }},
		{"sweep_expired", 10 * time.Minute, store.SweepExpired},
		{"cancel_customers", time.Minute, store.CancelDue},
		{"prepare_days", time.Hour, store.PrepareDays},
	}}
}

// sweepDeleted goes on in small steps, with the writer free for others between two of them.
func sweepDeleted(ctx context.Context, store *models.Store) error {
	for ctx.Err() == nil {
		more, err := store.SweepDeleted(ctx)
		if err != nil || !more {
			return err
		}
		sleep(ctx, 20*time.Millisecond)
	}
	return nil
}

// Run does the chores, one after the other, until ctx ends. A chore that fails is tried again at its next time.
func (s *Sweeper) Run(ctx context.Context) {
	due := make([]time.Time, len(s.chores))
	for ctx.Err() == nil {
		for i, c := range s.chores {
			if time.Now().Before(due[i]) {
				continue
			}
			if err := c.do(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("periodic work failed", "chore", c.name, "error", err)
			}
			due[i] = time.Now().Add(c.every)
		}
		sleep(ctx, 5*time.Second)
	}
}
