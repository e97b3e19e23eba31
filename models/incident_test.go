package models_test

import (
	"errors"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/models/modelstest"
)

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
		firstAt := d.AcknowledgedAt
		h.now = h.now.Add(time.Second)
		if err := h.s.AcknowledgeIncident(h.Context(), h.by, id, fields(h.T, `{"note":"mine"}`)); err != nil {
			h.Fatal(err)
		}
		if d = h.detail(); d.AcknowledgeNote != "mine" || len(d.Comments) != 2 || d.Comments[0].Text+d.Comments[1].Text != "so it isAcknowledged: ours \n now" ||
			!d.Comments[1].At.Equal(firstAt) || d.Comments[1].Author != "ops@example.com" {
			h.Errorf("taken over: got %+v, want the acknowledgement before among the comments", d)
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
		b.Slot += 20_000
		b.Outcome, b.Received, b.Packets = models.OutcomeSuccess, 4, make([]models.Packet, 4)
		h.record(byOutcome, b)
		var conflict *models.Conflict
		if err := h.s.AcknowledgeIncident(h.Context(), h.by, id, fields(h.T, `{}`)); !errors.As(err, &conflict) {
			h.Errorf("one that ended is acknowledged: got %v, want a conflict", err)
		}
		if _, err := h.s.CommentIncident(h.Context(), h.by, id, fields(h.T, `{"text":"why"}`)); err != nil {
			h.Errorf("one that ended takes no comment: %v", err)
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

func TestIncidentsBetweenLeavesOutTheOldest(t *testing.T) {
	withIncidents(t, func(h *incidentHouse) {
		m, began := h.monitor("flutters"), h.now
		var batch []models.Result
		for i := range 1003 { // the last of 502 incidents is open
			batch = append(batch, h.result(m, []rune("~+")[i%2]))
			h.next = h.next.Add(10 * time.Second)
		}
		h.record(byOutcome, batch...)
		rows, err := h.s.IncidentsBetween(h.Context(), h.by, m.PublicID, began.Add(-time.Hour), h.now)
		if err != nil || len(rows) != 500 {
			h.Fatalf("got %d incidents and error %v, want 500", len(rows), err)
		}
		if first, last := rows[0], rows[499]; !first.StartedAt.Before(last.StartedAt) || !last.Open() {
			h.Errorf("got incidents from %v to %v, the last one open: %t; want the newest, oldest first", first.StartedAt, last.StartedAt, last.Open())
		}
	})
}
