package main

import (
	"database/sql"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
	other.until("the widget", `document.querySelector(".echolot-status")?.shadowRoot?.textContent === "Kranich: Border router: up"`)
	other.until("the badge", `document.querySelector("img")?.naturalWidth > 60`)
	if got, want := value[string](other, `document.querySelector(".echolot-status").shadowRoot.querySelector("a").href`), server.url+"/status/kranich"; got != want {
		t.Errorf("got a link to %s, want %s", got, want)
	}
	other.shoot("elsewhere")

	other.expect(`integrity`)
	other.goTo(site.URL + "/forged")
	other.until("the other page", `document.readyState === "complete"`)
	if value[bool](other, `Boolean(document.querySelector(".echolot-status"))`) {
		t.Error("got the widget by a script of another hash")
	}
	server.stop()
}
