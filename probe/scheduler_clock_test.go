package probe

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"echolot/models"
)

// T05: the clock is set. Every monitor is checked once an interval as before, not none and not all at once, and what was
// being measured is void.
func TestSchedulerClockIsSet(t *testing.T) {
	for _, step := range []time.Duration{-24 * time.Hour, -time.Hour, -10 * time.Second, 10 * time.Second, time.Hour, 24 * time.Hour} {
		t.Run(step.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const monitors = 60
				var start []models.ProbeTarget
				for id := range int64(monitors) {
					start = append(start, checked(id+1, time.Minute))
				}
				pinger := &fakePinger{takes: func(models.Check) time.Duration { return 2 * time.Second }}
				s := simulate(t, pinger, 100, start...)
				pass(3 * time.Minute)
				s.ahead.Store(int64(step))
				at := time.Now()
				pass(2 * time.Minute)
				void := 0
				pinger.mu.Lock()
				for _, r := range s.taken {
					if r.Cause == models.CauseClockStep {
						void++
					}
				}
				pinger.mu.Unlock()
				if void == 0 || void > 15 {
					t.Errorf("void results: got %d, want the few that were under way", void)
				}
				seconds := map[int64]int{}
				for id := range int64(monitors) {
					n, last := 0, int64(0)
					for _, p := range pinger.of(id + 1) {
						if p.began.Before(at.Add(time.Second)) {
							continue
						}
						n++
						seconds[p.began.Unix()]++
						if late := p.began.Add(step).Sub(time.UnixMilli(p.Slot)); late < 0 || late > time.Second || p.Slot <= last {
							t.Errorf("monitor %d: slot %s before its check and %d after the last one", id+1, late, p.Slot-last)
						}
						last = p.Slot
					}
					if n < 1 || n > 3 {
						t.Errorf("monitor %d: got %d checks in two minutes, want 2", id+1, n)
					}
				}
				for second, n := range seconds {
					if n > 6 {
						t.Errorf("%d checks in second %d, want them spread", n, second)
					}
				}
				if n := s.TakeStats().ClockSteps; n != 1 {
					t.Errorf("steps of the clock: got %d, want 1", n)
				}
				if n := strings.Count(s.log.String(), "the clock was set"); n != 1 {
					t.Errorf("lines in the log: got %d, want 1:\n%s", n, s.log.String())
				}
			})
		})
	}
}

// T05: the hour that comes again after the clock was set back has keys of its own; so has the next, if it comes once more.
func TestSlotKeysAfterTheClockWasSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var start []models.ProbeTarget
		for id := range int64(50) {
			start = append(start, checked(id+1, time.Duration(1+id%5)*time.Minute))
		}
		s := simulate(t, &fakePinger{}, 100, start...)
		pass(70 * time.Minute)
		for _, ahead := range []time.Duration{-time.Hour, -90 * time.Minute} {
			s.ahead.Store(int64(ahead))
			pass(100 * time.Minute)
		}
		s.stop()
		seen := map[[2]int64]bool{}
		for _, r := range s.results() {
			key := [2]int64{r.Monitor, r.Slot}
			if seen[key] {
				t.Fatalf("monitor %d has two results for slot %d", r.Monitor, r.Slot)
			}
			seen[key] = true
		}
		m := start[0] // each minute, and by now at its phase again
		results := s.results()
		for _, r := range results[len(results)-50:] {
			interval := m.Interval.Milliseconds()
			if want := phase(m.MonitorID, interval); r.Monitor == m.MonitorID && r.Slot%interval != want {
				t.Errorf("slot %d is not at phase %d", r.Slot, want)
			}
		}
		if n := len(results); n < 50*270/5 {
			t.Errorf("got %d results", n)
		}
	})
}

// T05: a leap second that is smeared over a day, or NTP at work, is no step: each slot has its result.
func TestClockDrifts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := checked(1, time.Minute)
		s := simulate(t, &fakePinger{}, 100, m)
		begin := time.Now()
		for i := range 240 {
			s.ahead.Store(int64(time.Duration(i%120) * 25 * time.Millisecond)) // 3 s forward, and back at once
			pass(time.Minute)
		}
		s.stop()
		want := len(slotsBetween(m, begin.UnixMilli(), s.clock.now().UnixMilli()))
		if got := len(s.results()); s.TakeStats().ClockSteps != 0 || got < want-1 || got > want+1 {
			t.Errorf("got %d results of %d slots, %d steps of the clock", got, want, s.TakeStats().ClockSteps)
		}
	})
}

// T06: the machine slept for eight hours. Each monitor that missed a slot is checked once within a minute, spread; the
// night has no results, and what was under way is void.
func TestSuspend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const monitors, night = 600, 8 * time.Hour
		intervals := []time.Duration{30 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour}
		var start []models.ProbeTarget
		for id := range int64(monitors) {
			start = append(start, checked(id+1, intervals[id%5]))
		}
		s := simulate(t, &fakePinger{takes: func(models.Check) time.Duration { return 2 * time.Second }}, 1000, start...)
		pass(3 * time.Minute)
		s.ahead.Store(int64(night))
		asleep, woke := time.Now().UnixMilli(), time.Now().Add(night).UnixMilli()
		pass(time.Minute + 3*time.Second)
		s.stop()
		checks := map[int64]int{}
		seconds := map[int64]int{}
		for _, p := range s.pings {
			if p.began.UnixMilli() <= asleep {
				continue
			}
			checks[p.Monitor]++
			seconds[p.began.Unix()]++
			if p.Slot < woke {
				t.Errorf("monitor %d: a check for slot %d, in the night", p.Monitor, p.Slot)
			}
		}
		for _, m := range start {
			missed := len(slotsBetween(m, asleep, woke)) > 0
			most := 1 + len(slotsBetween(m, woke, woke+63_000))
			if n := checks[m.MonitorID]; missed && n < 1 || n > most || !missed && n == most {
				t.Errorf("monitor %d, each %s: got %d checks in the minute after, want at most %d; it missed a slot: %v", m.MonitorID, m.Interval, n, most, missed)
			}
		}
		for second, n := range seconds {
			if n > 30 {
				t.Errorf("%d checks in second %d, want them spread", n, second)
			}
		}
		void := 0
		for _, r := range s.results() {
			if r.Cause == models.CauseClockStep {
				void++
			}
		}
		if stats := s.TakeStats(); stats.ClockSteps != 1 || void == 0 || void > 50 || stats.Shed != 0 {
			t.Errorf("got %d steps, %d void results, %d shed", stats.ClockSteps, void, stats.Shed)
		}
	})
}
