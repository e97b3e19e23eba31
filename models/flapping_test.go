package models_test

import (
	"testing"
	"time"

	"echolot/models"
)

// T24, the verdicts' part: a target that turns 30 times an hour. Every turn is there to make an incident of; what would be told is at
// most 6 turns and that it flaps, once, however long it goes on; and when it has settled, the next outage is told again.
func TestAFlappingTargetIsToldOnce(t *testing.T) {
	rule := models.Rule{Confirmations: 2, Recoveries: 1}
	var s models.MonitorState
	var turns, told, notices, endings int
	now := time.UnixMilli(at(0))
	check := func(outcome models.Outcome) {
		before := s
		s, _ = models.Judge(s, found(now.UnixMilli(), outcome), rule, models.StatusActive)
		if before.Measured != s.Measured && before.Measured != models.StatePending && before.Measured != "" {
			turns++
			if !before.Flapping() && !s.Flapping() {
				told++
			}
		}
		if !before.Flapping() && s.Flapping() {
			notices++
		}
		if before.Flapping() && !s.Flapping() {
			endings++
		}
		now = now.Add(30 * time.Second)
	}
	for range 3 * 15 { // three hours of two minutes up, two minutes down
		for range 4 {
			check(models.OutcomeSuccess)
		}
		for range 4 {
			check(models.OutcomeFailure)
		}
	}
	if turns != 2*3*15-1 || told > 6 || notices != 1 || endings != 0 {
		t.Errorf("three hours: got %d turns, %d told, %d notices, %d endings; want 89 turns, at most 6 told, one notice", turns, told, notices, endings)
	}
	if n := s.FlipsWithinHour(now); n < 28 || n > 30 {
		t.Errorf("turns in the last hour: got %d, want about 30", n)
	}
	for range 2 * 120 {
		check(models.OutcomeSuccess)
	}
	if s.Flapping() || endings != 1 || s.FlipsWithinHour(now) != 0 {
		t.Errorf("two quiet hours later: flapping %v, %d endings, %d turns in the last hour", s.Flapping(), endings, s.FlipsWithinHour(now))
	}
	told = 0
	check(models.OutcomeFailure)
	check(models.OutcomeFailure)
	if told != 1 {
		t.Errorf("the next outage: got %d told, want 1", told)
	}
}

func TestFlipsAreBounded(t *testing.T) {
	var s models.MonitorState
	start := time.UnixMilli(at(0))
	for i := range 3600 {
		outcome := models.OutcomeSuccess
		if i%2 == 1 {
			outcome = models.OutcomeFailure
		}
		s, _ = models.Judge(s, found(start.Add(time.Duration(i)*time.Second).UnixMilli(), outcome), models.Rule{}, models.StatusActive)
	}
	if n := s.FlipsWithinHour(start.Add(time.Hour)); n != models.MaxFlips || len(s.Flips) != 4*models.MaxFlips {
		t.Errorf("a turn each second: got %d in %d bytes, want %d in %d", n, len(s.Flips), models.MaxFlips, 4*models.MaxFlips)
	}
}
