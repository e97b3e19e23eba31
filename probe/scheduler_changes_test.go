package probe

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"echolot/models"
)

// T08: changes during a running check. A goroutine that is left would fail the bubble.
func TestChangesDuringACheck(t *testing.T) {
	for name, test := range map[string]struct {
		change func(s *simulation, m models.ProbeTarget)
		want   string // the results' kinds and hosts after half an hour
		cut    bool
	}{
		"edit": {func(s *simulation, m models.ProbeTarget) {
			s.Set(changed(m))
		}, "first:2", true},
		"edited twice": {func(s *simulation, m models.ProbeTarget) {
			s.Set(changed(m))
			s.Set(changed(changed(m)))
		}, "first:3", true},
		"delete": {func(s *simulation, m models.ProbeTarget) {
			s.Remove(m.MonitorID)
		}, "", true},
		"pause and resume": {func(s *simulation, m models.ProbeTarget) {
			s.Remove(m.MonitorID)
			s.Set(changed(changed(m)))
		}, "first:3", true},
		"a rename": {func(s *simulation, m models.ProbeTarget) {
			s.Set(m)
		}, "first:1", false},
		"check now": {func(s *simulation, m models.ProbeTarget) {
			s.CheckNow(m.MonitorID)
			s.CheckNow(m.MonitorID)
		}, "first:1 manual:1", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := simulate(t, &fakePinger{takes: func(models.Check) time.Duration { return 20 * time.Second }}, 100)
				m := target(1, 24*time.Hour)
				s.Set(m)
				time.Sleep(5 * time.Second)
				at := time.Now()
				test.change(s, m)
				time.Sleep(time.Second)
				if pings := s.of(1); test.cut && (len(pings) == 0 || !pings[0].cut || pings[0].ended.Sub(at) > time.Second) {
					t.Errorf("the running check was not cut short within a second: %+v", pings)
				}
				time.Sleep(time.Minute)
				s.stop()
				s.sound(t)
				var got []string
				for _, r := range s.results() {
					got = append(got, fmt.Sprintf("%s:%d", r.Kind, r.Rev))
				}
				if g := strings.Join(got, " "); g != test.want {
					t.Errorf("results: got %q, want %q", g, test.want)
				}
				if n := s.TakeStats().Monitors; (n == 0) != (test.want == "") {
					t.Errorf("monitors left: got %d", n)
				}
			})
		})
	}
}

func TestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, &fakePinger{}, 100)
		time.Sleep(1234 * time.Millisecond)
		m := target(1, 24*time.Hour)
		for _, ask := range []func(){
			func() { s.Set(m) },          // new
			func() { s.Set(changed(m)) }, // changed
			func() { s.CheckNow(1) },     // asked for
		} {
			before, at := len(s.of(1)), time.Now()
			ask()
			synctest.Wait()
			time.Sleep(time.Second)
			pings := s.of(1)
			if len(pings) != before+1 || pings[before].began.Sub(at) > 10*time.Millisecond {
				t.Fatalf("checks after asking at %s: got %+v, want one more at once", at, pings)
			}
		}
		s.CheckNow(99) // nobody
		s.Set(m)       // an old rev: read before it was changed
		s.Remove(99)   // nobody
		s.Set(m)       // again
		time.Sleep(time.Second)
		if got, want := s.kinds(), "first first manual"; got != want {
			t.Errorf("kinds: got %q, want %q", got, want)
		}
	})
}

func TestConfirmingCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := checked(1, time.Hour)
		s := simulate(t, &fakePinger{finds: func(models.Check) models.Outcome { return models.OutcomeFailure }}, 100, m)
		state := models.MonitorState{Measured: models.StateUp, State: models.StateUp}
		record := func() {
			results := s.results()
			r := results[len(results)-1]
			state, _ = models.Judge(state, r, m.Rule, m.Status)
			time.Sleep(200 * time.Millisecond)
			s.Recorded(models.Recorded{Monitor: models.MonitorRow{State: state}, Result: r})
			s.Recorded(models.Recorded{Monitor: models.MonitorRow{State: state}, Result: r}) // told twice
		}
		s.CheckNow(1)
		time.Sleep(time.Second)
		record()
		time.Sleep(time.Second)
		record() // the burst, which confirms nothing
		if state.State != models.StateUp {
			t.Errorf("after the burst: got %s, want up", state.State)
		}
		time.Sleep(10 * time.Second)
		record() // down now: nothing to confirm
		time.Sleep(10 * time.Second)
		if got, want := s.kinds(), "manual burst confirm"; got != want {
			t.Fatalf("kinds: got %q, want %q", got, want)
		}
		pings := s.of(1)
		if gap := pings[2].began.Sub(pings[0].ended); gap < 5*time.Second || gap > 5*time.Second+10*time.Millisecond {
			t.Errorf("pause before the confirming check: got %s, want 5s", gap)
		}
		if state.State != models.StateDown {
			t.Errorf("state: got %s, want down", state.State)
		}
	})
}

// What was recorded late says nothing of what was checked since.
func TestNoConfirmingOfThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := checked(1, time.Hour)
		s := simulate(t, &fakePinger{}, 100, m)
		s.CheckNow(1)
		pass(time.Second)
		old := s.results()[0]
		old.Outcome = models.OutcomeFailure
		s.CheckNow(1)
		pass(time.Second)
		state, _ := models.Judge(models.MonitorState{}, old, m.Rule, m.Status)
		s.Recorded(models.Recorded{Monitor: models.MonitorRow{State: state}, Result: old})
		pass(time.Minute)
		if got, want := s.kinds(), "manual manual"; got != want {
			t.Errorf("kinds: got %q, want %q", got, want)
		}
	})
}

// The slot is the result's key: even checks that take no time have one each.
func TestSlotsNeverRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, &fakePinger{takes: func(models.Check) time.Duration { return 0 }}, 100, checked(1, time.Hour))
		for range 3 {
			synctest.Wait()
			s.CheckNow(1)
		}
		pass(time.Second)
		s.stop()
		s.sound(t)
		if got, want := s.kinds(), "manual manual"; got != want { // the third asked for what the second was about to do
			t.Errorf("kinds: got %q, want %q", got, want)
		}
	})
}

func TestNoHurryForTheUnmeasured(t *testing.T) {
	rule := models.Rule{Confirmations: 3, Recoveries: 1}
	for outcomes, want := range map[string]bool{"+": false, "-": true, "--": true, "---": false, "?": false, "-?": false, "-+": false} {
		var s models.MonitorState
		for i, c := range outcomes {
			outcome := map[rune]models.Outcome{'+': models.OutcomeSuccess, '-': models.OutcomeFailure, '?': models.OutcomeUnknown}[c]
			s, _ = models.Judge(s, found(at(i), outcome), rule, models.StatusActive)
		}
		if got := models.NeedsConfirming(s, rule); got != want {
			t.Errorf("a confirming check after %s: got %v, want %v", outcomes, got, want)
		}
	}
}
