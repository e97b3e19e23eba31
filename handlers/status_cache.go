package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/views"
)

const (
	// mostStatusPages is how many pages are kept in memory that nobody watches; the one asked for longest ago goes first.
	mostStatusPages = 256
	// mostUnknown bounds how many addresses without a page are remembered, unknownFor how long.
	mostUnknown = 1024
	unknownFor  = 2 * time.Second
)

// statusPages keeps in memory what visitors of status pages see, so that none of them costs a query: the page's settings, its board,
// and its drawings. It is read anew when the bus says that something happened, and only while somebody looks.
type statusPages struct {
	store  *models.Store
	log    *slog.Logger
	words  *views.Words
	assets views.Assets
	hub    *hub // for the caps on streams, which are of all together
	// These are defaultWriteTime, statusAge and staleAge but in tests.
	writeTime, maxAge, staleAge time.Duration
	// storage and standby are the Options'; they may be nil.
	storage func() models.StorageFigures
	standby func() bool

	mu        sync.Mutex
	at        map[string]*statusEntry // by address: what slugAddress and domainAddress make
	byID      map[int64]*statusEntry
	byMonitor map[int64]map[*statusEntry]struct{}
	unknown   map[string]time.Time // addresses where there was no page
	epoch     int64                // grows with every change of a page's settings
	revoked   int64                // grows with every change of a session's, token's or user's rights
	counted   map[string]int       // visitors by client network
	sub       *events.Subscription
	marked    int64     // events of sub that were marked
	hasMarked sync.Cond // of mu: says that marked grew, or that sub is another one
	closed    bool
	looking   bool // at who may still see what they see

	shared *sharedReads
	reads  chan struct{} // has a place for each read at work
	work   sync.WaitGroup
	guests sync.WaitGroup // of the goroutines that write to visitors
	quit   chan struct{}
	woken  chan struct{} // says that somebody watches
}

// statusEntry is one page in memory. All of it needs the lock of statusPages but drawing.
type statusEntry struct {
	page      models.StatusPage
	board     *models.StatusBoard // nil until somebody asked for it
	wantBoard bool
	monitors  []int64
	addresses []string
	views     map[viewKey]*statusView
	drawing   sync.Mutex // held while the page is drawn, so that it is drawn once

	asked   time.Time // for the last time
	read    time.Time // when the last good read began
	tried   time.Time // when the last read ended
	took    time.Duration
	reading chan struct{} // closed when the read under way is over; nil without one
	// readingFor is why that read was begun.
	readingFor urgency
	failing    error // of the last read
	urgent     urgency
	gen        int  // grows with whatever the drawings are made of
	recheck    bool // who may see it may have changed
	gone       bool
}

func newStatusPages(store *models.Store, log *slog.Logger, words *views.Words, assets views.Assets, h *hub, shared *sharedReads) *statusPages {
	s := &statusPages{store: store, log: log, words: words, assets: assets, hub: h, shared: shared, writeTime: defaultWriteTime, maxAge: statusAge, staleAge: staleAge,
		at: map[string]*statusEntry{}, byID: map[int64]*statusEntry{}, byMonitor: map[int64]map[*statusEntry]struct{}{}, unknown: map[string]time.Time{},
		counted: map[string]int{}, reads: make(chan struct{}, statusReads), quit: make(chan struct{}), woken: make(chan struct{}, 1)}
	s.hasMarked.L = &s.mu
	return s
}

// The addresses of pages: the two kinds can not be mistaken for each other.
func slugAddress(slug string) string     { return "/status/" + slug }
func domainAddress(domain string) string { return "//" + domain }

// ofSlug is the page of a slug, published or not. Errors: *models.NotFound.
func (s *statusPages) ofSlug(ctx context.Context, slug string) (models.StatusPage, error) {
	return s.find(ctx, slugAddress(slug), func(ctx context.Context) (models.StatusPage, error) { return s.store.UnscopedStatusPage(ctx, slug) })
}

// ofDomain is the page of a verified domain, published or not. Errors: *models.NotFound.
func (s *statusPages) ofDomain(ctx context.Context, domain string) (models.StatusPage, error) {
	return s.find(ctx, domainAddress(domain), func(ctx context.Context) (models.StatusPage, error) {
		return s.store.UnscopedStatusPageOfDomain(ctx, domain)
	})
}

func (s *statusPages) find(ctx context.Context, address string, read func(context.Context) (models.StatusPage, error)) (models.StatusPage, error) {
	now := time.Now()
	s.mu.Lock()
	s.catchUp()
	if e := s.at[address]; e != nil {
		e.asked = now
		s.renew(ctx, e, false)
		if s.at[address] == e {
			defer s.mu.Unlock()
			return e.page, nil
		}
		// The read told that it moved or is gone, or that it has another domain: the address may be a page's all the same.
	}
	if at, ok := s.unknown[address]; ok && now.Sub(at) < unknownFor {
		s.mu.Unlock()
		return models.StatusPage{}, errNoStatusPage()
	}
	s.mu.Unlock()
	return shareRead(ctx, s.shared, address, func(ctx context.Context) (models.StatusPage, error) { return s.enter(ctx, address, read) })
}

// enter reads a page for the first time and keeps it.
func (s *statusPages) enter(ctx context.Context, address string, read func(context.Context) (models.StatusPage, error)) (models.StatusPage, error) {
	s.mu.Lock()
	epoch := s.epoch
	s.mu.Unlock()
	begun := time.Now()
	page, err := read(ctx)
	var none *models.NotFound
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.As(err, &none):
		if epoch == s.epoch {
			if len(s.unknown) >= mostUnknown {
				clear(s.unknown)
			}
			s.unknown[address] = begun
		}
		return page, err
	case err != nil:
		return page, err
	}
	e := s.byID[page.ID]
	if e == nil {
		s.makeRoom()
		e = &statusEntry{page: page, views: map[viewKey]*statusView{}, read: begun, asked: begun}
		s.byID[page.ID] = e
	}
	if epoch != s.epoch { // it may be of before the change
		e.urgent = forAccess
	}
	e.addresses = append(e.addresses, address)
	s.at[address] = e
	return page, nil
}

// makeRoom forgets the page that was asked for longest ago, where there are too many that nobody watches. It needs the lock.
func (s *statusPages) makeRoom() {
	if len(s.byID) < mostStatusPages {
		return
	}
	var oldest *statusEntry
	for _, e := range s.byID {
		if !e.watched() && e.reading == nil && (oldest == nil || e.asked.Before(oldest.asked)) {
			oldest = e
		}
	}
	if oldest != nil {
		s.forget(oldest)
	}
}

// forget needs the lock.
func (s *statusPages) forget(e *statusEntry) {
	e.gone = true
	delete(s.byID, e.page.ID)
	for _, address := range e.addresses {
		delete(s.at, address)
	}
	s.showing(e, nil)
}

// showing notes which monitors a page shows, for the events about them. It needs the lock.
func (s *statusPages) showing(e *statusEntry, monitors []int64) {
	for _, id := range e.monitors {
		if delete(s.byMonitor[id], e); len(s.byMonitor[id]) == 0 {
			delete(s.byMonitor, id)
		}
	}
	e.monitors = monitors
	for _, id := range monitors {
		if s.byMonitor[id] == nil {
			s.byMonitor[id] = map[*statusEntry]struct{}{}
		}
		s.byMonitor[id][e] = struct{}{}
	}
}

// watched tells whether somebody has the page's stream open. It needs the lock.
func (e *statusEntry) watched() bool {
	for _, v := range e.views {
		if len(v.visitors) > 0 {
			return true
		}
	}
	return false
}

// board is what the page shows. Errors: *models.NotFound for a page that is gone; the database's where nothing is in memory.
func (s *statusPages) board(ctx context.Context, page models.StatusPage) (models.StatusBoard, error) {
	e, err := s.current(ctx, page)
	if err != nil {
		return models.StatusBoard{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.age(e, time.Now())
	return *e.board, nil
}

// current returns the page's entry with a board, as new as there is one.
func (s *statusPages) current(ctx context.Context, page models.StatusPage) (*statusEntry, error) {
	now := time.Now()
	s.mu.Lock()
	s.catchUp()
	e := s.byID[page.ID]
	if e == nil { // forgotten since the gate, or never entered by it
		s.makeRoom()
		e = &statusEntry{page: page, views: map[viewKey]*statusView{}}
		s.byID[page.ID] = e
	}
	e.asked, e.wantBoard = now, true
	s.renew(ctx, e, e.board == nil)
	defer s.mu.Unlock()
	switch {
	case e.gone:
		return nil, errNoStatusPage()
	case e.board != nil:
		return e, nil
	case e.failing != nil:
		return nil, e.failing
	case ctx.Err() != nil:
		return nil, ctx.Err()
	default:
		return nil, fmt.Errorf("reading a status page: %w", context.DeadlineExceeded)
	}
}
