package views

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"

	"echolot/models"
)

// statusNow is when every status page of these tests is looked at: 13:00 of Berlin's time.
var statusNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// sampleStatus is a page of so many components, in groups of ten, with all that a component may be among the first.
func sampleStatus(t testing.TB, components int, language string) StatusPage {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	b := models.StatusBoard{Name: "Elbtal Kliniken", Slug: "elbtal", Language: "en", TimeZone: "Europe/Berlin", Latency: models.LatencySparkline, Version: 3,
		At: statusNow.In(zone), Measured: statusNow.Add(-2 * time.Second), Interval: 10 * time.Second}
	for i := range components {
		if i%10 == 0 {
			b.Groups = append(b.Groups, models.StatusGroup{Name: []string{"Clinics", "Connections", "Practices", "Data centre", "Elsewhere"}[i/10%5]})
		}
		g := &b.Groups[len(b.Groups)-1]
		g.Components = append(g.Components, sampleComponent(b, i))
	}
	return StatusPage{Board: b, Language: language, Words: NewWords().In(language), Base: "/status/elbtal", Stream: true, Version: "f00d",
		Assets: Assets{Icon: "/static/favicon.1.svg", Status: "/static/status.1.js", StatusStyle: "/static/status.1.css"}}
}

func sampleComponent(b models.StatusBoard, i int) models.StatusComponent {
	c := models.StatusComponent{ID: uuid.NewSHA1(uuid.NameSpaceURL, []byte{byte(i)}), Name: fmt.Sprintf("Site %d of the network", i+1), State: models.StateUp,
		Since: statusNow.AddDate(0, 0, -3), CheckedAt: statusNow.Add(-2 * time.Second), RTT: time.Duration(800+i*i*371) * time.Microsecond}
	start := time.Date(2026, 8, 26, 0, 0, 0, 0, b.At.Location())
	for day := range models.StatusDays {
		at := start.AddDate(0, 0, day)
		d := models.StatusDay{Start: at, Length: start.AddDate(0, 0, day+1).Sub(at)}
		if day == models.StatusDays-1 {
			d.Length = statusNow.Sub(at)
		}
		d.Up = d.Length
		bad := func(of *time.Duration, n time.Duration) { d.Up, *of = d.Up-n, *of+n }
		switch (day*7 + i*13) % 97 {
		case 3:
			bad(&d.Down, 4*time.Minute)
		case 11:
			bad(&d.Degraded, 5*time.Hour)
		case 17:
			bad(&d.Maintenance, 2*time.Hour)
			bad(&d.Down, 3*time.Hour)
		case 23:
			d.Up -= 7 * time.Hour // not measured
		}
		c.Days = append(c.Days, d)
	}
	switch i {
	case 0:
		c.State, c.Since = models.StateDegraded, statusNow.Add(-21*time.Minute)
		c.Days[89].Up, c.Days[89].Degraded = c.Days[89].Up-21*time.Minute, 21*time.Minute
	case 1:
		c.State, c.Since, c.RTT = models.StateDown, statusNow.Add(-90*time.Minute), -1
		c.Days[89].Up, c.Days[89].Down = c.Days[89].Up-90*time.Minute, 90*time.Minute
		c.Host = "vpn-gateway-2.elbtal-kliniken.example"
	case 2:
		c.Maintenance = true
	case 3:
		c.State, c.Since = models.StateUnknown, statusNow.AddDate(0, 0, -2)
		for day := 88; day < 90; day++ {
			c.Days[day] = models.StatusDay{Start: c.Days[day].Start, Length: c.Days[day].Length}
		}
	case 4:
		c.Name = "A very long name of a service that somebody typed, with a Donaudampfschifffahrtsgesellschaftskapitän in it"
		for day := range 22 {
			c.Days[day] = models.StatusDay{Start: c.Days[day].Start, Length: c.Days[day].Length}
		}
	case 5:
		c.State, c.CheckedAt, c.RTT = models.StatePending, time.Time{}, -1
		for day := range c.Days {
			c.Days[day] = models.StatusDay{Start: c.Days[day].Start, Length: c.Days[day].Length}
		}
	}
	u := models.Uptime{From: start, To: statusNow, Excluded: true}
	for _, d := range c.Days {
		u.Up, u.Degraded, u.Down, u.Maintenance = u.Up+d.Up, u.Degraded+d.Degraded, u.Down+d.Down, u.Maintenance+d.Maintenance
	}
	c.Uptime = u
	c.History = models.Series{From: statusNow.Add(-23*time.Hour - 30*time.Minute), To: statusNow.Add(30 * time.Minute), Step: 30 * time.Minute}
	if i == 5 {
		return c
	}
	for slot := range 48 {
		if i == 3 && slot > 20 || i%7 == 4 && slot == 13 {
			continue
		}
		base := time.Duration(800+i*i*371) * time.Microsecond
		bucket := models.Bucket{Start: c.History.From.Add(time.Duration(slot) * 30 * time.Minute), Length: 30 * time.Minute, Sent: 720, Received: 720}
		wobble := time.Duration((slot*slot*7+i*31)%23) * base / 60
		bucket.RTTAvg = base + wobble
		for q, share := range []time.Duration{95, 98, 100, 104, 112} {
			bucket.Quantiles[q] = base*share/100 + wobble*time.Duration(q)/2
		}
		if i%5 == 0 && slot > 44 {
			bucket.Received -= 90
		}
		if i == 1 && slot > 44 {
			bucket.Received, bucket.RTTAvg = 0, 0
		}
		c.History.Buckets = append(c.History.Buckets, bucket)
	}
	return c
}

// Each part is one element with the id that the stream finds it by, and the page is made of them.
func TestStatusPartsHaveTheirIDs(t *testing.T) {
	p := sampleStatus(t, 12, "en")
	doc := draw(t, Status(p))
	parts := map[string]string{"status-banner": render(t, StatusBanner(p)), "status-open": render(t, StatusOpen(p)),
		"status-announced": render(t, StatusAnnounced(p)), "status-past": render(t, StatusPast(p))}
	for _, g := range p.Board.Groups {
		for _, c := range g.Components {
			parts["status-c-"+c.ID.String()], parts["status-d-"+c.ID.String()] = render(t, StatusLine(p, c)), render(t, StatusDays(p, c))
		}
	}
	for id, html := range parts {
		body := draw(t, StatusBanner(p)) // a document to parse into
		body.Find("body").SetHtml(html)
		if all := body.Find("body").Children(); all.Length() != 1 || all.AttrOr("id", "") != id {
			t.Errorf("%s: got %d elements, the first with id %q", id, all.Length(), all.AttrOr("id", ""))
		}
		if n := doc.Find("[id='" + id + "']").Length(); n != 1 {
			t.Errorf("%s: the page has it %d times", id, n)
		}
	}
	main := doc.Find("main")
	if main.AttrOr("data-stream", "") != "/status/elbtal/events?lang=en" || main.AttrOr("data-version", "") != "f00d" {
		t.Errorf("got stream %q and version %q", main.AttrOr("data-stream", ""), main.AttrOr("data-version", ""))
	}
	if got := doc.Find("noscript").Text(); !strings.Contains(got, `http-equiv="refresh" content="30"`) {
		t.Errorf("got %q in noscript, want a refresh", got)
	}
	doc.Find("[style], style, script:not([src])").Each(func(_ int, s *goquery.Selection) { t.Errorf("got %s, which the policy forbids", s.Text()) })
	if doc.Find("h1").Length() != 1 || doc.Find("h2").Length() != 3 {
		t.Errorf("got %d h1 and %d h2, want one and a heading for each group and the past", doc.Find("h1").Length(), doc.Find("h2").Length())
	}
}

// The banner tells the worst, what else there is, and never calls down what is not measured.
func TestStatusBannerSaysTheWorst(t *testing.T) {
	up, down, degraded, unknown, pending := models.StateUp, models.StateDown, models.StateDegraded, models.StateUnknown, models.StatePending
	for _, line := range []struct {
		states      []models.State
		maintenance int // how many of the first are in maintenance
		late        bool
		open        bool
		kind, text  string
		german      string
	}{
		{nil, 0, false, false, "unknown", "Nothing is shown here yet", "Hier wird noch nichts gezeigt"},
		{[]models.State{up, up}, 0, false, false, "up", "All services are up", "Alle Dienste sind erreichbar"},
		{[]models.State{up, down, degraded, unknown}, 0, false, false, "down", "One service is down Down: B. Degraded: C. Not measured: D. 1 of 4 services are fine.",
			"Ein Dienst ist ausgefallen Ausgefallen: B. Beeinträchtigt: C. Nicht gemessen: D. 1 von 4 Diensten sind in Ordnung."},
		{[]models.State{down, down, down, down, down}, 0, false, false, "down", "5 services are down Down: A, B, C and 2 more. 0 of 5 services are fine.",
			"5 Dienste sind ausgefallen Ausgefallen: A, B, C und 2 weitere. 0 von 5 Diensten sind in Ordnung."},
		{[]models.State{degraded, degraded, up}, 0, false, false, "degraded", "2 services are degraded Degraded: A, B. 1 of 3 services are fine.",
			"2 Dienste sind beeinträchtigt Beeinträchtigt: A, B. 1 von 3 Diensten sind in Ordnung."},
		{[]models.State{unknown, up}, 0, false, false, "unknown", "One service is not measured Not measured: A. 1 of 2 services are fine.",
			"Ein Dienst wird nicht gemessen Nicht gemessen: A. 1 von 2 Diensten sind in Ordnung."},
		{[]models.State{unknown, pending}, 0, false, false, "unknown", "Nothing is measured at present", "Zurzeit wird nichts gemessen"},
		{[]models.State{down, up}, 0, true, false, "unknown", "No new results since 12:00:00", "Keine neuen Ergebnisse seit 12:00:00"},
		{[]models.State{down, up}, 1, false, false, "maintenance", "Maintenance is under way Maintenance: A. 1 of 2 services are fine.",
			"Wartungsarbeiten laufen Wartung: A. 1 von 2 Diensten sind in Ordnung."},
		{[]models.State{up, up}, 0, false, true, "degraded", "An incident is being worked on 2 of 2 services are fine.",
			"An einer Störung wird gearbeitet 2 von 2 Diensten sind in Ordnung."},
	} {
		for language, want := range map[string]string{"en": line.text, "de": line.german} {
			p := sampleStatus(t, 0, language)
			if line.late {
				p.Board.Measured = statusNow.Add(-time.Hour)
				p.Board.SettleAge(statusNow, "")
			}
			if line.open {
				p.Board.Open = []models.StatusNotice{{Kind: models.KindIncident, State: models.PostIdentified}}
			}
			g := models.StatusGroup{}
			for i, s := range line.states {
				g.Components = append(g.Components, models.StatusComponent{Name: string(rune('A' + i)), State: s, Maintenance: i < line.maintenance})
			}
			if len(line.states) > 0 {
				p.Board.Groups = []models.StatusGroup{g}
			}
			banner := draw(t, StatusBanner(p)).Find("#status-banner")
			got := banner.Find("h1").Text() + " " + banner.Find("p").Text()
			if plain(got) != want || banner.AttrOr("data-state", "") != line.kind {
				t.Errorf("%v: got %s: %q, want %s: %q", line.states, banner.AttrOr("data-state", ""), plain(got), line.kind, want)
			}
		}
	}
}

// Banner, badge and widget come to one verdict, whatever the page is: an incident that people told of outranks what is not measured,
// and what is down or degraded outranks it.
func TestOneVerdict(t *testing.T) {
	up, down, degraded, unknown, paused := models.StateUp, models.StateDown, models.StateDegraded, models.StateUnknown, models.StatePaused
	told := models.StatusNotice{Kind: models.KindIncident, State: models.PostIdentified}
	measured := models.StatusNotice{Kind: models.KindIncident, Type: models.IncidentDowntime, Measured: true}
	over := models.StatusNotice{Kind: models.KindIncident, State: models.PostResolved}
	unstable := models.StatusNotice{Kind: models.KindIncident, Type: models.IncidentDowntime, Measured: true, Unstable: []string{"B"}, Components: []string{"A", "B"}}
	work := models.StatusNotice{Kind: models.KindMaintenance, State: models.PostInProgress}
	for _, line := range []struct {
		states             []models.State
		open               models.StatusNotice
		maintenance, late  bool
		kind, short, words string
	}{
		{[]models.State{up, up}, told, false, false, "degraded", "incident", "An incident is being worked on"},
		{[]models.State{up, paused}, told, false, false, "degraded", "incident", "An incident is being worked on"},
		{[]models.State{paused, unknown}, told, false, false, "degraded", "incident", "An incident is being worked on"},
		{[]models.State{up, up}, told, true, false, "degraded", "incident", "An incident is being worked on"},
		{[]models.State{down, paused}, told, false, false, "down", "1 of 2 down", "One service is down"},
		{[]models.State{degraded, up}, told, false, false, "degraded", "1 of 2 degraded", "One service is degraded"},
		{nil, told, false, false, "degraded", "incident", "An incident is being worked on"},
		{[]models.State{up, up}, measured, false, false, "degraded", "incident", "An incident is being worked on"},
		{[]models.State{down, up}, measured, false, true, "unknown", "no new results since 12:00 CET", "No new results since 2026-11-23 12:00:00 CET"},
		{[]models.State{down, up}, told, false, true, "degraded", "incident", "An incident is being worked on"},
		{[]models.State{up, up}, unstable, false, false, "degraded", "unstable", "One service is unstable"},
		{[]models.State{down, up}, unstable, false, false, "down", "1 of 2 down", "One service is down"},
		{[]models.State{up, up}, work, false, false, "maintenance", "maintenance", "Maintenance is under way"},
		{[]models.State{up}, work, false, false, "maintenance", "maintenance", "Maintenance is under way"},
		{[]models.State{up, up}, over, false, false, "up", "up", "All services are up"},
		{[]models.State{up, up}, over, true, false, "maintenance", "maintenance", "Maintenance is under way"},
		{[]models.State{up, unknown}, over, false, false, "unknown", "1 of 2 not measured", "One service is not measured"},
		{[]models.State{up, paused}, over, false, false, "up", "up", "All measured services are up"},
		{[]models.State{paused, paused}, over, false, false, "unknown", "not measured", "Nothing is measured at present"},
	} {
		p := sampleStatus(t, 0, "en")
		p.Board.Open = []models.StatusNotice{line.open}
		if line.late {
			p.Board.Measured = statusNow.Add(-time.Hour)
			p.Board.SettleAge(statusNow, "")
		}
		g := models.StatusGroup{}
		for i, s := range line.states {
			g.Components = append(g.Components, models.StatusComponent{Name: string(rune('A' + i)), State: s, Maintenance: line.maintenance && i == 0})
		}
		p.Board.Groups = []models.StatusGroup{g}
		s := p.Summary()
		if s.Kind != line.kind || s.Short != line.short || s.Text != line.words {
			t.Errorf("%v, %+v: got %s, %q, %q, want %s, %q, %q", line.states, line.open, s.Kind, s.Short, s.Text, line.kind, line.short, line.words)
		}
		banner := draw(t, StatusBanner(p)).Find("#status-banner")
		if got := banner.AttrOr("data-state", ""); got != line.kind || s.Incident != (banner.Find("h1").Text() == "An incident is being worked on" || s.Unstable > 0) {
			t.Errorf("%v, %+v: the banner is %s and says %q, the summary %s and %q", line.states, line.open, got, banner.Find("h1").Text(), s.Kind, s.Text)
		}
	}
}

// A reminder of maintenance stands in the banner in the page's zone and language.
func TestStatusBannerReminds(t *testing.T) {
	for language, want := range map[string]string{"en": "Maintenance begins Tue 24 Nov, 02:00: New firmware", "de": "Wartung beginnt Di 24. Nov., 02:00: New firmware"} {
		p := sampleStatus(t, 1, language)
		p.Board.Announced = []models.StatusNotice{{Kind: models.KindMaintenance, Title: "New firmware", StartsAt: statusNow.Add(13 * time.Hour), Reminding: true},
			{Kind: models.KindMaintenance, Title: "Later", StartsAt: statusNow.AddDate(0, 1, 0)}}
		if got := plain(draw(t, StatusBanner(p)).Find(".remind").Text()); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A bar says what of a day was up, down, degraded, announced, or not measured; nothing of it is colour alone.
func TestDayBars(t *testing.T) {
	day := func(up, degraded, down, maintenance time.Duration) models.StatusDay {
		return models.StatusDay{Length: 24 * time.Hour, Up: up, Degraded: degraded, Down: down, Maintenance: maintenance}
	}
	full, none := day(24*time.Hour, 0, 0, 0), models.StatusDay{Length: 24 * time.Hour, Unknown: 24 * time.Hour}
	for what, line := range map[string]struct {
		days []models.StatusDay
		want string
	}{
		"up":                    {[]models.StatusDay{full, full, full}, `r-up M0 15h21`},
		"not measured":          {[]models.StatusDay{none, none, full}, `r-up M16 15h5 r-none M0 28.5h13`},
		"a minute down":         {[]models.StatusDay{full, day(24*time.Hour-time.Minute, 0, time.Minute, 0)}, `r-up M0 15h5 d-up M8 7h5v23h-5z d-down M8 0h5v5h-5z`},
		"down all day":          {[]models.StatusDay{day(0, 0, 24*time.Hour, 0)}, `d-down M0 0h5v30h-5z`},
		"half down":             {[]models.StatusDay{day(12*time.Hour, 0, 12*time.Hour, 0)}, `d-up M0 17h5v13h-5z d-down M0 0h5v15h-5z`},
		"nearly all":            {[]models.StatusDay{day(time.Minute, 0, 24*time.Hour-time.Minute, 0)}, `d-up M0 27h5v3h-5z d-down M0 0h5v25h-5z`},
		"maintenance":           {[]models.StatusDay{day(22*time.Hour, 0, 0, 2*time.Hour)}, `d-up M0 5h5v25h-5z d-maint M0 0h5v3h-5z`},
		"all three":             {[]models.StatusDay{day(12*time.Hour, 6*time.Hour, 3*time.Hour, 3*time.Hour)}, `d-up M0 23h5v7h-5z d-deg M0 13h5v8h-5z d-down M0 6h5v5h-5z d-maint M0 0h5v4h-5z`},
		"half not measured":     {[]models.StatusDay{day(12*time.Hour, 0, 0, 0)}, `d-up M0 15h5v15h-5z d-none M0 0h5v2h-5z`},
		"a restart is not seen": {[]models.StatusDay{day(24*time.Hour-10*time.Minute, 0, 0, 0)}, `r-up M0 15h5`},
		"down, then nothing":    {[]models.StatusDay{day(0, 0, 6*time.Hour, 0)}, `d-down M0 20h5v10h-5z d-none M0 0h5v2h-5z`},
	} {
		var got []string
		draw(t, dayBars(line.days)).Find("path").Each(func(_ int, s *goquery.Selection) { got = append(got, s.AttrOr("class", ""), s.AttrOr("d", "")) })
		if strings.Join(got, " ") != line.want {
			t.Errorf("%s: got %q, want %q", what, strings.Join(got, " "), line.want)
		}
	}
}

// The words under a bar: uptime is cut and not rounded, and what was not measured is told.
func TestUptimeText(t *testing.T) {
	with := func(days ...models.StatusDay) models.StatusComponent {
		c := models.StatusComponent{Days: days}
		for _, d := range days {
			c.Uptime.Up, c.Uptime.Down = c.Uptime.Up+d.Up, c.Uptime.Down+d.Down
			c.Uptime.To = c.Uptime.To.Add(d.Length)
		}
		return c
	}
	day := func(up, down time.Duration) models.StatusDay {
		return models.StatusDay{Length: 24 * time.Hour, Up: up, Down: down}
	}
	full, none := day(24*time.Hour, 0), day(0, 0)
	pending := with(none, none)
	pending.State = models.StatePending
	for _, line := range []struct {
		c           models.StatusComponent
		english, de string
	}{
		{with(none, none), "not measured", "nicht gemessen"},
		{pending, "not measured yet", "noch nicht gemessen"},
		{with(none, none, day(400*time.Millisecond, 0)), "not measured yet", "noch nicht gemessen"},
		{with(none, none, day(time.Second, 0)), "100.00 % up of 1 s measured", "100,00 % erreichbar von 1 s Messzeit"},
		{with(full, full), "100.00 % up", "100,00 % erreichbar"},
		{with(full, day(24*time.Hour-time.Second, time.Second)), "99.99 % up", "99,99 % erreichbar"},
		{with(full, none, full), "100.00 % up, one day not measured", "100,00 % erreichbar, ein Tag nicht gemessen"},
		{with(full, none, full, none), "100.00 % up, 2 days not measured", "100,00 % erreichbar, 2 Tage nicht gemessen"},
		{with(none, full, full), "100.00 % up of 2 days measured", "100,00 % erreichbar von 2 gemessenen Tagen"},
		{with(none, none, full), "100.00 % up of 24 h measured", "100,00 % erreichbar von 24 h Messzeit"},
		{with(none, none, day(4*time.Minute, 0)), "100.00 % up of 4 min measured", "100,00 % erreichbar von 4 min Messzeit"},
		{with(none, day(4*time.Hour, 0), day(23*time.Hour+59*time.Minute, 0)), "100.00 % up of 27 h measured", "100,00 % erreichbar von 27 h Messzeit"},
		{with(full, day(21*time.Hour, 0)), "100.00 % up, 3 h not measured", "100,00 % erreichbar, 3 h nicht gemessen"},
	} {
		for language, want := range map[string]string{"en": line.english, "de": line.de} {
			share, rest := sampleStatus(t, 0, language).uptimeText(line.c)
			if plain(share+rest) != want {
				t.Errorf("got %q, want %q", plain(share+rest), want)
			}
		}
	}
}

// Nothing of a host is drawn unless the board has it; what people typed is text.
func TestStatusPageSaysWhatTheBoardSays(t *testing.T) {
	p := sampleStatus(t, 3, "de")
	p.Board.Name, p.Board.FooterText, p.Board.Description, p.Board.Groups[0].Name, p.Board.Groups[0].Components[0].Name = nasty, nasty, nasty, nasty, nasty
	p.Board.NoIndex, p.Board.HasLogo, p.Board.Accent, p.Key, p.Stream = true, true, "#ff0000", "k&y", false
	html := render(t, Status(p))
	if strings.Contains(html, "<script>") || strings.Contains(html, "<b>bold") {
		t.Error("what was typed is taken for HTML")
	}
	doc := parse(t, html)
	if doc.Find("script, noscript, [data-stream]").Length() != 0 {
		t.Error("a page without a stream has a script or reads itself again")
	}
	for selector, want := range map[string]string{
		`meta[name="robots"]`: "noindex, nofollow", `.brand img`: "/status/elbtal/logo?key=k%26y&v=3", `link[href*="theme"]`: "/status/elbtal/theme.css?key=k%26y&v=3",
		`a[href*="summary.json"]`: "/status/elbtal/api/v2/summary.json?key=k%26y&lang=de", `a[hreflang="en"]`: "?key=k%26y&lang=en", `html`: "de",
	} {
		found := doc.Find(selector)
		got := found.AttrOr("content", found.AttrOr("src", found.AttrOr("href", found.AttrOr("lang", ""))))
		if got != want {
			t.Errorf("%s: got %q, want %q", selector, got, want)
		}
	}
	if hosts := doc.Find(".host"); hosts.Length() != 1 || hosts.Text() != "vpn-gateway-2.elbtal-kliniken.example" {
		t.Errorf("got %d hosts, want the one of the board", hosts.Length())
	}
}

// A page of fifty monitors stays small: its HTML under 20 kB compressed, with style and script under 60.
func TestStatusPageIsSmall(t *testing.T) {
	squeezed := func(text []byte) int {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, 6)
		_, _ = w.Write(text)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Len()
	}
	all := 0
	for _, name := range []string{"status.css", "status.js"} {
		text, err := os.ReadFile(filepath.Join("../static/dist", name))
		if err != nil {
			t.Fatal(err)
		}
		all += squeezed(text)
		t.Logf("%s: %d bytes, compressed %d", name, len(text), squeezed(text))
	}
	for _, latency := range []models.StatusLatency{models.LatencyNone, models.LatencySparkline, models.LatencySmoke} {
		p := sampleStatus(t, 50, "de")
		p.Board.Latency = latency
		html := []byte(render(t, Status(p)))
		n := squeezed(html)
		t.Logf("%s: %d bytes, compressed %d, with style and script %d", latency, len(html), n, n+all)
		if n+all >= 60_000 || n >= 20_000 {
			t.Errorf("%s: got %d bytes compressed, %d with style and script; want less than 20,000 and 60,000", latency, n, n+all)
		}
	}
}
