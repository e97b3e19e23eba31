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
	// Preview is true in the frame beside the settings, which runs no scripts.
	Preview bool
}

// T says the text in the page's language. The key is the English text with fmt's verbs.
func (p StatusPage) T(key string, args ...any) string { return p.Words.Sprintf(key, args...) }
