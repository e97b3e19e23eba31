package probe

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"echolot/models"
)

// witnesses are sentinels in a bubble of synctest, whose network the test breaks.
type witnesses struct {
	*Sentinels
	pinger *fakePinger
	stop   func()

	mu    sync.Mutex
	dead  map[string]bool
	cause models.Cause // what a dead one is found as; empty = silence
	found []netip.Addr // the gateways
}

func testify(t *testing.T, hosts, gateways []string, before models.ProberFigures) *witnesses {
	return testifyTo(t, func() {}, hosts, gateways, before)
}

// testifyTo is testify for somebody who hears.
func testifyTo(t *testing.T, heard func(), hosts, gateways []string, before models.ProberFigures) *witnesses {
	w := &witnesses{dead: map[string]bool{}}
	for _, g := range gateways {
		w.found = append(w.found, netip.MustParseAddr(g))
	}
	w.pinger = &fakePinger{
		takes: func(c models.Check) time.Duration {
			if w.isDead(c.Spec.Host) {
				return c.Spec.Timeout
			}
			return time.Millisecond
		},
		finds: func(c models.Check) models.Outcome {
			w.mu.Lock()
			defer w.mu.Unlock()
			if !w.dead[c.Spec.Host] {
				return models.OutcomeSuccess
			}
			if w.cause != "" {
				return models.OutcomeUnknown
			}
			return models.OutcomeFailure
		},
	}
	w.Sentinels = newSentinels(1, w.pinger, hosts, func() []netip.Addr { w.mu.Lock(); defer w.mu.Unlock(); return slices.Clone(w.found) },
		heard, slog.New(slog.DiscardHandler))
	w.recall(before)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	w.stop = func() { cancel(); <-done }
	t.Cleanup(w.stop)
	pass(time.Second)
	return w
}

func (w *witnesses) isDead(host string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead[host]
}

// kill makes hosts silent, or has them answer again.
func (w *witnesses) kill(dead bool, hosts ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range hosts {
		w.dead[h] = dead
	}
}

func (w *witnesses) route(gateways ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found = nil
	for _, g := range gateways {
		w.found = append(w.found, netip.MustParseAddr(g))
	}
}

// says is the blindness in words; empty = none.
func (w *witnesses) says() string {
	if b := w.Blindness(); b != nil {
		return b.String()
	}
	return ""
}

func (w *witnesses) expect(t *testing.T, what, want string) {
	t.Helper()
	if got := w.says(); got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestQuorum(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 3: 2, 4: 3, 5: 3, 6: 4} {
		synctest.Test(t, func(t *testing.T) {
			var hosts []string
			for i := range n {
				hosts = append(hosts, fmt.Sprintf("10.0.0.%d", i+1))
			}
			w := testify(t, hosts, nil, models.ProberFigures{})
			for dead := 1; dead <= n; dead++ {
				w.kill(true, hosts[dead-1])
				pass(10 * time.Second)
				if got := w.says() != ""; got != (dead >= want) {
					t.Errorf("%d of %d silent: blind is %t, want %t", dead, n, got, dead >= want)
				}
			}
			w.kill(false, hosts[:n-want+1]...)
			pass(10 * time.Second)
			w.expect(t, fmt.Sprintf("%d of %d answer again", n-want+1, n), "")
		})
	}
}

// A gateway counts from its first answer on. Its silence, and the loss of the route through it, make us blind within seconds.
func TestGatewaySentinel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testify(t, nil, nil, models.ProberFigures{})
		w.kill(true, "10.99.0.1")
		w.route("10.99.0.1")
		pass(2 * time.Minute)
		w.expect(t, "a gateway that never answered", "")
		w.kill(false, "10.99.0.1")
		pass(10 * time.Second)
		began := time.Now()
		w.kill(true, "10.99.0.1")
		pass(8 * time.Second)
		w.expect(t, "a gateway that fell silent", "gateway 10.99.0.1 is silent")
		if b := w.Blindness(); b.Gateway != netip.MustParseAddr("10.99.0.1") || b.Since.Before(began.Add(-time.Millisecond)) || b.Since.After(began.Add(5*time.Second)) {
			t.Errorf("got %+v, want it since the first request after %s", b, began)
		}
		select {
		case <-w.turned:
		default:
			t.Error("nobody is told that it turned")
		}
		w.kill(false, "10.99.0.1")
		pass(2 * time.Second)
		w.expect(t, "it answers again", "")
		w.route()
		w.alarm() // a packet found no way
		pass(2 * time.Second)
		w.expect(t, "without a default route", "no default route (it was by 10.99.0.1)")
		pass(time.Minute)
		n := len(w.pinger.of(0))
		w.route("10.99.0.1")
		pass(3 * time.Second)
		w.expect(t, "with the route again", "")
		if more := len(w.pinger.of(0)) - n; more < 1 {
			t.Error("the gateway was not asked before it was believed")
		}
		w.route("10.98.0.1")
		pass(2 * time.Minute)
		w.expect(t, "with another gateway", "")
		if got := w.figures(); len(got) != 1 || got[0].Host != "10.98.0.1" || !got[0].Gateway || !got[0].Counts || !got[0].Answers {
			t.Errorf("got %+v, want the new gateway alone", got)
		}
	})
}

// A lost packet is not blindness, and who may not be asked says nothing.
func TestSentinelOnceLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testify(t, []string{"10.0.0.1"}, nil, models.ProberFigures{})
		pass(3500 * time.Millisecond)
		w.kill(true, "10.0.0.1")
		pass(1200 * time.Millisecond) // one request falls into this
		w.kill(false, "10.0.0.1")
		pass(10 * time.Second)
		select {
		case <-w.turned:
			t.Error("one lost packet made us blind")
		default:
		}
		lost := 0
		for _, p := range w.pinger.of(0) {
			if p.ended.Sub(p.began) > 100*time.Millisecond {
				lost++
			}
		}
		if lost != 1 {
			t.Errorf("got %d requests lost, want 1", lost)
		}
	})
}

// One request in five seconds in peace, one a second in trouble.
func TestSentinelPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testify(t, []string{"10.0.0.1"}, nil, models.ProberFigures{})
		count := func(d time.Duration) int {
			before := len(w.pinger.of(0))
			pass(d)
			return len(w.pinger.of(0)) - before
		}
		if got := count(time.Minute); got < 11 || got > 13 {
			t.Errorf("in a minute of peace: got %d requests, want 12", got)
		}
		w.alarm()
		if got := count(20 * time.Second); got < 10 || got > 14 {
			t.Errorf("in twenty seconds, ten of them trouble: got %d requests, want 12", got)
		}
		w.kill(true, "10.0.0.1")
		if got := count(time.Minute); got < 50 || got > 61 {
			t.Errorf("in a minute of blindness: got %d requests, want one a second", got)
		}
	})
}

// What the last heartbeat said decides how a start in the middle of it begins.
func TestSentinelsAfterARestart(t *testing.T) {
	gone := time.Date(1999, 12, 31, 23, 0, 0, 0, time.UTC) // before the bubble's clock starts
	said := models.ProberFigures{
		Sentinels: []models.SentinelFigures{{Host: "10.99.0.1", Gateway: true, Counts: true}, {Host: "10.0.0.1", Counts: true}, {Host: "10.98.0.1", Gateway: true}},
		Blind:     &models.Blindness{Since: gone, Silent: []string{"gateway 10.99.0.1", "10.0.0.1"}},
	}
	synctest.Test(t, func(t *testing.T) {
		w := testify(t, []string{"10.0.0.1"}, []string{"10.99.0.1"}, said)
		w.expect(t, "answers at once", "")
	})
	synctest.Test(t, func(t *testing.T) {
		w := &witnesses{dead: map[string]bool{}}
		w.Sentinels = newSentinels(1, nil, []string{"10.0.0.1"}, func() []netip.Addr { return nil }, func() {}, slog.New(slog.DiscardHandler))
		w.recall(said)
		w.expect(t, "before anything is known", "gateway 10.99.0.1 is silent, 10.0.0.1 is silent")
		if word, _ := w.sight().of(time.Now(), time.Now()); word != wordBlind {
			t.Errorf("a failed check then: got word %d, want %d", word, wordBlind)
		}
		w.mu.Lock()
		w.takeGateways(nil, time.Now())
		w.judge(time.Now())
		w.mu.Unlock()
		w.expect(t, "without a route", "10.0.0.1 is silent, no default route (it was by 10.99.0.1)")
		if b := w.Blindness(); b == nil || !b.Since.Equal(gone) {
			t.Errorf("got %+v, want it since %s", b, gone)
		}
	})
}

// The words on a check, by when its packets were sent.
func TestSentinelsWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testify(t, []string{"10.0.0.1"}, nil, models.ProberFigures{})
		expect := func(what string, began, last time.Time, want word) {
			t.Helper()
			if got, _ := w.sight().of(began, last); got != want {
				t.Errorf("%s: got word %d, want %d", what, got, want)
			}
		}
		start := time.Now().Add(-time.Second)
		expect("before an answer covers it", start, time.Now(), wordNone)
		seen := start
		pass(5 * time.Second)
		expect("after one does", start, seen, wordSeen)
		w.kill(true, "10.0.0.1")
		broken := time.Now()
		pass(10 * time.Second)
		expect("all before it broke", start, start.Add(2*time.Second), wordSeen)
		expect("while it is broken", broken.Add(time.Second), broken.Add(2*time.Second), wordBlind)
		expect("half before it broke", start, broken.Add(2*time.Second), wordBlind)
		w.kill(false, "10.0.0.1")
		pass(5 * time.Second)
		again := time.Now()
		pass(10 * time.Second)
		expect("while it was broken, asked later", broken.Add(time.Second), broken.Add(2*time.Second), wordBlind)
		expect("from then until after", broken.Add(8*time.Second), again, wordBlind)
		expect("after it", again, again.Add(time.Second), wordSeen)
		pass(2 * time.Minute)
		w.kill(true, "10.0.0.1")
		pass(10 * time.Second)
		w.kill(false, "10.0.0.1")
		pass(3 * time.Second)
		if n := len(w.past); n != 1 {
			t.Errorf("got %d blindnesses remembered, want the last alone", n)
		}
	})
}

func TestBlindnessInWords(t *testing.T) {
	for want, b := range map[string]models.Blindness{
		"the sentinels are silent":                      {},
		"gateway 10.0.0.1 is silent":                    {Silent: []string{"gateway 10.0.0.1"}},
		"no default route (it was by ::1), a is silent": {Silent: []string{"no default route (it was by ::1)", "a"}},
	} {
		if got := b.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
