package views

import (
	"strconv"
	"strings"
	"time"

	"echolot/models"
)

// nbsp keeps a number and its unit on one line.
const nbsp = "\u00a0"

// count is "1 check" or "4 checks".
func count[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1" + nbsp + one
	}
	return thousands(int64(n)) + nbsp + many
}

// thousands writes 12345 as 12,345.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// milliseconds writes a round-trip time in ms with three decimals, so that the last digit is a microsecond.
func milliseconds(d time.Duration) string {
	us := d.Microseconds()
	fraction := strconv.FormatInt(1000+us%1000, 10)
	return thousands(us/1000) + "." + fraction[1:]
}

// percent writes 12.4 and 33.3, and whole figures without a decimal. It cuts: 99.96 stays 99.9, so that 100 means all.
func percent(p float64) string {
	tenths := int(p*10 + 1e-6)
	if tenths == 0 && p > 0 {
		tenths = 1
	}
	if tenths%10 == 0 {
		return strconv.Itoa(tenths / 10)
	}
	return strconv.Itoa(tenths/10) + "." + strconv.Itoa(tenths%10)
}

// Span writes a duration in one or two units, as a person would say it: 14 s, 14 min, 3 h 06 min, 12 d 04 h, 41 d.
// app.js has the same rule.
func Span(d time.Duration) string {
	s := max(0, int64(d/time.Second))
	two := func(n int64) string { return strconv.FormatInt(100+n, 10)[1:] }
	num := func(n int64, unit string) string { return strconv.FormatInt(n, 10) + nbsp + unit }
	switch {
	case s < 60:
		return num(s, "s")
	case s < 3600:
		return num(s/60, "min")
	case s < 86400:
		return num(s/3600, "h") + nbsp + two(s/60%60) + nbsp + "min"
	case s < 30*86400:
		return num(s/86400, "d") + nbsp + two(s/3600%24) + nbsp + "h"
	default:
		return num(s/86400, "d")
	}
}

// Every writes the interval of a monitor in its largest whole unit: 30 s, 1 min, 90 s, 2 h.
func Every(seconds int) string {
	switch {
	case seconds >= 3600 && seconds%3600 == 0:
		return strconv.Itoa(seconds/3600) + nbsp + "h"
	case seconds >= 60 && seconds%60 == 0:
		return strconv.Itoa(seconds/60) + nbsp + "min"
	default:
		return strconv.Itoa(seconds) + nbsp + "s"
	}
}

// said adds who told us so, where a router did.
func said(text, source string) string {
	if source == "" {
		return text
	}
	return text + ", said " + source
}

// CauseText is a cause as a person reads it. Source is the router that said so, or empty; mtu is what it said would fit, in
// bytes, or 0; sent is how many echo requests the check sent. It is empty for models.CauseNone.
func CauseText(cause models.Cause, source string, mtu, sent int) string {
	switch cause {
	case models.CauseNone:
		return ""
	case models.CauseTimeout:
		if sent == 0 {
			return "no reply"
		}
		return "no reply to " + count(sent, "packet", "packets")
	case models.CauseHostUnreachable:
		return said("host unreachable", source)
	case models.CauseNetUnreachable:
		return said("network unreachable", source)
	case models.CausePortUnreachable:
		return said("port unreachable", source)
	case models.CauseProhibited:
		return said("refused by a filter", source)
	case models.CauseTTLExceeded:
		return said("TTL exceeded", source)
	case models.CauseTooBig:
		text := "packet too big, fragmentation needed"
		if mtu > 0 {
			text += " (MTU " + number(mtu) + ")"
		}
		return said(text, source)
	case models.CauseDNSError:
		return "name server gave no usable answer"
	case models.CauseNameNotFound:
		return "the name does not exist"
	case models.CauseLocalError:
		return "this machine could not send"
	case models.CauseNoPermission:
		return "no right to ping"
	case models.CauseTargetNotAllowed:
		return "address not allowed by the target policy"
	case models.CauseOverload:
		return "prober overloaded, check left out"
	case models.CauseClockStep:
		return "the clock was set during the check"
	case models.CauseProberBlind:
		if source != "" {
			return "prober blind: gateway " + source + " is silent"
		}
		return "prober blind"
	default:
		return strings.ReplaceAll(string(cause), "_", " ")
	}
}

// OutcomeWord is the word for one check; a check never borrows the monitor's word.
func OutcomeWord(o models.Outcome) string {
	switch o {
	case models.OutcomeSuccess:
		return "Success"
	case models.OutcomeWarning:
		return "Warning"
	case models.OutcomeFailure:
		return "Failure"
	default:
		return "Not measured"
	}
}

// outcomeShape is the state whose shape and colour a check's outcome is drawn with.
func outcomeShape(o models.Outcome) string {
	switch o {
	case models.OutcomeSuccess:
		return "up"
	case models.OutcomeWarning:
		return "degraded"
	case models.OutcomeFailure:
		return "down"
	default:
		return "unknown"
	}
}

// kindWord is the word for a state as lists show it.
func kindWord(kind string) string {
	switch kind {
	case "up":
		return "Up"
	case "degraded":
		return "Degraded"
	case "down":
		return "Down"
	case "maintenance":
		return "Maintenance"
	case "paused":
		return "Paused"
	case "pending":
		return "Pending"
	default:
		return "Unknown"
	}
}

// The ways a moment is told; app.js knows the same words.
const (
	relFor   = "for"   // for 3 h 06 min
	relSince = "since" // since 13:48:02, since 9 Nov
	relAgo   = "ago"   // 14 s ago
	relClock = "clock" // 13:48:02, with the day where it is another
	relSpan  = "span"  // 14 min
	relDay   = "day"   // 9 Nov 2026
)

// How a moment stands in its title, in UTC, and in the datetime attribute.
const (
	exactForm   = "2006-01-02 15:04:05 UTC"
	machineForm = "2006-01-02T15:04:05.000Z"
)

// told writes a moment as seen from now, in UTC.
func told(t, now time.Time, rel string) string {
	t, now = t.UTC(), now.UTC()
	switch rel {
	case relFor:
		return "for " + Span(now.Sub(t))
	case relAgo:
		return Span(now.Sub(t)) + " ago"
	case relSpan:
		return Span(now.Sub(t))
	case relSince:
		return "since " + moved(t, now)
	case relDay:
		return t.Format("2 Jan 2006")
	default:
		return clock(t, now)
	}
}

// moved is the time of day within the last 20 hours, and the day before that: nobody counts seconds of last week.
func moved(t, now time.Time) string {
	if now.Sub(t) >= 20*time.Hour && t.Year() == now.Year() {
		return t.Format("2 Jan")
	}
	return clock(t, now)
}

// clock is moved with the time of an earlier day.
func clock(t, now time.Time) string {
	switch age := now.Sub(t); {
	case age < 20*time.Hour && age > -time.Hour:
		return t.Format("15:04:05")
	case t.Year() == now.Year():
		return t.Format("2 Jan") + nbsp + t.Format("15:04")
	default:
		return t.Format("2 Jan 2006")
	}
}

func number(n int) string { return strconv.Itoa(n) }
