package views

import "strings"

// brush adds to an element how a part of the chart looks. In a page that is a class, since the style sheet knows both themes
// and the policy allows no style of an element's own; in a file that stands alone it is attributes.
type brush func(out []byte, part string) []byte

func classBrush(out []byte, part string) []byte {
	out = append(out, ` class="`...)
	out = append(out, part...)
	return append(out, '"')
}

// fileBrush paints for a file in a theme: "dark", or anything else for light.
func fileBrush(theme string) brush {
	return func(out []byte, part string) []byte {
		for attribute := range strings.FieldsSeq(partLook(part)) {
			name, value, _ := strings.Cut(attribute, ":")
			if token, ok := strings.CutPrefix(value, "--"); ok {
				value = tone(theme, token)
			}
			out = append(out, ' ')
			out = append(out, name...)
			out = append(out, `="`...)
			out = append(out, strings.ReplaceAll(value, "_", " ")...)
			out = append(out, '"')
		}
		return out
	}
}

// partLook is what app.css says of a part, as attributes of SVG: name:value, where a value --x is the token of that name.
func partLook(part string) string {
	const thin, bold = "stroke-width:1 fill:none ", " font-weight:600"
	switch part {
	case "paper":
		return "fill:--surface"
	case "grid":
		return thin + "shape-rendering:crispEdges stroke:--grid"
	case "base":
		return thin + "shape-rendering:crispEdges stroke:--line-2"
	case "b1":
		return "fill:--smoke-1"
	case "b2":
		return "fill:--smoke-2"
	case "m m0":
		return medianLook("1.6", "--loss-0")
	case "m m1":
		return medianLook("2.2", "--loss-1")
	case "m m2":
		return medianLook("2.6", "--loss-2")
	case "m m3":
		return medianLook("3", "--loss-3")
	case "m m4":
		return medianLook("3.4", "--loss-4")
	case "l1", "l2", "l3", "l4":
		return "fill:--loss-" + part[1:]
	case "maint":
		return "fill:--maint-soft"
	case "maint-edge":
		return thin + "stroke-dasharray:3_3 stroke:--maint-mark"
	case "maint-t":
		return "fill:--maint"
	case "gap-edge", "hatch-line":
		return thin + "stroke:--line-2"
	case "gap-t", "strip-t":
		return "fill:--ink-3"
	case "flag":
		return thin + "stroke:--down-mark"
	case "flag-cloth":
		return "fill:--down-mark"
	case "flag-t":
		return "fill:--down" + bold
	case "flag warn":
		return thin + "stroke:--degraded-mark"
	case "flag-cloth warn":
		return "fill:--degraded-mark"
	case "flag-t warn":
		return "fill:--degraded" + bold
	case "note":
		return thin + "stroke-dasharray:1_3 stroke:--ink-3"
	case "note-t":
		return "fill:--ink-2"
	case "limit":
		return thin + "stroke-dasharray:5_4 stroke:--degraded-mark"
	case "limit-t":
		return "fill:--degraded"
	case "day-t":
		return "fill:--ink" + bold
	default: // texts of the axes
		return "fill:--axis"
	}
}

func medianLook(width, token string) string {
	return "fill:none stroke-linecap:round stroke-linejoin:round stroke-width:" + width + " stroke:" + token
}

// tone is the colour of a token of app.css in a theme. A test holds the two together.
func tone(theme, token string) string {
	day, night := tones(token)
	if theme == "dark" {
		return night
	}
	return day
}

func tones(token string) (day, night string) {
	switch token {
	case "surface":
		return "#ffffff", "#111a1f"
	case "line-2":
		return "#c5d0d5", "#31424b"
	case "ink":
		return "#0f1f29", "#e4ecef"
	case "ink-2":
		return "#41525d", "#aebdc5"
	case "degraded":
		return "#875200", "#e5ae4a"
	case "degraded-mark":
		return "#bc7a00", "#d29a33"
	case "down":
		return "#b02a18", "#ff8a75"
	case "down-mark":
		return "#c9341f", "#e5533b"
	case "maint":
		return "#773a87", "#d3a2e0"
	case "maint-mark":
		return "#8f4fa0", "#b274c4"
	case "maint-soft":
		return "#f7eef9", "#1e1a26"
	case "smoke-1":
		return "#dbe4e7", "#1f2e35"
	case "smoke-2":
		return "#b9cad0", "#354b55"
	case "loss-0":
		return "#0a6b72", "#4fc0c6"
	case "loss-1":
		return "#bc7a00", "#e0a83f"
	case "loss-2":
		return "#d0600f", "#f08a3c"
	case "loss-3":
		return "#c9341f", "#f2614a"
	case "loss-4":
		return "#7d1128", "#ff9bb0"
	case "grid":
		return "#e8eef0", "#1b272d"
	default: // axis, ink-3
		return "#566771", "#8da0aa"
	}
}
