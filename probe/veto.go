package probe

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"echolot/models"
)

const (
	// longestVeto is how long a failed check waits for the sentinels' word. Two requests, a second apart, settle it: either one is
	// answered or both are missed. The rest is for a request that was under way.
	longestVeto = 3 * time.Second
	// mostHeld results wait at most; what comes then is not measured for lack of room. It is what 50,000 packets a second of one
	// packet each can make fail in about a second.
	mostHeld = 50_000
)

// veto stands between the scheduler and the recorder: a failed check is only handed on when the sentinels' answers cover the time
// in which its packets were sent. Where they were silent then, it becomes one that was not measured. What answered passes at
// once and without a lock, unless a failed check of the same monitor waits: the results of a monitor keep their order.
//
// Nothing ever waits for the veto but results.
type veto struct {
	sentinels *Sentinels
	pass      func(models.Result)
	log       *slog.Logger
	notices   *perMinute

	waiting atomic.Int64 // held results; their order is safe once it is 0
	mu      sync.Mutex
	held    []heldResult
	of      map[int64]int  // held, by monitor
	unseen  map[int64]bool // monitors whose checks our own network kept from being measured since it last worked
}

// heldResult waits for the word on what was sent from its start to last.
type heldResult struct {
	models.Result
	last  time.Time // zero where it only waits behind another of its monitor
	until time.Time
}

func newVeto(s *Sentinels, pass func(models.Result), log *slog.Logger) *veto {
	return &veto{sentinels: s, pass: pass, log: log, notices: newPerMinute(), of: map[int64]int{}, unseen: map[int64]bool{}}
}

// take takes a result that is no failure.
func (v *veto) take(r models.Result) {
	if r.Cause == models.CauseLocalError {
		v.sentinels.alarm() // nothing leaves this machine: look whether there still is a route
		v.mu.Lock()
		v.note(r.Monitor)
		v.mu.Unlock()
	}
	if v.waiting.Load() == 0 {
		v.pass(r)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.of[r.Monitor] == 0 {
		v.pass(r)
		return
	}
	v.hold(heldResult{Result: r})
}

// failed takes a failure; last is when its last packet was sent.
func (v *veto) failed(r models.Result, last time.Time) {
	v.sentinels.alarm()
	v.mu.Lock()
	defer v.mu.Unlock()
	h := heldResult{Result: r, last: last, until: time.Now().Add(longestVeto)}
	if v.of[r.Monitor] == 0 {
		if judged, ok := h.judge(v.sentinels.sight(), time.Now()); ok {
			v.handOn(judged)
			return
		}
	}
	v.hold(h)
}

// hold needs the lock.
func (v *veto) hold(h heldResult) {
	if len(v.held) >= mostHeld && v.of[h.Monitor] == 0 {
		if v.notices.allow("held") {
			v.log.Warn("too many failed checks wait for the sentinels; more are not measured", "waiting", len(v.held))
		}
		v.pass(unseen(h.Result).Unknown(models.CauseOverload, "too many failed checks wait for the sentinels"))
		return
	}
	v.held = append(v.held, h)
	v.of[h.Monitor]++
	v.waiting.Add(1)
}

// look hands on what the sentinels' word is known of by now. It is called whenever they may have one, and every second while
// something waits.
func (v *veto) look() {
	if v.waiting.Load() == 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	now, sight := time.Now(), v.sentinels.sight()
	kept := v.held[:0]
	var stuck map[int64]bool // monitors with a result before that still waits
	for _, h := range v.held {
		r, ok := h.Result, false
		if !stuck[h.Monitor] {
			r, ok = h.judge(sight, now)
		}
		if !ok {
			if stuck == nil {
				stuck = map[int64]bool{}
			}
			stuck[h.Monitor] = true
			kept = append(kept, h)
			continue
		}
		v.handOn(r) // before it stops being counted: what comes next must not overtake it
		if v.of[h.Monitor]--; v.of[h.Monitor] == 0 {
			delete(v.of, h.Monitor)
		}
		v.waiting.Add(-1)
	}
	clear(v.held[len(kept):])
	v.held = kept
	if len(kept) == 0 && cap(kept) > mostArrivals {
		v.held = nil
	}
}

// handOn needs the lock.
func (v *veto) handOn(r models.Result) {
	if r.Cause == models.CauseProberBlind {
		v.note(r.Monitor)
	}
	v.pass(r)
}

// note needs the lock. Of very many monitors some are not noted: they are checked when they are due.
func (v *veto) note(monitor int64) {
	if len(v.unseen) < mostHeld {
		v.unseen[monitor] = true
	}
}

// takeUnseen returns the monitors that were not measured while our own network did not work, and forgets them.
func (v *veto) takeUnseen() []int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	ids := slices.Collect(maps.Keys(v.unseen))
	v.unseen = map[int64]bool{}
	return ids
}

// judge is the result as it is to be handed on; ok is false where it is to wait.
func (h heldResult) judge(by sight, now time.Time) (r models.Result, ok bool) {
	if h.last.IsZero() {
		return h.Result, true
	}
	switch word, why := by.of(h.StartedAt(), h.last); {
	case word == wordSeen:
		return h.Result, true
	case word == wordBlind:
		r = unseen(h.Result).Unknown(models.CauseProberBlind, why.String())
		r.CauseSource = why.Gateway
		return r, true
	case now.Before(h.until):
		return h.Result, false
	default:
		return unseen(h.Result).Unknown(models.CauseProberBlind, "the sentinels could not be asked in time"), true
	}
}

// unseen is the result without its packets: they were sent, but nobody knows whether they were lost, so no figure may count
// them as lost.
func unseen(r models.Result) models.Result {
	r.Sent, r.Received, r.Packets, r.Late, r.Duplicates = 0, 0, nil, 0, 0
	return r
}

// drop throws away what waits still: nobody asks the sentinels any more, so these checks were cut short like those under way.
func (v *veto) drop() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.waiting.Add(-int64(len(v.held)))
	v.held = nil
	clear(v.of)
	clear(v.unseen)
}
