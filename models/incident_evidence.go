package models

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

const (
	// mostFailed and mostAfter bound the failed checks that are kept of an incident: up to its verdict, and after it.
	mostFailed = 20
	mostAfter  = 10
	// mostRecovered bounds the good checks that are kept.
	mostRecovered = 10
	// checksAtOnce is how many ranges of checks one statement reads.
	checksAtOnce = 200
	// mostMassRead is of how many monitors of a failure of many a batch reads the checks before the verdict: it is in a hurry then,
	// and there may be thousands.
	mostMassRead = 1000
)

// checkRange is a stretch of one monitor's checks, by slot, both ends included.
type checkRange struct{ monitor, first, last int64 }

// checksSpan is how long the checks that are kept may take: n in a row, of which some may be confirming ones.
func checksSpan(m Monitor, n int) time.Duration { return time.Duration(n)*m.Interval() + MaxTimeout }

// collect copies the checks that show what happened into the parts. Of a failure of many only those that led to the verdict and the
// one that ended it are kept, and of what mostMassRead does not reach only the check of the verdict, which is in memory.
func (k *incidentKeeper) collect(ctx context.Context, db bun.IDB) error {
	var wanted []checkRange
	mass := 0
	for _, part := range k.touched {
		switch {
		case !part.incident.Mass:
			wanted = append(wanted, part.ranges()...)
		case part.opened != nil && len(part.row.Evidence.Failed) == 0 && mass < mostMassRead:
			wanted = append(wanted, part.rangeBefore())
			mass++
		}
	}
	checks, err := readChecks(ctx, db, wanted)
	if err != nil {
		return err
	}
	for _, part := range k.touched {
		part.keep(checks[part.row.MonitorID])
		if part.opened != nil && part.incident.ID == 0 && part.incident.Checks == 0 {
			part.incident.Checks, part.incident.Sent, part.incident.Received = part.row.Checks, part.row.Sent, part.row.Received
		}
	}
	return nil
}

// ranges are where the part's checks are.
func (p *incidentPart) ranges() []checkRange {
	var list []checkRange
	add := func(from, to time.Time) {
		list = append(list, checkRange{p.row.MonitorID, from.UnixMilli(), to.UnixMilli()})
	}
	if p.opened != nil {
		list = append(list, p.rangeBefore())
	}
	if p.ended != nil {
		m, at := p.ended.Monitor.Monitor, time.UnixMilli(p.ended.Result.Slot)
		until := p.row.ConfirmedAt.Add(checksSpan(m, mostAfter))
		if until.After(at) {
			until = at
		}
		add(p.row.ConfirmedAt, until)
		add(at.Add(-checksSpan(m, min(p.row.RecoveryChecks, mostRecovered))), at)
	}
	return list
}

// rangeBefore is where the checks are that led to the verdict of a part that was opened.
func (p *incidentPart) rangeBefore() checkRange {
	m, at := p.opened.Monitor.Monitor, time.UnixMilli(p.opened.Result.Slot)
	until := p.row.StartedAt.Add(checksSpan(m, mostFailed))
	if until.After(at) {
		until = at
	}
	return checkRange{p.row.MonitorID, p.row.StartedAt.Add(-MaxTimeout - m.Interval()).UnixMilli(), until.UnixMilli()}
}

// failed tells whether the check shows an incident of the type.
func (t IncidentType) failed(r Result) bool {
	switch {
	case r.Outcome == OutcomeFailure:
		return true
	case t == IncidentDowntime || r.Outcome == OutcomeUnknown:
		return false
	default:
		return r.Outcome == OutcomeWarning || r.Received < r.Sent
	}
}

// keep takes from the monitor's checks, oldest first, what belongs to the part.
func (p *incidentPart) keep(checks []Result) {
	kept := &p.row.Evidence
	if p.opened != nil && len(kept.Failed) == 0 {
		verdict := p.opened.Result
		span := time.Duration(p.opened.Monitor.Config.Count) * p.opened.Monitor.Config.Interval()
		for _, r := range checks {
			if r.Slot < verdict.Slot && len(kept.Failed) < mostFailed-1 && p.incident.Type.failed(r) && !r.StartedAt().Add(span).Before(p.row.StartedAt) {
				kept.Failed = append(kept.Failed, r)
			}
		}
		kept.Failed = append(kept.Failed, verdict)
		p.row.Checks, p.row.Sent, p.row.Received = len(kept.Failed), 0, 0
		for _, r := range kept.Failed {
			p.row.Sent += r.Sent
			p.row.Received += r.Received
		}
		// The state may not count all that failed (checks that confirm nothing), or go on from the incident before.
		if more := p.row.Checks - failedInRow(p.opened.Monitor.State, p.incident.Type); p.follows || more > 0 {
			p.row.FailedChecks += more
		}
	}
	if p.ended == nil {
		return
	}
	last := p.ended.Result.Slot
	if n := len(kept.Failed); n > 0 {
		verdict, after := kept.Failed[n-1].Slot, 0
		for _, r := range checks {
			if r.Slot > verdict && r.Slot < last && after < mostAfter && p.incident.Type.failed(r) && r.StartedAt().Before(p.row.EndedAt) {
				kept.Failed = append(kept.Failed, r)
				after++
			}
		}
	}
	kept.Recovered = nil
	for _, r := range slices.Backward(checks) {
		if r.Slot < last && r.Outcome != OutcomeUnknown && len(kept.Recovered) < min(p.row.RecoveryChecks, mostRecovered)-1 {
			if r.Outcome == OutcomeFailure {
				break
			}
			kept.Recovered = append(kept.Recovered, r)
		}
	}
	slices.Reverse(kept.Recovered)
	if p.row.RecoveryChecks > 0 || !p.incident.Type.failed(p.ended.Result) { // an ok check may have lost a packet
		kept.Recovered = append(kept.Recovered, p.ended.Result)
	}
}

// readChecks reads the checks of the ranges, by monitor, oldest first, each once.
func readChecks(ctx context.Context, db bun.IDB, ranges []checkRange) (map[int64][]Result, error) {
	checks := map[int64][]Result{}
	for some := range slices.Chunk(ranges, checksAtOnce) {
		values, args := make([]string, len(some)), make([]any, 0, 3*len(some)+3)
		first, last := some[0].first, some[0].last
		for i, r := range some {
			values[i] = "(?, ?, ?)"
			args = append(args, r.monitor, r.first, r.last)
			first, last = min(first, r.first), max(last, r.last)
		}
		// The ranges lead, each to a walk along the key: SQLite keeps the order of a CROSS JOIN, Postgres that of LATERAL with an
		// OFFSET. Written as one OR or UNION for both, Postgres planned 200 ranges for 100 ms and read them in two; as a plain join it
		// read everything. The bounds of all are for Postgres, to look into no other days.
		query := "WITH wanted (monitor_id, first, last) AS (VALUES " + strings.Join(values, ", ") + ") SELECT r.* FROM wanted AS w CROSS JOIN "
		const match = "r.monitor_id = w.monitor_id AND r.slot BETWEEN w.first AND w.last AND r.location_id = ? AND r.slot BETWEEN ? AND ?"
		if db.Dialect().Name() == dialect.PG {
			query += "LATERAL (SELECT * FROM results AS r WHERE " + match + " OFFSET 0) AS r"
		} else {
			query += "results AS r WHERE " + match
		}
		var rows []resultRow
		err := db.NewRaw(query, append(args, LocationID, first, last)...).Scan(ctx, &rows)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			checks[row.MonitorID] = append(checks[row.MonitorID], row.result())
		}
	}
	for id, list := range checks {
		slices.SortFunc(list, func(a, b Result) int { return int(a.Slot - b.Slot) })
		checks[id] = slices.CompactFunc(list, func(a, b Result) bool { return a.Slot == b.Slot })
	}
	return checks, nil
}
