package handlers

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"echolot/models"

	"context"

	"github.com/gofiber/fiber/v2"
)

const (
	// pingEvery keeps proxies from closing a quiet stream, and is how a vanished client is noticed.
	pingEvery = 10 * time.Second
	// defaultWriteTime is what a client has to take one write; one that reads nothing is cut off by it.
	defaultWriteTime = 10 * time.Second
	// A client comes back after one to five seconds: spread, or all browsers come back at once.
	streamRetry, streamSpread = time.Second, 4 * time.Second
)

// events opens a live stream: fragments for our pages, or JSON for programs.
func (s *Server) events(html bool) fiber.Handler {
	return func(c *fiber.Ctx) error {
		by := actorOf(c)
		cl := &client{by: by, html: html, again: s.whoAgain(c)}
		if named := c.Query("monitor"); named != "" {
			id, err := models.ParsePublicID(named)
			if err != nil {
				return badField("monitor", "ICMP monitor public ID (UUID) required")
			}
			m, err := s.Store.Monitor(c.UserContext(), by, id)
			if err != nil {
				return err
			}
			cl.monitor = m.ID
		}
		c.Set(fiber.HeaderContentType, "text/event-stream; charset=utf-8")
		c.Set("X-Accel-Buffering", "no") // or nginx collects events
		if c.Method() == fiber.MethodHead {
			return nil
		}
		if err := s.hub.join(cl); err != nil {
			c.Set(fiber.HeaderRetryAfter, "10")
			c.Response().Header.Del(fiber.HeaderContentType)
			return err
		}
		s.hijack(c, cl, streamRetry+rand.N(streamSpread), s.hub.writeTime, func() { s.hub.leave(cl) })
		return nil
	}
}

// whoAgain remembers what the stream was opened with, copied out of the request, and asks the store anew.
func (s *Server) whoAgain(c *fiber.Ctx) func(context.Context) (models.Actor, error) {
	first := actorOf(c)
	session, _ := c.Locals(localToken).(string)
	secret := ""
	if session == "" {
		secret, _ = bearer(c)
	}
	return func(ctx context.Context) (models.Actor, error) {
		var by models.Actor
		var err error
		if session != "" {
			by, err = s.Store.Recheck(ctx, session, first.Address)
		} else {
			by, err = s.Store.Authenticate(ctx, secret, first.Address)
		}
		if err != nil || by.OrganizationID == first.OrganizationID {
			return by, err
		}
		return s.Store.ChooseOrganization(ctx, by, models.Ref{ID: first.OrganizationID})
	}
}

// hijack takes the connection over: fasthttp's own way to stream notices a vanished client only after several writes. A browser
// that loses the stream comes back after retry. leave is called when the writer ends.
func (s *Server) hijack(c *fiber.Ctx, cl *client, retry, writeTime time.Duration, leave func()) {
	ctx := c.Context()
	ctx.HijackSetNoResponse(true)
	c.Response().Header.SetContentLength(-2) // Connection: close, no length
	head := append([]byte(nil), c.Response().Header.Header()...)
	head = bytes.Replace(head, []byte("Transfer-Encoding: identity\r\n"), nil, 1)
	head = fmt.Appendf(head, "retry: %d\n\n", retry.Milliseconds())
	ctx.Hijack(func(conn net.Conn) {
		// fasthttp keeps its buffers, 16 KiB and more, for as long as this function runs, and they are of no use any more.
		if of, ok := conn.(interface{ UnsafeConn() net.Conn }); ok {
			conn = of.UnsafeConn()
		}
		go s.stream(conn, cl, head, writeTime, leave)
	})
}

// stream writes to a client until it is gone or let go, and closes the connection.
func (s *Server) stream(conn net.Conn, cl *client, head []byte, writeTime time.Duration, leave func()) {
	defer leave()
	defer func() { _ = conn.Close() }()
	defer func() {
		if p := recover(); p != nil {
			s.Log.Error("panic in a live stream", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	if cl.feed != nil {
		ctx, stop := context.WithCancel(context.Background())
		fed := make(chan struct{})
		go func() {
			defer close(fed)
			s.hub.safely(func() { cl.feed(ctx) })
		}()
		defer func() { stop(); <-fed }()
	}
	pump(conn, cl, head, writeTime)
}

// pump writes frames until the client is gone or let go; each write has to be taken within the time given.
func pump(conn net.Conn, cl *client, head []byte, writeTime time.Duration) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		var b [64]byte
		for {
			if _, err := conn.Read(b[:]); err != nil {
				return
			}
		}
	}()
	// The reader is waited for; the deadline ends it.
	defer func() {
		_ = conn.SetReadDeadline(time.Unix(1, 0))
		<-gone
	}()
	_ = conn.SetReadDeadline(time.Time{})
	write := func(b []byte) bool {
		if conn.SetWriteDeadline(time.Now().Add(writeTime)) != nil {
			return false
		}
		_, err := conn.Write(b)
		return err == nil
	}
	if !write(head) {
		return
	}
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-gone:
			return
		case frame, ok := <-cl.frames:
			if !ok || !write(frame) {
				return
			}
		case <-ping.C:
			if !write(pingFrame(cl.html)) {
				return
			}
		}
	}
}

// sse writes one event; a line break in the data begins another data line.
func sse(b *bytes.Buffer, event, data string) {
	b.WriteString("event: ")
	b.WriteString(event)
	for line := range strings.SplitSeq(data, "\n") {
		b.WriteString("\ndata: ")
		b.WriteString(strings.TrimRight(line, "\r"))
	}
	b.WriteString("\n\n")
}
