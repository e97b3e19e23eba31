package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"
)

// someday is when the boards of these tests were read.
var someday = time.Date(2026, 11, 25, 14, 2, 0, 0, time.UTC)

// someBoard is a page with two groups and everything that people can be told of.
func someBoard() (models.StatusPage, models.StatusBoard) {
	p := models.StatusPage{ID: 7, PublicID: uuid.MustParse("0198a2b4-0000-7000-8000-000000000001"), OrganizationID: 1, CustomerID: 1, Name: "Elbtal", Slug: "elbtal",
		Visibility: models.VisiblePublic, IsPublished: true, Language: "en", TimeZone: "Europe/Berlin", Latency: models.LatencySparkline, Version: 3,
		CreatedAt: someday.AddDate(0, -2, 0), UpdatedAt: someday.AddDate(0, -1, 0)}
	id := func(n byte) uuid.UUID { return p.ComponentID(uuid.UUID{n}) }
	component := func(n byte, name string, state models.State, rtt time.Duration, down time.Duration) models.StatusComponent {
		c := models.StatusComponent{ID: id(n), Name: name, State: state, Since: someday.Add(-time.Duration(n) * time.Hour), CheckedAt: someday, RTT: rtt,
			CreatedAt: someday.AddDate(0, 0, -100-int(n)), UpdatedAt: someday.AddDate(0, 0, -int(n))}
		for i := range models.StatusDays {
			d := models.StatusDay{Start: someday.AddDate(0, 0, i-models.StatusDays+1).Truncate(24 * time.Hour), Length: 24 * time.Hour, Up: 24 * time.Hour}
			if i == models.StatusDays-10 {
				d.Up, d.Down = d.Up-down, down
			}
			c.Days = append(c.Days, d)
			c.Uptime.Up += d.Up
			c.Uptime.Down += d.Down
		}
		c.Uptime.From, c.Uptime.To = c.Days[0].Start, c.Days[len(c.Days)-1].Start.Add(24*time.Hour)
		return c
	}
	b := models.StatusBoard{Name: p.Name, Slug: p.Slug, Language: "en", TimeZone: p.TimeZone, Latency: p.Latency, At: someday.In(p.Zone()), Measured: someday, Interval: time.Minute,
		Groups: []models.StatusGroup{
			{Name: "Clinics", Components: []models.StatusComponent{component(1, "Pirna", models.StateDown, -1, 4*time.Hour), component(2, "Meissen", models.StateUp, 1234*time.Microsecond, 0)}},
			{Components: []models.StatusComponent{component(3, "Uplink", models.StateUnknown, 0, 0), component(4, "Riesa", models.StateUp, 8*time.Millisecond, 0)}},
		}}
	b.Groups[1].Components[1].Maintenance = true
	told := func(state models.StatusPostState, body string, ago time.Duration) models.StatusNoticeUpdate {
		return models.StatusNoticeUpdate{State: state, Body: body, At: someday.Add(-ago)}
	}
	notice := func(n byte) uuid.UUID { return uuid.UUID{0xaa, n, 6: 0x70, 8: 0x80} }
	b.Open = []models.StatusNotice{
		{ID: notice(1), Kind: models.KindIncident, Type: models.IncidentDowntime, Measured: true, StartsAt: someday.Add(-time.Hour), Components: []string{"Pirna"}},
		{ID: notice(2), Kind: models.KindMaintenance, Title: "New switches, in \"Riesa\"; <b>short</b> & loud", State: models.PostInProgress, StartsAt: someday.Add(-time.Hour),
			EndsAt: someday.Add(time.Hour), Components: []string{"Riesa"}, Updates: []models.StatusNoticeUpdate{told(models.PostInProgress, "It *began*.", time.Hour), told(models.PostScheduled, "Short interruptions.", 48*time.Hour)}},
	}
	b.Announced = []models.StatusNotice{
		{ID: notice(3), Kind: models.KindMaintenance, Title: "Carrier work", State: models.PostScheduled, StartsAt: someday.AddDate(0, 0, 4), EndsAt: someday.AddDate(0, 0, 4).Add(2 * time.Hour),
			Updates: []models.StatusNoticeUpdate{told(models.PostScheduled, "Traffic moves to the other uplink;\r\nnothing should be felt, says Müller.\n\nReally <script>alert(1)</script>.", 2*time.Hour)}},
		{ID: notice(4), Kind: models.KindAnnouncement, Title: "Closed at Christmas", StartsAt: someday.AddDate(0, 0, -1), Updates: []models.StatusNoticeUpdate{told("", "We are back on 2 January.", 24*time.Hour)}},
	}
	b.Past = []models.StatusNotice{{ID: notice(5), Kind: models.KindIncident, Title: "Loss to Meissen", State: models.PostResolved, StartsAt: someday.AddDate(0, 0, -3), EndsAt: someday.AddDate(0, 0, -3).Add(time.Hour),
		Components: []string{"Meissen", "A monitor that is gone"}, Updates: []models.StatusNoticeUpdate{told(models.PostResolved, "Over.", 71*time.Hour), told(models.PostMonitoring, "Better.", 71*time.Hour+30*time.Minute),
			told(models.PostInvestigating, "We look.", 72*time.Hour)}}}
	for _, list := range [][]models.StatusNotice{b.Open, b.Announced, b.Past} {
		for i := range list {
			n := &list[i]
			n.CreatedAt, n.UpdatedAt = n.StartsAt, n.StartsAt
			if k := len(n.Updates); k > 0 {
				n.CreatedAt, n.UpdatedAt = n.Updates[k-1].At, n.Updates[0].At
			}
		}
	}
	return p, b
}

// asked is what the file's handler answers to the query, of a page and a board that were made by hand.
func asked(t *testing.T, h *house, file statusFile, p models.StatusPage, b models.StatusBoard, query string) answer {
	t.Helper()
	var ctx fasthttp.RequestCtx
	ctx.Request.SetRequestURI("/?" + query)
	c := h.s.app.AcquireCtx(&ctx)
	defer h.s.app.ReleaseCtx(c)
	language := c.Query("lang", "en")
	if err := file(c, p, views.StatusPage{Board: b, Language: language, Words: h.s.words.In(language)}); err != nil {
		c.Locals(localFile, true)
		if err := h.s.fail(c, err); err != nil {
			t.Fatal(err)
		}
	}
	a := answer{status: ctx.Response.StatusCode(), header: http.Header{}, body: string(ctx.Response.Body())}
	for key, value := range ctx.Response.Header.All() {
		a.header.Add(string(key), string(value))
	}
	return a
}

// published makes a page of the house's first customer, with the settings.
func (h *house) published(slug, settings string) models.StatusPage {
	h.t.Helper()
	p, err := h.store.CreateStatusPage(h.t.Context(), h.organization, object(h.t, fmt.Sprintf(`{"customerId":%d,"name":"Page %s","slug":%q%s}`, h.customer.ID, slug, slug, settings)))
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// elsewhereFiles are the addresses of all files of a page.
var elsewhereFiles = []string{"/badge.svg", "/badge/COMPONENT.svg", "/feed.atom", "/feed.json", "/maintenance.ics", "/api/v2/summary.json", "/api/v2/status.json",
	"/api/v2/components.json", "/api/v2/incidents.json", "/api/v2/incidents/unresolved.json", "/api/v2/scheduled-maintenances.json", "/api/v2/scheduled-maintenances/active.json", "/api/v2/scheduled-maintenances/upcoming.json", "/widget.js", "/widget"}

// Every file of a public page is there for everybody and for every site's scripts, says nothing of ours, and is sent once; of a page that
// is not to be seen, in an unknown language, or of another page's component there is none.
func TestStatusFiles(t *testing.T) {
	houses(t, func(h *house) {
		p := h.published("files", `,"isPublished":true`)
		other := h.published("other", `,"isPublished":true`)
		h.published("hidden", "")
		component := p.ComponentID(h.monitor.PublicID).String()
		for _, file := range elsewhereFiles {
			path := strings.Replace("/status/files"+file, "COMPONENT", component, 1)
			a := h.request("GET", path, "")
			origins := "*"
			if file == "/widget" {
				origins = ""
			}
			if a.status != http.StatusOK || a.body == "" || a.header.Get("Access-Control-Allow-Origin") != origins || a.header.Get("Cross-Origin-Resource-Policy") != "cross-origin" ||
				a.header.Get("Cache-Control") != "public, max-age=15" || a.header.Get("Set-Cookie") != "" {
				t.Errorf("%s: got %d, %v, want it for everybody", path, a.status, a.header)
			}
			for _, word := range []string{h.monitor.PublicID.String(), p.PublicID.String(), h.customer.PublicID.String(), h.hidden.PublicID.String(), "127.0.0.1", "Hidden", "Kranich", "example.com", p.LinkToken} {
				if strings.Contains(strings.ReplaceAll(a.body, h.url, ""), word) {
					t.Errorf("%s names %s: %s", path, word, a.body)
				}
			}
			tag := a.header.Get("ETag")
			if again := h.request("GET", path, "", "If-None-Match", `"x", W/`+tag); tag == "" || again.status != http.StatusNotModified || again.body != "" || again.header.Get("ETag") != tag {
				t.Errorf("%s with its tag %s: got %d and %q, want 304", path, tag, again.status, again.body)
			}
			if head := h.request("HEAD", path, ""); head.status != http.StatusOK || head.body != "" || head.header.Get("ETag") != tag {
				t.Errorf("HEAD %s: got %d, %v", path, head.status, head.header)
			}
			if bad := h.request("GET", path+"?lang=xx", ""); bad.status != http.StatusBadRequest || !strings.Contains(bad.body, `"fields":{"lang":`) {
				t.Errorf("%s in no language: got %d and %s, want 400 that names lang", path, bad.status, bad.body)
			}
			gone := h.request("GET", strings.Replace(path, "/files/", "/hidden/", 1), "")
			nowhere := h.request("GET", strings.Replace(path, "/files/", "/nothing/", 1), "")
			if gone.status != http.StatusNotFound || gone.body != nowhere.body || gone.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s of a page that is not published: got %d and %s, of one that is not there %s", path, gone.status, gone.body, nowhere.body)
			}
		}
		for _, id := range []string{other.ComponentID(h.monitor.PublicID).String(), p.ComponentID(h.hidden.PublicID).String(), h.monitor.PublicID.String(), "x", "1"} {
			if a := h.request("GET", "/status/files/badge/"+id+".svg", ""); a.status != http.StatusNotFound {
				t.Errorf("a badge of %s: got %d, want 404", id, a.status)
			}
		}
	})
}

// A file of a page that not everybody may see is kept by nobody else, and no other site's script reads it.
func TestStatusFilesOfOtherPages(t *testing.T) {
	h := liteHouse(t)
	p, b := someBoard()
	for visibility, policy := range map[models.Visibility]string{models.VisibleLink: "cross-origin", models.VisibleMembers: "", models.VisiblePassword: ""} {
		p.Visibility = visibility
		a := asked(t, h, h.s.showBadge, p, b, "")
		if a.header.Get("Access-Control-Allow-Origin") != "" || a.header.Get("Cache-Control") != "private, no-cache" || a.header.Get("Cross-Origin-Resource-Policy") != policy {
			t.Errorf("%s: got %v", visibility, a.header)
		}
	}
	p.Visibility, p.LinkToken = models.VisibleLink, "secret"
	if a := asked(t, h, h.s.showAtomFeed, p, b, ""); strings.Count(a.body, "key=secret") != 2+len(b.Open)+len(b.Announced)+len(b.Past) {
		t.Errorf("got %s, want the key in every address", a.body)
	}
	p.Visibility, p.CustomDomain, p.DomainVerifiedAt = models.VisiblePublic, "status.example.com", someday
	// The port is the base URL's: that which people reach the program at, directly or by a proxy.
	for base, origin := range map[string]string{"https://echolot.example": "https://status.example.com", "http://echolot.example:8080": "http://status.example.com:8080",
		"http://[::1]:8080": "http://status.example.com:8080", "https://192.0.2.1:8443": "https://status.example.com:8443"} {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		h := liteHouse(t, func(o *Options) { o.BaseURL = u })
		if got, want := h.s.statusAddress(p, "/feed.atom"), origin+"/feed.atom"; got != want {
			t.Errorf("%s: got %s, want %s", base, got, want)
		}
		if got := h.s.statusHome(p); got != origin {
			t.Errorf("%s: got the page at %s, want it at %s", base, got, origin)
		}
		for name, file := range map[string]statusFile{"Atom": h.s.showAtomFeed, "JSON": h.s.showJSONFeed, "the calendar": h.s.showCalendar, "the widget": h.s.showWidget} {
			if a := asked(t, h, file, p, b, ""); !strings.Contains(a.body, origin+"/") && !strings.Contains(a.body, origin+"?") {
				t.Errorf("%s: %s does not name %s: %s", base, name, origin, firstBytes(a.body))
			}
		}
		if origin := h.s.statusLocation(p, ""); origin.Host == p.CustomDomain && u.Port() != "" {
			t.Errorf("%s: got the origin %s without the port", base, origin.Host)
		}
	}
}
