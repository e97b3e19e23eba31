package probe

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/models/modelstest"
)

// The life of a monitor, from the form to the state row, with the bus between.
func TestProberFollowsTheBus(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		s := h.store.Store
		m := h.create(s, "a.example", 60)
		pass(2 * time.Second)
		h.expect("created", m.ID, 1, "a.example")
		if got := h.state(m.PublicID); got.State != models.StateUp || got.LastRTT != 3000 || len(got.Beats()) != 1 {
			t.Fatalf("two seconds after it was made: got %+v, want up", got)
		}
		h.change(s, m.PublicID, `{"hostname":"b.example"}`)
		pass(2 * time.Second)
		h.expect("another host", m.ID, 2, "b.example")
		h.change(s, m.PublicID, `{"name":"renamed"}`)
		pass(2 * time.Second)
		h.expect("renamed", m.ID, 2, "b.example")
		if _, _, err := s.RequestCheck(t.Context(), h.by, m.PublicID); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		h.expect("check now", m.ID, 3, "b.example")
		if got, want := h.history(m.PublicID), "first:success first:success manual:success"; got != want {
			t.Errorf("history: got %q, want %q", got, want)
		}
		h.change(s, m.PublicID, `{"status":"disabled","checkInterval":1}`)
		pass(70 * time.Second)
		h.expect("paused", m.ID, 3, "b.example")
		h.change(s, m.PublicID, `{"status":"active","checkInterval":1}`)
		pass(2 * time.Second)
		h.expect("resumed", m.ID, 4, "b.example")
		h.delete(s, m.PublicID)
		pass(70 * time.Second)
		h.expect("deleted", m.ID, 4, "b.example")
	})
}

// Down within the time that the rule promises, not after another interval.
func TestProberConfirms(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		var broken atomic.Bool
		h.finds = func(models.Check) models.Outcome {
			if broken.Load() {
				return models.OutcomeFailure
			}
			return models.OutcomeSuccess
		}
		m := h.create(h.store.Store, "a.example", 2)
		pass(2 * time.Second)
		broken.Store(true)
		for h.state(m.PublicID).State == models.StateUp {
			pass(time.Second)
			if time.Since(h.state(m.PublicID).LastCheckedAt) > 3*time.Minute {
				t.Fatal("not checked any more")
			}
		}
		pings := h.of(m.ID)
		last := len(pings) - 1
		if gap := pings[last].began.Sub(pings[last-2].ended); h.state(m.PublicID).State != models.StateDown || gap > 6*time.Second {
			t.Errorf("got state %s, the confirming check after %s, want down after 5s", h.state(m.PublicID).State, gap)
		}
		if got := h.history(m.PublicID); !strings.HasSuffix(got, "scheduled:failure burst:failure confirm:failure") {
			t.Errorf("history: got %q", got)
		}
		broken.Store(false)
		pass(2 * time.Minute)
		if got := h.state(m.PublicID); got.State != models.StateUp {
			t.Errorf("after one reply: got %s, want up", got.State)
		}
		if got := h.log.String(); strings.Count(got, "monitor state changed") != 3 {
			t.Errorf("changes of state in the log, want 3:\n%s", got)
		}
	})
}

// T08: a result of what the monitor was is not what it is.
func TestProberDiscardsOldRevs(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		m := h.create(h.store.Store, "a.example", 60)
		pass(100 * time.Millisecond) // measured, not stored
		h.change(h.store.Store, m.PublicID, `{"hostname":"b.example"}`)
		gone := h.create(h.store.Store, "c.example", 60)
		pass(20 * time.Millisecond)
		h.delete(h.store.Store, gone.PublicID)
		pass(2 * time.Second)
		h.expect("changed", m.ID, 2, "b.example")
		h.expect("deleted", gone.ID, 1, "c.example")
		if got, want := h.history(m.PublicID), "first:success"; got != want {
			t.Errorf("history: got %q, want %q, of the new host", got, want)
		}
	})
}

// What another process writes reaches us without the bus, and soon though its clock is behind.
func TestProberFollowsOtherProcesses(t *testing.T) {
	for name, times := range map[string]struct{ behind, within time.Duration }{
		"same clock":   {0, 3 * time.Second},
		"clock behind": {time.Minute, 12 * time.Second},
	} {
		t.Run(name, func(t *testing.T) { followOtherProcess(t, times.behind, times.within) })
	}
}

func followOtherProcess(t *testing.T, behind, within time.Duration) {
	inHouse(t, func(t *testing.T, h *house) {
		other := modelstest.Open(t, h.url, func(o *models.Options) { o.Now = func() time.Time { return time.Now().Add(-behind) } })
		m := h.create(other, "a.example", 60)
		pass(within)
		h.expect("created", m.ID, 1, "a.example")
		h.change(other, m.PublicID, `{"hostname":"b.example"}`)
		pass(within)
		h.expect("changed", m.ID, 2, "b.example")
		if _, _, err := other.RequestCheck(t.Context(), h.by, m.PublicID); err != nil {
			t.Fatal(err)
		}
		pass(within)
		h.expect("check now", m.ID, 3, "b.example")
		h.change(other, m.PublicID, `{"status":"disabled","checkInterval":1}`)
		pass(70 * time.Second)
		h.expect("paused", m.ID, 3, "b.example")
		h.change(other, m.PublicID, `{"status":"active","checkInterval":1}`)
		pass(within)
		h.expect("resumed", m.ID, 4, "b.example")
		h.delete(other, m.PublicID)
		pass(70 * time.Second)
		h.expect("deleted", m.ID, 4, "b.example")
	})
}

// A prober that falls behind the bus reads everything anew.
func TestProberIsCutOff(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		other := modelstest.Open(t, h.url)
		m := h.create(h.store.Store, "a.example", 60)
		pass(time.Second)
		h.store.slow.Store(true)
		h.change(h.store.Store, m.PublicID, `{"name":"renamed"}`)
		synctest.Wait() // busy reading for a second, while more happens than it may lag
		h.store.Bus().Publish(slices.Repeat([]events.Event{{Type: events.CheckRequested}}, busLag+1)...)
		h.delete(other, m.PublicID) // only every tenth second looks for what is gone
		h.store.slow.Store(false)
		pass(6 * time.Second) // a reread, and a heartbeat to tell of it
		if n := h.heartbeat().Monitors; n != 0 {
			t.Errorf("monitors after everything was read anew: got %d, want 0", n)
		}
		next := h.create(h.store.Store, "b.example", 60)
		pass(100 * time.Millisecond)
		h.expect("created after the cut", next.ID, 1, "b.example")
	})
}

func TestHeartbeat(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.takes = func(models.Check) time.Duration { return time.Minute }
		first := h.heartbeat() // at once
		if first.Engine != "fake" || first.IPv4 != ModeDatagram || first.IPv6 != "" || first.Blind || first.Hint != "" || first.Monitors != 0 {
			t.Errorf("first heartbeat: got %+v", first)
		}
		h.create(h.store.Store, "a.example", 60)
		for range 10 {
			pass(6 * time.Second)
			if age := time.Since(h.heartbeat().SeenAt); age > 5*time.Second {
				t.Errorf("age of the heartbeat: %s", age)
			}
		}
		if beat := h.heartbeat(); beat.Monitors != 1 || beat.InFlight != 1 {
			t.Errorf("heartbeat of a running check: got %+v", beat)
		}
		pass(2 * time.Second)
		if err := h.stop(); err != nil {
			t.Error(err)
		}
		if beat := h.heartbeat(); beat.InFlight != 0 || time.Since(beat.SeenAt) > time.Second {
			t.Errorf("last heartbeat: got %+v, want one at the end", beat)
		}
		h.prober = New(h.store, h.store.Bus(), h.fakePinger, Options{Abilities: func() Abilities { return nil }})
		h.stop = run(t, h.prober)
		pass(time.Second)
		if beat := h.heartbeat(); !beat.Blind || beat.CanPing() || beat.Hint == "" {
			t.Errorf("where nobody may ping: got %+v", beat)
		}
	})
}

// Five minutes without a database: nothing that was measured is lost, nothing that was asked for is forgotten.
func TestProberOutlivesTheDatabase(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		m := h.create(h.store.Store, "a.example", 1)
		pass(90 * time.Second)
		h.store.down.Store(true)
		second := h.create(h.store.Store, "b.example", 1) // written by somebody, not readable for us
		pass(5 * time.Minute)
		h.store.down.Store(false)
		pass(10 * time.Second)
		measured := len(h.of(m.ID))
		if stored := len(strings.Fields(h.history(m.PublicID))); measured < 6 || stored != measured {
			t.Errorf("got %d results stored, want all %d", stored, measured)
		}
		if len(h.of(second.ID)) != 1 {
			t.Errorf("the monitor made meanwhile was checked %d times, want once", len(h.of(second.ID)))
		}
		if n := strings.Count(h.log.String(), "level=WARN"); n > 25 {
			t.Errorf("warnings in five minutes: got %d, want a few a minute:\n%s", n, h.log.String())
		}
	})
}

// Postgres stops and starts: the connection that holds the right to probe is gone, and what is measured can not be stored for
// a while. Measuring goes on all the time, and nothing measured is lost.
func TestProberOutlivesPostgres(t *testing.T) {
	t.Parallel()
	url := modelstest.Postgres(t)
	h := newHouse(t, url)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log:\n%s", &h.log)
		}
	})
	h.start()
	m := h.create(h.store.Store, "a.example", 60)
	eventually(t, "it probes", func() bool { return h.state(m.PublicID).State == models.StateUp })
	check := func() {
		if _, _, err := h.store.RequestCheck(t.Context(), h.by, m.PublicID); err != nil {
			t.Fatal(err)
		}
	}
	h.store.down.Store(true)
	check()
	eventually(t, "a check is measured that can not be stored", func() bool {
		return len(h.of(m.ID)) == 2 && strings.Contains(h.log.String(), "results not stored")
	})
	// holder is the connection that holds the location (by a lock of two numbers), 0 where none does. Who asked for the location to find out would have it
	// for a moment, and to the prober that would be another instance.
	db := modelstest.Connect(t, url)
	holder := func() (pid int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), `SELECT coalesce(max(pid), 0) FROM pg_locks
			WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&pid); err != nil {
			t.Fatal(err)
		}
		return pid
	}
	first, ended := holder(), false
	if err := db.QueryRowContext(t.Context(), "SELECT pg_terminate_backend($1)", first).Scan(&ended); err != nil || !ended {
		t.Fatalf("ended %t, error %v, want the connection that holds the location ended", ended, err)
	}
	eventually(t, "it holds the location again", func() bool {
		pid := holder()
		return pid != 0 && pid != first
	})
	check()
	eventually(t, "a check is measured though it can not be stored", func() bool { return len(h.of(m.ID)) == 3 })
	h.store.down.Store(false)
	eventually(t, "what was measured meanwhile is stored", func() bool {
		return strings.HasPrefix(h.history(m.PublicID), "first:success manual:success manual:success")
	})
	if n := strings.Count(h.log.String(), "msg=probing"); n != 1 {
		t.Errorf("began to probe %d times, want once:\n%s", n, &h.log)
	}
	if err := h.stop(); err != nil {
		t.Errorf("at the stop: %v", err)
	}
}

func TestProberStops(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		var slow atomic.Bool
		h.takes = func(models.Check) time.Duration {
			if slow.Load() {
				return 20 * time.Second
			}
			return 10 * time.Millisecond
		}
		quick := h.create(h.store.Store, "a.example", 60)
		pass(50 * time.Millisecond)
		slow.Store(true)
		long := h.create(h.store.Store, "b.example", 60)
		pass(50 * time.Millisecond)
		at := time.Now()
		if err := errors.Join(h.stop(), h.stop()); err != nil {
			t.Error(err)
		}
		if took := time.Since(at); took > time.Second {
			t.Errorf("stopping took %s", took)
		}
		if got := h.history(quick.PublicID); got != "first:success" {
			t.Errorf("measured before the stop: got %q, want it stored", got)
		}
		if got := h.history(long.PublicID); got != "" || h.state(long.PublicID).State != models.StatePending {
			t.Errorf("cut short by the stop: got %q, want it thrown away", got)
		}
		h.store.Bus().Close() // a bus that has ended must not make us spin
		slow.Store(false)
		h.start()
		pass(time.Minute)
		h.expect("not checked before the restart", long.ID, 2, "b.example")
		h.expect("checked before the restart", quick.ID, 1, "a.example")
	})
}

// Two instances on one Postgres: one probes, the other feeds its own pages and takes over.
func TestStandby(t *testing.T) {
	t.Parallel()
	url := modelstest.Postgres(t)
	a, b := newHouse(t, url), &house{t: t, url: url, fakePinger: &fakePinger{}, store: &unreliable{Store: modelstest.Open(t, url)}}
	b.by = a.by
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the first's log:\n%s\nthe second's:\n%s", &a.log, &b.log)
		}
	})
	a.start()
	m := a.create(a.store.Store, "a.example", 60)
	eventually(t, "the first probes", func() bool { return a.state(m.PublicID).State == models.StateUp })
	pages := b.store.Bus().Subscribe(100)
	b.start()
	n := b.create(b.store.Store, "b.example", 60)
	eventually(t, "the first takes up what the second wrote", func() bool { return b.state(n.PublicID).State == models.StateUp })
	told := false
	eventually(t, "the second's pages hear of the check", func() bool {
		for {
			select {
			case e := <-pages.C:
				told = told || e.Type == events.Check && e.MonitorID == n.ID
			default:
				return told
			}
		}
	})
	if got := len(b.of(m.ID)) + len(b.of(n.ID)); got != 0 {
		t.Errorf("checks of the one that stands by: got %d, want 0", got)
	}
	if err := a.stop(); err != nil {
		t.Error(err)
	}
	last := b.create(b.store.Store, "c.example", 60)
	eventually(t, "the second takes over", func() bool { return len(b.of(last.ID)) == 1 })
	if got := len(a.of(last.ID)); got != 0 {
		t.Errorf("checks of the one that stopped: got %d, want 0", got)
	}
}
