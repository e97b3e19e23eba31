package main

import (
	"database/sql"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// testElsewhere puts a status page's widget, badge and frame on a page of another site, which allows nothing but them: the script by
// its hash and no other, the frame where the page names the site.
func testElsewhere(t *testing.T, b *browser) {
	url := modelstest.SQLite(t)
	server, by, p := signedIn(t, b, "ECHOLOT_DATABASE_URL="+url)
	monitor := server.addMonitor(by.token, "Border router", "127.0.0.1", 60)
	server.waitState(by.token, monitor, "up")

	var snippet, frame, badge string
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", strings.ReplaceAll("default-src 'none'; script-src ECHOLOT; connect-src ECHOLOT; img-src ECHOLOT data:; frame-src ECHOLOT", "ECHOLOT", server.url))
		body := badge + snippet + frame
		if r.URL.Path == "/forged" {
			body = strings.Replace(snippet, "sha384-", "sha384-AAAA", 1)
		}
		if r.URL.Path == "/dark" {
			body = strings.Replace(snippet, " defer", ` data-theme="dark" defer`, 1)
		}
		fmt.Fprint(w, `<!doctype html><html lang="en"><title>Intranet</title><link rel="icon" href="data:,"><h1>Intranet</h1>`+body)
	}))
	defer site.Close()

	fields, err := models.ParseFields([]byte(`{"customerId":1,"name":"Kranich","slug":"kranich","isPublished":true}`))
	if err != nil {
		t.Fatal(err)
	}
	page, err := modelstest.Open(t, url).CreateStatusPage(t.Context(), models.Actor{UserID: 1, Role: models.RoleAdmin, HomeID: 1, OrganizationID: 1}, fields)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+url+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// A form takes sites with https only; this one has none.
	if _, err := db.ExecContext(t.Context(), "UPDATE status_pages SET frame_sites = ?", `["`+site.URL+`"]`); err != nil {
		t.Fatal(err)
	}

	p.look("embed", server.url+"/status-pages/"+page.PublicID.String()+"/embed")
	text := func(id string) string {
		return value[string](p, fmt.Sprintf(`document.querySelector('[data-testid=%q]').value`, id))
	}
	snippet, frame, badge = strings.Replace(text("widget-script"), " defer", " data-details defer", 1), text("widget-frame"), text("badge-html")
	if !strings.Contains(html.UnescapeString(frame), server.url+"/status/kranich/widget") {
		t.Errorf("got the frame %s", frame)
	}
	p.look("widget", server.url+"/status/kranich/widget")

	other := b.open(t)
	other.size(390, 600)
	other.goTo(site.URL)
	other.until("the widget", `document.querySelector(".echolot-status")?.shadowRoot?.textContent === "Kranich: All services are up"`)
	other.until("the badge", `document.querySelector("img")?.naturalWidth > 60`)
	if got, want := value[string](other, `document.querySelector(".echolot-status").shadowRoot.querySelector("a").href`), server.url+"/status/kranich"; got != want {
		t.Errorf("got a link to %s, want %s", got, want)
	}
	other.shoot("elsewhere")
	if got := value[string](other, `(() => { const i = getComputedStyle(document.querySelector(".echolot-status").shadowRoot.querySelector("i")); return i.width + " " + i.height; })()`); got != "10px 10px" {
		t.Errorf("got a mark of %s, want it round on every screen", got)
	}
	other.goTo(site.URL + "/dark")
	other.until("the widget on a ground of its own", `(() => {
		const line = document.querySelector(".echolot-status"), style = line && !line.hidden && getComputedStyle(line);
		return style && style.backgroundColor === "rgb(17, 26, 31)" && style.color === "rgb(228, 236, 239)";
	})()`)

	// At its worst the frame is as tall as the snippet makes it: nothing is cut off.
	for i, word := range []string{"down", "down", "down", "down", "unknown"} {
		name := fmt.Sprintf("Router %d of a name that is as long as names of routers are", i)
		server.waitState(by.token, server.addMonitor(by.token, name, "127.0.0.1", 86400), "up")
		if _, err := db.ExecContext(t.Context(), "UPDATE monitor_states SET state = ? WHERE monitor_id = (SELECT max(id) FROM monitors)", word); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Now().AddDate(0, 4, 0).UTC()
	for _, body := range []string{`{"kind":"incident","title":"A title that is as long as titles of incidents are, and longer","body":"x"}`,
		`{"kind":"maintenance","title":"Firmware of all routers","body":"x","startsAt":"` + at.Format(time.RFC3339) + `","endsAt":"` + at.Add(time.Hour).Format(time.RFC3339) + `"}`} {
		if a := server.ask(by.token, "POST", "/api/status-pages/"+page.PublicID.String()+"/posts", body); a.status != 201 {
			t.Fatalf("got %d %s", a.status, a.body)
		}
	}
	p.size(360, 240)
	p.goTo(server.url + "/status/kranich/widget?lang=de")
	p.shoot("widget at its worst")
	if got := value[int](p, `document.documentElement.scrollHeight`); got > 240 {
		t.Errorf("the frame is %d px tall, want 240 at most: %s", got, value[string](p, `document.body.innerText`))
	}

	other.expect(`integrity`)
	other.goTo(site.URL + "/forged")
	other.until("the other page", `document.readyState === "complete"`)
	if value[bool](other, `Boolean(document.querySelector(".echolot-status"))`) {
		t.Error("got the widget by a script of another hash")
	}
	server.stop()
}
