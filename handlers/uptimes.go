package handlers

import (
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// uptimes are the shares of time that the monitor's page shows. What people had announced counts as what it was measured to be.
func (s *Server) uptimes(c *fiber.Ctx, m models.MonitorRow, now time.Time) ([]views.Uptime, error) {
	var list []views.Uptime
	for _, span := range []struct {
		word string
		time time.Duration
	}{{"24 h", 24 * time.Hour}, {"30 d", 30 * 24 * time.Hour}} {
		u, err := s.Store.Uptime(c.UserContext(), actorOf(c), m.PublicID, now.Add(-span.time), now, false)
		if err != nil {
			return nil, err
		}
		unmeasured := u.NotMeasured()
		if begun := m.CreatedAt.Sub(u.From); begun > 0 { // before there was a monitor nothing could be measured
			unmeasured = max(0, unmeasured-begun)
		}
		list = append(list, views.Uptime{Word: span.word, Up: u.Up + u.Degraded, Down: u.Down, Unmeasured: unmeasured, Checks: u.Checks})
	}
	return list, nil
}
