package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"echolot/models/events"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// ErrNoLocation means that no location can check the monitor now.
var ErrNoLocation = errors.New("no active monitoring locations available")

// ProbeTarget is what the prober knows of a monitor.
type ProbeTarget struct {
	MonitorID, OrganizationID, Rev int64
	PublicID                       uuid.UUID
	Status                         Status
	Interval                       time.Duration
	Spec                           Spec
	Rule                           Rule
	// LastCheckedAt is zero before the first result.
	LastCheckedAt time.Time
	// ChangedAt is when the settings last changed.
	ChangedAt time.Time
}

// probeRow is what a ProbeTarget is read from.
type probeRow struct {
	Monitor       `bun:",extend"`
	LastCheckedAt time.Time `bun:",scanonly"`
	Stops         bool      `bun:",scanonly"` // its customer was cancelled
}

func (s *Store) probeQuery(rows *[]probeRow) *bun.SelectQuery {
	return s.ro.NewSelect().Model(rows).ColumnExpr("m.*, s.last_checked_at").
		ColumnExpr("(c.cancellation_date IS NOT NULL AND c.cancellation_date <= ?) AS stops", s.clock()).
		Join("JOIN monitor_states AS s ON s.monitor_id = m.id AND s.location_id = ?", LocationID).
		Join("JOIN customers AS c ON c.id = m.customer_id")
}

// probed tells whether the monitor is to be checked from here.
func (s *Store) probed(r probeRow) bool {
	return r.Status != StatusDisabled && !r.Stops && r.RunsIn(s.locationCountry)
}

func (r probeRow) target() ProbeTarget {
	return ProbeTarget{MonitorID: r.ID, OrganizationID: r.OrganizationID, Rev: r.Rev, PublicID: r.PublicID, Status: r.Status,
		Interval: r.Interval(), Spec: r.Spec(), Rule: r.Config.Rule(), LastCheckedAt: r.LastCheckedAt, ChangedAt: r.UpdatedAt}
}

// UnscopedMonitorsToProbe returns up to limit monitors with an id above after, by id. more is false after the last page.
func (s *Store) UnscopedMonitorsToProbe(ctx context.Context, after int64, limit int) (targets []ProbeTarget, last int64, more bool, err error) {
	var rows []probeRow
	if err := s.probeQuery(&rows).Where("m.id > ?", after).OrderExpr("m.id").Limit(int64(limit)).Scan(ctx); err != nil {
		return nil, after, false, fmt.Errorf("reading monitors to probe: %w", err)
	}
	for _, r := range rows {
		after = r.ID
		if s.probed(r) {
			targets = append(targets, r.target())
		}
	}
	return targets, after, len(rows) == limit, nil
}

// UnscopedMonitorsChanged returns the monitors whose settings changed since then: those to probe, and the ids of those
// that are not probed any more. Of more than 1,000 changes the rest comes with the next call, from the last ChangedAt.
func (s *Store) UnscopedMonitorsChanged(ctx context.Context, since time.Time) (targets []ProbeTarget, stopped []int64, err error) {
	var rows []probeRow
	q := s.probeQuery(&rows).Where("m.updated_at >= ? OR (c.cancellation_date >= ? AND c.cancellation_date <= ?)", since, since, s.clock())
	if err := q.OrderExpr("m.updated_at, m.id").Limit(1000).Scan(ctx); err != nil {
		return nil, nil, fmt.Errorf("reading changed monitors: %w", err)
	}
	for _, r := range rows {
		if s.probed(r) {
			targets = append(targets, r.target())
		} else {
			stopped = append(stopped, r.ID)
		}
	}
	return targets, stopped, nil
}

// UnscopedMonitorToProbe returns one monitor; ok is false where it is gone or not to be probed from here.
func (s *Store) UnscopedMonitorToProbe(ctx context.Context, id int64) (target ProbeTarget, ok bool, err error) {
	var rows []probeRow
	if err := s.probeQuery(&rows).Where("m.id = ?", id).Scan(ctx); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return ProbeTarget{}, false, fmt.Errorf("reading a monitor to probe: %w", err)
	}
	if len(rows) == 0 || !s.probed(rows[0]) {
		return ProbeTarget{}, false, nil
	}
	return rows[0].target(), true, nil
}

// UnscopedProbedIDs returns the ids of all monitors that are not disabled: whoever is not in it was deleted or paused.
func (s *Store) UnscopedProbedIDs(ctx context.Context) ([]int64, error) {
	var ids []int64
	if err := s.ro.NewSelect().TableExpr("monitors").Column("id").Where("status <> ?", StatusDisabled).Scan(ctx, &ids); err != nil {
		return nil, fmt.Errorf("reading the monitors' ids: %w", err)
	}
	return ids, nil
}

// TakeCheckRequests returns the monitors that somebody wants checked now, and forgets the requests.
func (s *Store) TakeCheckRequests(ctx context.Context) ([]int64, error) {
	// Looking first keeps the writer free: mostly there is none.
	if some, err := s.ro.NewSelect().TableExpr("check_requests").Exists(ctx); err != nil || !some {
		return nil, err
	}
	var ids []int64
	if err := s.db.NewDelete().TableExpr("check_requests").Where("1 = 1").Returning("monitor_id").Scan(ctx, &ids); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("taking check requests: %w", err)
	}
	return ids, nil
}

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

// rowsToJudge reads the monitors of the results and, on Postgres, holds off whoever would change or delete them.
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
		q = q.For("SHARE OF m")
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

// holdCheck is how often it is looked whether the connection that holds a location still lives.
const holdCheck = 2 * time.Second

// HoldLocation takes the right to probe for the location. On Postgres it is an advisory lock on a connection of its own,
// so that of several instances one probes. lost is closed when that connection breaks, and with it the right; it is nil
// on SQLite, which has one instance. The holder calls release.
func (s *Store) HoldLocation(ctx context.Context, locationID int64) (release func(), lost <-chan struct{}, held bool, err error) {
	if !s.postgres() {
		return func() {}, nil, true, nil
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, nil, false, fmt.Errorf("taking a connection: %w", err)
	}
	if err := conn.NewSelect().ColumnExpr("pg_try_advisory_lock(?, ?)", migrateLock, locationID).Scan(ctx, &held); err != nil || !held {
		return nil, nil, false, errors.Join(err, conn.Close())
	}
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	broken, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		watchHold(watch, conn, broken)
	}()
	return sync.OnceFunc(func() {
		stop()
		<-done
		ctx, cancel := context.WithTimeout(context.Background(), holdCheck)
		defer cancel()
		_, _ = conn.ExecContext(ctx, "SELECT pg_advisory_unlock_all()") // the pool would keep the connection, and it the lock
		_ = conn.Close()
	}), broken, true, nil
}

// watchHold closes broken when the connection no longer answers.
func watchHold(ctx context.Context, conn bun.Conn, broken chan<- struct{}) {
	tick := time.NewTicker(holdCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		ping, cancel := context.WithTimeout(ctx, 2*holdCheck)
		_, err := conn.ExecContext(ping, "SELECT 1")
		cancel()
		if err != nil && ctx.Err() == nil {
			close(broken)
			return
		}
	}
}
