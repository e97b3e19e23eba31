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
	// alone is true where of several processes on one database only the one that probes does it.
	alone bool
}

// Sweeper does what has to be done from time to time: deleted monitors' results, expired sessions, cancelled customers, the
// coming days' partitions, roll-ups, results that are too old, and the domains of status pages.
type Sweeper struct {
	chores  []chore
	standby func() bool
	log     *slog.Logger
}

// NewSweeper returns a sweeper that does nothing before Run. keep says how much of the raw results stays; standby tells whether
// another process probes, and so does what one alone is to do; txt looks up records of domains.
func NewSweeper(store *models.Store, keep models.Retention, standby func() bool, txt models.LookupTXT, log *slog.Logger) *Sweeper {
	return &Sweeper{standby: standby, log: log, chores: []chore{
		{name: "sweep_deleted", every: 10 * time.Second, do: func(ctx context.Context) error { return sweepDeleted(ctx, store) }},
		{name: "sweep_expired", every: 10 * time.Minute, do: store.SweepExpired},
		{name: "cancel_customers", every: time.Minute, do: store.CancelDue},
		{name: "prepare_days", every: time.Hour, do: store.PrepareDays},
		{name: "roll_up", every: 10 * time.Second, do: func(ctx context.Context) error { return rollUp(ctx, store) }, alone: true},
		{name: "retention", every: 10 * time.Second, do: newRetention(store, keep).do, alone: true},
		{name: "check_domains", every: time.Minute, do: func(ctx context.Context) error { return store.CheckStatusDomains(ctx, txt) }, alone: true},
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
			if time.Now().Before(due[i]) || c.alone && s.standby() {
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
