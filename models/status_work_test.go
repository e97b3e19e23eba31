package models_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
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

// Nothing that was measured is bettered afterwards: not by showing a post later, not by an earlier begin, or one more monitor. What was announced stays excused where a monitor comes to it.
func TestWorkAnnouncedLate(t *testing.T) {
	const longOver, toCome = "2026-11-25T11:00:00Z", "2026-11-25T18:00:00Z"
	for what, line := range map[string]struct {
		monitors func(h *tellingHouse) []string
		post     string
		change   func(h *tellingHouse) string
		told     bool
	}{
		"shown later":   {nil, `"startsAt":"` + longOver + `","endsAt":"` + toCome + `","hidden":true`, func(*tellingHouse) string { return `{"hidden":false}` }, true},
		"begun earlier": {nil, `"startsAt":"2026-11-25T17:00:00Z","endsAt":"` + toCome + `"`, func(*tellingHouse) string { return `{"startsAt":"` + longOver + `"}` }, true},
		"one more":      {func(*tellingHouse) []string { return []string{} }, `"startsAt":"` + longOver + `","endsAt":"` + toCome + `"`, func(h *tellingHouse) string { return `{"monitorIds":["` + h.second.PublicID.String() + `"]}` }, true},
		"another title": {nil, `"startsAt":"` + longOver + `","endsAt":"` + toCome + `"`, func(*tellingHouse) string { return `{"title":"Firmware of all"}` }, false},
		"another monitor": {nil, `"startsAt":"` + longOver + `","endsAt":"` + toCome + `"`, func(h *tellingHouse) string {
			return `{"monitorIds":["` + h.first.PublicID.String() + `","` + h.second.PublicID.String() + `"]}`
		}, false},
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

// Announced maintenance is counted by days of the page's zone, across midnight and where posts overlap, from results as from roll-ups. Where
// the results of an end are gone, the five minutes that it lies in are left as they were measured.
func TestStatusDaysOfWork(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		p, spans := statusPast(t, url)
		at := func(day, hour, minute, second int) time.Time {
			return time.Date(2026, 3, day, hour, minute, second, 0, time.UTC)
		}
		type span struct{ from, to time.Time }
		zones, work := []string{"UTC", "Europe/Berlin"}, []span{{at(27, 18, 22, 30), at(27, 18, 31, 0)}, {at(27, 22, 30, 0), at(28, 0, 5, 0)}, {at(29, 0, 0, 0), at(30, 0, 0, 0)}}
		end := p.now
		p.now = at(26, 0, 0, 0)
		for _, zone := range zones {
			page, err := p.s.CreateStatusPage(t.Context(), p.by, fields(t, `{"customerId":1,"name":"`+zone+`","slug":"`+pageSlug(zone)+`","timeZone":"`+zone+`"}`))
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range []span{work[0], {work[1].from, at(27, 23, 30, 0)}, {at(27, 23, 0, 0), work[1].to}, work[2]} {
				body := `{"kind":"maintenance","title":"Work","startsAt":"` + w.from.Format(time.RFC3339) + `","endsAt":"` + w.to.Format(time.RFC3339) + `","monitorIds":["` + p.row.PublicID.String() + `"]}`
				if _, err := p.s.CreateStatusPost(t.Context(), p.by, page.PublicID, fields(t, body)); err != nil {
					t.Fatal(err)
				}
			}
		}
		p.now = end
		check := func(what string) {
			t.Helper()
			for _, zone := range zones {
				page, err := p.s.UnscopedStatusPage(t.Context(), pageSlug(zone))
				if err != nil {
					t.Fatal(err)
				}
				board, err := p.s.UnscopedStatusBoard(t.Context(), page)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range board.Groups[0].Components[0].Days {
					end := d.Start.Add(d.Length)
					up, down, maintenance := within(spans, models.StateUp, d.Start, end), within(spans, models.StateDown, d.Start, end), time.Duration(0)
					for _, w := range work {
						from, to := w.from, w.to
						if from.Before(d.Start) {
							from = d.Start
						}
						if to.After(end) {
							to = end
						}
						workUp, workDown := within(spans, models.StateUp, from, to), within(spans, models.StateDown, from, to)
						up, down, maintenance = up-workUp, down-workDown, maintenance+workUp+workDown
					}
					if d.Up != up || d.Down != down || d.Maintenance != maintenance {
						t.Errorf("%s, %s, %s of %s: got %s up, %s down, %s maintenance; want %s, %s and %s", what, zone, d.Start, d.Length, d.Up, d.Down, d.Maintenance, up, down, maintenance)
					}
				}
			}
		}
		check("from results")
		p.rollUp(p.now)
		check("rolled up")
		if _, err := writable(t, url).ExecContext(t.Context(), fmt.Sprintf("DELETE FROM results WHERE slot < %d", at(31, 6, 0, 0).UnixMilli())); err != nil {
			t.Fatal(err)
		}
		work[0] = span{at(27, 18, 25, 0), at(27, 18, 30, 0)}
		if _, err := p.s.ChangeStatusPage(t.Context(), p.by, mustPage(t, p.s, pageSlug("UTC")).PublicID, fields(t, `{"latency":"none"}`), ""); err != nil { // so that the past is read anew
			t.Fatal(err)
		}
		zones = zones[:1]
		check("without the results")
	})
}

func mustPage(t *testing.T, s *models.Store, slug string) models.StatusPage {
	t.Helper()
	page, err := s.UnscopedStatusPage(t.Context(), slug)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// A trouble that was confirmed after the end of the maintenance began when it began, within it.
func TestWorkBeforeConfirmed(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		judged := func(kinds string) {
			for _, what := range kinds {
				h.record(models.Judge, h.result(h.second, what))
			}
		}
		judged("+++")
		h.now = h.next
		d := h.post(`{"kind":"maintenance","title":"Firmware","startsAt":"` + h.now.Format(time.RFC3339) + `","endsAt":"` + h.now.Add(20*time.Minute).Format(time.RFC3339) + `","monitorIds":["` + h.second.PublicID.String() + `"]}`)
		h.next = h.next.Add(time.Second)
		judged("+++-")
		h.now = h.next
		over := h.now
		h.told(d, `{"state":"completed","body":"Done."}`)
		h.next = h.next.Add(time.Second)
		judged("---+++++++++")
		h.now = h.next
		rows, _, err := h.s.Incidents(h.Context(), h.by, models.IncidentsFilter{Monitor: h.second.ID, Limit: 1})
		if err != nil || len(rows) != 1 {
			h.Fatalf("got %d incidents, %v", len(rows), err)
		}
		for _, c := range h.board().Groups[0].Components {
			if c.Name != "Riesa" {
				continue
			}
			day := c.Days[len(c.Days)-1]
			if begun := rows[0].StartedAt; !begun.Before(over) {
				h.Fatalf("it began at %s, want before %s", begun, over)
			}
			// What is told of it begins with its first lost packet, what is counted with its first lost check.
			if want := rows[0].EndedAt.Sub(over); day.Down > want || day.Down < want-time.Second {
				h.Errorf("got %s down, want what was after the maintenance, %s", day.Down, want)
			}
		}
	})
}

// What was announced stays excused: by an earlier begin, where that adds time of before; and what is over is not made longer.
func TestWorkStaysAnnounced(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		h.check(h.second, "+--+") // before anybody told
		h.now = h.next
		from := h.now.Truncate(time.Second)
		d := h.post(`{"kind":"maintenance","title":"Firmware","startsAt":"` + from.Format(time.RFC3339) + `","endsAt":"` + from.Add(2*time.Minute).Format(time.RFC3339) + `","monitorIds":["` + h.second.PublicID.String() + `"]}`)
		h.next = h.next.Add(10 * time.Second)
		h.check(h.second, "--+")
		h.now = from.Add(3 * time.Minute)
		day := func() models.StatusDay {
			h.Helper()
			for _, c := range h.board().Groups[0].Components {
				if c.Name == "Riesa" {
					return c.Days[len(c.Days)-1]
				}
			}
			return models.StatusDay{}
		}
		before := day()
		if before.Down == 0 || before.Maintenance < 20*time.Second {
			h.Fatalf("got %+v, want the first outage down and the second one maintenance", before)
		}
		var bad *models.Invalid
		if _, err := h.s.ChangeStatusPost(h.Context(), h.by, h.page.PublicID, d.PublicID, fields(h.T, `{"endsAt":"`+h.now.Add(time.Hour).Format(time.RFC3339)+`"}`)); !errors.As(err, &bad) {
			h.Errorf("made longer after its end: got %v, want endsAt refused", err)
		}
		if _, err := h.s.ChangeStatusPost(h.Context(), h.by, h.page.PublicID, d.PublicID, fields(h.T, `{"startsAt":"`+from.Add(-time.Hour).Format(time.RFC3339)+`"}`)); err != nil {
			h.Fatal(err)
		}
		if after := day(); after.Down != before.Down || after.Maintenance != before.Maintenance {
			h.Errorf("begun earlier: got %+v, want it as before, %+v", after, before)
		}
	})
}
