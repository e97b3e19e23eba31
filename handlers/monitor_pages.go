package handlers

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// row is the monitor as a line of the list.
func row(c *fiber.Ctx, m models.MonitorRow) views.MonitorRow {
	by := actorOf(c)
	return views.MonitorRow{Live: liveMonitor(m, time.Now()), Name: m.Name, Hostname: m.HostnameTyped, Customer: m.CustomerName,
		IntervalSeconds: m.IntervalSeconds, MayEdit: by.May(models.MayChangeMonitors), MaySetStatus: by.May(models.MaySetStatus), CSRF: csrfToken(c)}
}

func (s *Server) showMonitors(c *fiber.Ctx) error {
	drawn := time.Now()
	f, err := monitorsFilter(c)
	if err != nil {
		return err
	}
	if f.Sort == "" {
		f.Sort = views.DefaultSort
	}
	by := actorOf(c)
	rows, total, err := s.Store.Monitors(c.UserContext(), by, f)
	if err != nil {
		return err
	}
	counts, err := s.Store.Counts(c.UserContext(), by)
	if err != nil {
		return err
	}
	p := views.MonitorsPage{
		Counters: counters(counts, time.Now()), Total: total, PageNumber: f.Page, PageSize: f.PerPage,
		Filter:    views.Filter{Search: f.Search, CustomerID: c.Query("customerId"), State: string(f.State), Status: string(f.Status), Sort: f.Sort},
		MayCreate: by.May(models.MayChangeMonitors), Rows: make([]views.MonitorRow, len(rows)),
	}
	if f.PerPage != defaultPerPage {
		p.Filter.PerPage = f.PerPage
	}
	for i, m := range rows {
		p.Rows[i] = row(c, m)
	}
	if viaHTMX(c) {
		return draw(c, http.StatusOK, views.MonitorsFragment(p))
	}
	customers, err := s.Store.Customers(c.UserContext(), by)
	if err != nil {
		return err
	}
	p.Customers = choicesOf(customers)
	p.Page = s.page(c, "Monitors", views.NavMonitors)
	p.Stream, p.Drawn = "/events", drawn
	if counts.Total() == 0 {
		p.First = s.firstRun(c, customers)
	}
	return draw(c, http.StatusOK, views.Monitors(p))
}

// firstRun is what stands in place of an empty list: true facts only.
func (s *Server) firstRun(c *fiber.Ctx, customers []models.Customer) *views.FirstRun {
	first := &views.FirstRun{MayCreate: actorOf(c).May(models.MayChangeMonitors), Customers: choicesOf(customers), CSRF: csrfToken(c)}
	if n := len(customers); n > 0 {
		first.CustomerID = strconv.FormatInt(customers[n-1].ID, 10) // the oldest; its number is easier to type than its UUID
	}
	beat, alive, err := s.Store.Heartbeat(c.UserContext())
	if err != nil || !alive {
		first.Abilities = append(first.Abilities, views.Ability{Text: "Nobody is probing", Note: "the prober has not reported yet"})
	} else {
		first.Abilities = append(first.Abilities, ability("IPv4", beat.IPv4), ability("IPv6", beat.IPv6))
	}
	first.Abilities = append(first.Abilities, views.Ability{OK: true, Text: "Kept in " + s.Store.Engine(), Note: "every result is on disk before it is shown"})
	return first
}

func ability(family, mode string) views.Ability {
	if mode == "" {
		return views.Ability{Text: "No right to ping by " + family, Note: family + " hosts will be unknown, not down"}
	}
	return views.Ability{OK: true, Text: "May ping by " + family, Note: mode + " socket"}
}

// monitorOfPath finds the monitor that the path names. On a page, what is no id names nothing.
func (s *Server) monitorOfPath(c *fiber.Ctx) (models.MonitorRow, error) {
	id, err := models.ParsePublicID(c.Params("id"))
	if err != nil {
		return models.MonitorRow{}, &models.NotFound{What: "ICMP monitor"}
	}
	return s.Store.Monitor(c.UserContext(), actorOf(c), id)
}

func (s *Server) showMonitor(c *fiber.Ctx) error {
	drawn := time.Now()
	m, err := s.monitorOfPath(c)
	if err != nil {
		return err
	}
	panel, err := s.chartPanel(c, m)
	if err != nil {
		return err
	}
	if viaHTMX(c) && c.Get("HX-Target") == "chart" {
		return draw(c, http.StatusOK, views.Chart(panel))
	}
	results, err := s.Store.CheckHistory(c.UserContext(), actorOf(c), m.PublicID, time.Time{}, views.ShownChecks)
	if err != nil {
		return err
	}
	now, by := time.Now(), actorOf(c)
	p := views.MonitorPage{Live: liveMonitor(m, now), Name: m.Name, Hostname: m.HostnameTyped, Customer: m.CustomerName,
		CustomerPublicID: m.CustomerPublicID.String(), IntervalSeconds: m.IntervalSeconds, Settings: settings(m), Warnings: m.Config.Warnings(), Chart: panel,
		MayEdit: by.May(models.MayChangeMonitors), MaySetStatus: by.May(models.MaySetStatus)}
	for _, r := range results {
		p.Checks = append(p.Checks, views.Check{MonitorPublicID: m.PublicID.String(), ID: models.CheckID(r.Monitor, r.Slot, r.Location).String(), Result: r, Now: now})
	}
	if p.Path, err = s.monitorPath(c, m); err != nil {
		return err
	}
	if p.Uptimes, err = s.uptimes(c, m, now); err != nil {
		return err
	}
	if p.Incidents, err = s.monitorIncidents(c, m, now); err != nil {
		return err
	}
	if viaHTMX(c) {
		p.CSRF = csrfToken(c)
		return draw(c, http.StatusOK, views.MonitorBody(p))
	}
	p.Page = s.page(c, m.Name, views.NavMonitors)
	p.Stream, p.Drawn = "/events?monitor="+m.PublicID.String(), drawn
	return draw(c, http.StatusOK, views.Monitor(p))
}

func (s *Server) showMonitorRow(c *fiber.Ctx) error {
	m, err := s.monitorOfPath(c)
	if err != nil {
		return err
	}
	return draw(c, http.StatusOK, views.Row(row(c, m)))
}

// savedMonitor answers what changed a monitor: its row for HTMX, else the page that the form came from.
func (s *Server) savedMonitor(c *fiber.Ctx, m models.MonitorRow, from, flash string) error {
	if from == "monitor" {
		return s.redirect(c, "/monitors/"+m.PublicID.String(), flash)
	}
	if viaHTMX(c) {
		if flash == "monitor.saved" {
			return draw(c, http.StatusOK, views.RowSaved(row(c, m)))
		}
		return draw(c, http.StatusOK, views.Row(row(c, m)))
	}
	return s.redirect(c, "/monitors", flash)
}

func (s *Server) showDeleteMonitor(c *fiber.Ctx) error {
	m, err := s.monitorOfPath(c)
	if err != nil {
		return err
	}
	history := ""
	if age := time.Since(m.CreatedAt); !m.State.LastCheckedAt.IsZero() && age > time.Hour {
		history = views.Span(age)
	}
	ask := views.DeleteMonitor(m.PublicID.String(), m.Name, history, csrfToken(c), c.Query("from"))
	return s.drawConfirm(c, views.NavMonitors, ask)
}

func (s *Server) drawConfirm(c *fiber.Ctx, nav string, ask views.Confirm) error {
	if viaHTMX(c) {
		ask.Panel = true
		return draw(c, http.StatusOK, views.ConfirmPanel(ask))
	}
	return draw(c, http.StatusOK, views.ConfirmFull(views.ConfirmPage{Page: s.page(c, ask.Title, nav), Confirm: ask}))
}

func (s *Server) deleteMonitor(c *fiber.Ctx) error {
	m, err := s.monitorOfPath(c)
	if err != nil {
		return err
	}
	if _, err := formValues(c); err != nil {
		return err
	}
	if err := s.Store.DeleteMonitor(c.UserContext(), actorOf(c), m.PublicID); err != nil {
		return err
	}
	if viaHTMX(c) {
		return draw(c, http.StatusOK, views.RowDeleted(m.PublicID.String()))
	}
	return s.redirect(c, "/monitors", "monitor.deleted")
}

// setStatus pauses, resumes, or starts maintenance.
func (s *Server) setStatus(status models.Status) fiber.Handler {
	flash := map[models.Status]string{models.StatusActive: "monitor.resumed", models.StatusDisabled: "monitor.paused", models.StatusMaintenance: "monitor.maintenance"}[status]
	return func(c *fiber.Ctx) error {
		m, err := s.monitorOfPath(c)
		if err != nil {
			return err
		}
		values, err := formValues(c)
		if err != nil {
			return err
		}
		var f models.Fields
		f.Set("status", json.RawMessage(`"`+string(status)+`"`))
		if m, err = s.Store.ChangeMonitor(c.UserContext(), actorOf(c), m.PublicID, f, ""); err != nil {
			return err
		}
		return s.savedMonitor(c, m, values["from"], flash)
	}
}

func (s *Server) checkMonitor(c *fiber.Ctx) error {
	m, err := s.monitorOfPath(c)
	if err != nil {
		return err
	}
	values, err := formValues(c)
	if err != nil {
		return err
	}
	if m, _, err = s.Store.RequestCheck(c.UserContext(), actorOf(c), m.PublicID); err != nil {
		return err
	}
	if viaHTMX(c) && values["from"] == "monitor" {
		return c.SendStatus(http.StatusNoContent) // the stream brings the check
	}
	return s.savedMonitor(c, m, values["from"], "monitor.checked")
}
