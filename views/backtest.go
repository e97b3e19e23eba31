package views

import (
	"strings"
	"time"

	"echolot/models"
)

// BackTest is what edited rules would have made of a monitor's history.
type BackTest struct {
	models.Backtest
	// Error says why nothing was tried; empty otherwise.
	Error string
	// Smoke is the history with the incidents that would have been raised; its Series is empty where there is none.
	Smoke Smoke
}

// listedTroubles is how many incidents are told in words, newest first.
const listedTroubles = 8

// sentences are the verdict, then how sure it is.
func (b BackTest) sentences() (verdict, how string) {
	switch {
	case b.Error != "":
		return "Not tried: " + b.Error, ""
	case b.From.IsZero() && b.Cut:
		return "The history could not be read in time. Try again in a moment.", ""
	case b.From.IsZero():
		return "There is no history yet to try these rules on.", ""
	}
	span := daysOf(b.To.Sub(b.From))
	verdict = "These rules would have raised no incident in " + span + "."
	if n := len(b.Troubles); n > 0 {
		verdict = "These rules would have raised " + count(n, "incident", "incidents") + " in " + span + ", " + minutesOf(b.Lasted()) + " in all."
	}
	var said []string
	if b.Cut {
		said = append(said, "The time was up before all "+daysOf(models.BacktestSpan)+" were tried.")
	}
	switch {
	case !b.Each.After(b.From):
	case b.To.After(b.Each):
		said = append(said, "What is older than "+daysOf(b.To.Sub(b.Each))+" was judged by 5-minute buckets.")
	default:
		said = append(said, "It was judged by 5-minute buckets.")
	}
	return verdict, strings.Join(said, " ")
}

// daysOf writes a span of history in whole days; below two in one or two units.
func daysOf(d time.Duration) string {
	if d < 47*time.Hour {
		return Span(d)
	}
	return count(int((d+12*time.Hour)/dayTime), "day", "days")
}

// minutesOf writes how long incidents lasted: in minutes up to two hours, and in seconds below one minute.
func minutesOf(d time.Duration) string {
	if d >= time.Minute && d < 2*time.Hour {
		return number(int((d+30*time.Second)/time.Minute)) + nbsp + "min"
	}
	return Span(d)
}

// newest are the incidents that are told in words, and how many are left out.
func (b BackTest) newest() (lines []string, more int) {
	for i := len(b.Troubles) - 1; i >= 0 && len(lines) < listedTroubles; i-- {
		t := b.Troubles[i]
		word := "down"
		if t.Type == models.IncidentDegraded {
			word = "degraded"
		}
		line := t.Start.In(b.Smoke.zone()).Format("2 Jan 15:04:05") + " " + b.Smoke.zoneName() + ", " + word + " "
		if t.End.IsZero() {
			line += "to the end"
		} else {
			line += "for " + minutesOf(t.End.Sub(t.Start))
		}
		lines = append(lines, line)
	}
	return lines, len(b.Troubles) - len(lines)
}

// BackTestFlags are the incidents for a chart.
func BackTestFlags(troubles []models.Trouble) []SmokeFlag {
	flags := make([]SmokeFlag, len(troubles))
	for i, t := range troubles {
		flags[i] = SmokeFlag{Kind: t.Type, Start: t.Start, End: t.End}
	}
	return flags
}
