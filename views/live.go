package views

import (
	"strconv"
	"time"

	"echolot/models"
)

// LiveMonitor is what moves by itself in a monitor's row and on its page. It holds nothing of a user, a role or a token: it
// is drawn once and sent to everybody who may see the monitor.
type LiveMonitor struct {
	PublicID      string
	Status        models.Status
	State         models.State
	Since         time.Time
	Failures      int
	Confirmations int
	UnknownInRow  int
	Cause         models.Cause
	CauseSource   string
	// LastCheckedAt is zero before the first check.
	LastCheckedAt  time.Time
	LastOutcome    models.Outcome
	Sent, Received int
	// RTT is the last check's average, negative without a reply.
	RTT time.Duration
	// Beats are the last checks, oldest first.
	Beats []models.Beat
	// Address is what the last check pinged, ReplyTTL the TTL of its last reply; empty and 0 where there was none.
	Address  string
	ReplyTTL int
	// Now is when this is drawn: what the durations are counted to.
	Now time.Time
}

// NewLiveMonitor takes what a state row says of the monitor. Confirmations is how many failed checks make it down.
func NewLiveMonitor(publicID string, status models.Status, confirmations int, s models.MonitorState, now time.Time) LiveMonitor {
	return LiveMonitor{
		PublicID: publicID, Status: status, State: s.State, Since: s.Since, Failures: s.Failures, Confirmations: confirmations,
		UnknownInRow: s.UnknownInRow, Cause: s.Cause, CauseSource: s.CauseSource, LastCheckedAt: s.LastCheckedAt,
		LastOutcome: s.LastOutcome, Sent: s.LastSent, Received: s.LastReceived, RTT: time.Duration(s.LastRTT) * time.Microsecond,
		Beats: s.Beats(), Address: s.Address, ReplyTTL: s.ReplyTTL, Now: now,
	}
}

// Kind is the state as lists show it: what people set comes before what the checks found.
func (m LiveMonitor) Kind() string {
	switch m.Status {
	case models.StatusDisabled:
		return "paused"
	case models.StatusMaintenance:
		return "maintenance"
	}
	switch m.State {
	case models.StateUp, models.StateDegraded, models.StateDown, models.StatePaused:
		return string(m.State)
	case models.StatePending, "":
		return "pending"
	default:
		return "unknown"
	}
}

// confirming is true while failed checks are counted but the verdict is still up.
func (m LiveMonitor) confirming() bool {
	return m.Status == models.StatusActive && m.State == models.StateUp && m.Failures > 0
}

// live is the name that app.js finds the part by.
func (m LiveMonitor) live(part string) string { return m.PublicID + ":" + part }

// why is the one line of cause under the host; empty when all is well.
func (m LiveMonitor) why() string {
	cause := CauseText(m.Cause, m.CauseSource, m.Sent)
	switch m.Kind() {
	case "down":
		if cause == "" {
			cause = "no reply"
		}
		if m.Failures > 1 {
			return cause + ", " + count(m.Failures, "check", "checks") + " in a row"
		}
		return cause
	case "degraded":
		if loss, ok := m.loss(); ok && loss > 0 {
			return "loss " + percent(loss) + nbsp + "% in the last check"
		}
		return cause
	case "unknown":
		if cause == "" {
			cause = "not measured"
		}
		if m.UnknownInRow >= models.NoticeAfter {
			return cause + ", not measured for " + count(m.UnknownInRow, "check", "checks")
		}
		return cause
	case "up":
		if !m.confirming() {
			return ""
		}
		text := strconv.Itoa(m.Failures) + " of " + count(max(m.Confirmations, m.Failures), "failed check", "failed checks")
		if cause != "" {
			text += ": " + cause
		}
		return text
	case "maintenance":
		if cause != "" && m.LastOutcome != models.OutcomeSuccess {
			return cause
		}
	}
	return ""
}

// whyClass colours the cause like the state it explains.
func (m LiveMonitor) whyClass() string {
	if m.confirming() {
		return "why degraded"
	}
	switch k := m.Kind(); k {
	case "down", "degraded", "maintenance":
		return "why " + k
	}
	return "why"
}

// loss is the loss of the last check in percent; ok is false where nothing was sent or it could not be measured.
func (m LiveMonitor) loss() (float64, bool) {
	if m.Sent == 0 || m.LastOutcome == models.OutcomeUnknown || m.Kind() == "paused" {
		return 0, false
	}
	return 100 * float64(m.Sent-m.Received) / float64(m.Sent), true
}

// lossClass weighs the loss; none is quiet.
func (m LiveMonitor) lossClass() string {
	loss, ok := m.loss()
	switch {
	case !ok || loss == 0:
		return "lv-loss"
	case loss >= 100:
		return "lv-loss all"
	default:
		return "lv-loss some"
	}
}

// answered is true where the last check has an RTT worth showing.
func (m LiveMonitor) answered() bool {
	return !m.LastCheckedAt.IsZero() && m.RTT >= 0 && m.Received > 0 && m.Kind() != "paused"
}

// slow is the usual RTT where the last one is more than half above it, else 0: the row then shows both.
func (m LiveMonitor) slow() time.Duration {
	if mid := usual(m.Beats); m.answered() && mid > 0 && m.RTT > mid+mid/2 && m.RTT-mid > time.Millisecond && len(m.Beats) >= 10 {
		return mid
	}
	return 0
}

// Counters count the monitors that somebody may see, by state. They are drawn once for each visible set.
type Counters struct {
	Up, Degraded, Down, Unknown, Paused, Pending int
	// Confirming and Maintenance are among the others; they are told in the second line.
	Confirming, Maintenance int
	// DownSince is when the one that is down longest went down; zero = not known.
	DownSince time.Time
	Now       time.Time
}

// Total is how many monitors there are.
func (c Counters) Total() int {
	return c.Up + c.Degraded + c.Down + c.Unknown + c.Paused + c.Pending
}

// upSub is the most useful thing to say under the ones that are up.
func (c Counters) upSub() string {
	text := ""
	add := func(n int, what string) {
		if n == 0 {
			return
		}
		if text != "" {
			text += ", "
		}
		text += thousands(int64(n)) + nbsp + what
	}
	add(c.Confirming, "checking again")
	add(c.Pending, "pending")
	add(c.Maintenance, "in maintenance")
	if text == "" {
		return "of " + thousands(int64(c.Total()))
	}
	return text
}
