package views

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"echolot/models"
)

func TestEveryCauseHasItsWords(t *testing.T) {
	for _, c := range []struct {
		cause  models.Cause
		source string
		mtu    int
		sent   int
		want   string
	}{
		{models.CauseNone, "", 0, 4, ""},
		{models.CauseTimeout, "", 0, 4, "no reply to 4 packets"},
		{models.CauseTimeout, "", 0, 1, "no reply to 1 packet"},
		{models.CauseHostUnreachable, "10.0.0.1", 0, 4, "host unreachable, said 10.0.0.1"},
		{models.CauseNetUnreachable, "", 0, 4, "network unreachable"},
		{models.CausePortUnreachable, "", 0, 4, "port unreachable"},
		{models.CauseProhibited, "10.0.0.1", 0, 4, "refused by a filter, said 10.0.0.1"},
		{models.CauseTTLExceeded, "10.0.0.1", 0, 4, "TTL exceeded, said 10.0.0.1"},
		{models.CauseTooBig, "10.0.0.1", 0, 4, "packet too big, fragmentation needed, said 10.0.0.1"},
		{models.CauseTooBig, "10.0.0.1", 1280, 4, "packet too big, fragmentation needed (MTU 1280), said 10.0.0.1"},
		{models.CauseDNSError, "", 0, 0, "name server gave no usable answer"},
		{models.CauseNameNotFound, "", 0, 0, "the name does not exist"},
		{models.CauseLocalError, "", 0, 0, "this machine could not send"},
		{models.CauseNoPermission, "", 0, 0, "no right to ping"},
		{models.CauseTargetNotAllowed, "", 0, 0, "address not allowed by the target policy"},
		{models.CauseOverload, "", 0, 0, "prober overloaded, check left out"},
		{models.CauseClockStep, "", 0, 0, "the clock was set during the check"},
		{models.CauseProberBlind, "10.99.0.1", 0, 0, "prober blind: gateway 10.99.0.1 is silent"},
	} {
		if got := plain(CauseText(c.cause, c.source, c.mtu, c.sent)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.cause, got, c.want)
		}
	}
}

func TestFigures(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 14*time.Second + 900*time.Millisecond: "14 s", 14 * time.Minute: "14 min", 3*time.Hour + 6*time.Minute: "3 h 06 min",
		12*24*time.Hour + 4*time.Hour: "12 d 04 h", 41 * 24 * time.Hour: "41 d", -time.Hour: "0 s",
	} {
		if got := plain(Span(d)); got != want {
			t.Errorf("Span(%s): got %q, want %q", d, got, want)
		}
	}
	for s, want := range map[int]string{30: "30 s", 60: "1 min", 90: "90 s", 7200: "2 h", 86400: "24 h"} {
		if got := plain(Every(s)); got != want {
			t.Errorf("Every(%d): got %q, want %q", s, got, want)
		}
	}
	for d, want := range map[time.Duration]string{41 * time.Microsecond: "0.041", 8214 * time.Microsecond: "8.214", 1234567 * time.Microsecond: "1,234.567", 0: "0.000"} {
		if got := milliseconds(d); got != want {
			t.Errorf("milliseconds(%s): got %q, want %q", d, got, want)
		}
	}
	for p, want := range map[float64]string{0: "0", 100: "100", 99.99: "99.9", 12.4: "12.4", 100.0 / 3: "33.3", 0.01: "0.1"} {
		if got := percent(p); got != want {
			t.Errorf("percent(%v): got %q, want %q", p, got, want)
		}
	}
}

func TestMoments(t *testing.T) {
	for _, c := range []struct {
		age  time.Duration
		rel  string
		want string
	}{
		{time.Hour, relSince, "since 11:00:00"}, {14 * 24 * time.Hour, relSince, "since 9 Nov"}, {400 * 24 * time.Hour, relSince, "since 19 Oct 2025"},
		{14 * 24 * time.Hour, relClock, "9 Nov 12:00"}, {-72 * time.Hour, relClock, "26 Nov 12:00"},
		{3 * time.Hour, relFor, "for 3 h 00 min"}, {2 * time.Second, relAgo, "2 s ago"}, {time.Hour, relDay, "23 Nov 2026"},
	} {
		if got := plain(told(noon.Add(-c.age), noon, c.rel)); got != c.want {
			t.Errorf("%s %s: got %q, want %q", c.age, c.rel, got, c.want)
		}
	}
	el := draw(t, moment(noon.In(time.FixedZone("", 3600)), noon, relClock)).Find("time")
	if got := el.AttrOr("datetime", "") + " " + el.AttrOr("title", ""); got != "2026-11-23T12:00:00.000Z 2026-11-23 12:00:00 UTC" {
		t.Errorf("exact moment: got %q", got)
	}
}

// flaps turns the verdict seven times within the last hour, and once before.
func flaps(m *LiveMonitor) {
	m.FlappingSince = noon.Add(-time.Minute)
	for i := range 8 {
		m.Flips = binary.BigEndian.AppendUint32(m.Flips, uint32(noon.Add(time.Duration(i-7)*9*time.Minute).Unix()))
	}
}

func TestReasons(t *testing.T) {
	for reason, want := range map[string]string{
		"":                          "",
		"garbage":                   "",
		"loss 12.400 10 300 false":  "loss 12.4 % over 5 min, limit 10 %",
		"loss 33.333 33.3 0 false":  "loss 33.3 %, limit 33.3 %",
		"loss 7.000 5 300 true":     "loss 7 % over 5 min, fine again below 5 %",
		"loss 7.000 1e-09 0 true":   "loss 7 %, fine again without loss",
		"avg 27.199 25.5 0 false":   "average 27.1 ms, limit 25.5 ms",
		"avg 0.412 0.4 0 false":     "average 0.412 ms, limit 0.4 ms",
		"p95 1182.400 150 90 false": "95th percentile 1182.4 ms over 90 s, limit 150 ms",
		"p95 20.000 15 0 true":      "95th percentile 20 ms, fine again below 15 ms",
	} {
		if got := plain(ReasonText(reason)); got != want {
			t.Errorf("%q: got %q, want %q", reason, got, want)
		}
	}
}

func TestRuleSentences(t *testing.T) {
	ms := func(n float64) *float64 { return &n }
	number := func(n int) *int { return &n }
	p95 := "p95"
	for _, c := range []struct {
		config         models.IcmpConfig
		degraded, down string
	}{
		{models.IcmpConfig{}, "never; no limit is set", "no reply in 2 checks, 5 s apart; up again after 1 good check"},
		{models.IcmpConfig{DegradedLossPercent: ms(10), ClearLossPercent: ms(5), WindowSeconds: number(300), DegradedLatencyMs: ms(25)},
			"loss ≥ 10 % over 5 min (clears below 5 %), average ≥ 25 ms over 5 min; in 2 checks in a row",
			"no reply in 2 checks, 5 s apart; up again after 1 good check"},
		{models.IcmpConfig{DegradedLossPercent: ms(10), ClearLossPercent: ms(0), Confirmations: number(1), Recoveries: number(3), FailedLossPercent: ms(60)},
			"loss ≥ 10 % (clears without loss)", "no reply, or loss ≥ 60 % in 1 check; up again after 3 good checks"},
		{models.IcmpConfig{DegradedLatencyMs: ms(25.5), ClearLatencyMs: ms(20), FailedLatencyMs: ms(80), LatencyMeasure: &p95, RetrySeconds: number(60)},
			"95th percentile ≥ 25.5 ms (clears below 20 ms); in 2 checks in a row",
			"no reply, or 95th percentile ≥ 80 ms in 2 checks, 1 min apart; up again after 1 good check"},
	} {
		lines := RuleSettings{Count: 4, PacketSize: 56, CheckIntervalSeconds: 10, Timeout: 5 * time.Second, Rule: c.config.Rule()}.Sentences()
		if got := plain(lines[1].Text); lines[1].Label != "Degraded" || got != c.degraded {
			t.Errorf("%s: got %q, want %q", lines[1].Label, got, c.degraded)
		}
		if got := plain(lines[2].Text); lines[2].Label != "Down" || got != c.down {
			t.Errorf("%s: got %q, want %q", lines[2].Label, got, c.down)
		}
	}
}

func TestTheRowSaysTheCauseOnlyInTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		change      func(m *LiveMonitor)
		state, text string
	}{
		"up": {func(*LiveMonitor) {}, "Up for 3 h 00 min", ""},
		"checking again": {func(m *LiveMonitor) { m.Failures, m.Cause, m.LastReceived, m.LastRTT = 1, models.CauseTimeout, 0, -1 },
			"Up checking again", "1 of 2 failed checks: no reply to 4 packets"},
		"still checking again": {func(m *LiveMonitor) { m.Failures, m.Cause = 2, models.CauseTimeout },
			"Up checking again", "2 of 3 failed checks: no reply to 4 packets"},
		"degraded soon": {func(m *LiveMonitor) { m.DegradedInRow, m.Reason = 1, "loss 12.400 10 300 false" },
			"Up checking again", "1 of 2 degraded checks: loss 12.4 % over 5 min, limit 10 %"},
		"pending, the first failed": {func(m *LiveMonitor) {
			m.State, m.Failures, m.DegradedInRow, m.Cause = models.StatePending, 1, 1, models.CauseTimeout
		}, "Pending checking again", "1 of 2 failed checks: no reply to 4 packets"},
		"degraded": {func(m *LiveMonitor) {
			m.State, m.DegradedInRow, m.Reason = models.StateDegraded, 2, "avg 27.100 25 0 false"
		},
			"Degraded since 09:00:00", "average 27.1 ms, limit 25 ms"},
		"degraded, silent now": {func(m *LiveMonitor) {
			m.State, m.DegradedInRow, m.Failures, m.Cause = models.StateDegraded, 3, 1, models.CauseTimeout
		}, "Degraded since 09:00:00", "1 of 2 failed checks: no reply to 4 packets"},
		"down by a limit": {func(m *LiveMonitor) {
			m.State, m.DegradedInRow, m.Failures, m.Reason = models.StateDown, 2, 2, "loss 75.000 60 0 false"
		}, "Down since 09:00:00", "loss 75 %, limit 60 %, 2 checks in a row"},
		"up and flapping": {flaps, "Up for 3 h 00 min", "flapping, 7 changes in the last hour"},
		"down and flapping": {func(m *LiveMonitor) {
			flaps(m)
			m.State, m.Failures, m.Cause = models.StateDown, 2, models.CauseTimeout
		}, "Down since 09:00:00", "no reply to 4 packets, 2 checks in a row; flapping, 7 changes in the last hour"},
		"down": {func(m *LiveMonitor) {
			m.State, m.Failures, m.Cause, m.CauseSource, m.LastReceived, m.LastRTT = models.StateDown, 3, models.CauseHostUnreachable, "10.0.0.1", 0, -1
		}, "Down since 09:00:00", "host unreachable, said 10.0.0.1, 3 checks in a row"},
		"too big": {func(m *LiveMonitor) {
			m.State, m.Failures, m.Cause, m.CauseSource, m.CauseMTU, m.LastReceived, m.LastRTT = models.StateDown, 1, models.CauseTooBig, "10.0.0.1", 1280, 0, -1
		}, "Down since 09:00:00", "packet too big, fragmentation needed (MTU 1280), said 10.0.0.1"},
		"unknown": {func(m *LiveMonitor) {
			m.State, m.Cause, m.UnknownInRow, m.LastOutcome = models.StateUnknown, models.CauseNoPermission, 2, models.OutcomeUnknown
		}, "Unknown since 09:00:00", "no right to ping"},
		"long unknown": {func(m *LiveMonitor) {
			m.State, m.Cause, m.UnknownInRow, m.LastOutcome = models.StateUnknown, models.CauseNameNotFound, 3, models.OutcomeUnknown
		}, "Unknown since 09:00:00", "the name does not exist, not measured for 3 checks"},
		"maintenance": {func(m *LiveMonitor) { m.Status = models.StatusMaintenance }, "Maintenance measured up", ""},
		"paused":      {func(m *LiveMonitor) { m.Status = models.StatusDisabled }, "Paused since 09:00:00", ""},
		"pending":     {func(m *LiveMonitor) { m.State = models.StatePending }, "Pending first check now", ""},
	} {
		m := sampleLive("m1")
		c.change(&m)
		if got := plain(draw(t, liveState(m)).Text()); got != strings.Replace(c.state, " ", "", 1) && got != c.state {
			t.Errorf("%s: got %q, want %q", name, got, c.state)
		}
		why := draw(t, liveWhy(m)).Find("[data-live]")
		if got := plain(why.Text()); got != c.text {
			t.Errorf("%s: got %q, want %q", name, got, c.text)
		}
		if _, hidden := why.Attr("hidden"); hidden != (c.text == "") {
			t.Errorf("%s: hidden %t with text %q", name, hidden, c.text)
		}
	}
}

func TestWithoutAReplyThereIsNoRTT(t *testing.T) {
	m := sampleLive("m1")
	m.LastRTT, m.LastReceived = -1, 0
	if got := plain(draw(t, liveRTT(m)).Text()); got != "–" {
		t.Errorf("RTT: got %q, want –", got)
	}
	if got := plain(draw(t, liveLoss(m)).Text()); got != "100%" {
		t.Errorf("loss: got %q, want 100%%", got)
	}
	m.LastOutcome = models.OutcomeUnknown
	if got := plain(draw(t, liveLoss(m)).Text()); got != "–" {
		t.Errorf("loss not measured: got %q, want –", got)
	}
}
