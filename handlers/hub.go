package handlers

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
)

const (
	// hubTick is how long events are gathered before they go out: one write a client, however many monitors moved.
	hubTick = 100 * time.Millisecond
	// clientQueue is how many ticks a client may lag before it is cut off. Its browser comes back and starts with sync.
	clientQueue = 64
	// recheckEvery is how often it is looked whether a client may still see what it sees.
	recheckEvery = 30 * time.Second
	// busLag is how many events the hub may lag behind the bus before it is cut off and tells everybody to read again. The
	// recorder publishes up to 10,000 at once.
	busLag = 20_000
	// countersEvery bounds how often counters are sent.
	countersEvery = time.Second
)

// StreamCaps bound the live streams; each is a number of streams at once.
type StreamCaps struct{ Total, PerUser, PerOrganization, PerAddress int }

// client is one live stream.
type client struct {
	by      models.Actor
	html    bool  // fragments for our pages, else JSON
	monitor int64 // only this one's events, and its checks as rows; 0 = all
	// again finds who is behind the stream now.
	again func(context.Context) (models.Actor, error)
	// feed hands the client what it gets, until its context ends; nil = the hub does. It returns soon then.
	feed    func(context.Context)
	checked time.Time
	frames  chan []byte // closed when the hub lets the client go
	// visits is set for a visitor of a status page, who is none of the hub's.
	visits visitor
}

// hub hands what happens to the live streams. Everything is encoded once for all who see the same.
type hub struct {
	store *models.Store
	log   *slog.Logger
	caps  StreamCaps
	// writeTime is defaultWriteTime but in tests.
	writeTime time.Duration

	mu      sync.Mutex
	clients map[*client]struct{}
	counted map[share]int       // open streams by what the caps count
	changed map[int64]bool      // organizations where access changed since clients were looked at
	moved   map[int64]time.Time // when something last changed that pages show, by organization
	started time.Time
	closed  bool
	// visitors is how many streams of status pages are open beside these.
	visitors atomic.Int64

	streams sync.WaitGroup // of the goroutines that write
	loops   sync.WaitGroup
	quit    chan struct{}
	recheck chan struct{} // says that changed has something
}

// share is what a cap counts by: one of its parts is set.
type share struct {
	user         [2]int64 // with the token, whose streams are its own
	organization int64
	network      string
}

func shareOfUser(by models.Actor) share         { return share{user: [2]int64{by.UserID, by.TokenID}} }
func shareOfOrganization(by models.Actor) share { return share{organization: by.OrganizationID} }
func shareOfNetwork(by models.Actor) share      { return share{network: models.ClientNetwork(by.Address)} }

func newHub(store *models.Store, log *slog.Logger, caps StreamCaps) *hub {
	return &hub{store: store, log: log, caps: caps, writeTime: defaultWriteTime, clients: map[*client]struct{}{}, counted: map[share]int{},
		moved: map[int64]time.Time{}, started: time.Now(), changed: map[int64]bool{}, quit: make(chan struct{}), recheck: make(chan struct{}, 1)}
}

// start begins to listen to the bus, until close; after it, it does nothing.
func (h *hub) start() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.loops.Add(2)
	sub := h.store.Bus().Subscribe(busLag) // here, so that what happens after the first answer is told
	go func() {
		defer h.loops.Done()
		h.deliver(sub)
	}()
	go func() {
		defer h.loops.Done()
		h.guard()
	}()
}

// close says bye to every stream and waits for their writers, until ctx ends.
func (h *hub) close(ctx context.Context) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.closed = true
	close(h.quit)
	for c := range h.clients {
		h.dismiss(c)
	}
	h.mu.Unlock()
	done := make(chan struct{})
	go func() {
		h.streams.Wait()
		h.loops.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		h.log.Warn("live streams did not end in time")
	}
}

// errBusy answers a stream over the caps.
func errBusy() error {
	return fiber.NewError(fiber.StatusServiceUnavailable, "Too many live streams at once; close some")
}

// join lets a client in, if the caps allow. The caller calls leave when its writer ends.
func (h *hub) join(c *client) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return fiber.NewError(fiber.StatusServiceUnavailable, "Echolot is stopping")
	}
	over := func(n, limit int) bool { return limit > 0 && n >= limit }
	if over(len(h.clients)+int(h.visitors.Load()), h.caps.Total) || over(h.counted[shareOfUser(c.by)], h.caps.PerUser) ||
		over(h.counted[shareOfOrganization(c.by)], h.caps.PerOrganization) || over(h.counted[shareOfNetwork(c.by)], h.caps.PerAddress) {
		return errBusy()
	}
	c.checked = time.Now()
	c.frames = make(chan []byte, clientQueue)
	c.frames <- syncFrame(c.html, h.movedAt(c.by.OrganizationID, c.html, c.checked))
	h.clients[c] = struct{}{}
	h.count(c, 1)
	h.streams.Add(1)
	return nil
}

// admitVisitor counts a visitor of a status page in, if the cap allows: a tenth of all streams is kept for people who sign in.
// Whoever lets the visitor go counts down again.
func (h *hub) admitVisitor() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if most := h.caps.Total; most > 0 && len(h.clients)+int(h.visitors.Load()) >= most-most/10 {
		return false
	}
	h.visitors.Add(1)
	return true
}

// movedAt is the time that a stream's first sync carries. A page was read a moment ago: it is told when something of its
// organization last changed, and reads itself again only if that was after. Programs are told the present time.
func (h *hub) movedAt(organization int64, html bool, now time.Time) time.Time {
	if !html {
		return now
	}
	if at, ok := h.moved[organization]; ok {
		return at
	}
	return h.started
}

// noteMove remembers that something changed which a page shows and the next check does not mend.
func (h *hub) noteMove(organization int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moved[organization] = time.Now()
}

// letGo ends a stream after what was handed to it, without a word.
func (h *hub) letGo(c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(c)
}

// leave forgets a client; calling it after the hub let the client go is fine.
func (h *hub) leave(c *client) {
	h.mu.Lock()
	h.drop(c)
	h.mu.Unlock()
	h.streams.Done()
}

// dismiss ends a stream with bye. It needs the lock.
func (h *hub) dismiss(c *client) {
	if _, in := h.clients[c]; !in {
		return
	}
	select {
	case c.frames <- byeFrame(c.html, time.Now()):
	default:
	}
	h.drop(c)
}

// drop lets the client go, once. It needs the lock.
func (h *hub) drop(c *client) {
	if _, in := h.clients[c]; !in {
		return
	}
	delete(h.clients, c)
	h.count(c, -1)
	close(c.frames)
}

// count keeps what the caps look at, so that 20,000 browsers that come back at once do not make each other count the rest.
// It needs the lock.
func (h *hub) count(c *client, n int) {
	for _, s := range [...]share{shareOfUser(c.by), shareOfOrganization(c.by), shareOfNetwork(c.by)} {
		if h.counted[s] += n; h.counted[s] == 0 {
			delete(h.counted, s)
		}
	}
}

// accessChanged has the guard look at the clients that the organization's rights are of.
func (h *hub) accessChanged(organization int64) {
	h.mu.Lock()
	h.changed[organization] = true
	h.mu.Unlock()
	select {
	case h.recheck <- struct{}{}:
	default: // it is told already
	}
}

// guard looks again, every 30 s and whenever access changed in their organization, whether clients may still see what they see.
func (h *hub) guard() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-h.quit:
			return
		case <-h.recheck:
		case <-tick.C:
		}
		for _, c := range h.due() {
			h.safely(func() { h.look(c) })
		}
	}
}

// due are the clients to look at now.
func (h *hub) due() []*client {
	h.mu.Lock()
	defer h.mu.Unlock()
	var due []*client
	now := time.Now()
	for c := range h.clients {
		if h.changed[c.by.OrganizationID] || h.changed[c.by.HomeID] || now.Sub(c.checked) >= recheckEvery {
			c.checked = now
			due = append(due, c)
		}
	}
	clear(h.changed)
	return due
}

// look asks the store once more. Where it does not answer, the client stays: trouble of ours revokes nothing.
func (h *hub) look(c *client) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTime)
	defer cancel()
	by, err := c.again(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	var gone *models.NotFound
	switch {
	case errors.Is(err, models.ErrUnauthorized), errors.As(err, &gone), err == nil && by.OrganizationID != c.by.OrganizationID:
		h.dismiss(c)
	case err == nil:
		by.Address = c.by.Address
		c.by = by
	}
}
