package handlers

import (
	"net/http"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

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
		Base: statusBase(c, p), Stream: true}))
}
