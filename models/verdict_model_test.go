package models_test

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"echolot/models"
)

// T09: random histories against a model that knows no counters: it keeps everything that happened and finds the verdict
// by looking back.

// operation is one thing that happens to a monitor.
type operation struct {
	Do   string
	Rule models.Rule // of an edit
	// Minutes is how far a result that comes again or late, or the clock, goes.
	Minutes int
	// RTTs are the milliseconds of a check's packets; 0 = lost.
	RTTs []int
	Mass bool
	// Burst is true of a check that follows a failed one at once.
	Burst bool
}

var operations = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) operation {
	op := operation{Do: rapid.SampledFrom([]string{
		"ok", "ok", "ok", "fail", "fail", "fail", "check", "check", "check", "check", "unknown", "pause", "resume", "maintenance", "edit", "edit", "repeat",
		"crash", "clock back", "clock on", "flap",
	}).Draw(t, "do")}
	switch op.Do {
	case "edit":
		op.Rule = someRule(t)
	case "repeat":
		op.Minutes = rapid.IntRange(0, 3).Draw(t, "back")
	case "clock back", "clock on":
		op.Minutes = rapid.SampledFrom([]int{1, 2, 5, 30, 55, 57, 70}).Draw(t, "minutes")
	case "check":
		op.RTTs = rapid.SliceOfN(rapid.SampledFrom([]int{0, 10, 10, 17, 30, 90}), 4, 4).Draw(t, "rtts")
		op.Burst = rapid.IntRange(0, 4).Draw(t, "burst") == 0
	case "fail":
		op.Burst = rapid.IntRange(0, 3).Draw(t, "burst") == 0
		op.Mass = rapid.IntRange(0, 3).Draw(t, "mass") == 0
	}
	return op
}), 1, 40)

// unfolded has a flap as what it is: seven turns of the verdict.
func unfolded(ops []operation) []operation {
	var out []operation
	for _, op := range ops {
		if op.Do != "flap" {
			out = append(out, op)
			continue
		}
		out = append(out, operation{Do: "edit", Rule: models.Rule{Confirmations: 1, Recoveries: 1}})
		for range 4 {
			out = append(out, operation{Do: "ok"}, operation{Do: "fail"})
		}
	}
	return out
}

func someRule(t *rapid.T) models.Rule {
	seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	return models.Rule{
		Confirmations: rapid.IntRange(1, 4).Draw(t, "confirmations"),
		Recoveries:    rapid.IntRange(1, 3).Draw(t, "recoveries"),
		Gap:           200 * time.Millisecond,
		Window:        seconds(rapid.SampledFrom([]int{0, 0, 60, 120, 300}).Draw(t, "window")),
		DegradedLoss:  rapid.SampledFrom([]float64{0, 25, 50}).Draw(t, "degraded loss"),
		FailedLoss:    rapid.SampledFrom([]float64{0, 75, 100}).Draw(t, "failed loss"),
		ClearLoss:     rapid.SampledFrom([]float64{0, 10, 25}).Draw(t, "clear loss"),

		DegradedLatency: ms(rapid.SampledFrom([]int{0, 20}).Draw(t, "degraded latency")),
		FailedLatency:   ms(rapid.SampledFrom([]int{0, 80}).Draw(t, "failed latency")),
		ClearLatency:    ms(rapid.SampledFrom([]int{0, 15}).Draw(t, "clear latency")),
		Latency:         rapid.SampledFrom([]models.LatencyMeasure{models.LatencyAverage, models.LatencyP95}).Draw(t, "latency"),
	}
}

// replies is a check with these RTTs in milliseconds; 0 = lost.
func replies(slot int64, rtts ...int) models.Result {
	r := found(slot, models.OutcomeSuccess)
	r.Sent, r.Received, r.Packets, r.Cause = len(rtts), 0, nil, models.CauseTimeout
	for _, ms := range rtts {
		p := models.Packet{}
		if ms > 0 {
			p = models.Packet{State: models.PacketReplied, RTT: time.Duration(ms) * time.Millisecond}
			r.Received++
		}
		r.Packets = append(r.Packets, p)
	}
	if r.Received == 0 {
		r.Outcome = models.OutcomeFailure
	}
	return r
}

// seen is one measured check of the model's memory and the rule it was judged by.
type seen struct {
	at    time.Time
	rtts  []time.Duration // 0 = lost
	rule  models.Rule
	mass  bool
	burst bool
	gap   bool // the check before it could not be measured
	grade int  // 0 ok, 1 degraded, 2 failed
	limit bool // it was graded by a limit
}

// memory is the model: all that was measured since the last pause.
type memory struct {
	measured   []seen
	window     []seen      // those within the rule's window, but for what a clock set back undid
	flips      []time.Time // when the verdict turned in the last hour, likewise
	unmeasured int         // in a row
	state      models.State
	since      time.Time
	flapping   time.Time
	outcome    models.Outcome
	cause      bool
	beats      []bool // of maintenance
}

// first is the first of the checks in a row, up to and including i, that are all as bad as the level, or all better; i+1 where i is
// not.
func (m *memory) first(i, level int, bad bool) int {
	for ; i >= 0 && (m.measured[i].grade >= level) == bad; i-- {
	}
	return i + 1
}

// run is how many those checks are. After the first bad one bursts do not count.
func (m *memory) run(i, level int, bad bool) int {
	n, first := 0, m.first(i, level, bad)
	for j := first; j <= i; j++ {
		if !bad || j == first || !m.measured[j].burst {
			n++
		}
	}
	return n
}

// on looks back from check i for what decides whether the monitor is as bad as the level.
func (m *memory) on(i, level int) bool {
	for ; i >= 0; i-- {
		c := m.measured[i]
		need := c.rule.Confirmations
		if c.mass {
			need++
		}
		switch bad := c.grade >= level; {
		case bad && m.run(i, level, true) >= need:
			return true
		case !bad && m.run(i, level, false) >= c.rule.Recoveries:
			return false
		}
	}
	return false
}

// verdict is the one after check i.
func (m *memory) verdict(i int) models.State {
	switch {
	case i >= 0 && m.on(i, 2):
		return models.StateDown
	case i >= 0 && m.on(i, 1):
		return models.StateDegraded
	case slices.ContainsFunc(m.measured[:i+1], func(c seen) bool { return c.grade == 0 }):
		return models.StateUp
	default:
		return models.StatePending
	}
}

// begin is the first of the checks in a row up to i that are as bad as the level, of those since the last gap.
func (m *memory) begin(i, level int) int {
	first := m.first(i, level, true)
	for i > first && !m.measured[i].gap {
		i--
	}
	return i
}

// began is when the verdict after check i began, for down and degraded.
func (m *memory) began(i int) time.Time {
	verdict, level := m.verdict(i), 1
	if verdict == models.StateDown {
		level = 2
	}
	for i > 0 && m.verdict(i-1) == verdict {
		i--
	}
	if level == 1 && m.verdict(i-1) == models.StateDown {
		return m.measured[i].at
	}
	first := m.measured[m.begin(i, level)]
	for n, rtt := range first.rtts {
		if rtt == 0 {
			return first.at.Add(time.Duration(n) * first.rule.Gap)
		}
	}
	return first.at
}

// grades holds some checks' packets against the rule's limits.
func grades(rule models.Rule, troubled bool, checks ...seen) int {
	var sent, lost int
	var rtts []time.Duration
	var sum time.Duration
	for _, c := range checks {
		for _, rtt := range c.rtts {
			sent++
			if rtt == 0 {
				lost++
				continue
			}
			rtts, sum = append(rtts, rtt), sum+rtt
		}
	}
	loss := 100 * float64(lost) / float64(sent)
	var latency time.Duration
	if len(rtts) > 0 {
		slices.Sort(rtts)
		latency = sum / time.Duration(len(rtts))
		if rule.Latency == models.LatencyP95 {
			latency = rtts[(95*len(rtts)+99)/100-1]
		}
	}
	over := func(lossLimit float64, latencyLimit time.Duration) bool {
		return lossLimit > 0 && loss >= lossLimit || latencyLimit > 0 && latency >= latencyLimit
	}
	switch {
	case over(rule.FailedLoss, rule.FailedLatency):
		return 2
	case over(rule.DegradedLoss, rule.DegradedLatency):
		return 1
	case troubled && rule.DegradedLoss > 0 && loss > 0 && loss >= rule.ClearLoss,
		troubled && rule.DegradedLatency > 0 && rule.ClearLatency > 0 && latency >= rule.ClearLatency:
		return 1
	}
	return 0
}

// take remembers one check.
func (m *memory) take(r models.Result, rule models.Rule, status models.Status) {
	state, at := models.StateUnknown, r.StartedAt()
	m.outcome = r.Outcome
	if r.Outcome == models.OutcomeUnknown {
		m.unmeasured++
	} else {
		state = m.measure(r, rule)
		m.unmeasured = 0
	}
	if state != m.state {
		m.state, m.since = state, at
		if state == models.StateDown || state == models.StateDegraded {
			m.since = m.began(len(m.measured) - 1)
		}
	}
	m.cause = r.Outcome != models.OutcomeSuccess
	m.beats = append(m.beats, status == models.StatusMaintenance)
}

func (m *memory) measure(r models.Result, rule models.Rule) models.State {
	c := seen{at: r.StartedAt(), rule: rule, mass: r.Mass, burst: r.Kind == models.KindBurst, gap: m.unmeasured > 0}
	for _, p := range r.Packets {
		c.rtts = append(c.rtts, p.RTT)
	}
	if n := len(m.measured); n > 0 && (m.measured[n-1].rule.Window != rule.Window || m.measured[n-1].rule.Latency != rule.Latency) {
		m.window = nil // it is another one
	}
	gone := func(at time.Time, after time.Duration) bool { return at.After(c.at) || c.at.Sub(at) >= after }
	judged := []seen{c}
	if m.window = append(m.window, c); rule.Window > 0 {
		m.window = slices.DeleteFunc(m.window, func(old seen) bool { return gone(old.at, rule.Window) })
		judged = m.window
	}
	m.flips = slices.DeleteFunc(m.flips, func(at time.Time) bool { return gone(at, time.Hour) })
	last := len(m.measured) - 1
	before := m.verdict(last)
	switch own := grades(rule, false, c); {
	case r.Received == 0:
		c.grade = 2
	default:
		c.grade = grades(rule, m.on(last, 1), judged...)
		c.limit = c.grade > 0
		m.outcome = models.OutcomeSuccess
		if own == 2 && rule.Window == 0 {
			m.outcome = models.OutcomeFailure
		} else if own > 0 {
			m.outcome = models.OutcomeWarning
		}
	}
	m.measured = append(m.measured, c)
	verdict := m.verdict(last + 1)
	if verdict != before && before != models.StatePending {
		m.flips = append(m.flips, c.at)
	}
	switch n := len(m.flips); {
	case n <= 2:
		m.flapping = time.Time{}
	case n >= 6 && m.flapping.IsZero():
		m.flapping = c.at
	}
	return verdict
}

// reason tells whether a limit was reached by the last check that was not ok, as long as that matters.
func (m *memory) reason() bool {
	last := len(m.measured) - 1
	if last < 0 || m.measured[last].grade == 0 && m.verdict(last) == models.StateUp {
		return false
	}
	for m.measured[last].grade == 0 {
		last--
	}
	return m.measured[last].limit
}

// differs compares what the row says with what the model remembers.
func (m *memory) differs(s models.MonitorState) error {
	last := len(m.measured) - 1
	verdict := m.verdict(last)
	switch {
	case s.State != m.state:
		return fmt.Errorf("state is %s, want %s", s.State, m.state)
	case !s.Since.Equal(m.since):
		return fmt.Errorf("since is %s, want %s", s.Since, m.since)
	case s.State == models.StatePaused:
		return nil
	case s.Measured != verdict:
		return fmt.Errorf("last measured state is %s, want %s", s.Measured, verdict)
	case s.Failures != m.run(last, 2, true) || s.Passes != m.run(last, 2, false) || s.DegradedInRow != m.run(last, 1, true) ||
		s.Successes != m.run(last, 1, false) || s.UnknownInRow != m.unmeasured:
		return fmt.Errorf("counts are %d, %d, %d, %d, %d, want %d, %d, %d, %d, %d", s.Failures, s.Passes, s.DegradedInRow, s.Successes, s.UnknownInRow,
			m.run(last, 2, true), m.run(last, 2, false), m.run(last, 1, true), m.run(last, 1, false), m.unmeasured)
	case s.Confirming() != ((s.State == models.StateUp || s.State == models.StatePending) && m.run(last, 1, true) > 0 || s.State == models.StateDegraded && m.run(last, 2, true) > 0):
		return fmt.Errorf("confirming is %v", s.Confirming())
	case !s.FlappingSince.Equal(m.flapping):
		return fmt.Errorf("flapping since %s, want %s", s.FlappingSince, m.flapping)
	case (s.Reason != "") != m.reason():
		return fmt.Errorf("reason is %q", s.Reason)
	case s.LastCheckedAt.IsZero():
		return nil
	case s.LastOutcome != m.outcome:
		return fmt.Errorf("outcome is %s, want %s", s.LastOutcome, m.outcome)
	case (s.Cause != models.CauseNone) != m.cause || !m.cause && (s.CauseSource != "" || s.CauseMTU != 0):
		return fmt.Errorf("cause is %q from %q with MTU %d", s.Cause, s.CauseSource, s.CauseMTU)
	}
	beats := s.Beats()
	for i, beat := range beats {
		if want := m.beats[len(m.beats)-len(beats)+i]; beat.Maintenance != want {
			return fmt.Errorf("beat %d says maintenance %v, want %v", i, beat.Maintenance, want)
		}
	}
	return nil
}

// reloaded is the state as a database gives it back: times in microseconds, and bytes that are empty, not nil.
func reloaded(s models.MonitorState) models.MonitorState {
	for _, at := range []*time.Time{&s.Since, &s.TroubleSince, &s.FailingSince, &s.FlappingSince, &s.LastCheckedAt} {
		*at = at.Truncate(time.Microsecond)
	}
	for _, b := range []*[]byte{&s.WindowChecks, &s.Flips, &s.Recent} {
		*b = append([]byte{}, *b...)
	}
	return s
}

type judge = models.JudgeFunc

// compare plays the operations to the judge and to the model and returns the first difference.
func compare(judge judge, ops []operation) error {
	rule := models.Rule{Confirmations: 2, Recoveries: 1, Gap: 200 * time.Millisecond}
	status := models.StatusActive
	s := models.MonitorState{State: models.StatePending, Measured: models.StatePending}
	m := memory{state: models.StatePending}
	minute := 0
	for i, op := range unfolded(ops) {
		switch op.Do {
		case "pause":
			status = models.StatusDisabled
			s.State, s.Since = models.StatePaused, time.UnixMilli(at(minute+1))
			m = memory{state: models.StatePaused, since: s.Since, outcome: m.outcome, cause: m.cause, beats: m.beats}
			continue
		case "resume":
			status = models.StatusActive
			continue
		case "maintenance":
			if status != models.StatusDisabled {
				status = models.StatusMaintenance
			}
			continue
		case "edit":
			rule = op.Rule
			continue
		case "crash":
			s = reloaded(s)
			continue
		case "clock on":
			minute += op.Minutes
			continue
		case "clock back":
			if status == models.StatusDisabled {
				continue
			}
			// As RecordResults does with the first result after it.
			s.LastSlot, minute = 0, minute-op.Minutes
		}
		r := replies(at(minute+1), 10, 10)
		switch op.Do {
		case "check":
			r = replies(at(minute+1), op.RTTs...)
		case "fail":
			r = found(at(minute+1), models.OutcomeFailure)
			r.Mass = op.Mass
		case "unknown":
			r = found(at(minute+1), models.OutcomeUnknown)
		case "repeat":
			if s.LastSlot == 0 {
				continue
			}
			r.Slot = s.LastSlot - int64(op.Minutes)*60_000
		}
		if op.Burst {
			r.Kind = models.KindBurst
		}
		next, took := judge(s, r, rule, status)
		if fresh := op.Do != "repeat" && status != models.StatusDisabled; took != fresh {
			return fmt.Errorf("step %d %s: taken is %v, want %v", i, op.Do, took, fresh)
		}
		s = next
		if took {
			minute++
			m.take(r, rule, status)
		}
		if err := m.differs(s); err != nil {
			return fmt.Errorf("step %d %s: %w", i, op.Do, err)
		}
	}
	return nil
}

func TestJudgeAgainstModel(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	before := checks.Value.String()
	if err := checks.Value.Set("10000"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := checks.Value.Set(before); err != nil {
			t.Error(err)
		}
	}()
	rapid.Check(t, func(t *rapid.T) {
		if err := compare(models.Judge, operations.Draw(t, "operations")); err != nil {
			t.Fatal(err)
		}
	})
}
