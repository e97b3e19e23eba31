package models_test

import (
	"testing"
	"time"
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
