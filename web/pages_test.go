package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
	"echolot/probe/lab"
)

// testEveryPage looks at every page at the width of a desk and of a phone, by day and by night: nothing has to be scrolled
// sideways, every text can be read.
func testEveryPage(t *testing.T, b *browser) {
	p := b.open(t)
	p.expect(`status of 404`)
	empty := serve(t)
	p.look("setup", empty.setup)
	p.setUp(empty.setup)
	p.look("first run", empty.url+"/monitors")
	p.goTo("about:blank") // it would say that it lost its stream
	empty.stop()

	url := modelstest.SQLite(t)
	settings := []string{"ECHOLOT_DATABASE_URL=" + url, "ECHOLOT_DATA_DIR=" + t.TempDir(), "ECHOLOT_RESOLVER=" + lab.NewDNS(t).Addr}
	by := admin(t, settings...)
	server := serve(t, settings...)
	p.look("login", server.url+"/login")
	p.signIn(server, by)
	ids := fill(t, server, by, url)
	one := "/monitors/" + server.addMonitor(by.token, "Border router", "127.0.0.1", 1)
	for name, path := range map[string]string{
		"monitors": "/monitors", "nothing found": "/monitors?search=nothing", "new monitor": "/monitors/new", "monitor": one, "edit": one + "/edit", "monitor in trouble": "/monitors/" + ids["Mail relay"],
		"chart":  "/monitors/" + ids["Line with a history"],
		"delete": one + "/delete", "customers": "/customers", "new customer": "/customers/new", "customer": "/customers/" + customerOf(t, server, by),
		"incidents": "/incidents", "no incident": "/incidents?type=degraded", "incident": "/incidents/" + incidentOf(t, server, by),
		"cancel": "/customers/" + customerOf(t, server, by) + "/cancel", "tokens": "/tokens", "prober": "/prober", "wall": "/wall", "not found": "/nothing-here",
	} {
		p.look(name, server.url+path)
	}
	p.eachPacketIsSeen(server.url+"/monitors/"+ids["Mail relay"], 100)
	// The menus and the panel lie above the list.
	p.goTo(server.url + "/monitors")
	p.click("#rows summary")
	p.inspect("menu")
	p.press("n")
	p.until("the panel", `document.querySelector("#panel #monitor-form")`)
	p.click("details.advanced summary")
	p.inspect("panel")
	p.goTo("about:blank")
	server.stop()
}

// incidentOf is the one incident that there is, with a comment, and taken on by somebody.
func incidentOf(t *testing.T, server *program, by account) string {
	t.Helper()
	var list []struct{ PublicID string }
	if a := server.ask(by.token, "GET", "/api/incidents", ""); a.status != 200 || json.Unmarshal([]byte(a.body), &list) != nil || len(list) != 1 {
		t.Fatalf("got %d %s, want one incident", a.status, a.body)
	}
	for path, body := range map[string]string{"acknowledge": `{"note":"carrier ticket 40-1182"}`, "comments": fmt.Sprintf(`{"text":%q}`, strings.Repeat("Kabelschaden", 30)+"\nin the Elbe tunnel")} {
		if a := server.ask(by.token, "POST", "/api/incidents/"+list[0].PublicID+"/"+path, body); a.status/100 != 2 {
			t.Fatalf("%s: got %d %s", path, a.status, a.body)
		}
	}
	return list[0].PublicID
}

// eachPacketIsSeen finds strips of that many packets, none of them narrower than a few pixels, on a desk and on a phone.
func (p *tab) eachPacketIsSeen(url string, packets int) {
	p.t.Helper()
	for _, width := range []int64{1280, 390} {
		p.size(width, 900)
		p.goTo(url)
		marks := value[[]float64](p, `[...document.querySelectorAll("tr[data-check] .packets")].filter((d) => d.querySelectorAll("li").length === `+fmt.Sprint(packets)+`)
			.flatMap((d) => [...d.querySelectorAll("svg > :not(.late)")].map((mark) => mark.getBoundingClientRect().width))`)
		if len(marks) == 0 || len(marks)%packets != 0 {
			p.t.Errorf("%d px: got %d packets drawn, want %d for each check", width, len(marks), packets)
		} else if narrowest := slices.Min(marks); narrowest < 2.5 {
			p.t.Errorf("%d px: got a packet %.1f px wide, want a few at least", width, narrowest)
		}
	}
}

func customerOf(t *testing.T, server *program, by account) string {
	t.Helper()
	var customers []struct{ PublicID string }
	server.ask(by.token, "GET", "/api/customers", "").decode(t, &customers)
	return customers[0].PublicID
}

// look loads a page and inspects it.
func (p *tab) look(name, url string) {
	p.t.Helper()
	p.size(1280, 900)
	p.goTo(url)
	p.inspect(name)
}

// inspect looks at what is there, in every width and scheme.
func (p *tab) inspect(name string) {
	p.t.Helper()
	for _, width := range []int64{1280, 390} {
		p.size(width, 900)
		for _, scheme := range []string{"light", "dark"} {
			p.scheme(scheme)
			p.until("the scheme", fmt.Sprintf(`matchMedia("(prefers-color-scheme: %s)").matches && innerWidth === %d`, scheme, width))
			at := fmt.Sprintf("%s %d %s", name, width, scheme)
			if wide := value[[]string](p, tooWide); len(wide) > 0 {
				p.t.Errorf("%s: the page is wider than the window, by\n\t%s", at, strings.Join(wide, "\n\t"))
			}
			if faint := value[[]string](p, tooFaint); len(faint) > 0 {
				p.t.Errorf("%s: contrast below 4.5:1:\n\t%s", at, strings.Join(faint, "\n\t"))
			}
			if (width == 390) == (scheme == "light") { // each width and each scheme once: it takes its time
				p.axe(at)
			}
			p.shoot(at)
		}
	}
	day, night := p.background("light"), p.background("dark")
	if day == night {
		p.t.Errorf("%s: got the background %s by day and by night", name, day)
	}
}

func (p *tab) background(scheme string) string {
	p.t.Helper()
	p.scheme(scheme)
	return value[string](p, `getComputedStyle(document.body).backgroundColor`)
}

// tooWide lists what stands out of a page that scrolls sideways.
const tooWide = `(() => {
	const wide = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth <= wide) return [];
	return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > wide + 1)
		.map((e) => e.tagName + "." + e.className + " " + Math.round(e.getBoundingClientRect().right)).slice(0, 8);
})()`

// tooFaint lists texts whose contrast is below 4.5:1, by the formula of WCAG 2.2 ("contrast ratio", "relative luminance").
// What is not seen, what is switched off, and what is decoration has no rule. Colours are read by way of a canvas, which knows every form.
const tooFaint = `(() => {
	const pixel = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
	const known = new Map();
	const rgba = (text) => {
		if (!known.has(text)) {
			pixel.clearRect(0, 0, 1, 1);
			pixel.fillStyle = text;
			pixel.fillRect(0, 0, 1, 1);
			const [r, g, b, a] = pixel.getImageData(0, 0, 1, 1).data;
			known.set(text, [r, g, b, a / 255]);
		}
		return known.get(text);
	};
	const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
	const light = (c) => { const s = c / 255; return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; };
	const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
	const ground = (e) => {
		if (!e) return [255, 255, 255, 1];
		const own = rgba(getComputedStyle(e).backgroundColor);
		return own[3] === 1 ? own : over(own, ground(e.parentElement));
	};
	const faint = [];
	const judge = (e, style, text) => {
		const back = ground(e), svg = e instanceof SVGElement;
		let ink = rgba(svg ? style.fill : style.color), opacity = 1;
		for (let up = e; up; up = up.parentElement) opacity *= getComputedStyle(up).opacity;
		ink = over([ink[0], ink[1], ink[2], ink[3] * opacity], back);
		const [a, b] = [luminance(ink), luminance(back)].sort((x, y) => y - x);
		const ratio = (a + 0.05) / (b + 0.05);
		if (ratio < 4.5) faint.push(ratio.toFixed(2) + " " + JSON.stringify(text.slice(0, 40)) + " in " + e.tagName + "." + (e.getAttribute("class") ?? ""));
	};
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const e = texts.currentNode.parentElement, text = texts.currentNode.textContent.trim();
		if (!text || !e.checkVisibility({visibilityProperty: true, opacityProperty: true}) || e.closest("noscript, script, style, :disabled, [aria-disabled=true], .visually-hidden, svg[aria-hidden=true]")) continue;
		const r = e.getBoundingClientRect();
		if (r.width < 2 || r.height < 2) continue;
		judge(e, getComputedStyle(e), text);
	}
	for (const e of document.querySelectorAll("input:placeholder-shown:not(:disabled)")) {
		if (e.checkVisibility()) judge(e, getComputedStyle(e, "::placeholder"), e.placeholder);
	}
	return [...new Set(faint)].slice(0, 12);
})()`

// fill gives the list a monitor in every state, with names as long as they may be. It returns their public ids by name.
func fill(t *testing.T, server *program, by account, url string) map[string]string {
	t.Helper()
	if a := server.ask(by.token, "POST", "/api/customers", fmt.Sprintf(`{"name":%q,"email":"long@example.com"}`, strings.Repeat("Wasserwirtschaft", 15))); a.status != 201 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	host := strings.Repeat(strings.Repeat("w", 49)+".", 4) + "example"
	ids := map[string]string{}
	for _, name := range []string{"Mail relay", "DNS resolver", "Core switch", "Backup line", "VPN gateway", strings.Repeat("W", 255)} {
		ids[name] = server.addMonitor(by.token, name, "127.0.0.1", 86400)
		server.waitState(by.token, ids[name], "up")
	}
	server.addMonitor(by.token, "A long host", host, 86400)
	set := func(name, body string) {
		t.Helper()
		if a := server.ask(by.token, "PATCH", "/api/icmp-monitors/"+ids[name], body); a.status != 200 {
			t.Fatalf("got %d %s", a.status, a.body)
		}
	}
	set("Backup line", `{"status":"disabled"}`)
	set("VPN gateway", `{"status":"maintenance"}`)

	store := modelstest.Open(t, url)
	rows, _, err := store.Monitors(t.Context(), models.Actor{UserID: 1, Role: models.RoleAdmin, HomeID: 1, OrganizationID: 1}, models.MonitorsFilter{Page: 1, PerPage: 50})
	if err != nil {
		t.Fatal(err)
	}
	var results []models.Result
	for _, m := range rows {
		first := m.State.LastCheckedAt.Add(time.Second)
		for i := range 40 {
			r := models.NewResult(models.Check{Monitor: m.ID, Rev: m.Rev, Location: models.LocationID, Kind: models.KindScheduled, Slot: first.UnixMilli() + int64(i)})
			rtt := time.Duration(8000+i*37%900) * time.Microsecond
			r.Outcome, r.Sent, r.Received, r.ReplyTTL, r.Address = models.OutcomeSuccess, 3, 3, 57, netip.MustParseAddr("192.0.2.1")
			r.Packets = []models.Packet{{State: models.PacketReplied, RTT: rtt}, {State: models.PacketReplied, RTT: rtt + 900}, {State: models.PacketReplied, RTT: rtt * 2}}
			switch {
			case m.Name == "Mail relay" && i > 30:
				r.Outcome, r.Cause, r.CauseSource, r.Sent, r.Received, r.ReplyTTL = models.OutcomeFailure, models.CauseHostUnreachable, netip.MustParseAddr("2001:db8:1234:5678:9abc:def0:1234:5678"), 100, 0, 0
				r.Packets = slices.Repeat([]models.Packet{{State: models.PacketRefused}}, 100)
			case m.Name == "Mail relay":
				r.Outcome, r.Cause, r.Sent, r.Received, r.Late = models.OutcomeSuccess, models.CauseTimeout, 100, 70, 10
				r.Packets = slices.Repeat([]models.Packet{r.Packets[0], r.Packets[1], {}, r.Packets[2], {State: models.PacketLate}, r.Packets[0], r.Packets[0], {}, r.Packets[0], r.Packets[0]}, 10)
			case m.Name == "DNS resolver" && i == 39:
				r.Outcome, r.Cause, r.Received, r.Packets = models.OutcomeFailure, models.CauseTimeout, 0, make([]models.Packet, 3)
			case m.Name == "Core switch" && i > 35:
				r.Outcome, r.Cause, r.Sent, r.Received, r.Packets = models.OutcomeUnknown, models.CauseDNSError, 0, 0, nil
			case i%9 == 4:
				r.Received, r.Packets[1] = 2, models.Packet{}
			case i%9 == 5:
				r.Received, r.Late, r.Packets[1] = 2, 1, models.Packet{State: models.PacketLate}
			}
			results = append(results, r)
		}
	}
	if _, err := store.RecordResults(t.Context(), results, models.Judge); err != nil {
		t.Fatal(err)
	}
	ids["Line with a history"] = addHistory(t, server, by, store)
	return ids
}

// addHistory makes a monitor that was measured each minute of the last day but for an hour, with loss in between. It is paused:
// the program leaves it alone.
func addHistory(t *testing.T, server *program, by account, store *models.Store) string {
	t.Helper()
	var made struct{ PublicID string }
	server.ask(by.token, "POST", "/api/icmp-monitors", `{"customerId":1,"name":"Line with a history","hostname":"127.0.0.8","checkIntervalSeconds":60,"status":"disabled",
		"icmpConfig":{"count":4,"degradedLatencyMs":25}}`).decode(t, &made)
	id, err := models.ParsePublicID(made.PublicID)
	if err != nil {
		t.Fatal(err)
	}
	m, err := store.Monitor(t.Context(), models.Actor{UserID: 1, Role: models.RoleAdmin, HomeID: 1, OrganizationID: 1}, id)
	if err != nil {
		t.Fatal(err)
	}
	var results []models.Result
	for i := range 1440 {
		if i >= 900 && i < 960 {
			continue
		}
		r := models.NewResult(models.Check{Monitor: m.ID, Rev: m.Rev, Location: models.LocationID, Kind: models.KindScheduled, Slot: time.Now().Add(time.Duration(i-1440) * time.Minute).UnixMilli()})
		r.Outcome, r.Sent, r.Received, r.ReplyTTL, r.Address = models.OutcomeSuccess, 4, 4, 57, netip.MustParseAddr("192.0.2.1")
		for k := range 4 {
			slow := time.Duration(6000 * math.Exp(-math.Pow(float64(i-400)/120, 2)))
			r.Packets = append(r.Packets, models.Packet{State: models.PacketReplied, RTT: (10000 + slow + time.Duration(i*37%700+k*(200+int(slow)/4))) * time.Microsecond})
		}
		switch {
		case i >= 1200 && i < 1212 && i%2 == 0: // never two in a row: no incident
			r.Outcome, r.Cause, r.Received, r.Packets = models.OutcomeFailure, models.CauseTimeout, 0, make([]models.Packet, 4)
		case i%97 == 0 || i > 1400 && i%3 == 0:
			r.Received, r.Packets[2] = 3, models.Packet{}
		}
		results = append(results, r)
	}
	paused := func(s models.MonitorState, r models.Result, rule models.Rule, _ models.Status) (models.MonitorState, bool) {
		return models.Judge(s, r, rule, models.StatusActive)
	}
	if _, err := store.RecordResults(t.Context(), results, paused); err != nil {
		t.Fatal(err)
	}
	return made.PublicID
}
