package models_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// replayed are checks a minute apart, one for each letter: o answered in 10 ms, s slow in 200 ms, l lost half, x lost all, u not
// measured, and a space is no check at all.
func replayed(letters string, rule models.Rule) *models.Replay {
	var p models.Replay
	for i, letter := range letters {
		r := models.Result{Slot: pastBegin.Add(time.Duration(i) * time.Minute).UnixMilli(), Kind: models.KindScheduled, Outcome: models.OutcomeSuccess, Sent: 2}
		rtt := 10 * time.Millisecond
		switch letter {
		case ' ':
			continue
		case 's':
			rtt = 200 * time.Millisecond
		case 'u':
			r.Outcome, r.Sent = models.OutcomeUnknown, 0
		case 'x':
			r.Outcome = models.OutcomeFailure
		}
		for n := range r.Sent {
			if letter == 'x' || letter == 'l' && n == 0 {
				r.Packets = append(r.Packets, models.Packet{})
				continue
			}
			r.Packets = append(r.Packets, models.Packet{State: models.PacketReplied, RTT: rtt})
			r.Received++
		}
		p.Check(r, rule)
	}
	return &p
}

var pastBegin = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// troubles writes them as type from–to in minutes; an open end is empty.
func troubles(list []models.Trouble) string {
	var out []string
	for _, t := range list {
		end := ""
		if !t.End.IsZero() {
			end = fmt.Sprint(t.End.Sub(pastBegin).Minutes())
		}
		out = append(out, fmt.Sprintf("%s %v–%s", t.Type, t.Start.Sub(pastBegin).Minutes(), end))
	}
	return strings.Join(out, ", ")
}

func TestReplay(t *testing.T) {
	plain := models.Rule{Confirmations: 2, Recoveries: 1, FailedLoss: 100}
	with := func(change func(*models.Rule)) models.Rule {
		rule := plain
		change(&rule)
		return rule
	}
	for _, c := range []struct {
		what, checks string
		rule         models.Rule
		want         string
	}{
		{"all is well", "oooooo", plain, ""},
		{"nothing", "", plain, ""},
		{"one failure is none", "ooxoo", plain, ""},
		{"two are one, from the first", "ooxxoo", plain, "downtime 2–4"},
		{"one is enough", "ooxoo", with(func(r *models.Rule) { r.Confirmations = 1 }), "downtime 2–3"},
		{"three are asked for", "oxxoxxxo", with(func(r *models.Rule) { r.Confirmations = 3 }), "downtime 4–7"},
		{"open at the end", "oxx", plain, "downtime 1–"},
		{"not measured in between is the same one", "oxxuuxxo", plain, "downtime 1–7"},
		{"a gap too", "oxx   xo", plain, "downtime 1–7"},
		{"two good ones end it", "oxxoxxooo", with(func(r *models.Rule) { r.Recoveries = 2 }), "downtime 1–7"},
		{"two troubles", "oxxoxxo", plain, "downtime 1–3, downtime 4–6"},
		{"loss without a limit", "ollllo", plain, ""},
		{"loss over the limit", "ollllo", with(func(r *models.Rule) { r.DegradedLoss = 20 }), "degraded 1–5"},
		{"degraded, then down, then degraded", "ollxxllo", with(func(r *models.Rule) { r.DegradedLoss = 20 }), "degraded 1–3, downtime 3–5, degraded 5–7"},
		{"slow", "osssso", with(func(r *models.Rule) { r.DegradedLatency = 100 * time.Millisecond }), "degraded 1–5"},
		{"slow is down", "osssso", with(func(r *models.Rule) { r.FailedLatency = 100 * time.Millisecond }), "downtime 1–5"},
		{"slow over a window", "oooosooo", with(func(r *models.Rule) {
			r.DegradedLatency, r.Window, r.Confirmations = 45*time.Millisecond, 5*time.Minute, 1
		}), "degraded 4–"},
	} {
		if got := troubles(replayed(c.checks, c.rule).Troubles); got != c.want {
			t.Errorf("%s: %q: got %q, want %q", c.what, c.checks, got, c.want)
		}
	}
}

func TestReplayBuckets(t *testing.T) {
	bucket := func(i, sent, received int, ms int) models.Bucket {
		b := models.Bucket{Start: pastBegin.Add(time.Duration(i) * 5 * time.Minute), Length: 5 * time.Minute, Sent: sent, Received: received, RTTAvg: time.Duration(ms) * time.Millisecond}
		b.Quantiles[4] = 3 * b.RTTAvg
		return b
	}
	for _, c := range []struct {
		what     string
		rule     models.Rule
		interval time.Duration
		buckets  []models.Bucket
		want     string
	}{
		{"two checks are less than a bucket", models.Rule{Confirmations: 2, Recoveries: 1}, time.Minute, []models.Bucket{bucket(0, 10, 10, 1), bucket(1, 10, 0, 0), bucket(2, 10, 10, 1)}, "downtime 5–10"},
		{"two checks are two buckets", models.Rule{Confirmations: 2, Recoveries: 1}, 5 * time.Minute, []models.Bucket{bucket(0, 2, 2, 1), bucket(1, 2, 0, 0), bucket(2, 2, 2, 1)}, ""},
		{"not measured", models.Rule{Confirmations: 1, Recoveries: 1}, time.Minute, []models.Bucket{bucket(0, 10, 0, 0), bucket(1, 0, 0, 0), bucket(2, 10, 0, 0), bucket(3, 10, 10, 1)}, "downtime 0–15"},
		{"loss", models.Rule{Confirmations: 1, Recoveries: 1, DegradedLoss: 0.5}, time.Second, []models.Bucket{bucket(0, 30000, 30000, 1), bucket(1, 30000, 29999, 1), bucket(2, 30000, 29000, 1), bucket(3, 30000, 30000, 1)}, "degraded 10–15"},
		{"the average", models.Rule{Confirmations: 1, Recoveries: 1, DegradedLatency: 50 * time.Millisecond}, time.Minute, []models.Bucket{bucket(0, 10, 10, 20), bucket(1, 10, 10, 60), bucket(2, 10, 10, 20)}, "degraded 5–10"},
		{"the 95th percentile", models.Rule{Confirmations: 1, Recoveries: 1, DegradedLatency: 50 * time.Millisecond, Latency: models.LatencyP95}, time.Minute, []models.Bucket{bucket(0, 10, 10, 10), bucket(1, 10, 10, 20), bucket(2, 10, 10, 10)}, "degraded 5–10"},
	} {
		var p models.Replay
		for _, b := range c.buckets {
			p.Bucket(b, c.rule, c.interval)
		}
		if got := troubles(p.Troubles); got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
}

// TestBacktest: under the monitor's own rule the replay finds what happened, each check for itself where results are there, and
// under another rule something else; nothing is changed.
func TestBacktest(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		p := history(t, url, time.Minute)
		if got, err := p.s.Backtest(t.Context(), p.by, p.row.PublicID, models.Fields{}); err != nil || !got.From.IsZero() || got.Troubles != nil {
			t.Errorf("without a history: got %+v and error %v", got, err)
		}
		at := func(minute int) time.Time { return p.began.Add(time.Duration(minute) * time.Minute) }
		for minute := range 240 {
			rtts := []int{1000, 1000}
			switch {
			case minute >= 60 && minute < 70:
				rtts = []int{-1, -1}
			case minute == 200:
				rtts = []int{-1, 1000}
			}
			p.record(models.Judge, p.check(at(minute), rtts...))
		}
		p.now = at(240)
		before := modelstest.Digest(t, p.s)
		try := func(config, want string) {
			t.Helper()
			b, err := p.s.Backtest(t.Context(), p.by, p.row.PublicID, fields(t, config))
			if err != nil {
				t.Fatal(err)
			}
			if got := troubles(b.Troubles); got != want || !b.From.Equal(at(0)) || !b.To.Equal(at(239)) || b.Cut || !b.Each.Equal(at(0)) {
				t.Errorf("%s: got %q of %s to %s (each check from %s, cut %v), want %q of four hours", config, got, b.From, b.To, b.Each, b.Cut, want)
			}
		}
		try(`{}`, "downtime 60–70")
		try(`{"icmpConfig":{"count":2,"confirmations":11}}`, "")
		try(`{"icmpConfig":{"count":2,"confirmations":1,"degradedLossPercent":10}}`, "downtime 60–70, degraded 200–201")
		if b, err := p.s.Backtest(t.Context(), p.by, p.row.PublicID, fields(t, `{"icmpConfig":{"confirmations":1,"degradedLossPercent":10}}`)); err != nil || b.Lasted() != 11*time.Minute {
			t.Errorf("got %s and error %v, want 11 minutes in all", b.Lasted(), err)
		}
		var invalid *models.Invalid
		if _, err := p.s.Backtest(t.Context(), p.by, p.row.PublicID, fields(t, `{"icmpConfig":{"confirmations":0}}`)); !errors.As(err, &invalid) || invalid.Fields[0].Field != "icmpConfig.confirmations" {
			t.Errorf("no confirmation at all: got error %v, want one of the field", err)
		}
		if _, err := p.s.Backtest(t.Context(), models.Actor{Role: models.RoleReadonly, OrganizationID: 1}, p.row.PublicID, models.Fields{}); !errors.Is(err, models.ErrForbidden) {
			t.Errorf("a reader: got error %v, want %v", err, models.ErrForbidden)
		}
		if _, err := p.s.Backtest(t.Context(), models.Actor{Role: models.RoleAdmin, OrganizationID: 99}, p.row.PublicID, models.Fields{}); err == nil {
			t.Error("another organization's: got no error")
		}
		if modelstest.Digest(t, p.s) != before {
			t.Error("a back-test changed the database")
		}

		// Where results are gone, 5-minute buckets are judged.
		p.rollUp(at(245))
		if _, err := writable(t, url).ExecContext(t.Context(), fmt.Sprintf("DELETE FROM results WHERE slot < %d", at(120).UnixMilli())); err != nil {
			t.Fatal(err)
		}
		b, err := p.s.Backtest(t.Context(), p.by, p.row.PublicID, models.Fields{})
		if err != nil {
			t.Fatal(err)
		}
		if got := troubles(b.Troubles); got != "downtime 60–70" || !b.From.Equal(at(0)) || !b.To.Equal(at(239)) || !b.Each.Equal(at(120)) {
			t.Errorf("by buckets: got %q of %s to %s (each check from %s), want the same as before, each check from 2:00 on", got, b.From, b.To, b.Each)
		}
	})
}
