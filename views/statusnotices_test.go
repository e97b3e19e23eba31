package views

import (
	"context"
	"strings"
	"testing"
	"time"

	"echolot/models"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
	"github.com/google/uuid"
	"golang.org/x/net/html"
)

// toldPage is a page that tells something of everything.
func toldPage(language string) StatusPage {
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC) }
	told := []models.StatusNoticeUpdate{{State: models.PostIdentified, Body: "The **carrier** moved it.\n\n<script>x</script>", At: at(25, 13, 58)}}
	return StatusPage{Language: language, Words: NewWords().In(language), Base: "/status/page", Board: models.StatusBoard{Name: "Clinics", At: at(25, 14, 2),
		Open: []models.StatusNotice{
			{ID: uuid.New(), Kind: models.KindIncident, Type: models.IncidentDegraded, Title: "Loss <to> Pirna", State: models.PostIdentified, StartsAt: at(25, 13, 41), Components: []string{"Pirna"}, Updates: told},
			{ID: uuid.New(), Kind: models.KindIncident, Type: models.IncidentDowntime, Measured: true, StartsAt: at(24, 23, 0), Components: []string{"Riesa", "Meissen"}},
			{ID: uuid.New(), Kind: models.KindIncident, Title: "Telephones", State: models.PostInvestigating, StartsAt: at(25, 13, 0), Updates: []models.StatusNoticeUpdate{{State: models.PostInvestigating, At: at(25, 13, 0)}}},
		},
		Announced: []models.StatusNotice{
			{ID: uuid.New(), Kind: models.KindMaintenance, Title: "Firmware", State: models.PostScheduled, StartsAt: at(29, 22, 0), EndsAt: at(30, 4, 0), Components: []string{"Riesa"}},
			{ID: uuid.New(), Kind: models.KindAnnouncement, Title: "New line", StartsAt: at(20, 9, 0), Updates: []models.StatusNoticeUpdate{{Body: "It is *faster*.", At: at(20, 9, 0)}}},
		},
		Past: []models.StatusNotice{
			{ID: uuid.New(), Kind: models.KindIncident, Type: models.IncidentDowntime, Measured: true, State: models.PostResolved, StartsAt: at(23, 9, 0), EndsAt: at(23, 9, 4), Components: []string{"Pirna"}},
			{ID: uuid.New(), Kind: models.KindIncident, Title: "Telephones", State: models.PostResolved, StartsAt: at(21, 9, 0), EndsAt: at(21, 9, 4), Updates: told},
		},
	}}
}

func drawnDoc(t *testing.T, c templ.Component) *goquery.Document {
	t.Helper()
	var b strings.Builder
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// plainText is the text of what is found, with one space between words.
func plainText(s *goquery.Selection) string {
	var texts []string
	for _, root := range s.Nodes {
		for n := range root.Descendants() {
			if n.Type == html.TextNode {
				texts = append(texts, n.Data)
			}
		}
	}
	return strings.Join(strings.Fields(strings.Join(texts, " ")), " ")
}

func TestStatusNotices(t *testing.T) {
	for language, want := range map[string][]string{
		"en": {"Happening now", "Degraded Loss <to> Pirna", "since 13:41 · affects Pirna", "Identified. The carrier moved it.", "Measured: slow, or packets lost. Opened automatically.", "Down 2 services are down",
			"affects Riesa, Meissen", "Incident Telephones", "Investigating.", "Sun 29 Nov, 22:00 – Mon 30 Nov, 04:00 Maintenance Firmware affects Riesa", "Fri 20 Nov New line It is faster",
			"November 2026", "Tue 24 Nov Nothing reported.", "Mon 23 Nov Pirna was down 09:00 – 09:04 , 4 min", "Sat 21 Nov Telephones 09:00 – 09:04 , 4 min"},
		"de": {"Gerade jetzt", "Beeinträchtigt Loss <to> Pirna", "seit 13:41 · betrifft Pirna", "Ursache gefunden. The carrier moved it.", "Ausgefallen 2 Dienste sind ausgefallen", "Störung Telephones", "Wir untersuchen es.",
			"Wartung Firmware betrifft Riesa", "Nichts gemeldet.", "Pirna war ausgefallen 09:00 – 09:04 , 4 min"},
	} {
		p := toldPage(language)
		var text string
		for id, part := range map[string]templ.Component{"status-open": StatusOpen(p), "status-announced": StatusAnnounced(p), "status-past": StatusPast(p)} {
			doc := drawnDoc(t, part)
			if root := doc.Find("body > *"); root.Length() != 1 || root.AttrOr("id", "") != id {
				t.Errorf("%s: got %d elements, want one with that id", id, root.Length())
			}
			if doc.Find("script").Length() != 0 {
				t.Errorf("%s: got a script of an operator's", id)
			}
			text += plainText(doc.Find("body")) + "\n"
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %q is not in\n%s", language, w, text)
			}
		}
	}
	if doc := drawnDoc(t, StatusOpen(toldPage("en"))); doc.Find(".state.maintenance").Length() != 0 || plainText(doc.Find("article:last-of-type .state.degraded")) != "Incident" {
		t.Error("an incident made by hand: want it in the shape and colour of what is degraded")
	}
	quiet := toldPage("en")
	quiet.Board.Open, quiet.Board.Announced, quiet.Board.Past = nil, nil, nil
	for _, part := range []templ.Component{StatusOpen(quiet), StatusAnnounced(quiet)} {
		if root := drawnDoc(t, part).Find("body > section[hidden]"); root.Length() != 1 || plainText(root) != "" {
			t.Error("nothing to tell: want the element, hidden and empty")
		}
	}
	quiet.Board.Groups = []models.StatusGroup{{Components: []models.StatusComponent{{Days: []models.StatusDay{{Start: quiet.Board.At.AddDate(0, 0, -2), Length: 24 * time.Hour},
		{Start: quiet.Board.At.AddDate(0, 0, -1), Length: 24 * time.Hour, Up: time.Hour}}}}}}
	if text := plainText(drawnDoc(t, StatusPast(quiet)).Find("ul")); !strings.HasPrefix(text, "Tue 24 Nov Nothing reported. Mon 23 Nov Not measured. Sun 22 Nov Nothing reported.") {
		t.Errorf("got %q, want the day without a measurement to say so", text)
	}
}

// What is open although it is up is no outage: it is unstable, and says since when it is up.
func TestUnstableNoticeReads(t *testing.T) {
	for language, want := range map[string]string{"en": "Unstable Pirna is unstable since 13:41 · up since 13:59", "de": "Instabil Pirna ist instabil seit 13:41 · erreichbar seit 13:59"} {
		p := toldPage(language)
		p.Board.Open = []models.StatusNotice{{ID: uuid.New(), Kind: models.KindIncident, Type: models.IncidentDowntime, Measured: true, Unstable: []string{"Pirna"},
			StartsAt: p.Board.At.Add(-21 * time.Minute), UpSince: p.Board.At.Add(-3 * time.Minute), Components: []string{"Pirna"}}}
		article := drawnDoc(t, StatusOpen(p)).Find("article")
		if got := plainText(article); !strings.HasPrefix(got, want) || article.Find(".state.down").Length() != 0 {
			t.Errorf("%s: got %q, want %q first, and nothing red", language, got, want)
		}
	}
}

// A day's heading stands once; what is under it has its clock times, and the day of a moment of another day. Measured or told, all of it
// leads to its month.
func TestStatusPastDays(t *testing.T) {
	p := toldPage("en")
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }
	measured := models.StatusNotice{ID: uuid.New(), Kind: models.KindIncident, Type: models.IncidentDowntime, Measured: true, State: models.PostResolved, Components: []string{"Pirna"}}
	night, day := measured, measured
	night.StartsAt, night.EndsAt, day.StartsAt, day.EndsAt = at(22, 23), at(23, 1), at(23, 9), at(23, 10)
	off := models.StatusNotice{ID: uuid.New(), Kind: models.KindMaintenance, Title: "Firmware", State: models.PostCompleted, Cancelled: true, StartsAt: at(23, 12), EndsAt: at(23, 12)}
	p.Board.Past = []models.StatusNotice{off, day, night}
	doc := drawnDoc(t, StatusPast(p))
	var got []string
	doc.Find("li:has(h3:contains('Mon 23 Nov')) li").Each(func(_ int, s *goquery.Selection) { got = append(got, strings.Join(strings.Fields(s.Text()), " ")) })
	if want := []string{"Firmware 12:00", "Pirna was down 09:00–10:00, 1 h", "Pirna was down Sun 22 Nov, 23:00–01:00, 2 h"}; strings.ReplaceAll(strings.Join(got, " | "), nbsp, " ") != strings.Join(want, " | ") {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := doc.Find("h3:contains('Mon 23 Nov')").Length(); n != 1 {
		t.Errorf("got the day %d times, want it once", n)
	}
	if links := doc.Find("li li a"); links.Length() != 3 || links.Eq(1).AttrOr("href", "") != p.monthPath(day.EndsAt, day.ID.String()) {
		t.Errorf("got %d links, the second to %s, want each to its month", links.Length(), links.Eq(1).AttrOr("href", ""))
	}
	p.Preview = true
	if doc := drawnDoc(t, StatusPast(p)); doc.Find("a").Length() != 0 {
		t.Error("a preview leads to months that nobody may read yet")
	}
	month := drawnDoc(t, StatusMonth(StatusMonthPage{StatusPage: p, Month: p.Board.At, Notices: append(p.Board.Past, p.Board.Open[0])}))
	if got := strings.ReplaceAll(plainText(month.Find(".sub").Last()), nbsp, " "); got != "since Wed 25 Nov, 13:41 · affects Pirna" {
		t.Errorf("got %q of today in a month, want its day", got)
	}
	month.Find(".updates .when").Each(func(_ int, s *goquery.Selection) {
		if !strings.Contains(s.Text(), "Nov, ") {
			t.Errorf("got the moment %q in a month, want its day", s.Text())
		}
	})
	p.Board.At = at(26, 8)
	p.Board.Open[0].Updates[0].At = at(26, 7)
	if got := drawnDoc(t, StatusOpen(p)).Find("article .when").First().Text(); strings.TrimSpace(got) != "Thu 26 Nov, 07:00" {
		t.Errorf("got %q of today, in an incident of yesterday, want its day", got)
	}
}

// What is up and down by turns is not counted as fine, and is named beside what is down.
func TestUnstableIsNotFine(t *testing.T) {
	p := sampleStatus(t, 0, "en")
	p.Board.Open = []models.StatusNotice{{Kind: models.KindIncident, Type: models.IncidentDowntime, Measured: true, Unstable: []string{"A"}, Components: []string{"A"}}}
	p.Board.Groups = []models.StatusGroup{{Components: []models.StatusComponent{{Name: "A", State: models.StateUp}, {Name: "B", State: models.StateDown}, {Name: "C", State: models.StateUp}}}}
	banner := draw(t, StatusBanner(p)).Find("#status-banner")
	if got, want := plain(banner.Find("h1").Text()+" "+banner.Find("p").Text()), "One service is down Up and down by turns: A. Down: B. 1 of 3 services are fine."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// How long an open incident lasts is said where the page goes on by itself, and only as long as it is known; parts leave it to the script.
func TestStatusHowLongItLasts(t *testing.T) {
	for _, line := range []struct {
		what   string
		change func(*StatusPage)
		want   [3]string // of the notices; "-" = nothing that the script would count on
	}{
		{"elsewhere", func(p *StatusPage) { p.Stream, p.Whole = false, true }, [3]string{"-", "-", "-"}},
		{"a part", func(*StatusPage) {}, [3]string{"", "", ""}},
		{"whole", func(p *StatusPage) { p.Whole = true }, [3]string{", 21 min", ", 15 h 02 min", ", 1 h 02 min"}},
		{"in its first minute", func(p *StatusPage) { p.Whole, p.Board.At = true, p.Board.Open[0].StartsAt.Add(59*time.Second) }, [3]string{"", ", 14 h 41 min", ", 41 min"}},
		{"nobody measures", func(p *StatusPage) { p.Whole, p.Board.Silent = true, true }, [3]string{"-", "-", ", 1 h 02 min"}},
	} {
		p := toldPage("en")
		p.Stream = true
		line.change(&p)
		for i, n := range p.Board.Open {
			sub := drawnDoc(t, StatusOpen(p)).Find("article .sub").Eq(i)
			span, got := sub.Find("[data-since]"), "-"
			if span.Length() == 1 {
				got = strings.ReplaceAll(span.Text(), nbsp, " ")
			}
			if got != line.want[i] || got != "-" && span.AttrOr("data-since", "") != isoTime(n.StartsAt) {
				t.Errorf("%s: got %q since %s, want %q since %s", line.what, got, span.AttrOr("data-since", ""), line.want[i], n.StartsAt)
			}
			if text := sub.Text(); !strings.HasPrefix(text, "since ") {
				t.Errorf("%s: got %q, want since when", line.what, text)
			}
		}
	}
	german := toldPage("de")
	german.Stream, german.Whole, german.Board.At = true, true, german.Board.Open[0].StartsAt.Add(49*time.Hour)
	if got := strings.ReplaceAll(drawnDoc(t, StatusOpen(german)).Find("[data-since]").First().Text(), nbsp, " "); got != ", 2 Tg. 01 h" {
		t.Errorf("got %q in German", got)
	}
	if when := drawnDoc(t, StatusAnnounced(german)).Find(".when").First(); when.Text() != "So 29. Nov., 22:00–Mo 30. Nov., 04:00" || when.Find("time").Length() != 2 {
		t.Errorf("got %q, want both ends as moments", when.Text())
	}
}

func TestStatusMonth(t *testing.T) {
	p := toldPage("en")
	doc := drawnDoc(t, StatusMonth(StatusMonthPage{StatusPage: p, Month: p.Board.At, Notices: p.Board.Past, Earlier: "2026-10"}))
	if got := plainText(doc.Find("h1")); got != "November 2026" {
		t.Errorf("got heading %q", got)
	}
	if got := doc.Find("#n-" + p.Board.Past[1].ID.String() + " .updates li").Length(); got != 1 {
		t.Errorf("got %d updates, want the one that the past links to", got)
	}
	if href := doc.Find("a[rel=prev]").AttrOr("href", ""); href != "/status/page/history/2026-10?lang=en" || doc.Find("a[rel=next]").Length() != 0 {
		t.Errorf("got %q before and %d after", href, doc.Find("a[rel=next]").Length())
	}
	if got := plainText(drawnDoc(t, StatusMonth(StatusMonthPage{StatusPage: p, Month: p.Board.At})).Find("main")); !strings.Contains(got, "Nothing reported.") {
		t.Errorf("got %q, want it to say that nothing was reported", got)
	}
}

// Every text of the notices has its German words.
func TestGermanNotices(t *testing.T) {
	german := NewWords().In("de")
	for key, want := range germanNotices() {
		args := make([]any, strings.Count(key, "%s"))
		for i := range args {
			args[i] = "x"
		}
		if got := german.Sprintf(key, args...); got != strings.ReplaceAll(want, "%s", "x") {
			t.Errorf("%q: got %q, want %q", key, got, want)
		}
	}
}
