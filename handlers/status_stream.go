package handlers

import (
	"bytes"
	"context"
	"math/rand/v2"
	"time"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
)

const (
	// visitorQueue is how many updates a visitor may lag before the stream is cut off: the page comes back and reads itself.
	visitorQueue = 16
	// mostPast is how many drawings back a page may be, and mostCatchUp how many bytes it may lack, that is brought up to date by its
	// stream; another one is told to read itself again, which is compressed.
	mostPast    = 32
	mostCatchUp = 16 << 10
	// A visitor comes back after 2 to 12 s: after a restart, 10,000 of them are a thousand a second.
	visitorRetry, visitorSpread = 2 * time.Second, 10 * time.Second
)

// visitor is where a client of a status page belongs to.
type visitor struct {
	entry   *statusEntry
	view    *statusView
	network string
}

// statusEvents is a status page's live stream: its changed parts, drawn once for all.
func (s *Server) statusEvents(c *fiber.Ctx) error {
	p, err := s.openStatusPage(c)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/event-stream; charset=utf-8")
	c.Set("X-Accel-Buffering", "no") // or nginx collects events
	cl := &client{by: models.Actor{Address: s.clientAddress(c)}, html: true}
	if p.Visibility != models.VisiblePublic {
		cl.again = s.visitAgain(c)
	}
	since := c.Get("Last-Event-ID", c.Query("v"))
	if err := s.status.join(c.UserContext(), p, s.statusKey(c, p), cl, since); err != nil {
		c.Response().Header.Del(fiber.HeaderContentType)
		c.Set(fiber.HeaderRetryAfter, "10")
		return err
	}
	if c.Method() == fiber.MethodHead { // it was let in, as GET would be
		s.status.leave(cl)
		return nil
	}
	s.hijack(c, cl, visitorRetry+rand.N(visitorSpread), s.status.writeTime, func() { s.status.leave(cl) })
	return nil
}

// join lets a visitor in, if the caps allow. since is the version of what the visitor's page shows; empty = unknown. The caller calls
// leave when the writer ends.
func (s *statusPages) join(ctx context.Context, page models.StatusPage, key viewKey, c *client, since string) error {
	if _, err := s.drawingOf(ctx, page, key); err != nil {
		return err
	}
	network := models.ClientNetwork(c.by.Address)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fiber.NewError(fiber.StatusServiceUnavailable, "The service is stopping")
	}
	e := s.byID[page.ID]
	if e == nil || e.views[key] == nil || e.views[key].now == nil { // forgotten this moment
		return errBusy()
	}
	v := e.views[key]
	if most := s.hub.caps.PerAddress; most > 0 && s.counted[network] >= most {
		return errBusy()
	}
	if !s.hub.admitVisitor() {
		return errBusy()
	}
	s.counted[network]++
	c.checked = time.Now()
	c.frames = make(chan []byte, visitorQueue)
	c.frames <- v.first(since)
	c.visits = visitor{e, v, network}
	v.visitors[c] = struct{}{}
	s.guests.Add(1)
	select {
	case s.woken <- struct{}{}:
	default:
	}
	return nil
}

// first is what a stream begins with: sync with the version that the visitor's page has, and what changed since; or with the present
// one, on which an older page reads itself again. The clock's time is for pages on machines whose clock is wrong.
func (v *statusView) first(since string) []byte {
	var b bytes.Buffer
	d := v.now
	if since != d.version {
		for i := len(v.past) - 1; i >= 0; i-- {
			if v.past[i].version != since {
				continue
			}
			if html, ok := d.changes(v.past[i]); ok && len(html) <= mostCatchUp {
				statusFrame(&b, since, "sync", since)
				statusFrame(&b, d.version, "parts", html)
			}
			break
		}
	}
	if b.Len() == 0 {
		statusFrame(&b, d.version, "sync", d.version)
	}
	statusFrame(&b, d.version, "clock", time.Now().UTC().Format(isoLayout))
	d.measuredFrame(&b)
	return b.Bytes()
}

// hand queues an update and cuts off who lags too far behind. It needs the lock.
func (s *statusPages) hand(v *statusView, frame []byte) {
	for c := range v.visitors {
		select {
		case c.frames <- frame:
		default:
			s.drop(c)
		}
	}
}

// dismissAll ends the page's streams with bye. It needs the lock.
func (s *statusPages) dismissAll(e *statusEntry) {
	for _, v := range e.views {
		for c := range v.visitors {
			s.dismiss(c)
		}
	}
}

// dismiss ends a stream with bye. It needs the lock.
func (s *statusPages) dismiss(c *client) {
	if _, in := c.visits.view.visitors[c]; !in {
		return
	}
	select {
	case c.frames <- byeFrame(true, time.Now()):
	default:
	}
	s.drop(c)
}

// drop lets a visitor go, once. It needs the lock.
func (s *statusPages) drop(c *client) {
	v := c.visits
	if _, in := v.view.visitors[c]; !in {
		return
	}
	delete(v.view.visitors, c)
	if s.counted[v.network]--; s.counted[v.network] == 0 {
		delete(s.counted, v.network)
	}
	s.hub.visitors.Add(-1)
	close(c.frames)
}

// leave forgets a visitor whose writer ended.
func (s *statusPages) leave(c *client) {
	s.mu.Lock()
	s.drop(c)
	s.mu.Unlock()
	s.guests.Done()
}
