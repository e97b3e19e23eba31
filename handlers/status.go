package handlers

import (
	"net/http"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// openStatusPage is the page that the path or the host names, if the visitor may see it. Errors: *models.NotFound for one that is
// not there, not published, or not for this visitor.
func (s *Server) openStatusPage(c *fiber.Ctx) (models.StatusPage, error) {
	if p, ok := c.Locals(localPreview).(models.StatusPage); ok {
		return p, nil
	}
	p, err := s.Store.UnscopedStatusPage(c.UserContext(), c.Params("slug"))
	if err != nil {
		return p, err
	}
	if !p.IsPublished || p.Visibility != models.VisiblePublic {
		return models.StatusPage{}, &models.NotFound{What: "Status page"}
	}
	return p, nil
}

// statusBoard is what the page shows now.
func (s *Server) statusBoard(c *fiber.Ctx, p models.StatusPage) (models.StatusBoard, error) {
	return s.Store.UnscopedStatusBoard(c.UserContext(), p)
}

func (s *Server) showStatus(c *fiber.Ctx) error {
	p, err := s.openStatusPage(c)
	if err != nil {
		return err
	}
	board, err := s.statusBoard(c, p)
	if err != nil {
		return err
	}
	language := s.words.Best(c.Query("lang"), c.Get(fiber.HeaderAcceptLanguage), p.Language)
	return draw(c, http.StatusOK, views.Status(views.StatusPage{Board: board, Language: language, Words: s.words.In(language), Assets: s.assets,
		Base: "/status/" + p.Slug}))
}
