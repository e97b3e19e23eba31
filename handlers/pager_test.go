package handlers

import (
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// TestPagerKeepsItsSize: who asked for pages of one row gets them at every click, and a page past the last one leads back.
func TestPagerKeepsItsSize(t *testing.T) {
	h := liteHouse(t)
	session := h.session("admin@example.com")
	page := func(query string) *goquery.Document {
		t.Helper()
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(h.browser(session, "GET", "/monitors"+query, nil).body))
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	for query, want := range map[string]map[string]string{
		"":                            {"a[rel=prev]": "", "a[rel=next]": "", "th.c-name a": "/monitors?sort=name"},
		"?perPage=50":                 {"a[rel=next]": "", "th.c-name a": "/monitors?sort=name"},
		"?perPage=1":                  {"a[rel=prev]": "", "a[rel=next]": "/monitors?page=2&perPage=1", "th.c-name a": "/monitors?perPage=1&sort=name"},
		"?perPage=1&page=2":           {"a[rel=prev]": "/monitors?perPage=1", "a[rel=next]": ""},
		"?perPage=1&page=9":           {"a[rel=prev]": "/monitors?page=2&perPage=1", "a[rel=next]": ""},
		"?page=9":                     {"a[rel=prev]": "/monitors", "a[rel=next]": ""},
		"?perPage=1&page=9&search=zz": {"a[rel=prev]": "/monitors?perPage=1&search=zz", "a[rel=next]": ""},
	} {
		doc := page(query)
		for link, href := range want {
			if got := doc.Find("#monitors "+link).AttrOr("href", ""); got != href {
				t.Errorf("%q: %s leads to %q, want %q", query, link, got, href)
			}
		}
	}
	if got := page("?perPage=1").Find("#filters input[name=perPage]").AttrOr("value", ""); got != "1" {
		t.Errorf("the filters send perPage %q, want 1", got)
	}
	if got := page("?page=9").Find("#monitors .nothing").Text(); !strings.Contains(got, "past the last") || strings.Contains(got, "No monitors here") {
		t.Errorf("a page past the last one says %q", got)
	}
	if got := page("?page=9&search=zz").Find("#monitors .nothing").Text(); !strings.Contains(got, "Nothing matches") {
		t.Errorf("a page of nothing says %q", got)
	}
}
