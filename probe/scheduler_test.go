package probe

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
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
	begin func()                            // in Ping, which must not take long; nil = nothing
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
	if f.begin != nil {
		f.begin()
	}
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
	late  []time.Duration // guarded by the pinger's lock
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
	late := func(d time.Duration) {
		pinger.mu.Lock()
		defer pinger.mu.Unlock()
		s.late = append(s.late, d)
	}
	s.Scheduler = NewScheduler(1, parallel, pinger, deliver, late, log)
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
