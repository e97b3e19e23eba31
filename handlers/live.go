package handlers

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// liveOfPath finds the monitor that the path names with its newest live measurement.
func (s *Server) liveOfPath(c *fiber.Ctx) (models.MonitorRow, models.LiveSession, error) {
	id, err := models.ParsePublicID(c.Params("id"))
	if err != nil {
		return models.MonitorRow{}, models.LiveSession{}, &models.NotFound{What: "ICMP monitor"}
	}
	return s.Store.Live(c.UserContext(), actorOf(c), id)
}

func (s *Server) showLive(c *fiber.Ctx) error {
	return s.drawLive(c, http.StatusOK, func(*views.LivePage) {})
}

// drawLive answers with the page, changed as the caller says.
func (s *Server) drawLive(c *fiber.Ctx, status int, change func(*views.LivePage)) error {
	m, l, err := s.liveOfPath(c)
	if err != nil {
		return err
	}
	by, now := actorOf(c), time.Now()
	p := views.LivePage{Name: m.Name, Host: m.HostnameTyped, PublicID: m.PublicID.String(), Session: l, Running: l.Running(now), ShowHost: true, Now: now,
		MayStart: by.May(models.MayChangeMonitors) && m.Status != models.StatusDisabled, Paused: m.Status == models.StatusDisabled, MaxRate: s.Store.MaxLive()}
	if l.ID != 0 {
		p.Events = "/monitors/" + m.PublicID.String() + "/live/events"
		if p.Lines, p.Summary, err = s.Store.UnscopedLastLive(c.UserContext(), l.ID, views.ShownLive); err != nil {
			return err
		}
	}
	p.Page = s.page(c, m.Name+", live", views.NavMonitors)
	refreshLive(&p)
	change(&p)
	return draw(c, status, views.Live(p))
}

// refreshLive has a browser without scripts read the page again while something is measured.
func refreshLive(p *views.LivePage) {
	if p.Running {
		p.Refresh = 2
	}
}

func (s *Server) startLive(c *fiber.Ctx) error {
	m, err := s.monitorOfPath(c)
	if err != nil {
		return err
	}
	values, err := formValues(c)
	if err != nil {
		return err
	}
	// What is no number is out of bounds.
	rate, _ := strconv.Atoi(strings.TrimSpace(values["rate"]))
	minutes, _ := strconv.Atoi(strings.TrimSpace(values["minutes"]))
	_, err = s.Store.StartLive(c.UserContext(), actorOf(c), m.PublicID, rate, minutes)
	var conflict *models.Conflict
	if errors.As(err, &conflict) {
		return s.drawLive(c, http.StatusConflict, func(p *views.LivePage) { p.Values, p.Refused = values, conflict.Message })
	}
	if errs, ok := formErrors(err); ok {
		return s.drawLive(c, http.StatusUnprocessableEntity, func(p *views.LivePage) { p.Values, p.Errors = values, errs })
	}
	if err != nil {
		return err
	}
	return s.redirect(c, "/monitors/"+m.PublicID.String()+"/live", "")
}

func (s *Server) stopLive(c *fiber.Ctx) error {
	m, err := s.monitorOfPath(c)
	if err != nil {
		return err
	}
	if _, err := formValues(c); err != nil {
		return err
	}
	if err := s.Store.StopLive(c.UserContext(), actorOf(c), m.PublicID); err != nil {
		return err
	}
	return s.redirect(c, "/monitors/"+m.PublicID.String()+"/live", "")
}

// shareLive shows the link in the answer itself: a redirect would have to keep it somewhere.
func (s *Server) shareLive(c *fiber.Ctx) error {
	m, err := s.monitorOfPath(c)
	if err != nil {
		return err
	}
	values, err := formValues(c)
	if err != nil {
		return err
	}
	token, until, err := s.Store.ShareLive(c.UserContext(), actorOf(c), m.PublicID, values["host"] == "yes")
	if err != nil {
		return err
	}
	return s.drawLive(c, http.StatusCreated, func(p *views.LivePage) {
		p.Link, p.LinkUntil = p.BaseURL+"/live/"+token, until
		p.Refresh = 0 // the link is shown once
	})
}

// showSharedLive is the page behind a link. It names the monitor, and no organization, customer or user.
func (s *Server) showSharedLive(c *fiber.Ctx) error {
	token := c.Params("token")
	l, err := s.Store.LiveByToken(c.UserContext(), token)
	if err != nil {
		return err
	}
	now := time.Now()
	p := views.LivePage{Page: s.page(c, l.Name+", live", ""), Name: l.Name, Session: l.LiveSession, Running: l.Running(now), ShowHost: l.ShareHost, Now: now,
		Events: "/live/" + token + "/events"}
	if l.ShareHost {
		p.Host = l.Target
	}
	if p.Lines, p.Summary, err = s.Store.UnscopedLastLive(c.UserContext(), l.ID, views.ShownLive); err != nil {
		return err
	}
	refreshLive(&p)
	return draw(c, http.StatusOK, views.Live(p))
}
