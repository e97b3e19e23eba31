package handlers

import (
	"net/http"
	"time"

	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// showProber is how the prober itself fares: sums of its own, nothing of any organization.
func (s *Server) showProber(c *fiber.Ctx) error {
	beat, alive, err := s.Store.Heartbeat(c.UserContext())
	if err != nil {
		return err
	}
	p := views.ProberPage{Page: s.page(c, "Prober", views.NavProber), Beat: beat, Alive: alive, Now: time.Now()}
	return draw(c, http.StatusOK, views.Prober(p))
}
