package handlers

import (
	"context"
	"errors"
	"time"

	"echolot/models"
	"echolot/models/events"
)

// start begins to listen to the bus, until close; after it, it does nothing.
func (s *statusPages) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.sub != nil {
		return
	}
	s.sub = s.store.Bus().Subscribe(busLag) // here, so that what happens after the first answer is heard
	s.work.Add(1)
	go func() {
		defer s.work.Done()
		s.listen(s.sub)
	}()
}

// close says bye to every visitor and waits for whatever is at work, until ctx ends.
func (s *statusPages) close(ctx context.Context) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.quit)
	for _, e := range s.byID {
		s.dismissAll(e)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.guests.Wait()
		s.work.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		s.log.Warn("status pages did not end in time")
	}
}

// listen marks pages for what the bus tells, and reads those that are watched. While nobody watches there is no tick.
func (s *statusPages) listen(sub *events.Subscription) {
	defer func() { sub.Close() }()
	var ticker *time.Ticker
	var tick <-chan time.Time
	for {
		select {
		case <-s.quit:
			if ticker != nil {
				ticker.Stop()
			}
			return
		case e, ok := <-sub.C:
			if ok {
				s.mu.Lock()
				s.mark(e)
				s.marked++
				s.hasMarked.Broadcast()
				s.mu.Unlock()
				continue
			}
			select {
			case <-s.quit:
				return
			case <-time.After(hubTick): // the bus may be closed for good
			}
			sub = s.store.Bus().Subscribe(busLag)
			s.mu.Lock()
			s.sub, s.marked = sub, 0
			s.hasMarked.Broadcast()
			s.missed()
			s.mu.Unlock()
		case <-s.woken:
			if tick == nil {
				ticker = time.NewTicker(hubTick)
				tick = ticker.C
			}
		case now := <-tick:
			watched := false
			s.safely(func() { watched = s.tend(now) })
			if !watched {
				ticker.Stop()
				tick = nil
			}
		}
	}
}

// catchUp marks what was told before the caller asks: whoever changes a page and then looks, sees the change. It needs the lock, and
// may give it up meanwhile.
func (s *statusPages) catchUp() {
	sub := s.sub
	if sub == nil {
		return
	}
	if sub.Cut() { // what happened since nobody tells, until the listener has another one
		s.missed()
		return
	}
	told := sub.Sent()
	for s.sub == sub && s.marked < told {
		select {
		case e, ok := <-sub.C:
			if !ok { // the listener sees it too
				return
			}
			s.mark(e)
			s.marked++
			s.hasMarked.Broadcast()
		default: // the listener has it in its hands, and wants the lock
			s.hasMarked.Wait()
		}
	}
}

// revocations counts what may have ended somebody's access by sessions and users in this process, all that was told before the call; ok is
// false where that is not heard of.
func (s *statusPages) revocations() (count int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	return s.revoked, s.sub != nil && !s.sub.Cut()
}

// settled tells whether the page is as it was read within revokedWithin, and nothing was told since of who may see it.
func (s *statusPages) settled(p models.StatusPage) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	e := s.byID[p.ID]
	return e != nil && e.page.Version == p.Version && e.urgent != forAccess && (e.reading == nil || e.readingFor != forAccess) &&
		time.Since(e.read) < revokedWithin && s.sub != nil && !s.sub.Cut()
}

// missed marks everything: nobody knows what happened. It needs the lock.
func (s *statusPages) missed() {
	s.epoch++
	s.revoked++
	clear(s.unknown)
	for _, e := range s.byID {
		e.urgent, e.recheck = forAccess, true
	}
}

// mark notes what an event makes old. It needs the lock.
func (s *statusPages) mark(ev events.Event) {
	switch ev.Type {
	case events.Check:
		for e := range s.byMonitor[ev.MonitorID] {
			e.urgent = max(e.urgent, soonEnough)
		}
	case events.MonitorState, events.IncidentOpened, events.IncidentClosed, events.IncidentChanged:
		for e := range s.byMonitor[ev.MonitorID] {
			e.urgent = max(e.urgent, atOnce)
		}
	case events.MonitorCreated, events.MonitorUpdated, events.MonitorDeleted:
		for e := range s.byMonitor[ev.MonitorID] {
			e.urgent = max(e.urgent, atOnce)
		}
		for _, e := range s.byID {
			if e.page.OrganizationID == ev.OrganizationID && (e.page.CustomerID == ev.CustomerID || e.page.CustomerID == ev.FromCustomerID) {
				e.urgent = max(e.urgent, atOnce)
			}
		}
	case events.StatusPageChanged:
		s.epoch++
		clear(s.unknown)
		for _, e := range s.byID {
			if e.page.OrganizationID == ev.OrganizationID {
				e.urgent = forAccess
			}
		}
	case events.AccessChanged:
		s.revoked++
		for _, e := range s.byID {
			if e.page.OrganizationID == ev.OrganizationID {
				e.recheck = true
			}
		}
	}
}

// tend reads the watched pages that are due, and looks again at visitors whose access may end. It tells whether there are any.
func (s *statusPages) tend(now time.Time) (watched bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []*client
	for _, e := range s.byID {
		if !e.watched() {
			continue
		}
		watched = true
		if s.due(e, now) && !s.lagging(e, now) {
			s.begin(e, now)
		}
		was := e.gen
		if s.age(e, now); e.gen != was {
			s.work.Add(1)
			go func() {
				defer s.work.Done()
				s.safely(func() { s.redraw(e) })
			}()
		}
		if s.looking {
			continue
		}
		for _, v := range e.views {
			for c := range v.visitors {
				if c.again != nil && (e.recheck || now.Sub(c.checked) >= recheckEvery) {
					c.checked = now
					due = append(due, c)
				}
			}
		}
		e.recheck = false
	}
	if len(due) > 0 {
		s.looking = true
		s.work.Add(1)
		go func() {
			defer s.work.Done()
			s.lookAgain(due)
		}()
	}
	return watched
}

// lagging tells whether more than half of the visitors have updates before them: then another one would only cut them off. After
// statusAge it is tried all the same. It needs the lock.
func (s *statusPages) lagging(e *statusEntry, now time.Time) bool {
	if now.Sub(e.read) >= s.maxAge {
		return false
	}
	visitors, behind := 0, 0
	for _, v := range e.views {
		visitors += len(v.visitors)
		for c := range v.visitors {
			if len(c.frames) > 0 {
				behind++
			}
		}
	}
	return behind > visitors/2
}

// lookAgain asks whether the visitors may still see what they see. Where there is no answer they stay: trouble of ours revokes
// nothing.
func (s *statusPages) lookAgain(due []*client) {
	for _, c := range due {
		select {
		case <-s.quit:
			return
		default:
		}
		s.safely(func() {
			ctx, cancel := context.WithTimeout(context.Background(), requestTime)
			defer cancel()
			_, err := c.again(ctx)
			if errors.Is(err, models.ErrUnauthorized) {
				s.mu.Lock()
				s.dismiss(c)
				s.mu.Unlock()
			}
		})
	}
	s.mu.Lock()
	s.looking = false
	s.mu.Unlock()
}
