package handlers

import (
	"context"
	"errors"
	"log/slog"
	"sync"
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
	// busLag is how many events the hub may lag behind the bus before it is cut off and tells everybody to read again.
	busLag = 8192
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
	again   func(context.Context) (models.Actor, error)
	checked time.Time
	frames  chan []byte // closed when the hub lets the client go
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
	closed  bool

	streams sync.WaitGroup // of the goroutines that write
	loops   sync.WaitGroup
	quit    chan struct{}
	recheck chan struct{}
}

func newHub(store *models.Store, log *slog.Logger, caps StreamCaps) *hub {
	return &hub{store: store, log: log, caps: caps, writeTime: defaultWriteTime, clients: map[*client]struct{}{}, quit: make(chan struct{}), recheck: make(chan struct{}, 1)}
}

// start begins to listen to the bus, until close; after it, it does nothing.
func (h *hub) start() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.loops.Add(2)
	go func() {
		defer h.loops.Done()
		h.deliver()
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
	var user, organization, address int
	for other := range h.clients {
		if other.by.UserID == c.by.UserID && other.by.TokenID == c.by.TokenID {
			user++
		}
		if other.by.OrganizationID == c.by.OrganizationID {
			organization++
		}
		if other.by.Address == c.by.Address {
			address++
		}
	}
	over := func(n, limit int) bool { return limit > 0 && n >= limit }
	if over(len(h.clients), h.caps.Total) || over(user, h.caps.PerUser) || over(organization, h.caps.PerOrganization) || over(address, h.caps.PerAddress) {
		return errBusy()
	}
	c.checked = time.Now()
	c.frames = make(chan []byte, clientQueue)
	c.frames <- syncFrame(c.html, c.checked)
	h.clients[c] = struct{}{}
	h.streams.Add(1)
	return nil
}

// leave forgets a client; calling it after the hub let the client go is fine.
func (h *hub) leave(c *client) {
	h.mu.Lock()
	if _, in := h.clients[c]; in {
		delete(h.clients, c)
		close(c.frames)
	}
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
	delete(h.clients, c)
	close(c.frames)
}

// guard looks again, every 30 s and whenever access changed, whether clients may still see what they see.
func (h *hub) guard() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		all := false
		select {
		case <-h.quit:
			return
		case <-h.recheck:
			all = true
		case <-tick.C:
		}
		for _, c := range h.due(all) {
			h.safely(func() { h.look(c) })
		}
	}
}

func (h *hub) due(all bool) []*client {
	h.mu.Lock()
	defer h.mu.Unlock()
	var due []*client
	now := time.Now()
	for c := range h.clients {
		if all || now.Sub(c.checked) >= recheckEvery {
			c.checked = now
			due = append(due, c)
		}
	}
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
