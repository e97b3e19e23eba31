package models_test

import (
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"echolot/models"
)

func TestCombine(t *testing.T) {
	const up, deg, down, unk, pen, pau = models.StateUp, models.StateDegraded, models.StateDown, models.StateUnknown, models.StatePending, models.StatePaused
	type states = []models.State
	for _, c := range []struct {
		states                  states
		any, majority, all, two models.State
	}{
		{states{}, unk, unk, unk, unk},
		{states{up}, up, up, up, up},
		{states{down}, down, down, down, down}, // two of one: all of them
		{states{unk}, unk, unk, unk, unk},
		{states{pau, pau}, pau, pau, pau, pau},
		{states{pau, pen}, pen, pen, pen, pen},
		{states{pen, unk}, unk, unk, unk, unk},
		{states{up, down}, down, up, up, up},
		{states{up, unk, down}, down, up, up, up},
		{states{down, unk, pau}, down, down, down, down},
		{states{up, down, down}, down, down, up, down},
		{states{up, deg, down}, down, deg, up, deg},
		{states{deg, deg, down}, down, deg, deg, deg},
		{states{deg, down, down}, down, down, deg, down},
		{states{up, up, up, down, down}, down, up, up, down},
		{states{down, down, down, unk}, down, down, down, down},
	} {
		for q, want := range map[models.Quorum]models.State{"any": c.any, "majority": c.majority, "": c.majority, "all": c.all, "2": c.two, "1": c.any, "1000": c.all} {
			if got := models.Combine(c.states, q); got != want {
				t.Errorf("%v, quorum %q: got %s, want %s", c.states, q, got, want)
			}
		}
	}
}

// agree is Combine by looking at each sentence of the rule: is it true that enough voters say so?
func agree(states []models.State, q models.Quorum) models.State {
	votes := func(sayings ...models.State) int {
		n := 0
		for _, s := range states {
			if slices.Contains(sayings, s) {
				n++
			}
		}
		return n
	}
	voters := votes(models.StateUp, models.StateDegraded, models.StateDown)
	enough := func(n int) bool {
		switch number, err := strconv.Atoi(string(q)); {
		case q == "any":
			return n >= 1
		case q == "all":
			return n == voters
		case err == nil:
			return n >= number || n == voters
		default:
			return 2*n > voters
		}
	}
	switch {
	case voters == 0 && slices.Contains(states, models.StateUnknown) || len(states) == 0:
		return models.StateUnknown
	case voters == 0 && slices.Contains(states, models.StatePending):
		return models.StatePending
	case voters == 0:
		return models.StatePaused
	case enough(votes(models.StateDown)):
		return models.StateDown
	case enough(votes(models.StateDown, models.StateDegraded)):
		return models.StateDegraded
	default:
		return models.StateUp
	}
}

func TestCombineAgainstModel(t *testing.T) {
	someStates := rapid.SliceOfN(rapid.SampledFrom(models.States[:]), 0, 7)
	quorums := rapid.SampledFrom([]models.Quorum{"", "any", "majority", "all", "1", "2", "3", "9"})
	rapid.Check(t, func(t *rapid.T) {
		states, q := someStates.Draw(t, "states"), quorums.Draw(t, "quorum")
		if got, want := models.Combine(states, q), agree(states, q); got != want {
			t.Fatalf("%v, quorum %q: got %s, want %s", states, q, got, want)
		}
	})
	// The model notices what is broken (T10).
	for name, mutant := range map[string]func([]models.State, models.Quorum) models.State{
		"the quorum is not heeded": func(states []models.State, _ models.Quorum) models.State { return models.Combine(states, "majority") },
		"unknown votes up": func(states []models.State, q models.Quorum) models.State {
			return models.Combine(slices.Concat(states[:min(1, len(states))], replaced(states[min(1, len(states)):], models.StateUnknown, models.StateUp)), q)
		},
		"paused votes down": func(states []models.State, q models.Quorum) models.State {
			return models.Combine(replaced(states, models.StatePaused, models.StateDown), q)
		},
		"degraded is up": func(states []models.State, q models.Quorum) models.State {
			return models.Combine(replaced(states, models.StateDegraded, models.StateUp), q)
		},
	} {
		killed := false
		for seed := range 10_000 {
			states, q := someStates.Example(seed), quorums.Example(seed)
			killed = killed || mutant(states, q) != agree(states, q)
		}
		if !killed {
			t.Errorf("%s: lives", name)
		}
	}
}

func replaced(states []models.State, what, by models.State) []models.State {
	out := slices.Clone(states)
	for i := range out {
		if out[i] == what {
			out[i] = by
		}
	}
	return out
}
