package main

import (
	"testing"

	"echolot/models"
	"echolot/models/modelstest"
	"echolot/probe/lab"
)

// TestTellingPages looks at what operators tell people with: axe-core finds nothing, at any width, by day and by night.
func TestTellingPages(t *testing.T) {
	t.Parallel()
	p := openBrowser(t).open(t)
	url := modelstest.SQLite(t)
	settings := []string{"ECHOLOT_DATABASE_URL=" + url, "ECHOLOT_DATA_DIR=" + t.TempDir(), "ECHOLOT_RESOLVER=" + lab.NewDNS(t).Addr}
	by := admin(t, settings...)
	server := serve(t, settings...)
	p.signIn(server, by)
	fill(t, server, by, url)
	incident := incidentOf(t, server, by)
	store, actor := modelstest.Open(t, url), models.Actor{UserID: 1, Role: models.RoleAdmin, HomeID: 1, OrganizationID: 1}
	object := func(body string) models.Fields {
		t.Helper()
		f, err := models.ParseFields([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	page, err := store.CreateStatusPage(t.Context(), actor, object(`{"customerId":1,"name":"Clinics","slug":"clinics","isPublished":true}`))
	must(err)
	template, err := store.CreateStatusTemplate(t.Context(), actor, object(`{"name":"Firmware","kind":"maintenance","title":"New firmware","body":"Short breaks."}`))
	must(err)
	post, err := store.CreateStatusPost(t.Context(), actor, page.PublicID, object(`{"kind":"incident","title":"Telephones sound choppy","body":"We *look*:\n\n- the line\n- [the carrier](https://example.com)"}`))
	must(err)
	_, err = store.CreateStatusPost(t.Context(), actor, page.PublicID, object(`{"kind":"maintenance","title":"New firmware","body":"Short breaks.","startsAt":"2199-01-01T00:00:00Z","endsAt":"2199-01-01T02:00:00Z","remindMinutes":60}`))
	must(err)
	_, err = store.AddStatusUpdate(t.Context(), actor, page.PublicID, post.PublicID, object(`{"state":"monitoring","body":"`+"`bgp`"+` is back.\n\n> said the carrier"}`))
	must(err)
	left, err := store.CreateStatusPost(t.Context(), actor, page.PublicID, object(`{"kind":"incident","incidentId":"`+incident+`","hidden":true}`))
	must(err)
	posts := server.url + "/status-pages/" + page.PublicID.String() + "/posts"
	one := posts + "/" + post.PublicID.String()
	for name, at := range map[string]string{"posts": posts, "new post": posts + "/new?kind=incident&incident=" + incident, "new maintenance": posts + "/new?kind=maintenance", "new announcement": posts + "/new?kind=announcement",
		"post": one, "left out": posts + "/" + left.PublicID.String(), "post update": one + "/updates/" + post.Updates[0].PublicID.String(), "post delete": one + "/delete", "templates": server.url + "/status-templates", "new template": server.url + "/status-templates/new",
		"template": server.url + "/status-templates/" + template.PublicID.String()} {
		p.look(name, at)
	}
	p.goTo(posts)
	p.leave(`[data-testid=measured-row] form[action$="/delete"] button`)
	p.until("it is shown again", `document.querySelector("#flash").innerText.includes("No longer left out") && !document.querySelector('[data-testid=measured-row] form[action$="/delete"]')`)
	p.goTo("about:blank")
	server.stop()
}
