package views

import (
	"context"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/a-h/templ"
)

// ChartPanel is the panel with the chart on a monitor's page. HTMX swaps it whole.
type ChartPanel struct {
	Smoke
	// PublicID is the monitor's.
	PublicID string
	// Range is one of ChartRanges where the span is that of a name, else empty.
	Range string
	// Live is true where the range ends now: then the chart moves with the checks.
	Live bool
	// Now is when this is drawn.
	Now time.Time
	// TZ is the zone that the address asks for; empty where the reader's choice rules.
	TZ string
}

// ChartRange is a span of the chart that has a name.
type ChartRange struct {
	Name, Word string
	Span       time.Duration
}

// ChartRanges are the spans that the panel offers, shortest first.
func ChartRanges() []ChartRange {
	return []ChartRange{{"hour", "Hour", time.Hour}, {"day", "Day", dayTime}, {"week", "Week", 7 * dayTime}, {"month", "Month", 30 * dayTime}, {"year", "Year", 365 * dayTime}}
}

// rangeURL is the page with the named range, up to now.
func (p ChartPanel) rangeURL(name string) string {
	return p.url(url.Values{"range": {name}})
}

func (p ChartPanel) url(q url.Values) string {
	if p.TZ != "" {
		q.Set("tz", p.TZ)
	}
	return "/monitors/" + p.PublicID + "?" + q.Encode()
}

// shiftedURL is the page with the range beside this one, before or after; of what would end after now it is the one up to now.
func (p ChartPanel) shiftedURL(steps int) string {
	span := p.Series.To.Sub(p.Series.From)
	from, to := p.Series.From.Add(time.Duration(steps)*span), p.Series.To.Add(time.Duration(steps)*span)
	if p.Range == "" {
		return p.url(url.Values{"start": {urlTime(from)}, "end": {urlTime(to)}})
	}
	if !to.Before(p.Now) {
		return p.rangeURL(p.Range)
	}
	return p.url(url.Values{"range": {p.Range}, "end": {urlTime(to)}})
}

// urlTime writes a time of an address: the API's form, to the second.
func urlTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// exact is the query that names this very range, for files.
func (p ChartPanel) exact() url.Values {
	return url.Values{"start": {urlTime(p.Series.From)}, "end": {urlTime(p.Series.To)}}
}

func (p ChartPanel) svgURL() string {
	q := p.exact()
	if p.zone() != time.UTC {
		q.Set("tz", p.zone().String())
	}
	return "/monitors/" + p.PublicID + "/chart.svg?" + q.Encode()
}

func (p ChartPanel) csvURL() string {
	return "/api/icmp-monitors/" + p.PublicID + "/export.csv?" + p.exact().Encode()
}

func (p ChartPanel) jsonURL() string {
	return "/api/icmp-monitors/" + p.PublicID + "/export.json?" + p.exact().Encode()
}

// SmokePicture is the chart alone, for a page that has its own words around it.
func SmokePicture(s Smoke) templ.Component { return newDrawing(s).smokes("") }

// smokes draws the chart at all widths; the style sheet shows one. Whoever can not see it is told also where its figures stand.
func (d drawing) smokes(also string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		out := make([]byte, 0, 64<<10)
		label := templ.EscapeString(d.title() + ". " + d.description() + also)
		for _, width := range SmokeWidths {
			f := newSmokeFrame(width, d.Smoke, d.scale)
			out = append(out, `<svg class="smoke w-`...)
			out = strconv.AppendInt(out, int64(width), 10)
			out = append(out, `" viewBox="0 0 `...)
			out = strconv.AppendInt(out, int64(width), 10)
			out = append(out, ' ')
			out = strconv.AppendInt(out, int64(f.height), 10)
			out = append(out, `" role="img" data-frame="`...)
			for _, n := range [...]int{f.left, f.right, smokeTop, f.floor(), f.bottom()} {
				out = strconv.AppendInt(out, int64(n), 10)
				out = append(out, ' ')
			}
			out = append(out[:len(out)-1], `" aria-label="`...)
			out = append(out, label...)
			out = append(out, `">`...)
			out = d.appendTo(out, width, classBrush)
			out = append(out, "</svg>"...)
		}
		_, err := w.Write(out)
		return err
	})
}

// belowChart is what the chart's description adds where chartTable follows.
const belowChart = " The same figures are in the table below."

func millis(t time.Time) string       { return strconv.FormatInt(t.UnixMilli(), 10) }
func millisOf(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
func microsOf(d time.Duration) string { return strconv.FormatFloat(float64(d)/1000, 'f', -1, 64) }
