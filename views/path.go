package views

import (
	"slices"
	"time"

	"echolot/models"
)

// PathPanel is the part of a monitor's page that shows the way to its target.
type PathPanel struct {
	// Before and After are what is compared: the last healthy trace and the newest one. After is nil before the first trace,
	// Before where there is nothing to compare with.
	Before, After *models.Trace
	// Action is where "Trace again" goes; empty for who may not ask.
	Action, CSRF string
	// Now is when this is drawn.
	Now time.Time
}

// pathRow is one hop of two traces.
type pathRow struct {
	// Hop is the TTL, or "4–8" for what is folded.
	Hop string
	// Mark is the sentence over the hop where the loss starts; empty elsewhere.
	Mark          string
	Before, After pathHop
	// Moved is true where somebody else answers than before.
	Moved bool
}

// pathHop is one hop of one trace as it is written.
type pathHop struct {
	Who, RTT, Loss string
	// Lossy is true where the loss goes on to the end.
	Lossy bool
}

// pathRows lays two traces side by side; before may be nil. Silence at the end of the second one is one row, below the
// hops that there were before.
func pathRows(before, now *models.Trace) []pathRow {
	starts, mark := lossStart(now)
	n := len(now.Hops)
	silent := starts < n && mark != "" && now.Hops[starts].Cause == models.CauseNone && !now.Reached
	if silent {
		n = starts + 1
	}
	if before != nil && n <= len(before.Hops) {
		n = len(before.Hops)
		if silent && n < len(now.Hops) {
			n++ // what is folded stands for hops that were not there before
		}
	}
	rows := make([]pathRow, n)
	for i := range rows {
		r := &rows[i]
		r.Hop = number(i + 1)
		was, is := hopAt(before, i), hopAt(now, i)
		r.Before, r.After = newPathHop(was), newPathHop(is)
		r.Moved = was != nil && is != nil && len(was.Addresses) > 0 && len(is.Addresses) > 0 && !overlap(was.Addresses, is.Addresses)
		r.After.Lossy = is != nil && i >= starts && is.Lost > 0
		if i == starts {
			r.Mark = mark
			if r.Moved {
				r.Mark = "Loss starts here: hop " + r.Hop + " changed from " + was.Addresses[0] + " to " + is.Addresses[0]
			}
		}
	}
	if last := len(now.Hops); last > n && n > 0 {
		rows[n-1].Hop = number(n) + "–" + number(last)
	}
	return rows
}

// lossStart is the index of the first hop from which on echo requests are lost to the end, and what to say there; past the end
// where none are. Loss at a hop in between that does not go on is a router's that answers seldom.
func lossStart(t *models.Trace) (at int, mark string) {
	n := len(t.Hops)
	if n == 0 {
		return 0, ""
	}
	if last := t.Hops[n-1]; last.Cause != models.CauseNone {
		who := ""
		if len(last.Addresses) > 0 {
			who = last.Addresses[0]
		}
		return n - 1, "The way ends here: " + CauseText(last.Cause, who, 0, 0)
	}
	at = n
	for at > 0 && t.Hops[at-1].Lost > 0 {
		at--
	}
	switch {
	case at == n:
		return n, ""
	case t.Reached:
		return at, "Loss starts here"
	}
	for at < n && len(t.Hops[at].Addresses) > 0 {
		at++ // it answered, if not always
	}
	for i := at; i < n; i++ {
		if len(t.Hops[i].Addresses) > 0 {
			at = i + 1
		}
	}
	switch {
	case at >= n:
		return n, ""
	case at == 0:
		return 0, "Nobody answers, from the first hop on"
	case len(t.Hops[at-1].Addresses) == 0:
		return at, "Nobody answers from here on"
	}
	return at, "Nobody answers past hop " + number(at) + ", " + t.Hops[at-1].Addresses[0]
}

func hopAt(t *models.Trace, i int) *models.Hop {
	if t == nil || i >= len(t.Hops) {
		return nil
	}
	return &t.Hops[i]
}

func newPathHop(h *models.Hop) pathHop {
	switch {
	case h == nil:
		return pathHop{}
	case h.Sent == 0:
		return pathHop{Who: "not asked"}
	case len(h.Addresses) == 0:
		return pathHop{Who: "no answer", Loss: "100" + nbsp + "%"}
	}
	p := pathHop{Who: h.Addresses[0], Loss: percent(100*float64(h.Lost)/float64(h.Sent)) + nbsp + "%"}
	if more := len(h.Addresses) - 1; more > 0 {
		p.Who += " +" + number(more)
	}
	if len(h.RTTs) > 0 {
		sorted := slices.Sorted(slices.Values(h.RTTs))
		p.RTT = milliseconds(time.Duration(sorted[len(sorted)/2]) * time.Microsecond)
	}
	return p
}

// overlap tells whether two lists have anything in common.
func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// pathWord says what a trace found, or why it was taken.
func pathWord(t *models.Trace) string {
	switch {
	case len(t.Hops) == 0:
		return "nothing could be asked"
	case t.Reached:
		return "answered at hop " + number(len(t.Hops))
	default:
		return "not answered"
	}
}

func (h pathHop) lossClass() string {
	if h.Lossy {
		return "num loss-c lossy"
	}
	return "num loss-c dim"
}

func (r pathRow) nowClass() string {
	if r.Moved {
		return "now mono moved"
	}
	return "now mono"
}

func (r pathRow) class() string {
	if r.Mark != "" {
		return "from-here"
	}
	return ""
}

func pathColumns(before *models.Trace) string {
	if before == nil {
		return "4"
	}
	return "6"
}

// pathTime is what stands before the time of the newer trace: what a failure's trace found is not so any more once all is well.
func pathTime(t *models.Trace) string {
	if t.Kind == models.TraceFailure {
		return "At the failure, "
	}
	return "Now, "
}
