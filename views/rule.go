package views

import (
	"strconv"
	"strings"
	"time"

	"echolot/models"
)

// The words for a monitor's rule: which limit was reached, and when verdicts fall.

// ReasonText is a models.MonitorState.Reason as a person reads it: "loss 12.4 % over 5 min, limit 10 %". It is empty for an empty
// reason.
func ReasonText(reason string) string {
	b, ok := models.ParseBreach(reason)
	if !ok {
		return ""
	}
	text := breachFigure(b.What) + " " + breachValue(b.What, b.Value)
	if b.Window > 0 {
		text += " over " + Every(int(b.Window/time.Second))
	}
	switch {
	case !b.Clearing:
		return text + ", limit " + breachValue(b.What, b.Limit)
	case b.Limit < 0.001:
		return text + ", fine again without loss"
	default:
		return text + ", fine again below " + breachValue(b.What, b.Limit)
	}
}

func breachFigure(what models.BreachKind) string {
	switch what {
	case models.BreachLoss:
		return "loss"
	case models.BreachP95:
		return "95th percentile"
	default:
		return "average"
	}
}

func breachValue(what models.BreachKind, v float64) string {
	if what == models.BreachLoss {
		return percent(v) + nbsp + "%"
	}
	return shortMs(v)
}

// shortMs writes milliseconds with one decimal, and with three below one; whole ones without. It cuts, as percent does, so that
// what has reached a limit is never written as less.
func shortMs(ms float64) string {
	digits := 1
	if ms < 1 {
		digits = 3
	}
	text := strconv.FormatFloat(ms, 'f', 3, 64)
	text = text[:len(text)-3+digits]
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + nbsp + "ms"
}

// RuleSettings are the sentences about when the monitor is checked, and when it is called degraded and down.
type RuleSettings struct {
	Count, PacketSize, CheckIntervalSeconds int
	Timeout                                 time.Duration
	Rule                                    models.Rule
}

// Sentences are the settings as lines of the page.
func (r RuleSettings) Sentences() []Setting {
	return []Setting{
		{"Checks", strconv.Itoa(r.Count) + nbsp + "×" + nbsp + count(r.PacketSize, "byte", "bytes") + ", " + strconv.FormatInt(r.Rule.Gap.Milliseconds(), 10) +
			nbsp + "ms apart, every " + Every(r.CheckIntervalSeconds) + ", each done within " + seconds(r.Timeout)},
		{"Degraded", degradedSentence(r.Rule)},
		{"Down", downSentence(r.Rule)},
	}
}

// degradedSentence is "loss ≥ 10 % over 5 min (clears below 5 %), average ≥ 25 ms over 5 min".
func degradedSentence(rule models.Rule) string {
	limits := limitsText(rule, rule.DegradedLoss, rule.DegradedLatency)
	if len(limits) == 0 {
		return "never; no limit is set"
	}
	if rule.DegradedLoss > 0 {
		switch {
		case rule.ClearLoss == 0:
			limits[0] += " (clears without loss)"
		case rule.ClearLoss < rule.DegradedLoss:
			limits[0] += " (clears below " + breachValue(models.BreachLoss, rule.ClearLoss) + ")"
		}
	}
	if rule.DegradedLatency > 0 && rule.ClearLatency > 0 && rule.ClearLatency < rule.DegradedLatency {
		limits[len(limits)-1] += " (clears below " + latencyText(rule.ClearLatency) + ")"
	}
	text := strings.Join(limits, ", ")
	if rule.Confirmations > 1 {
		text += "; in " + count(rule.Confirmations, "check", "checks") + " in a row"
	}
	return text
}

// downSentence is "no reply in 2 checks, 5 s apart; up again after 1 good check".
func downSentence(rule models.Rule) string {
	loss := rule.FailedLoss
	if loss >= 100 {
		loss = 0 // that is no reply
	}
	text := strings.Join(append([]string{"no reply"}, limitsText(rule, loss, rule.FailedLatency)...), ", or ")
	text += " in " + count(rule.Confirmations, "check", "checks")
	if rule.Confirmations > 1 {
		text += ", " + Every(int(rule.Retry/time.Second)) + " apart"
	}
	return text + "; up again after " + count(rule.Recoveries, "good check", "good checks")
}

// limitsText is one phrase for each limit that there is, loss first.
func limitsText(rule models.Rule, loss float64, latency time.Duration) []string {
	var limits []string
	over := ""
	if rule.Window > 0 {
		over = " over " + Every(int(rule.Window/time.Second))
	}
	if loss > 0 {
		limits = append(limits, "loss ≥ "+breachValue(models.BreachLoss, loss)+over)
	}
	if latency > 0 {
		what := models.BreachAverage
		if rule.Latency == models.LatencyP95 {
			what = models.BreachP95
		}
		limits = append(limits, breachFigure(what)+" ≥ "+latencyText(latency)+over)
	}
	return limits
}

func latencyText(d time.Duration) string { return shortMs(float64(d.Microseconds()) / 1000) }

// seconds writes a time for a check: 5 s, 2.5 s.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + nbsp + "s"
}
