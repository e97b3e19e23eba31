package views

import (
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
	// Stream is true where the page's events can be read, and Version the drawing's, for the stream's first word.
	Stream  bool
	Version string
	// Stale is true while nothing newer than the board can be read: the page says of when it is.
	Stale bool
}

// Path is the address of something of the page in the page's language.
func (p StatusPage) Path(sub string) string { return p.Base + sub + "?lang=" + p.Language }

// T says the text in the page's language. The key is the English text with fmt's verbs.
func (p StatusPage) T(key string, args ...any) string { return p.Words.Sprintf(key, args...) }
