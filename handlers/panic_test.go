package handlers

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"
)

// secret is what a panic says and nobody outside may read.
const secret = "panic that nobody outside reads"

// TestPanicInHandler: a handler and a template that panic answer 500 without a word of what happened, with one line in the
// log; the process lives.
func TestPanicInHandler(t *testing.T) {
	h := liteHouse(t)
	panics := templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		io.WriteString(w, "<p>half a page</p>")
		panic(secret)
	})
	h.serveAgain(func(s *Server) {
		s.app.Get("/api/panic", func(*fiber.Ctx) error { panic(secret) })
		s.app.Get("/api/panic/error", func(*fiber.Ctx) error { panic(io.ErrUnexpectedEOF) })
		s.app.Get("/panic", s.signedIn, func(*fiber.Ctx) error { panic(secret) })
		s.app.Get("/panic/template", s.signedIn, func(c *fiber.Ctx) error { return draw(c, http.StatusOK, panics) })
	})
	session := h.session("admin@example.com")
	for _, path := range []string{"/api/panic", "/api/panic/error", "/panic", "/panic/template"} {
		h.log.all()
		a := h.browser(session, "GET", path, nil)
		if a.status != 500 {
			t.Errorf("%s: got %d, want 500", path, a.status)
		}
		for _, word := range []string{secret, "goroutine", ".go:", "half a page", "EOF"} {
			if strings.Contains(a.body, word) {
				t.Errorf("%s: got %q in the body:\n%s", path, word, a.body)
			}
		}
		id := a.header.Get("X-Request-Id")
		if id == "" || !strings.Contains(a.body, id) {
			t.Errorf("%s: got a body without the request id %q:\n%s", path, id, a.body)
		}
		log := h.log.all()
		if got := strings.Count(log, "\n"); got != 1 || !strings.Contains(log, "level=ERROR") || !strings.Contains(log, id) {
			t.Errorf("%s: got %d lines in the log, want one error with the request id:\n%s", path, got, log)
		}
		if strings.HasPrefix(path, "/api") && !strings.HasPrefix(a.body, `{"statusCode":500,"statusMessage":"Internal Server Error","message":"`) {
			t.Errorf("%s: got %s, want the error's form", path, a.body)
		}
	}
	if a := h.browser(session, "GET", "/monitors", nil); a.status != 200 {
		t.Errorf("afterwards: got %d, want 200", a.status)
	}
}

// serveAgain starts a second server on the house's store, to which routes can be added before it serves; requests go there.
func (h *house) serveAgain(change func(*Server)) {
	h.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	s := New(h.s.Options)
	change(s)
	h.url = "http://" + ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	h.t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			h.t.Error(err)
		}
		<-served
	})
}

// TestPanicInStream: where handing out an event or looking again at a stream panics, that costs one line in the log; the
// other streams go on.
func TestPanicInStream(t *testing.T) {
	h := liteHouse(t)
	stream := h.frames(h.session("admin@example.com"))
	until := func(event string) {
		t.Helper()
		deadline := time.After(10 * time.Second)
		for {
			select {
			case f, ok := <-stream:
				if !ok {
					t.Fatalf("the stream ended before %s", event)
				}
				if f[0] == event {
					return
				}
			case <-deadline:
				t.Fatalf("no %s came", event)
			}
		}
	}
	until("sync")
	h.log.all()
	// A stream without a channel: the hub would close what is not there.
	broken := &client{by: h.organization, checked: time.Now(), again: func(context.Context) (models.Actor, error) { panic(secret) }}
	join := func() {
		h.s.hub.mu.Lock()
		defer h.s.hub.mu.Unlock()
		h.s.hub.clients[broken] = struct{}{}
	}
	updated := events.Event{Type: events.MonitorUpdated, OrganizationID: 1, CustomerID: h.customer.ID, MonitorID: h.monitor.ID, PublicID: h.monitor.PublicID.String(), At: time.Now()}
	for _, e := range []events.Event{{Type: events.AccessChanged, OrganizationID: 1}, updated} {
		join()
		h.store.Bus().Publish(e)
		log := ""
		deadline := time.After(10 * time.Second)
		for !strings.Contains(log, "\n") {
			select {
			case line := <-h.log.lines:
				log += line
			case <-deadline:
				t.Fatal("nothing was logged")
			}
		}
		if !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "panic") {
			t.Errorf("%s: got %s, want one line about the panic", e.Type, log)
		}
	}
	h.store.Bus().Publish(updated)
	until("monitor.updated")
	h.s.hub.mu.Lock()
	delete(h.s.hub.clients, broken)
	h.s.hub.mu.Unlock()
	if log := h.log.all(); strings.Contains(log, "level=ERROR") {
		t.Errorf("got more lines %s, want one for each panic", log)
	}
}
