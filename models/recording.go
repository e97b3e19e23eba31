package models

import (
	"context"
	"fmt"
	"slices"

	"echolot/models/events"

	"github.com/uptrace/bun"
)

// JudgeFunc is the pure rule that turns a result into the next state; ok is false where the result says nothing new.
type JudgeFunc func(s MonitorState, r Result, rule Rule, status Status) (next MonitorState, ok bool)

// Recorded is one stored result and the state after it.
type Recorded struct {
	Monitor MonitorRow
	Result  Result
	// Changed is true where the state is another one than before.
	Changed bool
}

// RecordResults stores results in the order given and judges each, all in one transaction. Results of a deleted monitor,
// of an older rev, or of a slot that was judged already are discarded. Events are published after the commit.
func (s *Store) RecordResults(ctx context.Context, results []Result, judge JudgeFunc) ([]Recorded, error) {
	if len(results) == 0 {
		return nil, nil
	}
	var recorded []Recorded
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		recorded = recorded[:0]
		rows, err := s.rowsToJudge(ctx, tx, results)
		if err != nil {
			return err
		}
		touched := map[int64]bool{}
		stored := make([]resultRow, 0, len(results))
		for _, r := range results {
			row, ok := rows[r.Monitor]
			if !ok || row.Rev != r.Rev {
				continue
			}
			if row.State.LastSlot > s.clock().Add(row.Interval()).UnixMilli() {
				row.State.LastSlot = 0 // of a clock that was set back since: it must not hold off every result until it is reached again
			}
			next, ok := judge(row.State, r, row.Config.Rule(), row.Status)
			if !ok {
				continue
			}
			changed := next.State != row.State.State
			row.State = next
			touched[r.Monitor] = true
			recorded = append(recorded, Recorded{Monitor: *row, Result: r, Changed: changed})
			stored = append(stored, newResultRow(r))
		}
		if len(stored) == 0 {
			return nil
		}
		if _, err := tx.NewInsert().Model(&stored).On("CONFLICT DO NOTHING").Returning("NULL").Exec(ctx); err != nil {
			return fmt.Errorf("inserting results: %w", err)
		}
		return s.saveStates(ctx, tx, rows, touched)
	})
	if err != nil {
		return nil, err
	}
	s.publishRecorded(recorded)
	return recorded, nil
}

// rowsToJudge reads the monitors of the results and, on Postgres, holds off whoever would change, delete or judge them: an
// instance that has just lost the right to probe may still store what it measured.
func (s *Store) rowsToJudge(ctx context.Context, tx bun.Tx, results []Result) (map[int64]*MonitorRow, error) {
	ids := make([]int64, 0, len(results))
	for _, r := range results {
		ids = append(ids, r.Monitor)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var list []MonitorRow
	q := tx.NewSelect().Model(&list).ColumnExpr("m.*").ColumnExpr(stateColumns).
		Join("JOIN monitor_states AS s ON s.monitor_id = m.id AND s.location_id = ?", LocationID).
		Where("m.id IN (?)", bun.List(ids)).OrderExpr("m.id")
	if s.postgres() {
		// Of s too: who had to wait for m would else judge from the state that was there before the wait.
		q = q.For("NO KEY UPDATE OF m, s")
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading the states: %w", err)
	}
	rows := make(map[int64]*MonitorRow, len(list))
	for i := range list {
		rows[list[i].ID] = &list[i]
	}
	return rows, nil
}

// saveStates writes the states that changed, in one statement.
func (s *Store) saveStates(ctx context.Context, tx bun.Tx, rows map[int64]*MonitorRow, touched map[int64]bool) error {
	states := make([]MonitorState, 0, len(touched))
	for id := range touched {
		states = append(states, rows[id].State)
	}
	slices.SortFunc(states, func(a, b MonitorState) int { return int(a.MonitorID - b.MonitorID) })
	q := tx.NewInsert().Model(&states).On("CONFLICT (monitor_id, location_id) DO UPDATE").Returning("NULL")
	for _, column := range []string{"state", "since", "measured", "rank", "failures", "successes", "unknown_in_row", "cause", "cause_source", "last_slot",
		"last_checked_at", "last_outcome", "last_sent", "last_received", "last_rtt", "address", "reply_ttl", "recent"} {
		q = q.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
	}
	if _, err := q.Exec(ctx); err != nil {
		return fmt.Errorf("updating the states: %w", err)
	}
	return nil
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
	}
	s.publish(list...)
}
