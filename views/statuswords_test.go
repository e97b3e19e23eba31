package views

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// statusSources are the texts of the files that status pages are made of.
func statusSources(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.templ", "*.go", "../handlers/status*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_templ.go") || strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(text)
		}
	}
	return texts
}

const quoted = `("(?:[^"\\\n]|\\.)*")`

// What a page says has a German text with the same verbs, and nothing is said in two ways.
func TestEveryWordHasItsGerman(t *testing.T) {
	texts, all := statusSources(t), german()
	used := map[string]string{}
	for name, text := range texts {
		for _, call := range []string{`\.T\(\s*` + quoted, `\.N\([^"\n]*` + quoted + `,\s*` + quoted} {
			for _, m := range regexp.MustCompile(call).FindAllStringSubmatch(text, -1) {
				for _, key := range m[1:] {
					key, err := strconv.Unquote(key)
					if err != nil {
						t.Fatalf("%s: %s: %v", name, key, err)
					}
					used[key] = name
				}
			}
		}
	}
	for day := range 400 { // what is asked for by the form of a date
		at := statusNow.AddDate(0, 0, day)
		for _, form := range []string{"Mon", "Jan", "January"} {
			used[at.Format(form)] = "a date"
		}
	}
	if len(used) < 90 {
		t.Fatalf("found %d words only", len(used))
	}
	verbs := func(text string) []string {
		found := regexp.MustCompile(`%(?:\[\d+\])?([-+# 0]*[\d.]*[a-zA-Z%])`).FindAllStringSubmatch(text, -1)
		var list []string
		for _, m := range found {
			list = append(list, m[1])
		}
		slices.Sort(list)
		return list
	}
	for key, name := range used {
		switch text, ok := all[key]; {
		case !ok:
			t.Errorf("%s: %q has no German", name, key)
		case !slices.Equal(verbs(key), verbs(text)):
			t.Errorf("%q has the verbs %v, in German %v", key, verbs(key), verbs(text))
		}
	}
	for key := range all {
		if used[key] != "" {
			continue
		}
		literal := strconv.Quote(key)
		if n := countAll(texts, literal) - countAll(texts, literal+":"); n < 1 {
			t.Errorf("nobody says %q any more", key)
		}
	}
	said := map[string]string{}
	for _, part := range germanParts() {
		for key, text := range part {
			if before, ok := said[key]; ok && before != text {
				t.Errorf("%q is %q in one place and %q in another", key, before, text)
			}
			said[key] = text
		}
	}
}

func countAll(texts map[string]string, what string) (n int) {
	for _, text := range texts {
		n += strings.Count(text, what)
	}
	return n
}

// The language is the one asked for, else what the browser prefers and there is, else the page's.
func TestWordsBest(t *testing.T) {
	w := NewWords()
	for _, line := range []struct{ asked, accept, page, want string }{
		{"de", "en", "en", "de"}, {"fr", "", "de", "de"}, {"", "de-AT,de;q=0.9,en;q=0.8", "en", "de"}, {"", "fr,en;q=0.5", "de", "en"}, {"", "fr", "de", "de"}, {"", "%%%", "en", "en"},
	} {
		if got := w.Best(line.asked, line.accept, line.page); got != line.want {
			t.Errorf("asked %q, accepts %q, page in %q: got %s, want %s", line.asked, line.accept, line.page, got, line.want)
		}
	}
}

// Dates and figures are written as the language writes them, in the page's zone.
func TestStatusDates(t *testing.T) {
	for language, want := range map[string]string{
		"en": "13:00 | Mon 23 Nov | 23 Nov | November 2026 | 12:39 | Sun 1 Mar 2015, 11:00 | 4 min | 3 h | 3 h 06 min | 2 d 04 h | 41 d | 8.2 ms | 0.42 ms | 1,204 ms",
		"de": "13:00 | Mo 23. Nov. | 23. Nov. | November 2026 | 12:39 | So 1. März 2015, 11:00 | 4 min | 3 h | 3 h 06 min | 2 Tg. 04 h | 41 Tg. | 8,2 ms | 0,42 ms | 1.204 ms",
	} {
		p := sampleStatus(t, 0, language)
		got := strings.Join([]string{p.Clock(statusNow), p.Day(statusNow), p.DayOfMonth(statusNow), p.Month(statusNow), p.Moment(statusNow.Add(-21 * time.Minute)),
			p.Moment(time.Date(2015, 3, 1, 10, 0, 0, 0, time.UTC)), p.Span(4 * time.Minute), p.Span(3 * time.Hour), p.Span(186 * time.Minute), p.Span(52 * time.Hour),
			p.Span(41 * 24 * time.Hour), p.ms(8214 * time.Microsecond), p.Milliseconds(420 * time.Microsecond), p.ms(1204 * time.Millisecond)}, " | ")
		if plain(got) != want {
			t.Errorf("got %q, want %q", plain(got), want)
		}
	}
}
