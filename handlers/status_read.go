package handlers

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"echolot/models"
)

const (
	// statusAge is how old a page may become that nothing happened to: its days turn, and another instance may have changed it.
	statusAge = 10 * time.Second
	// patience is how long a visitor waits for newer figures where there are older ones.
	patience = 500 * time.Millisecond
	// statusRetry is after how long a page is read again that could not be read.
	statusRetry = time.Second
	// statusReads is how many pages are read at once.
	statusReads = 2
)

// urgency is how soon a page has to be read again.
type urgency int

const (
	notNow     urgency = iota
	soonEnough         // round-trip times moved
	atOnce             // a state, an incident
	forAccess          // what operators set or told: who may see the page may hang on it
)

// renew waits for newer figures, if it is worth it. It needs the lock, and gives it up meanwhile.
func (s *statusPages) renew(ctx context.Context, e *statusEntry, first bool) {
	for range 2 { // the read under way may have begun before the change
		wait := s.freshen(e, time.Now())
		if wait == nil {
			return
		}
		must := first || max(e.urgent, e.readingFor) == forAccess
		s.mu.Unlock()
		s.await(ctx, wait, must)
		s.mu.Lock()
	}
}

// await waits for a read: until ctx ends where it must be known, else a moment.
func (s *statusPages) await(ctx context.Context, read chan struct{}, must bool) {
	var enough <-chan time.Time
	if !must {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		enough = timer.C
	}
	select {
	case <-read:
	case <-enough:
	case <-ctx.Done():
	}
}

// freshen begins a read where the page is due for one, and returns what to wait for, if it is worth it: not where the database did
// not answer the last time, and not for round-trip times. It needs the lock.
func (s *statusPages) freshen(e *statusEntry, now time.Time) chan struct{} {
	missing := e.wantBoard && e.board == nil
	worth := missing || e.failing == nil && (e.urgent >= atOnce || now.Sub(e.read) >= s.staleAge)
	if missing || s.due(e, now) {
		s.begin(e, now)
	}
	if worth || e.readingFor >= atOnce && e.failing == nil {
		return e.reading
	}
	return nil
}

// due tells whether the page has to be read again. It needs the lock.
func (s *statusPages) due(e *statusEntry, now time.Time) bool {
	age := now.Sub(e.read)
	if e.board != nil && !e.board.ChangesAt.IsZero() && !now.Before(e.board.ChangesAt) {
		return true // the clock alone brought it about
	}
	return e.urgent >= atOnce || age >= s.maxAge || e.urgent == soonEnough && age >= e.pace()
}

const (
	// quietPace is how often a page is read for round-trip times alone.
	quietPace = 2 * time.Second
	// readShare bounds what these reads take: a tenth of one core, sentRate what they send: bytes a second to all visitors of a page.
	readShare = 10
	sentRate  = 16 << 20
)

// pace is how long apart reads are for round-trip times alone. It needs the lock.
func (e *statusEntry) pace() time.Duration {
	sent := 0
	for _, v := range e.views {
		sent += v.sent * len(v.visitors)
	}
	return max(quietPace, readShare*e.took, time.Duration(sent)*time.Second/sentRate)
}

// begin starts a read, unless one is under way or the last one failed a moment ago. It needs the lock.
func (s *statusPages) begin(e *statusEntry, now time.Time) {
	if e.reading != nil || s.closed || e.failing != nil && now.Sub(e.tried) < statusRetry {
		return
	}
	done := make(chan struct{})
	was, want := e.urgent, e.wantBoard
	e.reading, e.readingFor = done, was
	if e.failing == nil {
		e.urgent = notNow // what happens from here on is for the next read
	}
	s.work.Add(1)
	go func() {
		defer s.work.Done()
		defer close(done)
		select {
		case s.reads <- struct{}{}:
			defer func() { <-s.reads }()
		case <-s.quit:
			return
		}
		ok := false
		s.safely(func() { s.readAgain(e, want); ok = true })
		s.mu.Lock()
		defer s.mu.Unlock()
		e.reading, e.tried = nil, time.Now()
		if !ok && e.failing == nil {
			e.failing = errNotDrawn()
		}
		if e.failing != nil {
			e.urgent = max(e.urgent, was)
		}
	}()
}

func errNotDrawn() error { return errors.New("the page could not be drawn; see the log") }

// safely keeps a fault of ours in drawing one page from ending the program.
func (s *statusPages) safely(f func()) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic while drawing a status page", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	f()
}

// readAgain reads the page and tells its visitors what changed.
func (s *statusPages) readAgain(e *statusEntry, wantBoard bool) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTime)
	defer cancel()
	begun := time.Now()
	s.mu.Lock()
	id := e.page.ID
	s.mu.Unlock()
	page, err := s.store.UnscopedStatusPageByID(ctx, id)
	var board models.StatusBoard
	if err == nil && wantBoard {
		board, err = s.store.UnscopedStatusBoard(ctx, page)
	}
	var none *models.NotFound
	s.mu.Lock()
	switch {
	case errors.As(err, &none):
		s.forget(e)
		s.dismissAll(e)
	case err != nil:
		if e.failing == nil {
			s.log.Warn("a status page is not read anew", "page", e.page.Slug, "error", err)
		}
		e.failing = err
	default:
		s.settle(e, page)
		e.failing, e.read, e.took = nil, begun, time.Since(begun)
		e.gen++
		if wantBoard {
			e.board = &board
			s.age(e, time.Now())
			s.showing(e, board.MonitorIDs())
		}
	}
	s.mu.Unlock()
	if err == nil && wantBoard {
		s.redraw(e)
	}
}

// settle takes new settings over. Visitors whose access they may end, come back through the gate. It needs the lock.
func (s *statusPages) settle(e *statusEntry, page models.StatusPage) {
	old := e.page
	e.page = page
	if old.Slug != page.Slug || old.CustomDomain != page.CustomDomain || old.DomainVerifiedAt.IsZero() != page.DomainVerifiedAt.IsZero() {
		for _, address := range e.addresses {
			delete(s.at, address)
		}
		e.addresses = nil
		s.dismissAll(e)
	}
	if !page.IsPublished || old.Visibility != page.Visibility || old.PasswordHash != page.PasswordHash || old.LinkToken != page.LinkToken ||
		old.CustomerID != page.CustomerID {
		s.dismissAll(e)
	}
}
