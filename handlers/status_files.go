package handlers

import (
	"strconv"

	"echolot/models"
	"echolot/static"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// showStatusTheme is the page's accent as a style sheet; under the preview's address the one that ?accent= tries.
func (s *Server) showStatusTheme(c *fiber.Ctx) error {
	p, err := s.openStatusCover(c)
	if err != nil {
		return err
	}
	accent := p.Accent
	if c.Locals(localPreview) != nil {
		accent = c.Query("accent", accent)
	}
	css, ok := views.StatusTheme(accent)
	if !ok {
		return &models.NotFound{What: "Theme"}
	}
	keepStatusFile(c, p)
	c.Set(fiber.HeaderContentType, "text/css; charset=utf-8")
	return c.SendString(css)
}

// showStatusLogo is the page's picture, of a type that was proved when it was stored.
func (s *Server) showStatusLogo(c *fiber.Ctx) error {
	p, err := s.openStatusCover(c)
	if err != nil {
		return err
	}
	logo, err := s.logos.of(c.UserContext(), p)
	if err != nil {
		return err
	}
	keepStatusFile(c, p)
	c.Set(fiber.HeaderContentType, logo.kind)
	return c.Send(logo.picture)
}

// keepStatusFile lets a file be kept for ever under the address that names the version of the page's settings: with other ones the page
// names another. What not everybody may see is kept by the visitor's browser only.
func keepStatusFile(c *fiber.Ctx, p models.StatusPage) {
	switch anybody := forAnybody(c, p); {
	case c.Query("v") != strconv.FormatInt(p.SettingsVersion(), 10):
		askAgain(c, p)
	case anybody:
		c.Set(fiber.HeaderCacheControl, static.CacheControl)
	default:
		c.Set(fiber.HeaderCacheControl, "private, max-age=31536000, immutable")
	}
}

// forAnybody tells whether a copy of the answer may be shown to others: not of a page that needs something, and not of a preview.
func forAnybody(c *fiber.Ctx, p models.StatusPage) bool {
	return p.Visibility == models.VisiblePublic && c.Locals(localPreview) == nil
}

// askAgain has copies asked about each time: a page that is a minute old is no status page.
func askAgain(c *fiber.Ctx, p models.StatusPage) {
	if forAnybody(c, p) {
		c.Set(fiber.HeaderCacheControl, "no-cache")
		return
	}
	c.Set(fiber.HeaderCacheControl, "private, no-cache")
	c.Vary(fiber.HeaderCookie)
}
