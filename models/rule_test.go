package models_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"echolot/models"
)

func msec(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }

// played judges checks one minute apart, each the RTTs of its packets in milliseconds, and returns the states after each: the first
// letter, or ? for unknown.
func played(rule models.Rule, checks [][]int) (states string, s models.MonitorState) {
	for i, rtts := range checks {
		s, _ = models.Judge(s, replies(at(i), rtts...), rule, models.StatusActive)
		states += string(s.State[0])
		if s.State == models.StateDegraded {
			states = states[:len(states)-1] + "D"
		}
	}
	return states, s
}

// T21, the rules' part: loss and delay make a monitor degraded where a limit says so, and nothing but 100 % over the confirmations
// makes it down without one.
func TestLossAndDelay(t *testing.T) {
	packets := func(lost int, rtt int) []int {
		rtts := slices.Repeat([]int{rtt}, 10)
		for i := range lost {
			rtts[3*i%10] = 0
		}
		return rtts
	}
	ten, third, most, all := packets(1, 10), []int{0, 10, 10, 0, 10, 10, 0, 10, 10}, packets(7, 10), packets(10, 10)
	slow := packets(0, 4500) // 0.9 of a time of 5 s for a check
	plain := models.Rule{Confirmations: 2, Recoveries: 1}
	limits := models.Rule{Confirmations: 2, Recoveries: 1, DegradedLoss: 34, ClearLoss: 34, DegradedLatency: msec(1000), ClearLatency: msec(1000)}
	strict := limits
	strict.DegradedLoss, strict.ClearLoss, strict.FailedLoss, strict.FailedLatency = 10, 10, 67, msec(4000)
	for _, c := range []struct {
		name   string
		rule   models.Rule
		check  []int
		states string // of an ok check, four of these, an ok one
	}{
		{"10 % without limits", plain, ten, "uuuuuu"},
		{"33 % without limits", plain, third, "uuuuuu"},
		{"70 % without limits", plain, most, "uuuuuu"},
		{"0.9 T without limits", plain, slow, "uuuuuu"},
		{"all lost without limits", plain, all, "uudddu"},
		{"10 % below the limit", limits, ten, "uuuuuu"},
		{"33 % just below the limit", limits, third, "uuuuuu"},
		{"70 % above the limit", limits, most, "uuDDDu"},
		{"0.9 T above the limit", limits, slow, "uuDDDu"},
		{"all lost with limits", limits, all, "uudddu"},
		{"10 % is the limit", strict, ten, "uuDDDu"},
		{"70 % is failed", strict, most, "uudddu"},
		{"0.9 T is failed", strict, slow, "uudddu"},
	} {
		ok := packets(0, 10)
		if got, _ := played(c.rule, [][]int{ok, c.check, c.check, c.check, c.check, ok}); got != c.states {
			t.Errorf("%s: got %s, want %s", c.name, got, c.states)
		}
	}
}

func TestDegradedStories(t *testing.T) {
	ok, lossy, some, none := []int{10, 10, 10, 10}, []int{10, 0, 0, 10}, []int{10, 10, 0, 10}, []int{0, 0, 0, 0}
	rule := models.Rule{Confirmations: 2, Recoveries: 2, DegradedLoss: 50, ClearLoss: 20}
	window := models.Rule{Confirmations: 1, Recoveries: 1, DegradedLoss: 20, ClearLoss: 10, Window: 4 * time.Minute}
	anyLoss := models.Rule{Confirmations: 1, Recoveries: 1, DegradedLoss: 50}
	for _, c := range []struct {
		name   string
		rule   models.Rule
		checks [][]int
		states string
	}{
		{"two lossy checks, two good ones", rule, [][]int{ok, lossy, lossy, ok, ok}, "uuDDu"},
		{"a good one between starts anew", rule, [][]int{ok, lossy, ok, lossy, ok}, "uuuuu"},
		{"between clear and raise it stays what it was", rule, [][]int{ok, some, some, lossy, lossy, some, some, ok, ok}, "uuuuDDDDu"},
		{"lossy, then silent: degraded, then down", rule, [][]int{ok, lossy, none, none}, "uuDd"},
		{"silent, then lossy, then good: one step after the other", rule, [][]int{none, none, lossy, lossy, ok, ok}, "pddDDu"},
		{"from pending it takes confirmation too", rule, [][]int{lossy, lossy}, "pD"},
		{"one lossy check of pending, then a good one", rule, [][]int{lossy, ok}, "pu"},
		{"one lossy check in four is 12 % of them", window, [][]int{ok, ok, ok, lossy, ok}, "uuuuu"},
		{"two are 25 %; they leave after four minutes", window, [][]int{ok, ok, ok, lossy, lossy, ok, ok, ok, ok}, "uuuuDDDDu"},
		{"a silent check has failed, whatever the window", window, [][]int{ok, ok, ok, none, ok, ok, ok, ok}, "uuudDDDu"},
		{"without a clear value nothing may be lost", anyLoss, [][]int{ok, lossy, some, ok}, "uDDu"},
	} {
		if got, _ := played(c.rule, c.checks); got != c.states {
			t.Errorf("%s: got %s, want %s", c.name, got, c.states)
		}
	}
}

func TestTheReasonNamesTheLimit(t *testing.T) {
	for _, c := range []struct {
		name   string
		rule   models.Rule
		checks [][]int
		want   models.Breach
	}{
		{"loss of a check", models.Rule{DegradedLoss: 10}, [][]int{{10, 10, 0}}, models.Breach{What: models.BreachLoss, Value: 33.333, Limit: 10}},
		{"loss of a window", models.Rule{DegradedLoss: 12.5, Window: 5 * time.Minute}, [][]int{{10, 10, 10, 10}, {10, 0, 10, 10}},
			models.Breach{What: models.BreachLoss, Value: 12.5, Limit: 12.5, Window: 5 * time.Minute}},
		{"average", models.Rule{DegradedLatency: msec(25.5)}, [][]int{{20, 35}}, models.Breach{What: models.BreachAverage, Value: 27.5, Limit: 25.5}},
		{"p95", models.Rule{FailedLatency: msec(25), Latency: models.LatencyP95}, [][]int{{20, 20, 35}}, models.Breach{What: models.BreachP95, Value: 35, Limit: 25}},
		{"the failed limit before the degraded one", models.Rule{DegradedLoss: 10, FailedLatency: msec(5)}, [][]int{{10, 0}}, models.Breach{What: models.BreachAverage, Value: 10, Limit: 5}},
		{"not clear yet", models.Rule{DegradedLatency: msec(30), ClearLatency: msec(15)}, [][]int{{40}, {20}}, models.Breach{What: models.BreachAverage, Value: 20, Limit: 15, Clearing: true}},
	} {
		_, s := played(c.rule, c.checks)
		if got, ok := models.ParseBreach(s.Reason); !ok || got != c.want {
			t.Errorf("%s: got %+v from %q, want %+v", c.name, got, s.Reason, c.want)
		}
	}
	if _, s := played(models.Rule{DegradedLoss: 10}, [][]int{{0, 0}}); s.Reason != "" || s.State != models.StateDown {
		t.Errorf("a silent check: got %s, reason %q; want down, and its cause is the reason", s.State, s.Reason)
	}
	for _, text := range []string{"", "loss", "loss x 1 1 true"} {
		if b, ok := models.ParseBreach(text); ok {
			t.Errorf("%q: got %+v, want nothing", text, b)
		}
	}
}

// However many checks fall into a window, its memory is bounded, and its figures stay near what they would be from all of them.
func TestAWindowIsSmallAndNearlyExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, interval := range []time.Duration{time.Second, 7 * time.Second, time.Minute} {
		rule := models.Rule{Confirmations: 1, Recoveries: 1, Window: time.Hour, DegradedLatency: time.Microsecond, Latency: models.LatencyP95}
		average := rule
		average.Latency = models.LatencyAverage
		var s, plain models.MonitorState
		type check struct {
			at   time.Time
			rtts []float64
		}
		var all []check
		start := time.UnixMilli(at(0))
		for i := range int(2 * time.Hour / interval) {
			c := check{at: start.Add(time.Duration(i) * interval)}
			r := replies(c.at.UnixMilli(), 1, 1, 1, 1)
			for p := range r.Packets {
				r.Packets[p].RTT = time.Duration(1e6 * (5 + 20*random.ExpFloat64()))
				c.rtts = append(c.rtts, float64(r.Packets[p].RTT)/1e6)
			}
			all = append(all, c)
			s, _ = models.Judge(s, r, rule, models.StatusActive)
			plain, _ = models.Judge(plain, r, average, models.StatusActive)
		}
		var rtts []float64
		for _, c := range all {
			if all[len(all)-1].at.Sub(c.at) < time.Hour {
				rtts = append(rtts, c.rtts...)
			}
		}
		slices.Sort(rtts)
		b, _ := models.ParseBreach(s.Reason)
		if exact := rtts[(95*len(rtts)+99)/100-1]; b.Value < 0.98*exact || b.Value > 1.02*exact {
			t.Errorf("every %s: got a p95 of %.3f ms, want %.3f", interval, b.Value, exact)
		}
		t.Logf("every %s: %d bytes for averages, %d with sketches", interval, len(plain.WindowChecks), len(s.WindowChecks))
		if len(plain.WindowChecks) > 60*12 || len(s.WindowChecks) > 60*250 {
			t.Errorf("every %s: got %d and %d bytes, want at most %d and %d", interval, len(plain.WindowChecks), len(s.WindowChecks), 60*12, 60*250)
		}
	}
}

// What can not be read, or is of another rule, is forgotten; it does not stop verdicts.
func TestAWindowOfAnotherRuleIsForgotten(t *testing.T) {
	rule := models.Rule{Confirmations: 1, Recoveries: 1, Window: time.Hour, DegradedLoss: 30, ClearLoss: 30}
	_, bad := played(rule, [][]int{{10, 0}})
	if bad.State != models.StatePending && bad.State != models.StateDegraded || len(bad.WindowChecks) == 0 {
		t.Fatalf("got %s with %d bytes of window", bad.State, len(bad.WindowChecks))
	}
	for name, change := range map[string]func(s *models.MonitorState, rule *models.Rule){
		"another length":  func(_ *models.MonitorState, r *models.Rule) { r.Window = 2 * time.Hour },
		"another measure": func(_ *models.MonitorState, r *models.Rule) { r.Latency = models.LatencyP95 },
		"torn":            func(s *models.MonitorState, _ *models.Rule) { s.WindowChecks = s.WindowChecks[:len(s.WindowChecks)-1] },
		"garbage":         func(s *models.MonitorState, _ *models.Rule) { s.WindowChecks = []byte(strings.Repeat("\xff", 40)) },
		"none":            func(s *models.MonitorState, _ *models.Rule) { s.WindowChecks = nil },
	} {
		s, r := bad, rule
		change(&s, &r)
		if s, _ = models.Judge(s, replies(at(1), 10, 10), r, models.StatusActive); s.State != models.StateUp {
			t.Errorf("%s: got %s (%s), want up", name, s.State, s.Reason)
		}
	}
	if s, _ := models.Judge(bad, replies(at(1), 10, 10, 10, 0), rule, models.StatusActive); s.State != models.StateDegraded {
		t.Errorf("the same rule: got %s, want degraded: 2 of 6 were lost", s.State)
	}
	rule.Window = 0
	if s, _ := models.Judge(bad, replies(at(1), 10), rule, models.StatusActive); len(s.WindowChecks) != 0 {
		t.Errorf("without a window: got %d bytes kept", len(s.WindowChecks))
	}
}

// A check by itself is a warning or a failure by its own figures; a window's failed limits make no check a failure.
func TestOutcomeOfACheck(t *testing.T) {
	rule := models.Rule{DegradedLoss: 10, FailedLoss: 60, DegradedLatency: msec(50)}
	window := rule
	window.Window = time.Minute
	for _, c := range []struct {
		rtts          []int
		alone, within models.Outcome
	}{
		{[]int{10, 10, 10}, models.OutcomeSuccess, models.OutcomeSuccess},
		{[]int{10, 10, 0}, models.OutcomeWarning, models.OutcomeWarning},
		{[]int{90, 90, 90}, models.OutcomeWarning, models.OutcomeWarning},
		{[]int{10, 0, 0}, models.OutcomeFailure, models.OutcomeWarning},
		{[]int{0, 0, 0}, models.OutcomeFailure, models.OutcomeFailure},
	} {
		r := replies(at(1), c.rtts...)
		for rule, want := range map[models.Rule]models.Outcome{rule: c.alone, window: c.within, {}: r.Outcome} {
			got := rule.Outcome(r)
			r := r
			if r.Outcome = got; got != want || rule.Outcome(r) != want {
				t.Errorf("%v, window of %s: got %s, again %s, want %s", c.rtts, rule.Window, got, rule.Outcome(r), want)
			}
		}
	}
	if got := rule.Outcome(found(at(1), models.OutcomeUnknown)); got != models.OutcomeUnknown {
		t.Errorf("not measured: got %s", got)
	}
}
