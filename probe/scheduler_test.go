package probe

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"echolot/models"
)

// pinged is one call of a fakePinger.
type pinged struct {
	models.Check
	began, ended time.Time
	cut          bool
}

// fakePinger is a world of targets: it takes as long and finds what the test says, and remembers everything.
type fakePinger struct {
	takes func(models.Check) time.Duration  // nil = 10 ms
	finds func(models.Check) models.Outcome // nil = success

	once   sync.Once
	checks *background
	log    *slog.Logger // nil = nowhere

	mu            sync.Mutex
	pings         []pinged
	running, most int
}

func (f *fakePinger) Ping(c models.Check, done func(models.Result)) (cancel func()) {
	f.once.Do(func() {
		if f.log == nil {
			f.log = slog.New(slog.DiscardHandler)
		}
		f.checks = newBackground(f.log)
	})
	return f.checks.ping(c, done, f.ping)
}

// ping is a pinger as it was easy to write.
func (f *fakePinger) ping(ctx context.Context, c models.Check) models.Result {
	p := pinged{Check: c, began: time.Now()}
	f.mu.Lock()
	f.running++
	f.most = max(f.most, f.running)
	f.mu.Unlock()
	d := 10 * time.Millisecond
	if f.takes != nil {
		d = f.takes(c)
	}
	sleep(ctx, d)
	p.ended, p.cut = time.Now(), ctx.Err() != nil
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running--
	f.pings = append(f.pings, p)
	outcome := models.OutcomeSuccess
	if f.finds != nil {
		outcome = f.finds(c)
	}
	r := found(c.Slot, outcome)
	r.Monitor, r.Rev, r.Kind, r.Location = c.Monitor, c.Rev, c.Kind, c.Location
	r.StartedOffset = p.began.Sub(time.UnixMilli(c.Slot))
	return r
}

// of are the pings of one monitor, in the order of their ends.
func (f *fakePinger) of(monitor int64) []pinged {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []pinged
	for _, p := range f.pings {
		if p.Monitor == monitor {
			list = append(list, p)
		}
	}
	return list
}

// simulation is a scheduler that runs in a bubble of synctest.
type simulation struct {
	*Scheduler
	*fakePinger
	log   strings.Builder
	stop  func()
	taken []models.Result // guarded by the pinger's lock
	ahead atomic.Int64    // how far somebody set the clock
}

// simulate starts a scheduler; the test calls stop, or lets it stop at its end.
func simulate(t *testing.T, pinger *fakePinger, parallel int, start ...models.ProbeTarget) *simulation {
	s := &simulation{fakePinger: pinger}
	deliver := func(r models.Result) {
		pinger.mu.Lock()
		defer pinger.mu.Unlock()
		s.taken = append(s.taken, r)
	}
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	if pinger.log == nil {
		pinger.log = log
	}
	s.Scheduler = NewScheduler(1, parallel, pinger, deliver, log)
	s.clock.now = func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }
	s.Load(start)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	s.stop = func() { cancel(); <-done }
	t.Cleanup(s.stop)
	return s
}

func target(id int64, interval time.Duration) models.ProbeTarget {
	return models.ProbeTarget{
		MonitorID: id, Rev: 1, Status: models.StatusActive, Interval: interval,
		Spec: models.Spec{Host: fmt.Sprintf("rev1.m%d", id)},
		Rule: models.Rule{Confirmations: 2, Recoveries: 1, Retry: 5 * time.Second},
	}
}

// checked is a target that was checked just now, so that a start owes it nothing.
func checked(id int64, interval time.Duration) models.ProbeTarget {
	t := target(id, interval)
	t.LastCheckedAt = time.Now()
	return t
}

// changed is the next rev of a target.
func changed(t models.ProbeTarget) models.ProbeTarget {
	t.Rev++
	t.Spec.Host = fmt.Sprintf("rev%d.m%d", t.Rev, t.MonitorID)
	return t
}

// results are what the scheduler handed on, in its order.
func (s *simulation) results() []models.Result {
	s.fakePinger.mu.Lock()
	defer s.fakePinger.mu.Unlock()
	return slices.Clone(s.taken)
}

// kinds are the results' kinds and outcomes in short: "first scheduled".
func (s *simulation) kinds() string {
	var words []string
	for _, r := range s.results() {
		words = append(words, string(r.Kind))
	}
	return strings.Join(words, " ")
}

// sound checks what must hold whatever happens.
func (s *simulation) sound(t *testing.T) {
	t.Helper()
	ends, slots := map[int64]time.Time{}, map[int64]int64{}
	pings := slices.Clone(s.pings)
	slices.SortStableFunc(pings, func(a, b pinged) int { return a.began.Compare(b.began) })
	for _, p := range pings {
		if p.began.Before(time.UnixMilli(p.Slot)) {
			t.Errorf("monitor %d: slot %d was checked %s early", p.Monitor, p.Slot, time.UnixMilli(p.Slot).Sub(p.began))
		}
		if p.began.Before(ends[p.Monitor]) {
			t.Errorf("monitor %d: two checks at a time, at %s", p.Monitor, p.began)
		}
		if p.Slot <= slots[p.Monitor] {
			t.Errorf("monitor %d: slot %d after slot %d", p.Monitor, p.Slot, slots[p.Monitor])
		}
		ends[p.Monitor], slots[p.Monitor] = p.ended, p.Slot
	}
}

// T01: whatever the intervals and latencies, each slot has exactly one result, on time.
func TestEachSlotExactlyOnce(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const monitors, length = 500, 6 * time.Hour
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
					interval, phase := m.Interval.Milliseconds(), Phase(m.MonitorID, m.Interval).Milliseconds()
					for slot := start - start%interval - interval + phase; slot <= end; slot += interval {
						if slot <= start {
							continue
						}
						want++
						if n := got[[2]int64{m.MonitorID, slot}]; n != 1 {
							t.Fatalf("monitor %d, slot %d: got %d results, want 1", m.MonitorID, slot, n)
						}
					}
				}
				if len(got) != want {
					t.Errorf("slots with a result: got %d, want %d", len(got), want)
				}
				if stats.Skipped != 0 || stats.Lateness > 100*time.Millisecond {
					t.Errorf("with room for all: %d skipped, %s late", stats.Skipped, stats.Lateness)
				}
				s.sound(t)
			})
		})
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

// T08: changes during a running check.
func TestChangesDuringACheck(t *testing.T) {
	for name, test := range map[string]struct {
		change func(s *simulation, m models.ProbeTarget)
		want   string // the results' kinds and hosts after half an hour
		cut    bool
	}{
		"edit": {func(s *simulation, m models.ProbeTarget) {
			s.Set(changed(m))
		}, "first:2", true},
		"edited twice": {func(s *simulation, m models.ProbeTarget) {
			s.Set(changed(m))
			s.Set(changed(changed(m)))
		}, "first:3", true},
		"delete": {func(s *simulation, m models.ProbeTarget) {
			s.Remove(m.MonitorID)
		}, "", true},
		"pause and resume": {func(s *simulation, m models.ProbeTarget) {
			s.Remove(m.MonitorID)
			s.Set(changed(changed(m)))
		}, "first:3", true},
		"a rename": {func(s *simulation, m models.ProbeTarget) {
			s.Set(m)
		}, "first:1", false},
		"check now": {func(s *simulation, m models.ProbeTarget) {
			s.CheckNow(m.MonitorID)
			s.CheckNow(m.MonitorID)
		}, "first:1 manual:1", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := simulate(t, &fakePinger{takes: func(models.Check) time.Duration { return 20 * time.Second }}, 100)
				m := target(1, 24*time.Hour)
				s.Set(m)
				time.Sleep(5 * time.Second)
				at := time.Now()
				test.change(s, m)
				time.Sleep(time.Second)
				if pings := s.of(1); test.cut && (len(pings) != 1 || !pings[0].cut || pings[0].ended.Sub(at) > time.Second) {
					t.Errorf("the running check was not cut short within a second: %+v", pings)
				}
				time.Sleep(time.Minute)
				s.stop()
				s.sound(t)
				var got []string
				for _, r := range s.results() {
					got = append(got, fmt.Sprintf("%s:%d", r.Kind, r.Rev))
				}
				if g := strings.Join(got, " "); g != test.want {
					t.Errorf("results: got %q, want %q", g, test.want)
				}
				if n := s.TakeStats().Monitors; (n == 0) != (test.want == "") {
					t.Errorf("monitors left: got %d", n)
				}
			})
		})
	}
}

func TestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, &fakePinger{}, 100)
		time.Sleep(1234 * time.Millisecond)
		m := target(1, 24*time.Hour)
		for _, ask := range []func(){
			func() { s.Set(m) },          // new
			func() { s.Set(changed(m)) }, // changed
			func() { s.CheckNow(1) },     // asked for
		} {
			before, at := len(s.of(1)), time.Now()
			ask()
			synctest.Wait()
			time.Sleep(time.Second)
			pings := s.of(1)
			if len(pings) != before+1 || pings[before].began.Sub(at) > 10*time.Millisecond {
				t.Fatalf("checks after asking at %s: got %+v, want one more at once", at, pings)
			}
		}
		s.CheckNow(99) // nobody
		s.Set(m)       // an old rev: read before it was changed
		s.Remove(99)   // nobody
		s.Set(m)       // again
		time.Sleep(time.Second)
		if got, want := s.kinds(), "first first manual"; got != want {
			t.Errorf("kinds: got %q, want %q", got, want)
		}
	})
}

func TestConfirmingCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := checked(1, time.Hour)
		s := simulate(t, &fakePinger{finds: func(models.Check) models.Outcome { return models.OutcomeFailure }}, 100, m)
		state := models.MonitorState{Measured: models.StateUp, State: models.StateUp}
		record := func() {
			results := s.results()
			r := results[len(results)-1]
			state, _ = Judge(state, r, m.Rule, m.Status)
			time.Sleep(200 * time.Millisecond)
			s.Recorded(models.Recorded{Monitor: models.MonitorRow{State: state}, Result: r})
			s.Recorded(models.Recorded{Monitor: models.MonitorRow{State: state}, Result: r}) // told twice
		}
		s.CheckNow(1)
		time.Sleep(time.Second)
		record()
		time.Sleep(10 * time.Second)
		record() // down now: nothing to confirm
		time.Sleep(10 * time.Second)
		if got, want := s.kinds(), "manual confirm"; got != want {
			t.Fatalf("kinds: got %q, want %q", got, want)
		}
		pings := s.of(1)
		if gap := pings[1].began.Sub(pings[0].ended); gap < 5*time.Second || gap > 5*time.Second+10*time.Millisecond {
			t.Errorf("pause before the confirming check: got %s, want 5s", gap)
		}
		if state.State != models.StateDown {
			t.Errorf("state: got %s, want down", state.State)
		}
	})
}

// What was recorded late says nothing of what was checked since.
func TestNoConfirmingOfThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := checked(1, time.Hour)
		s := simulate(t, &fakePinger{}, 100, m)
		s.CheckNow(1)
		pass(time.Second)
		old := s.results()[0]
		old.Outcome = models.OutcomeFailure
		s.CheckNow(1)
		pass(time.Second)
		state, _ := Judge(models.MonitorState{}, old, m.Rule, m.Status)
		s.Recorded(models.Recorded{Monitor: models.MonitorRow{State: state}, Result: old})
		pass(time.Minute)
		if got, want := s.kinds(), "manual manual"; got != want {
			t.Errorf("kinds: got %q, want %q", got, want)
		}
	})
}

// The slot is the result's key: even checks that take no time have one each.
func TestSlotsNeverRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, &fakePinger{takes: func(models.Check) time.Duration { return 0 }}, 100, checked(1, time.Hour))
		for range 3 {
			synctest.Wait()
			s.CheckNow(1)
		}
		pass(time.Second)
		s.stop()
		s.sound(t)
		if got, want := s.kinds(), "manual manual"; got != want { // the third asked for what the second was about to do
			t.Errorf("kinds: got %q, want %q", got, want)
		}
	})
}

func TestNoHurryForTheUnmeasured(t *testing.T) {
	rule := models.Rule{Confirmations: 3, Recoveries: 1}
	for outcomes, want := range map[string]bool{"+": false, "-": true, "--": true, "---": false, "?": false, "-?": false, "-+": false} {
		var s models.MonitorState
		for i, c := range outcomes {
			outcome := map[rune]models.Outcome{'+': models.OutcomeSuccess, '-': models.OutcomeFailure, '?': models.OutcomeUnknown}[c]
			s, _ = Judge(s, found(at(i), outcome), rule, models.StatusActive)
		}
		if got := needsConfirming(s, rule); got != want {
			t.Errorf("a confirming check after %s: got %v, want %v", outcomes, got, want)
		}
	}
}

// T81 in small: ten times more than fits sheds evenly, and recovers.
func TestOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fast atomic.Bool
		pinger := &fakePinger{takes: func(models.Check) time.Duration {
			if fast.Load() {
				return 10 * time.Millisecond
			}
			return 10 * time.Second
		}}
		var targets []models.ProbeTarget
		for id := range int64(100) {
			targets = append(targets, checked(id+1, 10*time.Second))
		}
		s := simulate(t, pinger, 10, targets...)
		time.Sleep(20 * time.Minute)
		stats := s.TakeStats()
		if stats.Running != 10 || stats.Queued < 80 || stats.Skipped == 0 || stats.Lateness < 80*time.Second {
			t.Errorf("under ten times too much: %+v", stats)
		}
		for id := range int64(100) {
			if n := len(s.of(id + 1)); n < 10 || n > 14 {
				t.Errorf("monitor %d: got %d checks, want its share of 12", id+1, n)
			}
		}
		// Somebody asks: the next free place is theirs.
		s.Set(target(1000, time.Hour))
		time.Sleep(21 * time.Second)
		if len(s.of(1000)) != 1 {
			t.Error("a new monitor had to queue behind what was late")
		}
		fast.Store(true)
		time.Sleep(time.Minute)
		s.TakeStats()
		time.Sleep(time.Minute)
		if stats := s.TakeStats(); stats.Queued != 0 || stats.Lateness > 100*time.Millisecond {
			t.Errorf("a minute after the overload: %+v", stats)
		}
		s.stop()
		s.sound(t)
		if s.most != 10 {
			t.Errorf("checks in flight: got %d at most, want 10", s.most)
		}
	})
}

func TestStopWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, &fakePinger{takes: func(c models.Check) time.Duration { return time.Duration(c.Monitor) * time.Second }}, 2)
		for id := range int64(4) {
			s.Set(target(id+1, time.Hour))
		}
		time.Sleep(1500 * time.Millisecond) // 1 has ended, 2 and 3 are running, 4 waits
		s.stop()
		s.stop()
		if got := s.results(); len(got) != 1 || got[0].Monitor != 1 {
			t.Errorf("results at the stop: got %+v, want that of monitor 1 alone", got)
		}
		if len(s.pings) != 3 {
			t.Errorf("checks begun: got %d, want 3", len(s.pings))
		}
		// Nobody minds what comes after.
		s.Set(target(5, time.Hour))
		s.CheckNow(1)
		s.Remove(1)
		time.Sleep(time.Hour)
		if len(s.pings) != 3 {
			t.Error("a check began after the stop")
		}
	})
}

func TestPanickingPinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pinger := &fakePinger{takes: func(c models.Check) time.Duration {
			if c.Monitor == 1 {
				panic("a bug")
			}
			return 0
		}}
		s := simulate(t, pinger, 1, checked(1, 10*time.Second), checked(2, 10*time.Second))
		time.Sleep(50 * time.Second)
		s.stop()
		for _, r := range s.results() {
			want := models.OutcomeSuccess
			if r.Monitor == 1 {
				want = models.OutcomeUnknown
			}
			if r.Outcome != want || r.Monitor == 1 && (r.Cause != models.CauseLocalError || !strings.Contains(r.Detail, "a bug")) {
				t.Errorf("monitor %d: got %+v", r.Monitor, r)
			}
		}
		if len(s.results()) != 10 {
			t.Errorf("results: got %d, want 5 of each", len(s.results()))
		}
		if n := strings.Count(s.log.String(), "level=ERROR"); n != 1 {
			t.Errorf("error lines in a minute: got %d, want 1:\n%s", n, s.log.String())
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
				if n := strings.Count(s.log.String(), "the clock was set"); n != 1 {
					t.Errorf("lines in the log: got %d, want 1:\n%s", n, s.log.String())
				}
			})
		})
	}
}
