package models

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// drawnMinutes writes minutes as letters: . none, u up, s slow, ? unknown, l loss, D down; m after those of maintenance.
func drawnMinutes(m [WallMinutes]Minute) string {
	var b strings.Builder
	for _, x := range m {
		b.WriteByte(".us?lD"[x.Kind()])
		if x.Maintenance() {
			b.WriteByte('m')
		}
	}
	return strings.TrimLeft(b.String(), ".")
}

func TestMinutes(t *testing.T) {
	t0 := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	type check struct {
		after   time.Duration
		outcome Outcome
		loss    int
		rtt     time.Duration
		state   State
		maint   bool
	}
	ok := func(after time.Duration) check {
		return check{after, OutcomeSuccess, 0, time.Millisecond, StateUp, false}
	}
	every := func(n int, step time.Duration) (list []check) {
		for i := range n {
			list = append(list, ok(time.Duration(i)*step))
		}
		return list
	}
	m := time.Minute
	for name, c := range map[string]struct {
		checks   []check
		interval time.Duration
		now      time.Duration
		want     string
	}{
		"never checked": {nil, m, 0, ""},
		"each minute":   {every(5, m), m, 4 * m, "uuuuu"},
		"the worst of a minute": {append(every(3, 20*time.Second), check{70 * time.Second, OutcomeUnknown, 0, 0, StateUnknown, false}, check{75 * time.Second, OutcomeSuccess, 25, time.Millisecond, StateUp, false}, ok(80*time.Second)),
			10 * time.Second, m, "ul"},
		"down from its verdict on":         {[]check{ok(0), {m, OutcomeFailure, 100, 0, StateUp, false}, {2 * m, OutcomeFailure, 100, 0, StateDown, false}, ok(3 * m)}, m, 3 * m, "ulDu"},
		"degraded":                         {[]check{ok(0), {m, OutcomeWarning, 0, time.Millisecond, StateDegraded, false}}, m, m, "ul"},
		"slower than twice the usual":      {append(every(6, m), check{6 * m, OutcomeSuccess, 0, 2100 * time.Microsecond, StateUp, false}, check{7 * m, OutcomeSuccess, 0, 1900 * time.Microsecond, StateUp, false}), m, 7 * m, "uuuuuusu"},
		"nothing for long":                 {every(3, m), m, 8 * m, "uuuuu...."},
		"five minutes apart":               {every(3, 5*m), 5 * m, 14 * m, "uuuuuuuuuuuuuuu"},
		"five minutes apart, one left out": {[]check{ok(0), ok(10 * m)}, 5 * m, 10 * m, "uuuuuuuuu.u"},
		"a day apart":                      {every(1, m), 24 * time.Hour, 10 * time.Hour, strings.Repeat("u", 60)},
		"maintenance":                      {[]check{ok(0), {m, OutcomeSuccess, 0, time.Millisecond, StateUp, true}}, m, m, "uum"},
		"an hour ago and more":             {every(70, m), m, 69 * m, strings.Repeat("u", 60)},
		"the clock was set back":           {append(every(3, m), ok(-10*m)), m, -10 * m, "u"},
		"the clock is behind":              {every(3, m), m, -10 * m, ""},
		"years later":                      {every(3, m), m, 90000 * time.Hour, ""},
	} {
		var s MonitorState
		var beats []Beat
		for _, c := range c.checks {
			s.LastSlot, s.State = t0.Add(c.after).UnixMilli(), c.state
			b := Beat{Outcome: c.outcome, LossPercent: c.loss, RTT: c.rtt, Maintenance: c.maint}
			s.PushBeat(b)
			beats = append(beats, b)
		}
		got := drawnMinutes(s.Minutes(t0.Add(c.now), c.interval))
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if over := len(beats) - RecentChecks; over > 0 {
			beats = beats[over:]
		}
		if !slices.Equal(s.Beats(), beats) {
			t.Errorf("%s: got beats %+v, want %+v", name, s.Beats(), beats)
		}
	}
}

// TestMinutesOfOldRows: a row that was written before there were minutes keeps its beats.
func TestMinutesOfOldRows(t *testing.T) {
	var s MonitorState
	for i := range 50 {
		s.LastSlot = int64(i) * 60_000
		s.PushBeat(Beat{Outcome: OutcomeSuccess, RTT: time.Duration(i+1) * time.Millisecond})
	}
	old := s
	old.Recent = slices.Clone(s.Recent[:RecentChecks*beatBytes])
	if got := drawnMinutes(old.Minutes(time.Unix(49*60, 0), time.Minute)); got != "" || !slices.Equal(old.Beats(), s.Beats()) {
		t.Errorf("got %q and %d beats, want none and all", got, len(old.Beats()))
	}
	old.LastSlot = 50 * 60_000
	old.PushBeat(Beat{Outcome: OutcomeSuccess, RTT: time.Millisecond})
	if got := drawnMinutes(old.Minutes(time.Unix(50*60, 0), time.Minute)); got != "u" || len(old.Beats()) != RecentChecks {
		t.Errorf("after one more check: got %q and %d beats", got, len(old.Beats()))
	}
}

// BenchmarkPushBeat is what each check costs the recorder for bar and wall.
func BenchmarkPushBeat(b *testing.B) {
	var s MonitorState
	for i := range 100 {
		s.LastSlot = int64(i) * 60_000
		s.PushBeat(Beat{Outcome: OutcomeSuccess, RTT: time.Millisecond})
	}
	b.ReportAllocs()
	for b.Loop() {
		s.LastSlot += 60_000
		s.PushBeat(Beat{Outcome: OutcomeSuccess, RTT: time.Millisecond})
	}
}
