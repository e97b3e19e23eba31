package views

import (
	"strings"
	"time"

	"echolot/models"
)

// IncidentCause says why, as a person reads it: "no reply to 8 packets in 2 checks".
func IncidentCause(t models.IncidentType, f models.IncidentFacts) string {
	switch {
	case t == models.IncidentBlind:
		return "prober blind: " + silentText(f.CauseSource)
	case ReasonText(f.Reason) != "":
		return ReasonText(f.Reason)
	case t == models.IncidentDegraded && f.Received < f.Sent:
		return "loss " + percent(100*float64(f.Sent-f.Received)/float64(f.Sent)) + nbsp + "% in " + count(f.Checks, "check", "checks")
	case t == models.IncidentDegraded && f.RTT >= 0:
		return "average " + milliseconds(time.Duration(f.RTT)*time.Microsecond) + nbsp + "ms"
	case f.Cause == models.CauseTimeout || f.Cause == models.CauseNone:
		text := CauseText(models.CauseTimeout, "", 0, f.Sent)
		if f.Checks > 1 {
			text += " in " + count(f.Checks, "check", "checks")
		}
		return text
	default:
		return CauseText(f.Cause, f.CauseSource, f.CauseMTU, f.Sent)
	}
}

// silentText says which sentinels are silent: "gateway 10.99.0.1 is silent, no default route".
func silentText(silent string) string {
	if silent == "" {
		return "the sentinels are silent"
	}
	words := strings.Split(silent, ", ")
	for i, who := range words {
		if !strings.HasPrefix(who, "no ") {
			words[i] = who + " is silent"
		}
	}
	return strings.Join(words, ", ")
}

// incidentWord is what an incident is called: the word of the state that it is of.
func incidentWord(t models.IncidentType) string {
	switch t {
	case models.IncidentDowntime:
		return "Down"
	case models.IncidentDegraded:
		return "Degraded"
	default:
		return "Not measured"
	}
}

// incidentShape is the state whose shape and colour the incident is drawn with.
func incidentShape(t models.IncidentType) string {
	switch t {
	case models.IncidentDowntime:
		return "down"
	case models.IncidentDegraded:
		return "degraded"
	default:
		return "unknown"
	}
}

// IncidentEndText says how an incident ended; by is who ended it by stopping the checks, or empty. It is empty while it is open.
func IncidentEndText(e models.IncidentEnd, by string) string {
	text := map[models.IncidentEnd]string{
		models.EndRecovered: "recovered", models.EndWorse: "went down", models.EndBetter: "down became degraded", models.EndPaused: "paused",
		models.EndTarget: "target or packets changed", models.EndLocation: "no longer checked from here", models.EndCancelled: "customer cancelled", models.EndDeleted: "monitor deleted",
	}[e]
	if text != "" && by != "" {
		text += " by " + by
	}
	return text
}

// lasted writes how long an incident was: 12 s, 4 min 12 s, 3 h 06 min.
func lasted(d time.Duration) string {
	if d >= time.Minute && d < time.Hour && d%time.Minute >= time.Second {
		return Span(d) + " " + Span(d%time.Minute)
	}
	return Span(d)
}
