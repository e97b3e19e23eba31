package probe

import (
	"sync"
	"time"
)

const (
	// baselineTries is how often a baseline that does not reach the target is taken before it waits for its next time, and
	// baselineAgain how long after a try in vain the next one is.
	baselineTries = 3
	baselineAgain = 10 * time.Second
	// triesAgain bounds these further tries in a minute, where many targets are never reached by a trace: 12 packets a second.
	triesAgain = 15
	// mostOwed bounds what is remembered; beyond it, baselines wait for their next time. Targets that never answer stay in it.
	mostOwed = 10_000
)

// owedBaselines are the monitors that get a baseline with their next check that is well, before it is their time: those of whose
// target none was taken yet, and those whose last one was in vain. A restart forgets them: it must bring no crowd.
type owedBaselines struct {
	mu     sync.Mutex
	of     map[int64]owedBaseline
	minute time.Time
	again  int // tries again in that minute
}

type owedBaseline struct {
	tries int       // so many were in vain
	after time.Time // not before
}

func newOwedBaselines() *owedBaselines { return &owedBaselines{of: map[int64]owedBaseline{}} }

// owe has a monitor's baseline taken as soon as may be, after so many tries in vain.
func (o *owedBaselines) owe(monitor int64, tries int, now time.Time) {
	if tries >= baselineTries {
		return
	}
	owed := owedBaseline{tries: tries}
	if tries > 0 {
		owed.after = now.Add(baselineAgain)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.of[monitor]; known || len(o.of) < mostOwed {
		o.of[monitor] = owed
	}
}

// pay tells whether the monitor's baseline is owed and may be taken now, and after how many tries in vain. It is not owed any
// more then, whatever becomes of it.
func (o *owedBaselines) pay(monitor int64, now time.Time) (tries int, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	owed, ok := o.of[monitor]
	if !ok || now.Before(owed.after) || owed.tries > 0 && !o.mayAgain(now) {
		return 0, false
	}
	delete(o.of, monitor)
	return owed.tries, true
}

// mayAgain counts a further try; false where there were enough in this minute.
func (o *owedBaselines) mayAgain(now time.Time) bool {
	if now.Sub(o.minute) >= time.Minute {
		o.minute, o.again = now, 0
	}
	o.again++
	return o.again <= triesAgain
}
