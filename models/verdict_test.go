package models_test

import (
	"flag"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"echolot/models"
)

// at is the slot of minute n of the tests' day.
func at(n int) int64 {
	return time.Date(2026, 3, 1, 12, n, 0, 0, time.UTC).UnixMilli()
}

// found is a result with the outcome, as a pinger would fill it in.
func found(slot int64, outcome models.Outcome) models.Result {
	r := models.Result{Monitor: 1, Rev: 1, Location: 1, Slot: slot, Outcome: outcome, StartedOffset: 3 * time.Millisecond}
	switch outcome {
	case models.OutcomeSuccess:
		r.Sent, r.Received, r.ReplyTTL, r.Address = 2, 2, 64, netip.MustParseAddr("192.0.2.1")
		r.Packets = []models.Packet{{State: models.PacketReplied, RTT: 2 * time.Millisecond}, {State: models.PacketReplied, RTT: 4 * time.Millisecond}}
	case models.OutcomeFailure:
		r.Sent, r.Cause, r.Address = 2, models.CauseTooBig, netip.MustParseAddr("192.0.2.1")
		r.CauseSource, r.CauseMTU = netip.MustParseAddr("192.0.2.254"), 1280
		r.Packets = make([]models.Packet, 2)
	default:
		r.Cause = models.CauseDNSError
	}
	return r
}

func TestJudgeStories(t *testing.T) {
	for _, story := range []struct {
		name    string
		rule    models.Rule
		results string // + good, - failed, ? not measured
		states  string // the first letter after each: p u d ?
	}{
		{"the first reply: up", models.Rule{Confirmations: 2, Recoveries: 1}, "+", "u"},
		{"one loss: up, two losses: down, one reply: up", models.Rule{Confirmations: 2, Recoveries: 1}, "+--+", "uudu"},
		{"a failure counts from pending too", models.Rule{Confirmations: 2, Recoveries: 1}, "--", "pd"},
		{"pending, a failure, a reply: up", models.Rule{Confirmations: 3, Recoveries: 1}, "--+", "ppu"},
		{"one confirmation: down at once", models.Rule{Confirmations: 1, Recoveries: 1}, "+-", "ud"},
		{"no rule at all is a rule of one", models.Rule{}, "+-+", "udu"},
		{"failures must be in a row", models.Rule{Confirmations: 2, Recoveries: 1}, "+-+-+--", "uuuuuud"},
		{"recoveries must be in a row", models.Rule{Confirmations: 1, Recoveries: 2}, "-+-+-++", "ddddddu"},
		{"recoveries do not delay the first up", models.Rule{Confirmations: 2, Recoveries: 3}, "+", "u"},
		{"unknown at once, and back", models.Rule{Confirmations: 2, Recoveries: 1}, "+?+", "u?u"},
		{"unknown never becomes down", models.Rule{Confirmations: 1, Recoveries: 1}, "+?????+", "u?????u"},
		{"unknown neither advances nor clears failures", models.Rule{Confirmations: 2, Recoveries: 1}, "+-?-", "uu?d"},
		{"unknown neither advances nor clears successes", models.Rule{Confirmations: 1, Recoveries: 2}, "-+?+", "dd?u"},
		{"after unknown from the last measured state", models.Rule{Confirmations: 2, Recoveries: 2}, "--?-?+", "pd?d?d"},
		{"unknown while pending", models.Rule{Confirmations: 2, Recoveries: 1}, "?-?-", "?p?d"},
	} {
		t.Run(story.name, func(t *testing.T) {
			letters := map[models.State]byte{
				models.StatePending: 'p', models.StateUp: 'u', models.StateDown: 'd', models.StateUnknown: '?',
			}
			outcomes := map[rune]models.Outcome{
				'+': models.OutcomeSuccess, '-': models.OutcomeFailure, '?': models.OutcomeUnknown,
			}
			var s models.MonitorState
			var states []byte
			for i, c := range story.results {
				s, _ = models.Judge(s, found(at(i+1), outcomes[c]), story.rule, models.StatusActive)
				states = append(states, letters[s.State])
			}
			if string(states) != story.states {
				t.Errorf("states after %s: got %s, want %s", story.results, states, story.states)
			}
		})
	}
}

// A burst that fails as well adds nothing to what is confirmed; one that is answered clears it.
func TestJudgeOfABurst(t *testing.T) {
	rule := models.Rule{Confirmations: 2, Recoveries: 1}
	var s models.MonitorState
	n := 0
	judge := func(kind models.Kind, outcome models.Outcome) {
		n++
		r := found(at(n), outcome)
		r.Kind = kind
		s, _ = models.Judge(s, r, rule, models.StatusActive)
	}
	expect := func(what string, state models.State, failures int, confirming bool) {
		t.Helper()
		if s.State != state || s.Failures != failures || models.NeedsConfirming(s, rule) != confirming {
			t.Errorf("%s: got %s, %d failures, to be confirmed %t; want %s, %d, %t", what, s.State, s.Failures, models.NeedsConfirming(s, rule), state, failures, confirming)
		}
	}
	judge(models.KindScheduled, models.OutcomeSuccess)
	judge(models.KindScheduled, models.OutcomeFailure)
	expect("a failure", models.StateUp, 1, true)
	judge(models.KindBurst, models.OutcomeFailure)
	expect("a burst that fails", models.StateUp, 1, true)
	judge(models.KindConfirm, models.OutcomeFailure)
	expect("the confirming check", models.StateDown, 2, false)
	judge(models.KindScheduled, models.OutcomeSuccess)
	judge(models.KindScheduled, models.OutcomeFailure)
	judge(models.KindBurst, models.OutcomeUnknown)
	expect("a burst that is not measured", models.StateUnknown, 1, false)
	judge(models.KindBurst, models.OutcomeFailure)
	expect("one that fails, from there", models.StateUp, 1, true)
	judge(models.KindBurst, models.OutcomeSuccess)
	expect("one that is answered", models.StateUp, 0, false)
	judge(models.KindBurst, models.OutcomeFailure)
	expect("one without a failure before", models.StateUp, 1, true)
}

func TestJudgeFillsTheRow(t *testing.T) {
	rule := models.Rule{Confirmations: 2, Recoveries: 1}
	s := models.MonitorState{MonitorID: 7, LocationID: 1, OrganizationID: 3, State: models.StatePending}

	s, took := models.Judge(s, found(at(1), models.OutcomeSuccess), rule, models.StatusActive)
	if !took {
		t.Fatal("a first result was ignored")
	}
	since := time.UnixMilli(at(1)).UTC().Add(3 * time.Millisecond)
	want := models.MonitorState{
		MonitorID: 7, LocationID: 1, OrganizationID: 3,
		State: models.StateUp, Measured: models.StateUp, Since: since, Rank: 7, Successes: 1,
		LastSlot: at(1), LastCheckedAt: since, LastOutcome: models.OutcomeSuccess,
		LastSent: 2, LastReceived: 2, LastRTT: 3000, Address: "192.0.2.1", ReplyTTL: 64,
	}
	want.PushBeat(models.Beat{Outcome: models.OutcomeSuccess, RTT: 3 * time.Millisecond})
	sameRow(t, s, want)

	s, _ = models.Judge(s, found(at(2), models.OutcomeFailure), rule, models.StatusActive)
	want.Rank, want.Failures, want.Successes = 3, 1, 0 // checking again
	want.Cause, want.CauseSource, want.CauseMTU = models.CauseTooBig, "192.0.2.254", 1280
	want.LastSlot, want.LastCheckedAt = at(2), since.Add(time.Minute)
	want.LastOutcome, want.LastReceived, want.LastRTT, want.ReplyTTL = models.OutcomeFailure, 0, -1, 0
	want.PushBeat(models.Beat{Outcome: models.OutcomeFailure, LossPercent: 100})
	sameRow(t, s, want)

	s, _ = models.Judge(s, found(at(3), models.OutcomeUnknown), rule, models.StatusMaintenance)
	want.State, want.Since, want.Rank = models.StateUnknown, since.Add(2*time.Minute), 4
	want.UnknownInRow, want.Cause, want.CauseSource, want.CauseMTU = 1, models.CauseDNSError, "", 0
	want.LastSlot, want.LastCheckedAt = at(3), since.Add(2*time.Minute)
	want.LastOutcome, want.LastSent, want.Address = models.OutcomeUnknown, 0, ""
	want.PushBeat(models.Beat{Outcome: models.OutcomeUnknown, Maintenance: true})
	sameRow(t, s, want)

	again, took := models.Judge(s, found(at(3), models.OutcomeSuccess), rule, models.StatusActive)
	if took {
		t.Error("a result of a slot that was judged before was taken")
	}
	sameRow(t, again, want)
	if _, took := models.Judge(s, found(at(4), models.OutcomeSuccess), rule, models.StatusDisabled); took {
		t.Error("a result of a disabled monitor was taken")
	}
}

func TestPartialLossLeavesNoCause(t *testing.T) {
	r := found(at(1), models.OutcomeSuccess)
	r.Received, r.Cause, r.Packets[1] = 1, models.CauseTooBig, models.Packet{}
	r.CauseSource, r.CauseMTU = netip.MustParseAddr("192.0.2.254"), 1280
	s, _ := models.Judge(models.MonitorState{}, r, models.Rule{}, models.StatusActive)
	if s.State != models.StateUp || s.Cause != models.CauseNone || s.CauseSource != "" || s.CauseMTU != 0 {
		t.Errorf("one of two packets lost: got %s, cause %q, said %q, MTU %d; want up without a cause", s.State, s.Cause, s.CauseSource, s.CauseMTU)
	}
	if beats := s.Beats(); beats[0].LossPercent != 50 {
		t.Errorf("loss in the bar: got %d, want 50", beats[0].LossPercent)
	}
}

func sameRow(t *testing.T, got, want models.MonitorState) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("state row:\n got %s\nwant %s", g, w)
	}
}

// T09: random histories against a model that knows no counters: it keeps everything that happened and finds the verdict
// by looking back.

// operation is one thing that happens to a monitor.
type operation struct {
	Do   string
	Rule models.Rule // of an edit
	Slot int         // of a result that comes again or late: how many slots back
}

var operations = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) operation {
	op := operation{Do: rapid.SampledFrom([]string{
		"ok", "ok", "fail", "fail", "fail", "unknown", "pause", "resume", "maintenance", "edit", "repeat",
	}).Draw(t, "do")}
	switch op.Do {
	case "edit":
		op.Rule = models.Rule{
			Confirmations: rapid.IntRange(1, 4).Draw(t, "confirmations"),
			Recoveries:    rapid.IntRange(1, 3).Draw(t, "recoveries"),
		}
	case "repeat":
		op.Slot = rapid.IntRange(0, 3).Draw(t, "back")
	}
	return op
}), 1, 40)

// judged is one measured check of the model's memory and the rule it was judged by.
type judged struct {
	good bool
	rule models.Rule
}

// memory is the model: all that was measured since the last pause.
type memory struct {
	measured   []judged
	unmeasured int // in a row
	state      models.State
	since      time.Time
	cause      bool
	beats      []bool // of maintenance
}

// streak is how many of the last checks are all good, or all bad, up to and including i.
func (m *memory) streak(i int, good bool) int {
	n := 0
	for ; i >= 0 && m.measured[i].good == good; i-- {
		n++
	}
	return n
}

// verdict looks back from check i for what decides it.
func (m *memory) verdict(i int) models.State {
	for ; i >= 0; i-- {
		check := m.measured[i]
		if !check.good && m.streak(i, false) >= check.rule.Confirmations {
			return models.StateDown
		}
		if check.good && (m.streak(i, true) >= check.rule.Recoveries || m.verdict(i-1) != models.StateDown) {
			return models.StateUp
		}
	}
	return models.StatePending
}

type judge = models.JudgeFunc

// compare plays the operations to the judge and to the model and returns the first difference.
func compare(judge judge, ops []operation) error {
	rule := models.Rule{Confirmations: 2, Recoveries: 1}
	status := models.StatusActive
	s := models.MonitorState{State: models.StatePending, Measured: models.StatePending}
	m := memory{state: models.StatePending}
	minute := 0
	for i, op := range ops {
		slot, outcome := at(minute+1), models.OutcomeSuccess
		switch op.Do {
		case "pause":
			status = models.StatusDisabled
			s.State, s.Since = models.StatePaused, time.UnixMilli(slot)
			m = memory{state: models.StatePaused, since: s.Since, cause: m.cause, beats: m.beats}
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
		case "repeat":
			if minute-op.Slot < 1 {
				continue
			}
			slot = at(minute - op.Slot)
		case "fail":
			outcome = models.OutcomeFailure
		case "unknown":
			outcome = models.OutcomeUnknown
		}
		next, took := judge(s, found(slot, outcome), rule, status)
		if fresh := op.Do != "repeat" && status != models.StatusDisabled; took != fresh {
			return fmt.Errorf("step %d %s: taken is %v, want %v", i, op.Do, took, fresh)
		}
		s = next
		if took {
			minute++
			m.take(outcome, rule, s.LastCheckedAt, status)
		}
		if err := m.differs(s); err != nil {
			return fmt.Errorf("step %d %s: %w", i, op.Do, err)
		}
	}
	return nil
}

// take remembers one check.
func (m *memory) take(outcome models.Outcome, rule models.Rule, at time.Time, status models.Status) {
	state := models.StateUnknown
	if outcome == models.OutcomeUnknown {
		m.unmeasured++
	} else {
		m.unmeasured = 0
		m.measured = append(m.measured, judged{outcome == models.OutcomeSuccess, rule})
		state = m.verdict(len(m.measured) - 1)
	}
	if state != m.state {
		m.state, m.since = state, at
	}
	m.cause = outcome != models.OutcomeSuccess
	m.beats = append(m.beats, status == models.StatusMaintenance)
}

// differs compares what the row says with what the model remembers.
func (m *memory) differs(s models.MonitorState) error {
	last := len(m.measured) - 1
	switch {
	case s.State != m.state:
		return fmt.Errorf("state is %s, want %s", s.State, m.state)
	case !s.Since.Equal(m.since):
		return fmt.Errorf("since is %s, want %s", s.Since, m.since)
	case s.State == models.StatePaused:
		return nil
	case s.Measured != m.verdict(last):
		return fmt.Errorf("last measured state is %s, want %s", s.Measured, m.verdict(last))
	case s.Failures != m.streak(last, false) || s.Successes != m.streak(last, true) || s.UnknownInRow != m.unmeasured:
		return fmt.Errorf("counts are %d, %d, %d, want %d, %d, %d", s.Failures, s.Successes, s.UnknownInRow,
			m.streak(last, false), m.streak(last, true), m.unmeasured)
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

// T10: rules that are each broken in one place. A mutant that the model does not notice means that T09 tests nothing there.
func TestModelKillsMutants(t *testing.T) {
	// wrapped breaks what Judge is given, or what it answers.
	type state = models.MonitorState
	type call struct {
		s      *state
		r      *models.Result
		rule   *models.Rule
		status *models.Status
	}
	wrapped := func(before func(call), after func(old state, s *state)) judge {
		return func(s state, r models.Result, rule models.Rule, status models.Status) (state, bool) {
			old := s
			if before != nil {
				before(call{&s, &r, &rule, &status})
			}
			next, took := models.Judge(s, r, rule, status)
			if took && after != nil {
				after(old, &next)
			}
			return next, took
		}
	}
	for name, mutant := range map[string]judge{
		"unknown counts as failed": wrapped(func(c call) {
			if c.r.Outcome == models.OutcomeUnknown {
				c.r.Outcome = models.OutcomeFailure
			}
		}, nil),
		"unknown clears the counts": wrapped(nil, func(_ state, s *state) {
			if s.State == models.StateUnknown {
				s.Failures, s.Successes = 0, 0
			}
		}),
		"unknown advances the failures": wrapped(nil, func(_ state, s *state) {
			if s.State == models.StateUnknown {
				s.Failures++
			}
		}),
		"unknown keeps the state": wrapped(nil, func(old state, s *state) {
			if s.State == models.StateUnknown {
				s.State, s.Since = old.State, old.Since
			}
		}),
		"after unknown from pending": wrapped(func(c call) {
			if c.s.State == models.StateUnknown {
				c.s.Measured = models.StatePending
			}
		}, nil),
		"one confirmation too many":     wrapped(func(c call) { c.rule.Confirmations++ }, nil),
		"one confirmation too few":      wrapped(func(c call) { c.rule.Confirmations-- }, nil),
		"one recovery too many":         wrapped(func(c call) { c.rule.Recoveries++ }, nil),
		"the first reply is a recovery": wrapped(func(c call) { c.rule.Recoveries = 1 }, nil),
		"pending is down at once": wrapped(func(c call) {
			if c.s.Measured == models.StatePending {
				c.rule.Confirmations = 1
			}
		}, nil),
		"a good check leaves the failures": wrapped(nil, func(old state, s *state) {
			if s.LastOutcome == models.OutcomeSuccess && s.Measured == models.StateUp {
				s.Failures = old.Failures
			}
		}),
		"a failed check leaves the successes": wrapped(nil, func(old state, s *state) {
			if s.LastOutcome == models.OutcomeFailure {
				s.Successes = old.Successes
			}
		}),
		"a repetition is taken":  wrapped(func(c call) { c.s.LastSlot = 0 }, nil),
		"a paused one is judged": wrapped(func(c call) { *c.status = models.StatusActive }, nil),
		"a pause is forgotten": wrapped(func(c call) {
			if c.s.State == models.StatePaused {
				c.s.State = c.s.Measured
			}
		}, nil),
		"since moves with every check": wrapped(nil, func(_ state, s *state) { s.Since = s.LastCheckedAt }),
		"since never moves":            wrapped(nil, func(old state, s *state) { s.Since = old.Since }),
		"maintenance is not judged": wrapped(nil, func(old state, s *state) {
			if b := s.Beats(); b[len(b)-1].Maintenance {
				s.State, s.Measured = old.State, old.Measured
			}
		}),
		"the bar forgets maintenance": wrapped(nil, func(_ state, s *state) {
			for i := 0; i < len(s.Recent); i += 6 {
				s.Recent[i] &^= 4
			}
		}),
		"the cause outlives the trouble": wrapped(nil, func(old state, s *state) {
			if s.Cause == models.CauseNone {
				s.Cause = old.Cause
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			const tries = 10_000
			for seed := range tries {
				if compare(mutant, operations.Example(seed)) != nil {
					return
				}
			}
			t.Errorf("lives after %d histories", tries)
		})
	}
}
