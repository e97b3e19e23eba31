package views

import (
	"strconv"

	"github.com/a-h/templ"
)

// BadgeStyle is how a badge is drawn.
type BadgeStyle string

// The styles, by the names that badges have elsewhere.
const (
	BadgeFlat    BadgeStyle = "flat"
	BadgeSquare  BadgeStyle = "flat-square"
	BadgePlastic BadgeStyle = "plastic"
)

// BadgeStyles are all styles, the first one by default.
var BadgeStyles = [...]BadgeStyle{BadgeFlat, BadgeSquare, BadgePlastic}

// BadgeGround is the colour behind a badge's label unless another one is asked for.
const BadgeGround = "#41525d"

// BadgeColor is the colour of a state's word: up, degraded, down, maintenance, anything else is unknown. White on it has a contrast
// of 5.9 and more (design/look.md).
func BadgeColor(kind string) string {
	switch kind {
	case "up":
		return "#0b7351"
	case "degraded":
		return "#875200"
	case "down":
		return "#b02a18"
	case "maintenance":
		return "#773a87"
	default:
		return "#4d5e6a"
	}
}

// Badge is a small picture of two words.
type Badge struct {
	// Label may be empty: then there is the message alone.
	Label, Message string
	// Title is the whole sentence, for who does not see the picture.
	Title string
	// Ground and Color are behind label and message, as #rrggbb.
	Ground, Color string
	Style         BadgeStyle
}

const (
	badgePad  = 6  // left and right of each text
	badgeHigh = 20 // 18 in the plastic style
	badgeType = 11
)

// SVG draws the badge as a file that stands alone. Text is as wide as the table says, whatever font the reader has: textLength makes it so.
func (b Badge) SVG() []byte {
	high, radius := badgeHigh, 3
	switch b.Style {
	case BadgeSquare:
		radius = 0
	case BadgePlastic:
		high, radius = 18, 4
	}
	label, left := 0, 0
	if b.Label != "" {
		label = textWidth(b.Label)
		left = label + 2*badgePad
	}
	message := textWidth(b.Message)
	n := strconv.Itoa
	wide, h := n(left+message+2*badgePad), n(high)
	out := make([]byte, 0, 2048)
	out = append(out, `<svg xmlns="http://www.w3.org/2000/svg" width="`+wide+`" height="`+h+`" viewBox="0 0 `+wide+` `+h+`" role="img" aria-label="`+
		templ.EscapeString(b.Title)+`"><title>`+templ.EscapeString(b.Title)+`</title>`...)
	if b.Style == BadgePlastic {
		out = append(out, `<linearGradient id="s" x2="0" y2="100%"><stop offset="0" stop-color="#fff" stop-opacity=".2"/><stop offset=".5" stop-color="#fff" stop-opacity="0"/>`+
			`<stop offset="1" stop-color="#000" stop-opacity=".25"/></linearGradient>`...)
	}
	out = append(out, `<clipPath id="r"><rect width="`+wide+`" height="`+h+`" rx="`+n(radius)+`"/></clipPath><g clip-path="url(#r)">`...)
	if left > 0 {
		out = append(out, `<rect width="`+n(left)+`" height="`+h+`" fill="`+b.Ground+`"/>`...)
	}
	out = append(out, `<rect x="`+n(left)+`" width="`+n(message+2*badgePad)+`" height="`+h+`" fill="`+b.Color+`"/>`...)
	if b.Style == BadgePlastic {
		out = append(out, `<rect width="`+wide+`" height="`+h+`" fill="url(#s)"/>`...)
	}
	out = append(out, `</g><g font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="`+n(badgeType)+`" aria-hidden="true">`...)
	text := func(x, length int, ground, s string) {
		out = append(out, `<text x="`+n(x)+`" y="`+n(high/2+4)+`" fill="`+inkOn(ground)+`" textLength="`+n(length)+`" lengthAdjust="spacingAndGlyphs">`+templ.EscapeString(s)+`</text>`...)
	}
	if left > 0 {
		text(badgePad, label, b.Ground, b.Label)
	}
	text(left+badgePad, message, b.Color, b.Message)
	return append(out, "</g></svg>\n"...)
}

// inkOn is black or white, whichever has the greater contrast on the colour #rrggbb: 4.5 at least on every colour there is.
func inkOn(color string) string {
	c, _ := parseColour(color) // the caller's is one
	if white := (colour{1, 1, 1}); c.contrast(white) >= c.contrast(colour{}) {
		return "#fff"
	}
	return "#000"
}
