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
	"testing"
)

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
