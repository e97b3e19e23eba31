package views

import (
	"context"
	"io"
	"time"

	"github.com/a-h/templ"
)

// The parts of a row that move are written by hand into one buffer: a list has 250 of them, and a stream draws five for every
// check that is made. Only the monitor's id and the cause's line are not constants of ours; they are escaped.

// part is one moving part, as a component.
func part(m LiveMonitor, draw func(out []byte, m LiveMonitor) []byte) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := w.Write(draw(make([]byte, 0, partBytes), m))
		return err
	})
}

// partBytes holds most parts without growing.
const partBytes = 512

// openPart begins a part's element with the name that app.js finds it by.
func openPart(out []byte, m LiveMonitor, class, name, more string) []byte {
	out = append(out, `<div class="`...)
	out = append(out, class...)
	out = append(out, `" data-live="`...)
	out = append(out, templ.EscapeString(m.PublicID)...)
	out = append(out, ':')
	out = append(out, name...)
	out = append(out, '"')
	out = append(out, more...)
	return append(out, '>')
}

// appendState draws a state's shape and word.
func appendState(out []byte, kind, word string, filled bool) []byte {
	out = append(out, `<span class="state `...)
	if filled {
		out = append(out, "filled "...)
	}
	out = append(out, kind...)
	out = append(out, `"><svg class="st" viewBox="0 0 16 16" aria-hidden="true"><use href="#s-`...)
	out = append(out, kind...)
	out = append(out, `"/></svg>`...)
	out = append(out, word...)
	return append(out, "</span>"...)
}

// appendMoment tells a moment as seen from now; the exact one is its title.
func appendMoment(out []byte, t, now time.Time, rel string) []byte {
	out = append(out, `<time datetime="`...)
	out = t.UTC().AppendFormat(out, machineForm)
	out = append(out, `" title="`...)
	out = t.UTC().AppendFormat(out, exactForm)
	out = append(out, `" data-rel="`...)
	out = append(out, rel...)
	out = append(out, `">`...)
	out = append(out, told(t, now, rel)...)
	return append(out, "</time>"...)
}

// liveState is the state's shape and word, with since when or for how long below.
func liveState(m LiveMonitor) templ.Component {
	return part(m, func(out []byte, m LiveMonitor) []byte {
		kind := m.Kind()
		out = openPart(out, m, "lv-state is-"+kind, "state", "")
		out = appendState(out, kind, kindWord(kind), kind == "down")
		out = append(out, `<div class="sub">`...)
		switch {
		case m.confirming() && kind != "degraded":
			out = append(out, "checking again"...)
		case kind == "pending":
			out = append(out, "first check now"...)
		case kind == "maintenance":
			out = append(out, "measured "...)
			out = append(out, templ.EscapeString(string(m.State))...)
		case m.Since.IsZero():
		case kind == "up":
			out = appendMoment(out, m.Since, m.Now, relFor)
		default:
			out = appendMoment(out, m.Since, m.Now, relSince)
		}
		return append(out, "</div></div>"...)
	})
}

// liveWhy is the line of cause, hidden when all is well.
func liveWhy(m LiveMonitor) templ.Component {
	return part(m, func(out []byte, m LiveMonitor) []byte {
		why := m.why()
		if why == "" {
			return append(openPart(out, m, "why", "why", " hidden"), "</div>"...)
		}
		out = openPart(out, m, m.whyClass(), "why", "")
		out = append(out, templ.EscapeString(why)...)
		return append(out, "</div>"...)
	})
}

// liveRTT is the last check's average, with the usual one where it is much above.
func liveRTT(m LiveMonitor) templ.Component {
	return part(m, func(out []byte, m LiveMonitor) []byte {
		out = openPart(out, m, "lv-rtt", "rtt", "")
		if !m.answered() {
			return append(out, `<span class="still">–</span></div>`...)
		}
		out = append(out, `<span class="rtt" data-testid="rtt">`...)
		out = append(out, milliseconds(m.rtt())...)
		out = append(out, `</span><span class="unit">ms</span>`...)
		if mid := m.slow(); mid > 0 {
			out = append(out, `<div class="sub">usual `...)
			out = append(out, milliseconds(mid)...)
			out = append(out, "</div>"...)
		}
		return append(out, "</div>"...)
	})
}

// liveLoss is the last check's loss.
func liveLoss(m LiveMonitor) templ.Component {
	return part(m, func(out []byte, m LiveMonitor) []byte {
		out = openPart(out, m, m.lossClass(), "loss", "")
		loss, ok := m.loss()
		if !ok {
			return append(out, `<span class="still">–</span></div>`...)
		}
		out = append(out, percent(loss)...)
		return append(out, `<span class="unit">%</span></div>`...)
	})
}

// liveBeat is the bar of the last checks.
func liveBeat(m LiveMonitor) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		out := openPart(make([]byte, 0, barBytes), m, "lv-beat", "beat", "")
		if len(m.Beats) == 0 {
			out = append(out, `<span class="still">no checks yet</span>`...)
		} else {
			out = appendBar(out, m.Beats)
		}
		_, err := w.Write(append(out, "</div>"...))
		return err
	})
}
