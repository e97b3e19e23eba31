package models

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// resultRow is a Result as it is stored.
type resultRow struct {
	bun.BaseModel    `bun:"table:results,alias:r"`
	MonitorID        int64 `bun:",pk"`
	Slot             int64 `bun:",pk"`
	LocationID       int64 `bun:",pk"`
	Kind             Kind
	Rev              int64
	StartedUs        int64
	Outcome          Outcome
	Cause            Cause
	CauseSource      string
	CauseMTU         int
	Sent, Received   int
	Duplicates, Late int
	ReplyTTL         int
	Address          string
	Packets          []byte
}

func newResultRow(r Result) resultRow {
	row := resultRow{MonitorID: r.Monitor, Slot: r.Slot, LocationID: r.Location, Kind: r.Kind, Rev: r.Rev, StartedUs: r.StartedOffset.Microseconds(),
		Outcome: r.Outcome, Cause: r.Cause, CauseMTU: r.CauseMTU, Sent: r.Sent, Received: r.Received, Duplicates: r.Duplicates, Late: r.Late, ReplyTTL: r.ReplyTTL,
		Packets: packBytes(r.Packets)}
	if r.Address.IsValid() {
		row.Address = r.Address.String()
	}
	if r.CauseSource.IsValid() {
		row.CauseSource = r.CauseSource.String()
	}
	return row
}

func (row resultRow) result() Result {
	r := Result{Monitor: row.MonitorID, Rev: row.Rev, Slot: row.Slot, Kind: row.Kind, Location: row.LocationID,
		StartedOffset: time.Duration(row.StartedUs) * time.Microsecond, Outcome: row.Outcome, Cause: row.Cause, CauseMTU: row.CauseMTU, Sent: row.Sent, Received: row.Received,
		Duplicates: row.Duplicates, Late: row.Late, ReplyTTL: row.ReplyTTL, Packets: unpackBytes(row.Packets)}
	r.Address, _ = netip.ParseAddr(row.Address)
	r.CauseSource, _ = netip.ParseAddr(row.CauseSource)
	return r
}

// CheckHistory returns the monitor's checks that began before the time (zero = the newest), newest first. Errors:
// ErrForbidden, *NotFound.
func (s *Store) CheckHistory(ctx context.Context, by Actor, id uuid.UUID, before time.Time, limit int) ([]Result, error) {
	m, err := s.Monitor(ctx, by, id)
	if err != nil {
		return nil, err
	}
	var rows []resultRow
	q := s.ro.NewSelect().Model(&rows).Where("r.monitor_id = ?", m.ID).OrderExpr("r.slot DESC, r.location_id DESC").Limit(int64(limit))
	if !before.IsZero() {
		// What is shown of a check, and so what a client pages on with, is its start; that is never before its slot. The
		// first condition is for the index.
		q = q.Where("r.slot < ?", before.Add(time.Millisecond).UnixMilli()).Where("r.slot * 1000 + r.started_us < ?", before.UnixMicro())
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading checks: %w", err)
	}
	results := make([]Result, len(rows))
	for i, row := range rows {
		results[i] = row.result()
	}
	return results, nil
}
