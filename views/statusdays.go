package views

import (
	"math"
	"strconv"
	"strings"
	"time"

	"echolot/models"

	"github.com/a-h/templ"
)

// The bar of days in units of its viewBox: each day has five, and three between it and the next. What was bad hangs from the top.
const (
	dayWidth, dayStride, dayHeight = 5, 8, 30
	dotHeight                      = 3 // of a day that was not measured
	leastBad                       = 5 // a minute's outage is seen too
	leastMaintenance               = 3
	cutHeight                      = 2 // between what was bad and what was fine, so that colour is not all that tells
	// leastGap is the share of a day that has to be missing to be drawn: a restart of ours is in the words only.
	leastGap = 0.01
)

// dayKinds are what hangs in a day, from the top, and its class.
var dayKinds = [...]struct {
	class string
	of    func(models.StatusDay) time.Duration
	least int
}{
	{"d-maint", func(d models.StatusDay) time.Duration { return d.Maintenance }, leastMaintenance},
	{"d-down", func(d models.StatusDay) time.Duration { return d.Down }, leastBad},
	{"d-deg", func(d models.StatusDay) time.Duration { return d.Degraded }, leastBad},
}

// dayBars draws the days. Runs of days that were up, and of those that were not measured, are dashed lines: a bar for each would be a
// hundred kilobytes on a page of fifty components.
func dayBars(days []models.StatusDay) templ.Component {
	paths := map[string]*strings.Builder{}
	draw := func(class, d string) {
		if paths[class] == nil {
			paths[class] = new(strings.Builder)
		}
		paths[class].WriteString(d)
	}
	runFrom, runClass := 0, ""
	endRun := func(at int) {
		if runClass != "" {
			y := dayHeight / 2
			form := "M" + strconv.Itoa(runFrom*dayStride) + " "
			if runClass == "r-none" {
				form += strconv.Itoa(dayHeight-2) + ".5"
			} else {
				form += strconv.Itoa(y)
			}
			draw(runClass, form+"h"+strconv.Itoa((at-runFrom)*dayStride-(dayStride-dayWidth)))
		}
		runClass = ""
	}
	for i, d := range days {
		class := ""
		switch {
		case d.Measured()+d.Maintenance <= 0:
			class = "r-none"
		case d.Down+d.Degraded+d.Maintenance == 0 && missing(d) < leastGap:
			class = "r-up"
		}
		if class != runClass {
			endRun(i)
			runFrom, runClass = i, class
		}
		if class == "" {
			drawDay(i, d, draw)
		}
	}
	endRun(len(days))
	var b strings.Builder
	b.WriteString(`<svg class="days" viewBox="0 0 717 30" preserveAspectRatio="none" aria-hidden="true">`)
	for _, class := range [...]string{"r-up", "r-none", "d-up", "d-deg", "d-down", "d-maint", "d-none"} {
		if p := paths[class]; p != nil {
			b.WriteString(`<path class="` + class + `" d="` + p.String() + `"/>`)
		}
	}
	b.WriteString(`</svg>`)
	return pieces(b.String())
}

// missing is the share of the day that was not measured.
func missing(d models.StatusDay) float64 {
	if d.Length <= 0 {
		return 0
	}
	return float64(d.NotMeasured()) / float64(d.Length)
}

// drawDay draws a day with something to tell: a bar that is as high as the measured part of it is long, in which hangs from its top what
// was announced, down and degraded, above what was up. Where a part was not measured, a grey line tells where the bar would end.
func drawDay(i int, d models.StatusDay, draw func(class, d string)) {
	height := dayHeight
	if gap := missing(d); gap >= leastGap {
		height -= min(max(int(math.Round(gap*dayHeight)), leastBad), dayHeight-2*leastBad)
		draw("d-none", rectangle(i*dayStride, 0, 2))
	}
	known := float64(d.Measured() + d.Maintenance)
	var heights [len(dayKinds)]int
	used, last := 0, -1
	for k, kind := range dayKinds {
		if of := kind.of(d); of > 0 {
			heights[k] = max(kind.least, int(math.Round(float64(of)/known*float64(height))))
			used += heights[k] + cutHeight
			last = k
		}
	}
	// What was up keeps a foot; without any, what hangs reaches the end.
	room := height - used
	if d.Up == 0 && last >= 0 {
		room += cutHeight
		heights[last] += room
	} else if room < dotHeight {
		tallest := 0
		for k := range heights {
			if heights[k] > heights[tallest] {
				tallest = k
			}
		}
		heights[tallest] -= dotHeight - room
	}
	y := dayHeight - height
	for k, kind := range dayKinds {
		if heights[k] > 0 {
			draw(kind.class, rectangle(i*dayStride, y, heights[k]))
			y += heights[k] + cutHeight
		}
	}
	if d.Up > 0 {
		draw("d-up", rectangle(i*dayStride, y, dayHeight-y))
	}
}

func rectangle(x, y, height int) string {
	h := strconv.Itoa(height)
	return "M" + strconv.Itoa(x) + " " + strconv.Itoa(y) + "h5v" + h + "h-5z"
}

// uptimeText is the uptime, cut to two decimals, and what there is to know of it.
func (p StatusPage) uptimeText(c models.StatusComponent) (share, rest string) {
	percent := c.Uptime.Percent(2)
	switch {
	case c.State == models.StatePending && percent == "", percent != "" && c.Uptime.Measured() < time.Second:
		return p.T("not measured yet"), ""
	case percent == "":
		return p.T("not measured"), ""
	}
	share = p.T("%s up", p.decimal(percent)+nbsp+"%")
	measured, whole, lead := 0, 0, 0
	for _, d := range c.Days {
		if d.Measured()+d.Maintenance > 0 {
			measured++
			whole += lead
			lead = 0
		} else if measured > 0 {
			lead++
		}
	}
	whole += lead
	switch gap := c.Uptime.NotMeasured(); {
	case measured+whole < len(c.Days):
		switch known := c.Uptime.Measured(); {
		case known < time.Hour:
			return share, " " + p.T("of %s measured", p.Span(known))
		case known < 48*time.Hour:
			return share, " " + p.T("of %s measured", number(int(known/time.Hour))+nbsp+"h")
		}
		return share, " " + p.T("of %d days measured", measured)
	case whole > 0:
		return share, ", " + p.N(whole, "one day not measured", "%d days not measured")
	case gap >= time.Hour:
		return share, ", " + p.T("%s not measured", p.Span(gap.Truncate(time.Hour)))
	}
	return share, ""
}

// decimal is the figure with the language's decimal mark.
func (p StatusPage) decimal(figure string) string {
	if p.Language == "de" {
		return strings.Replace(figure, ".", ",", 1)
	}
	return figure
}

// dayText is a day of a bar in words.
type dayText struct {
	// Day is its place in the bar.
	Day  int
	Text string
}

// badDays are the days that were not up all the time, in words, newest first: for whoever does not see the bar.
func (p StatusPage) badDays(c models.StatusComponent) []dayText {
	var list []dayText
	for i := len(c.Days) - 1; i >= 0; i-- {
		d := c.Days[i]
		var parts []string
		for _, kind := range [...]struct {
			key string
			of  time.Duration
		}{{"down %s", d.Down}, {"degraded %s", d.Degraded}, {"maintenance %s", d.Maintenance}} {
			if kind.of > 0 {
				parts = append(parts, p.T(kind.key, p.Span(kind.of)))
			}
		}
		if missing(d) >= leastGap && d.Measured()+d.Maintenance > 0 {
			parts = append(parts, p.T("not measured %s", p.Span(d.NotMeasured())))
		}
		if len(parts) > 0 {
			list = append(list, dayText{i, p.Day(d.Start) + ": " + strings.Join(parts, ", ")})
		}
	}
	return list
}
