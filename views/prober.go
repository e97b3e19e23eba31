package views

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"echolot/models"
)

// ProberPage is how the prober itself fares.
type ProberPage struct {
	Page
	// Beat is its last heartbeat; a zero SeenAt means that there was none yet.
	Beat models.Heartbeat
	// Alive is false where the last heartbeat is too old.
	Alive bool
	// Here is true where this process itself probes: Beat.Figures.Storage is then of this moment, the rest as old as Beat.
	Here bool
	Now  time.Time
}

// reported tells whether there is anything to show.
func (p ProberPage) reported() bool { return !p.Beat.SeenAt.IsZero() }

func (p ProberPage) figures() models.ProberFigures { return p.Beat.Figures }

// state is the shape and the word for the whole of it. What can not measure is unknown, never down.
func (p ProberPage) state() (kind, word string) {
	switch {
	case !p.Alive && !p.cutOff():
		return "unknown", "Silent"
	case !p.Beat.CanPing():
		return "unknown", "May not ping"
	case p.figures().Blind != nil:
		return "unknown", "Blind"
	default:
		return "up", "Probing"
	}
}

// cutOff is true where the prober works, but its heartbeat does not get through to the database.
func (p ProberPage) cutOff() bool { return !p.Alive && p.Here && p.figures().Storage.Failing }

// share writes a part of a whole in per cent with two decimals. It cuts: only all of it is 100.
func share(part, whole int64) string {
	if whole <= 0 {
		return "–"
	}
	hundredths := part / whole * 10_000
	hundredths += part % whole * 10_000 / whole
	text := strconv.FormatInt(hundredths/100, 10)
	if rest := hundredths % 100; rest > 0 {
		text += "." + strconv.FormatInt(100+rest, 10)[1:]
	}
	return text + nbsp + "%"
}

// onTime is the promise and how far it is kept, of the last hour or so.
func onTime(p models.Punctuality) string {
	if p.Checks == 0 {
		return "No check has begun yet."
	}
	return share(p.OnTime, p.Checks) + " of checks started within " + strconv.FormatInt(models.OnTime.Milliseconds(), 10) + nbsp + "ms of their slot"
}

// over says what a share is of.
func (p ProberPage) over() string {
	f := p.figures()
	if f.Ever.Checks == 0 {
		return ""
	}
	text := count(f.Lately.Checks, "check", "checks") + " in the last " + Span(p.Beat.SeenAt.Sub(f.Lately.Since))
	if !f.Ever.Since.Equal(f.Lately.Since) {
		text += "; " + share(f.Ever.OnTime, f.Ever.Checks) + " of " + count(f.Ever.Checks, "check", "checks") + " in the " +
			Span(p.Beat.SeenAt.Sub(f.Ever.Since)) + " since the start"
	}
	return text
}

// fact is one figure of the panel: a label, a value with its unit, and a line below; any but the label may be empty.
type fact struct{ Label, Value, Unit, Fine string }

func (p ProberPage) facts() []fact {
	f := p.figures()
	late := func(label string, lately, ever time.Duration) fact {
		if f.Ever.Checks == 0 {
			return fact{Label: label}
		}
		if f.Lately.Checks == 0 {
			return fact{Label: label, Fine: "since the start " + fine(ever)}
		}
		value, unit := exact(lately)
		return fact{label, value, unit, "since the start " + fine(ever)}
	}
	spared := fact{Label: "Kept out of RTTs, p50 · p99", Fine: "needs kernel stamps"}
	if e := f.Engine; e.ErrorCount > 0 {
		spared = fact{spared.Label, fine(e.ErrorP50) + " · " + fine(e.ErrorP99), "", "what they would be wrong by without the kernel’s stamps"}
	}
	return []fact{
		late("Lateness, p50", f.Lately.P50, f.Ever.P50), late("Lateness, p99", f.Lately.P99, f.Ever.P99), spared,
		{Label: "Checks in flight", Value: thousands(int64(p.Beat.InFlight))}, {Label: "Monitors", Value: thousands(int64(p.Beat.Monitors))},
		{Label: "Results waiting", Value: thousands(f.Storage.Waiting + f.Storage.SpoolResults)},
	}
}

// exact writes a duration in the unit that shows it best: µs below one millisecond, ms below a second, else s.
func exact(d time.Duration) (value, unit string) {
	decimals := func(v float64) string {
		switch {
		case v >= 100:
			return strconv.FormatFloat(v, 'f', 0, 64)
		case v >= 10:
			return strconv.FormatFloat(v, 'f', 1, 64)
		}
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	switch {
	case d < time.Millisecond:
		if us := float64(d) / float64(time.Microsecond); us < 10 && us > 0 {
			return strconv.FormatFloat(us, 'f', 1, 64), "µs"
		}
		return strconv.FormatInt(d.Microseconds(), 10), "µs"
	case d < time.Second:
		return decimals(float64(d) / float64(time.Millisecond)), "ms"
	default:
		return decimals(d.Seconds()), "s"
	}
}

// fine is exact in one text.
func fine(d time.Duration) string {
	value, unit := exact(d)
	return value + nbsp + unit
}

// size writes a size in the largest unit of 1024 that leaves a whole part.
func size(n int64) string {
	units := [...]string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	if i == 0 {
		return strconv.FormatInt(n, 10) + nbsp + "B"
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + nbsp + units[i]
}

// sending says what sends, and how.
func (p ProberPage) sending() []Setting {
	e := p.figures().Engine
	kind := e.Kind
	if kind == "" {
		kind = p.Beat.Engine
	}
	switch kind {
	case "echolot":
		kind = "Echolot’s own packet engine, one socket for all"
	case "pro-bing":
		kind = "pro-bing, one socket for each check"
	}
	socket := func(mode string) string {
		if mode == "" {
			return "no right to ping"
		}
		return mode + " socket"
	}
	stamps := map[string]string{"kernel": "taken by the kernel, for sending and receiving", "user": "taken by the program, a few microseconds late"}[e.Stamps]
	if stamps == "" {
		stamps = "not reported"
	}
	limit := "none"
	if e.PacketsPerSecond > 0 {
		limit = thousands(int64(e.PacketsPerSecond)) + " packets a second in all"
	}
	return []Setting{{"Engine", kind}, {"IPv4", socket(p.Beat.IPv4)}, {"IPv6", socket(p.Beat.IPv6)}, {"Time stamps", stamps}, {"Limit", limit}, {"Limits that bit", bit(p.figures().Delayed)}, {"Sentinels", sentinels(p.figures().Sentinels)}}
}

// sentinels says who is asked whether our own network works, and how each fares.
func sentinels(all []models.SentinelFigures) string {
	if len(all) == 0 {
		return "none: a failure of our own network looks like one of the targets"
	}
	parts := make([]string, len(all))
	for i, one := range all {
		parts[i] = one.String()
	}
	return strings.Join(parts, "; ")
}

// bit says how often which cap held a packet back.
func bit(c models.CapFigures) string {
	var parts []string
	for _, one := range []struct {
		n    int64
		what string
	}{{c.Global, "by the limit on all"}, {c.Group, "by an organization’s"}, {c.Target, "by a target’s"}} {
		if one.n > 0 {
			parts = append(parts, count(one.n, "packet", "packets")+" "+one.what)
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// packets count what was sent and what came back, since the start.
func (p ProberPage) packets() []Setting {
	k := p.figures().Packets
	list := []Setting{{"Sent", thousands(k.Sent)}, {"Answered in time", thousands(k.Received)}, {"Late", thousands(k.Late)}, {"Twice", thousands(k.Duplicates)}}
	for _, more := range []struct {
		n           int64
		label, what string
	}{
		{k.Reordered, "Out of order", "replies that came after one to a later packet"},
		{k.ICMPErrors, "Refused", "errors that routers and hosts sent"},
		{k.Forged, "Forged", "replies with a wrong tag or from another address"},
		{k.Stray, "Stray", "replies to nothing that was asked"},
		{k.Short, "Cut short", "replies with too few bytes"},
		{k.SendErrors, "Not sent", "packets that this machine did not take"},
		{k.SocketDrops, "Dropped", "replies that this machine had no room for: our fault, not the target’s"},
	} {
		if more.n > 0 {
			list = append(list, Setting{more.label, thousands(more.n) + " " + more.what})
		}
	}
	return list
}

// storage says what waits to be stored.
func (p ProberPage) storage() []Setting {
	s, at := p.figures().Storage, p.Beat.SeenAt
	if p.Here {
		at = p.Now
	}
	held := func(n, heldBytes int64) string {
		switch {
		case n == 0 && heldBytes == 0:
			return "nothing"
		case heldBytes == 0:
			return count(n, "result", "results")
		}
		return count(n, "result", "results") + ", " + size(heldBytes)
	}
	list := []Setting{{"In memory", held(s.Waiting, s.WaitingBytes)}, {"In the spool", held(s.SpoolResults, s.SpoolBytes)}}
	if s.Waiting+s.SpoolResults > 0 && !s.OldestWaiting.IsZero() {
		list = append(list, Setting{"The oldest waits", Span(at.Sub(s.OldestWaiting))})
	}
	if s.Failing {
		list = append(list, Setting{"Database", "does not take results now; they are kept and tried again"})
	}
	return append(list, Setting{"Stored", thousands(s.Stored)}, Setting{"Lost", lost(s.Dropped)})
}

func lost(n int64) string {
	if n == 0 {
		return "none"
	}
	return count(n, "result", "results") + ": no room, a damaged spool, or refused by the database; the log says which"
}

// leftOut says what was not measured since the start, and why. It is empty where everything was.
func (p ProberPage) leftOut() []Setting {
	f := p.figures()
	var list []Setting
	if f.Skipped > 0 {
		list = append(list, Setting{"Skipped", count(f.Skipped, "slot", "slots") + ": the next was due before there was room or the last check had ended"})
	}
	if f.Shed > 0 {
		list = append(list, Setting{"Left out under load", count(f.Shed, "check", "checks") + ", spread evenly over the monitors"})
	}
	if f.ClockSteps > 0 {
		list = append(list, Setting{"Clock", "was set, or the machine slept, " + count(f.ClockSteps, "time", "times") + "; what was under way then counts as not measured"})
	}
	causes := make([]models.Cause, 0, len(f.NotMeasured))
	for cause := range f.NotMeasured {
		causes = append(causes, cause)
	}
	slices.SortFunc(causes, func(a, b models.Cause) int {
		if d := f.NotMeasured[b] - f.NotMeasured[a]; d != 0 {
			return int(max(-1, min(1, d)))
		}
		return strings.Compare(string(a), string(b))
	})
	for _, cause := range causes {
		words := CauseText(cause, "", 0, 0)
		if words == "" {
			words = "for no reason given"
		}
		list = append(list, Setting{"Not measured", count(f.NotMeasured[cause], "check", "checks") + ": " + words})
	}
	return list
}

// hint is the prober's own advice where it may not ping, line by line.
func (p ProberPage) hint() []string {
	if p.Beat.CanPing() || p.Beat.Hint == "" {
		return nil
	}
	return strings.Split(strings.TrimSpace(p.Beat.Hint), "\n")
}
