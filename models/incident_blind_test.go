package models_test

import (
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"
)

// A blind location is one incident of each organization that has monitors, however often it is said, and it has no monitors.
func TestBlindIncidents(t *testing.T) {
	withIncidents(t, func(h *incidentHouse) {
		sub := h.s.Bus().Subscribe(100, events.IncidentOpened, events.IncidentClosed, events.IncidentChanged)
		defer sub.Close()
		if _, err := h.s.UnscopedCreateUser(h.Context(), models.NewUser{Email: "idle@example.com", Role: models.RoleAdmin, Organization: "Idle", Password: "correct horse battery"}); err != nil {
			h.Fatal(err)
		}
		h.monitor("Gateway")
		say := func(over bool) {
			h.Helper()
			if err := h.s.NoteBlind(h.Context(), h.now.Add(-3*time.Second), []string{"gateway 10.99.0.1"}, over); err != nil {
				h.Fatal(err)
			}
		}
		say(true)
		h.want("nobody was blind")
		say(false)
		say(false)
		h.want("blind", "blind 11:59:57.0")
		if d := h.detail(); d.Cause != models.CauseProberBlind || d.CauseSource != "gateway 10.99.0.1" || len(d.Parts) != 0 || d.OrganizationID != 1 {
			h.Errorf("got %+v, want it to say who is silent", d)
		}
		h.now = h.now.Add(time.Minute)
		say(true)
		h.want("it sees again", "blind 11:59:57.0–12:01:00.0 recovered")
		var types []events.Type
		for len(sub.C) > 0 {
			types = append(types, (<-sub.C).Type)
		}
		if len(types) < 2 || types[0] != events.IncidentOpened || types[len(types)-1] != events.IncidentClosed {
			h.Errorf("got events %v, want opened first and closed last", types)
		}
		by := h.by
		by.Limited, by.CustomerIDs = true, []int64{1}
		if rows, total, err := h.s.Incidents(h.Context(), by, models.IncidentsFilter{Limit: 10}); err != nil || len(rows) != 1 || total != 1 {
			h.Errorf("somebody who sees one customer: got %d of %d and error %v, want it too: nothing of theirs was measured", len(rows), total, err)
		}
		if rows, _, err := h.s.Incidents(h.Context(), h.by, models.IncidentsFilter{Search: "gate", Limit: 10}); err != nil || len(rows) != 0 {
			h.Errorf("by a monitor's name: got %d and error %v, want none", len(rows), err)
		}
	})
}
