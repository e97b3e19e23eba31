package main

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
	"echolot/probe/lab"
)

// storyInterval is the time between two checks of a told monitor, tellTolerance how far what is told of a moment may be from when
// the test made it happen: an interval, and what a busy machine takes.
const (
	storyInterval = 2 * time.Second
	tellTolerance = storyInterval + 1500*time.Millisecond
)

// story is a monitor whose network the test breaks, with two pages open that are never loaded again: its own, and the incidents.
type story struct {
	t                *testing.T
	p                *program
	by               account
	monitor          string
	page, incidents  *tab
	untilSeen, since map[string]time.Time
}

// toldIncident is an incident as the API tells of it.
type toldIncident struct {
	PublicID, Type string
	Started        time.Time `json:"started_at"`
	// Resolved is zero while it is open.
	Resolved time.Time `json:"resolved_at"`
}

// incidents are all that there are, the newest first.
func (p *program) incidents(token string) []toldIncident {
	p.t.Helper()
	var list []toldIncident
	p.ask(token, "GET", "/api/incidents", "").decode(p.t, &list)
	return list
}

// now makes something happen and waits until the monitor's page says so, with the cause.
func (s *story) now(what, state, cause string, happen func()) {
	s.t.Helper()
	s.since[state] = time.Now()
	happen()
	s.page.until(what, fmt.Sprintf(`/^\s*%s/.test(document.querySelector('[data-live="%s:since"]').innerText) && document.getElementById("monitor").innerText.includes(%q)`, state, s.monitor, cause))
	s.untilSeen[state] = time.Now()
}

// lists waits until the open list has so many incidents, and of the newest of that kind says those parts, and not those after "!".
func (s *story) lists(what, kind string, rows int, parts ...string) {
	s.t.Helper()
	quoted := make([]string, len(parts))
	for i, part := range parts {
		quoted[i] = strconv.Quote(part)
	}
	s.incidents.until(what, fmt.Sprintf(`(() => {
		const rows = [...document.querySelectorAll("[data-testid=incident-row]")].map((r) => r.innerText.replaceAll("\u00a0", " "));
		const of = rows.filter((r) => r.includes(%q));
		return rows.length === %d && of.length > 0 && [%s].every((p) => p[0] === "!" ? !of[0].includes(p.slice(1)) : of[0].includes(p));
	})()`, kind, rows, strings.Join(quoted, ", ")))
}

// near fails where what is told of a moment is not when it was.
func (s *story) near(what string, got, want time.Time) {
	s.t.Helper()
	if d := got.Sub(want); d < -tellTolerance || d > tellTolerance {
		s.t.Errorf("%s: got %s, which is %s off", what, got.Format(time.StampMilli), d)
	}
}

// TestVerdictsAreTold: a monitor goes up, degraded, down, unknown and up, and its page, the incidents and the uptime say so, by
// themselves, with the right times and causes.
func TestVerdictsAreTold(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		router := lab.NewRouter(t)
		lab.IP(t, "-6", "route", "del", "default") // one way out, as at most places
		const host = "10.92.0.1"
		far := router.Far.Responders(netip.MustParsePrefix(host + "/32"))
		router.IP("route", "add", host, "via", lab.Far4)

		path := modelstest.SQLite(t)
		settings := []string{"ECHOLOT_DATABASE_URL=" + path, "ECHOLOT_DATA_DIR=" + t.TempDir(), "ECHOLOT_SENTINELS="}
		s := &story{t: t, by: admin(t, settings...), untilSeen: map[string]time.Time{}, since: map[string]time.Time{}}
		s.p = serve(t, settings...)
		b := openBrowser(t)
		s.page, s.incidents = b.open(t), b.open(t)
		s.page.signIn(s.p, s.by)
		s.incidents.signIn(s.p, s.by)
		var made struct{ PublicID string }
		s.p.ask(s.by.token, "POST", "/api/icmp-monitors", `{"customerId":1,"name":"Pirna","hostname":"`+host+`","checkIntervalSeconds":2,"timeoutSeconds":1,
			"icmpConfig":{"count":4,"intervalMs":100,"degradedLossPercent":10,"windowSeconds":4,"confirmations":2,"recoveries":1,"retrySeconds":1}}`).decode(t, &made)
		s.monitor = made.PublicID
		s.incidents.goTo(s.p.url + "/incidents")
		s.incidents.caughtUp()
		s.page.goTo(s.p.url + "/monitors/" + s.monitor)
		s.page.caughtUp()
		s.page.mark()
		s.incidents.mark()
		s.now("up", "Up", host, func() {})
		s.page.until("the healthy path", `document.querySelectorAll("[data-testid=path] [data-testid=hop]").length === 2`)

		s.now("degraded", "Degraded", "loss ", func() { far.Behave(lab.DropEvery(2, lab.Honest)) })
		s.lists("the degraded incident", "Degraded", 1, "Pirna", "loss ", "!went down")
		s.now("down", "Down", "no reply", func() { far.Behave(lab.Silent) })
		s.lists("that downtime took its place", "Down", 2, "Pirna", "no reply to ", "!recovered")
		s.page.until("both in the monitor's panel", `document.querySelectorAll("[data-testid=monitor-incidents] li").length === 2`)
		s.now("unknown", "Unknown", "this machine could not send", func() { lab.IP(t, "route", "del", "default") })
		s.lists("the blind incident", "Not measured", 3, "no default route (it was by "+lab.RouterIn4+")", "!recovered")
		s.lists("the downtime to stay open", "Down", 3, "!recovered")
		// The lost packets must be out of the window by the repair: what still sees them is degraded first.
		s.page.until("to be blind for longer than the window", `/not measured for ([4-9]|\d\d) checks/.test(document.getElementById("monitor").innerText.replaceAll("\u00a0", " "))`)
		s.now("up again", "Up", host, func() {
			far.Behave(lab.Honest)
			lab.IP(t, "route", "add", "default", "via", lab.RouterIn4)
		})
		s.lists("the end of the downtime", "Down", 3, "recovered")
		s.lists("the end of blindness", "Not measured", 3, "recovered")
		s.looksBack(path)
		if !s.page.marked() || !s.incidents.marked() {
			t.Error("a page was loaded again")
		}
		s.incidentTells()
		s.page.goTo("about:blank") // they would say that they lost their streams
		s.incidents.goTo("about:blank")
		s.p.stop()
	})
}

// looksBack holds the incidents' times and the uptime against what happened when.
func (s *story) looksBack(path string) {
	s.t.Helper()
	list := s.p.incidents(s.by.token)
	if len(list) != 3 || list[0].Type != "blind" || list[1].Type != "downtime" || list[2].Type != "degraded" {
		s.t.Fatalf("got the incidents %+v, want blind, downtime, degraded", list)
	}
	blind, down, degraded := list[0], list[1], list[2]
	s.near("degraded from", degraded.Started, s.since["Degraded"])
	s.near("degraded to", degraded.Resolved, s.since["Down"])
	s.near("down from", down.Started, s.since["Down"])
	s.near("blind from", blind.Started, s.since["Unknown"])
	if up := s.since["Up"]; down.Resolved.Before(up) || down.Resolved.After(s.untilSeen["Up"]) {
		s.t.Errorf("down to: got %s, want it between the repair and its being seen, %s and %s", down.Resolved, up, s.untilSeen["Up"])
	}

	store := modelstest.Open(s.t, path)
	id, err := models.ParsePublicID(s.monitor)
	if err != nil {
		s.t.Fatal(err)
	}
	u, err := store.Uptime(s.t.Context(), models.Actor{UserID: 1, Role: models.RoleAdmin, HomeID: 1, OrganizationID: 1}, id, time.Now().Add(-24*time.Hour), time.Now(), false)
	if err != nil {
		s.t.Fatal(err)
	}
	for what, v := range map[string]struct{ got, want time.Duration }{
		"degraded": {u.Degraded, s.since["Down"].Sub(s.since["Degraded"])}, "down": {u.Down, s.since["Unknown"].Sub(s.since["Down"])}, "unknown": {u.Unknown, s.untilSeen["Up"].Sub(s.since["Unknown"])},
	} {
		if d := v.got - v.want; d < -2*tellTolerance || d > 2*tellTolerance || v.got == 0 {
			s.t.Errorf("%s: got %s, want about %s", what, v.got, v.want)
		}
	}
	want, _ := strconv.ParseFloat(u.Percent(2), 64)
	s.page.until("an uptime below 100 %", `document.querySelector("[data-testid=uptime] dd").innerText.includes("%") && !document.querySelector("[data-testid=uptime] dd").innerText.startsWith("100")`)
	text := value[string](s.page, `document.querySelector("[data-testid=uptime] dd").innerText`)
	shown, _, _ := strings.Cut(text, "%")
	if got, err := strconv.ParseFloat(strings.TrimSpace(shown), 64); err != nil || math.Abs(got-want) > 10 || !strings.Contains(text, "measured") {
		s.t.Errorf("got the uptime %q, want about %.2f %% of what was measured", text, want)
	}
	if strings.Contains(text, "not measured") { // less than a minute was not, and what was before the monitor does not count
		s.t.Errorf("got the uptime %q, want nothing of a minute that was not measured", text)
	}
	if got := value[int](s.page, `document.querySelectorAll("[data-testid=chart] svg.w-1184 .flag-cloth").length`); got != 2 {
		s.t.Errorf("got %d kinds of flags on the chart, want those of down and degraded", got)
	}
}

// incidentTells reads the downtime's page: the chart around it, and where the way ended.
func (s *story) incidentTells() {
	s.t.Helper()
	s.incidents.goTo(s.p.url + "/incidents/" + s.p.incidents(s.by.token)[1].PublicID)
	s.incidents.caughtUp()
	s.incidents.until("the course", `["First lost packet", "Down", "Success", "Ended"].every((w) => document.querySelector("[data-testid=incident-course]").innerText.includes(w))`)
	s.incidents.until("the chart", `document.querySelectorAll("[data-testid=incident-chart] svg.smoke").length === 3`)
	if got := value[string](s.incidents, `document.querySelector("[data-testid=path-mark]")?.innerText ?? ""`); !strings.Contains(got, "Nobody answers past hop 1, "+lab.RouterIn4) {
		s.t.Errorf("got the path's mark %q, want that the router is the last one to answer", got)
	}
	s.incidents.inspect("incident told")
}
