package main

import (
	"fmt"
	"net/netip"
	"testing"

	"echolot/models/modelstest"
	"echolot/probe/lab"
)

// TestVisitorsSeeAnOutage: two visitors who never sign in, one who reads English at a desk and one who reads German on a phone, see a
// target go down and come back: banner, state, bar and incident move, and no page is loaded again.
func TestVisitorsSeeAnOutage(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		router := lab.NewRouter(t)
		lab.IP(t, "-6", "route", "del", "default")
		const host = "10.92.0.1"
		far := router.Far.Responders(netip.MustParsePrefix(host + "/32"))
		router.IP("route", "add", host, "via", lab.Far4)

		settings := []string{"ECHOLOT_DATABASE_URL=" + modelstest.SQLite(t), "ECHOLOT_DATA_DIR=" + t.TempDir(), "ECHOLOT_SENTINELS="}
		by := admin(t, settings...)
		p := serve(t, settings...)
		p.ask(by.token, "POST", "/api/icmp-monitors", `{"customerId":1,"name":"Pirna","hostname":"`+host+`","checkIntervalSeconds":2,"timeoutSeconds":1,
			"icmpConfig":{"count":4,"intervalMs":100,"confirmations":2,"recoveries":1,"retrySeconds":1}}`)
		if a := p.ask(by.token, "POST", "/api/status-pages", `{"customerId":1,"name":"Elbtal","slug":"elbtal","visibility":"public","isPublished":true}`); a.status != 201 {
			t.Fatalf("got %d %s, want the page", a.status, a.body)
		}

		b := openBrowser(t)
		desk, phone := b.open(t), b.open(t)
		desk.size(1280, 900)
		phone.size(390, 844)
		desk.goTo(p.url + "/status/elbtal?lang=en")
		phone.goTo(p.url + "/status/elbtal?lang=de")
		says := func(what, part, english, german string) {
			t.Helper()
			for page, text := range map[*tab]string{desk: english, phone: german} {
				page.until(what, fmt.Sprintf(`document.querySelector("[id^=%s]").innerText.replaceAll("\u00a0", " ").includes(%q)`, part, text))
			}
		}
		says("up", "status-c-", "Up", "Erreichbar")
		desk.mark()
		phone.mark()
		bar := func(page *tab) string {
			return value[string](page, `document.querySelector("[id^=status-d-]").outerHTML`)
		}
		before := bar(phone)
		for _, page := range []*tab{desk, phone} {
			if cookies := value[string](page, "document.cookie"); cookies != "" {
				t.Errorf("got the cookies %q, want none", cookies)
			}
		}

		far.Behave(lab.Silent)
		says("down", "status-c-", "Down", "Ausgefallen")
		says("the banner", "status-banner", "down", "ausgefallen")
		says("the incident", "status-open", "Pirna", "Pirna")
		for _, page := range []*tab{desk, phone} {
			page.inspect("status page down")
		}
		desk.size(1280, 900)
		phone.size(390, 844)

		far.Behave(lab.Honest)
		says("up again", "status-c-", "Up", "Erreichbar")
		says("the incident among the past ones", "status-past", "Pirna", "Pirna")
		desk.until("nothing under way", `!document.getElementById("status-open").innerText.includes("Pirna")`)
		phone.until("the bar to move", fmt.Sprintf(`document.querySelector("[id^=status-d-]").outerHTML !== %q`, before))
		if !desk.marked() || !phone.marked() {
			t.Error("a page was loaded again")
		}
		for _, page := range []*tab{desk, phone} {
			page.goTo("about:blank") // they would say that they lost their streams
		}
		p.stop()
	})
}
