package views

import (
	"strconv"
	"time"

	"echolot/models"
)

// LiveMonitor is what moves by itself in a monitor's row and on its page. It holds nothing of a user, a role or a token: it
// is drawn once and sent to everybody who may see the monitor.
type LiveMonitor struct {
	PublicID string
	Status   models.Status
	// Confirmations is how many failed checks make it down.
	Confirmations int
	models.MonitorState
	// Beats are those of the state, unpacked once.
	Beats []models.Beat
	// Now is when this is drawn: what the durations are counted to.
	Now time.Time
}

// NewLiveMonitor takes what a state row says of the monitor. Confirmations is how many failed checks make it down.
func NewLiveMonitor(publicID string, status models.Status, confirmations int, s models.MonitorState, now time.Time) LiveMonitor {
	return LiveMonitor{PublicID: publicID, Status: status, Confirmations: confirmations, MonitorState: s, Beats: s.Beats(), Now: now}
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

// confirming is true while checks of a monitor that is watched are counted towards a worse verdict.
func (m LiveMonitor) confirming() bool {
	return m.Status == models.StatusActive && m.Confirming()
}

// live is the name that app.js finds the part by.
func (m LiveMonitor) live(part string) string { return m.PublicID + ":" + part }

// trouble is what the state suffers from; empty when all is well.
func (m LiveMonitor) trouble() string {
	cause, reason := CauseText(m.Cause, m.CauseSource, m.CauseMTU, m.LastSent), ReasonText(m.Reason)
	switch m.Kind() {
	case "down":
		if reason != "" {
			cause = reason
		} else if cause == "" {
			cause = "no reply"
		}
		if m.Failures > 1 {
			return cause + ", " + count(m.Failures, "check", "checks") + " in a row"
		}
		return cause
	case "degraded":
		if m.confirming() {
			return m.counted(cause)
		}
		return reason
	case "unknown":
		if cause == "" {
			cause = "not measured"
		}
		if m.UnknownInRow >= models.NoticeAfter {
			return cause + ", not measured for " + count(m.UnknownInRow, "check", "checks")
		}
		return cause
	case "up", "pending":
		if m.confirming() {
			return m.counted(cause)
		}
	case "maintenance":
		if reason != "" {
			return reason
		}
		if cause != "" && m.LastOutcome != models.OutcomeSuccess {
			return cause
		}
	}
	return ""
}

// counted is how many checks there are towards the next worse verdict, and why: "1 of 2 failed checks: no reply to 4 packets".
func (m LiveMonitor) counted(cause string) string {
	n, one, many := m.Failures, "failed check", "failed checks"
	if n == 0 {
		n, one, many = m.DegradedInRow, "degraded check", "degraded checks"
	}
	// One more than the rule's is asked for while many monitors fail at once.
	text := strconv.Itoa(n) + " of " + count(max(m.Confirmations, n+1), one, many)
	if reason := ReasonText(m.Reason); reason != "" {
		cause = reason
	}
	if cause != "" {
		text += ": " + cause
	}
	return text
}

// flapping is the notice that the verdict turns too often; empty mostly.
func (m LiveMonitor) flapping() string {
	if !m.Flapping() || m.Kind() == "paused" {
		return ""
	}
	n := m.FlipsWithinHour(m.Now)
	text := "flapping, " + count(n, "change", "changes")
	if n >= models.MaxFlips {
		text += " or more"
	}
	return text + " in the last hour"
}

// why is the one line of cause under the host, with the notice of flapping after it; empty when all is well.
func (m LiveMonitor) why() string {
	why, flapping := m.trouble(), m.flapping()
	if why != "" && flapping != "" {
		return why + "; " + flapping
	}
	return why + flapping
}

// whyClass colours the cause like the state it explains.
func (m LiveMonitor) whyClass() string {
	if m.confirming() || m.Flapping() && m.Kind() == "up" {
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
	if m.LastOutcome == models.OutcomeUnknown || m.Kind() == "paused" {
		return 0, false
	}
	return m.LossPercent()
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
	return !m.LastCheckedAt.IsZero() && m.LastRTT >= 0 && m.LastReceived > 0 && m.Kind() != "paused"
}

// rtt is the last check's average; it means something only where answered is true.
func (m LiveMonitor) rtt() time.Duration { return time.Duration(m.LastRTT) * time.Microsecond }

// slow is the usual RTT where the last one is more than half above it, else 0: the row then shows both.
func (m LiveMonitor) slow() time.Duration {
	if mid := usual(m.Beats); m.answered() && mid > 0 && m.rtt() > mid+mid/2 && m.rtt()-mid > time.Millisecond && len(m.Beats) >= 10 {
		return mid
	}
	return 0
}

// Counters count the monitors that somebody may see, by state. They are drawn once for each visible set.
type Counters struct {
	Up, Degraded, Down, Unknown, Paused, Pending int
	// Maintenance are among the others; they are told in the second line.
	Maintenance int
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
	add(c.Pending, "pending")
	add(c.Maintenance, "in maintenance")
	if text == "" {
		return "of " + thousands(int64(c.Total()))
	}
	return text
}
