package models_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// incidentHouse is a store with one administrator and monitors, whose clock the test sets.
type incidentHouse struct {
	*testing.T
	s   *models.Store
	by  models.Actor
	now time.Time
	// next is the slot of each monitor's next result.
	next time.Time
}

// withIncidents runs the test on both databases.
func withIncidents(t *testing.T, f func(h *incidentHouse)) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		h := &incidentHouse{T: t, now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
		h.next = h.now
		h.s = modelstest.Open(t, url, func(o *models.Options) { o.Now = func() time.Time { return h.now } })
		h.by, _ = admin(t, h.s)
		f(h)
	})
}

func (h *incidentHouse) monitor(name string) models.MonitorRow {
	h.Helper()
	row, err := h.s.CreateMonitor(h.Context(), h.by, fields(h.T, `{"customerId":1,"name":"`+name+`","hostname":"127.0.0.1","checkIntervalSeconds":10,"timeoutSeconds":2}`))
	if err != nil {
		h.Fatal(err)
	}
	return row
}

// byOutcome is the least rule: the outcome is the verdict at once. Trouble begins 200 ms into its first bad check.
func byOutcome(st models.MonitorState, r models.Result, _ models.Rule, status models.Status) (models.MonitorState, bool) {
	if r.Slot <= st.LastSlot || status == models.StatusDisabled {
		return st, false
	}
	was := st.Measured
	switch r.Outcome {
	case models.OutcomeSuccess:
		st.Measured, st.Failures, st.DegradedInRow, st.TroubleSince = models.StateUp, 0, 0, time.Time{}
		st.Successes++
	case models.OutcomeWarning:
		st.Measured, st.Failures, st.Successes = models.StateDegraded, 0, 0
		st.DegradedInRow++
	case models.OutcomeFailure:
		st.Successes = 0
		st.Failures++
		st.DegradedInRow++
		if st.Failures >= 2 {
			st.Measured = models.StateDown
		}
	}
	if st.TroubleSince.IsZero() && (r.Outcome == models.OutcomeFailure || r.Outcome == models.OutcomeWarning) {
		st.TroubleSince = r.StartedAt().Add(200 * time.Millisecond)
	}
	if st.State = st.Measured; r.Outcome == models.OutcomeUnknown {
		st.State = models.StateUnknown
	} else if st.Measured != was {
		st.Since = r.StartedAt()
	}
	st.LastSlot, st.LastCheckedAt = r.Slot, r.StartedAt()
	st.PushBeat(models.Beat{Outcome: r.Outcome})
	return st, true
}

// results are checks of the monitor at the slot: + good, ~ degraded, - failed, ? not measured.
func (h *incidentHouse) result(m models.MonitorRow, what rune) models.Result {
	r := models.Result{Monitor: m.ID, Rev: m.Rev, Slot: h.next.UnixMilli(), Location: models.LocationID, Kind: models.KindScheduled, Sent: 4, Received: 4,
		Outcome: models.OutcomeSuccess, Address: netip.MustParseAddr("127.0.0.1")}
	ok := models.Packet{State: models.PacketReplied, RTT: 3 * time.Millisecond}
	r.Packets = []models.Packet{ok, ok, ok, ok}
	switch what {
	case '~':
		r.Outcome, r.Cause, r.Received, r.Packets[1] = models.OutcomeWarning, models.CauseTimeout, 3, models.Packet{}
	case '-':
		r.Outcome, r.Cause, r.CauseSource, r.Received, r.Packets = models.OutcomeFailure, models.CauseHostUnreachable, netip.MustParseAddr("10.0.0.1"), 0, make([]models.Packet, 4)
	case '?':
		r = r.Unknown(models.CauseDNSError, "")
		r.Sent, r.Received, r.Packets = 0, 0, nil
	}
	return r
}

// check records one result of each kind in turn, 10 s apart, each in a batch of its own.
func (h *incidentHouse) check(m models.MonitorRow, kinds string) {
	h.Helper()
	for _, what := range kinds {
		h.record(byOutcome, h.result(m, what))
	}
}

func (h *incidentHouse) record(judge models.JudgeFunc, batch ...models.Result) []models.Recorded {
	h.Helper()
	h.now = h.next.Add(time.Second)
	recorded, err := h.s.RecordResults(h.Context(), batch, judge)
	if err != nil {
		h.Fatal(err)
	}
	h.next = h.next.Add(10 * time.Second)
	return recorded
}

// told are the incidents of the filter in one line each, oldest first.
func (h *incidentHouse) told(f models.IncidentsFilter) []string {
	h.Helper()
	f.Limit = 100
	rows, total, err := h.s.Incidents(h.Context(), h.by, f)
	if err != nil || total != len(rows) {
		h.Fatalf("got %d of %d incidents and error %v", len(rows), total, err)
	}
	lines := make([]string, len(rows))
	for i, row := range rows {
		line := string(row.Type)
		if row.Mass {
			line += fmt.Sprintf(" of %d", row.Monitors)
		}
		line += row.StartedAt.Format(" 15:04:05.0")
		if !row.Open() {
			line += row.EndedAt.Format("–15:04:05.0 ") + string(row.EndReason)
			if row.EndedBy != "" {
				line += " by " + row.EndedBy
			}
		}
		lines[len(rows)-1-i] = line
	}
	return lines
}

func (h *incidentHouse) want(what string, want ...string) {
	h.Helper()
	if got := h.told(models.IncidentsFilter{}); strings.Join(got, "\n") != strings.Join(want, "\n") {
		h.Errorf("%s: got\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if open := h.told(models.IncidentsFilter{Open: true}); len(open) > 0 {
		counts, err := h.s.Counts(h.Context(), h.by)
		if err != nil || counts.OpenIncidents != len(open) {
			h.Errorf("%s: got %d counted as open and error %v, want %d", what, counts.OpenIncidents, err, len(open))
		}
	}
}

// detail is the newest incident.
func (h *incidentHouse) detail() models.IncidentDetail {
	h.Helper()
	rows, _, err := h.s.Incidents(h.Context(), h.by, models.IncidentsFilter{Limit: 1})
	if err != nil || len(rows) != 1 {
		h.Fatalf("got %d incidents and error %v, want one", len(rows), err)
	}
	d, err := h.s.Incident(h.Context(), h.by, rows[0].PublicID)
	if err != nil {
		h.Fatal(err)
	}
	return d
}
