package models

import (
	"slices"
	"time"
)

// Rule is when a verdict falls. The zero value has no limits and lets every check decide by itself.
type Rule struct {
	// Confirmations is the number of failed checks in a row that make a monitor down, the first included; it holds for degraded
	// likewise.
	Confirmations int
	// Recoveries is the number of better checks in a row that end down, or degraded.
	Recoveries int
	// Retry is the pause before a confirming check.
	Retry time.Duration
	// Gap is the time between two echo requests of a check.
	Gap time.Duration
	// Window is how far back the limits look, in whole seconds; 0 = each check is judged by itself.
	Window time.Duration
	// DegradedLoss and FailedLoss are the loss in percent from which on a check, or the window, is degraded or failed; 0 = no
	// limit. Whatever they say, a check without any reply failed.
	DegradedLoss, FailedLoss float64
	// DegradedLatency and FailedLatency are the same of the round-trip time; 0 = no limit.
	DegradedLatency, FailedLatency time.Duration
	// ClearLoss and ClearLatency take the place of the limits for degraded while the monitor is degraded or down: below them it
	// is fine again. No loss at all is always fine. They are never above those limits, and mean nothing without them.
	ClearLoss    float64
	ClearLatency time.Duration
	// Latency is what the limits of the round-trip time are held against.
	Latency LatencyMeasure
	// Quorum is how many locations must agree; see Combine.
	Quorum Quorum
}

// Rule is the part that makes verdicts.
func (c IcmpConfig) Rule() Rule {
	latency := func(p *float64) time.Duration {
		return time.Duration(or(p, 0) * float64(time.Millisecond)).Round(time.Microsecond)
	}
	rule := Rule{
		Confirmations:   or(c.Confirmations, defaultConfirmations),
		Recoveries:      or(c.Recoveries, defaultRecoveries),
		Retry:           time.Duration(or(c.RetrySeconds, defaultRetrySeconds)) * time.Second,
		Gap:             c.Interval(),
		Window:          time.Duration(or(c.WindowSeconds, 0)) * time.Second,
		DegradedLoss:    or(c.DegradedLossPercent, 0),
		FailedLoss:      or(c.FailedLossPercent, defaultFailedLoss),
		ClearLoss:       or(c.ClearLossPercent, or(c.DegradedLossPercent, 0)),
		DegradedLatency: latency(c.DegradedLatencyMs),
		FailedLatency:   latency(c.FailedLatencyMs),
		ClearLatency:    latency(c.ClearLatencyMs),
		Latency:         LatencyMeasure(or(c.LatencyMeasure, string(LatencyAverage))),
		Quorum:          or(c.Quorum, defaultQuorum),
	}
	if rule.ClearLatency == 0 {
		rule.ClearLatency = rule.DegradedLatency
	}
	if rule.DegradedLoss == 0 && rule.DegradedLatency == 0 && rule.FailedLoss >= 100 && rule.FailedLatency == 0 {
		rule.Window = 0 // there is no limit to hold it against, so nothing has to be kept
	}
	return rule
}

// LatencyMeasure is one figure for many round-trip times.
type LatencyMeasure string

// The measures. The empty one is the average.
const (
	LatencyAverage LatencyMeasure = "avg"
	LatencyP95     LatencyMeasure = "p95"
)

// figures are what limits are held against: one check, or all checks of a window.
type figures struct {
	sent, received int
	latency        time.Duration // as the rule measures it; means nothing without a reply
}

func (f figures) loss() float64 {
	if f.sent == 0 {
		return 0
	}
	return 100 * float64(f.sent-f.received) / float64(f.sent)
}

// checkFigures are those of one check by itself.
func (rule Rule) checkFigures(r Result) figures {
	f := figures{sent: r.Sent, received: r.Received}
	if rule.Latency == LatencyP95 {
		f.latency = p95(r.Packets)
	} else if rtts, ok := r.RTTs(); ok {
		f.latency = rtts.Avg
	}
	return f
}

// p95 is the 95th percentile of the replies by nearest rank: the smallest RTT that 95 % of them do not exceed. 0 without one.
func p95(packets []Packet) time.Duration {
	rtts := make([]time.Duration, 0, len(packets))
	for _, p := range packets {
		if p.State == PacketReplied {
			rtts = append(rtts, p.RTT)
		}
	}
	if len(rtts) == 0 {
		return 0
	}
	slices.Sort(rtts)
	return rtts[p95Rank(len(rtts))]
}

// p95Rank is the place of the 95th percentile among n values in order, from 0.
func p95Rank(n int) int { return (95*n+99)/100 - 1 }

// grade is how good a check is.
type grade int

const (
	gradeOK grade = iota
	gradeDegraded
	gradeFailed
)

// grade holds figures against the limits and returns the one that was reached. troubled is true while the monitor is degraded or
// down: the clear values count then.
func (rule Rule) grade(f figures, troubled bool) (grade, Breach) {
	reached := func(lossLimit float64, latencyLimit time.Duration, clearing bool) (Breach, bool) {
		b := Breach{Window: rule.Window, Clearing: clearing}
		if loss := f.loss(); lossLimit > 0 && loss >= lossLimit {
			b.What, b.Value, b.Limit = BreachLoss, loss, lossLimit
			return b, true
		}
		if latencyLimit > 0 && f.received > 0 && f.latency >= latencyLimit {
			b.What, b.Value, b.Limit = BreachAverage, milliseconds(f.latency), milliseconds(latencyLimit)
			if rule.Latency == LatencyP95 {
				b.What = BreachP95
			}
			return b, true
		}
		return Breach{}, false
	}
	if b, ok := reached(rule.FailedLoss, rule.FailedLatency, false); ok {
		return gradeFailed, b
	}
	if b, ok := reached(rule.DegradedLoss, rule.DegradedLatency, false); ok {
		return gradeDegraded, b
	}
	if !troubled {
		return gradeOK, Breach{}
	}
	clearLoss, clearLatency := rule.ClearLoss, rule.ClearLatency
	if rule.DegradedLoss == 0 {
		clearLoss = 0
	} else if clearLoss == 0 {
		clearLoss = leastLoss
	}
	if rule.DegradedLatency == 0 {
		clearLatency = 0
	}
	if b, ok := reached(clearLoss, clearLatency, true); ok {
		return gradeDegraded, b
	}
	return gradeOK, Breach{}
}

// leastLoss stands for "any loss at all": less than one packet of all that a window can hold.
const leastLoss = 1e-9

// Outcome is what the check is by itself, whatever the state: a check with replies that reached a limit is a warning, or a
// failure where it is the check that the limits are for and not a window. It is never better than what the result says already.
func (rule Rule) Outcome(r Result) Outcome {
	if r.Received == 0 || r.Outcome != OutcomeSuccess && r.Outcome != OutcomeWarning {
		return r.Outcome
	}
	switch g, _ := rule.grade(rule.checkFigures(r), false); {
	case g == gradeFailed && rule.Window == 0:
		return OutcomeFailure
	case g != gradeOK:
		return OutcomeWarning
	default:
		return r.Outcome
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
