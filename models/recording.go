package models

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"echolot/models/events"

	"github.com/uptrace/bun"
)

// JudgeFunc is the pure rule that turns a result into the next state; ok is false where the result says nothing new.
type JudgeFunc func(s MonitorState, r Result, rule Rule, status Status) (next MonitorState, ok bool)

// Recorded is one stored result and the state after it.
type Recorded struct {
	// Monitor has what judging and live events need: ids, status, interval, configuration, rev and the state.
	Monitor MonitorRow
	Result  Result
	// Before is the state before it.
	Before MonitorState
	// Changed is true where the state is another one than before.
	Changed bool
	// Incidents are what the result did to incidents; mostly none.
	Incidents []IncidentChange
}

// RecordResults stores results in the order given and judges each, all in one transaction. Results of a deleted monitor,
// of an older rev, or of a slot that was judged already are discarded, so that a batch may be recorded again by whoever
// does not know whether it was committed. Events are published after the commit.
func (s *Store) RecordResults(ctx context.Context, results []Result, judge JudgeFunc) ([]Recorded, error) {
	if len(results) == 0 {
		return nil, nil
	}
	record := s.recordLite
	if s.postgres() {
		record = s.recordPostgres
	}
	recorded, err := record(ctx, results, judge)
	if err != nil {
		return nil, err
	}
	s.publishRecorded(recorded)
	return recorded, nil
}

// judged is a batch after its judgement: what is to be stored.
type judged struct {
	recorded []Recorded
	// states are those that changed, in the order of the monitors' ids.
	states []MonitorState
	// late is what was rolled up already without these results.
	late lateResults
}

// judgeAll judges the results in their order, each from the state that the one before it left.
func (s *Store) judgeAll(rows map[int64]*MonitorRow, results []Result, judge JudgeFunc) judged {
	now, touched := s.clock(), make(map[int64]bool, len(rows))
	out := judged{recorded: make([]Recorded, 0, len(results))}
	for _, r := range results {
		row, ok := rows[r.Monitor]
		if !ok || row.Rev != r.Rev {
			continue
		}
		if ahead := now.Add(row.Interval()).UnixMilli(); row.State.LastSlot > ahead && r.Slot <= ahead {
			row.State.LastSlot = 0 // of a clock that was set back since: it must not hold off every result until it is reached again
		}
		rule := row.Config.Rule()
		r.Outcome = rule.Outcome(r)
		next, ok := judge(row.State, r, rule, row.Status)
		if !ok {
			continue
		}
		before := row.State
		row.State = next
		touched[r.Monitor] = true
		out.late.note(&row.State, r, next.Measured != before.Measured)
		out.recorded = append(out.recorded, Recorded{Monitor: *row, Result: r, Before: before, Changed: next.State != before.State})
	}
	out.states = make([]MonitorState, 0, len(touched))
	for id := range touched {
		out.states = append(out.states, rows[id].State)
	}
	slices.SortFunc(out.states, func(a, b MonitorState) int { return cmp.Compare(a.MonitorID, b.MonitorID) })
	return out
}

// judgedColumns are what is read of a monitor and its state for a result, in the order of readToJudge. A monitor's row has
// more; reading and decoding all of it cost a third of the recorder's time.
const judgedColumns = `m.id, m.public_id, m.organization_id, m.customer_id, m.status, m.interval_seconds, m.config, m.rev,
	s.state, s.since, s.measured, s.rank, s.failures, s.successes, s.unknown_in_row, s.cause, s.cause_source, s.cause_mtu, s.last_slot,
	s.last_checked_at, s.last_outcome, s.last_sent, s.last_received, s.last_rtt, s.address, s.reply_ttl, s.recent,
	s.degraded_in_row, s.trouble_since, s.window_checks, s.flips, s.flapping_since, s.incident_id, s.incident_type,
	s.passes, s.failing_since, s.reason, s.rolled_until`

// monitorIDs are the ids of the results' monitors, sorted, each once.
func monitorIDs(results []Result) []int64 {
	ids := make([]int64, len(results))
	for i, r := range results {
		ids[i] = r.Monitor
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// readToJudge reads the monitors and their states, by id.
func (s *Store) readToJudge(ctx context.Context, db bun.IDB, ids []int64) (byID map[int64]*MonitorRow, err error) {
	rows, err := db.QueryContext(ctx, "SELECT "+judgedColumns+` FROM monitor_states AS s
		JOIN monitors AS m ON m.id = s.monitor_id WHERE s.monitor_id IN (?) AND s.location_id = ?`, bun.List(ids), LocationID)
	if err != nil {
		return nil, fmt.Errorf("reading the states: %w", err)
	}
	defer func() {
		if err = errors.Join(err, rows.Close()); err != nil {
			err = fmt.Errorf("reading the states: %w", err)
		}
	}()
	all, byID := make([]MonitorRow, len(ids)), make(map[int64]*MonitorRow, len(ids))
	var config sql.RawBytes
	var checked, trouble, failing, flapping sql.NullTime
	for rows.Next() {
		row := &all[len(byID)]
		m, st := &row.Monitor, &row.State
		if err := rows.Scan(&m.ID, &m.PublicID, &m.OrganizationID, &m.CustomerID, &m.Status, &m.IntervalSeconds, &config, &m.Rev,
			&st.State, &st.Since, &st.Measured, &st.Rank, &st.Failures, &st.Successes, &st.UnknownInRow, &st.Cause, &st.CauseSource, &st.CauseMTU, &st.LastSlot,
			&checked, &st.LastOutcome, &st.LastSent, &st.LastReceived, &st.LastRTT, &st.Address, &st.ReplyTTL, &st.Recent,
			&st.DegradedInRow, &trouble, &st.WindowChecks, &st.Flips, &flapping, &st.IncidentID, &st.IncidentType,
			&st.Passes, &failing, &st.Reason, &st.RolledUntil); err != nil {
			return nil, err
		}
		if m.Config, err = s.configs.decode(config); err != nil {
			return nil, fmt.Errorf("monitor %d: %w", m.ID, err)
		}
		st.MonitorID, st.LocationID, st.OrganizationID = m.ID, LocationID, m.OrganizationID
		st.Since = st.Since.UTC()
		st.LastCheckedAt, st.TroubleSince, st.FailingSince, st.FlappingSince = orZero(checked), orZero(trouble), orZero(failing), orZero(flapping)
		byID[m.ID] = row
	}
	return byID, rows.Err()
}

// orZero is the time, in UTC, or the zero time for NULL.
func orZero(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}

// configCache keeps decoded configurations by their text: of a hundred thousand monitors most have one of a few, and
// decoding it with each result is dearer than reading it.
type configCache struct {
	mu    sync.Mutex
	known map[string]IcmpConfig
}

// mostConfigs bounds the cache; a configuration takes about 300 bytes.
const mostConfigs = 4096

// decode returns the configuration that the text is of. What it points to is shared: nobody writes to it.
func (c *configCache) decode(text []byte) (IcmpConfig, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if config, ok := c.known[string(text)]; ok {
		return config, nil
	}
	var config IcmpConfig
	if err := config.Scan(string(text)); err != nil {
		return IcmpConfig{}, err
	}
	if c.known == nil || len(c.known) >= mostConfigs {
		c.known = map[string]IcmpConfig{}
	}
	c.known[string(text)] = config
	return config, nil
}

// publishRecorded tells of each check, and of each state that changed; Data is the Recorded.
func (s *Store) publishRecorded(recorded []Recorded) {
	list := make([]events.Event, 0, len(recorded)+1)
	now := s.clock()
	for _, r := range recorded {
		m := r.Monitor.Monitor
		e := events.Event{Type: events.Check, At: now, OrganizationID: m.OrganizationID, CustomerID: m.CustomerID, MonitorID: m.ID, PublicID: m.PublicID.String(), Data: r}
		list = append(list, e)
		if r.Monitor.State.UnknownInRow == NoticeAfter {
			s.counts.drop(m.OrganizationID) // the state is as before, but the notice is new
		}
		if r.Changed {
			e.Type = events.MonitorState
			list = append(list, e)
		}
		for _, change := range r.Incidents {
			e.Type, e.Data = change.Type, change
			list = append(list, e)
		}
	}
	s.publish(list...)
}
