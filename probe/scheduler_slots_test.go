package probe

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"echolot/models"
)

// seeds is how many random worlds a test tries; more of them in `make soak`.
func seeds(n, soak uint64) uint64 {
	if os.Getenv("ECHOLOT_SOAK") != "" {
		return soak
	}
	return n
}

// T01: whatever the intervals and latencies, each slot has exactly one result, none early, on time.
func TestEachSlotExactlyOnce(t *testing.T) {
	for seed := range seeds(2, 50) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { eachSlotOnce(t, seed) }) })
	}
}

func eachSlotOnce(t *testing.T, seed uint64) {
	const monitors, length = 500, 24 * time.Hour
	random := rand.New(rand.NewPCG(seed, 0))
	pinger := &fakePinger{takes: func(models.Check) time.Duration {
		return time.Duration(rand.Int64N(int64(3 * time.Second)))
	}}
	var targets []models.ProbeTarget
	for i := range int64(monitors) {
		interval := time.Duration(10+random.IntN(3590)) * time.Second
		targets = append(targets, target(i+1, interval))
	}
	start := time.Now().UnixMilli()
	s := simulate(t, pinger, 100, targets...)
	time.Sleep(length)
	end := time.Now().UnixMilli()
	stats := s.TakeStats()
	time.Sleep(4 * time.Second) // those that began before the end
	s.stop()

	got := map[[2]int64]int{}
	for _, r := range s.results() {
		if r.Kind == models.KindScheduled && r.Slot <= end {
			got[[2]int64{r.Monitor, r.Slot}]++
		}
	}
	want := 0
	for _, m := range targets {
		for _, slot := range slotsBetween(m, start, end) {
			want++
			if n := got[[2]int64{m.MonitorID, slot}]; n != 1 {
				t.Fatalf("monitor %d, slot %d: got %d results, want 1", m.MonitorID, slot, n)
			}
		}
	}
	if len(got) != want {
		t.Errorf("slots with a result: got %d, want %d", len(got), want)
	}
	if late := quantile(s.late, 0.99); stats.Skipped != 0 || stats.Lateness > 100*time.Millisecond || late > 100*time.Millisecond {
		t.Errorf("with room for all: %d skipped, %s late, %s at the 99th percentile", stats.Skipped, stats.Lateness, late)
	}
	if begun := int64(len(s.pings)); stats.Started > begun || stats.Started < begun-monitors || len(s.late) < want {
		t.Errorf("got %d checks started and %d measures of lateness, want about %d and at least %d", stats.Started, len(s.late), begun, want)
	}
	s.sound(t)
}

// slotsBetween are a monitor's slots after start, up to end.
func slotsBetween(m models.ProbeTarget, start, end int64) (slots []int64) {
	interval := m.Interval.Milliseconds()
	for slot := start - start%interval - interval + phase(m.MonitorID, interval); slot <= end; slot += interval {
		if slot > start {
			slots = append(slots, slot)
		}
	}
	return slots
}

func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[int(q*float64(len(sorted)-1))]
}

// The phase is fixed for ever: it is that of the first version.
func TestPhase(t *testing.T) {
	for _, id := range []int64{1, 2, 255, 256, 1_000_000, 1<<62 + 12345} {
		h := fnv.New64a()
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(id)))
		for _, interval := range []int64{1000, 60_000, 24 * 60 * 60 * 1000} {
			want := int64(h.Sum64() % uint64(interval))
			if got := phase(id, interval); got != want {
				t.Errorf("monitor %d, interval %d ms: got phase %d ms, want %d", id, interval, got, want)
			}
		}
	}
}

// busiest is the largest number of checks that began within any second.
func (s *simulation) busiest() int {
	starts := make([]time.Time, 0, len(s.pings))
	for _, p := range s.pings {
		starts = append(starts, p.began)
	}
	slices.SortFunc(starts, time.Time.Compare)
	most, from := 0, 0
	for to := range starts {
		for starts[to].Sub(starts[from]) >= time.Second {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

// T02: a cold start is spread, and a restart keeps everybody's place.
func TestColdStart(t *testing.T) {
	const monitors = 2000
	for _, interval := range []time.Duration{time.Minute, time.Hour} {
		t.Run(interval.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(37 * time.Second) // a start knows no full minutes
				start := func(last time.Time) (phases map[int64]int64, most, pings int) {
					var targets []models.ProbeTarget
					for id := range int64(monitors) {
						m := target(id+1, interval)
						m.LastCheckedAt = last
						targets = append(targets, m)
					}
					s := simulate(t, &fakePinger{}, 100, targets...)
					time.Sleep(time.Minute + time.Second)
					firstMinute := map[int64]int{}
					for _, r := range s.results() {
						firstMinute[r.Monitor]++
					}
					time.Sleep(2 * interval)
					s.stop()
					s.sound(t)
					if len(firstMinute) != monitors && time.Since(last) > 24*time.Hour {
						t.Errorf("checked in the first minute: got %d, want all %d", len(firstMinute), monitors)
					}
					phases = map[int64]int64{}
					for _, r := range s.results() {
						if r.Kind == models.KindScheduled {
							phases[r.Monitor] = r.Slot % interval.Milliseconds()
						}
					}
					return phases, s.busiest(), len(s.results())
				}
				before, most, _ := start(time.Time{})
				if limit := 2 * monitors / 60; most > limit {
					t.Errorf("checks in the busiest second of a cold start: got %d, want at most %d", most, limit)
				}
				after, most, pings := start(time.Now())
				if limit := 2 * monitors / 60; most > limit {
					t.Errorf("checks in the busiest second of a restart: got %d, want at most %d", most, limit)
				}
				if limit := monitors * 31 / 10; interval == time.Minute && pings > limit {
					t.Errorf("checks in three intervals after a restart: got %d, want at most %d", pings, limit)
				}
				for id, phase := range before {
					if after[id] != phase {
						t.Fatalf("monitor %d: phase %d before the restart, %d after it", id, phase, after[id])
					}
				}
			})
		})
	}
}

// T03: after a stop of any length the overdue are checked within a minute, spread and once each; the time between has no
// results; and everybody keeps its slots.
func TestGapAfterAStop(t *testing.T) {
	for seed := range seeds(3, 100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { gapAfterAStop(t, seed) }) })
	}
}

func gapAfterAStop(t *testing.T, seed uint64) {
	const monitors = 2000
	random := rand.New(rand.NewPCG(seed, 3))
	intervals := []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 24 * time.Hour}
	targets := make([]models.ProbeTarget, monitors)
	for i := range targets {
		targets[i] = target(int64(i+1), intervals[random.IntN(len(intervals))])
	}
	first := simulate(t, &fakePinger{}, 100, targets...)
	time.Sleep(10 * time.Minute)
	first.stop()
	for _, r := range first.results() {
		targets[r.Monitor-1].LastCheckedAt = r.StartedAt()
	}
	stopped := time.Now()
	time.Sleep(time.Duration(random.Int64N(int64(2 * time.Hour))))
	started := time.Now()
	s := simulate(t, &fakePinger{}, 100, targets...)
	time.Sleep(2 * time.Minute)
	s.stop()
	s.sound(t)

	checks := map[int64][]models.Result{}
	for _, r := range s.results() {
		checks[r.Monitor] = append(checks[r.Monitor], r)
		if r.Slot > stopped.UnixMilli() && r.Slot < started.UnixMilli() {
			t.Errorf("monitor %d: a result for slot %d, when nothing was running", r.Monitor, r.Slot)
		}
	}
	soonest, caught := time.Hour, 0
	for _, m := range targets {
		list := checks[m.MonitorID]
		if len(list) > 0 {
			soonest = min(soonest, list[0].StartedAt().Sub(started))
		}
		if started.Sub(m.LastCheckedAt) > m.Interval {
			within := min(m.Interval, time.Minute) + 100*time.Millisecond
			if len(list) == 0 || list[0].StartedAt().Sub(started) > within {
				t.Errorf("monitor %d, each %s, was overdue and not checked within %s", m.MonitorID, m.Interval, within)
			}
		}
		for i, r := range list {
			if r.Kind == models.KindFirst {
				if caught++; i != 0 {
					t.Errorf("monitor %d was caught up with after it was checked", m.MonitorID)
				}
			}
		}
		slots := slotsBetween(m, started.UnixMilli(), started.Add(2*time.Minute-time.Second).UnixMilli())
		for _, slot := range slots {
			if !slices.ContainsFunc(list, func(r models.Result) bool { return r.Slot == slot && r.Kind == models.KindScheduled }) {
				t.Errorf("monitor %d lost its slot %d", m.MonitorID, slot)
			}
		}
	}
	if soonest > 10*time.Second {
		t.Errorf("the first check came %s after the start", soonest)
	}
	// 400 each 10 s, 400 each minute, and those that were overdue: 1,200 at most in a minute.
	if most := s.busiest(); most > 130 {
		t.Errorf("%d checks in the busiest second, of which %d monitors were caught up with", most, caught)
	}
}

// T04: a day's interval survives a restart each five hours.
func TestRestartsDoNotPostpone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pinger := &fakePinger{}
		m := target(1, 24*time.Hour)
		for range 5 * 24 / 5 {
			s := simulate(t, pinger, 1, m)
			time.Sleep(5 * time.Hour)
			s.stop()
			for _, r := range s.results() {
				m.LastCheckedAt = r.StartedAt()
			}
		}
		// Five days have five slots; the start of all added the first check.
		if n := len(pinger.pings); n != 6 {
			t.Errorf("checks in five days: got %d, want 6", n)
		}
	})
}

// A few that a stop left overdue are not made to wait a minute.
func TestColdStartOfAFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var targets []models.ProbeTarget
		for id := range int64(50) {
			targets = append(targets, target(id+1, 24*time.Hour))
		}
		s := simulate(t, &fakePinger{}, 100, targets...)
		time.Sleep(6 * time.Second)
		s.stop()
		if n, most := len(s.results()), s.busiest(); n != 50 || most > 11 {
			t.Errorf("got %d checks in six seconds, %d in the busiest; want 50 and 10", n, most)
		}
	})
}

// T07: a check that takes longer than its interval.
func TestSlowChecksSkipSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pinger := &fakePinger{takes: func(models.Check) time.Duration { return 25 * time.Second }}
		s := simulate(t, pinger, 100, checked(1, 10*time.Second))
		time.Sleep(time.Hour)
		stats := s.TakeStats()
		s.stop()
		s.sound(t)
		// Back to back for an hour, but for the time to the first slot.
		if n := len(s.results()); n < 142 || n > 144 {
			t.Errorf("results: got %d, want 143 of 25 s in an hour", n)
		}
		slots := (s.pings[len(s.pings)-1].Slot-s.pings[0].Slot)/10_000 + 1
		// Under the check that was running at the end, one more may have passed.
		if skipped := slots - int64(len(s.pings)); stats.Skipped != skipped && stats.Skipped != skipped+1 {
			t.Errorf("skipped: got %d, want %d of %d slots", stats.Skipped, skipped, slots)
		}
		if stats.Shed != 0 {
			t.Errorf("there was room: got %d slots shed, want none", stats.Shed)
		}
		if stats.Lateness > 100*time.Millisecond {
			t.Errorf("a monitor's own slowness counted as lateness of ours: %s", stats.Lateness)
		}
	})
}

// A silent target whose timeout is its interval keeps its slots: each check ends before the next one is due, and no
// lateness heaps up.
func TestTimeoutAsLongAsTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pinger := &fakePinger{takes: func(c models.Check) time.Duration { return c.Spec.Timeout + 3*time.Millisecond }}
		m := checked(1, 5*time.Second)
		m.Spec.Timeout = 5 * time.Second
		s := simulate(t, pinger, 100, m)
		time.Sleep(time.Hour)
		stats := s.TakeStats()
		s.stop()
		s.sound(t)
		if n := len(s.results()); n < 718 || stats.Skipped != 0 {
			t.Errorf("got %d results and %d skipped slots, want 720 of an hour and none", n, stats.Skipped)
		}
		for _, r := range s.results() {
			if r.StartedOffset > 50*time.Millisecond {
				t.Fatalf("a check began %s after its slot", r.StartedOffset)
			}
		}
	})
}

// T22: settings that got past the API must not become a flood or a crash.
func TestNoInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, &fakePinger{}, 10, checked(1, 0), checked(2, -time.Hour))
		time.Sleep(10 * time.Second)
		s.stop()
		if n := len(s.results()); n < 18 || n > 20 {
			t.Errorf("checks of two monitors without an interval in 10 s: got %d, want one a second each", n)
		}
	})
}
