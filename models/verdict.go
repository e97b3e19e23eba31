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
// The rules. A measured check is ok, degraded or failed: failed where nothing answered, else as the rule's limits say of it or of
// its window. Confirmations failed checks in a row make the monitor down, also from pending; as many that are degraded or worse
// make it degraded; one more is asked for while many monitors fail at once. Recoveries checks in a row that did not fail end down,
// and Recoveries that are ok end degraded, so that down may become degraded first. One ok check makes pending up. Down and
// degraded began with the first packet lost in the first of the checks that made them so. A check that could not be measured makes
// the state unknown at once and leaves the counts and the window as they are; the next measured one is judged from the last
// measured state. Only a begin that no verdict has taken yet is forgotten: nobody knows how the time without measuring was. After a pause everything starts from pending. Maintenance is judged like active; only the beats say so.
// A burst, which follows a failed check at once, can clear it and confirms nothing: else the pause before a confirming check would
// be none.
func Judge(s MonitorState, r Result, rule Rule, status Status) (MonitorState, bool) {
	if r.Slot <= s.LastSlot || status == StatusDisabled {
		return s, false
	}
	if s.State == StatePaused || s.Measured == "" {
		s.forgetMeasured()
	}
	r.Outcome = rule.Outcome(r)
	state := StateUnknown
	switch r.Outcome {
	case OutcomeSuccess, OutcomeWarning, OutcomeFailure:
		if s.UnknownInRow > 0 {
			s.forgetBegin()
		}
		s.UnknownInRow = 0
		s.measure(r, rule)
		state = s.Measured
	default:
		s.UnknownInRow++
	}
	if state != s.State {
		s.State, s.Since = state, r.StartedAt()
		if isTrouble(state) && !s.TroubleSince.IsZero() {
			s.Since = s.TroubleSince
		}
	}
	s.Rank = Rank(status, s.State, s.Confirming())
	return withLast(s, r, status), true
}

// forgetMeasured forgets what was measured before a pause, which says nothing of now. It leaves the state as it is, the last
// result, and the incident, which whoever paused the monitor closed.
func (s *MonitorState) forgetMeasured() {
	s.Measured = StatePending
	s.Failures, s.Passes, s.DegradedInRow, s.Successes, s.UnknownInRow = 0, 0, 0, 0, 0
	s.TroubleSince, s.FailingSince, s.Reason = time.Time{}, time.Time{}, ""
	s.WindowChecks, s.Flips, s.FlappingSince = nil, nil, time.Time{}
}

// forgetBegin forgets when the checks in a row began to be bad, before a time that could not be measured, as far as no verdict
// says it yet: hours may have passed, and a trouble must not have lasted longer than somebody saw it.
func (s *MonitorState) forgetBegin() {
	if s.Measured != StateDown {
		s.FailingSince = time.Time{}
	}
	if !isTrouble(s.Measured) {
		s.TroubleSince = time.Time{}
	}
}

// isTrouble tells the states that have a beginning in the past and, mostly, an incident.
func isTrouble(state State) bool { return state == StateDegraded || state == StateDown }

// measure judges a measured check: it moves the counts and Measured on.
func (s *MonitorState) measure(r Result, rule Rule) {
	before := s.Measured
	found, breach := s.gradeCheck(r, rule)
	s.tally(r, found, firstLost(r, rule.Gap))

	need := rule.Confirmations
	if r.Mass {
		need++
	}
	// Two switches: what failed was also degraded, so down is never on without degraded.
	down, degraded := before == StateDown, isTrouble(before)
	if found == gradeFailed {
		down = down || s.Failures >= need
	} else if s.Passes >= rule.Recoveries {
		down = false
	}
	if found != gradeOK {
		degraded = degraded || s.DegradedInRow >= need
	} else if s.Successes >= rule.Recoveries {
		degraded = false
	}
	switch {
	case down:
		s.Measured = StateDown
	case degraded:
		s.Measured = StateDegraded
	case found == gradeOK || before != StatePending:
		s.Measured = StateUp
	}

	switch {
	case s.Measured == StateDown && before != StateDown:
		s.TroubleSince = s.FailingSince
	case s.Measured == StateDegraded && before == StateDown:
		s.TroubleSince = r.StartedAt()
	case found == gradeOK && !isTrouble(s.Measured):
		s.TroubleSince = time.Time{}
	}
	if found != gradeOK {
		s.Reason = breach.text()
	} else if !isTrouble(s.Measured) {
		s.Reason = ""
	}
	s.flip(before, r.StartedAt())
}

// gradeCheck grades the check, and takes it into the window where the rule has one.
func (s *MonitorState) gradeCheck(r Result, rule Rule) (grade, Breach) {
	f := rule.checkFigures(r)
	if rule.Window > 0 {
		f, s.WindowChecks = rule.remember(s.WindowChecks, r)
	} else {
		s.WindowChecks = nil
	}
	if r.Received == 0 && r.Outcome == OutcomeFailure {
		return gradeFailed, Breach{}
	}
	return rule.grade(f, isTrouble(s.Measured))
}

// tally counts the check. began is when it lost its first packet.
func (s *MonitorState) tally(r Result, found grade, began time.Time) {
	confirms := func(n int) bool { return n == 0 || r.Kind != KindBurst }
	if found == gradeFailed {
		s.Passes = 0
		if confirms(s.Failures) {
			s.Failures++
		}
		if s.FailingSince.IsZero() {
			s.FailingSince = began
		}
	} else {
		s.Failures, s.Passes = 0, s.Passes+1
		s.FailingSince = time.Time{}
	}
	if found != gradeOK {
		s.Successes = 0
		if confirms(s.DegradedInRow) {
			s.DegradedInRow++
		}
		if s.TroubleSince.IsZero() {
			s.TroubleSince = began
		}
	} else {
		s.DegradedInRow, s.Successes = 0, s.Successes+1
	}
}

// firstLost is when the first packet without a reply in time was sent, given the time between two; the check's start where there
// was none.
func firstLost(r Result, gap time.Duration) time.Time {
	for i, p := range r.Packets {
		if p.State != PacketReplied {
			return r.StartedAt().Add(time.Duration(i) * gap)
		}
	}
	return r.StartedAt()
}

// withLast fills in what the row says of its last check.
func withLast(s MonitorState, r Result, status Status) MonitorState {
	s.LastSlot, s.LastCheckedAt = r.Slot, r.StartedAt()
	s.LastOutcome, s.LastSent, s.LastReceived = r.Outcome, r.Sent, r.Received
	s.Cause, s.CauseSource, s.CauseMTU = r.Cause, addrText(r.CauseSource), r.CauseMTU
	if r.Received > 0 || r.Outcome == OutcomeSuccess {
		// Packets lost on the way leave a cause in a result with replies; what the monitor suffers from then is its Reason.
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

// NeedsConfirming is true where the last check failed and a few more failures could make the monitor down. A check that could
// not be measured asks for no hurry: trouble of our own would make every monitor retry at once. Neither does a degraded one: its
// host answers.
func NeedsConfirming(s MonitorState, rule Rule) bool {
	return s.LastOutcome == OutcomeFailure && s.Measured != StateDown &&
		s.Failures > 0 && s.Failures <= rule.Confirmations // the last one more while many fail at once
}
