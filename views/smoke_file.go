package views

import (
	"strconv"

	"github.com/a-h/templ"
)

// SmokeFile draws the chart as an SVG file that stands alone: its colours are attributes, so that it needs no style and shows in
// a mail as in a page. Width is one of SmokeWidths, theme "light" or "dark", name the monitor's.
func SmokeFile(s Smoke, name string, width int, theme string) []byte {
	d, paint := newDrawing(s), fileBrush(theme)
	w, h := strconv.Itoa(width), strconv.Itoa(smokeHeight(width))
	out := make([]byte, 0, 32<<10)
	out = append(out, `<svg xmlns="http://www.w3.org/2000/svg" width="`+w+`" height="`+h+`" viewBox="0 0 `+w+` `+h+`" role="img" font-family="system-ui, sans-serif" font-size="11"><title>`...)
	out = append(out, templ.EscapeString(name+". "+d.title())...)
	out = append(out, "</title><desc>"...)
	out = append(out, templ.EscapeString(d.description())...)
	out = append(out, `</desc><rect width="`+w+`" height="`+h+`"`...)
	out = paint(out, "paper")
	out = append(out, "/>"...)
	out = d.appendTo(out, width, paint)
	return append(out, "</svg>\n"...)
}
