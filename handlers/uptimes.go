package handlers

import (
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// uptimes are the shares of time that the monitor's page shows, of what the monitor has lived. What people had announced counts as
// what it was measured to be.
func (s *Server) uptimes(c *fiber.Ctx, m models.MonitorRow, now time.Time) ([]views.Uptime, error) {
	var list []views.Uptime
	for _, span := range []struct {
		word string
		time.Duration
	}{{"24 h", 24 * time.Hour}, {"30 d", 30 * 24 * time.Hour}} {
		u, err := s.Store.Uptime(c.UserContext(), actorOf(c), m.PublicID, now.Add(-span.Duration), now, false)
		if err != nil {
			return nil, err
		}
		if m.CreatedAt.After(u.From) { // before there was a monitor nothing could be measured
			u.From = m.CreatedAt
		}
		list = append(list, views.Uptime{Word: span.word, Uptime: u})
	}
	return list, nil
}
