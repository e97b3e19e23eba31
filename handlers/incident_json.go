package handlers

import (
	"strconv"
	"strings"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/google/uuid"
)

// incidentStatus is the reference's word.
func incidentStatus(f models.IncidentFacts) string {
	if f.Open() {
		return "active"
	}
	return "resolved"
}

// namedCustomer is a customer inside another answer.
type namedCustomer struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

// namedMonitor is a monitor inside another answer.
type namedMonitor struct {
	ID       int64         `json:"id"`
	PublicID uuid.UUID     `json:"publicId"`
	Name     string        `json:"name"`
	Hostname string        `json:"hostname"`
	Status   models.Status `json:"status"`
}

func newNamedMonitor(t models.IncidentTarget) *namedMonitor {
	if t.ID == 0 {
		return nil
	}
	return &namedMonitor{ID: t.ID, PublicID: t.PublicID, Name: t.Name, Hostname: t.Hostname, Status: t.Status}
}

// listedIncident is an item of the list; the reference spells it in snake_case.
type listedIncident struct {
	ID             int64               `json:"id"`
	WebsiteID      *int64              `json:"websiteId"`
	Status         string              `json:"status"`
	Severity       string              `json:"severity"`
	StartedAt      isoTime             `json:"started_at"`
	ResolvedAt     isoTime             `json:"resolved_at"`
	LastNotifiedAt isoTime             `json:"last_notified_at"`
	ErrorMessage   *string             `json:"error_message"`
	StatusCode     *int                `json:"status_code"`
	ResponseTimeMs *int64              `json:"response_time_ms"`
	Website        *string             `json:"website"`
	Customer       *namedCustomer      `json:"customer"`
	PublicID       uuid.UUID           `json:"publicId"`
	IcmpMonitorID  *int64              `json:"icmpMonitorId"`
	IcmpMonitor    *namedMonitor       `json:"icmpMonitor"`
	Type           models.IncidentType `json:"type"`
	Cause          *string             `json:"cause"`
	Flapping       bool                `json:"flapping"`
	UpSince        isoTime             `json:"upSince"`
}

func newListedIncident(r models.IncidentRow) listedIncident {
	item := listedIncident{
		ID: r.ID, Status: incidentStatus(r.IncidentFacts), Severity: r.Type.Severity(), StartedAt: isoTime{r.StartedAt}, ResolvedAt: isoTime{r.EndedAt},
		ErrorMessage: nonEmpty(views.IncidentCause(r.Type, r.IncidentFacts)), ResponseTimeMs: wholeMs(r.RTT), PublicID: r.PublicID,
		IcmpMonitor: newNamedMonitor(r.Monitor), Type: r.Type, Cause: nonEmpty(string(r.Cause)),
		Flapping: r.Flapping, UpSince: isoTime{r.UpSince},
	}
	if r.Monitor.ID != 0 {
		item.IcmpMonitorID = &r.Monitor.ID
		item.Customer = &namedCustomer{r.CustomerID, r.CustomerName, r.CustomerEmail}
	}
	return item
}

// wholeMs is microseconds in whole milliseconds; null without a reply.
func wholeMs(us int64) *int64 {
	if us < 0 {
		return nil
	}
	v := (us + 500) / 1000
	return &v
}

// incidentPage answers the list with includeTotal.
type incidentPage struct {
	Incidents []listedIncident `json:"incidents"`
	Total     int              `json:"total"`
	Limit     int              `json:"limit"`
	Offset    int              `json:"offset"`
}

// shownIncident answers GET of one.
type shownIncident struct {
	Incident      incidentHead      `json:"incident"`
	Timeline      incidentTimeline  `json:"timeline"`
	EvidenceCheck *evidenceCheck    `json:"evidenceCheck"`
	Monitors      []incidentMonitor `json:"monitors"`
	Comments      []incidentComment `json:"comments"`
}

// incidentHead has the reference's keys, then ours from publicId on.
type incidentHead struct {
	ID              int64               `json:"id"`
	WebsiteID       *int64              `json:"websiteId"`
	Type            models.IncidentType `json:"type"`
	Status          string              `json:"status"`
	StartedAt       isoTime             `json:"startedAt"`
	ResolvedAt      isoTime             `json:"resolvedAt"`
	StatusCode      *int                `json:"statusCode"`
	ErrorMessage    *string             `json:"errorMessage"`
	ResponseTimeMs  *int64              `json:"responseTimeMs"`
	PublicID        uuid.UUID           `json:"publicId"`
	Severity        string              `json:"severity"`
	Cause           *string             `json:"cause"`
	IcmpMonitorID   *int64              `json:"icmpMonitorId"`
	IcmpMonitor     *namedMonitor       `json:"icmpMonitor"`
	DurationMs      int64               `json:"durationMs"`
	EndReason       *string             `json:"endReason"`
	EndedBy         *string             `json:"endedBy"`
	AcknowledgedAt  isoTime             `json:"acknowledgedAt"`
	AcknowledgedBy  *string             `json:"acknowledgedBy"`
	AcknowledgeNote *string             `json:"acknowledgeNote"`
	// Flapping says why it is open still: its monitor's verdict turns too often; UpSince is null unless that is up now.
	Flapping bool    `json:"flapping"`
	UpSince  isoTime `json:"upSince"`
}

// incidentTimeline is the order in which it happened.
type incidentTimeline struct {
	OutageStartedAt     isoTime         `json:"outageStartedAt"`
	OutageStartedCheck  *incidentCheck  `json:"outageStartedCheck"`
	ConfirmationAt      isoTime         `json:"confirmationAt"`
	FailedChecks        []incidentCheck `json:"failedChecks"`
	FailedChecksTotal   int             `json:"failedChecksTotal"`
	AlertEvents         []struct{}      `json:"alertEvents"`
	RecoveryChecks      []incidentCheck `json:"recoveryChecks"`
	RecoveryChecksTotal int             `json:"recoveryChecksTotal"`
}

// incidentCheck is one check of a timeline.
type incidentCheck struct {
	ID             uuid.UUID      `json:"id"`
	CheckedAt      isoTime        `json:"checkedAt"`
	Status         models.Outcome `json:"status"`
	StatusCode     *int           `json:"statusCode"`
	ErrorMessage   *string        `json:"errorMessage"`
	ResponseTimeMs *int64         `json:"responseTimeMs"`
	Location       checkLocation  `json:"location"`
}

type checkLocation struct {
	ID   int64  `json:"id"`
	Code string `json:"code"`
	Name string `json:"name"`
}

// evidenceCheck is the check that brought the verdict.
type evidenceCheck struct {
	ID            uuid.UUID   `json:"id"`
	CheckedAt     isoTime     `json:"checkedAt"`
	Diagnostics   diagnostics `json:"diagnostics"`
	HasScreenshot bool        `json:"hasScreenshot"`
	ScreenshotURL *string     `json:"screenshotUrl"`
}

// incidentMonitor is one of the monitors that failed together.
type incidentMonitor struct {
	namedMonitor
	CustomerName string  `json:"customerName"`
	StartedAt    isoTime `json:"startedAt"`
	ResolvedAt   isoTime `json:"resolvedAt"`
	ErrorMessage *string `json:"errorMessage"`
}

type incidentComment struct {
	ID     int64   `json:"id"`
	At     isoTime `json:"at"`
	Author string  `json:"author"`
	Text   string  `json:"text"`
}

func newIncidentComment(c models.IncidentComment) incidentComment {
	return incidentComment{ID: c.ID, At: isoTime{c.At}, Author: c.Author, Text: c.Text}
}

func newIncidentChecks(results []models.Result, l models.Location) []incidentCheck {
	list := make([]incidentCheck, len(results))
	for i, r := range results {
		item := newCheckItem(r, l)
		list[i] = incidentCheck{ID: item.ID, CheckedAt: item.CheckedAt, Status: item.Status, ErrorMessage: item.ErrorMessage, ResponseTimeMs: item.TimingIcmp,
			Location: checkLocation{l.ID, l.Code, l.Name}}
		if item.ErrorMessage == nil {
			list[i].ErrorMessage = item.WarningMessage
		}
	}
	return list
}

func newShownIncident(d models.IncidentDetail, l models.Location, now time.Time) shownIncident {
	facts, item := d.IncidentFacts, newListedIncident(d.IncidentRow)
	answer := shownIncident{
		Incident: incidentHead{ID: d.ID, Type: d.Type, Status: item.Status, StartedAt: item.StartedAt, ResolvedAt: item.ResolvedAt, ErrorMessage: item.ErrorMessage,
			ResponseTimeMs: item.ResponseTimeMs, PublicID: d.PublicID, Severity: item.Severity, Cause: item.Cause, IcmpMonitorID: item.IcmpMonitorID, IcmpMonitor: item.IcmpMonitor,
			DurationMs: facts.Duration(now).Milliseconds(), EndReason: nonEmpty(string(d.EndReason)), EndedBy: nonEmpty(d.EndedBy),
			AcknowledgedAt: isoTime{d.AcknowledgedAt}, AcknowledgedBy: nonEmpty(d.AcknowledgedBy), AcknowledgeNote: nonEmpty(d.AcknowledgeNote),
			Flapping: d.Flapping, UpSince: isoTime{d.UpSince}},
		Timeline: incidentTimeline{OutageStartedAt: isoTime{facts.StartedAt}, ConfirmationAt: isoTime{facts.ConfirmedAt}, FailedChecks: newIncidentChecks(d.Failed, l),
			FailedChecksTotal: d.FailedTotal, AlertEvents: []struct{}{}, RecoveryChecks: newIncidentChecks(d.Recovered, l), RecoveryChecksTotal: d.RecoveredTotal},
		Monitors: make([]incidentMonitor, len(d.Parts)), Comments: make([]incidentComment, len(d.Comments)),
	}
	if failed := answer.Timeline.FailedChecks; len(failed) > 0 {
		answer.Timeline.OutageStartedCheck = &failed[0]
		verdict := newCheckItem(d.Failed[min(max(d.Checks, 1), len(failed))-1], l)
		answer.EvidenceCheck = &evidenceCheck{ID: verdict.ID, CheckedAt: verdict.CheckedAt, Diagnostics: verdict.Diagnostics}
	}
	for i, p := range d.Parts {
		answer.Monitors[i] = incidentMonitor{*newNamedMonitor(p.Monitor), p.CustomerName, isoTime{p.StartedAt}, isoTime{p.EndedAt}, nonEmpty(views.IncidentCause(d.Type, p.IncidentFacts))}
	}
	for i, c := range d.Comments {
		answer.Comments[i] = newIncidentComment(c)
	}
	return answer
}

// historyAnswer is a monitor's incidents.
type historyAnswer struct {
	Incidents []historyItem `json:"incidents"`
	Total     int           `json:"total"`
}

// historyItem has the reference's keys, then ours from durationMs on.
type historyItem struct {
	ID         int64               `json:"id"`
	Type       models.IncidentType `json:"type"`
	Status     string              `json:"status"`
	StartedAt  isoTime             `json:"startedAt"`
	EndedAt    isoTime             `json:"endedAt"`
	Duration   string              `json:"duration"`
	DurationMs int64               `json:"durationMs"`
	Details    *string             `json:"details"`
	IsOngoing  bool                `json:"isOngoing"`
	PublicID   uuid.UUID           `json:"publicId"`
}

func newHistoryItem(r models.IncidentRow, now time.Time) historyItem {
	lasted := r.Duration(now)
	return historyItem{ID: r.ID, Type: r.Type, Status: incidentStatus(r.IncidentFacts), StartedAt: isoTime{r.StartedAt}, EndedAt: isoTime{r.EndedAt}, Duration: shortDuration(lasted),
		DurationMs: lasted.Milliseconds(), Details: nonEmpty(views.IncidentCause(r.Type, r.IncidentFacts)), IsOngoing: r.Open(), PublicID: r.PublicID}
}

// shortDuration writes a duration as the reference does, in whole seconds: 45s, 2m 30s, 1h 5m, 3d 4h.
func shortDuration(d time.Duration) string {
	s := int64(d / time.Second)
	var parts []string
	for _, unit := range []struct {
		seconds int64
		name    string
	}{{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}} {
		n := s / unit.seconds
		s %= unit.seconds
		if len(parts) > 0 || n > 0 || unit.seconds == 1 {
			parts = append(parts, strconv.FormatInt(n, 10)+unit.name)
		}
	}
	parts = parts[:min(len(parts), 2)]
	if len(parts) == 2 && strings.HasPrefix(parts[1], "0") {
		parts = parts[:1]
	}
	return strings.Join(parts, " ")
}
