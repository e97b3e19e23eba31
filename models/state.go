package models

import (
	"encoding/binary"
	"time"

	"github.com/uptrace/bun"
)

// State is what the checks of a monitor found so far.
type State string

// The states.
const (
	StatePending  State = "pending"
	StateUp       State = "up"
	StateDegraded State = "degraded"
	StateDown     State = "down"
	StateUnknown  State = "unknown"
	StatePaused   State = "paused"
)

// States are all states, worst first.
var States = [...]State{StateDown, StateDegraded, StateUnknown, StatePending, StatePaused, StateUp}

// MonitorState is what is known of one monitor at one location. The recorder writes it with the results, so that lists
// never read results.
type MonitorState struct {
	bun.BaseModel  `bun:"table:monitor_states,alias:s"`
	MonitorID      int64 `bun:",pk"`
	LocationID     int64 `bun:",pk"`
	OrganizationID int64
	State          State
	Since          time.Time
	// Measured is the last state that was measured: pending, up, degraded or down. An unknown result leaves it.
	Measured State
	// Rank orders lists worst first; see Rank.
	Rank int
	// They count measured checks in a row: Failures those that failed, Passes those that did not, DegradedInRow those that were
	// degraded or worse, Successes those that were ok. UnknownInRow counts checks that could not be measured.
	Failures, Passes, DegradedInRow, Successes, UnknownInRow int
	// TroubleSince is when the trouble that is being confirmed, or was, began: the first packet lost; of down, the first one of
	// the checks that failed. Zero without trouble.
	TroubleSince time.Time `bun:",nullzero"`
	// FailingSince is the same of the failed checks in a row that Failures counts.
	FailingSince time.Time `bun:",nullzero"`
	// Reason is the limit that the last check which was not ok reached, packed; see ParseBreach. Empty where nothing answered
	// it, which Cause explains, and without trouble.
	Reason string
	// WindowChecks is what the rule's window remembers, packed; nil where the rule has none.
	WindowChecks []byte
	// Flips are when the verdict turned in the last hour, packed; FlappingSince is zero unless it turns too often.
	Flips         []byte
	FlappingSince time.Time `bun:",nullzero"`
	// IncidentID and IncidentType are the incident that is open; 0 and empty without one.
	IncidentID   int64
	IncidentType IncidentType
	// RolledUntil is up to when the results are rolled up, in milliseconds since 1970. Only the roller and lateResults write it.
	RolledUntil int64 `bun:",scanonly"`
	// Cause, CauseSource and CauseMTU are those of the last result; empty after a success.
	Cause       Cause
	CauseSource string
	CauseMTU    int
	LastSlot    int64
	// LastCheckedAt is zero before the first result.
	LastCheckedAt          time.Time `bun:",nullzero"`
	LastOutcome            Outcome
	LastSent, LastReceived int
	// LastRTT is the average in microseconds, -1 without a reply.
	LastRTT  int64
	Address  string
	ReplyTTL int
	// Recent holds the last RecentChecks outcomes and the last hour by minute; see Beats and Minutes.
	Recent []byte
}

// forgetVerdict is the part of an UPDATE of monitor_states that forgets all that was found: what MonitorState.forgetMeasured does, the
// cause, and the incident, which whoever forgets it has closed.
const forgetVerdict = `failures = 0, passes = 0, degraded_in_row = 0, successes = 0, unknown_in_row = 0, cause = '', cause_source = '', cause_mtu = 0,
	trouble_since = NULL, failing_since = NULL, reason = '', window_checks = NULL, flips = NULL, flapping_since = NULL, incident_id = 0, incident_type = ''`

// RecentChecks is how many checks the bar of a list shows.
const RecentChecks = 40

// NoticeAfter is how many checks in a row that could not be measured raise a notice of their own.
const NoticeAfter = 3

// Confirming is true while checks are counted towards a worse verdict than the present one.
func (s MonitorState) Confirming() bool {
	switch s.State {
	case StatePending, StateUp:
		return s.DegradedInRow > 0 || s.Failures > 0 // the latter alone where an older program counted
	case StateDegraded:
		return s.Failures > 0
	default:
		return false
	}
}

// LossPercent is the loss of the last check; ok is false where nothing was sent.
func (s MonitorState) LossPercent() (percent float64, ok bool) {
	if s.LastSent == 0 {
		return 0, false
	}
	return 100 * float64(s.LastSent-s.LastReceived) / float64(s.LastSent), true
}

// Rank is the place of a monitor in a list that sorts worst first: down 0, degraded 1, unknown 2, checking again 3,
// maintenance 4, pending 5, paused 6, up 7.
func Rank(status Status, state State, confirming bool) int {
	switch {
	case status == StatusDisabled:
		return 6
	case status == StatusMaintenance:
		return 4
	case state == StateDown:
		return 0
	case state == StateDegraded:
		return 1
	case state == StateUnknown:
		return 2
	case confirming:
		return 3
	case state == StatePending:
		return 5
	default:
		return 7
	}
}

// Beat is one check in the bar of a list.
type Beat struct {
	Outcome     Outcome
	Maintenance bool
	LossPercent int
	RTT         time.Duration // 0 without a reply
}

const beatBytes = 6

var beatOutcomes = [...]Outcome{OutcomeSuccess, OutcomeWarning, OutcomeFailure, OutcomeUnknown}

// Beats unpacks Recent, oldest first.
func (s MonitorState) Beats() []Beat {
	packed := s.Recent[:len(s.Recent)-len(hour(s.Recent))]
	beats := make([]Beat, 0, len(packed)/beatBytes)
	for b := packed; len(b) >= beatBytes; b = b[beatBytes:] {
		beats = append(beats, Beat{
			Outcome:     beatOutcomes[b[0]&3],
			Maintenance: b[0]&4 != 0,
			LossPercent: int(b[1]),
			RTT:         time.Duration(binary.BigEndian.Uint32(b[2:6])) * time.Microsecond,
		})
	}
	return beats
}

// PushBeat adds a check to Recent and drops the oldest beyond RecentChecks; LastSlot and the verdict are the check's already.
func (s *MonitorState) PushBeat(beat Beat) {
	var b [beatBytes]byte
	for i, o := range beatOutcomes {
		if o == beat.Outcome {
			b[0] = byte(i)
		}
	}
	if beat.Maintenance {
		b[0] |= 4
	}
	b[1] = byte(beat.LossPercent)
	binary.BigEndian.PutUint32(b[2:6], uint32(beat.RTT.Microseconds()))
	minutes := pushMinute(hour(s.Recent), s.LastSlot, s.minuteOf(beat))
	kept := s.Recent[:len(s.Recent)-len(hour(s.Recent))]
	if over := len(kept) + beatBytes - RecentChecks*beatBytes; over > 0 {
		kept = kept[over:]
	}
	// A new slice: the row read before may still be shared with a reader.
	s.Recent = append(append(append(make([]byte, 0, RecentChecks*beatBytes+hourBytes), kept...), b[:]...), minutes...)
}
