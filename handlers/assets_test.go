package handlers

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"echolot/models/modelstest"
)

// An asset goes out compressed to who takes that, and is the same for everybody.
func TestAssetsAreCompressed(t *testing.T) {
	h := newHouse(t, modelstest.Open(t, modelstest.SQLite(t)))
	url := h.s.assets.Style
	plain := h.request("GET", url, "", "Accept-Encoding", "identity")
	if a := h.raw("GET " + url + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); a.status != 200 || a.header.Get("Content-Encoding") != "" {
		t.Errorf("without the header: got %d and the encoding %q, want 200 and none", a.status, a.header.Get("Content-Encoding"))
	}
	for accept, want := range map[string]string{"gzip": "gzip", "br, gzip;q=0.5": "gzip", "*": "gzip", "gzip;q=0": "", "br": "", "identity": ""} {
		a := h.request("GET", url, "", "Accept-Encoding", accept)
		body := []byte(a.body)
		if a.header.Get("Content-Encoding") == "gzip" {
			r, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if body, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
			if len(a.body) > len(body)/2 {
				t.Errorf("got %d of %d bytes, want half at most", len(a.body), len(body))
			}
		}
		if got := a.header.Get("Content-Encoding"); got != want || a.header.Get("Vary") != "Accept-Encoding" || string(body) != plain.body {
			t.Errorf("Accept-Encoding %q: got the encoding %q, Vary %q and %d bytes, want %q and the same %d bytes", accept, got, a.header.Get("Vary"), len(body), want, len(plain.body))
		}
	}
}
