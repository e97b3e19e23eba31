package probe

import (
	"context"
	"errors"
	"net/netip"
	"sort"
	"testing"
	"testing/synctest"
	"time"

	"echolot/models"
)

// wellAfter is a check of the monitor at so many seconds, with a state up after it where that is true; received of its three
// packets were answered.
func wellAfter(id int64, seconds, received int, up bool, before models.MonitorState) models.Recorded {
	r := models.Recorded{Before: before, Result: models.Result{Outcome: models.OutcomeSuccess, Sent: 3, Received: received, Address: netip.MustParseAddr("127.0.0.1"),
		Slot: turnOf(id) + int64(seconds)*1000}}
	if received == 0 {
		r.Result.Outcome = models.OutcomeFailure
	}
	r.Monitor.ID = id
	if r.Monitor.State = before; up {
		r.Monitor.State.State, r.Monitor.State.Measured = models.StateUp, models.StateUp
	}
	r.Monitor.State.LastSlot = r.Result.Slot
	r.Monitor.State.PushBeat(models.Beat{Outcome: r.Result.Outcome, LossPercent: 100 - 100*received/3})
	return r
}

// turnOf is the moment at which the monitor's period began that holds the turn of the millennium, in milliseconds since 1970.
func turnOf(id int64) int64 {
	now, period := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), int(baselineEvery.Milliseconds())
	turn, first := baselineTurn(id, baselineEvery, now), now-int64(period)
	return first + int64(sort.Search(period, func(ms int) bool { return baselineTurn(id, baselineEvery, first+int64(ms)) == turn }))
}

// What a monitor's checks ask for: its first baseline at the first one that is well, be it the first of all or not, and no more
// in this period.
func TestFirstBaselineIsOwed(t *testing.T) {
	for _, c := range []struct {
		name     string
		received []int // of three packets, check by check
		up       []bool
		want     []int // baselines asked for after each
	}{
		{"well at once", []int{3, 3, 3}, []bool{true, true, true}, []int{1, 1, 1}},
		{"lossy at first", []int{2, 3, 3}, []bool{true, true, true}, []int{0, 1, 1}},
		{"failed at first", []int{0, 0, 3, 3, 3}, []bool{false, false, false, true, true}, []int{0, 0, 0, 1, 1}},
		{"lossy later", []int{3, 2, 3, 3}, []bool{true, true, true, true}, []int{1, 1, 1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTracer(New(nil, nil, nil, Options{TraceProbes: hopProbes}))
			state := models.MonitorState{State: models.StatePending, Measured: models.StatePending}
			for i, received := range c.received {
				r := wellAfter(1, i, received, c.up[i], state)
				tr.hear(r)
				if got := len(tr.calm); got != c.want[i] {
					t.Errorf("got %d baselines after check %d, want %d", got, i+1, c.want[i])
				}
				state = r.Monitor.State
			}
		})
	}
}

// A fleet that is well all at once makes no crowd: what there is no room for waits for its next time, and a restart owes nothing.
func TestOwedBaselinesAreNoCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTracer(New(nil, nil, nil, Options{TraceProbes: hopProbes}))
		states := map[int64]models.MonitorState{}
		all := func(seconds, received int) {
			for id := range int64(mostOwed + 100) {
				r := wellAfter(id, seconds, received, received == 3, states[id])
				tr.hear(r)
				states[id] = r.Monitor.State
			}
		}
		all(0, 2)
		if got := len(tr.owed.of); got != mostOwed {
			t.Errorf("got %d owed, want %d", got, mostOwed)
		}
		all(1, 3)
		if got := len(tr.calm); got != traceQueue {
			t.Errorf("all are well: got %d baselines, want %d", got, traceQueue)
		}
		for len(tr.calm) > 0 {
			<-tr.calm
		}
		all(2, 3)
		if got := len(tr.calm); got != 0 {
			t.Errorf("all are well again: got %d baselines, want those that were left out to wait", got)
		}
		tr = newTracer(New(nil, nil, nil, Options{TraceProbes: hopProbes}))
		all(3, 3)
		if got := len(tr.calm); got != 0 {
			t.Errorf("after a restart: got %d baselines, want none", got)
		}
	})
}

// goneStore has no monitor that could be read.
type goneStore struct{ database }

func (goneStore) UnscopedMonitorToProbe(context.Context, int64) (models.ProbeTarget, bool, error) {
	return models.ProbeTarget{}, false, errors.New("the test took the database away")
}

// A baseline in vain is taken again with a later check that is well, not at once, not more than baselineTries times, and of many
// not more than triesAgain in a minute.
func TestBaselineInVainIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTracer(New(goneStore{}, nil, nil, Options{TraceProbes: hopProbes, Engine: func() string { return EngineEcholot }}))
		states := map[int64]models.MonitorState{}
		began := time.Now()
		// heard has each of the monitors report that all is well, and returns how many baselines were asked for and taken.
		heard := func(monitors int64) (taken int) {
			for id := range monitors {
				r := wellAfter(id, int(time.Since(began)/time.Second), 3, true, states[id])
				tr.hear(r)
				states[id] = r.Monitor.State
			}
			for ; len(tr.calm) > 0; taken++ {
				tr.take(t.Context(), <-tr.calm)
			}
			return taken
		}
		for _, want := range []int{1, 0, 1, 0, 1, 0, 0, 0} { // every half of baselineAgain
			if got := heard(1); got != want {
				t.Errorf("after %s: got %d tries, want %d", time.Since(began), got, want)
			}
			time.Sleep(baselineAgain / 2)
		}

		time.Sleep(time.Minute) // those above are counted too
		const many = 40
		clear(states)
		if got := heard(many); got != many {
			t.Errorf("%d new ones: got %d tries, want all", many, got)
		}
		time.Sleep(baselineAgain)
		for minute, want := range []int{triesAgain, triesAgain, triesAgain, triesAgain} {
			if got := heard(many) + heard(many); got != want {
				t.Errorf("in minute %d: got %d tries, want %d", minute, got, want)
			}
			time.Sleep(time.Minute)
		}
	})
}
