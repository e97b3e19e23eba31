package views

import (
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"echolot/models"
)

// sampleIncident is one that is over, sampleMass one of many that is not.
func sampleIncident() Incident {
	return Incident{PublicID: "i1", Type: models.IncidentDowntime, Monitor: nasty, MonitorPublicID: "m1", Hostname: nasty, Customer: nasty, CustomerPublicID: "c1", Monitors: 1,
		IncidentFacts: models.IncidentFacts{Cause: models.CauseTimeout, Checks: 2, Sent: 8, RTT: -1, StartedAt: noon.Add(-10 * time.Minute), ConfirmedAt: noon.Add(-9 * time.Minute), EndedAt: noon.Add(-348 * time.Second)},
		Ended:         IncidentEndText(models.EndPaused, nasty), AcknowledgedAt: noon.Add(-8 * time.Minute), AcknowledgedBy: nasty, AcknowledgeNote: nasty, Now: noon}
}

func sampleMass() Incident {
	i := sampleIncident()
	i.PublicID, i.Mass, i.Monitors, i.OpenMonitors = "i2", true, 1204, 3
	i.EndedAt, i.Ended, i.AcknowledgedAt = time.Time{}, "", time.Time{}
	return i
}

func sampleIncidentPage() IncidentPage {
	failed := func(ago time.Duration) Check {
		c := sampleCheck()
		c.Result.Slot, c.Result.Outcome, c.Result.Cause, c.Result.Received = noon.Add(-ago).UnixMilli(), models.OutcomeFailure, models.CauseTimeout, 0
		return c
	}
	good := sampleCheck()
	good.Result.Slot = noon.Add(-348 * time.Second).UnixMilli()
	return IncidentPage{Page: samplePage("Incident", NavIncidents), Incident: sampleIncident(), Failed: []Check{failed(10 * time.Minute), failed(9 * time.Minute), failed(7 * time.Minute)},
		FailedTotal: 12, Recovered: []Check{good}, RecoveredTotal: 1, MayWrite: true, Values: map[string]string{"text": nasty}, Errors: map[string]string{"text": nasty},
		Comments: []Comment{{At: noon.Add(-6*time.Minute - 30*time.Second), Author: nasty, Text: nasty}}, Parts: []IncidentPart{{Name: nasty, Hostname: nasty, PublicID: "m1", Customer: nasty}}}
}

func TestIncidentCause(t *testing.T) {
	for want, test := range map[string]struct {
		t models.IncidentType
		f models.IncidentFacts
	}{
		"no reply to 8 packets in 2 checks":                                 {models.IncidentDowntime, models.IncidentFacts{Cause: models.CauseTimeout, Checks: 2, Sent: 8}},
		"no reply to 1 packet":                                              {models.IncidentDowntime, models.IncidentFacts{Checks: 1, Sent: 1}},
		"host unreachable, said 10.0.0.1":                                   {models.IncidentDowntime, models.IncidentFacts{Cause: models.CauseHostUnreachable, CauseSource: "10.0.0.1", Checks: 2, Sent: 8}},
		"loss 12.5 % in 2 checks":                                           {models.IncidentDegraded, models.IncidentFacts{Cause: models.CauseTimeout, Checks: 2, Sent: 8, Received: 7, RTT: 1000}},
		"average 27.100 ms":                                                 {models.IncidentDegraded, models.IncidentFacts{Checks: 2, Sent: 8, Received: 8, RTT: 27100}},
		"prober blind: gateway 10.99.0.1 is silent":                         {models.IncidentBlind, models.IncidentFacts{CauseSource: "gateway 10.99.0.1"}},
		"prober blind: no default route, 192.0.2.1 is silent":               {models.IncidentBlind, models.IncidentFacts{CauseSource: "no default route, 192.0.2.1"}},
		"packet too big, fragmentation needed (MTU 1280), said 2001:db8::1": {models.IncidentDowntime, models.IncidentFacts{Cause: models.CauseTooBig, CauseMTU: 1280, CauseSource: "2001:db8::1"}},
	} {
		if got := plain(IncidentCause(test.t, test.f)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The course begins with the first lost packet, and everything else stands where it happened.
func TestIncidentCourse(t *testing.T) {
	var words []string
	draw(t, IncidentShow(sampleIncidentPage())).Find("[data-testid=incident-course] > li").Each(func(_ int, li *goquery.Selection) {
		words = append(words, strings.Fields(plain(li.Find("span.state, span > b, span > span.sub").First().Text()))[0])
	})
	want := "First Failure Failure Down Acknowledged Failure 9 Comment Success Ended"
	if got := strings.Join(words, " "); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	body := plain(draw(t, IncidentShow(sampleIncidentPage())).Find("#incident").Text())
	for _, part := range []string{"4 min 12 s, paused by", "no reply to 8 packets in 2 checks", "Failed checks 12"} {
		if !strings.Contains(body, plain(part)) && !strings.Contains(strings.ReplaceAll(body, " ", ""), strings.ReplaceAll(part, " ", "")) {
			t.Errorf("got %q, want %q in it", body, part)
		}
	}
}

// What is read again holds no form, so that nobody's text is lost; the count beside the link is hidden where none is open.
func TestWhatIncidentsReadAgain(t *testing.T) {
	doc := draw(t, IncidentShow(sampleIncidentPage()))
	if again := doc.Find("[data-reread]"); again.Length() < 2 || again.Find("form").Length() != 0 {
		t.Errorf("got %d parts to read again with %d forms, want the head and the course, and no form", again.Length(), again.Find("form").Length())
	}
	if text := doc.Find("textarea[name=text]"); text.Text() != nasty || text.AttrOr("aria-invalid", "") != "true" {
		t.Errorf("got %q in the comment's field, want what was typed, marked as wrong", text.Text())
	}
	if _, hidden := draw(t, OpenIncidents(0)).Find("[data-testid=open-incidents]").Attr("hidden"); !hidden {
		t.Error("no open incident is counted as 0 in red")
	}
	if text := plain(draw(t, OpenIncidents(1204)).Text()); text != "1,204 1,204 open" && text != "1,2041,204 open" {
		t.Errorf("got %q", text)
	}
	mass := plain(inTable(t, incidentRow(sampleMass())).Text())
	if !strings.Contains(mass, "and 1,203 more") || !strings.Contains(mass, "not acknowledged") {
		t.Errorf("got %q, want how many share it and that nobody has taken it on", mass)
	}
}

// Where an incident is open only because its monitor flaps, the list and the page say so; the check that confirms stands before
// the verdict though the database keeps that less finely.
func TestIncidentOfAFlappingMonitor(t *testing.T) {
	i := Incident{Type: models.IncidentDowntime, Flapping: true, Flips: 7, UpSince: noon.Add(-time.Minute), Now: noon}
	i.StartedAt, i.ConfirmedAt = noon.Add(-time.Hour), noon.Add(-time.Hour)
	page := IncidentPage{Page: samplePage("x", NavIncidents), Incident: i, Failed: []Check{{Result: models.Result{Slot: i.ConfirmedAt.UnixMilli(), StartedOffset: 700, Outcome: models.OutcomeFailure}, Now: noon}}}
	for what, doc := range map[string]*goquery.Document{"page": draw(t, IncidentBody(page)), "list": draw(t, incidentFlapping(i))} {
		text := plain(doc.Find("[data-testid=incident-flapping]").Text())
		if !strings.HasPrefix(text, "up since ") || !strings.HasSuffix(text, ", but flapping: 7 changes in the last hour") {
			t.Errorf("%s: got %q, want since when it is up, and that it flaps", what, text)
		}
	}
	if course := page.course(); course[1].Check == nil || course[2].Word != page.word() {
		t.Errorf("got %+v, want the check before the verdict", course)
	}
	i.EndedAt = noon
	if i.flapping() != "" {
		t.Error("it ended: want nothing of flapping")
	}
}
