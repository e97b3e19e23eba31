package models_test

import (
	"testing"
	"time"

	"echolot/models"
)

// What is measured in announced maintenance counts as maintenance, in the bar, in the uptime and in that of the last day; not what was
// measured before it was announced, nor after it, nor of other monitors, nor where it is kept off the page.
func TestAnnouncedWork(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		today := func(of string) models.StatusDay {
			h.Helper()
			for _, c := range h.board().Groups[0].Components {
				if c.Name == of {
					return c.Days[len(c.Days)-1]
				}
			}
			h.Fatalf("no %s", of)
			return models.StatusDay{}
		}
		lastDay := func() models.Uptime {
			h.Helper()
			all, err := h.s.UnscopedStatusLastDay(h.Context(), h.page)
			if err != nil {
				h.Fatal(err)
			}
			return all[h.page.ComponentID(h.second.PublicID)]
		}
		h.check(h.second, "+++--+") // down for twenty seconds before anybody told of work
		h.now = h.next
		before := today("Riesa")
		if before.Down == 0 || before.Maintenance != 0 {
			h.Fatalf("got %+v, want some of it down and no maintenance", before)
		}
		from := h.now.Add(-time.Hour).Format(time.RFC3339)
		d := h.post(`{"kind":"maintenance","title":"Firmware","startsAt":"` + from + `","endsAt":"` + h.now.Add(10*time.Minute).Format(time.RFC3339) + `","monitorIds":["` + h.second.PublicID.String() + `"]}`)
		told := h.now
		h.next = h.next.Add(20 * time.Second)
		h.check(h.first, "+")
		h.check(h.second, "+---")
		h.check(h.first, "--")
		h.now = h.next
		during := today("Riesa")
		if during.Down != before.Down || during.Maintenance < 40*time.Second || during.Maintenance > h.now.Sub(told) {
			h.Errorf("during it: got %+v, want as much down as before, %s, and the rest as maintenance", during, before.Down)
		}
		if u := lastDay(); u.Down != before.Down || u.Maintenance < 40*time.Second {
			h.Errorf("the last day during it: got %+v, want as much down as before, %s, and the rest as maintenance", u, before.Down)
		}
		if other := today("Pirna"); other.Down == 0 || other.Maintenance != 0 {
			h.Errorf("another monitor: got %+v, want it down", other)
		}
		h.told(d, `{"state":"completed","body":"Done."}`)
		h.check(h.second, "---+")
		h.now = h.next
		if after := today("Riesa"); after.Down <= before.Down || after.Maintenance < 40*time.Second {
			h.Errorf("after it: got %+v, want more down than %s, and the maintenance as it was", after, before.Down)
		}
		if _, err := h.s.ChangeStatusPost(h.Context(), h.by, h.page.PublicID, d.PublicID, fields(h.T, `{"hidden":true}`)); err != nil {
			h.Fatal(err)
		}
		if hidden := today("Riesa"); hidden.Maintenance != 0 || hidden.Down <= during.Down {
			h.Errorf("kept off the page: got %+v, want all of it down", hidden)
		}
		if u := lastDay(); u.Maintenance != 0 {
			h.Errorf("the last day, kept off the page: got %+v, want no maintenance", u)
		}
	})
}

// Nothing that was measured is bettered afterwards: not by showing a post later, not by an earlier begin, a later end, or one more
// monitor. What was announced stays excused where a monitor comes to it.
func TestWorkAnnouncedLate(t *testing.T) {
	const longOver, toCome = "2026-11-25T11:00:00Z", "2026-11-25T18:00:00Z"
	for what, line := range map[string]struct {
		monitors func(h *tellingHouse) []string
		post     string
		change   func(h *tellingHouse) string
		told     bool
	}{
		"shown later":     {nil, `"startsAt":"` + longOver + `","endsAt":"` + toCome + `","hidden":true`, func(*tellingHouse) string { return `{"hidden":false}` }, true},
		"begun earlier":   {nil, `"startsAt":"2026-11-25T17:00:00Z","endsAt":"` + toCome + `"`, func(*tellingHouse) string { return `{"startsAt":"` + longOver + `"}` }, true},
		"ended later":     {nil, `"startsAt":"` + longOver + `","endsAt":"2026-11-25T11:30:00Z"`, func(*tellingHouse) string { return `{"endsAt":"` + toCome + `"}` }, true},
		"one more":        {func(*tellingHouse) []string { return []string{} }, `"startsAt":"` + longOver + `","endsAt":"` + toCome + `"`, func(h *tellingHouse) string { return `{"monitorIds":["` + h.second.PublicID.String() + `"]}` }, true},
		"another title":   {nil, `"startsAt":"` + longOver + `","endsAt":"` + toCome + `"`, func(*tellingHouse) string { return `{"title":"Firmware of all"}` }, false},
		"another monitor": {nil, `"startsAt":"` + longOver + `","endsAt":"` + toCome + `"`, func(h *tellingHouse) string { return `{"monitorIds":["` + h.first.PublicID.String() + `","` + h.second.PublicID.String() + `"]}` }, false},
	} {
		t.Run(what, func(t *testing.T) {
			withPage(t, func(h *tellingHouse) {
				h.check(h.second, "+")
				h.now = h.next
				ids := []string{h.second.PublicID.String()}
				if line.monitors != nil {
					ids = line.monitors(h)
				}
				d := h.post(`{"kind":"maintenance","title":"Firmware",` + line.post + `,"monitorIds":` + string(models.MonitorIDs(ids)) + `}`)
				h.next = h.next.Add(10 * time.Second)
				h.check(h.second, "--+")
				h.now = h.next
				if _, err := h.s.ChangeStatusPost(h.Context(), h.by, h.page.PublicID, d.PublicID, fields(h.T, line.change(h))); err != nil {
					h.Fatal(err)
				}
				b := h.board()
				var day models.StatusDay
				for _, c := range b.Groups[0].Components {
					if c.Name == "Riesa" {
						day = c.Days[len(c.Days)-1]
					}
				}
				incidents := 0
				for _, n := range b.Past {
					if n.Kind == models.KindIncident {
						incidents++
					}
				}
				if told := day.Down > 0; told != line.told || (incidents == 1) != line.told {
					h.Errorf("got %+v and %d incidents, want the outage told: %t", day, incidents, line.told)
				}
			})
		})
	}
}
