package models

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// Rolling is what benchmarks write roll-ups with, without the results that they would be made of.
type Rolling struct {
	s     *Store
	packs []rollupRow
}

// NewRolling returns a writer of roll-ups.
func (s *Store) NewRolling() *Rolling { return &Rolling{s: s} }

// Roll rolls up a monitor's results of the full hours of the range, until Flush in memory.
func (r *Rolling) Roll(ctx context.Context, checks []Recorded, from, until time.Time) error {
	rows := make([]resultRow, len(checks))
	for i := range checks {
		rows[i] = newResultRow(&checks[i])
	}
	packs, err := r.s.rollRows(ctx, rows[0].MonitorID, rows, from.UnixMilli(), until.UnixMilli())
	r.packs = append(r.packs, packs...)
	return err
}

// Flush stores them.
func (r *Rolling) Flush(ctx context.Context) error {
	err := r.s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error { return savePacks(ctx, tx, r.packs) })
	r.packs = r.packs[:0]
	return err
}

// RollUpBeside is RollUp beside somebody who writes between its reading and its writing.
func (s *Store) RollUpBeside(ctx context.Context, write func()) error {
	done, _, err := s.computeRolled(ctx)
	if err != nil {
		return err
	}
	write()
	return s.saveRolled(ctx, done)
}

// ForgetPasts empties what is in memory of the pasts of status pages.
func (s *Store) ForgetPasts() { s.pasts = statusPasts{} }
