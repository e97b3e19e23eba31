package models

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/driver/pgdriver"
)

// copyResults and copyStates are where a batch is copied to: the results to their table, the states to one of the connection's
// own, which the real one is updated from. Parsing the same as VALUES costs the server more than the rest of the work.
const (
	copyResults = "COPY results (" + resultColumns + ") FROM STDIN"
	judgedTable = `CREATE TEMP TABLE IF NOT EXISTS judged (monitor_id BIGINT, location_id BIGINT, state TEXT, since TIMESTAMPTZ, measured TEXT, rank BIGINT,
		failures BIGINT, successes BIGINT, unknown_in_row BIGINT, cause TEXT, cause_source TEXT, cause_mtu BIGINT, last_slot BIGINT, last_checked_at TIMESTAMPTZ,
		last_outcome TEXT, last_sent BIGINT, last_received BIGINT, last_rtt BIGINT, address TEXT, reply_ttl BIGINT, recent BYTEA, degraded_in_row BIGINT, trouble_since TIMESTAMPTZ,
		window_checks BYTEA, flips BYTEA, flapping_since TIMESTAMPTZ, incident_id BIGINT, incident_type TEXT,
		passes BIGINT, failing_since TIMESTAMPTZ, reason TEXT) ON COMMIT DELETE ROWS`
	copyStates   = "COPY judged FROM STDIN"
	updateStates = `UPDATE monitor_states AS s SET state = j.state, since = j.since, measured = j.measured, rank = j.rank, failures = j.failures,
		successes = j.successes, unknown_in_row = j.unknown_in_row, cause = j.cause, cause_source = j.cause_source, cause_mtu = j.cause_mtu, last_slot = j.last_slot,
		last_checked_at = j.last_checked_at, last_outcome = j.last_outcome, last_sent = j.last_sent, last_received = j.last_received,
		last_rtt = j.last_rtt, address = j.address, reply_ttl = j.reply_ttl, recent = j.recent,
		degraded_in_row = j.degraded_in_row, trouble_since = j.trouble_since, window_checks = j.window_checks, flips = j.flips, flapping_since = j.flapping_since, incident_id = j.incident_id, incident_type = j.incident_type,
		passes = j.passes, failing_since = j.failing_since, reason = j.reason
		FROM judged AS j WHERE s.monitor_id = j.monitor_id AND s.location_id = j.location_id`
)

// beginByKey begins a transaction whose joins go by the rows' keys. The planner knows nothing of the rows just copied, and for
// a hundred of them read through all states: 290 µs of the server's time a result, instead of 30.
const beginByKey = "BEGIN; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"

// recordPostgres is RecordResults on Postgres.
func (s *Store) recordPostgres(ctx context.Context, results []Result, judge JudgeFunc) ([]Recorded, error) {
	if err := s.makeDays(ctx, results); err != nil {
		return nil, err
	}
	recorded, err := s.copyRecorded(ctx, results, judge, false)
	switch {
	case isDuplicate(err):
		// Who records a batch again has its slots judged already; only after a clock was set back can a slot come twice.
		return s.copyRecorded(ctx, results, judge, true)
	case isNoPartition(err):
		// Somebody dropped a day that we know.
		s.days.forget()
		if err := s.makeDays(ctx, results); err != nil {
			return nil, err
		}
		return s.copyRecorded(ctx, results, judge, false)
	}
	return recorded, err
}

// copyRecorded judges and stores a batch in one transaction. With again, results that are there already are left alone.
func (s *Store) copyRecorded(ctx context.Context, results []Result, judge JudgeFunc, again bool) ([]Recorded, error) {
	var out judged
	err := s.onConn(ctx, func(conn bun.Conn) error {
		ids := monitorIDs(results)
		// Whoever would change, delete or judge these monitors waits: an instance that has just lost the right to probe may
		// still store what it measured. What is read afterwards, by a statement of its own, is what those before us left.
		if _, err := conn.ExecContext(ctx, "SELECT 1 FROM monitor_states WHERE location_id = ? AND monitor_id IN (?) ORDER BY monitor_id FOR NO KEY UPDATE",
			LocationID, bun.List(ids)); err != nil {
			return fmt.Errorf("locking the states: %w", err)
		}
		rows, err := s.readToJudge(ctx, conn, ids)
		if err != nil {
			return err
		}
		out = s.judgeAll(rows, results, judge)
		if len(out.recorded) == 0 {
			return nil
		}
		if err := insertResults(ctx, conn, out.recorded, again); err != nil {
			return fmt.Errorf("inserting results: %w", err)
		}
		if err := s.keepIncidents(ctx, conn, &out); err != nil {
			return err
		}
		if err := saveStates(ctx, conn, out.states); err != nil {
			return fmt.Errorf("updating the states: %w", err)
		}
		return rollAgain(ctx, conn, out.late)
	})
	if err != nil {
		return nil, err
	}
	return out.recorded, nil
}

func insertResults(ctx context.Context, conn bun.Conn, recorded []Recorded, again bool) error {
	if again {
		rows := make([]resultRow, len(recorded))
		for i := range recorded {
			rows[i] = newResultRow(&recorded[i])
		}
		_, err := conn.NewInsert().Model(&rows).On("CONFLICT DO NOTHING").Returning("NULL").Exec(ctx)
		return err
	}
	var c copyText
	for i := range recorded {
		r := newResultRow(&recorded[i])
		c.number(r.MonitorID, r.Slot, r.LocationID, int64(r.Code), int64(r.IntervalSeconds), r.StartedUs)
		if r.Address.IsValid() {
			c.bytes(r.Address.AsSlice())
		} else {
			c.null()
		}
		c.bytes(r.Packets)
		if r.Details != "" {
			c.text(r.Details)
		} else {
			c.null()
		}
		c.endRow()
	}
	_, err := pgdriver.CopyFrom(ctx, conn, &c.buf, copyResults)
	return err
}

func saveStates(ctx context.Context, conn bun.Conn, states []MonitorState) error {
	if _, err := conn.ExecContext(ctx, judgedTable); err != nil {
		return err
	}
	var c copyText
	for i := range states {
		st := &states[i]
		c.number(st.MonitorID, st.LocationID)
		c.text(string(st.State))
		c.time(st.Since)
		c.text(string(st.Measured))
		c.number(int64(st.Rank), int64(st.Failures), int64(st.Successes), int64(st.UnknownInRow))
		c.text(string(st.Cause), st.CauseSource)
		c.number(int64(st.CauseMTU), st.LastSlot)
		c.time(st.LastCheckedAt)
		c.text(string(st.LastOutcome))
		c.number(int64(st.LastSent), int64(st.LastReceived), st.LastRTT)
		c.text(st.Address)
		c.number(int64(st.ReplyTTL))
		c.bytes(st.Recent)
		c.number(int64(st.DegradedInRow))
		c.time(st.TroubleSince)
		c.bytes(st.WindowChecks)
		c.bytes(st.Flips)
		c.time(st.FlappingSince)
		c.number(st.IncidentID)
		c.text(string(st.IncidentType))
		c.number(int64(st.Passes))
		c.time(st.FailingSince)
		c.text(st.Reason)
		c.endRow()
	}
	if _, err := pgdriver.CopyFrom(ctx, conn, &c.buf, copyStates); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, updateStates)
	return err
}

// onConn runs f in a transaction on one connection, as COPY needs it. Unlike database/sql's, its COMMIT heeds the deadline of
// ctx. After any error the connection is thrown away: it may be in the middle of an answer, and the server ends the rest.
func (s *Store) onConn(ctx context.Context, f func(conn bun.Conn) error) (err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("taking a connection: %w", err)
	}
	defer func() {
		if err != nil {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		_ = conn.Close() // of one that was thrown away it says so
	}()
	if _, err := conn.ExecContext(ctx, beginByKey); err != nil {
		return fmt.Errorf("beginning: %w", err)
	}
	if err := f(conn); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// isNoPartition tells whether a row has no partition to go to.
func isNoPartition(err error) bool {
	var pg pgdriver.Error
	return errors.As(err, &pg) && pg.Field('C') == "23514" && pg.Field('n') == ""
}

// copyText builds rows in the text format of COPY (Postgres manual, COPY, "Text Format"). The zero value is empty.
type copyText struct {
	buf  bytes.Buffer
	open bool // a row has begun
}

func (c *copyText) next() {
	if c.open {
		c.buf.WriteByte('\t')
	}
	c.open = true
}

func (c *copyText) endRow() {
	c.buf.WriteByte('\n')
	c.open = false
}

func (c *copyText) number(list ...int64) {
	for _, n := range list {
		c.next()
		c.buf.Write(strconv.AppendInt(c.buf.AvailableBuffer(), n, 10))
	}
}

func (c *copyText) text(list ...string) {
	for _, s := range list {
		c.next()
		for i := range len(s) {
			switch b := s[i]; b {
			case '\\':
				c.buf.WriteString(`\\`)
			case '\t':
				c.buf.WriteString(`\t`)
			case '\n':
				c.buf.WriteString(`\n`)
			case '\r':
				c.buf.WriteString(`\r`)
			default:
				c.buf.WriteByte(b)
			}
		}
	}
}

func (c *copyText) bytes(b []byte) {
	c.next()
	c.buf.WriteString(`\\x`)
	c.buf.Write(hex.AppendEncode(c.buf.AvailableBuffer(), b))
}

func (c *copyText) null() {
	c.next()
	c.buf.WriteString(`\N`)
}

// time writes NULL for the zero time.
func (c *copyText) time(t time.Time) {
	if t.IsZero() {
		c.null()
		return
	}
	c.next()
	c.buf.Write(t.UTC().AppendFormat(c.buf.AvailableBuffer(), "2006-01-02 15:04:05.999999-07:00"))
}
