package models_test

import (
	"testing"
	"time"

	"echolot/models"
)

// A page's months begin with its creation, its oldest post, or the first incident of its monitors, whichever was first; what is open is in
// no month to come.
func TestStatusFirst(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		first := func(what string, want time.Time) {
			h.Helper()
			got, err := h.s.UnscopedStatusFirst(h.Context(), h.page)
			if err != nil || !got.Equal(want.Truncate(time.Microsecond)) {
				h.Errorf("%s: got %s, %v; want %s", what, got, err, want)
			}
		}
		first("new", h.page.CreatedAt)
		h.check(h.first, "+--")
		h.page.CreatedAt = h.now.AddDate(0, 1, 0) // as if the page had been made later
		first("measured before", h.board().Open[0].StartsAt)
		h.check(h.strange, "+--")
		h.post(`{"kind":"announcement","title":"Long ago","startsAt":"2026-03-01T13:00:00Z","body":"x"}`)
		first("told before", time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC))

		h.post(`{"kind":"incident","title":"It goes on","body":"x"}`)
		h.post(`{"kind":"maintenance","title":"To come","body":"x","startsAt":"2026-11-30T23:00:00Z","endsAt":"2026-12-01T01:00:00Z"}`)
		list, err := h.s.UnscopedStatusMonth(h.Context(), h.page, 2026, time.December)
		if err != nil {
			h.Fatal(err)
		}
		h.shows("the month to come", list, `maintenance "To come" scheduled 23:00-01:00 of `)
		if list, err = h.s.UnscopedStatusMonth(h.Context(), h.page, 2026, time.November); err != nil || len(list) != 3 {
			h.Errorf("this month: got %d, %v; want the outage, the incident and the maintenance", len(list), err)
		}
	})
}

// What is left out of a page moves its beginning by nothing: hidden posts, incidents that its rule does not show, and what other
// monitors had in an incident of its own.
func TestStatusFirstOfWhatIsShown(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		created := h.now.AddDate(0, 1, 0) // as if the page had been made later
		h.page.CreatedAt = created
		first := func(what string, want time.Time) {
			h.Helper()
			got, err := h.s.UnscopedStatusFirst(h.Context(), h.page)
			if err != nil || !got.Equal(want) {
				h.Errorf("%s: got %s, %v; want %s", what, got, err, want)
			}
		}
		change := func(d models.StatusPostDetail, body string) {
			h.Helper()
			if _, err := h.s.ChangeStatusPost(h.Context(), h.by, h.page.PublicID, d.PublicID, fields(h.T, body)); err != nil {
				h.Fatal(err)
			}
		}
		h.check(h.second, "+~+")
		warned := h.detail().PublicID.String()
		first("degraded, which the rule leaves out", created)
		h.page.Publish = models.PublishAll
		degraded := h.next.Add(-20*time.Second + 200*time.Millisecond)
		first("shown by the rule", degraded)
		h.page.Publish = models.PublishNone

		mass := func(m models.MonitorRow) models.Result {
			r := h.result(m, '-')
			r.Mass = true
			return r
		}
		h.record(byOutcome, mass(h.strange))
		down := h.next.Add(200 * time.Millisecond)
		h.record(byOutcome, mass(h.strange), mass(h.first))
		h.record(byOutcome, mass(h.first))
		if d := h.detail(); d.Monitors != 2 {
			h.Fatalf("got %v, want one of another customer's and the page's", h.incidentHouse.told(models.IncidentsFilter{}))
		}
		first("no rule", created)
		h.page.Publish = models.PublishDown
		first("the page's part in another customer's incident", down)

		d := h.post(`{"kind":"incident","title":"A short one","body":"x","incidentId":"` + warned + `"}`)
		first("told of what the rule leaves out", degraded)
		change(d, `{"hidden":true}`)
		first("hidden again", down)
		h.page.Publish = models.PublishAll
		first("hidden, whatever the rule", down)

		d = h.post(`{"kind":"announcement","title":"Long ago","startsAt":"2026-03-01T13:00:00Z","body":"x"}`)
		first("told", time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC))
		change(d, `{"hidden":true}`)
		first("a hidden post", down)
	})
}
