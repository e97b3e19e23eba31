package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"echolot/models"
	"echolot/static"

	"github.com/PuerkitoBio/goquery"
)

// Operators find what to put on other pages: addresses that answer, the script with the hash of what is served, the sites that may
// show the frame. Another organization and who only reads find nothing.
func TestEmbed(t *testing.T) {
	houses(t, func(h *house) {
		p := h.published("embedded", `,"isPublished":true`)
		path := "/status-pages/" + p.PublicID.String() + "/embed"
		admin := h.session("admin@example.com")
		a := h.browser(admin, "GET", path, nil)
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
		if err != nil || a.status != http.StatusOK {
			t.Fatalf("got %d and error %v", a.status, err)
		}
		value := func(id string) string { return doc.Find(`[data-testid="`+id+`"]`).AttrOr("value", "") }
		pictures := doc.Find("main img")
		if pictures.Length() != 2 || doc.Find(`[data-testid="embed-badge"]`).Length() != 1 {
			t.Errorf("got %d badges, want the page's and the monitor's", pictures.Length())
		}
		pictures.Each(func(_ int, img *goquery.Selection) {
			if got := h.request("GET", img.AttrOr("src", ""), ""); got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "image/svg+xml") {
				t.Errorf("%s: got %d, %v", img.AttrOr("src", ""), got.status, got.header)
			}
		})
		snippet, err := goquery.NewDocumentFromReader(strings.NewReader(value("widget-script")))
		if err != nil {
			t.Fatal(err)
		}
		script := snippet.Find("script")
		served := h.request("GET", strings.TrimPrefix(script.AttrOr("src", ""), h.url), "")
		want, integrity, _ := static.Widget(static.WidgetVersion)
		if served.body != string(want) || script.AttrOr("integrity", "") != integrity || served.header.Get("Cache-Control") != static.CacheControl || served.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("got the snippet %s and %d, %v", value("widget-script"), served.status, served.header)
		}
		for _, id := range []string{"file-0", "file-1", "file-2", "file-3", "file-4"} {
			if got := h.request("GET", strings.TrimPrefix(value(id), h.url), ""); got.status != http.StatusOK {
				t.Errorf("%s: got %d", value(id), got.status)
			}
		}
		if !strings.Contains(value("badge-markdown"), "/status/embedded/badge.svg)](") || !strings.Contains(value("badge-html"), "<img src=") || !strings.Contains(doc.Find(`[data-testid="embed-sites"]`).Text(), "No other site") ||
			doc.Find(`[data-testid="embed-closed"]`).Length() != 0 {
			t.Errorf("got %s", a.body)
		}
		if got := h.browser(h.session(h.foreigner), "GET", path, nil); got.status != http.StatusNotFound || strings.Contains(got.body, p.Name) {
			t.Errorf("another organization: got %d", got.status)
		}
		if got := h.browser(h.session("readonly@example.com"), "GET", path, nil); got.status != http.StatusForbidden {
			t.Errorf("who only reads: got %d, want 403", got.status)
		}
		draft := h.published("draft", "")
		if got := h.browser(admin, "GET", "/status-pages/"+draft.PublicID.String()+"/embed", nil); got.status != http.StatusOK || !strings.Contains(got.body, "embed-closed") || strings.Contains(got.body, "<img") {
			t.Errorf("of a page that is not published: got %d and %s, want that it says so", got.status, got.body)
		}
	})
}

// The frame says in a few lines how the page is, and only the sites that the page names may show it.
func TestWidget(t *testing.T) {
	h := liteHouse(t)
	p, b := someBoard()
	p.FrameSites = models.Texts{"https://intranet.example.com", "https://x.example; script-src *", "javascript:alert(1)", "https://wiki.example:8443/path"}
	a := asked(t, h, h.s.showWidget, p, b, "lang=de&theme=dark")
	policy := a.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "frame-ancestors 'self' https://intranet.example.com https://wiki.example:8443;") || strings.Contains(policy, "script-src *") || a.header.Get("X-Frame-Options") != "" ||
		a.header.Get("Refresh") != "60" {
		t.Errorf("got %v", a.header)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	link, _ := url.Parse(doc.Find("a").AttrOr("href", ""))
	if doc.Find("html").AttrOr("lang", "") != "de" || doc.Find("html").AttrOr("data-theme", "") != "dark" || strings.TrimSpace(doc.Find(`[data-testid="widget-summary"]`).Text()) != "Ein Dienst ist ausgefallen" ||
		doc.Find("li").Length() != 5 || link.Path != "/status/elbtal" || doc.Find("script, style, [style]").Length() != 0 {
		t.Errorf("got %s", a.body)
	}
	p.FrameSites = nil
	if a := asked(t, h, h.s.showWidget, p, b, ""); !strings.Contains(a.header.Get("Content-Security-Policy"), "frame-ancestors 'self';") || a.header.Get("X-Frame-Options") != "SAMEORIGIN" {
		t.Errorf("without sites: got %v", a.header)
	}
	for query, field := range map[string]string{"theme=x": "theme", "v=3": "v", "v=..": "v"} {
		file := h.s.showWidget
		if field == "v" {
			file = h.s.showWidgetScript
		}
		if a := asked(t, h, file, p, b, query); a.status != http.StatusBadRequest || !strings.Contains(a.body, `"`+field+`":`) {
			t.Errorf("%s: got %d and %s, want 400 that names %s", query, a.status, a.body, field)
		}
	}
}
