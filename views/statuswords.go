package views

import (
	"maps"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

// Words are what a status page says, in every language that it speaks.
type Words struct {
	catalog catalog.Catalog
	matcher language.Matcher
}

// NewWords builds the catalogue. Keys are the English texts.
func NewWords() *Words {
	b := catalog.NewBuilder(catalog.Fallback(language.English))
	for key, text := range german() {
		if err := b.SetString(language.German, key, text); err != nil {
			panic(err) // a text of ours is broken: whatever starts the program finds it
		}
	}
	return &Words{catalog: b, matcher: language.NewMatcher([]language.Tag{language.English, language.German})}
}

// Languages are the codes that a page can be read in, the first one by default.
func (w *Words) Languages() []string { return []string{"en", "de"} }

// Best is the language to draw in: the one asked for where there is it, else the visitor's first that there is, as Accept-Language
// names them (RFC 9110 §12.5.4), else the page's.
func (w *Words) Best(asked, accept, page string) string {
	for _, l := range w.Languages() {
		if asked == l {
			return l
		}
	}
	if tags, _, err := language.ParseAcceptLanguage(accept); err == nil && len(tags) > 0 {
		if _, i, sure := w.matcher.Match(tags...); sure != language.No {
			return w.Languages()[i]
		}
	}
	return page
}

// In prints in one language.
func (w *Words) In(code string) *message.Printer {
	return message.NewPrinter(language.Make(code), message.Catalog(w.catalog))
}

// germanParts is the catalogue's German half, a map for each part of the pages.
func germanParts() []map[string]string {
	return []map[string]string{germanPage(), germanNotices(), germanElsewhere(), germanAccess()}
}

// german puts the parts together.
func german() map[string]string {
	all := map[string]string{}
	for _, part := range germanParts() {
		maps.Copy(all, part)
	}
	return all
}
