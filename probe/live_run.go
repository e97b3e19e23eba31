package probe

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"echolot/models"
)

const (
	// liveWait is how long a reply may take before its packet is called lost; what comes later is late. liveTimeout is how long
	// a check listens on for that.
	liveWait    = 2 * time.Second
	liveTimeout = 5 * time.Second
	// liveFlush is how often lines are written.
	liveFlush = 300 * time.Millisecond
	// liveEnd is what the last lines have to be written in; a stop of the program waits for it.
	liveEnd = time.Second
	// mostLiveLines is how many lines wait for the database at most: more than one measurement has.
	mostLiveLines = 10_000
)

// liveRun is one live measurement under way: packets one by one, each a check of its own, through the same caps and the same
// policy as every other.
type liveRun struct {
	*live
	session models.LiveSession
	target  models.ProbeTarget
	stop    context.CancelFunc
	waiting sync.WaitGroup // for checks to end

	mu      sync.Mutex
	n       int64 // the last line
	seq     int64 // the last packet
	highest int64 // the highest packet answered
	packets map[int64]*livePacket
	lines   []models.LivePacket // to be written
	closed  bool                // nothing counts any more
	why     string              // what ended it before its time
}

// livePacket is a packet whose check goes on.
type livePacket struct {
	sent time.Time // zero until it left
	fate models.LiveFate
	to   netip.Addr
}

func newLiveRun(l *live, s models.LiveSession, target models.ProbeTarget, stop context.CancelFunc) *liveRun {
	return &liveRun{live: l, session: s, target: target, stop: stop, packets: map[int64]*livePacket{}}
}

// run sends until the measurement's time is over or ctx ends, and writes what came of it.
func (r *liveRun) run(ctx context.Context) {
	var cancels []func()
	send, flush := time.NewTicker(time.Second/time.Duration(r.session.Rate)), time.NewTicker(liveFlush)
	defer send.Stop()
	defer flush.Stop()
	until := time.NewTimer(time.Until(r.session.Until))
	defer until.Stop()
	cancels = append(cancels, r.send())
	for over := false; !over && ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-until.C:
			over = true
		case <-send.C:
			cancels = append(cancels, r.send())
		case <-flush.C:
			r.giveUp(time.Now())
			r.flush(ctx)
		}
	}
	if ctx.Err() == nil {
		sleep(ctx, liveWait) // for the last replies
		r.giveUp(time.Now())
	}
	ended := ctx.Err() == nil
	why := r.close()
	for _, cancel := range cancels {
		cancel()
	}
	r.waiting.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), liveEnd)
	defer cancel()
	r.flush(last)
	if ended || why != "" { // else somebody ended it, or the prober stops
		r.endSession(last, r.session.ID, why)
	}
}

// send sends one packet.
func (r *liveRun) send() (cancel func()) {
	r.mu.Lock()
	r.seq++
	seq := r.seq
	r.packets[seq] = &livePacket{}
	r.mu.Unlock()
	c := models.Check{Monitor: r.target.MonitorID, Rev: r.target.Rev, Slot: time.Now().UnixMilli(), Kind: models.KindManual,
		Location: r.options.Location, Organization: r.target.OrganizationID, Spec: r.target.Spec}
	c.Spec.Count, c.Spec.Timeout = 1, liveTimeout
	r.waiting.Add(1)
	done := func(result models.Result) {
		r.done(seq, result)
		r.waiting.Done()
	}
	if w, ok := r.pinger.(Watcher); ok {
		return w.Watch(c, func(s Sighting) { r.see(seq, s) }, done)
	}
	return r.pinger.Ping(c, done)
}

// see takes up what happened to a packet.
func (r *liveRun) see(seq int64, s Sighting) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.packets[seq]
	if p == nil || r.closed {
		return
	}
	switch s.State {
	case models.PacketReplied:
		fate := models.LiveReply
		switch p.fate {
		case "":
		case models.LiveLost:
			fate = models.LiveLate
		default:
			fate = models.LiveDuplicate
		}
		r.line(seq, p, fate, s)
	case models.PacketRefused:
		if p.fate == "" {
			r.line(seq, p, models.LiveRefused, s)
		}
	default: // it left
		p.sent, p.to = time.Now(), s.Source
		if !r.claim(s.Source, r.session.ID) {
			r.why = "this address is being measured live already"
			r.stop()
		}
	}
}

// done takes up what a packet's check found, as far as nobody has seen it yet.
func (r *liveRun) done(seq int64, result models.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.packets[seq]
	delete(r.packets, seq)
	if p == nil || p.fate != "" || r.closed {
		return
	}
	s := Sighting{Source: result.Address, Cause: result.Cause, TTL: result.ReplyTTL}
	fate := models.LiveLost
	switch {
	case result.Sent == 0:
		fate = models.LiveUnmeasured
	case result.Packets[0].State == models.PacketReplied:
		fate, s.RTT = models.LiveReply, result.Packets[0].RTT
	case result.Packets[0].State == models.PacketRefused:
		fate, s.Source, s.RTT = models.LiveRefused, result.CauseSource, result.Packets[0].RTT
	}
	r.line(seq, p, fate, s)
}

// giveUp calls packets lost whose reply takes too long.
func (r *liveRun) giveUp(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lost []int64
	for seq, p := range r.packets {
		if p.fate == "" && !p.sent.IsZero() && now.Sub(p.sent) >= liveWait {
			lost = append(lost, seq)
		}
	}
	slices.Sort(lost)
	for _, seq := range lost {
		p := r.packets[seq]
		r.line(seq, p, models.LiveLost, Sighting{Source: p.to})
	}
}

// line adds a line and notes the packet's fate. It needs the lock.
func (r *liveRun) line(seq int64, p *livePacket, fate models.LiveFate, s Sighting) {
	if len(r.lines) >= mostLiveLines {
		return
	}
	if p.sent.IsZero() {
		p.sent = time.Now().Add(-s.RTT)
	}
	r.n++
	line := models.LivePacket{SessionID: r.session.ID, N: r.n, Seq: seq, SentAt: p.sent.UTC(), Fate: fate, RTT: s.RTT.Microseconds(), TTL: s.TTL, Cause: s.Cause}
	if s.Source.IsValid() {
		line.Source = s.Source.String()
	}
	if fate == models.LiveReply {
		line.Reordered = seq < r.highest
		r.highest = max(r.highest, seq)
	}
	r.lines = append(r.lines, line)
	p.fate = fate
}

// close has nothing count any more, and says what ended the measurement before its time.
func (r *liveRun) close() (why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return r.why
}

// flush writes the lines; what can not be written waits for the next time.
func (r *liveRun) flush(ctx context.Context) {
	r.mu.Lock()
	lines := r.lines
	r.lines = nil
	r.mu.Unlock()
	if len(lines) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if err := r.store.UnscopedSaveLive(ctx, lines); err != nil {
		r.trouble(ctx, "live packets not written", err)
		r.mu.Lock()
		r.lines = append(lines, r.lines...)
		r.mu.Unlock()
	}
}
