package main

import (
	"strings"
	"testing"

	"echolot/models"
	"echolot/models/modelstest"
	"echolot/probe/lab"
)

// testStatusPage looks at a status page as a visitor does who never signed in: at a desk and on a phone, by day and by night, in both
// languages, with and without scripts; and it leaves nothing in the browser.
func testStatusPage(t *testing.T, b *browser) {
	url := modelstest.SQLite(t)
	settings := []string{"ECHOLOT_DATABASE_URL=" + url, "ECHOLOT_DATA_DIR=" + t.TempDir(), "ECHOLOT_RESOLVER=" + lab.NewDNS(t).Addr}
	by := admin(t, settings...)
	server := serve(t, settings...)
	fill(t, server, by, url)
	fields, err := models.ParseFields([]byte(`{"customerId":1,"name":"Kranich Netze","slug":"kranich","isPublished":true}`))
	if err != nil {
		t.Fatal(err)
	}
	store := modelstest.Open(t, url)
	if _, err := store.CreateStatusPage(t.Context(), models.Actor{UserID: 1, Role: models.RoleAdmin, HomeID: 1, OrganizationID: 1}, fields); err != nil {
		t.Fatal(err)
	}

	p := b.open(t)
	p.expect(`status of 404`)
	for _, language := range []string{"en", "de"} {
		p.look("status page "+language, server.url+"/status/kranich?lang="+language)
	}
	p.click(`a[hreflang="en"]`)
	p.until("English", `document.documentElement.lang === "en"`)
	p.until("the banner", `document.querySelector("#status-banner h1").textContent.includes("down")`)
	p.until("the age of the newest check", `/^measured.* · .*(ago|now)$/.test(document.querySelector("#status-live span").textContent) || document.querySelector("#status-live.lost")`)
	if kept := value[string](p, `document.cookie + localStorage.length + sessionStorage.length`); kept != "00" {
		t.Errorf("the page left %q in the browser", kept)
	}
	p.size(1280, 900)
	days := value[spot](p, `(() => { const r = document.querySelector(".days").getBoundingClientRect(); return {X: r.x + 2, Y: r.y + 10}; })()`)
	p.must(mouseMove(days))
	p.until("the day that is pointed at", `/^[A-Z][a-z]{2} \d+ [A-Z][a-z]{2}$/.test(document.querySelector(".svc-days .svc-foot :nth-child(2)").textContent)`)
	p.must(mouseMove(spot{2, 2}))
	p.until("the uptime again", `/up|measured/.test(document.querySelector(".svc-days .svc-foot :nth-child(2)").textContent)`)

	still := b.open(t)
	still.expect(`status of 404`)
	still.scriptsOff()
	still.goTo(server.url + "/status/kranich?lang=de")
	text := value[string](still, `document.body.innerText`)
	for _, want := range []string{"Kranich Netze", "ausgefallen", "Mail relay", "Wartung", "gemessen"} {
		if !strings.Contains(text, want) {
			t.Errorf("without scripts the page does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "127.0.0.1") {
		t.Errorf("the page says a host:\n%s", text)
	}
	p.goTo("about:blank")
	still.goTo("about:blank")
	server.stop()
}
