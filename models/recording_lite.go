package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/uptrace/bun"
)

// liteStatements are the recorder's on SQLite, compiled once: parsing and compiling bulk inserts took a seventh of its time.
type liteStatements struct {
	mu             sync.Mutex
	insert, update *sql.Stmt
}

const (
	liteInsert = "INSERT INTO results (" + resultColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
	liteUpdate = `UPDATE monitor_states SET state = ?, since = ?, measured = ?, rank = ?, failures = ?, successes = ?, unknown_in_row = ?, cause = ?,
		cause_source = ?, cause_mtu = ?, last_slot = ?, last_checked_at = ?, last_outcome = ?, last_sent = ?, last_received = ?, last_rtt = ?, address = ?, reply_ttl = ?,
		recent = ?, degraded_in_row = ?, trouble_since = ?, window_checks = ?, flips = ?, flapping_since = ?, incident_id = ?, incident_type = ?,
		passes = ?, failing_since = ?, reason = ?
		WHERE monitor_id = ? AND location_id = ?`
)

// prepare compiles the statements at the first call. It must come before the transaction, which holds the one connection.
func (l *liteStatements) prepare(ctx context.Context, db *bun.DB) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.update != nil {
		return nil
	}
	insert, err := db.DB.PrepareContext(ctx, liteInsert)
	if err != nil {
		return err
	}
	update, err := db.DB.PrepareContext(ctx, liteUpdate)
	if err != nil {
		return errors.Join(err, insert.Close())
	}
	l.insert, l.update = insert, update
	return nil
}

// close frees what prepare made.
func (l *liteStatements) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.update == nil {
		return nil
	}
	return errors.Join(l.insert.Close(), l.update.Close())
}

// recordLite is RecordResults on SQLite, where the transaction holds off every other writer.
func (s *Store) recordLite(ctx context.Context, results []Result, judge JudgeFunc) ([]Recorded, error) {
	if err := s.lite.prepare(ctx, s.db); err != nil {
		return nil, fmt.Errorf("preparing to record: %w", err)
	}
	var out judged
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		rows, err := s.readToJudge(ctx, tx, monitorIDs(results))
		if err != nil {
			return err
		}
		out = s.judgeAll(rows, results, judge)
		insert, update := tx.StmtContext(ctx, s.lite.insert), tx.StmtContext(ctx, s.lite.update)
		for i := range out.recorded {
			r := newResultRow(&out.recorded[i])
			if _, err := insert.ExecContext(ctx, r.MonitorID, r.Slot, r.LocationID, int64(r.Code), r.IntervalSeconds, r.StartedUs, r.Address, r.Packets,
				sql.NullString{String: r.Details, Valid: r.Details != ""}); err != nil {
				return fmt.Errorf("inserting results: %w", err)
			}
		}
		if err := s.keepIncidents(ctx, tx, &out); err != nil {
			return err
		}
		for i := range out.states {
			st := &out.states[i]
			if _, err := update.ExecContext(ctx, string(st.State), liteTime(st.Since), string(st.Measured), st.Rank, st.Failures, st.Successes, st.UnknownInRow,
				string(st.Cause), st.CauseSource, st.CauseMTU, st.LastSlot, liteTime(st.LastCheckedAt), string(st.LastOutcome), st.LastSent, st.LastReceived, st.LastRTT,
				st.Address, st.ReplyTTL, st.Recent, st.DegradedInRow, liteTime(st.TroubleSince), st.WindowChecks, st.Flips, liteTime(st.FlappingSince),
				st.IncidentID, string(st.IncidentType), st.Passes, liteTime(st.FailingSince), st.Reason, st.MonitorID, st.LocationID); err != nil {
				return fmt.Errorf("updating the states: %w", err)
			}
		}
		return rollAgain(ctx, tx, out.late)
	})
	if err != nil {
		return nil, err
	}
	return out.recorded, nil
}

// liteTime is the time as bun writes it to SQLite, which compares times as text; NULL where it is zero.
func liteTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02 15:04:05.999999-07:00")
}
