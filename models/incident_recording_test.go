package models_test

import (
	"fmt"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/models/modelstest"
)

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

// A program that starts in another country than the monitor allows ends its incident.
func TestIncidentOfAMonitorNoLongerCheckedHere(t *testing.T) {
	withIncidents(t, func(h *incidentHouse) {
		m := h.monitor("Gateway")
		m, err := h.s.ChangeMonitor(h.Context(), h.by, m.PublicID, fields(h.T, `{"allowedCheckCountryCodes":["DE"]}`), "")
		if err != nil {
			h.Fatal(err)
		}
		h.check(m, "--")
		h.s = modelstest.Open(h.T, modelstest.URL(h.T, h.s), func(o *models.Options) {
			o.Now, o.LocationCountry = func() time.Time { return h.now }, "AT"
		})
		sub := h.s.Bus().Subscribe(10, events.IncidentClosed)
		defer sub.Close()
		if _, _, _, err := h.s.UnscopedMonitorsToProbe(h.Context(), 0, 10); err != nil {
			h.Fatal(err)
		}
		h.want("moved to Austria", "downtime 12:00:00.2–12:00:11.0 not_checked_here")
		if len(sub.C) != 1 {
			h.Errorf("got %d events, want the one of the end", len(sub.C))
		}
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
		if d := h.detail(); len(d.Parts) != 4 || d.OpenMonitors != 4 || len(d.Failed) != 2 || d.Checks != 2 {
			h.Errorf("got %d parts, %d open, %d checks kept, want 4, 4 and the two that led to the verdict", len(d.Parts), d.OpenMonitors, len(d.Failed))
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

// A mass incident ends with its last monitor, also where a batch before the last one told so, and keeps the first failed check of
// the monitors whose verdicts came in one batch.
func TestMassIncidentEndsWithItsLastMonitor(t *testing.T) {
	withIncidents(t, func(h *incidentHouse) {
		a, b := h.monitor("A"), h.monitor("B")
		mass := func(m models.MonitorRow) models.Result {
			r := h.result(m, '-')
			r.Mass = true
			return r
		}
		h.record(byOutcome, mass(a), mass(b))
		h.record(byOutcome, mass(a), mass(b))
		if d := h.detail(); len(d.Failed) != 2 || d.Failed[0].Slot >= d.Failed[1].Slot || d.FailedTotal != 2 || d.Checks != 2 || d.Sent != 8 {
			h.Errorf("got %d failed checks of %d, and %d with %d packets in the facts; want 2 of 2, and 2 with 8", len(d.Failed), d.FailedTotal, d.Checks, d.Sent)
		}
		early := h.result(a, '+') // its batch comes last
		h.next = h.next.Add(20 * time.Second)
		h.record(byOutcome, h.result(b, '+'))
		h.record(byOutcome, early)
		h.want("both recovered", "downtime of 2 12:00:00.2–12:00:40.0 recovered")
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
		} else if !d.Flapping || d.UpSince.IsZero() {
			h.Errorf("got flapping %t, up since %s; want it to say why it is open while the monitor is up", d.Flapping, d.UpSince)
		}
		flapping = time.Time{}
		each("+")
		h.want("calm again", "downtime 12:00:10.2–12:01:50.0 recovered")
		if h.detail().Flapping {
			h.Error("it ended: want it not to be called flapping any more")
		}
	})
}
