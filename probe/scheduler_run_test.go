package probe

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"echolot/models"
)

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

// What there is no room for is said once for each slot, evenly over the monitors; none has two results.
func TestShedSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const monitors = 40
		var targets []models.ProbeTarget
		for id := range int64(monitors) {
			targets = append(targets, checked(id+1, 10*time.Second))
		}
		s := simulate(t, &fakePinger{takes: func(models.Check) time.Duration { return 5 * time.Second }}, 10, targets...)
		begin := time.Now().UnixMilli()
		time.Sleep(10 * time.Minute)
		stats := s.TakeStats()
		end := time.Now().UnixMilli()
		s.stop()
		s.sound(t)
		results := map[int64]map[int64]models.Result{}
		shed, last := map[int64]int{}, map[int64]int64{}
		for _, r := range s.results() {
			if results[r.Monitor] == nil {
				results[r.Monitor] = map[int64]models.Result{}
			}
			if r.Slot <= last[r.Monitor] {
				t.Errorf("monitor %d: a result for slot %d after that for %d", r.Monitor, r.Slot, last[r.Monitor])
			}
			last[r.Monitor] = r.Slot
			results[r.Monitor][r.Slot] = r
			if r.Cause == models.CauseOverload {
				shed[r.Monitor]++
				if r.Outcome != models.OutcomeUnknown || r.StartedOffset < 10*time.Second || r.StartedOffset > 10*time.Second+100*time.Millisecond {
					t.Errorf("a shed slot: got %+v, want unknown, when the next was due", r)
				}
			}
		}
		sum := int64(0)
		for _, m := range targets {
			slots := slotsBetween(m, begin, end-30_000) // later ones may still be waiting or running
			for _, slot := range slots {
				if _, ok := results[m.MonitorID][slot]; !ok {
					t.Errorf("monitor %d: slot %d has no result", m.MonitorID, slot)
				}
			}
			if n := shed[m.MonitorID]; n < 25 || n > 35 {
				t.Errorf("monitor %d: got %d slots shed, want its share of 30", m.MonitorID, n)
			}
			sum += int64(shed[m.MonitorID])
		}
		if stats.Shed != sum || stats.Skipped != stats.Shed {
			t.Errorf("got %d shed and %d skipped, want %d, which were delivered", stats.Shed, stats.Skipped, sum)
		}
	})
}

// instant is a pinger that has its result before Ping returns, and that uses the scheduler in Ping.
type instant struct {
	scheduler *Scheduler
	cancelled atomic.Int64
}

func (i *instant) Ping(c models.Check, done func(models.Result)) (cancel func()) {
	if c.Monitor == 3 {
		i.scheduler.Remove(3) // cut before there is a cancel
		return func() { i.cancelled.Add(1); done(models.NewResult(c)) }
	}
	i.scheduler.CheckNow(c.Monitor + 100)
	i.scheduler.TakeStats()
	r := models.NewResult(c)
	r.Outcome = models.OutcomeSuccess
	done(r)
	done(r) // once too often
	return func() { i.cancelled.Add(1) }
}

// A pinger may call back at once and use the scheduler; a check that is cut short before Ping has returned is cancelled.
func TestPingerCallsBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pinger, taken := &instant{}, 0
		s := NewScheduler(1, 2, pinger, func(models.Result) { taken++ }, nil, slog.New(slog.DiscardHandler))
		pinger.scheduler = s
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); s.Run(ctx) }()
		for id := range int64(1000) {
			s.Set(target(id+1, time.Hour))
		}
		pass(10 * time.Second)
		stats := s.TakeStats()
		cancel()
		<-done
		if stats.Running != 0 || stats.Monitors != 999 || taken < 999 || int64(taken) != stats.Started-1 {
			t.Errorf("got %d results and %+v, want one for each check that was not cut short", taken, stats)
		}
		if n := pinger.cancelled.Load(); n != 1 {
			t.Errorf("got %d checks cancelled, want the one whose monitor was removed in Ping", n)
		}
	})
}

// A process that stood still does not shed all that it missed, nor believes what it was measuring.
func TestStoodStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var targets []models.ProbeTarget
		for id := range int64(60) {
			targets = append(targets, checked(id+1, time.Minute))
		}
		var still atomic.Bool
		pinger := &fakePinger{takes: func(models.Check) time.Duration { return 2 * time.Second }, begin: func() {
			if still.Swap(false) {
				time.Sleep(10 * time.Minute)
			}
		}}
		s := simulate(t, pinger, 100, targets...)
		pass(3 * time.Minute)
		still.Store(true)
		pass(10*time.Minute + 2*time.Second)
		before := len(s.results())
		pass(time.Minute)
		s.stop()
		void := 0
		for _, r := range s.results() {
			if r.Outcome == models.OutcomeUnknown && r.Cause == models.CauseLocalError {
				void++
			}
		}
		stats := s.TakeStats()
		if after := len(s.results()) - before; after < 55 || after > 70 || stats.Shed != 0 || void < 1 || void > 5 {
			t.Errorf("got %d results in the minute after, %d void in all, %d shed; want one for each monitor", after, void, stats.Shed)
		}
		if most := s.busiest(); most > 8 {
			t.Errorf("got %d checks in a second, want them spread", most)
		}
		if n := strings.Count(s.log.String(), "the prober stood still"); n != 1 {
			t.Errorf("lines in the log: got %d, want 1:\n%s", n, s.log.String())
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
