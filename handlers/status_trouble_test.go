package handlers

import (
	"net/url"
	"strings"
	"testing"

	"echolot/models"
)

// A visitor is told what is wrong in the visitor's language, with no word of the program and no link to it; programs get JSON.
func TestStatusTrouble(t *testing.T) {
	h := liteHouse(t, func(o *Options) {
		o.BaseURL = &url.URL{Scheme: "http", Host: "echolot.example"}
	})
	p := h.pageFor("acme", models.VisiblePublic)
	if _, err := h.store.SetStatusDomain(t.Context(), h.organization, p.PublicID, "status.example"); err != nil {
		t.Fatal(err)
	}
	h.sql("UPDATE status_pages SET domain_verified_at = created_at WHERE slug = 'acme'")
	h.forgetDomains()
	for _, at := range [][2]string{{"echolot.example", "/status/nothing"}, {"echolot.example", "/status/acme/x/y"}, {"status.example", "/nothing"}, {"status.example", "/history/x"}} {
		a := h.at(at[0], "GET", at[1], "", "Accept-Language", "de")
		if doc := a.page(t); a.status != 404 || doc.Find("html").AttrOr("lang", "") != "de" || !strings.Contains(a.body, "Hier ist nichts") ||
			strings.Contains(a.body, "Echolot") || doc.Find("a").Length() != 0 {
			t.Errorf("%v: got %d\n%s\nwant a visitors' page in German", at, a.status, a.body)
		}
	}
	json := func(what string, a answer, status int) {
		t.Helper()
		if a.status != status || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") || strings.Contains(a.body, "Echolot") {
			t.Errorf("%s: got %d %s %s, want %d as JSON", what, a.status, a.header.Get("Content-Type"), firstBytes(a.body), status)
		}
	}
	for _, file := range []string{"/api/v2/nothing.json", "/api/v2/x", "/nothing.svg", "/badge/x.svg"} {
		json(file, h.at("status.example", "GET", file, ""), 404)
		json(file, h.at("echolot.example", "GET", "/status/acme"+file, ""), 404)
	}

	files := []string{"/badge.svg", "/feed.atom", "/feed.json", "/api/v2/summary.json", "/widget.js", "/events", "/logo", "/theme.css"}
	for _, visibility := range []models.Visibility{models.VisiblePassword, models.VisibleMembers} {
		h.pageFor("shut-"+string(visibility), models.VisiblePublic)
		h.sql("UPDATE status_pages SET visibility = '" + string(visibility) + "' WHERE slug = 'shut-" + string(visibility) + "'")
		for _, file := range files {
			want := 401
			if visibility == models.VisiblePassword && (file == "/logo" || file == "/theme.css") {
				want = 404 // the form for the password shows them, where there are any
			}
			json(string(visibility)+file, h.at("echolot.example", "GET", "/status/shut-"+string(visibility)+file, ""), want)
		}
	}
	h.sql("UPDATE status_pages SET visibility = 'members' WHERE slug = 'acme'")
	json("members, on the page's domain", h.at("status.example", "GET", "/events", ""), 401)
}
