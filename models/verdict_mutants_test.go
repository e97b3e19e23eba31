package models_test

import (
	"testing"
	"time"

	"echolot/models"
)

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
		"unknown clears the trouble": wrapped(nil, func(_ state, s *state) {
			if s.State == models.StateUnknown {
				s.TroubleSince, s.FailingSince = time.Time{}, time.Time{}
			}
		}),
		"the window is forgotten":         wrapped(func(c call) { c.s.WindowChecks = nil }, nil),
		"the window is too long":          wrapped(func(c call) { c.rule.Window += time.Minute }, nil),
		"each check is judged by itself":  wrapped(func(c call) { c.rule.Window = 0 }, nil),
		"the average for the p95":         wrapped(func(c call) { c.rule.Latency = models.LatencyAverage }, nil),
		"no loss is too much":             wrapped(func(c call) { c.rule.DegradedLoss = 0 }, nil),
		"no latency is too much":          wrapped(func(c call) { c.rule.DegradedLatency, c.rule.FailedLatency = 0, 0 }, nil),
		"only silence is failure":         wrapped(func(c call) { c.rule.FailedLoss, c.rule.FailedLatency = 0, 0 }, nil),
		"the raise values clear":          wrapped(func(c call) { c.rule.ClearLoss, c.rule.ClearLatency = c.rule.DegradedLoss, c.rule.DegradedLatency }, nil),
		"the clear values raise":          wrapped(func(c call) { c.rule.DegradedLoss = min(c.rule.DegradedLoss, c.rule.ClearLoss) }, nil),
		"mass failure is one like others": wrapped(func(c call) { c.r.Mass = false }, nil),
		"a burst confirms":                wrapped(func(c call) { c.r.Kind = models.KindConfirm }, nil),
		"a burst is nothing": func(s state, r models.Result, rule models.Rule, status models.Status) (state, bool) {
			next, took := models.Judge(s, r, rule, status)
			if r.Kind == models.KindBurst && took {
				next.Failures = max(next.Failures, s.Failures)
			}
			return next, took
		},
		"degraded at once": wrapped(nil, func(_ state, s *state) {
			if s.Measured == models.StateUp && s.DegradedInRow > 0 {
				s.Measured = models.StateDegraded
			}
		}),
		"degraded is fine at once": wrapped(func(c call) {
			if c.s.Measured == models.StateDegraded {
				c.rule.Recoveries = 1
			}
		}, nil),
		"down is never degraded after": wrapped(nil, func(old state, s *state) {
			if old.Measured == models.StateDown && s.State == models.StateDegraded {
				s.State, s.Measured = models.StateUp, models.StateUp
			}
		}),
		"trouble begins with its verdict": wrapped(nil, func(old state, s *state) {
			if s.State != old.State {
				s.Since = s.LastCheckedAt
			}
		}),
		"trouble began before a gap": wrapped(func(c call) {
			if c.r.Outcome != models.OutcomeUnknown {
				c.s.UnknownInRow = 0
			}
		}, nil),
		"a gap ends the trouble": wrapped(func(c call) {
			if c.s.UnknownInRow > 0 {
				c.s.FailingSince, c.s.TroubleSince = time.Time{}, time.Time{}
			}
		}, nil),
		"trouble begins with its check": wrapped(func(c call) { c.rule.Gap = 0 }, nil),
		"down begins where degraded did": wrapped(nil, func(old state, s *state) {
			if s.State == models.StateDown && old.Measured == models.StateDegraded {
				s.Since = old.TroubleSince
			}
		}),
		"nothing flaps": wrapped(nil, func(_ state, s *state) { s.FlappingSince = time.Time{} }),
		"flapping ends too soon": wrapped(nil, func(_ state, s *state) {
			if s.FlipsWithinHour(s.LastCheckedAt) < 6 {
				s.FlappingSince = time.Time{}
			}
		}),
		"flapping never ends": wrapped(nil, func(old state, s *state) {
			if old.Flapping() {
				s.FlappingSince = old.FlappingSince
			}
		}),
		"the reason outlives the trouble": wrapped(nil, func(old state, s *state) {
			if s.Reason == "" {
				s.Reason = old.Reason
			}
		}),
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
