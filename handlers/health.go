package handlers

import (
	"net/http"
	"time"

	"echolot/static"

	"github.com/gofiber/fiber/v2"
)

// health answers /healthz and /readyz.
type health struct {
	Status  string `json:"status"`
	Reason  string `json:"reason,omitempty"`
	Fix     string `json:"fix,omitempty"`
	Probing string `json:"probing,omitempty"`
	Blind   bool   `json:"blind,omitempty"` // the sentinels are silent, as Reason says: failed checks are not measured
	Engine  string `json:"engine,omitempty"`
	Stamps  string `json:"stamps,omitempty"` // where the times of packets are taken: "kernel" or "user"
	IPv4    string `json:"ipv4,omitempty"`
	IPv6    string `json:"ipv6,omitempty"`
}

// showHealth says that the process is alive.
func (s *Server) showHealth(c *fiber.Ctx) error {
	return sendJSON(c, http.StatusOK, health{Status: "ok"})
}

// showReadiness says whether this instance can serve and somebody can probe.
func (s *Server) showReadiness(c *fiber.Ctx) error {
	ctx := c.UserContext()
	not := func(h health) error {
		h.Status = "unavailable"
		return sendJSON(c, http.StatusServiceUnavailable, h)
	}
	if err := s.Store.Ping(ctx); err != nil {
		s.Log.Warn("not ready: the database does not answer", "error", err)
		return not(health{Reason: "the database does not answer"})
	}
	if s.Standby != nil && s.Standby() {
		return sendJSON(c, http.StatusOK, health{Status: "ok", Probing: "standby"})
	}
	beat, alive, err := s.Store.Heartbeat(ctx)
	switch {
	case err != nil:
		return not(health{Reason: "the prober's heartbeat can not be read"})
	case s.Storage != nil && s.Storage().Failing:
		return not(health{Reason: "the database takes no results; checks go on, and what they find waits"})
	case !alive:
		return not(health{Reason: "the prober has not reported yet, or no longer does"})
	case !beat.CanPing():
		return not(health{Reason: "no right to ping: every monitor is unknown", Fix: beat.Hint})
	}
	h := health{Status: "ok", Probing: "active", Engine: beat.Engine, Stamps: beat.Figures.Engine.Stamps, IPv4: beat.IPv4, IPv6: beat.IPv6}
	if blind := beat.Figures.Blind; blind != nil {
		// No 503: this instance serves, and another would see no more.
		h.Blind, h.Reason = true, blind.String()+" since "+blind.Since.UTC().Format(time.RFC3339)
	}
	return sendJSON(c, http.StatusOK, h)
}

// showAsset serves an embedded file; its name changes with its content, so browsers may keep it.
func (s *Server) showAsset(c *fiber.Ctx) error {
	f, ok := s.Assets.File(c.Path())
	if !ok {
		return fiber.ErrNotFound
	}
	c.Set(fiber.HeaderCacheControl, static.CacheControl)
	return sendAsset(c, f)
}

// sendAsset answers with an asset, compressed where the client takes that.
func sendAsset(c *fiber.Ctx, f static.File) error {
	c.Set(fiber.HeaderContentType, f.ContentType)
	c.Vary(fiber.HeaderAcceptEncoding)
	// Without the header Fiber says yes to the first one; a client that says nothing gets the plain bytes.
	if f.Gzip != nil && c.Get(fiber.HeaderAcceptEncoding) != "" && c.AcceptsEncodings("gzip", "identity") == "gzip" {
		c.Set(fiber.HeaderContentEncoding, "gzip")
		return c.Send(f.Gzip)
	}
	return c.Send(f.Content)
}

// showIcon is for browsers that ask for the icon without looking into the page.
func (s *Server) showIcon(c *fiber.Ctx) error {
	f, ok := s.Assets.File(s.assets.Icon)
	if !ok {
		return fiber.ErrNotFound
	}
	c.Set(fiber.HeaderCacheControl, "public, max-age=86400")
	return sendAsset(c, f)
}
