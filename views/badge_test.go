package views

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// On every colour there is the badge's text has the contrast that WCAG 2.2 asks of text, 4.5, and the states' own colours take white.
func TestBadgeContrast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		color := fmt.Sprintf("#%06x", rapid.IntRange(0, 0xffffff).Draw(t, "color"))
		ground, ok := parseColour(color)
		ink := inkOn(color)
		contrast := ground.contrast(colour{1, 1, 1})
		if ink == "#000" {
			contrast = ground.contrast(colour{})
		}
		if !ok || contrast < leastContrast {
			t.Fatalf("got %s on %s, a contrast of %.2f", ink, color, contrast)
		}
	})
	for _, kind := range []string{"up", "degraded", "down", "maintenance", "unknown"} {
		if got := inkOn(BadgeColor(kind)); got != "#fff" {
			t.Errorf("%s: got %s, want white", kind, got)
		}
	}
	blue, _ := parseColour("#1a5a96")
	if got, want := blue.luminance(), 0.0979; got < want-0.002 || got > want+0.002 {
		t.Errorf("luminance of #1a5a96: got %.4f, want %.4f", got, want)
	}
}

// A badge is one well-formed picture with a name, as wide as its texts, whatever they are; it holds no script, style or reference.
func TestBadgeSVG(t *testing.T) {
	for _, style := range BadgeStyles {
		for _, label := range []string{"", "Klinik Pirna", `<script>"&'`, "診療所 🏥"} {
			b := Badge{Label: label, Message: "99.94 %", Title: label + ": 99.94 %", Ground: BadgeGround, Color: BadgeColor("up"), Style: style}
			svg := string(b.SVG())
			d, title, texts := xml.NewDecoder(strings.NewReader(svg)), "", []string{}
			for into := ""; ; {
				token, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%s %q: %v: %s", style, label, err, svg)
				}
				switch token := token.(type) {
				case xml.StartElement:
					into = token.Name.Local
					if into == "script" || into == "style" || into == "image" || into == "a" {
						t.Errorf("%s %q: got an element %s", style, label, into)
					}
				case xml.EndElement:
					into = ""
				case xml.CharData:
					if into == "title" {
						title = string(token)
					} else if into == "text" {
						texts = append(texts, string(token))
					}
				}
			}
			want := []string{label, "99.94 %"}
			if label == "" {
				want = want[1:]
			}
			if title != b.Title || strings.Join(texts, "|") != strings.Join(want, "|") {
				t.Errorf("%s %q: got the title %q and the texts %q", style, label, title, texts)
			}
		}
	}
	narrow, wide := textWidth("up"), textWidth("maintenance, maintenance")
	if narrow != 14 || wide != 152 {
		t.Errorf("got %d and %d pixels", narrow, wide)
	}
}
