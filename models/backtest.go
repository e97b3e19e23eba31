package models

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/google/uuid"
)

// Trouble is an incident that a rule would have raised.
type Trouble struct {
	// Type is IncidentDowntime or IncidentDegraded.
	Type  IncidentType
	Start time.Time
	// End is zero where it went on to the end of the history.
	End time.Time
}

// Replay judges history by a rule as Judge does, check after check, and notes what trouble it would have raised. The zero value is
// ready; checks must come in the order of their slots.
type Replay struct {
	// Troubles are in order of time; the last one may be open.
	Troubles []Trouble
	state    MonitorState
}

// Check takes the next check in.
func (p *Replay) Check(r Result, rule Rule) {
	before := p.open()
	after, ok := Judge(p.state, r, rule, StatusActive)
	if !ok {
		return
	}
	after.Recent = nil // no bar is drawn of it
	p.state = after
	kind := IncidentNone
	switch after.Measured {
	case StateDown:
		kind = IncidentDowntime
	case StateDegraded:
		kind = IncidentDegraded
	}
	if before != nil && before.Type == kind || before == nil && kind == IncidentNone {
		return
	}
	at := r.StartedAt()
	if kind != IncidentNone {
		at = after.TroubleSince
	}
	if before != nil {
		at = later(at, before.Start) // the trouble before lasted until the next one began
		before.End = at
	}
	if kind != IncidentNone {
		p.Troubles = append(p.Troubles, Trouble{Type: kind, Start: at})
	}
}

func (p *Replay) open() *Trouble {
	if n := len(p.Troubles); n > 0 && p.Troubles[n-1].End.IsZero() {
		return &p.Troubles[n-1]
	}
	return nil
}

// mostReplayed bounds the packets that stand for those of a bucket.
const mostReplayed = 1000

// Bucket takes a bucket in as one check with its loss and its RTT: all replies took as long as its average, or its 95th percentile
// where the rule looks at that. Confirmations and recoveries are counted in buckets that take as long as so many checks, one an
// interval.
func (p *Replay) Bucket(b Bucket, rule Rule, interval time.Duration) {
	inBuckets := func(checks int) int {
		return max(1, int(math.Ceil(float64(checks)*float64(interval)/float64(b.Length))))
	}
	rule.Confirmations, rule.Recoveries, rule.Gap = inBuckets(rule.Confirmations), inBuckets(rule.Recoveries), 0
	r := Result{Slot: b.Start.UnixMilli(), Kind: KindScheduled, Outcome: OutcomeUnknown}
	if b.Sent > 0 {
		r.Sent, r.Received = b.Sent, b.Received
		if r.Sent > mostReplayed { // a single lost packet stays one
			lost := int(math.Ceil(float64(b.Sent-b.Received) * mostReplayed / float64(b.Sent)))
			r.Sent, r.Received = mostReplayed, mostReplayed-lost
		}
		rtt := b.RTTAvg
		if rule.Latency == LatencyP95 {
			rtt = b.Quantiles[len(b.Quantiles)-1]
		}
		r.Packets = make([]Packet, r.Sent)
		for i := r.Sent - r.Received; i < r.Sent; i++ {
			r.Packets[i] = Packet{State: PacketReplied, RTT: rtt}
		}
		r.Outcome = OutcomeSuccess
		if r.Received == 0 {
			r.Outcome, r.Cause = OutcomeFailure, CauseTimeout
		}
	}
	p.Check(r, rule)
}

// Backtest is what rules would have made of a monitor's history.
type Backtest struct {
	// From and To are what was replayed: BacktestSpan, as far as there is a history, and as time allowed. Both are zero where there
	// is nothing.
	From, To time.Time
	// Each is from when on each check was judged; before it, 5-minute buckets were.
	Each time.Time
	// Cut is true where the time was up before all was replayed.
	Cut      bool
	Troubles []Trouble
}

// Lasted is how long the troubles are in all; one that is open counts until To.
func (b Backtest) Lasted() (all time.Duration) {
	for _, t := range b.Troubles {
		end := t.End
		if end.IsZero() {
			end = b.To
		}
		all += max(0, end.Sub(t.Start))
	}
	return all
}

// BacktestSpan is how far a back-test looks back.
const BacktestSpan = 30 * 24 * time.Hour

const (
	// backtestTime is how long a back-test may take, backtestChecks how many single checks it judges at most, newest ones, and
	// backtestPage how many it reads at once.
	backtestTime   = time.Second
	backtestChecks = 50_000
	backtestPage   = 2000
)

// Backtest replays the monitor's history under the rules that the fields' icmpConfig has, where they have one. Nothing is changed.
// Errors: ErrForbidden, *NotFound, *Invalid.
func (s *Store) Backtest(ctx context.Context, by Actor, id uuid.UUID, f Fields) (Backtest, error) {
	if err := by.check(MayChangeMonitors); err != nil {
		return Backtest{}, err
	}
	m, err := s.Monitor(ctx, by, id)
	if err != nil {
		return Backtest{}, err
	}
	e := new(Invalid)
	if changed := m.Monitor; f.Has("icmpConfig") || f.Has("config") {
		changed.applyConfig(reader{Fields: f, e: e})
		m.Config = changed.Config
	}
	if err := e.orNil(); err != nil {
		return Backtest{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, backtestTime)
	defer cancel()
	now, rule := s.clock(), m.Config.Rule()
	var p Replay
	b, err := s.replayBuckets(ctx, m, rule, now, &p)
	if err == nil {
		err = s.replayChecks(ctx, m, rule, now, &p, &b)
	}
	b.Troubles = p.Troubles
	if errors.Is(err, context.DeadlineExceeded) || err != nil && ctx.Err() != nil {
		b.Cut, err = true, nil
	}
	return b, err
}

// replayBuckets replays what comes before the checks that are judged each for itself.
func (s *Store) replayBuckets(ctx context.Context, m MonitorRow, rule Rule, now time.Time, p *Replay) (Backtest, error) {
	begin, step := now.Add(-BacktestSpan).UnixMilli(), level5m.step()
	each := max(begin, now.Add(-backtestChecks*m.Interval()).UnixMilli())
	oldest, err := s.resultRows(ctx, m.ID, "slot >= ? ORDER BY slot LIMIT 1", each)
	if err != nil {
		return Backtest{}, err
	}
	if each = now.UnixMilli(); len(oldest) == 1 {
		each = oldest[0].Slot
	}
	each = floorTo(each, step)
	b := Backtest{Each: time.UnixMilli(each).UTC()}
	list, err := s.history(ctx, m, floorTo(begin, step), each, step, now.UnixMilli())
	if err != nil {
		return b, err
	}
	for i := range list {
		if i%500 == 0 && ctx.Err() != nil {
			return b, ctx.Err()
		}
		bucket := list[i].bucket(time.Duration(step) * time.Millisecond)
		p.Bucket(bucket, rule, m.Interval())
		b.reach(bucket.Start, bucket.Start.Add(bucket.Length))
	}
	return b, nil
}

// replayChecks replays the checks that are judged each for itself.
func (s *Store) replayChecks(ctx context.Context, m MonitorRow, rule Rule, now time.Time, p *Replay, b *Backtest) error {
	for at, end := b.Each.UnixMilli(), now.UnixMilli()+1; ; {
		rows, err := s.resultRows(ctx, m.ID, "slot >= ? AND slot < ? ORDER BY slot LIMIT ?", at, end, backtestPage)
		if err != nil {
			return err
		}
		for i := range rows {
			r := rows[i].result()
			p.Check(r, rule)
			b.reach(r.StartedAt(), r.StartedAt())
			at = r.Slot + 1
		}
		if len(rows) < backtestPage {
			return nil
		}
	}
}

// reach notes what was replayed.
func (b *Backtest) reach(from, to time.Time) {
	if b.From.IsZero() {
		b.From = from
	}
	b.To = later(to, b.To)
}
