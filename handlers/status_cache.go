package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/views"

	"golang.org/x/sync/singleflight"
)

const (
	// mostStatusPages is how many pages are kept in memory that nobody watches; the one asked for longest ago goes first.
	mostStatusPages = 256
	// mostUnknown bounds how many addresses without a page are remembered, unknownFor how long.
	mostUnknown = 1024
	unknownFor  = 2 * time.Second
	// statusAge is how old a page may become that nothing happened to: its days turn, and another instance may have changed it.
	statusAge = 10 * time.Second
	// staleAge is when a page says how old it is.
	staleAge = 15 * time.Second
	// patience is how long a visitor waits for newer figures where there are older ones.
	patience = 500 * time.Millisecond
	// statusRetry is after how long a page is read again that could not be read.
	statusRetry = time.Second
	// statusReads is how many pages are read at once.
	statusReads = 2
	// viewIdle is how long a language's drawing is kept that nobody asks for.
	viewIdle = 10 * time.Minute
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

	mu        sync.Mutex
	at        map[string]*statusEntry // by address: what slugAddress and domainAddress make
	byID      map[int64]*statusEntry
	byMonitor map[int64]map[*statusEntry]struct{}
	unknown   map[string]time.Time // addresses where there was no page
	epoch     int64                // grows with every change of a page's settings
	counted   map[string]int       // visitors by client network
	sub       *events.Subscription
	closed    bool
	looking   bool // at who may still see what they see

	finds  singleflight.Group
	reads  chan struct{} // has a place for each read at work
	work   sync.WaitGroup
	guests sync.WaitGroup // of the goroutines that write to visitors
	quit   chan struct{}
	woken  chan struct{} // says that somebody watches
}

// urgency is how soon a page has to be read again.
type urgency int

const (
	notNow     urgency = iota
	soonEnough         // round-trip times moved
	atOnce             // a state, an incident, a text
)

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
	stale      bool // the page says how old it is
	gen        int  // grows with whatever the drawings are made of
	recheck    bool // who may see it may have changed
	gone       bool
}

// viewKey is what a page has a drawing of its own for.
type viewKey struct{ language, base string }

// statusView is a page's drawing in one language, and who watches it.
type statusView struct {
	gen      int
	now      *drawing
	past     []drawnParts // what visitors may still see who connect in a moment, oldest first
	visitors map[*client]struct{}
	asked    time.Time
	sent     int // bytes of the last update
}

func newStatusPages(store *models.Store, log *slog.Logger, words *views.Words, assets views.Assets, h *hub) *statusPages {
	return &statusPages{store: store, log: log, words: words, assets: assets, hub: h, writeTime: defaultWriteTime, maxAge: statusAge, staleAge: staleAge,
		at: map[string]*statusEntry{}, byID: map[int64]*statusEntry{}, byMonitor: map[int64]map[*statusEntry]struct{}{}, unknown: map[string]time.Time{},
		counted: map[string]int{}, reads: make(chan struct{}, statusReads), quit: make(chan struct{}), woken: make(chan struct{}, 1)}
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
	// Whoever asks first must not take the others with him when he leaves.
	found := s.finds.DoChan(address, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
		defer cancel()
		return s.enter(ctx, address, read)
	})
	select {
	case r := <-found:
		page, _ := r.Val.(models.StatusPage)
		return page, r.Err
	case <-ctx.Done():
		return models.StatusPage{}, ctx.Err()
	}
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
		e.urgent = atOnce
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

// renew waits for newer figures, if it is worth it. It needs the lock, and gives it up meanwhile.
func (s *statusPages) renew(ctx context.Context, e *statusEntry, first bool) {
	for range 2 { // the read under way may have begun before the change
		wait := s.freshen(e, time.Now())
		if wait == nil {
			return
		}
		s.mu.Unlock()
		s.await(ctx, wait, first)
		s.mu.Lock()
	}
}

// await waits for a read: until ctx ends where there is nothing else to show, else a moment.
func (s *statusPages) await(ctx context.Context, read chan struct{}, first bool) {
	var enough <-chan time.Time
	if !first {
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
	worth := missing || e.failing == nil && (e.urgent == atOnce || now.Sub(e.read) >= s.staleAge)
	if missing || s.due(e, now) {
		s.begin(e, now)
	}
	if worth || e.readingFor == atOnce && e.failing == nil {
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
	return e.urgent == atOnce || age >= s.maxAge || e.urgent == soonEnough && age >= e.pace()
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
			e.failing = errors.New("the page could not be drawn; see the log")
		}
		if e.failing != nil {
			e.urgent = max(e.urgent, was)
		}
	}()
}

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
		e.failing, e.read, e.took, e.stale = nil, begun, time.Since(begun), false
		e.gen++
		if wantBoard {
			e.board = &board
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

// drawingOf is the page's drawing for the key, drawn now where there is none of what it shows.
func (s *statusPages) drawingOf(ctx context.Context, page models.StatusPage, key viewKey) (*drawing, error) {
	e, err := s.current(ctx, page)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	s.mu.Lock()
	s.age(e, now)
	v := e.views[key]
	if v == nil {
		v = &statusView{gen: -1, visitors: map[*client]struct{}{}}
		e.views[key] = v
	}
	v.asked = now
	if v.gen == e.gen {
		defer s.mu.Unlock()
		return v.now, nil
	}
	s.mu.Unlock()
	return s.drawView(e, key, v), nil
}

// age has the page say how old it is, once it is too old. It needs the lock.
func (s *statusPages) age(e *statusEntry, now time.Time) {
	if !e.stale && e.board != nil && now.Sub(e.read) >= s.staleAge {
		e.stale = true
		e.gen++
	}
}

// redraw draws the page in all that it is watched in, and tells visitors. What nobody watches is drawn when it is asked for.
func (s *statusPages) redraw(e *statusEntry) {
	s.mu.Lock()
	watched, now := map[viewKey]*statusView{}, time.Now()
	for key, v := range e.views {
		if len(v.visitors) > 0 {
			watched[key] = v
		} else if now.Sub(v.asked) > viewIdle {
			delete(e.views, key)
		}
	}
	s.mu.Unlock()
	for key, v := range watched {
		s.drawView(e, key, v)
	}
}

// drawView draws one view, if nobody else just did, and hands its visitors what changed.
func (s *statusPages) drawView(e *statusEntry, key viewKey, v *statusView) *drawing {
	e.drawing.Lock()
	defer e.drawing.Unlock()
	s.mu.Lock()
	gen, old, page := e.gen, v.now, e.page
	p := views.StatusPage{Board: *e.board, Language: key.language, Words: s.words.In(key.language), Assets: s.assets, Base: key.base, Stream: true, Stale: e.stale}
	if page.Visibility == models.VisibleLink {
		p.Key = page.LinkToken
	}
	fresh := v.gen == gen
	s.mu.Unlock()
	if fresh {
		return old
	}
	d := drawStatus(p, old)
	s.mu.Lock()
	defer s.mu.Unlock()
	v.gen = gen
	if old == nil {
		v.now = d
		return d
	}
	update := d.update(old)
	if len(update) == 0 {
		return old
	}
	v.now = d
	if d.version != old.version {
		v.past = append(v.past, old.drawnParts)
		v.past = v.past[max(0, len(v.past)-mostPast):]
	}
	v.sent = len(update)
	s.hand(v, update)
	return d
}
