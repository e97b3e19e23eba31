package models

import (
	"math"
	"net/netip"
	"time"
)

// Judge returns what is known of a monitor after the result r, given what was known before (s), its rule and the status
// that people set. It is pure. The second value is false where the result says nothing new: it is not younger than the
// last one (a repetition, or late), or the monitor is not to be checked; s is returned unchanged then.
//
// The rules. A measured check is judged from the last measured state: Confirmations failed checks in a row make it down,
// also from pending; Recoveries good ones in a row make down up; one good check makes pending up. A check that could not
// be measured makes the state unknown at once and leaves the counts as they are. After a pause everything starts from
// pending. Maintenance is judged like active; only the beats say so. A burst, which follows a failed check at once, can clear
// it and confirms nothing: else the pause before a confirming check would be none.
func Judge(s MonitorState, r Result, rule Rule, status Status) (MonitorState, bool) {
	if r.Slot <= s.LastSlot || status == StatusDisabled {
		return s, false
	}
	if s.State == StatePaused || s.Measured == "" {
		// What was measured before a pause says nothing of now.
		s.Measured = StatePending
		s.Failures, s.Successes, s.UnknownInRow = 0, 0, 0
	}

	state := StateUnknown
	switch r.Outcome {
	case OutcomeSuccess, OutcomeWarning:
		s.Failures, s.UnknownInRow = 0, 0
		s.Successes++
		if s.Measured != StateDown || s.Successes >= rule.Recoveries {
			s.Measured = StateUp
		}
		state = s.Measured
	case OutcomeFailure:
		s.Successes, s.UnknownInRow = 0, 0
		if r.Kind != KindBurst || s.Failures == 0 {
			s.Failures++
		}
		if s.Failures >= rule.Confirmations {
			s.Measured = StateDown
		}
		state = s.Measured
	default:
		s.UnknownInRow++
	}
	if state != s.State {
		s.State, s.Since = state, r.StartedAt()
	}
	s.Rank = Rank(status, s.State, s.Confirming())
	return withLast(s, r, status), true
}

// withLast fills in what the row says of its last check.
func withLast(s MonitorState, r Result, status Status) MonitorState {
	s.LastSlot, s.LastCheckedAt = r.Slot, r.StartedAt()
	s.LastOutcome, s.LastSent, s.LastReceived = r.Outcome, r.Sent, r.Received
	s.Cause, s.CauseSource, s.CauseMTU = r.Cause, addrText(r.CauseSource), r.CauseMTU
	if r.Outcome == OutcomeSuccess {
		// Packets lost on the way leave a cause in a result that succeeded; the monitor has no trouble to name.
		s.Cause, s.CauseSource, s.CauseMTU = CauseNone, "", 0
	}
	s.Address, s.ReplyTTL = addrText(r.Address), r.ReplyTTL
	var average time.Duration
	s.LastRTT = -1
	if rtts, ok := r.RTTs(); ok {
		average = rtts.Avg
		s.LastRTT = average.Microseconds()
	}
	s.PushBeat(Beat{
		Outcome:     r.Outcome,
		Maintenance: status == StatusMaintenance,
		LossPercent: int(math.Round(r.LossPercent())),
		RTT:         average,
	})
	return s
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// NeedsConfirming is true where the last check failed and one more failure could make the monitor down. A check that
// could not be measured asks for no hurry: trouble of our own would make every monitor retry at once.
func NeedsConfirming(s MonitorState, rule Rule) bool {
	return s.LastOutcome == OutcomeFailure && s.Measured != StateDown &&
		s.Failures > 0 && s.Failures < rule.Confirmations
}
