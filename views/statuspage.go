package views

import (
	"net/url"
	"strconv"

	"echolot/models"

	"golang.org/x/text/message"
)

// StatusPage is what a status page is drawn from. It holds nothing of the visitor, so that one drawing serves all of them.
type StatusPage struct {
	Board models.StatusBoard
	// Language is the one to draw in: en or de.
	Language string
	Words    *message.Printer
	Assets   Assets
	// Base is in front of the page's own addresses: /status/{slug}, or empty on a domain of its own.
	Base string
	// Key is what a page that needs a link carries on in all of its links; empty for others.
	Key string
	// Stream is true where the page's events can be read, and Version the drawing's, for the stream's first word; a page without a
	// stream stays as it is drawn.
	Stream  bool
	Version string
}

// T says the text in the page's language. The key is the English text with fmt's verbs.
func (p StatusPage) T(key string, args ...any) string { return p.Words.Sprintf(key, args...) }

// Path is the address of something of the page in the page's language: Path("/history/2026-11").
func (p StatusPage) Path(sub string) string { return p.path(sub, "lang", p.Language) }

// File is the address of something of the page that has no words: Path without the language.
func (p StatusPage) File(sub string) string { return p.path(sub) }

// versioned is the address of something that may be kept for as long as the page's settings stay.
func (p StatusPage) versioned(sub string) string {
	return p.path(sub, "v", strconv.FormatInt(p.Board.Version, 10))
}

// path adds to the address the names and values, and the key where the page has one.
func (p StatusPage) path(sub string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	if p.Key != "" {
		query.Set("key", p.Key)
	}
	if sub = p.Base + sub; sub == "" {
		sub = "/"
	}
	if len(query) == 0 {
		return sub
	}
	return sub + "?" + query.Encode()
}

// noScriptRefresh is after how many seconds a browser without scripts reads the page again.
const noScriptRefresh = 30
