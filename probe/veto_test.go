package probe

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"echolot/models"
)

// vetoed is a veto before a list of what it handed on.
type vetoed struct {
	*veto
	*witnesses
	mu   sync.Mutex
	list []models.Result
}

func newVetoed(t *testing.T) *vetoed {
	v := &vetoed{}
	var hears atomic.Pointer[veto] // the veto needs the sentinels, which ask from their start
	v.witnesses = testifyTo(t, func() {
		if one := hears.Load(); one != nil {
			one.look()
		}
	}, []string{"10.0.0.1"}, nil, models.ProberFigures{})
	v.veto = newVeto(v.Sentinels, func(r models.Result) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.list = append(v.list, r)
	}, slog.New(slog.DiscardHandler))
	hears.Store(v.veto)
	return v
}

// result is one of the monitor whose check began now.
func result(monitor int64, outcome models.Outcome) models.Result {
	r := found(time.Now().UnixMilli(), outcome)
	r.Monitor, r.StartedOffset = monitor, 0
	return r
}

// passed is what was handed on, in short: "1:success".
func (v *vetoed) passed() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var words []string
	for _, r := range v.list {
		words = append(words, fmt.Sprintf("%d:%s", r.Monitor, r.Outcome))
	}
	return strings.Join(words, " ")
}

func (v *vetoed) expect(t *testing.T, what, want string) {
	t.Helper()
	if got := v.passed(); got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
	v.mu.Lock()
	v.list = nil
	v.mu.Unlock()
}

// A failure waits for the sentinels' word, a success only behind a failure of its own monitor.
func TestVetoKeepsTheOrderOfAMonitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVetoed(t)
		pass(2 * time.Second)
		v.failed(result(1, models.OutcomeFailure), time.Now())
		v.take(result(2, models.OutcomeSuccess))
		v.take(result(1, models.OutcomeSuccess))
		v.take(result(1, models.OutcomeUnknown))
		v.expect(t, "at once", "2:success")
		pass(100 * time.Millisecond) // the alarm had the sentinel asked, and it answered
		v.expect(t, "with the sentinel's answer", "1:failure 1:success 1:unknown")
		v.failed(result(1, models.OutcomeFailure), time.Now().Add(-time.Second))
		v.take(result(1, models.OutcomeSuccess))
		v.expect(t, "an answer that covers it was there", "1:failure 1:success")
		if v.waiting.Load() != 0 || len(v.of) != 0 {
			t.Errorf("got %d waiting of %d monitors, want none", v.waiting.Load(), len(v.of))
		}
	})
}

// While we are blind failures are not measured, successes are.
func TestVetoOfTheBlind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVetoed(t)
		v.kill(true, "10.0.0.1")
		r := result(1, models.OutcomeFailure)
		pass(200 * time.Millisecond)
		v.failed(r, time.Now())
		v.take(result(2, models.OutcomeSuccess))
		v.expect(t, "before anybody knows", "2:success")
		began := time.Now()
		for v.waiting.Load() > 0 && time.Since(began) < 10*time.Second {
			pass(10 * time.Millisecond)
		}
		if waited := time.Since(began); waited > longestVeto {
			t.Errorf("the word took %s, want %s at most", waited, longestVeto)
		}
		v.mu.Lock()
		got := v.list
		v.mu.Unlock()
		if len(got) != 1 || got[0].Outcome != models.OutcomeUnknown || got[0].Cause != models.CauseProberBlind || got[0].Detail != "10.0.0.1 is silent" || got[0].Sent != 0 || got[0].Packets != nil {
			t.Errorf("got %+v, want it not measured, with nothing that looks like loss", got)
		}
		v.expect(t, "then", "1:unknown")
		v.failed(result(3, models.OutcomeFailure), time.Now())
		v.take(result(4, models.OutcomeSuccess))
		v.expect(t, "while blind", "3:unknown 4:success")
	})
}

// A sentinel whose requests never end must not keep results for ever.
func TestVetoEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVetoed(t)
		pass(5 * time.Second)
		v.pinger.mu.Lock()
		takes := v.pinger.takes
		v.pinger.takes = func(models.Check) time.Duration { return time.Hour }
		v.pinger.mu.Unlock()
		pass(10 * time.Second)
		v.failed(result(1, models.OutcomeFailure), time.Now())
		pass(longestVeto + troublePause)
		v.expect(t, "with requests that hang", "1:unknown")
		v.pinger.mu.Lock()
		v.pinger.takes = takes
		v.pinger.mu.Unlock()
		v.failed(result(1, models.OutcomeFailure), time.Now())
		v.stop()
		v.drop()
		v.take(result(1, models.OutcomeSuccess))
		v.expect(t, "after the end", "1:success")
	})
}

// More than there is room for is not measured, and never held back.
func TestVetoIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVetoed(t)
		v.kill(true, "10.0.0.1")
		for i := range int64(mostHeld + 10) {
			v.failed(result(i+1, models.OutcomeFailure), time.Now())
		}
		if n := v.waiting.Load(); n != mostHeld {
			t.Errorf("got %d held, want %d", n, mostHeld)
		}
		v.mu.Lock()
		if len(v.list) != 10 || v.list[0].Cause != models.CauseOverload {
			t.Errorf("got %d handed on, want the 10 that there is no room for, not measured", len(v.list))
		}
		v.mu.Unlock()
		pass(5 * time.Second)
		if n := v.waiting.Load(); n != 0 || v.held != nil {
			t.Errorf("got %d held in a list of %d, want none in none", n, cap(v.held))
		}
	})
}

func BenchmarkVetoOfASuccess(b *testing.B) {
	var n int
	v := newVeto(newSentinels(1, nil, nil, nil, func() {}, nil), func(models.Result) { n++ }, slog.New(slog.DiscardHandler))
	r := found(1, models.OutcomeSuccess)
	b.ReportAllocs()
	for b.Loop() {
		v.take(r)
	}
}

// inSight is a house with a gateway and a chosen sentinel; silent says which hosts do not answer.
func inSight(t *testing.T, test func(t *testing.T, h *house, silent *sync.Map)) {
	silent := &sync.Map{}
	inHouseWith(t, func(h *house) {
		h.options.Sentinels = []string{"10.99.0.2"}
		h.options.Gateways = func() []netip.Addr { return []netip.Addr{netip.MustParseAddr("10.99.0.1")} }
		h.finds = func(c models.Check) models.Outcome {
			if _, dead := silent.Load(c.Spec.Host); dead {
				return models.OutcomeFailure
			}
			return models.OutcomeSuccess
		}
		h.takes = func(c models.Check) time.Duration {
			if _, dead := silent.Load(c.Spec.Host); dead {
				return c.Spec.Timeout
			}
			return 10 * time.Millisecond
		}
	}, func(t *testing.T, h *house) { test(t, h, silent) })
}

// T12: sentinels only veto. Whatever they say, who answers is up; and while they are silent nothing goes down.
func TestSentinelsDeadTargetsAlive(t *testing.T) {
	inSight(t, func(t *testing.T, h *house, silent *sync.Map) {
		a, b := h.create(h.store.Store, "a.example", 1), h.create(h.store.Store, "b.example", 1)
		pass(2 * time.Second)
		silent.Store("10.99.0.1", true)
		silent.Store("10.99.0.2", true)
		for range 30 {
			pass(10 * time.Second)
			if got := h.state(a.PublicID); got.State != models.StateUp || got.LastOutcome != models.OutcomeSuccess {
				t.Fatalf("targets alive, sentinels dead: got %s after %s, want up", got.State, got.LastOutcome)
			}
		}
		beat := h.heartbeat()
		if !beat.Blind || beat.Figures.Blind == nil || beat.Figures.Blind.String() != "10.99.0.2 is silent, gateway 10.99.0.1 is silent" {
			t.Errorf("heartbeat: got blind %t, %v", beat.Blind, beat.Figures.Blind)
		}
		silent.Store("b.example", true)
		pass(3 * time.Minute)
		if got := h.state(b.PublicID); got.State != models.StateUnknown || got.Cause != models.CauseProberBlind || got.Failures != 0 {
			t.Errorf("a target that fails now: got %s, %s, %d failures, want unknown", got.State, got.Cause, got.Failures)
		}
		if got := h.state(a.PublicID); got.State != models.StateUp {
			t.Errorf("the other: got %s, want up", got.State)
		}
		silent.Delete("10.99.0.1")
		pass(3 * time.Minute)
		if got := h.state(b.PublicID); got.State != models.StateDown {
			t.Errorf("with a sentinel that answers: got %s, want down", got.State)
		}
		if beat := h.heartbeat(); beat.Blind || beat.Figures.Blind != nil {
			t.Errorf("heartbeat: got %+v, want no blindness", beat)
		}
		if n := strings.Count(h.log.String(), "the prober is blind"); n != 1 {
			t.Errorf("got %d lines that it is blind, want 1", n)
		}
	})
}

// T11 in a simulation: the network of our own is away for three minutes, then back. A restart in the middle of it changes nothing.
func TestOurNetworkIsAway(t *testing.T) {
	inSight(t, func(t *testing.T, h *house, silent *sync.Map) {
		var ids []models.MonitorRow
		for i := range 50 {
			ids = append(ids, h.create(h.store.Store, fmt.Sprintf("m%d.example", i), 1))
		}
		states := func() string {
			n := map[models.State]int{}
			for _, m := range ids {
				n[h.state(m.PublicID).State]++
			}
			return strings.TrimPrefix(fmt.Sprint(n), "map")
		}
		pass(70 * time.Second)
		if got := states(); got != "[up:50]" {
			t.Fatalf("at first: got %s", got)
		}
		var away atomic.Bool
		h.fakePinger.mu.Lock()
		finds, takes := h.finds, h.takes
		h.finds = func(c models.Check) models.Outcome {
			if away.Load() {
				return models.OutcomeFailure
			}
			return finds(c)
		}
		h.takes = func(c models.Check) time.Duration {
			if away.Load() {
				return c.Spec.Timeout
			}
			return takes(c)
		}
		h.fakePinger.mu.Unlock()
		away.Store(true)
		pass(100 * time.Second)
		if got := states(); got != "[unknown:50]" {
			t.Errorf("away: got %s, want all unknown", got)
		}
		since := h.heartbeat().Figures.Blind
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}
		h.start()
		pass(80 * time.Second)
		if got := states(); got != "[unknown:50]" {
			t.Errorf("after a restart: got %s, want all unknown", got)
		}
		if got := h.heartbeat().Figures.Blind; since == nil || got == nil || !got.Since.Equal(since.Since) {
			t.Errorf("blind since %v, after the restart %v, want the same", since, got)
		}
		away.Store(false)
		pass(100 * time.Second)
		if got := states(); got != "[up:50]" {
			t.Errorf("back: got %s, want all up", got)
		}
		if log := h.log.String(); strings.Contains(log, "state=down") {
			t.Errorf("something went down:\n%s", log)
		}
	})
}

// What could not be measured is checked again within a minute of our network's return, however long its interval is.
func TestCatchUpAfterBlindness(t *testing.T) {
	inSight(t, func(t *testing.T, h *house, silent *sync.Map) {
		a, b := h.create(h.store.Store, "a.example", 24*60), h.create(h.store.Store, "b.example", 24*60)
		pass(2 * time.Second)
		for _, host := range []string{"10.99.0.1", "10.99.0.2", "a.example"} {
			silent.Store(host, true)
		}
		pass(20 * time.Second)
		for _, m := range []models.MonitorRow{a, b} {
			if _, _, err := h.store.RequestCheck(t.Context(), h.by, m.PublicID); err != nil {
				t.Fatal(err)
			}
		}
		pass(2 * time.Minute)
		if got := h.state(a.PublicID); got.State != models.StateUnknown {
			t.Fatalf("while blind: got %s, want unknown", got.State)
		}
		for _, host := range []string{"10.99.0.1", "10.99.0.2", "a.example"} {
			silent.Delete(host)
		}
		pass(70 * time.Second)
		if got := h.state(a.PublicID); got.State != models.StateUp {
			t.Errorf("a minute after it: got %s, want up", got.State)
		}
		if got, want := h.history(b.PublicID), "first:success manual:success"; got != want {
			t.Errorf("the one that answered all the time: got %q, want %q and no more", got, want)
		}
	})
}
