package probe

import "sync"

// outbox does work in the order it was put in, on a goroutine of its own, so that whoever puts it in never waits for it:
// the engine's thread hands on results by it.
type outbox struct {
	mu      sync.Mutex
	work    []func()
	some    chan struct{}
	stopped chan struct{}
	closing bool
}

// start is called once, before put.
func (o *outbox) start() {
	o.some, o.stopped = make(chan struct{}, 1), make(chan struct{})
	go o.run()
}

// put adds work.
func (o *outbox) put(f func()) {
	o.mu.Lock()
	o.work = append(o.work, f)
	first := len(o.work) == 1
	o.mu.Unlock()
	if first {
		o.nudge()
	}
}

func (o *outbox) nudge() {
	select {
	case o.some <- struct{}{}:
	default:
	}
}

func (o *outbox) run() {
	defer close(o.stopped)
	var work []func()
	for range o.some {
		o.mu.Lock()
		work, o.work = o.work, work[:0]
		closing := o.closing
		o.mu.Unlock()
		for i, f := range work {
			f()
			work[i] = nil
		}
		if closing {
			return
		}
	}
}

// stop returns when all that was put in is done. Nothing may be put in after it.
func (o *outbox) stop() {
	o.mu.Lock()
	o.closing = true
	o.mu.Unlock()
	o.nudge()
	<-o.stopped
}
