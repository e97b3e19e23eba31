package probe

import (
	"context"
	"time"

	"echolot/models"
)

// How much of the time the chores below may take at most, and at a time: probing, and whoever else writes, comes first.
const (
	choreShare = 5 // a fifth
	chorePause = 20 * time.Millisecond
	choreTime  = 20 * time.Second
)

// steps does a chore in small steps while there are more, with pauses four times as long as a step, and for a while only, so that
// the other chores have their turn.
func steps(ctx context.Context, step func(context.Context) (more bool, err error)) error {
	for end := time.Now().Add(choreTime); ctx.Err() == nil && time.Now().Before(end); {
		begun := time.Now()
		more, err := step(ctx)
		if err != nil || !more {
			return err
		}
		sleep(ctx, max(chorePause, (choreShare-1)*time.Since(begun)))
	}
	return nil
}

// rollUp rolls up what is due.
func rollUp(ctx context.Context, store *models.Store) error {
	return steps(ctx, store.RollUp)
}

// retention deletes old results and roll-ups, a walk through all monitors an hour, and gives space back.
type retention struct {
	store *models.Store
	keep  models.Retention
	// results and rollUps are where their walks are; due is when the next one begins.
	results, rollUps walk
}

// walk goes through all monitors by their ids, once in a while.
type walk struct {
	every time.Duration
	due   time.Time
	after int64
	begun bool
}

// step takes a step where the walk is due or under way.
func (w *walk) step(ctx context.Context, step func(ctx context.Context, after int64) (next int64, more bool, err error)) (more bool, err error) {
	if !w.begun && time.Now().Before(w.due) {
		return false, nil
	}
	if w.after, w.begun, err = step(ctx, w.after); err != nil {
		return false, err
	}
	if !w.begun {
		w.after, w.due = 0, time.Now().Add(w.every)
	}
	return w.begun, nil
}

func newRetention(store *models.Store, keep models.Retention) *retention {
	return &retention{store: store, keep: keep, results: walk{every: time.Hour}, rollUps: walk{every: 6 * time.Hour}}
}

func (r *retention) do(ctx context.Context) error {
	return steps(ctx, func(ctx context.Context) (bool, error) {
		more, err := r.results.step(ctx, func(ctx context.Context, after int64) (int64, bool, error) {
			return r.store.SweepResults(ctx, r.keep, after)
		})
		if more || err != nil {
			return more, err
		}
		if more, err = r.rollUps.step(ctx, r.store.SweepRollUps); more || err != nil {
			return more, err
		}
		return r.store.GiveBack(ctx)
	})
}
