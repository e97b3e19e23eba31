package views

import (
	"html"

	"echolot/models"
)

// EmbedPage shows how a status page's files are put elsewhere.
type EmbedPage struct {
	Page
	Head       StatusPageHead
	Name       string
	Visibility models.Visibility
	Published  bool
	// FrameSites are the origins that may show the frame.
	FrameSites []string
	// URL is the page's, Origin the beginning of it, as content policies name it.
	URL, Origin string
	// Badges are of the page, then of its components.
	Badges []EmbedBadge
	// Script and Frame are the addresses of the widget's, Integrity is the script's hash.
	Script, Integrity, Frame string
	Files                    []EmbedFile
}

// EmbedBadge is one badge: Local is where this page reads the picture, URL where others do.
type EmbedBadge struct {
	Name, Local, URL string
}

// EmbedFile is an address to copy.
type EmbedFile struct {
	Name, URL string
}

// open tells whether other sites can show anything of the page: they have no sign-in and no password.
func (p EmbedPage) open() bool {
	return p.Published && (p.Visibility == models.VisiblePublic || p.Visibility == models.VisibleLink)
}

func (p EmbedPage) markdown() string {
	return "[![" + p.Name + "](" + p.Badges[0].URL + ")](" + p.URL + ")"
}

func (p EmbedPage) html() string {
	return `<a href="` + html.EscapeString(p.URL) + `"><img src="` + html.EscapeString(p.Badges[0].URL) + `" alt="` + html.EscapeString(p.Name) + `"></a>`
}

func (p EmbedPage) script() string {
	return `<script src="` + html.EscapeString(p.Script) + `" integrity="` + p.Integrity + `" crossorigin="anonymous" defer></script>`
}

func (p EmbedPage) frame() string {
	return `<iframe src="` + html.EscapeString(p.Frame) + `" title="` + html.EscapeString(p.Name) + `" width="360" height="240" loading="lazy" referrerpolicy="no-referrer"></iframe>`
}
