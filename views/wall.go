package views

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"echolot/models"
)

// WallPage is the overview: every monitor as one line, an hour long.
type WallPage struct {
	Page
	Counters Counters
	Groups   []WallGroup
	// Worst are the monitors in trouble, worst first; the list is cut.
	Worst []WorstRow
	// Cut is how many monitors are not shown since there are too many.
	Cut int
	// Now is the right edge of the lines.
	Now time.Time
}

// WallGroup are the monitors of one customer, in the order in which they were added.
type WallGroup struct {
	PublicID, Name string
	Lines          []models.WallLine
}

// WorstRow is a monitor in trouble beside the wall.
type WorstRow struct {
	Live           LiveMonitor
	Name, Customer string
	Minutes        [models.WallMinutes]models.Minute
}

// LineText is what the readout says of the monitor under the wall's cursor. It is what the script asks for.
type LineText struct {
	PublicID string `json:"id"`
	Name     string `json:"name"`
	Hostname string `json:"host"`
	// Kind is the state as lists show it, Word its word.
	Kind string `json:"kind"`
	Word string `json:"word"`
	// Since is when the state began, in milliseconds since 1970, 0 where that says nothing; Why its cause, empty when all is well.
	Since int64  `json:"since"`
	Why   string `json:"why"`
}

// NewLineText tells of a monitor.
func NewLineText(m LiveMonitor, name, hostname string) LineText {
	t := LineText{PublicID: m.PublicID, Name: name, Hostname: hostname, Kind: m.Kind(), Word: kindWord(m.Kind()), Why: m.why()}
	if !m.Since.IsZero() && t.Kind != "pending" && t.Kind != "maintenance" {
		t.Since = m.Since.UnixMilli()
	}
	return t
}

// The wall's measures, in units of its viewBox: one unit is a minute, three lines stand abreast.
const (
	wallAbreast = 3
	wallPitch   = 5
	wallLine    = 4
	wallApart   = 6
	wallWide    = wallAbreast*models.WallMinutes + (wallAbreast-1)*wallApart
)

// of counts the group's monitors in a state, as lists show it.
func (g WallGroup) of(rank int) int {
	n := 0
	for _, l := range g.Lines {
		if l.Rank == rank {
			n++
		}
	}
	return n
}

// calm is true where nobody has to look: on a phone the group folds to its name, and opens again.
func (g WallGroup) calm() bool { return g.troubled() == "" }

// Ranks of what the wall leads to: see models.Rank.
const (
	rankDown     = 0
	rankDegraded = 1
	rankUnknown  = 2
)

// troubled are the places of the lines in trouble, for the key that leads from one to the next.
func (g WallGroup) troubled() string {
	var b []byte
	for i, l := range g.Lines {
		if l.Rank <= rankUnknown {
			if b != nil {
				b = append(b, ' ')
			}
			b = strconv.AppendInt(b, int64(i), 10)
		}
	}
	return string(b)
}

func (g WallGroup) class() string {
	if g.calm() {
		return "grp calm"
	}
	return "grp"
}

// wallPens are one path for each look of a minute.
type wallPens struct{ up, slow, loss, down, unknown, maint, off []byte }

// run adds a stretch of minutes. A stroke takes half the bytes of a box, and a wall has ten thousand of them.
func run(d []byte, x, y2, minutes int) []byte {
	d = append(d, 'M')
	d = strconv.AppendInt(d, int64(x), 10)
	d = append(d, ' ')
	d = strconv.AppendInt(d, int64(y2/2), 10)
	if y2%2 == 1 {
		d = append(d, '.', '5')
	}
	d = append(d, 'h')
	return strconv.AppendInt(d, int64(minutes), 10)
}

// line draws one monitor with its upper left corner at x, y.
func (w *wallPens) line(x, y int, l models.WallLine) {
	m := l.Minutes
	for i := 0; i < len(m); {
		end := i + 1
		for end < len(m) && m[end].Kind() == m[i].Kind() {
			end++
		}
		at, n := x+i, end-i
		switch m[i].Kind() {
		case models.MinuteUp:
			w.up = run(w.up, at, 2*y+4, n)
		case models.MinuteSlow:
			w.slow = run(w.slow, at, 2*y+4, n)
		case models.MinuteLoss:
			w.up = run(w.up, at, 2*y+4, n)
			w.loss = run(w.loss, at, 2*y+2, n)
		case models.MinuteDown:
			w.down = run(w.down, at, 2*y+4, n)
		case models.MinuteUnknown:
			w.unknown = run(w.unknown, at, 2*y+4, n)
		default:
			if l.Status == models.StatusDisabled {
				w.off = run(w.off, at, 2*y+5, n)
			} else if l.State != models.StatePending && (i > 0 || end == len(m)) {
				// Checked once, but not now. What is before the first check of the hour may be before the monitor.
				w.unknown = run(w.unknown, at, 2*y+4, n)
			}
		}
		i = end
	}
	for i := 0; i < len(m); i++ {
		if first := i; m[i].Maintenance() {
			for i+1 < len(m) && m[i+1].Maintenance() {
				i++
			}
			w.maint = run(w.maint, x+first, 2*y+7, i-first+1)
		}
	}
}

func (w *wallPens) appendTo(out []byte) []byte {
	for _, p := range [...]struct {
		class string
		d     []byte
	}{{"w-off", w.off}, {"w-up", w.up}, {"w-slow", w.slow}, {"w-unk", w.unknown}, {"w-maint", w.maint}, {"w-loss", w.loss}, {"w-down", w.down}} {
		if len(p.d) > 0 {
			out = append(out, `<path class="`...)
			out = append(out, p.class...)
			out = append(out, `" d="`...)
			out = append(out, p.d...)
			out = append(out, `"/>`...)
		}
	}
	return out
}

// strips draws the group's lines: place i stands in column i modulo 3.
func (g WallGroup) strips() templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var pens wallPens
		for i, l := range g.Lines {
			pens.line(i%wallAbreast*(models.WallMinutes+wallApart), i/wallAbreast*wallPitch, l)
		}
		rows := (len(g.Lines) + wallAbreast - 1) / wallAbreast
		out := make([]byte, 0, 512+24*len(g.Lines))
		out = append(out, `<svg class="strips" viewBox="0 0 `...)
		out = strconv.AppendInt(out, wallWide, 10)
		out = append(out, ' ')
		out = strconv.AppendInt(out, int64(max(rows*wallPitch-1, wallLine)), 10)
		out = append(out, `" data-strips="`...)
		out = append(out, templ.EscapeString(g.PublicID)...)
		out = append(out, `" data-lines="`...)
		out = strconv.AppendInt(out, int64(len(g.Lines)), 10)
		if t := g.troubled(); t != "" {
			out = append(out, `" data-trouble="`...)
			out = append(out, t...)
		}
		out = append(out, `" role="img" aria-label="`...)
		out = append(out, templ.EscapeString(g.Name+": "+count(len(g.Lines), "monitor", "monitors")+", last 60 minutes")...)
		out = append(out, `">`...)
		out = pens.appendTo(out)
		out = append(out, "</svg>"...)
		_, err := w.Write(out)
		return err
	})
}

// hourStrip is one line drawn large.
func hourStrip(class string, l models.WallLine) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var pens wallPens
		pens.line(0, 0, l)
		out := append([]byte(`<svg class="`), class...)
		out = append(out, `" viewBox="0 0 60 4" preserveAspectRatio="none" aria-hidden="true">`...)
		_, err := w.Write(append(pens.appendTo(out), "</svg>"...))
		return err
	})
}

// minutesLike is a line for the legend: up, with some minutes of a kind.
func minutesLike(kind models.Minute, from, to int) models.WallLine {
	l := models.WallLine{State: models.StateUp}
	for i := range l.Minutes {
		l.Minutes[i] = models.MinuteUp
		if i >= from && i < to {
			l.Minutes[i] = kind
		}
	}
	return l
}

// pausedLine is a paused line for the legend.
func pausedLine() models.WallLine { return models.WallLine{Status: models.StatusDisabled} }

// line is the worst row's hour.
func (r WorstRow) line() models.WallLine {
	return models.WallLine{Status: r.Live.Status, State: r.Live.State, Minutes: r.Minutes}
}

// total is how many monitors are on the wall.
func (p WallPage) total() int {
	n := 0
	for _, g := range p.Groups {
		n += len(g.Lines)
	}
	return n
}

// troubles is how many monitors are in trouble.
func (p WallPage) troubles() int { return p.Counters.Down + p.Counters.Degraded + p.Counters.Unknown }
