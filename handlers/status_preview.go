package handlers

import (
	"net/http"
	"strings"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// allowFrames lets the page hold frames with pages of our own.
func allowFrames(c *fiber.Ctx) {
	c.Set(fiber.HeaderContentSecurityPolicy, contentPolicy+"; frame-src 'self'")
}

// beFramed lets pages of our own, and nobody else's, hold this one in a frame.
func beFramed(c *fiber.Ctx) {
	c.Set(fiber.HeaderContentSecurityPolicy, strings.Replace(contentPolicy, "frame-ancestors 'none'", "frame-ancestors 'self'", 1))
	c.Set(fiber.HeaderXFrameOptions, "SAMEORIGIN")
}

// localPreview is the page that an operator looks at as visitors would.
const localPreview = "status_preview"

// preview lets what visitors ask for under the page's address be asked for under the preview's, whether the page is published or not:
// openStatusPage gives the page that the path names to who may read it.
func (s *Server) preview(handle fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		p, err := s.statusPageOfPath(c)
		if err != nil {
			return err
		}
		c.Locals(localPreview, p)
		return handle(c)
	}
}

// drawPreview draws the page as visitors would see it, whether it is published or not; wrong is what could not be tried.
func (s *Server) drawPreview(c *fiber.Ctx, status int, p models.StatusPage, wrong []string) error {
	board, err := s.Store.UnscopedStatusBoard(c.UserContext(), p)
	if err != nil {
		return err
	}
	now := time.Now()
	board.SettleAge(now, s.status.delay(now))
	beFramed(c)
	language := s.words.Best(c.Query("lang"), "", p.Language)
	v := s.statusView(c, p, board, language)
	v.Base, v.Key, v.Preview, v.Wrong = statusPath(p, "/preview"), "", true, wrong
	return draw(c, status, views.Status(v))
}

func (s *Server) previewStatusPage(c *fiber.Ctx) error {
	p, err := s.statusPageOfPath(c)
	if err != nil {
		return err
	}
	return s.drawPreview(c, http.StatusOK, p, nil)
}

// tryStatusPage draws the page with the settings of the form, and saves nothing. With settings that are wrong it is drawn as it is
// saved, under what is wrong.
func (s *Server) tryStatusPage(c *fiber.Ctx) error {
	p, err := s.statusPageOfPath(c)
	if err != nil {
		return err
	}
	values, err := formValues(c)
	if err != nil {
		return err
	}
	fields := statusPageFields(values)
	tried, err := s.Store.TryStatusPage(c.UserContext(), actorOf(c), p.PublicID, fields)
	if errs, ok := statusPageErrors(err); ok {
		return s.drawPreview(c, http.StatusUnprocessableEntity, p, views.StatusFieldErrors(errs))
	}
	if err != nil {
		return err
	}
	return s.drawPreview(c, http.StatusOK, tried, nil)
}
