package handlers

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"mime/multipart"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"echolot/models"

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
}

// The preview is the real page, published or not, with settings that were not saved where a form sends some.
func TestStatusPreview(t *testing.T) {
	h := liteHouse(t)
	session := h.session("admin@example.com")
	a := h.browser(session, "GET", statusPagePath(h, "/preview"), nil)
	if doc := a.page(t); a.status != 200 || doc.Find("h1").First().Text() != "Own page" || !strings.Contains(a.body, "Gateway") || strings.Contains(a.body, h.monitor.PublicID.String()) || strings.Contains(a.body, csrfOf(session)) {
		t.Errorf("got %d %s, want the page as visitors see it", a.status, a.body)
	}
	checkHeaders(t, "GET "+statusPagePath(h, "/preview"), a, false)
	checkHeaders(t, "GET "+statusPagePath(h, ""), h.browser(session, "GET", statusPagePath(h, ""), nil), false)
	if got := h.request("GET", "/status/own-page", "").status; got != 404 {
		t.Errorf("signed out: got %d, want 404: it is not published", got)
	}
	tried := url.Values{"name": {"Tried"}, "language": {"de"}, "slug": {"elsewhere"}}
	if a = h.browser(session, "POST", statusPagePath(h, "/preview"), tried); a.status != 200 || a.page(t).Find("h1").First().Text() != "Tried" || a.page(t).Find("html").AttrOr("lang", "") != "de" {
		t.Errorf("got %d %s, want what was typed", a.status, a.body)
	}
	tried.Set("timeZone", "nowhere")
	if a = h.browser(session, "POST", statusPagePath(h, "/preview"), tried); a.status != 200 || a.page(t).Find("h1").First().Text() != "Own page" {
		t.Errorf("with something wrong: got %d %s, want the page as it is", a.status, a.body)
	}
	if p, err := h.store.StatusPage(t.Context(), h.organization, uuid.MustParse(h.page)); err != nil || p.Name != "Own page" || p.Slug != "own-page" {
		t.Errorf("got %+v, %v; want nothing saved", p, err)
	}
}

// upload sends a picture as a browser does with scripts off.
func (h *house) upload(session, path, token string, picture []byte) answer {
	h.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	file := func() error {
		if err := w.WriteField("_csrf", token); err != nil {
			return err
		}
		part, err := w.CreateFormFile("logo", "logo.png")
		if err != nil {
			return err
		}
		if _, err := part.Write(picture); err != nil {
			return err
		}
		return w.Close()
	}
	if err := file(); err != nil {
		h.t.Fatal(err)
	}
	return h.request("POST", path, body.String(), "Cookie", h.s.sessions.name()+"="+session, "Sec-Fetch-Site", "same-origin", "Content-Type", w.FormDataContentType())
}

// noise is a picture that packs badly.
func noise(side int) image.Image {
	m, r := image.NewRGBA(image.Rect(0, 0, side, side)), rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = byte(r.Uint32())
	}
	return m
}

// A logo is a picture of three kinds, unpacked to prove it; nothing else is stored.
func TestStatusLogo(t *testing.T) {
	houses(t, func(h *house) {
		t := h.t
		session := h.session("admin@example.com")
		pack := func(m image.Image) []byte {
			var b bytes.Buffer
			if err := png.Encode(&b, m); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}
		small := pack(noise(20))
		var photo bytes.Buffer
		if err := jpeg.Encode(&photo, noise(20), nil); err != nil {
			t.Fatal(err)
		}
		webp, err := base64.StdEncoding.DecodeString("UklGRh4AAABXRUJQVlA4TBEAAAAvAAAAAAfQ//73v/+BiOh/AAA=")
		if err != nil {
			t.Fatal(err)
		}
		wide := image.NewPaletted(image.Rect(0, 0, 2001, 1), color.Palette{color.Black})
		for _, test := range []struct {
			what    string
			picture []byte
			status  int
			kind    string
		}{
			{"PNG", small, 303, "image/png"},
			{"JPEG", photo.Bytes(), 303, "image/jpeg"},
			{"WebP", webp, 303, "image/webp"},
			{"SVG", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), 422, "image/webp"},
			{"HTML behind a PNG's name", []byte("\x89PNG\r\n\x1a\n<html>"), 422, "image/webp"},
			{"half a PNG", small[:len(small)/2], 422, "image/webp"},
			{"a PNG of 105 kB", append(pack(noise(100)), make([]byte, 65_000)...), 422, "image/webp"},
			{"200 kB", make([]byte, 200_000), 422, "image/webp"},
			{"2001 pixels", pack(wide), 422, "image/webp"},
			{"nothing", nil, 422, "image/webp"},
		} {
			a := h.upload(session, statusPagePath(h, "/logo"), csrfOf(session), test.picture)
			if a.status != test.status || test.status == 422 && a.page(t).Find("#f-logo-e").Length() != 1 {
				t.Errorf("%s: got %d %s, want %d", test.what, a.status, firstBytes(a.body), test.status)
			}
			a = h.browser(session, "GET", statusPagePath(h, "/preview/logo"), nil)
			if kind := a.header.Get("Content-Type"); a.status != 200 || kind != test.kind || test.status == 303 && a.body != string(test.picture) {
				t.Errorf("after %s: got %d and %q, want 200 and %q with the bytes that were sent last", test.what, a.status, kind, test.kind)
			}
		}
		if a := h.upload(session, statusPagePath(h, "/logo"), csrfOf("another"), small); a.status != 403 {
			t.Errorf("with another session's token: got %d, want 403", a.status)
		}
		if a := h.upload(session, "/status-pages/"+h.page, csrfOf(session), small); a.status != 415 {
			t.Errorf("elsewhere: got %d, want 415", a.status)
		}
		if a := h.browser(session, "POST", statusPagePath(h, "/logo/delete"), url.Values{}); a.status != 303 {
			t.Errorf("taken away: got %d, want 303", a.status)
		}
		if a := h.browser(session, "GET", statusPagePath(h, "/preview/logo"), nil); a.status != 404 {
			t.Errorf("after that: got %d, want 404", a.status)
		}
	})
}

// layoutForm is the layout's form as it stands in the page.
func (h *house) layoutForm(session, query string) url.Values {
	h.t.Helper()
	form := url.Values{}
	doc := h.browser(session, "GET", statusPagePath(h, "/layout")+query, nil).page(h.t)
	for _, n := range doc.Find(`form[method="post"][action$="/layout"] input`).EachIter() {
		if name := n.AttrOr("name", ""); n.AttrOr("type", "") != "checkbox" || n.Is("[checked]") {
			form.Add(name, n.AttrOr("value", ""))
		}
	}
	return form
}

// rowOf is where the form has the monitor.
func rowOf(form url.Values, id string) string {
	for i := 0; form.Has("id." + strconv.Itoa(i)); i++ {
		if form.Get("id."+strconv.Itoa(i)) == id {
			return "." + strconv.Itoa(i)
		}
	}
	return ".none"
}

// The layout's form, read and sent back with a few changes, says what the page shows; sent back as it is it changes nothing.
func TestStatusLayoutForm(t *testing.T) {
	houses(t, func(h *house) {
		t := h.t
		session := h.session("admin@example.com")
		more, err := h.store.CreateMonitor(t.Context(), h.organization, object(t, `{"customerId":1,"name":"More","hostname":"127.0.0.3"}`))
		if err != nil {
			t.Fatal(err)
		}
		first, second, third := h.monitor.PublicID.String(), more.PublicID.String(), h.hidden.PublicID.String()
		board := func() string {
			t.Helper()
			p, err := h.store.UnscopedStatusPage(t.Context(), "own-page")
			if err != nil {
				t.Fatal(err)
			}
			b, err := h.store.UnscopedStatusBoard(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			var words []string
			for _, g := range b.Groups {
				for _, c := range g.Components {
					words = append(words, g.Name+":"+c.Name)
				}
			}
			return strings.Join(words, " ")
		}
		save := func(form url.Values, status int) answer {
			t.Helper()
			a := h.browser(session, "POST", statusPagePath(h, "/layout"), form)
			if a.status != status {
				t.Fatalf("got %d %s, want %d", a.status, a.body, status)
			}
			return a
		}
		want := func(what, words string) {
			t.Helper()
			if got := board(); got != words {
				t.Errorf("%s: got %q, want %q", what, got, words)
			}
		}
		want("at first", ":Gateway :More")
		save(h.layoutForm(session, ""), 303)
		want("sent back as it was", ":Gateway :More")

		form := h.layoutForm(session, "")
		form.Set("position"+rowOf(form, second), "1")
		form.Set("group"+rowOf(form, second), "Lines")
		form.Set("name"+rowOf(form, second), "Uplink")
		save(form, 303)
		want("one placed", "Lines:Uplink :Gateway")

		form = h.layoutForm(session, "?monitors=hidd")
		if form.Get("id"+rowOf(form, third)) == "" {
			t.Fatalf("got %v, want what the search found among them", form)
		}
		form.Set("show"+rowOf(form, third), "true")
		form.Set("position"+rowOf(form, third), "0.5")
		form.Set("name"+rowOf(form, third), "Picked")
		form.Del("show" + rowOf(form, first))
		save(form, 303)
		want("one picked, one hidden", ":Picked Lines:Uplink")

		form = h.layoutForm(session, "")
		form["allMonitors"] = []string{"false"}
		form.Del("show" + rowOf(form, third))
		save(form, 303)
		want("only those that were picked", "Lines:Uplink")

		form = h.layoutForm(session, "")
		form.Set("position"+rowOf(form, second), "first")
		form.Set("name"+rowOf(form, second), "Typed")
		doc := save(form, 422).page(t)
		if doc.Find(`[name="name`+rowOf(form, second)+`"]`).AttrOr("value", "") != "Typed" || doc.Find(`[aria-invalid="true"]`).Length() != 1 {
			t.Errorf("got %s, want what was typed and one sentence", doc.Find(".places").Text())
		}
		form.Set("position"+rowOf(form, second), "1")
		form.Set("group"+rowOf(form, second), strings.Repeat("x", 81))
		doc = save(form, 422).page(t)
		if got := doc.Find(`[aria-invalid="true"]`).AttrOr("name", ""); got != "group"+rowOf(form, second) {
			t.Errorf("got %q marked, want the group that is too long", got)
		}
		form.Set("group"+rowOf(form, second), "x")
		form.Set("version", `"1"`)
		save(form, 412)
		want("after all that was refused", "Lines:Uplink")
	})
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
