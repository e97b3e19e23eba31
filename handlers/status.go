package handlers

import (
	"net/http"
	"strings"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// statusBoard is what the page shows now.
func (s *Server) statusBoard(c *fiber.Ctx, p models.StatusPage) (models.StatusBoard, error) {
	return s.status.board(c.UserContext(), p)
}

// statusKey is which of the page's drawings the visitor gets.
func (s *Server) statusKey(c *fiber.Ctx, p models.StatusPage) viewKey {
	return viewKey{language: s.words.Best(c.Query("lang"), c.Get(fiber.HeaderAcceptLanguage), p.Language), base: statusBase(c, p)}
}

// statusView is what something of the page is drawn from, in a language, for who asks.
func (s *Server) statusView(c *fiber.Ctx, p models.StatusPage, board models.StatusBoard, language string) views.StatusPage {
	v := views.StatusPage{Board: board, Language: language, Words: s.words.In(language), Assets: s.assets, Base: statusBase(c, p)}
	if p.Visibility == models.VisibleLink {
		v.Key = p.LinkToken
	}
	return v
}

func (s *Server) showStatus(c *fiber.Ctx) error {
	p, err := s.openStatusPage(c)
	if err != nil {
		return err
	}
	d, err := s.status.drawingOf(c.UserContext(), p, s.statusKey(c, p))
	if err != nil {
		return err
	}
	f := d.form(c.Get(fiber.HeaderAcceptEncoding), c)
	c.Set(fiber.HeaderContentType, "text/html; charset=utf-8")
	c.Vary(fiber.HeaderAcceptEncoding, fiber.HeaderAcceptLanguage)
	askAgain(c, p)
	return sendForm(c, f)
}

// form is the smallest form that the visitor takes (RFC 9110 §12.5.3).
func (d *drawing) form(accept string, c *fiber.Ctx) form {
	switch {
	case strings.TrimSpace(accept) == "":
		return d.html()
	case c.AcceptsEncodings("br") == "br":
		return d.brotli()
	case c.AcceptsEncodings("gzip") == "gzip":
		return d.gzip()
	default:
		return d.html()
	}
}

// sendForm answers with bytes that all visitors share, or with 304 where the visitor has them.
func sendForm(c *fiber.Ctx, f form) error {
	tag := `"` + f.etag + `"`
	c.Set(fiber.HeaderETag, tag)
	if hasTag(c.Get(fiber.HeaderIfNoneMatch), tag) {
		c.Response().Header.Del(fiber.HeaderContentType)
		c.Status(http.StatusNotModified)
		return nil
	}
	if f.coding != "" {
		c.Set(fiber.HeaderContentEncoding, f.coding)
	}
	return c.Send(f.body)
}
