package handlers

import (
	"net/url"
	"strings"
	"testing"

	"echolot/models"
	"echolot/views"

	"github.com/google/uuid"
)

func statusPagePath(h *house, rest string) string { return "/status-pages/" + h.page + rest }

// The settings' form keeps what was typed but the password, says what is wrong beside the fields, and saves.
func TestStatusPageForm(t *testing.T) {
	houses(t, func(h *house) {
		t := h.t
		session := h.session("admin@example.com")
		add := h.browser(session, "POST", "/status-pages", url.Values{"name": {"Kliniken"}, "slug": {"own-page"}, "customerId": {h.customer.PublicID.String()}})
		if doc := add.page(t); add.status != 422 || doc.Find("#f-slug-e").Length() != 1 || doc.Find("#f-name").AttrOr("value", "") != "Kliniken" {
			t.Errorf("an address that is taken: got %d, want 422 with the sentence and what was typed", add.status)
		}
		add = h.browser(session, "POST", "/status-pages", url.Values{"name": {"Kliniken"}, "slug": {"kliniken"}, "customerId": {h.customer.PublicID.String()}})
		if again := h.browser(session, "POST", "/status-pages", url.Values{"name": {" Söhne & Co: Straße 2!"}, "customerId": {h.customer.PublicID.String()}}); again.status != 303 {
			t.Errorf("without an address: got %d, want it made of the name", again.status)
		} else if _, err := h.store.UnscopedStatusPage(t.Context(), "sohne-co-strasse-2"); err != nil {
			t.Errorf("the address made of the name: %v", err)
		}
		path := add.header.Get("Location")
		if add.status != 303 || !strings.HasPrefix(path, "/status-pages/") {
			t.Fatalf("got %d to %q, want 303 to the page's settings", add.status, path)
		}
		doc := h.browser(session, "GET", path, nil).page(t)
		version := doc.Find(`input[name="version"]`).First().AttrOr("value", "")
		form := url.Values{"version": {version}, "name": {"Kliniken"}, "slug": {"kliniken"}, "customerId": {h.customer.PublicID.String()}, "description": {"Zwei\r\nZeilen"},
			"visibility": {"password"}, "password": {"kurz"}, "isPublished": {"true", "false"}, "noIndex": {"false"}, "language": {"de"}, "timeZone": {"Europe/Berlin"},
			"accent": {"#1a5a96"}, "latency": {"smoke"}, "publish": {"all"}, "showHostnames": {"true", "false"}, "frameSites": {"https://a.example\r\nhttps://b.example"}}
		a := h.browser(session, "POST", path, form)
		doc = a.page(t)
		if a.status != 422 || doc.Find("#f-password-e").Length() != 1 || doc.Find("#f-description").Text() != "Zwei\nZeilen" || doc.Find("#f-password").AttrOr("value", "") != "" ||
			doc.Find(`input[name="isPublished"][checked]`).Length() != 1 || doc.Find(`#f-latency option[selected]`).AttrOr("value", "") != "smoke" {
			t.Errorf("a short password: got %d %s, want 422 with all but the password as it was typed", a.status, firstBytes(a.body))
		}
		form.Set("password", "correct horse battery")
		if a = h.browser(session, "POST", path, form); a.status != 303 {
			t.Fatalf("got %d %s, want 303", a.status, a.body)
		}
		p, err := h.store.StatusPage(t.Context(), h.organization, uuid.MustParse(strings.TrimPrefix(path, "/status-pages/")))
		if err != nil || p.Description != "Zwei\nZeilen" || !p.IsPublished || !p.HasPassword() || p.NoIndex || !p.ShowHostnames || p.Language != "de" || len(p.FrameSites) != 2 || !p.AllMonitors {
			t.Errorf("got %+v, %v; want what the form said", p, err)
		}
		form.Set("name", "Late")
		a = h.browser(session, "POST", path, form)
		if doc = a.page(t); a.status != 412 || doc.Find("#f-name").AttrOr("value", "") != "Late" {
			t.Fatalf("an old version: got %d, want 412 with what was typed", a.status)
		}
		form.Set("version", doc.Find(`input[name="version"]`).First().AttrOr("value", ""))
		form.Set("password", "")
		form.Set("isPublished", "false")
		if a = h.browser(session, "POST", path, form); a.status != 303 {
			t.Errorf("saved once more: got %d, want 303", a.status)
		}
		if p, err = h.store.StatusPage(t.Context(), h.organization, p.PublicID); err != nil || p.Name != "Late" || !p.HasPassword() || p.IsPublished {
			t.Errorf("got %+v, %v; want the name changed, the password kept, and nothing published", p, err)
		}
	})
}

// Who may only read sees the list and the preview, and no way to change anything.
func TestStatusPagesReadOnly(t *testing.T) {
	h := liteHouse(t)
	session := h.session("readonly@example.com")
	doc := h.browser(session, "GET", "/status-pages", nil).page(t)
	row := doc.Find(`[data-testid="status-page-row"]`)
	if row.Length() != 1 || row.Find("a.name").AttrOr("href", "") != statusPagePath(h, "/preview") || doc.Find(`a[href="/status-pages/new"]`).Length() != 0 || row.Find(".btn").Length() != 0 {
		t.Errorf("got %s, want one page that leads to its preview", row.Text())
	}
	tabs := h.browser(h.session("readonly@example.com"), "GET", statusPagePath(h, "/posts"), nil).page(t).Find("nav.subnav a")
	if tabs.Length() != 1 || tabs.AttrOr("href", "") != statusPagePath(h, "/posts") {
		t.Errorf("got the tabs %s, want the posts' alone", tabs.Text())
	}
	if n := h.browser(h.session("admin@example.com"), "GET", statusPagePath(h, "/posts"), nil).page(t).Find("nav.subnav a").Length(); n != 5 {
		t.Errorf("an admin: got %d tabs, want 5", n)
	}
}

// The preview is the real page, published or not, with settings that were not saved where a form sends some.
func TestStatusPreview(t *testing.T) {
	h := liteHouse(t)
	session := h.session("admin@example.com")
	a := h.browser(session, "GET", statusPagePath(h, "/preview"), nil)
	if doc := a.page(t); a.status != 200 || doc.Find(".brand").Text() != "Own page" || !strings.Contains(a.body, "Gateway") || strings.Contains(a.body, h.monitor.PublicID.String()) || strings.Contains(a.body, csrfOf(session)) {
		t.Errorf("got %d %s, want the page as visitors see it", a.status, a.body)
	}
	for _, link := range a.page(t).Find("[href], [src]").EachIter() {
		to := link.AttrOr("href", link.AttrOr("src", ""))
		if strings.HasPrefix(to, "#") || strings.HasPrefix(to, "?") {
			continue
		}
		if got := h.browser(session, "GET", to, nil).status; got != 200 {
			t.Errorf("the preview leads to %s, which answers %d", to, got)
		}
	}
	checkHeaders(t, "GET "+statusPagePath(h, "/preview"), a, false)
	checkHeaders(t, "GET "+statusPagePath(h, ""), h.browser(session, "GET", statusPagePath(h, ""), nil), false)
	if got := h.request("GET", "/status/own-page", "").status; got != 404 {
		t.Errorf("signed out: got %d, want 404: it is not published", got)
	}
	tried := url.Values{"name": {"Tried"}, "language": {"de"}, "slug": {"elsewhere"}}
	if a = h.browser(session, "POST", statusPagePath(h, "/preview"), tried); a.status != 200 || a.page(t).Find(".brand").Text() != "Tried" || a.page(t).Find("html").AttrOr("lang", "") != "de" {
		t.Errorf("got %d %s, want what was typed", a.status, a.body)
	}
	for _, saved := range []string{"", "#0000ff"} {
		if saved != "" {
			h.changePage(models.StatusPage{PublicID: uuid.MustParse(h.page)}, `{"accent":"`+saved+`"}`)
		}
		tried.Set("accent", "#aa00aa")
		typed, _ := views.StatusTheme("#aa00aa")
		at := h.browser(session, "POST", statusPagePath(h, "/preview"), tried).page(t).Find("#status-theme").AttrOr("href", "")
		if css := h.browser(session, "GET", at, nil); css.status != 200 || css.body != typed || !strings.HasPrefix(css.header.Get("Content-Type"), "text/css") {
			t.Errorf("saved %q: got %d %s at %q, want the colour that was typed", saved, css.status, firstBytes(css.body), at)
		}
	}
	at := h.browser(session, "GET", statusPagePath(h, "/preview"), nil).page(t).Find("#status-theme").AttrOr("href", "")
	if css, want := h.browser(session, "GET", at, nil), "#0000ff"; css.status != 200 || !strings.Contains(css.body, want) {
		t.Errorf("got %d %s, want the colour that is saved, %s", css.status, firstBytes(css.body), want)
	}
	if got := h.browser(session, "GET", statusPagePath(h, "/preview/theme.css?accent=red"), nil).status; got != 404 {
		t.Errorf("no colour: got %d, want 404", got)
	}
	tried.Del("accent")
	tried.Set("timeZone", "nowhere")
	tried.Set("name", "")
	tried.Set("password", "short")
	tried.Set("customDomainHostname", "localhost")
	if a = h.browser(session, "POST", statusPagePath(h, "/preview"), tried); a.status != 422 || a.page(t).Find(".brand").Text() != "Own page" || !strings.Contains(a.page(t).Find(`[data-testid="wrong"]`).Text(), "Time zone: Type a zone") {
		t.Errorf("with something wrong: got %d %s, want the page as it is saved, and what is wrong", a.status, a.body)
	}
	// It reads as the form's own errors do, in their order.
	form := h.browser(session, "POST", statusPagePath(h, ""), tried).page(t)
	var want, got []string
	for _, field := range form.Find("[data-preview] [aria-invalid=true]").EachIter() {
		label := strings.TrimSpace(form.Find("label[for=" + field.AttrOr("id", "") + "]").Contents().First().Text())
		want = append(want, label+": "+strings.TrimSpace(form.Find("#"+field.AttrOr("id", "")+"-e").Text()))
	}
	for _, line := range a.page(t).Find(`[data-testid="wrong"] li`).EachIter() {
		got = append(got, line.Text())
	}
	if len(want) != 4 || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant what the form says:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if p, err := h.store.StatusPage(t.Context(), h.organization, uuid.MustParse(h.page)); err != nil || p.Name != "Own page" || p.Slug != "own-page" {
		t.Errorf("got %+v, %v; want nothing saved", p, err)
	}
}

// The link is shown to who may change the page, and a new one takes its place.
func TestStatusLinkPage(t *testing.T) {
	h := liteHouse(t)
	session := h.session("admin@example.com")
	link := func() string {
		return h.browser(session, "GET", statusPagePath(h, ""), nil).page(t).Find(`[data-testid="status-link"]`).AttrOr("value", "")
	}
	before := link()
	if !strings.HasPrefix(before, h.url+"/status/own-page?key=") {
		t.Errorf("got %q, want the page's address with its key", before)
	}
	if a := h.browser(session, "GET", statusPagePath(h, "/link"), nil); a.status != 200 || link() != before {
		t.Errorf("asked: got %d and link %q, want 200 and the same", a.status, link())
	}
	if a := h.browser(session, "POST", statusPagePath(h, "/link"), url.Values{}); a.status != 303 || link() == before {
		t.Errorf("got %d and link %q, want 303 and another", a.status, link())
	}
	if a := h.browser(session, "POST", statusPagePath(h, "/delete"), url.Values{}); a.status != 303 {
		t.Errorf("deleted: got %d, want 303", a.status)
	}
	if a := h.browser(session, "GET", statusPagePath(h, ""), nil); a.status != 404 {
		t.Errorf("after that: got %d, want 404", a.status)
	}
	if list, total, err := h.store.StatusPages(t.Context(), h.organization, models.StatusPagesFilter{Page: 1, PerPage: 10}); err != nil || total != 0 || len(list) != 0 {
		t.Errorf("got %d of %d, %v; want none left", len(list), total, err)
	}
}
