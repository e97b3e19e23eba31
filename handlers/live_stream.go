package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// liveEvery is how often a live stream looks for new packets; the prober writes them every 300 ms.
const liveEvery = 400 * time.Millisecond

// liveEvents streams a monitor's newest live measurement; 204, which ends a browser's attempts, where there is none.
func (s *Server) liveEvents(c *fiber.Ctx) error {
	m, l, err := s.liveOfPath(c)
	if err != nil {
		return err
	}
	who, id := s.whoAgain(c), m.PublicID
	return s.streamLive(c, l, true, &client{by: actorOf(c), html: true, again: func(ctx context.Context) (models.Actor, error) {
		by, err := who(ctx)
		if err == nil {
			_, err = s.Store.Monitor(ctx, by, id) // it may have moved to a customer that is not seen
		}
		return by, err
	}})
}

// sharedLiveEvents streams what a link shows. To the caps on streams each link is a user of its own.
func (s *Server) sharedLiveEvents(c *fiber.Ctx) error {
	token := c.Params("token")
	l, err := s.Store.LiveByToken(c.UserContext(), token)
	if err != nil {
		return err
	}
	by := models.Actor{OrganizationID: l.OrganizationID, TokenID: -l.ID, Address: s.clientAddress(c)}
	return s.streamLive(c, l.LiveSession, l.ShareHost, &client{by: by, html: true, again: func(ctx context.Context) (models.Actor, error) {
		_, err := s.Store.LiveByToken(ctx, token)
		return by, err
	}})
}

func (s *Server) streamLive(c *fiber.Ctx, l models.LiveSession, host bool, cl *client) error {
	if l.ID == 0 {
		return c.SendStatus(fiber.StatusNoContent)
	}
	c.Set(fiber.HeaderContentType, "text/event-stream; charset=utf-8")
	c.Set("X-Accel-Buffering", "no") // or nginx collects events
	if c.Method() == fiber.MethodHead {
		return nil
	}
	cl.feed = func(ctx context.Context) { s.feedLive(ctx, cl, l, host) }
	if err := s.hub.join(cl); err != nil {
		c.Set(fiber.HeaderRetryAfter, "10")
		c.Response().Header.Del(fiber.HeaderContentType)
		return err
	}
	s.hijack(c, cl, streamRetry+rand.N(streamSpread), s.hub.writeTime, func() { s.hub.leave(cl) })
	return nil
}

// feedLive hands a client every line of a live measurement, from the first one on, and the end. It returns when the client is
// gone or the measurement over.
func (s *Server) feedLive(ctx context.Context, cl *client, l models.LiveSession, host bool) {
	var b bytes.Buffer
	sse(&b, "reset", "1") // a client that comes back gets everything anew
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	feed := liveFeed{store: s.Store, session: l, host: host}
	for {
		over, err := feed.read(ctx, &b)
		if err != nil && ctx.Err() == nil {
			s.Log.Debug("live packets not read for a stream", "error", err) // the page about it is the prober's
		}
		if b.Len() > 0 {
			s.hub.hand([]*client{cl}, bytes.Clone(b.Bytes()))
			b.Reset()
		}
		if over {
			s.hub.letGo(cl)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// liveFeed is how far one stream has told a live measurement.
type liveFeed struct {
	store   *models.Store
	session models.LiveSession
	host    bool
	n       int64
	sum     models.LiveSummary
}

// read writes what is new; over is true after the last of it.
func (f *liveFeed) read(ctx context.Context, b *bytes.Buffer) (over bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	now := time.Now()
	l, ok, err := f.store.UnscopedLive(ctx, f.session.ID) // before its lines: where it is over, they are all there
	if err != nil {
		return false, err
	}
	if ok {
		f.session = l
	}
	for {
		lines, err := f.store.UnscopedLivePackets(ctx, f.session.ID, f.n)
		if err != nil {
			return false, err
		}
		f.write(b, lines)
		if len(lines) < models.LivePage {
			break
		}
	}
	if ok && l.Running(now) {
		return false, nil
	}
	sse(b, "end", render(views.LiveState(views.LivePage{Session: f.session, Now: now})))
	return true, nil
}

// write tells lines: as points of the chart, as lines of the log, and in the sum.
func (f *liveFeed) write(b *bytes.Buffer, lines []models.LivePacket) {
	if len(lines) == 0 {
		return
	}
	var points [][2]*float64 // when it was sent, in seconds since 1970, and the RTT in milliseconds; null without a reply
	for _, l := range lines {
		f.n = l.N
		f.sum.Add(l)
		at := float64(l.SentAt.UnixMilli()) / 1000
		switch l.Fate {
		case models.LiveReply:
			ms := float64(l.RTT) / 1000
			points = append(points, [2]*float64{&at, &ms})
		case models.LiveLost, models.LiveRefused:
			points = append(points, [2]*float64{&at, nil})
		}
	}
	p := views.LivePage{Lines: lines, Summary: f.sum, ShowHost: f.host}
	if len(points) > 0 {
		data, err := json.Marshal(points)
		if err != nil {
			panic(fmt.Errorf("encoding live points: %w", err)) // a fault of ours, as in render
		}
		sse(b, "points", string(data))
	}
	sse(b, "log", render(views.LiveLines(p)))
	sse(b, "sum", render(views.LiveSum(p)))
}
