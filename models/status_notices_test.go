package models_test

import (
	"errors"
	"testing"
	"time"

	"echolot/models"
)

// Downtimes are shown by themselves; a post takes the place of one, its end stays the measured one; a hidden post leaves it out.
func TestMeasuredNotices(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		h.check(h.first, "+--")
		h.check(h.strange, "+--")
		h.shows("down", h.board().Open, `incident downtime""  12:00- of Pirna`)
		n := h.board().Open[0]
		if !n.Measured || n.ID == h.detail().PublicID {
			h.Errorf("got %+v, want it measured and under an id of the page's own", n)
		}
		none := h.page
		none.Publish = models.PublishNone
		if b, err := h.s.UnscopedStatusBoard(h.Context(), none); err != nil || len(b.Open) != 0 {
			h.Errorf("by hand: got %d open, %v; want none", len(b.Open), err)
		}
		rows, _, err := h.s.Incidents(h.Context(), h.by, models.IncidentsFilter{Monitor: h.first.ID, Limit: 1})
		if err != nil {
			h.Fatal(err)
		}
		incident := rows[0].PublicID.String()
		d := h.post(`{"kind":"incident","title":"The line to Pirna is cut","body":"We look.","incidentId":"` + incident + `"}`)
		d = h.told(d, `{"state":"resolved","body":"It should work."}`)
		h.shows("told", h.board().Open, `incident downtime"The line to Pirna is cut" monitoring 12:00- of Pirna`)
		if told := h.board().Open[0]; told.ID != n.ID || told.Measured {
			h.Errorf("told: got id %s, measured %v; want that of before, %s, as told", told.ID, told.Measured, n.ID)
		}
		if b, err := h.s.UnscopedStatusBoard(h.Context(), none); err != nil || len(b.Open) != 1 || b.Open[0].Measured {
			h.Errorf("by hand: got %+v, %v; want what an operator told", b.Open, err)
		}
		var conflict *models.Conflict
		if _, err := h.s.CreateStatusPost(h.Context(), h.by, h.page.PublicID, fields(h.T, `{"kind":"incident","title":"x","incidentId":"`+incident+`"}`)); !errors.As(err, &conflict) {
			h.Errorf("once more: got %v, want a conflict", err)
		}
		h.next = h.now.Add(time.Minute).Truncate(time.Minute)
		h.check(h.first, "+")
		h.shows("over", h.board().Past, `incident downtime"The line to Pirna is cut" resolved 12:00-12:01 of Pirna`)
		if _, err := h.s.ChangeStatusPost(h.Context(), h.by, h.page.PublicID, d.PublicID, fields(h.T, `{"hidden":true}`)); err != nil {
			h.Fatal(err)
		}
		h.shows("hidden", h.board().Past)
		if err := h.s.DeleteStatusPost(h.Context(), h.by, h.page.PublicID, d.PublicID); err != nil {
			h.Fatal(err)
		}
		h.shows("as the rule says", h.board().Past, `incident downtime"" resolved 12:00-12:01 of Pirna`)

		h.check(h.second, "+~")
		h.shows("degraded is not down", h.board().Open)
		all := h.page
		all.Publish = models.PublishAll
		if b, err := h.s.UnscopedStatusBoard(h.Context(), all); err != nil || len(b.Open) != 1 || b.Open[0].Type != models.IncidentDegraded {
			h.Errorf("all: got %+v, %v; want the degraded one", b.Open, err)
		}

		var gone *models.NotFound
		strange, _, _ := h.s.Incidents(h.Context(), h.by, models.IncidentsFilter{Monitor: h.strange.ID, Limit: 1})
		if _, err := h.s.CreateStatusPost(h.Context(), h.by, h.page.PublicID, fields(h.T, `{"kind":"incident","title":"x","incidentId":"`+strange[0].PublicID.String()+`"}`)); !errors.As(err, &gone) {
			h.Errorf("of a monitor that is not on the page: got %v, want not found", err)
		}
		if err := h.s.NoteBlind(h.Context(), h.now, []string{"gateway"}, false); err != nil {
			h.Fatal(err)
		}
		if b, err := h.s.UnscopedStatusBoard(h.Context(), all); err != nil || len(b.Open) != 1 {
			h.Errorf("blind: got %+v, %v; want nothing of it", b.Open, err)
		}

		h.now = h.now.Add(models.StatusPastDays * 24 * time.Hour)
		h.shows("a week later", h.board().Past)
		over, err := h.s.UnscopedStatusOver(h.Context(), h.page)
		if err != nil {
			h.Fatal(err)
		}
		h.shows("for readers", over, `incident downtime"" resolved 12:00-12:01 of Pirna`)
		month, err := h.s.UnscopedStatusMonth(h.Context(), h.page, 2026, time.November)
		if err != nil {
			h.Fatal(err)
		}
		h.shows("the month", month, `incident downtime"" resolved 12:00-12:01 of Pirna`)
		if month, err = h.s.UnscopedStatusMonth(h.Context(), h.page, 2026, time.October); err != nil || len(month) != 0 {
			h.Errorf("the month before: got %d, %v; want none", len(month), err)
		}
	})
}

// Maintenance is reminded of, begins, shows its monitors as worked on, keeps their downtimes to itself, and ends; what goes on after it
// is told. People may end it early.
func TestMaintenanceNotices(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		h.check(h.second, "+")
		h.now = time.Date(2026, 11, 25, 12, 30, 0, 0, time.UTC)
		d := h.post(`{"kind":"maintenance","title":"Firmware","body":"Short breaks.","startsAt":"2026-11-25T14:00:00+01:00","endsAt":"2026-11-25T14:00:00Z","remindMinutes":15,"monitorIds":["` + h.second.PublicID.String() + `"]}`)
		b := h.board()
		h.shows("to come", b.Announced, `maintenance "Firmware" scheduled 13:00-14:00 of Riesa`)
		if want := time.Date(2026, 11, 25, 12, 45, 0, 0, time.UTC); !b.ChangesAt.Equal(want) {
			h.Errorf("got it to change at %s, want %s", b.ChangesAt, want)
		}
		h.now = h.now.Add(20 * time.Minute)
		h.shows("soon", h.board().Announced, `maintenance "Firmware" scheduled 13:00-14:00 of Riesa soon`)
		h.next = time.Date(2026, 11, 25, 13, 5, 0, 0, time.UTC)
		h.check(h.second, "--")
		b = h.board()
		h.shows("under way", b.Open, `maintenance "Firmware" in_progress 13:00-14:00 of Riesa`)
		for _, c := range b.Groups[0].Components {
			if c.Maintenance != (c.Name == "Riesa") {
				h.Errorf("got %s under maintenance: %t", c.Name, c.Maintenance)
			}
		}
		h.now = h.now.Add(5 * time.Minute)
		d = h.told(d, `{"state":"completed","body":"Done."}`)
		b = h.board()
		h.shows("ended early", b.Past, `maintenance "Firmware" completed 13:00-13:10 of Riesa`)
		h.shows("what goes on", b.Open, `incident downtime""  13:05- of Riesa`)
		h.now = h.now.Add(5 * time.Minute)
		more := h.told(d, `{"body":"What we learned."}`)
		h.shows("what is told later moves nothing", h.board().Past, `maintenance "Firmware" completed 13:00-13:10 of Riesa`)
		if _, err := h.s.DeleteStatusUpdate(h.Context(), h.by, h.page.PublicID, d.PublicID, more.Updates[0].PublicID); err != nil {
			h.Fatal(err)
		}
		if _, err := h.s.DeleteStatusUpdate(h.Context(), h.by, h.page.PublicID, d.PublicID, d.Updates[0].PublicID); err != nil {
			h.Fatal(err)
		}
		h.next = h.now.Add(time.Minute)
		h.check(h.second, "+")
		h.now = time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)
		h.shows("over by the clock, and what fell into it", h.board().Past, `maintenance "Firmware" completed 13:00-14:00 of Riesa`)
	})
}

// Announcements are shown from when they begin until they end.
func TestAnnouncements(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		h.post(`{"kind":"announcement","title":"For good","body":"x"}`)
		h.post(`{"kind":"announcement","title":"For a while","startsAt":"2026-11-25T13:00:00Z","endsAt":"2026-11-26T13:00:00Z"}`)
		h.post(`{"kind":"maintenance","title":"Later","startsAt":"2026-11-29T13:00:00Z","endsAt":"2026-11-29T14:00:00Z"}`)
		h.post(`{"kind":"maintenance","title":"Sooner","startsAt":"2026-11-28T13:00:00Z","endsAt":"2026-11-28T14:00:00Z"}`)
		const good, while = `announcement "For good"  12:00- of `, `announcement "For a while"  13:00-13:00 of `
		const sooner, later = `maintenance "Sooner" scheduled 13:00-14:00 of `, `maintenance "Later" scheduled 13:00-14:00 of `
		h.shows("before", h.board().Announced, sooner, later, good)
		h.now = h.now.Add(2 * time.Hour)
		h.shows("between", h.board().Announced, sooner, later, while, good)
		h.now = h.now.Add(24 * time.Hour)
		b := h.board()
		h.shows("after", b.Announced, sooner, later, good)
		h.shows("past", b.Past, while)
		month, err := h.s.UnscopedStatusMonth(h.Context(), h.page, 2026, time.December)
		if err != nil {
			h.Fatal(err)
		}
		h.shows("next month", month)
	})
}

// The page's days are of its time zone.
func TestNoticesZone(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		h.post(`{"kind":"incident","title":"At midnight","startsAt":"2026-10-31T22:30:00Z","at":"2026-10-31T22:45:00Z","state":"resolved"}`)
		berlin := h.page
		berlin.TimeZone = "Europe/Berlin"
		for zone, want := range map[string]int{"UTC": 1, "Europe/Berlin": 1, "Pacific/Auckland": 0} {
			berlin.TimeZone = zone
			month, err := h.s.UnscopedStatusMonth(h.Context(), berlin, 2026, time.October)
			if err != nil || len(month) != want {
				h.Errorf("%s: got %d in October, %v; want %d", zone, len(month), err, want)
			}
		}
	})
}

// Maintenance that is called off before it begins is over at that moment, in the lists and in the month; taken back, it is announced again.
func TestMaintenanceCancelled(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		h.now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		d := h.post(`{"kind":"maintenance","title":"Firmware","body":"x","startsAt":"2026-12-02T13:00:00Z","endsAt":"2026-12-02T14:00:00Z","remindMinutes":20160}`)
		h.shows("to come", h.board().Announced, `maintenance "Firmware" scheduled 13:00-14:00 of  soon`)
		if n := h.board().Announced[0]; !n.CreatedAt.Equal(h.now) || !n.UpdatedAt.Equal(h.now) {
			h.Errorf("got it told at %s and changed at %s, want now, %s", n.CreatedAt, n.UpdatedAt, h.now)
		}
		h.now = h.now.Add(30 * time.Minute)
		d = h.told(d, `{"state":"completed","body":"It is not needed."}`)
		const off = `maintenance "Firmware" completed 12:30-12:30 of `
		b := h.board()
		h.shows("called off", b.Past, off)
		if n := b.Past[0]; !n.UpdatedAt.Equal(h.now) || !n.CreatedAt.Before(n.UpdatedAt) {
			h.Errorf("got it told at %s and changed at %s, want it changed now", n.CreatedAt, n.UpdatedAt)
		}
		h.shows("announced", b.Announced)
		if n := b.Past[0]; !n.Cancelled || !n.PlannedFrom.Equal(d.StartsAt) || !n.PlannedTo.Equal(d.EndsAt) || n.PlannedFrom.Day() != 2 {
			h.Errorf("got %+v, want it cancelled, with the times that were planned", n)
		}
		for month, want := range map[time.Month][]string{time.November: {off}, time.December: nil} {
			list, err := h.s.UnscopedStatusMonth(h.Context(), h.page, 2026, month)
			if err != nil {
				h.Fatal(err)
			}
			h.shows(month.String(), list, want...)
		}
		if _, err := h.s.DeleteStatusUpdate(h.Context(), h.by, h.page.PublicID, d.PublicID, d.Updates[0].PublicID); err != nil {
			h.Fatal(err)
		}
		h.shows("taken back", h.board().Announced, `maintenance "Firmware" scheduled 13:00-14:00 of  soon`)
		h.told(d, `{"state":"in_progress","body":"We begin."}`)
		h.now = h.now.Add(10 * time.Minute)
		h.told(d, `{"state":"completed","body":"Done."}`)
		b = h.board()
		h.shows("begun and ended early", b.Past, `maintenance "Firmware" completed 12:30-12:40 of `)
		if b.Past[0].Cancelled {
			h.Error("what was begun is not cancelled")
		}
	})
}

// What turns too often stays open: it is unstable, not down, as long as it is up.
func TestUnstableNotice(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		flapping := func(st models.MonitorState, r models.Result, rule models.Rule, status models.Status) (models.MonitorState, bool) {
			st, ok := byOutcome(st, r, rule, status)
			st.FlappingSince = h.next
			return st, ok
		}
		h.check(h.first, "+--")
		h.record(flapping, h.result(h.first, '+'))
		if open := h.board().Open; len(open) != 1 || len(open[0].Unstable) != 1 || open[0].UpSince.Before(open[0].StartsAt) || !open[0].EndsAt.IsZero() {
			h.Fatalf("up again: got %+v, want one that is unstable", open)
		}
		up := h.board().Groups[0].Components[0].Since
		if got := h.board().Open[0].UpSince; !got.Equal(up) {
			h.Errorf("got up since %s, want %s", got, up)
		}
		h.record(flapping, h.result(h.first, '-'))
		h.record(flapping, h.result(h.first, '-'))
		if open := h.board().Open; len(open) != 1 || open[0].Unstable != nil || !open[0].UpSince.IsZero() {
			h.Errorf("down once more: got %+v, want one that is down", open)
		}
	})
}

// Maintenance that is told of afterwards takes nothing from the page that was measured before.
func TestMaintenanceToldAfterwards(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		h.check(h.second, "--+")
		before := h.board().Past
		if len(before) != 1 {
			h.Fatalf("got %d, want the downtime", len(before))
		}
		from, to := before[0].StartsAt.Add(-time.Hour).Format(time.RFC3339), h.now.Add(time.Hour).Format(time.RFC3339)
		h.post(`{"kind":"maintenance","title":"Firmware","startsAt":"` + from + `","endsAt":"` + to + `","monitorIds":["` + h.second.PublicID.String() + `"]}`)
		if after := h.board().Past; len(after) != 1 || after[0].ID != before[0].ID {
			h.Errorf("got %+v, want the downtime still", after)
		}
		h.check(h.second, "--+")
		if after := h.board().Past; len(after) != 1 {
			h.Errorf("during it: got %+v, want only what was before", after)
		}
	})
}
