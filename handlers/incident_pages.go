package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// What is said of a status and a type that the list has no word for.
const (
	badIncidentsStatus = "status must be open, ended or all"
	badIncidentsType   = "type must be downtime, degraded or blind"
)

// incidentsStatus reads which incidents a list shows; active and resolved are the API's words for open and ended.
func incidentsStatus(word string) (open, ended, ok bool) {
	switch word {
	case "open", "active":
		return true, false, true
	case "ended", "resolved":
		return false, true, true
	case "", "all":
		return false, false, true
	}
	return false, false, false
}

// incidentsType tells whether a list can be of the type; the empty one is any.
func incidentsType(t models.IncidentType) bool {
	switch t {
	case models.IncidentNone, models.IncidentDowntime, models.IncidentDegraded, models.IncidentBlind:
		return true
	}
	return false
}

// incidentsFilter reads the list's query; every parameter that is wrong is named.
func (s *Server) incidentsFilter(c *fiber.Ctx) (f models.IncidentsFilter, v views.IncidentFilter, page int, err error) {
	e := &models.Invalid{}
	wrong := func(field, message string) {
		e.Fields = append(e.Fields, models.FieldError{Field: field, Message: message})
	}
	v = views.IncidentFilter{Status: c.Query("status"), Type: c.Query("type"), CustomerID: c.Query("customerId"), MonitorID: c.Query("monitorId"), Search: c.Query("search")}
	open, ended, ok := incidentsStatus(v.Status)
	if !ok {
		wrong("status", badIncidentsStatus)
	}
	switch {
	case open:
		v.Status = "open"
	case !ended:
		v.Status = "" // as all is said by saying nothing
	}
	f = models.IncidentsFilter{Open: open, Ended: ended, Type: models.IncidentType(v.Type), Search: v.Search, Limit: defaultPerPage}
	if !incidentsType(f.Type) {
		wrong("type", badIncidentsType)
	}
	if v.CustomerID != "" {
		if f.Customer, err = models.ParseRef(v.CustomerID); err != nil {
			wrong("customerId", "Invalid Customer identifier")
		}
	}
	var monitor uuid.UUID
	if v.MonitorID != "" {
		if monitor, err = models.ParsePublicID(v.MonitorID); err != nil {
			wrong("monitorId", "ICMP monitor public ID (UUID) required")
		}
	}
	if strings.ContainsRune(v.Search, 0) || !utf8.ValidString(v.Search) {
		wrong("search", "search must be text without NUL characters")
	}
	page, ok = queryInt(c, "page", 1, 1, 1<<20)
	if !ok {
		wrong("page", "page must be a whole number from 1")
	}
	if len(e.Fields) > 0 {
		return f, v, page, e
	}
	f.Offset = (page - 1) * f.Limit
	if v.MonitorID != "" {
		m, err := s.Store.Monitor(c.UserContext(), actorOf(c), monitor)
		if err != nil {
			return f, v, page, err
		}
		f.Monitor = m.ID
	}
	return f, v, page, nil
}

func (s *Server) showIncidents(c *fiber.Ctx) error {
	drawn, by := time.Now(), actorOf(c)
	f, v, page, err := s.incidentsFilter(c)
	if err != nil {
		return err
	}
	rows, total, err := s.Store.Incidents(c.UserContext(), by, f)
	if err != nil {
		return err
	}
	p := views.IncidentsPage{Filter: v, Total: total, PageNumber: page, PageSize: f.Limit}
	for _, row := range rows {
		p.Incidents = append(p.Incidents, incidentView(row, drawn))
		if f.Monitor != 0 {
			p.Monitor = row.Monitor.Name
		}
	}
	if viaHTMX(c) {
		return draw(c, http.StatusOK, views.IncidentsList(p))
	}
	if p.Customers, err = s.customerChoices(c); err != nil {
		return err
	}
	p.Page = s.page(c, "Incidents", views.NavIncidents)
	p.Search = "" // what is typed there searches monitors
	p.Stream, p.Drawn = "/events", drawn
	return draw(c, http.StatusOK, views.Incidents(p))
}

// incidentView is an incident as views draw it.
func incidentView(r models.IncidentRow, now time.Time) views.Incident {
	v := views.Incident{PublicID: r.PublicID.String(), Type: r.Type, Mass: r.Mass, IncidentFacts: r.IncidentFacts, Monitors: r.Monitors, OpenMonitors: r.OpenMonitors,
		AcknowledgedAt: r.AcknowledgedAt, AcknowledgedBy: r.AcknowledgedBy, AcknowledgeNote: r.AcknowledgeNote, Flapping: r.Flapping, UpSince: r.UpSince, Flips: r.Flips, Now: now}
	if !r.Open() {
		v.Ended = views.IncidentEndText(r.EndReason, r.EndedBy)
	}
	if r.Monitor.ID != 0 {
		v.Monitor, v.MonitorPublicID, v.Hostname = r.Monitor.Name, r.Monitor.PublicID.String(), r.Monitor.Hostname
		v.Customer, v.CustomerPublicID = r.CustomerName, r.CustomerPublicID.String()
	}
	return v
}

// incidentOfPath reads the id in the path. On a page, what is no id names nothing.
func incidentOfPath(c *fiber.Ctx) (uuid.UUID, error) {
	id, err := models.ParsePublicID(c.Params("id"))
	if err != nil {
		return uuid.Nil, &models.NotFound{What: "Incident"}
	}
	return id, nil
}

func (s *Server) showIncident(c *fiber.Ctx) error {
	id, err := incidentOfPath(c)
	if err != nil {
		return err
	}
	return s.drawIncident(c, http.StatusOK, id, nil, nil)
}

// drawIncident draws the incident's page; with what was typed into a form and what is wrong with it, where somebody sent one.
func (s *Server) drawIncident(c *fiber.Ctx, status int, id uuid.UUID, values, errs map[string]string) error {
	drawn, by := time.Now(), actorOf(c)
	d, err := s.Store.Incident(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	p := views.IncidentPage{Incident: incidentView(d.IncidentRow, drawn), Failed: incidentChecks(d.Failed, d.Monitor, drawn), Recovered: incidentChecks(d.Recovered, d.Monitor, drawn),
		FailedTotal: d.FailedTotal, RecoveredTotal: d.RecoveredTotal, MayWrite: d.Whole && by.May(models.MayHandleIncidents), Values: values, Errors: errs}
	for _, part := range d.Parts {
		p.Parts = append(p.Parts, views.IncidentPart{Name: part.Monitor.Name, Hostname: part.Monitor.Hostname, PublicID: part.Monitor.PublicID.String(), Customer: part.CustomerName, IncidentFacts: part.IncidentFacts})
	}
	for _, comment := range d.Comments {
		p.Comments = append(p.Comments, views.Comment{At: comment.At, Author: comment.Author, Text: comment.Text})
	}
	if err := s.fillPictures(c, d, &p); err != nil {
		return err
	}
	if viaHTMX(c) && status == http.StatusOK {
		p.CSRF = csrfToken(c)
		return draw(c, status, views.IncidentBody(p))
	}
	title := "Incident"
	if p.Monitors == 1 {
		title += ", " + p.Monitor
	}
	p.Page = s.page(c, title, views.NavIncidents)
	p.Stream, p.Drawn = "/events", drawn
	return draw(c, status, views.IncidentShow(p))
}

// leastAround is how much of the time before and after an incident its chart shows, at least; else it is as much as it lasted.
const leastAround = 30 * time.Minute

// fillPictures adds what was measured around the incident, and the way to the target as it was then and before. That nobody has
// any monitor of it any more is no error.
func (s *Server) fillPictures(c *fiber.Ctx, d models.IncidentDetail, p *views.IncidentPage) error {
	if d.Monitor.ID == 0 {
		return nil
	}
	ctx, by := c.UserContext(), actorOf(c)
	m, err := s.Store.Monitor(ctx, by, d.Monitor.PublicID)
	if err != nil {
		return ignoreNotFound(err)
	}
	around := max(leastAround, d.Duration(p.Now))
	q := chartQuery{from: d.StartedAt.Add(-around).Truncate(time.Second), to: p.Now, zone: keptZone(c)}
	if !d.Open() && d.EndedAt.Add(around).Before(p.Now) {
		q.to = d.EndedAt.Add(around).Truncate(time.Second)
	}
	smoke, err := s.smoke(c, m, q)
	if err != nil {
		return ignoreNotFound(err)
	}
	p.Chart = views.SmokePicture(smoke)
	p.ChartURL = "/monitors/" + m.PublicID.String() + "?" + url.Values{"start": {q.from.UTC().Format(time.RFC3339)}, "end": {q.to.UTC().Format(time.RFC3339)}}.Encode()
	before, then, err := s.Store.IncidentPath(ctx, by, m.PublicID, d.StartedAt, d.EndedAt)
	if err != nil {
		return ignoreNotFound(err)
	}
	if then != nil {
		p.Path = views.MonitorPath(views.PathPanel{Before: before, After: then, Now: p.Now})
	}
	return nil
}

// ignoreNotFound drops what was deleted meanwhile.
func ignoreNotFound(err error) error {
	var gone *models.NotFound
	if errors.As(err, &gone) {
		return nil
	}
	return err
}

func incidentChecks(results []models.Result, m models.IncidentTarget, now time.Time) []views.Check {
	list := make([]views.Check, len(results))
	for i, r := range results {
		list[i] = views.Check{MonitorPublicID: m.PublicID.String(), ID: models.CheckID(r.Monitor, r.Slot, r.Location).String(), Result: r, Now: now}
	}
	return list
}

func (s *Server) acknowledgeIncident(c *fiber.Ctx) error {
	return s.writeToIncident(c, "note", "incident.acknowledged", func(id uuid.UUID, f models.Fields) error {
		return s.Store.AcknowledgeIncident(c.UserContext(), actorOf(c), id, f)
	})
}

func (s *Server) commentIncident(c *fiber.Ctx) error {
	return s.writeToIncident(c, "text", "incident.commented", func(id uuid.UUID, f models.Fields) error {
		_, err := s.Store.CommentIncident(c.UserContext(), actorOf(c), id, f)
		return err
	})
}

// writeToIncident takes one of the page's forms, which has one field.
func (s *Server) writeToIncident(c *fiber.Ctx, field, flash string, write func(uuid.UUID, models.Fields) error) error {
	id, err := incidentOfPath(c)
	if err != nil {
		return err
	}
	values, err := formValues(c)
	if err != nil {
		return err
	}
	var f models.Fields
	f.Set(field, quote(values[field]))
	err = write(id, f)
	if errs, ok := formErrors(err); ok {
		return s.drawIncident(c, http.StatusUnprocessableEntity, id, values, errs)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, "/incidents/"+id.String(), flash)
}

// monitorIncidents is the panel of the monitor's page.
func (s *Server) monitorIncidents(c *fiber.Ctx, m models.MonitorRow, now time.Time) (views.MonitorIncidents, error) {
	rows, total, err := s.Store.IncidentHistory(c.UserContext(), actorOf(c), m.PublicID, views.ShownIncidents)
	if err != nil {
		return views.MonitorIncidents{}, err
	}
	panel := views.MonitorIncidents{MonitorPublicID: m.PublicID.String(), Monitor: m.Name, Total: total}
	for _, row := range rows {
		panel.Incidents = append(panel.Incidents, incidentView(row, now))
	}
	return panel, nil
}
