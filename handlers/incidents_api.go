package handlers

import (
	"time"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// The bounds of a part of the incidents.
const (
	defaultIncidents = 100
	maxIncidents     = 500
)

// incidentID reads the public id in the path.
func incidentID(c *fiber.Ctx) (uuid.UUID, error) {
	id, err := models.ParsePublicID(c.Params("id"))
	if err != nil {
		return uuid.Nil, badField("id", "Incident public ID (UUID) required")
	}
	return id, nil
}

func (s *Server) listIncidentsAPI(c *fiber.Ctx) error {
	e := &models.Invalid{}
	limit, ok := queryInt(c, "limit", defaultIncidents, 1, maxIncidents)
	if !ok {
		e.Fields = append(e.Fields, models.FieldError{Field: "limit", Message: "limit must be a whole number from 1 to 500"})
	}
	offset, ok := queryInt(c, "offset", 0, 0, 1<<30)
	if !ok {
		e.Fields = append(e.Fields, models.FieldError{Field: "offset", Message: "offset must be a whole number from 0"})
	}
	f := models.IncidentsFilter{Limit: limit, Offset: offset, Type: models.IncidentType(c.Query("type"))}
	if f.Open, f.Ended, ok = incidentsStatus(c.Query("status")); !ok {
		e.Fields = append(e.Fields, models.FieldError{Field: "status", Message: badIncidentsStatus})
	}
	if !incidentsType(f.Type) {
		e.Fields = append(e.Fields, models.FieldError{Field: "type", Message: badIncidentsType})
	}
	withTotal := false
	switch c.Query("includeTotal") {
	case "1", "true":
		withTotal = true
	case "", "0", "false":
	default:
		e.Fields = append(e.Fields, models.FieldError{Field: "includeTotal", Message: "includeTotal must be true or false"})
	}
	if len(e.Fields) > 0 {
		return e
	}
	rows, total, err := s.Store.Incidents(c.UserContext(), actorOf(c), f)
	if err != nil {
		return err
	}
	items := make([]listedIncident, len(rows))
	for i, row := range rows {
		items[i] = newListedIncident(row)
	}
	if withTotal {
		return sendJSON(c, fiber.StatusOK, incidentPage{items, total, limit, offset})
	}
	return sendJSON(c, fiber.StatusOK, items)
}

func (s *Server) showIncidentAPI(c *fiber.Ctx) error {
	id, err := incidentID(c)
	if err != nil {
		return err
	}
	return s.sendIncident(c, id)
}

func (s *Server) sendIncident(c *fiber.Ctx, id uuid.UUID) error {
	d, err := s.Store.Incident(c.UserContext(), actorOf(c), id)
	if err != nil {
		return err
	}
	location, err := s.Store.Location(c.UserContext())
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, newShownIncident(d, location, time.Now()))
}

func (s *Server) acknowledgeIncidentAPI(c *fiber.Ctx) error {
	fields, err := jsonFields(c)
	if err != nil {
		return err
	}
	id, err := incidentID(c)
	if err != nil {
		return err
	}
	if err := s.Store.AcknowledgeIncident(c.UserContext(), actorOf(c), id, fields); err != nil {
		return err
	}
	return s.sendIncident(c, id)
}

func (s *Server) commentIncidentAPI(c *fiber.Ctx) error {
	fields, err := jsonFields(c)
	if err != nil {
		return err
	}
	id, err := incidentID(c)
	if err != nil {
		return err
	}
	comment, err := s.Store.CommentIncident(c.UserContext(), actorOf(c), id, fields)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusCreated, newIncidentComment(comment))
}

func (s *Server) incidentHistoryAPI(c *fiber.Ctx) error {
	id, err := monitorID(c)
	if err != nil {
		return err
	}
	rows, total, err := s.Store.IncidentHistory(c.UserContext(), actorOf(c), id, defaultIncidents)
	if err != nil {
		return err
	}
	now := time.Now()
	answer := historyAnswer{Incidents: make([]historyItem, len(rows)), Total: total}
	for i, row := range rows {
		answer.Incidents[i] = newHistoryItem(row, now)
	}
	return sendJSON(c, fiber.StatusOK, answer)
}

// alertsAnswer is a monitor's alerts: there are none before there is anybody to tell.
type alertsAnswer struct {
	Alerts []struct{} `json:"alerts"`
	Total  int        `json:"total"`
}

func (s *Server) alertHistoryAPI(c *fiber.Ctx) error {
	id, err := monitorID(c)
	if err != nil {
		return err
	}
	if _, err := s.Store.Monitor(c.UserContext(), actorOf(c), id); err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, alertsAnswer{Alerts: []struct{}{}})
}
