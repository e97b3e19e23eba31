package views

import (
	"strings"
	"testing"
	"time"

	"echolot/models"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
)

// What is paused is no trouble: the banner names it, and calls up what is measured. The tab's title says the same.
func TestStatusPaused(t *testing.T) {
	for language, want := range map[string][3]string{
		"en": {"All measured services are up", "Paused: B. 1 of 1 services are fine.", "Paused"},
		"de": {"Alle gemessenen Dienste sind erreichbar", "Pausiert: B. 1 von 1 Diensten sind in Ordnung.", "Pausiert"},
	} {
		p := sampleStatus(t, 0, language)
		p.Board.Groups = []models.StatusGroup{{Components: []models.StatusComponent{{Name: "A", State: models.StateUp}, {Name: "B", State: models.StatePaused}}}}
		doc := draw(t, Status(p))
		banner := doc.Find("#status-banner")
		got := [3]string{strings.TrimSpace(banner.Find("h1").Text()), plain(banner.Find("p").Text()), strings.TrimSpace(doc.Find(".svc .state").Last().Text())}
		if got != want || banner.AttrOr("data-state", "") != "up" {
			t.Errorf("got %s: %q, want up: %q", banner.AttrOr("data-state", ""), got, want)
		}
		if got, want := doc.Find("title").Text(), want[0]+" · "+p.Board.Name; got != want {
			t.Errorf("got the title %q, want %q", got, want)
		}
	}
}

// Beside maintenance, too, what is paused is no trouble; what no results come of is.
func TestStatusPausedInMaintenance(t *testing.T) {
	worked := models.StatusComponent{Name: "A", State: models.StateUp, Maintenance: true}
	for _, test := range []struct {
		state      models.State
		silent     bool
		kind, head string
	}{
		{models.StatePaused, false, "maintenance", "Maintenance is under way"},
		{models.StatePaused, true, "maintenance", "Maintenance is under way"},
		{models.StatePending, false, "unknown", "One service is not measured"},
		{models.StateUp, false, "maintenance", "Maintenance is under way"},
		{models.StateUp, true, "unknown", "No new results"},
	} {
		p := sampleStatus(t, 0, "en")
		p.Board.Silent = test.silent
		p.Board.Groups = []models.StatusGroup{{Components: []models.StatusComponent{worked, {Name: "B", State: test.state}}}}
		v := p.verdict()
		if head := p.headline(v); v.Kind != test.kind || head != test.head {
			t.Errorf("%s beside maintenance, silent=%v: got %s, %q; want %s, %q", test.state, test.silent, v.Kind, head, test.kind, test.head)
		}
	}
}

// A name that turns the direction of writing turns nothing but itself, in an element of its own and in a sentence.
func TestStatusNamesAreIsolated(t *testing.T) {
	const turned, alone = "x\u202ename\u2069", "\u2068x\u202ename\u2069"
	p := sampleStatus(t, 0, "en")
	p.Board.Name = turned
	p.Board.Groups = []models.StatusGroup{{Name: turned, Components: []models.StatusComponent{{Name: turned, State: models.StateDown}, {Name: "B", State: models.StateDown}}}}
	p.Board.Open = []models.StatusNotice{{Kind: models.KindIncident, Type: models.IncidentDowntime, Measured: true, Components: []string{turned}},
		{Kind: models.KindIncident, Title: turned, Components: []string{turned, "B"}}}
	doc := draw(t, Status(p))
	for _, selector := range []string{".brand bdi", ".svc .nm bdi", "h2 bdi", "h3 bdi"} {
		if doc.Find(selector).Length() == 0 {
			t.Errorf("%s: got none", selector)
		}
	}
	if got, want := plain(doc.Find("#status-banner p").First().Text()), "Down: "+alone+", B. 0 of 2 services are fine."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := p.NoticeTitle(p.Board.Open[0]), alone+" is down"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	doc.Find("main *").Each(func(_ int, s *goquery.Selection) {
		for n := range s.Nodes[0].ChildNodes() {
			if n.Type == html.TextNode && strings.Contains(n.Data, "\u202e") && goquery.NodeName(s) != "bdi" && !strings.Contains(n.Data, alone) {
				t.Errorf("%s: %q is not isolated", goquery.NodeName(s), n.Data)
			}
		}
	})
	for name, want := range map[string]string{"plain": "plain", "\u05d0": "\u05d0", "a\u202eb": "\u2068a\u202eb\u2069"} {
		if got := isolated(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// Where monitors are checked at different times, the foot says both ends.
func TestStatusMeasuredWith(t *testing.T) {
	for _, line := range []struct {
		shortest, longest time.Duration
		english, german   string
	}{
		{10 * time.Second, time.Hour, "Measured with Echolot, every 10 s to 1 h", "Gemessen mit Echolot, alle 10 s bis 1 h"},
		{time.Minute, time.Minute, "Measured with Echolot, every 1 min", "Gemessen mit Echolot, alle 1 min"},
		{0, 0, "Measured with Echolot", "Gemessen mit Echolot"},
	} {
		for language, want := range map[string]string{"en": line.english, "de": line.german} {
			p := sampleStatus(t, 0, language)
			p.Board.Interval, p.Board.Longest = line.shortest, line.longest
			if got := plain(p.measuredWith()); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
}

// Description and footer are Markdown: a link is one. In the head the description is plain.
func TestStatusPageLinks(t *testing.T) {
	p := sampleStatus(t, 1, "de")
	p.Board.Description, p.Board.FooterText = "All of [Elbtal](https://elbtal.example) & more", "## Kontakt\n\n[Impressum](https://elbtal.example/impressum) https://elbtal.example"
	doc := draw(t, Status(p))
	for selector, want := range map[string]string{".pub-about a": "https://elbtal.example", ".own a:first-child": "https://elbtal.example/impressum", ".own a:last-child": "https://elbtal.example"} {
		if got := doc.Find(selector).AttrOr("href", ""); got != want {
			t.Errorf("%s: got a link to %q, want %q", selector, got, want)
		}
	}
	if got := doc.Find(`meta[name="description"]`).AttrOr("content", ""); got != "All of Elbtal & more" {
		t.Errorf("got %q in the head, want it plain", got)
	}
	if doc.Find(".own h1, .own h2, .own h3").Length() != 0 {
		t.Error("the foot has a heading")
	}
}
