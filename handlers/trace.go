package handlers

import (
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// monitorPath is the panel with the way to the monitor's target.
func (s *Server) monitorPath(c *fiber.Ctx, m models.MonitorRow) (p views.PathPanel, err error) {
	by := actorOf(c)
	p = views.PathPanel{CSRF: csrfToken(c), Now: time.Now()}
	if by.May(models.MayChangeMonitors) && m.Status != models.StatusDisabled {
		p.Action = "/monitors/" + m.PublicID.String() + "/trace"
	}
	p.Before, p.After, err = s.Store.MonitorPath(c.UserContext(), by, m.PublicID)
	return p, err
}

// traceMonitor asks for a trace; the page's stream tells when it is there.
func (s *Server) traceMonitor(c *fiber.Ctx) error {
	m, err := s.monitorOfPath(c)
	if err != nil {
		return err
	}
	if _, err := formValues(c); err != nil {
		return err
	}
	if m, err = s.Store.RequestTrace(c.UserContext(), actorOf(c), m.PublicID); err != nil {
		return err
	}
	return s.redirect(c, "/monitors/"+m.PublicID.String(), "monitor.traced")
}
