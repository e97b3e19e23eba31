package models

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// IncidentType is what kind of trouble an incident is.
type IncidentType string

// The types of incident. IncidentBlind is trouble of our own: a location could not measure.
const (
	IncidentNone     IncidentType = ""
	IncidentDowntime IncidentType = "downtime"
	IncidentDegraded IncidentType = "degraded"
	IncidentBlind    IncidentType = "blind"
)

// Severity is the type as other tools sort incidents: critical, warning or info.
func (t IncidentType) Severity() string {
	switch t {
	case IncidentDowntime:
		return "critical"
	case IncidentDegraded:
		return "warning"
	default:
		return "info"
	}
}

// IncidentEnd is why an incident ended.
type IncidentEnd string

// The ends of an incident. Only after EndRecovered it is known that the trouble is over.
const (
	// EndRecovered: it was measured to be over.
	EndRecovered IncidentEnd = "recovered"
	// EndWorse and EndBetter: degraded became down, or down became degraded, which is an incident of its own.
	EndWorse  IncidentEnd = "worse"
	EndBetter IncidentEnd = "better"
	// EndPaused, EndTarget, EndLocation, EndCancelled and EndDeleted: people stopped the checks that it was made of.
	EndPaused    IncidentEnd = "paused"
	EndTarget    IncidentEnd = "target_changed"
	EndLocation  IncidentEnd = "not_checked_here"
	EndCancelled IncidentEnd = "customer_cancelled"
	EndDeleted   IncidentEnd = "monitor_deleted"
)

// IncidentFacts are what an incident, and each monitor in it, has to say of its trouble.
type IncidentFacts struct {
	// Cause, CauseSource and CauseMTU are those of the check that brought the verdict. Of a blind location CauseSource is who is
	// silent. Reason is the rule that was broken, where it was one; see MonitorState.
	Cause       Cause
	CauseSource string
	CauseMTU    int
	Reason      string
	// Checks are the failed ones that led to the verdict; Sent and Received are their packets.
	Checks, Sent, Received int
	// RTT is the average of the check that brought the verdict, in microseconds; -1 without a reply.
	RTT int64 `bun:"rtt"`
	// StartedAt is the first lost packet, ConfirmedAt the check that brought the verdict. EndedAt is zero while it is open.
	StartedAt, ConfirmedAt time.Time
	EndedAt                time.Time `bun:",nullzero"`
}

// Open is true until the trouble ended.
func (f IncidentFacts) Open() bool { return f.EndedAt.IsZero() }

// Duration is how long it lasted, until now where it is open.
func (f IncidentFacts) Duration(now time.Time) time.Duration {
	if !f.Open() {
		now = f.EndedAt
	}
	return max(0, now.Sub(f.StartedAt))
}

// Incident is one trouble, from its first lost packet to its end. It has one monitor, or many that failed at once (Mass), or none
// (IncidentBlind).
type Incident struct {
	bun.BaseModel  `bun:"table:incidents,alias:i"`
	ID             int64     `bun:",pk,autoincrement"`
	PublicID       uuid.UUID `bun:"type:uuid"`
	OrganizationID int64
	LocationID     int64
	Type           IncidentType
	Mass           bool
	IncidentFacts
	EndReason IncidentEnd
	// EndedBy is the name of who ended it by stopping the checks; empty after a recovery.
	EndedBy string
	// AcknowledgedAt is zero until somebody has taken the incident on; AcknowledgedBy is that one's name as it was then.
	AcknowledgedAt   time.Time `bun:",nullzero"`
	AcknowledgedByID int64
	AcknowledgedBy   string
	AcknowledgeNote  string
	UpdatedAt        time.Time
}

// incidentMonitor is a monitor's part in an incident.
type incidentMonitor struct {
	bun.BaseModel  `bun:"table:incident_monitors,alias:im"`
	IncidentID     int64 `bun:",pk"`
	MonitorID      int64 `bun:",pk"`
	LocationID     int64
	OrganizationID int64
	IncidentFacts
	// FailedChecks are those that the state's own count knows nothing of any more: while the incident is open, both together are
	// all; see failedInRow. RecoveryChecks are the good ones that ended it.
	FailedChecks, RecoveryChecks int
	Evidence                     evidence
}

// IncidentComment is what somebody wrote to an incident.
type IncidentComment struct {
	bun.BaseModel  `bun:"table:incident_comments,alias:ic"`
	ID             int64 `bun:",pk,autoincrement"`
	IncidentID     int64
	OrganizationID int64
	At             time.Time
	UserID         int64
	// Author is the name as it was then.
	Author, Text string
}

// evidence are the checks that show an incident, copied because raw results go after some days. The column is JSON.
type evidence struct {
	// Failed are those up to the verdict and up to ten more, Recovered the good ones that ended it; both oldest first.
	Failed, Recovered []Result
}

// evidenceText is evidence as it is stored: each check in the form of Result.AppendBinary, which future versions read.
type evidenceText struct {
	Failed    [][]byte `json:"failed,omitempty"`
	Recovered [][]byte `json:"recovered,omitempty"`
}

// Value stores the checks.
func (e evidence) Value() (driver.Value, error) {
	pack := func(list []Result) ([][]byte, error) {
		out := make([][]byte, len(list))
		for i, r := range list {
			b, err := r.AppendBinary(nil)
			if err != nil {
				return nil, err
			}
			out[i] = b
		}
		return out, nil
	}
	var text evidenceText
	var err error
	if text.Failed, err = pack(e.Failed); err != nil {
		return nil, err
	}
	if text.Recovered, err = pack(e.Recovered); err != nil {
		return nil, err
	}
	b, err := json.Marshal(text)
	return string(b), err
}

// Scan reads the checks.
func (e *evidence) Scan(src any) error {
	*e = evidence{}
	var text evidenceText
	if err := scanJSON(src, &text); err != nil {
		return err
	}
	unpack := func(list [][]byte) ([]Result, error) {
		var out []Result
		for _, b := range list {
			var r Result
			if err := r.UnmarshalBinary(b); err != nil {
				return nil, fmt.Errorf("reading an incident's check: %w", err)
			}
			out = append(out, r)
		}
		return out, nil
	}
	var err error
	if e.Failed, err = unpack(text.Failed); err != nil {
		return err
	}
	e.Recovered, err = unpack(text.Recovered)
	return err
}
