package views

import (
	"strconv"
	"strings"
	"time"
)

// figureOr is what is typed in a field for a number, or the standard where nothing is; ok is false where it makes no sense.
func (f MonitorForm) figureOr(name string, standard float64) (n float64, ok bool) {
	typed := strings.TrimSpace(f.Values[name])
	if typed == "" {
		return standard, standard >= 0
	}
	n, err := strconv.ParseFloat(typed, 64)
	return n, err == nil && n >= 0 && n <= 1e6
}

// promise is what the settings come to, for the line at the foot of the form: words, of which each second one, the first included,
// is a figure. Figures that make no sense give none. forms.js has the same sum. A silent host is found at the latest one interval
// after it fell silent, and each failed check takes its whole time, with the pause before the next.
func (f MonitorForm) promise() []string {
	figures := map[string]float64{}
	for name, standard := range map[string]float64{
		"icmpConfig.count": 3, "icmpConfig.packetSize": 56, "checkIntervalSeconds": -1, "timeoutSeconds": -1,
		"icmpConfig.confirmations": 2, "icmpConfig.retrySeconds": 5, "icmpConfig.degradedLossPercent": 0, "icmpConfig.degradedLatencyMs": 0,
		"icmpConfig.failedLossPercent": 100, "icmpConfig.failedLatencyMs": 0, "icmpConfig.windowSeconds": 0,
	} {
		n, ok := f.figureOr(name, standard)
		if !ok {
			return nil
		}
		figures[strings.TrimPrefix(name, "icmpConfig.")] = n
	}
	every, timeout, confirmations := figures["checkIntervalSeconds"], figures["timeoutSeconds"], figures["confirmations"]
	within := every + timeout + (confirmations-1)*(figures["retrySeconds"]+timeout)
	if figures["count"] < 1 || every < 1 || confirmations < 1 || within > 1e7 {
		return nil
	}
	words := []string{
		strconv.Itoa(int(figures["count"])) + nbsp + "×" + nbsp + count(int(figures["packetSize"]), "byte", "bytes"), " every ", Every(int(every)),
		". A silent host is called down after ", count(int(confirmations), "failed check", "failed checks"),
		", at most ", roughly(time.Duration(within * float64(time.Second))), " after it falls silent",
	}
	measure := nbsp + "ms on average"
	if f.Values["icmpConfig.latencyMeasure"] == "p95" {
		measure = nbsp + "ms at the 95th percentile"
	}
	limits := func(what string, loss, latency float64) {
		var reached []string
		if loss > 0 {
			reached = append(reached, strconv.FormatFloat(loss, 'f', -1, 64)+nbsp+"% loss")
		}
		if latency > 0 {
			reached = append(reached, strconv.FormatFloat(latency, 'f', -1, 64)+measure)
		}
		for i, figure := range reached {
			if i == 0 {
				words[len(words)-1] += ". " + what + " from "
			} else {
				words = append(words, " or ")
			}
			words = append(words, figure)
		}
		if len(reached) == 0 {
			return
		}
		if window := figures["windowSeconds"]; window > 0 {
			words = append(words, " over ", Every(int(window)))
		}
		words = append(words, " on")
	}
	limits("Degraded", figures["degradedLossPercent"], figures["degradedLatencyMs"])
	if figures["failedLossPercent"] >= 100 {
		figures["failedLossPercent"] = 0 // that is a silent host
	}
	limits("Down", figures["failedLossPercent"], figures["failedLatencyMs"])
	words[len(words)-1] += "."
	return words
}

// roughly writes a duration under two hours in seconds or minutes, as a promise is made.
func roughly(d time.Duration) string {
	if d < 2*time.Minute {
		return strconv.Itoa(int(d.Round(time.Second)/time.Second)) + nbsp + "s"
	}
	if d < 2*time.Hour {
		return strconv.Itoa(int((d+time.Minute-1)/time.Minute)) + nbsp + "min"
	}
	return Span(d)
}
