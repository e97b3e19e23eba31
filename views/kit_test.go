package views

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"

	"echolot/models"
)

// noon is when every test looks.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// nasty is what people may type into a name.
const nasty = `<b>bold</b> & "quoted" <script>alert(1)</script>`

func render(t testing.TB, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func parse(t testing.TB, html string) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(html))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func draw(t testing.TB, c templ.Component) *goquery.Document {
	t.Helper()
	return parse(t, render(t, c))
}

// plain turns the fixed spaces of figures into ordinary ones.
func plain(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, nbsp, " ")), " ")
}

func samplePage(title, nav string) Page {
	return Page{
		Title: title, Nav: nav, User: &User{Name: nasty, Email: "mara@kranich.example", Role: "admin"},
		Organization: nasty, CSRF: "token", BaseURL: "https://net.kranich.example", MayTokens: true, Stream: "/events",
		Assets:  Assets{Script: "/static/app.1.js", Style: "/static/app.1.css", Icon: "/static/favicon.1.svg"},
		Notices: []Notice{NoRightToPing()}, Flash: &Flash{Text: nasty},
	}
}

func sampleBeats(n int) []models.Beat {
	beats := make([]models.Beat, n)
	for i := range beats {
		beats[i] = models.Beat{Outcome: models.OutcomeSuccess, RTT: time.Duration(900+i*5) * time.Microsecond}
		switch i % 13 {
		case 5:
			beats[i].LossPercent = 25
		case 7:
			beats[i] = models.Beat{Outcome: models.OutcomeFailure, LossPercent: 100}
		case 11:
			beats[i] = models.Beat{Outcome: models.OutcomeUnknown}
		}
	}
	return beats
}

func sampleLive(id string) LiveMonitor {
	return LiveMonitor{PublicID: id, Status: models.StatusActive, Confirmations: 2, Beats: sampleBeats(40), Now: noon,
		MonitorState: models.MonitorState{
			State: models.StateUp, Since: noon.Add(-3 * time.Hour), LastCheckedAt: noon.Add(-2 * time.Second), LastOutcome: models.OutcomeSuccess,
			LastSent: 4, LastReceived: 4, LastRTT: 8214, Address: "192.0.2.1", ReplyTTL: 57,
		}}
}

func sampleRow(id string) MonitorRow {
	return MonitorRow{Live: sampleLive(id), Name: nasty, Hostname: "router.example", Customer: nasty, IntervalSeconds: 30,
		MayEdit: true, MaySetStatus: true, CSRF: "token"}
}

func sampleList(rows int) MonitorsPage {
	p := MonitorsPage{Page: samplePage("Monitors", NavMonitors), Filter: Filter{Sort: DefaultSort}, Total: 10000, PageNumber: 2,
		PageSize: rows, MayCreate: true, Customers: []Choice{{"1", nasty}},
		Counters: Counters{Up: 9000, Down: 2, Unknown: 3, DownSince: noon.Add(-14 * time.Minute), Now: noon}}
	for i := range rows {
		p.Rows = append(p.Rows, sampleRow("00000000-0000-7000-8000-"+number(100000000000+i)))
	}
	return p
}

func sampleCheck() Check {
	us := time.Microsecond
	return Check{MonitorPublicID: "m1", ID: "c1", Now: noon, Result: models.Result{
		Slot: noon.Add(-time.Minute).UnixMilli(), Outcome: models.OutcomeSuccess, Sent: 4, Received: 2, Late: 1, ReplyTTL: 57,
		Address: netip.MustParseAddr("192.0.2.1"),
		Packets: []models.Packet{{State: models.PacketReplied, RTT: 12310 * us}, {}, {State: models.PacketLate},
			{State: models.PacketReplied, RTT: 14310 * us}},
	}}
}

func sampleMonitor() MonitorPage {
	return MonitorPage{Page: samplePage("One", NavMonitors), Live: sampleLive("m1"), Name: nasty, Hostname: "router.example",
		Customer: nasty, CustomerPublicID: "c1", IntervalSeconds: 10, Checks: []Check{sampleCheck()}, MayEdit: true, MaySetStatus: true,
		Settings: RuleSettings{Count: 4, PacketSize: 56, CheckIntervalSeconds: 10, Timeout: 5 * time.Second, Rule: models.IcmpConfig{}.Rule()}.Sentences(),
		Warnings: []string{nasty}}
}

func sampleForm() MonitorForm {
	v := NewMonitorValues("1")
	v["name"], v["hostname"] = nasty, "https://vpn.nordwind.example/x"
	return MonitorForm{PublicID: "m1", Name: nasty, Values: v, Version: "7", CSRF: "token", Customers: []Choice{{"1", nasty}},
		Errors:         map[string]string{"hostname": "Invalid hostname", "icmpConfig.count": "1 to 100", "customerId": "Invalid Customer identifier", "": nasty},
		HostSuggestion: "vpn.nordwind.example", Warnings: []string{nasty}, Theirs: map[string]string{"name": nasty}}
}

// sampleStatusForm is a status page's settings with something wrong in every field.
func sampleStatusForm() StatusPageFormPage {
	p := StatusPageFormPage{Page: samplePage("Edit", NavStatus), Head: StatusPageHead{PublicID: "s1", Name: nasty, URL: "/status/x"}, Values: map[string]string{}, Errors: map[string]string{"": nasty},
		Customers: []Choice{{"1", nasty}}, Version: `"1"`, LinkURL: "http://localhost/status/x?key=y", HasPassword: true, HasLogo: true, LogoError: nasty}
	for _, name := range []string{"name", "slug", "customerId", "customDomainHostname", "description", "footerText", "isPublished", "noIndex", "visibility", "password", "frameSites", "language", "timeZone",
		"accent", "latency", "publish", "showHostnames"} {
		p.Values[name], p.Errors[name] = nasty, nasty
	}
	return p
}

// everyPage is each page with people's text in all places that take any.
func everyPage() map[string]templ.Component {
	first := sampleList(0)
	first.First = &FirstRun{MayCreate: true, CustomerID: "1", CSRF: "token", Customers: []Choice{{"1", nasty}, {"2", "b"}},
		Abilities: []Ability{{true, "May send pings", nasty}, {false, "IPv6: no route", ""}}}
	empty := sampleList(0)
	empty.Filter.Search, empty.Total = nasty, 0
	global := sampleList(3)
	global.Organizations = []Choice{{"1", nasty}}
	panel := sampleForm()
	panel.Panel = true
	confirm := DeleteMonitor("m1", nasty, "41 days", "token", "monitor")
	signedOut := Page{Title: nasty, Assets: Assets{Script: "/s.js", Style: "/s.css", Icon: "/i.svg"}, BaseURL: "http://localhost"}
	return map[string]templ.Component{
		"monitors": Monitors(sampleList(3)), "first": Monitors(first), "nothing found": Monitors(empty), "global role": Monitors(global),
		"monitors fragment": MonitorsFragment(sampleList(2)), "row": RowSaved(sampleRow("x")), "created": RowCreated(sampleRow("x")),
		"monitor": Monitor(sampleMonitor()), "live": MonitorPageLive(sampleLive("x")), "check": CheckRow(sampleCheck()),
		"form": MonitorFormFull(MonitorFormPage{Page: samplePage("Edit", NavMonitors), Form: sampleForm()}), "panel": MonitorFormPanel(panel),
		"delete": ConfirmFull(ConfirmPage{Page: samplePage("Delete", NavMonitors), Confirm: confirm}),
		"login":  Login(LoginPage{Page: signedOut, Email: nasty, Error: nasty, Next: nasty}),
		"setup":  Setup(SetupPage{Page: signedOut, Action: "/setup/x", Values: map[string]string{"email": nasty, "password": "secret"}, Errors: map[string]string{"email": nasty}}),
		"customers": Customers(CustomersPage{Page: samplePage("Customers", NavCustomers), MayCreate: true,
			Customers: []Customer{{PublicID: "c1", Name: nasty, Email: nasty, Status: "active", CreatedAt: noon, Now: noon, MayEdit: true}}}),
		"customer": CustomerForm(CustomerFormPage{Page: samplePage("Customer", NavCustomers), PublicID: "c1", Name: nasty, MayCancel: true,
			Values: map[string]string{"name": nasty}, Errors: map[string]string{"name": nasty, "": nasty}}),
		"status pages": StatusPages(StatusPagesPage{Page: samplePage("Status pages", NavStatus), MayCreate: true, Number: 2, Older: true, Newer: true,
			Pages: []ListedStatusPage{{PublicID: "s1", Name: nasty, Slug: "x", Customer: nasty, Visibility: nasty, URL: "/status/x", Published: true, MayEdit: true}, {PublicID: "s2", Name: nasty}}}),
		"no status pages": StatusPages(StatusPagesPage{Page: samplePage("Status pages", NavStatus)}),
		"new status page": StatusPageForm(StatusPageFormPage{Page: samplePage("Add", NavStatus), Values: map[string]string{"name": nasty}, Errors: map[string]string{"": nasty, "slug": nasty}, Customers: []Choice{{"1", nasty}}}),
		"status page":     StatusPageForm(sampleStatusForm()),
		"status layout": StatusLayout(StatusLayoutPage{Page: samplePage("Layout", NavStatus), Head: StatusPageHead{PublicID: "s1", Name: nasty, Current: StatusNavLayout}, Customer: nasty, Search: nasty, Found: 1, Error: nasty,
			Places: []StatusPlaceRow{{PublicID: "m1", Name: nasty, Hostname: nasty, Customer: nasty, Other: true, Shown: true, Position: nasty, Group: nasty, DisplayName: nasty, Errors: map[string]string{"position": nasty, "group": nasty, "name": nasty}}, {PublicID: "m2", Name: "b"}}}),
		"tokens": Tokens(TokensPage{Page: samplePage("Tokens", NavTokens), Secret: "wsm_secret", SecretName: nasty,
			Tokens: []Token{{ID: 1, Name: nasty, Hint: "wsm_a1b2c...", Customer: nasty, CreatedAt: noon, ExpiresAt: noon, Now: noon}}, Customers: []Choice{{"1", nasty}}}),
		"incidents": Incidents(IncidentsPage{Page: samplePage("Incidents", NavIncidents), Incidents: []Incident{sampleIncident(), sampleMass()}, Customers: []Choice{{"1", nasty}},
			Filter: IncidentFilter{Search: nasty, MonitorID: "m1"}, Monitor: nasty, Total: 99, PageNumber: 2, PageSize: 2}),
		"no incidents":     Incidents(IncidentsPage{Page: samplePage("Incidents", NavIncidents), Filter: IncidentFilter{Search: nasty}}),
		"incident":         IncidentShow(sampleIncidentPage()),
		"monitor's panel":  MonitorIncidentsPanel(MonitorIncidents{MonitorPublicID: "m1", Monitor: nasty, Incidents: []Incident{sampleIncident(), sampleMass()}, Total: 11}),
		"prober":           Prober(sampleProber()),
		"no prober":        Prober(ProberPage{Page: samplePage("Prober", NavProber)}),
		"trouble":          Trouble(TroublePage{Page: samplePage("Nothing here", ""), Status: 404, Message: nasty, RequestID: nasty}),
		"trouble fragment": TroubleFragment(500, nasty),
	}
}

// inTable draws a row inside a table, since a parser drops one that stands alone.
func inTable(t testing.TB, row templ.Component) *goquery.Document {
	t.Helper()
	return parse(t, "<table>"+render(t, row)+"</table>")
}
