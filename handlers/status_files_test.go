package handlers

import (
	"bytes"
	"fmt"
	"image/png"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/models/modelstest"
	"echolot/views"
)

// The accent and the logo are kept for ever under the address that the page names, are nothing but what they are called, and are not
// there where the page has none or nobody may see it.
func TestStatusThemeAndLogo(t *testing.T) {
	houses(t, func(h *house) {
		f, err := models.ParseFields([]byte(fmt.Sprintf(`{"customerId":%d,"name":"Page","slug":"page","isPublished":true}`, h.customer.ID)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.store.CreateStatusPage(t.Context(), h.organization, f); err != nil {
			t.Fatal(err)
		}
		get := func(path string) answer {
			t.Helper()
			a := h.request("GET", "/status/page"+path, "")
			if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Set-Cookie") != "" {
				t.Errorf("%s: got %v, want nosniff and no cookie", path, a.header)
			}
			return a
		}
		for _, path := range []string{"/theme.css?v=1", "/logo?v=1"} {
			if a := get(path); a.status != 404 {
				t.Errorf("%s of a page without one: got %d", path, a.status)
			}
		}
		change := func(set string) {
			t.Helper()
			if err := execute(t, h.store, "UPDATE status_pages SET "+set); err != nil {
				t.Fatal(err)
			}
			h.store.Bus().Publish(events.Event{Type: events.StatusPageChanged, OrganizationID: h.organization.OrganizationID, Data: "page"})
		}
		picture := "\x89PNG\r\n\x1a\n<script>"
		literal := fmt.Sprintf("X'%x'", picture)
		if modelstest.IsPostgres(modelstest.URL(t, h.store)) {
			literal = fmt.Sprintf(`'\x%x'`, picture)
		}
		change(`accent = '#ffcc00', logo_type = 'image/png', updated_at = '1970-01-01 00:00:00.000007+00:00', logo = ` + literal)
		css, _ := views.StatusTheme("#ffcc00")
		const forever = "public, max-age=31536000, immutable"
		for _, line := range []struct{ path, kind, body, cache string }{
			{"/theme.css?v=7", "text/css; charset=utf-8", css, forever}, {"/theme.css?v=6", "text/css; charset=utf-8", css, "no-cache"},
			{"/logo?v=7", "image/png", picture, forever}, {"/logo", "image/png", picture, "no-cache"},
		} {
			a := get(line.path)
			if a.status != 200 || a.header.Get("Content-Type") != line.kind || a.body != line.body || a.header.Get("Cache-Control") != line.cache {
				t.Errorf("%s: got %d, %v, %d bytes; want %s, %s", line.path, a.status, a.header, len(a.body), line.kind, line.cache)
			}
		}
		if a := get(""); !strings.Contains(a.body, "/status/page/logo?v=7") || !strings.Contains(a.body, "/status/page/theme.css?v=7") {
			t.Errorf("the page does not name its logo and its theme:\n%s", a.body)
		}
		session := h.session("admin@example.com")
		for _, path := range []string{"/theme.css?v=7", "/logo?v=7"} {
			a := h.browser(session, "GET", "/status-pages/"+h.page+"/preview"+path, nil)
			if got, want := a.header.Get("Cache-Control"), "private, max-age=31536000, immutable"; a.status != 200 || got != want {
				t.Errorf("%s of the preview: got %d with %q, want %q", path, a.status, got, want)
			}
		}
		change(`visibility = 'link', link_token = 'key', updated_at = '1970-01-01 00:00:00.000008+00:00'`)
		for path, want := range map[string]string{"/logo?key=key&v=8": "private, max-age=31536000, immutable", "/logo?key=key": "private, no-cache",
			"?key=key": "private, no-cache", "/history/" + time.Now().UTC().Format(monthForm) + "?key=key": "private, no-cache"} {
			if a := get(path); a.status != 200 || a.header.Get("Cache-Control") != want {
				t.Errorf("%s of a page with a link: got %d with %q, want %q", path, a.status, a.header.Get("Cache-Control"), want)
			}
		}
		change(`visibility = 'password', updated_at = '1970-01-01 00:00:00.000009+00:00'`)
		for _, path := range []string{"/theme.css?v=9", "/logo?v=9"} {
			if a := get(path); a.status != 200 || a.header.Get("X-Robots-Tag") != "noindex, nofollow" {
				t.Errorf("%s before the password: got %d with robots %q, want it for nobody to find", path, a.status, a.header.Get("X-Robots-Tag"))
			}
		}
		change(`is_published = FALSE`)
		for _, path := range []string{"/theme.css?v=8", "/logo?v=8"} {
			if a := get(path); a.status != 404 {
				t.Errorf("%s of a page that is not published: got %d", path, a.status)
			}
		}
	})
}

// Another logo has another address, and pages that are open are told to read themselves for it; what is told on the page leaves the
// logo where it is in people's browsers.
func TestStatusLogoReachesOpenPages(t *testing.T) {
	houses(t, func(h *house) {
		page := h.statusPage("page")
		picture := func(side int) []byte {
			t.Helper()
			var b bytes.Buffer
			if err := png.Encode(&b, noise(side)); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}
		set := func(b []byte) {
			t.Helper()
			if _, err := h.store.SetStatusLogo(t.Context(), h.organization, page.PublicID, b); err != nil {
				t.Fatal(err)
			}
		}
		logo := func() string {
			t.Helper()
			return h.request("GET", "/status/page", "").page(t).Find(".logo").AttrOr("src", "")
		}
		set(picture(8))
		first := logo()
		v := h.visitor(t, "page", "")
		version, _ := v.until("sync", "")
		other := picture(9)
		set(other)
		if id, data := v.until("sync", ""); id == version || data != id {
			t.Errorf("got sync with %s, want it with a new version", data)
		}
		second := logo()
		if a := h.request("GET", second, ""); first == "" || second == first || a.body != string(other) || !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
			t.Errorf("got the logo at %s with %v and at %s before, want the other one at another address", second, a.header, first)
		}
		read := func() *statusLogo {
			h.s.logos.mu.Lock()
			defer h.s.logos.mu.Unlock()
			return h.s.logos.kept[page.ID]
		}
		kept := read()
		if _, err := h.store.CreateStatusPost(t.Context(), h.organization, page.PublicID, object(t, `{"kind":"incident","title":"Line","body":"x"}`)); err != nil {
			t.Fatal(err)
		}
		for {
			_, name, data := v.next()
			if name == "sync" {
				t.Fatal("a post had open pages read themselves")
			}
			if name == "parts" && strings.Contains(data, "Line") {
				break
			}
		}
		if got := logo(); got != second {
			t.Errorf("after a post the logo is at %s, want %s", got, second)
		}
		if h.request("GET", second, ""); kept == nil || read() != kept {
			t.Errorf("after a post the logo was read from the database again, or never")
		}
		set(nil)
		v.until("sync", "")
		if got := logo(); got != "" {
			t.Errorf("got a logo at %s, want none", got)
		}
	})
}
