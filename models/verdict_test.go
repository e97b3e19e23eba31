package models_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

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
		State: models.StateUp, Measured: models.StateUp, Since: since, Rank: 7, Passes: 1, Successes: 1,
		LastSlot: at(1), LastCheckedAt: since, LastOutcome: models.OutcomeSuccess,
		LastSent: 2, LastReceived: 2, LastRTT: 3000, Address: "192.0.2.1", ReplyTTL: 64,
	}
	want.PushBeat(models.Beat{Outcome: models.OutcomeSuccess, RTT: 3 * time.Millisecond})
	sameRow(t, s, want)

	s, _ = models.Judge(s, found(at(2), models.OutcomeFailure), rule, models.StatusActive)
	want.Rank, want.Failures, want.DegradedInRow, want.Passes, want.Successes = 3, 1, 1, 0, 0 // checking again
	want.TroubleSince, want.FailingSince = since.Add(time.Minute), since.Add(time.Minute)
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

// A failed check, ten hours that nobody could measure, and a failed check confirm each other, but the monitor was not seen down in
// between.
func TestTroubleBeginsAfterAGap(t *testing.T) {
	rule := models.Rule{Confirmations: 2, Recoveries: 1}
	s := models.MonitorState{State: models.StatePending}
	judge := func(minute int, outcome models.Outcome) {
		s, _ = models.Judge(s, found(at(minute), outcome), rule, models.StatusActive)
	}
	judge(1, models.OutcomeSuccess)
	judge(2, models.OutcomeFailure)
	for minute := 3; minute < 600; minute++ {
		judge(minute, models.OutcomeUnknown)
	}
	judge(600, models.OutcomeFailure)
	if since := s.LastCheckedAt; s.State != models.StateDown || s.Failures != 2 || !s.Since.Equal(since) || !s.TroubleSince.Equal(since) {
		t.Errorf("got %s after %d failures since %s, trouble since %s; want down after 2 since %s", s.State, s.Failures, s.Since, s.TroubleSince, since)
	}
	began := s.Since
	judge(601, models.OutcomeUnknown)
	judge(602, models.OutcomeFailure)
	if s.State != models.StateDown || !s.Since.Equal(began) {
		t.Errorf("after a gap in it: got %s since %s, want down since %s", s.State, s.Since, began)
	}
}
