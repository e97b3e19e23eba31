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
	if s.Storage != nil && (s.Standby == nil || !s.Standby()) {
		// The heartbeat waits for the same database as the results: while that is away it says that nothing waits.
		p.Beat.Figures.Storage, p.Here = s.Storage(), true
	}
	return draw(c, http.StatusOK, views.Prober(p))
}
