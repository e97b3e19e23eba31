package views

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Whatever the accent, links are readable on every ground, and so is what stands on it; what is readable already is not touched.
func TestStatusThemeIsReadable(t *testing.T) {
	form := regexp.MustCompile(`^:root\{--accent:(#[0-9a-f]{6});--on-accent:(#[0-9a-f]{6})\}@media screen and \(prefers-color-scheme:dark\)` +
		`\{:root\{--accent:(#[0-9a-f]{6});--on-accent:(#[0-9a-f]{6})\}\}$`)
	read := func(text string) colour {
		c, ok := parseColour(text)
		if !ok {
			t.Fatalf("%q is no colour", text)
		}
		return c
	}
	for r := 0; r < 256; r += 51 {
		for g := 0; g < 256; g += 51 {
			for b := 0; b < 256; b += 51 {
				accent := fmt.Sprintf("#%02x%02X%02x", r, g, b)
				css, ok := StatusTheme(accent)
				m := form.FindStringSubmatch(css)
				if !ok || m == nil {
					t.Fatalf("%s: got %q, %t", accent, css, ok)
				}
				for i, grounds := range [][]string{dayGrounds[:], nightGrounds[:]} {
					got, ink, kept := read(m[1+2*i]), read(m[2+2*i]), true
					if c := got.contrast(ink); c < leastContrast {
						t.Errorf("%s: %s on %s has a contrast of %.2f", accent, m[2+2*i], m[1+2*i], c)
					}
					for _, ground := range grounds {
						if c := got.contrast(read(ground)); c < leastContrast {
							t.Errorf("%s: %s on %s has a contrast of %.2f", accent, m[1+2*i], ground, c)
						}
						kept = kept && read(accent).contrast(read(ground)) >= leastContrast
					}
					if kept && m[1+2*i] != strings.ToLower(accent) {
						t.Errorf("%s: got %s, want it as it is", accent, m[1+2*i])
					}
				}
			}
		}
	}
	for _, bad := range []string{"", "#fff", "1a5a96", "#1a5a9g", "#1a5a96}", "red", "#+1+1+1"} {
		if css, ok := StatusTheme(bad); ok {
			t.Errorf("%q: got %q, want it refused", bad, css)
		}
	}
}

// The style sheet's own colours are readable, and the theme knows the grounds that it has.
func TestStatusStyleIsReadable(t *testing.T) {
	style, err := os.ReadFile("../static/src/status.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(style), 2)
	if len(blocks) != 2 {
		t.Fatalf("got %d blocks of tokens, want day and night", len(blocks))
	}
	for i, name := range []string{"day", "night"} {
		tokens := map[string]colour{}
		for _, m := range regexp.MustCompile(`--([a-z0-9-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(blocks[i][1], -1) {
			tokens[m[1]], _ = parseColour(m[2])
		}
		known := [][]string{dayGrounds[:], nightGrounds[:]}[i]
		for j, ground := range []string{"surface", "bg", "hover"} {
			if want, _ := parseColour(known[j]); tokens[ground] != want {
				t.Errorf("%s: --%s is %s, the theme takes it for %s", name, ground, tokens[ground], want)
			}
		}
		pairs := func(least float64, grounds []string, names ...string) {
			for _, n := range names {
				for _, g := range grounds {
					if c := tokens[n].contrast(tokens[g]); c < least {
						t.Errorf("%s: --%s on --%s has a contrast of %.2f, want %.1f", name, n, g, c, least)
					}
				}
			}
		}
		grounds := []string{"surface", "bg"}
		pairs(leastContrast, append(grounds, "hover"), "ink", "accent")
		pairs(leastContrast, grounds, "ink-2", "ink-3", "up", "degraded", "down", "unknown", "maint")
		pairs(leastContrast, []string{"degraded-soft", "down-soft", "unknown-soft", "maint-soft"}, "ink", "ink-2", "maint")
		pairs(leastContrast, []string{"accent"}, "on-accent")
		pairs(3, grounds, "up-mark", "degraded-mark", "down-mark", "unknown-mark", "maint-mark", "day-up", "rtt")
	}
}
