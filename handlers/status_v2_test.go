package handlers

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/views"

	ics "github.com/arran4/golang-ical"
	"github.com/gofiber/fiber/v2"
)

// goldenText compares a text with its file, or writes the file.
func goldenText(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

// v2Of is a handler of an answer that takes the page and the board from the test.
func v2Of(s *Server, fill func(b v2, a *v2Answer)) statusFile {
	return func(c *fiber.Ctx, p models.StatusPage, v views.StatusPage) error {
		b := s.v2(p, v, v.Board.Past)
		a := v2Answer{Page: b.head()}
		fill(b, &a)
		return sendFileJSON(c, p, "application/json; charset=utf-8", a)
	}
}

// The JSON has the shape that readers of status pages know, with everything that a page can tell of.
func TestGoldenStatusV2(t *testing.T) {
	h := liteHouse(t)
	p, b := someBoard()
	var all strings.Builder
	for _, one := range []struct {
		name string
		fill func(b v2, a *v2Answer)
	}{{"summary.json", v2Summary}, {"status.json", v2StatusOnly}, {"components.json", v2Components}, {"incidents.json", v2Incidents},
		{"incidents/unresolved.json", v2Unresolved}, {"scheduled-maintenances.json", v2Maintenances},
		{"scheduled-maintenances/active.json", v2ActiveMaintenances}, {"scheduled-maintenances/upcoming.json", v2UpcomingMaintenances}} {
		a := asked(t, h, v2Of(h.s, one.fill), p, b, "")
		all.WriteString("# " + one.name + "\n" + strings.ReplaceAll(a.body, h.url, "https://echolot.example") + "\n")
	}
	goldenText(t, "status_v2.golden", all.String())
	// Without a newer check nothing changes: who asks again with its tag is told so. Another check moves the page's age and nothing else.
	before := asked(t, h, v2Of(h.s, v2Summary), p, b, "")
	b.At = someday.Add(time.Hour)
	if tag, after := before.header.Get("ETag"), asked(t, h, v2Of(h.s, v2Summary), p, b, "").header.Get("ETag"); tag == "" || after != tag {
		t.Errorf("got the tags %s and %s, want the same", tag, after)
	}
	b.Measured = someday.Add(time.Hour)
	b.Groups[0].Components[1].CheckedAt, b.Groups[0].Components[1].RTT = someday.Add(time.Hour), time.Second
	moved := strings.Replace(before.body, `"updated_at":"2026-11-25T14:02:00.000Z"`, `"updated_at":"2026-11-25T15:02:00.000Z"`, 1)
	if after := asked(t, h, v2Of(h.s, v2Summary), p, b, "").body; after != moved {
		t.Errorf("got\n%s\nwant\n%s", after, moved)
	}
}

// What began with a monitor's making says so, and what is under maintenance changed when that began; nothing was changed before it was
// made.
func TestStatusV2Times(t *testing.T) {
	h := liteHouse(t)
	p, b := someBoard()
	times := func() map[string][2]string {
		var got struct {
			Page struct {
				UpdatedAt string `json:"updated_at"`
			}
			Components []struct {
				Name      string
				CreatedAt string `json:"created_at"`
				UpdatedAt string `json:"updated_at"`
			}
		}
		asked(t, h, v2Of(h.s, v2Summary), p, b, "").decode(t, &got)
		all := map[string][2]string{"page": {"", got.Page.UpdatedAt}}
		for _, c := range got.Components {
			all[c.Name] = [2]string{c.CreatedAt, c.UpdatedAt}
			if c.UpdatedAt < c.CreatedAt || got.Page.UpdatedAt < c.UpdatedAt {
				t.Errorf("%s was made at %s, changed at %s, and the page at %s", c.Name, c.CreatedAt, c.UpdatedAt, got.Page.UpdatedAt)
			}
		}
		return all
	}
	expect := func(what string, want map[string][2]string) {
		t.Helper()
		got := times()
		for name, of := range want {
			if got[name] != of {
				t.Errorf("%s: %s has %v, want %v", what, name, got[name], of)
			}
		}
	}
	expect("as ever", map[string][2]string{"page": {"", "2026-11-25T14:02:00.000Z"}, "Pirna": {"2026-08-16T14:02:00.000Z", "2026-11-25T13:02:00.000Z"}, "Meissen": {"2026-08-15T14:02:00.000Z", "2026-11-25T12:02:00.000Z"},
		"Clinics": {"2026-08-15T14:02:00.000Z", "2026-11-25T13:02:00.000Z"}, "Riesa": {"2026-08-13T14:02:00.000Z", "2026-11-25T13:02:00.000Z"}})
	b.SettleAge(b.Measured.Add(time.Hour), "")
	expect("nothing comes any more", map[string][2]string{"Pirna": {"2026-08-16T14:02:00.000Z", "2026-11-25T14:02:00.000Z"}, "Uplink": {"2026-08-14T14:02:00.000Z", "2026-11-25T11:02:00.000Z"}})
	b.Measured, b.Groups[0].Components[0].CreatedAt = time.Time{}, someday.Add(time.Minute)
	expect("a new one", map[string][2]string{"page": {"", "2026-11-25T14:03:00.000Z"}, "Pirna": {"2026-11-25T14:03:00.000Z", "2026-11-25T14:03:00.000Z"}})
}

// A group stays the same one however its name is spelled.
func TestStatusV2GroupID(t *testing.T) {
	h := liteHouse(t)
	p, b := someBoard()
	id := func(name string) string {
		t.Helper()
		b.Groups[0].Name = name
		var got struct {
			Components []struct {
				ID    string
				Group bool
			}
		}
		asked(t, h, v2Of(h.s, v2Components), p, b, "").decode(t, &got)
		if len(got.Components) == 0 || !got.Components[0].Group {
			t.Fatalf("got %+v, want the group first", got)
		}
		return got.Components[0].ID
	}
	if one, other, third := id("Core net"), id("core  NET"), id("Core"); one != other || one == third {
		t.Errorf("got %s, %s and, for another group, %s; want the first two to be the same", one, other, third)
	}
}

// The indicator is the worst that was measured; what could not be measured is none of the known words; what people tell of is
// trouble though every monitor is up.
func TestStatusIndicator(t *testing.T) {
	h := liteHouse(t)
	up, degraded, down, unknown := models.StateUp, models.StateDegraded, models.StateDown, models.StateUnknown
	for _, tc := range []struct {
		states            []models.State
		maintenance, open bool
		silent            bool
		want, text        string
	}{
		{states: []models.State{up, up}, want: "none", text: "All services are up"},
		{states: []models.State{up, degraded, up}, want: "minor", text: "One service is degraded"},
		{states: []models.State{up, down, degraded}, want: "major", text: "One service is down"},
		{states: []models.State{down, down}, want: "critical", text: "2 services are down"},
		{states: []models.State{up, unknown}, want: "unknown", text: "One service is not measured"},
		{states: []models.State{models.StatePending, models.StatePaused}, want: "unknown", text: "Nothing is measured at present"},
		{states: []models.State{up, models.StatePaused}, want: "none", text: "All measured services are up"},
		{states: []models.State{up, models.StatePaused}, open: true, want: "minor", text: "An incident is being worked on"},
		{states: []models.State{up, up}, maintenance: true, want: "maintenance", text: "Maintenance is under way"},
		{states: []models.State{up, up}, open: true, want: "minor", text: "An incident is being worked on"},
		{states: []models.State{down, up}, open: true, want: "major", text: "One service is down"},
		{states: []models.State{up, down}, silent: true, want: "unknown", text: "No new results since 2026-11-25 15:02:00 CET"},
		{states: nil, want: "unknown", text: "Nothing is shown here yet"},
	} {
		p, b := someBoard()
		b.Groups, b.Open = []models.StatusGroup{{}}, nil
		for i, state := range tc.states {
			b.Groups[0].Components = append(b.Groups[0].Components, models.StatusComponent{Name: "n", State: state, Maintenance: tc.maintenance && i == 0})
		}
		if tc.open {
			b.Open = []models.StatusNotice{{Kind: models.KindIncident, Title: "Telephones are dead", StartsAt: someday}}
		}
		if tc.silent {
			b.SettleAge(b.Measured.Add(time.Hour), "")
		}
		var got struct{ Status v2Status }
		asked(t, h, v2Of(h.s, v2StatusOnly), p, b, "").decode(t, &got)
		if got.Status.Indicator != tc.want || got.Status.Description != tc.text {
			t.Errorf("%v: got %+v, want %s, %s", tc.states, got.Status, tc.want, tc.text)
		}
	}
}

// Feeds have every notice with all that was told, in the order of what changed last; what people typed is text and no markup.
func TestGoldenStatusFeeds(t *testing.T) {
	h := liteHouse(t)
	p, b := someBoard()
	atom := asked(t, h, h.s.showAtomFeed, p, b, "")
	goldenText(t, "status_feed.atom", strings.ReplaceAll(atom.body, h.url, "https://echolot.example"))
	var feed atomFeed
	if err := xml.Unmarshal([]byte(atom.body), &feed); err != nil || len(feed.Entries) != 5 || feed.Entries[0].Updated < feed.Entries[4].Updated {
		t.Errorf("got %+v and error %v, want five entries, newest first", feed, err)
	}
	german := asked(t, h, h.s.showJSONFeed, p, b, "lang=de")
	goldenText(t, "status_feed_de.json", strings.ReplaceAll(german.body, h.url, "https://echolot.example"))
	var list jsonFeed
	german.decode(t, &list)
	if !json.Valid([]byte(german.body)) || len(list.Items) != 5 || list.Items[0].Title != "Pirna ist ausgefallen" {
		t.Errorf("got %+v, want five items that begin with the outage", list)
	}
	for _, body := range []string{atom.body, german.body} {
		if strings.Contains(body, "<script>") {
			t.Errorf("got %s, want no markup of what was typed", body)
		}
	}
}

// The calendar has the maintenance and nothing else, in lines of 75 octets at most that end with CRLF, and stays the same.
func TestStatusCalendar(t *testing.T) {
	h := liteHouse(t)
	p, b := someBoard()
	b.Announced[0].Title = strings.Repeat("ä", 60) + "\r\nBEGIN:VEVENT"
	a := asked(t, h, h.s.showCalendar, p, b, "")
	if again := asked(t, h, h.s.showCalendar, p, b, ""); again.body != a.body {
		t.Errorf("got another calendar the second time")
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(a.body, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("got the line %q of %d octets", line, len(line))
		}
	}
	cal, err := ics.ParseCalendar(strings.NewReader(a.body))
	if err != nil || len(cal.Events()) != 2 {
		t.Fatalf("got %s and error %v, want two events", a.body, err)
	}
	for i, want := range []struct {
		title    string
		from, to time.Time
		sequence string
	}{
		{b.Announced[0].Title, b.Announced[0].StartsAt, b.Announced[0].EndsAt, "0"},
		{b.Open[1].Title, b.Open[1].StartsAt, b.Open[1].EndsAt, "169200"},
	} {
		e := cal.Events()[i]
		from, _ := e.GetStartAt()
		to, _ := e.GetEndAt()
		title := ics.FromText(e.GetProperty(ics.ComponentPropertySummary).Value)
		if !from.Equal(want.from) || !to.Equal(want.to) || title != strings.ReplaceAll(want.title, "\r\n", "\n") || e.GetProperty(ics.ComponentPropertySequence).Value != want.sequence {
			t.Errorf("event %d: got %q from %s to %s, want %q from %s to %s", i, title, from, to, want.title, want.from, want.to)
		}
	}
	if strings.Count(a.body, "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n") != 1 {
		t.Errorf("got %s, want one interval with its type once", a.body)
	}
	b.Announced[0].UpdatedAt = b.Announced[0].UpdatedAt.Add(time.Minute) // as another title or end makes it
	moved := asked(t, h, h.s.showCalendar, p, b, "").body
	if stamp := b.Announced[0].UpdatedAt.Format("20060102T150405Z"); !strings.Contains(moved, "LAST-MODIFIED:"+stamp) || !strings.Contains(moved, "DTSTAMP:"+stamp) || !strings.Contains(moved, "SEQUENCE:60\r\n") {
		t.Errorf("got %s, want it changed at %s, with the sequence 60", moved, stamp)
	}
	if !strings.Contains(a.body, "says Müller") && !strings.Contains(a.body, "M\r\n ü") {
		t.Errorf("got %s, want what was told", a.body)
	}
}

// A page without maintenance has a calendar all the same that programs take: with its properties, and one component.
func TestStatusCalendarOfNothing(t *testing.T) {
	h := liteHouse(t)
	p, b := someBoard()
	b.Open, b.Announced, b.Past = nil, nil, nil
	for language, name := range map[string]string{"en": "Elbtal, maintenance", "de": "Elbtal, Wartung"} {
		a := asked(t, h, h.s.showCalendar, p, b, "lang="+language)
		want := strings.Join([]string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Echolot//Status page//EN", "METHOD:PUBLISH", "NAME:" + strings.ReplaceAll(name, ",", `\,`), "X-WR-CALNAME:" + strings.ReplaceAll(name, ",", `\,`),
			"X-WR-TIMEZONE:Europe/Berlin", "REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H", "BEGIN:VTIMEZONE", "TZID:UTC", "BEGIN:STANDARD", "DTSTART:19700101T000000",
			"TZOFFSETFROM:+0000", "TZOFFSETTO:+0000", "END:STANDARD", "END:VTIMEZONE", "END:VCALENDAR", ""}, "\r\n")
		if a.status != 200 || a.header.Get("Content-Type") != "text/calendar; charset=utf-8" || a.body != want {
			t.Errorf("%s: got %d %s\n%s\nwant\n%s", language, a.status, a.header.Get("Content-Type"), a.body, want)
		}
		if cal, err := ics.ParseCalendar(strings.NewReader(a.body)); err != nil || len(cal.Events()) != 0 || len(cal.Timezones()) != 1 {
			t.Errorf("got error %v, want a calendar of nothing", err)
		}
	}
	_, b = someBoard()
	if a := asked(t, h, h.s.showCalendar, p, b, ""); strings.Contains(a.body, "VTIMEZONE") {
		t.Errorf("got %s, want events alone", a.body)
	}
}

// Maintenance that was called off is struck out in calendars at its old place, and is scheduled no more.
func TestStatusCancelled(t *testing.T) {
	h := liteHouse(t)
	p, b := someBoard()
	n := b.Announced[0]
	n.Cancelled, n.State, n.PlannedFrom, n.PlannedTo, n.StartsAt, n.EndsAt = true, models.PostCompleted, n.StartsAt, n.EndsAt, someday, someday
	b.Announced, b.Past, b.Open = nil, []models.StatusNotice{n}, nil
	cal, err := ics.ParseCalendar(strings.NewReader(asked(t, h, h.s.showCalendar, p, b, "").body))
	if err != nil || len(cal.Events()) != 1 {
		t.Fatalf("got %v and error %v, want one event", cal, err)
	}
	e := cal.Events()[0]
	from, _ := e.GetStartAt()
	if to, _ := e.GetEndAt(); !from.Equal(n.PlannedFrom) || !to.Equal(n.PlannedTo) || e.GetProperty(ics.ComponentPropertyStatus).Value != "CANCELLED" {
		t.Errorf("got %s, want it cancelled at its old place", e.Serialize(&ics.SerializationConfiguration{NewLine: "\n"}))
	}
	var got v2Answer
	if asked(t, h, v2Of(h.s, v2Maintenances), p, b, "").decode(t, &got); len(got.Maintenances) != 1 || got.Maintenances[0].Status != "completed" {
		t.Errorf("got %+v, want it completed", got.Maintenances)
	}
	if asked(t, h, v2Of(h.s, v2Summary), p, b, "").decode(t, &got); len(got.Maintenances) != 0 {
		t.Errorf("got %+v, want nothing to come", got.Maintenances)
	}
}
