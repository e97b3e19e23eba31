package models_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"
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
	row, err := h.s.CreateMonitor(h.Context(), h.by, fields(h.T, `{"customerId":1,"name":"`+name+`","hostname":"127.0.0.1","checkIntervalSeconds":10,"timeoutSeconds":2,"icmpConfig":{"degradedLossPercent":20}}`))
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

// An outage is one incident from its first lost packet to its first good check; what could not be measured neither opens nor
// ends one, and what was found is kept when the raw checks are gone.
func TestIncidentOfAnOutage(t *testing.T) {
	withIncidents(t, func(h *incidentHouse) {
		sub := h.s.Bus().Subscribe(100, events.IncidentOpened, events.IncidentClosed, events.IncidentChanged)
		defer sub.Close()
		m := h.monitor("Gateway")
		h.check(m, "+?+-")
		h.want("one failed check")
		h.check(m, "-")
		h.want("two failed checks", "downtime 12:00:30.2")
		h.check(m, "-?--")
		d := h.detail()
		if d.FailedTotal != 5 || len(d.Failed) != 2 || d.Checks != 2 || d.Sent != 8 || d.Received != 0 || d.Cause != models.CauseHostUnreachable || d.CauseSource != "10.0.0.1" {
			h.Errorf("while it is open: got %d failed checks, %d kept, facts %+v, want 5, 2, and 8 packets in 2 checks", d.FailedTotal, len(d.Failed), d.IncidentFacts)
		}
		if !d.ConfirmedAt.Equal(time.Date(2026, 11, 25, 12, 0, 40, 0, time.UTC)) {
			h.Errorf("got it confirmed at %s, want 12:00:40", d.ConfirmedAt)
		}
		h.check(m, "++")
		h.want("recovered", "downtime 12:00:30.2–12:01:30.0 recovered")
		if _, err := writable(h.T, modelstest.URL(h.T, h.s)).ExecContext(h.Context(), "DELETE FROM results"); err != nil {
			h.Fatal(err)
		}
		d = h.detail()
		if d.FailedTotal != 5 || len(d.Failed) != 5 || d.RecoveredTotal != 1 || len(d.Recovered) != 1 || len(d.Parts) != 1 || d.Parts[0].Monitor.Name != "Gateway" {
			h.Errorf("got %d failed checks, %d kept, %d recovering, %d kept, parts %+v, want 5, 5, 1, 1 of Gateway", d.FailedTotal, len(d.Failed), d.RecoveredTotal, len(d.Recovered), d.Parts)
		}
		if first := d.Failed[0]; len(first.Packets) != 4 || first.StartedAt().Format("15:04:05") != "12:00:30" || d.Recovered[0].StartedAt().Format("15:04:05") != "12:01:30" {
			h.Errorf("got the first failed check %+v and the recovery %+v, want them of 12:00:30 and 12:01:30", first, d.Recovered[0])
		}
		var types []events.Type
		for len(sub.C) > 0 {
			e := <-sub.C
			types = append(types, e.Type)
			if change, ok := e.Data.(models.IncidentChange); !ok || e.PublicID != m.PublicID.String() || e.CustomerID != 1 || change.Incident.PublicID != d.PublicID {
				h.Errorf("got event %+v, want it to tell of the incident", e)
			}
		}
		if fmt.Sprint(types) != "[incident.opened incident.closed]" {
			h.Errorf("got events %v, want opened and closed", types)
		}
	})
}

// Down and degraded are incidents of their own that follow each other without a gap.
func TestIncidentsFollowEachOther(t *testing.T) {
	withIncidents(t, func(h *incidentHouse) {
		m := h.monitor("Gateway")
		h.check(m, "+~~--~~+")
		h.want("degraded, down, degraded, up",
			"degraded 12:00:10.2–12:00:40.0 worse",
			"downtime 12:00:40.0–12:00:50.0 better",
			"degraded 12:00:50.0–12:01:10.0 recovered")
		if d := h.detail(); d.FailedTotal != 2 || d.Received != 3 || d.RTT != 3000 {
			h.Errorf("got %d failed checks and facts %+v, want the two of the last incident", d.FailedTotal, d.IncidentFacts)
		}
	})
}

// All of it in one batch, as after an outage of the database.
func TestIncidentsInOneBatch(t *testing.T) {
	withIncidents(t, func(h *incidentHouse) {
		m := h.monitor("Gateway")
		var batch []models.Result
		for _, what := range "+--+--" {
			batch = append(batch, h.result(m, what))
			h.next = h.next.Add(10 * time.Second)
		}
		recorded := h.record(byOutcome, batch...)
		h.want("one batch", "downtime 12:00:10.2–12:00:30.0 recovered", "downtime 12:00:40.2")
		if last := recorded[5].Monitor.State; last.IncidentType != models.IncidentDowntime || last.IncidentID != h.detail().ID {
			h.Errorf("got incident %d, %q in the state, want the open one", last.IncidentID, last.IncidentType)
		}
		// The same batch again, by somebody who does not know that it was committed.
		h.record(byOutcome, batch...)
		h.want("the batch again", "downtime 12:00:10.2–12:00:30.0 recovered", "downtime 12:00:40.2")
	})
}

// In maintenance none opens; one that is open stays and ends by recovery; after it, what is still down opens one.
func TestIncidentsInMaintenance(t *testing.T) {
	withIncidents(t, func(h *incidentHouse) {
		m := h.monitor("Gateway")
		status := func(s string) {
			var err error
			if m, err = h.s.ChangeMonitor(h.Context(), h.by, m.PublicID, fields(h.T, `{"status":"`+s+`"}`), ""); err != nil {
				h.Fatal(err)
			}
		}
		h.check(m, "+")
		status("maintenance")
		h.check(m, "---")
		h.want("down in maintenance")
		status("active")
		h.want("before the next check")
		h.check(m, "?")
		h.want("after one that could not be measured")
		h.check(m, "-")
		h.want("maintenance is over", "downtime 12:00:10.2")
		status("maintenance")
		h.check(m, "-")
		h.want("maintenance again", "downtime 12:00:10.2")
		h.check(m, "+--")
		h.want("recovered in maintenance", "downtime 12:00:10.2–12:01:10.0 recovered")
	})
}

// Whoever stops the checks ends the incident, and is named.
func TestIncidentsOfStoppedChecks(t *testing.T) {
	withIncidents(t, func(h *incidentHouse) {
		m := h.monitor("Gateway")
		change := func(body string) {
			h.Helper()
			h.now = h.next
			var err error
			if m, err = h.s.ChangeMonitor(h.Context(), h.by, m.PublicID, fields(h.T, body), ""); err != nil {
				h.Fatal(err)
			}
		}
		h.check(m, "--")
		change(`{"name":"Gateway 2"}`)
		h.want("a new name", "downtime 12:00:00.2")
		change(`{"status":"disabled"}`)
		h.want("paused", "downtime 12:00:00.2–12:00:20.0 paused by ops@example.com")
		if d := h.detail(); d.FailedTotal != 2 {
			h.Errorf("got %d failed checks, want the 2 that the state had counted", d.FailedTotal)
		}
		change(`{"status":"active"}`)
		h.check(m, "--")
		change(`{"hostname":"127.0.0.2"}`)
		h.check(m, "+--")
		if _, err := h.s.ChangeCustomer(h.Context(), h.by, models.Ref{ID: 1}, fields(h.T, `{"status":"cancelled"}`), ""); err != nil {
			h.Fatal(err)
		}
		h.want("target changed, customer cancelled",
			"downtime 12:00:00.2–12:00:20.0 paused by ops@example.com",
			"downtime 12:00:20.2–12:00:40.0 target_changed by ops@example.com",
			"downtime 12:00:50.2–12:01:01.0 customer_cancelled by ops@example.com")
		var left int
		db := modelstest.Connect(h.T, modelstest.URL(h.T, h.s))
		if err := db.QueryRowContext(h.Context(), "SELECT count(*) FROM monitor_states WHERE incident_id <> 0").Scan(&left); err != nil || left != 0 {
			h.Errorf("got %d states that name an incident and error %v, want none", left, err)
		}
		if err := h.s.DeleteMonitor(h.Context(), h.by, m.PublicID); err != nil {
			h.Fatal(err)
		}
		h.want("deleted")
	})
}

// What many have in common is one incident that names them all, and ends with its last monitor.
func TestMassIncident(t *testing.T) {
	withIncidents(t, func(h *incidentHouse) {
		var all []models.MonitorRow
		for i := range 4 {
			all = append(all, h.monitor(fmt.Sprint("Host ", i)))
		}
		batch := func(kinds string) {
			var list []models.Result
			for i, what := range kinds {
				if what != ' ' {
					r := h.result(all[i], what)
					r.Mass = what == '-'
					list = append(list, r)
				}
			}
			h.record(byOutcome, list...)
		}
		batch("++++")
		batch("--- ")
		batch("--  ")
		batch("  - ")
		h.want("three down", "downtime of 3 12:00:10.2")
		batch("+   ")
		batch("-  -")
		batch("-  -")
		h.want("one came back and fell again, one more fell", "downtime of 4 12:00:10.2")
		if d := h.detail(); len(d.Parts) != 4 || d.OpenMonitors != 4 || len(d.Failed) != 1 {
			h.Errorf("got %d parts, %d open, %d checks kept, want 4, 4 and the one of the verdict", len(d.Parts), d.OpenMonitors, len(d.Failed))
		}
		if err := h.s.DeleteMonitor(h.Context(), h.by, all[3].PublicID); err != nil {
			h.Fatal(err)
		}
		batch("+++")
		h.want("all recovered", "downtime of 3 12:00:10.2–12:01:10.0 recovered")
		h.next = h.next.Add(10 * time.Minute)
		batch("---")
		batch("-- ")
		h.next = h.next.Add(10 * time.Minute)
		batch("  -")
		h.want("much later it is not the same failure", "downtime of 3 12:00:10.2–12:01:10.0 recovered", "downtime of 2 12:11:20.2", "downtime of 1 12:11:20.2")
	})
}

// While the verdict turns too often, one incident stays open; when it is calm again the next check ends it.
func TestIncidentWhileFlapping(t *testing.T) {
	withIncidents(t, func(h *incidentHouse) {
		m := h.monitor("Gateway")
		flapping := time.Time{}
		judge := func(st models.MonitorState, r models.Result, rule models.Rule, status models.Status) (models.MonitorState, bool) {
			st, ok := byOutcome(st, r, rule, status)
			st.FlappingSince = flapping
			return st, ok
		}
		each := func(kinds string) {
			for _, what := range kinds {
				h.record(judge, h.result(m, what))
			}
		}
		each("+--")
		flapping = h.next
		each("+--+--+~+")
		h.want("flapping", "downtime 12:00:10.2")
		if d := h.detail(); d.FailedTotal != 6 {
			h.Errorf("got %d failed checks, want 6", d.FailedTotal)
		}
		flapping = time.Time{}
		each("+")
		h.want("calm again", "downtime 12:00:10.2–12:01:50.0 recovered")
	})
}

// T27, T28: an incident is the database's row. A program that starts again opens nothing twice, even where a state has lost its
// incident, and a target that recovered meanwhile ends it with the first good check.
func TestIncidentsOverARestart(t *testing.T) {
	withIncidents(t, func(h *incidentHouse) {
		m := h.monitor("Gateway")
		h.check(m, "+--")
		again := modelstest.Open(h.T, modelstest.URL(h.T, h.s), func(o *models.Options) { o.Now = func() time.Time { return h.now } })
		h.s = again
		sub := again.Bus().Subscribe(100, events.IncidentOpened, events.IncidentClosed)
		defer sub.Close()
		h.check(m, "--")
		h.want("still down after the start", "downtime 12:00:10.2")
		if _, err := writable(h.T, modelstest.URL(h.T, h.s)).ExecContext(h.Context(), "UPDATE monitor_states SET incident_id = 0, incident_type = ''"); err != nil {
			h.Fatal(err)
		}
		h.check(m, "-")
		h.want("the state lost it", "downtime 12:00:10.2")
		if len(sub.C) != 0 {
			h.Errorf("got %v told again", <-sub.C)
		}
		h.next = h.next.Add(3 * time.Hour)
		h.check(m, "+")
		h.want("recovered while nobody looked", "downtime 12:00:10.2–15:01:00.0 recovered")
		if len(sub.C) != 1 {
			h.Errorf("got %d events, want the one that tells of the end", len(sub.C))
		}
	})
}

// A process that does not record hears of incidents from the one that does, of each change once.
func TestFeedTellsIncidents(t *testing.T) {
	withIncidents(t, func(h *incidentHouse) {
		here := modelstest.Open(h.T, modelstest.URL(h.T, h.s), func(o *models.Options) { o.Now = func() time.Time { return h.now } })
		sub := here.Bus().Subscribe(100, events.IncidentOpened, events.IncidentClosed, events.IncidentChanged)
		defer sub.Close()
		m := h.monitor("Gateway")
		feed := here.NewFeed()
		defer feed.Close()
		hears := func(what string, want events.Type) {
			h.Helper()
			for range 3 {
				if err := feed.Read(h.Context(), true); err != nil {
					h.Fatal(err)
				}
			}
			if n := told(sub); len(n) != 1 || n[want] != 1 {
				h.Errorf("%s, read three times: got %v, want %s once", what, n, want)
			}
		}
		h.check(m, "+--")
		hears("down", events.IncidentOpened)
		h.now = h.now.Add(time.Second)
		if err := h.s.AcknowledgeIncident(h.Context(), h.by, h.detail().PublicID, fields(h.T, `{}`)); err != nil {
			h.Fatal(err)
		}
		hears("acknowledged", events.IncidentChanged)
		h.check(m, "+")
		hears("recovered", events.IncidentClosed)
	})
}

// People write to incidents: who, what and when is kept, and who sees only a part of one neither writes nor reads.
func TestWritingToIncidents(t *testing.T) {
	withIncidents(t, func(h *incidentHouse) {
		m, other := h.monitor("Gateway"), h.monitor("Other")
		second, err := h.s.CreateCustomer(h.Context(), h.by, fields(h.T, `{"name":"Second","email":"second@example.com"}`))
		if err != nil {
			h.Fatal(err)
		}
		if other, err = h.s.ChangeMonitor(h.Context(), h.by, other.PublicID, fields(h.T, `{"customerId":"`+second.PublicID.String()+`"}`), ""); err != nil {
			h.Fatal(err)
		}
		a, b := h.result(m, '-'), h.result(other, '-')
		a.Mass, b.Mass = true, true
		h.record(byOutcome, a, b)
		a.Slot, b.Slot = a.Slot+10_000, b.Slot+10_000
		h.record(byOutcome, a, b)
		id := h.detail().PublicID
		if err := h.s.AcknowledgeIncident(h.Context(), h.by, id, fields(h.T, `{"note":"  ours \r\n now "}`)); err != nil {
			h.Fatal(err)
		}
		if _, err := h.s.CommentIncident(h.Context(), h.by, id, fields(h.T, `{"text":"so it is"}`)); err != nil {
			h.Fatal(err)
		}
		d := h.detail()
		if d.AcknowledgedBy != "ops@example.com" || d.AcknowledgeNote != "ours \n now" || len(d.Comments) != 1 || d.Comments[0].Author != "ops@example.com" || d.Monitors != 2 {
			h.Errorf("got %+v, want the note and the comment by ops@example.com", d)
		}
		limited := h.by
		limited.Limited, limited.CustomerIDs, limited.Role = true, []int64{second.ID}, models.RoleUser
		part, err := h.s.Incident(h.Context(), limited, id)
		if err != nil || part.Monitors != 1 || len(part.Parts) != 1 || part.Parts[0].Monitor.Name != "Other" || part.Monitor.Name != "Other" || len(part.Comments) != 0 || part.AcknowledgeNote != "" || part.Whole {
			h.Errorf("who sees one customer: got %+v and error %v, want its own monitor and nothing that others wrote", part, err)
		}
		if err := h.s.AcknowledgeIncident(h.Context(), limited, id, fields(h.T, `{}`)); !errors.Is(err, models.ErrForbidden) {
			h.Errorf("who sees a part acknowledges: got %v, want forbidden", err)
		}
		limited.CustomerIDs = []int64{99}
		var gone *models.NotFound
		if _, err := h.s.Incident(h.Context(), limited, id); !errors.As(err, &gone) {
			h.Errorf("who sees nothing of it: got %v, want not found", err)
		}
		if rows, total, err := h.s.Incidents(h.Context(), limited, models.IncidentsFilter{Limit: 9}); err != nil || len(rows)+total != 0 {
			h.Errorf("who sees nothing of it: got %d of %d and error %v, want none", len(rows), total, err)
		}
		// One of two recovers: for whoever sees that one only, it is over.
		a.Slot += 10_000
		a.Outcome, a.Received, a.Packets = models.OutcomeSuccess, 4, make([]models.Packet, 4)
		h.record(byOutcome, a)
		limited.CustomerIDs = []int64{1}
		if part, err = h.s.Incident(h.Context(), limited, id); err != nil || part.Open() || part.EndReason != models.EndRecovered {
			h.Errorf("got %+v and error %v, want it over for them", part, err)
		}
		if rows, _, err := h.s.Incidents(h.Context(), limited, models.IncidentsFilter{Open: true, Limit: 9}); err != nil || len(rows) != 0 {
			h.Errorf("got %d open ones and error %v, want none", len(rows), err)
		}
		if ranged, err := h.s.IncidentsBetween(h.Context(), h.by, other.PublicID, h.now.Add(-time.Hour), h.now); err != nil || len(ranged) != 1 || !ranged[0].Open() {
			h.Errorf("in a range: got %+v and error %v, want the open one", ranged, err)
		}
		if ranged, err := h.s.IncidentsBetween(h.Context(), h.by, m.PublicID, h.now.Add(time.Second), h.now.Add(time.Hour)); err != nil || len(ranged) != 0 {
			h.Errorf("after its end: got %+v and error %v, want none", ranged, err)
		}
	})
}

// The tables themselves refuse a second open incident of a monitor, and another organization's monitor.
func TestDatabaseRefusesBadIncidents(t *testing.T) {
	withIncidents(t, func(h *incidentHouse) {
		m := h.monitor("Gateway")
		h.check(m, "--")
		db := writable(h.T, modelstest.URL(h.T, h.s))
		const part = ` INSERT INTO incident_monitors (incident_id, monitor_id, location_id, organization_id, cause, cause_source, cause_mtu, reason, checks, sent, received, rtt,
			started_at, confirmed_at, failed_checks, recovery_checks, evidence) `
		copyOf := func(set string) error {
			_, err := db.ExecContext(h.Context(), part+"SELECT "+set+", cause, cause_source, cause_mtu, reason, checks, sent, received, rtt, started_at, confirmed_at, 0, 0, evidence FROM incident_monitors")
			return err
		}
		if _, err := db.ExecContext(h.Context(), `INSERT INTO incidents (public_id, organization_id, location_id, type, mass, cause, cause_source, cause_mtu, reason, checks, sent, received, rtt, started_at,
			confirmed_at, end_reason, ended_by, acknowledged_by_id, acknowledged_by, acknowledge_note, updated_at)
			SELECT '00000000-0000-7000-8000-000000000001', organization_id, location_id, type, mass, cause, cause_source, cause_mtu, reason, checks, sent, received, rtt, started_at,
			confirmed_at, end_reason, ended_by, acknowledged_by_id, acknowledged_by, acknowledge_note, updated_at FROM incidents`); err != nil {
			h.Fatal(err)
		}
		for what, set := range map[string]string{"a second open one": "2, monitor_id, location_id, organization_id", "another organization's": "2, monitor_id, location_id, 2",
			"nobody's monitor": "2, 999, location_id, organization_id"} {
			if copyOf(set) == nil {
				h.Errorf("%s: the database took it", what)
			}
		}
		var n int
		if err := db.QueryRowContext(h.Context(), "SELECT count(*) FROM incident_monitors").Scan(&n); err != nil || n != 1 {
			h.Errorf("got %d parts and error %v, want 1", n, err)
		}
	})
}
