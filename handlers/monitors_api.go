package handlers

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// The bounds of a page of a list.
const (
	defaultPerPage = 50
	maxPerPage     = 200
)

// monitorID reads the public id in the path.
func monitorID(c *fiber.Ctx) (uuid.UUID, error) {
	id, err := models.ParsePublicID(c.Params("id"))
	if err != nil {
		return uuid.Nil, badField("id", "ICMP monitor public ID (UUID) required")
	}
	return id, nil
}

func (s *Server) createMonitorAPI(c *fiber.Ctx) error {
	fields, err := jsonFields(c)
	if err != nil {
		return err
	}
	m, err := s.Store.CreateMonitor(c.UserContext(), actorOf(c), fields)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderLocation, "/api/icmp-monitors/"+m.PublicID.String())
	c.Set(fiber.HeaderETag, m.ETag())
	return sendJSON(c, fiber.StatusCreated, newSavedMonitor(m))
}

func (s *Server) listMonitorsAPI(c *fiber.Ctx) error {
	f, err := monitorsFilter(c)
	if err != nil {
		return err
	}
	rows, total, err := s.Store.Monitors(c.UserContext(), actorOf(c), f)
	if err != nil {
		return err
	}
	items := make([]listedMonitor, len(rows))
	for i, m := range rows {
		items[i] = newListedMonitor(m)
	}
	return sendJSON(c, fiber.StatusOK, page[listedMonitor]{Items: items, Total: total, Page: f.Page, PerPage: f.PerPage})
}

// monitorsFilter reads the list's query; every parameter that is wrong is named.
func monitorsFilter(c *fiber.Ctx) (models.MonitorsFilter, error) {
	e := &models.Invalid{}
	wrong := func(field, message string) {
		e.Fields = append(e.Fields, models.FieldError{Field: field, Message: message})
	}
	f := models.MonitorsFilter{Search: c.Query("search"), Status: models.Status(c.Query("status")), State: models.State(c.Query("state")), Sort: c.Query("sort")}
	if v := c.Query("customerId"); v != "" {
		ref, err := models.ParseRef(v)
		if err != nil {
			wrong("customerId", "Invalid Customer identifier")
		}
		f.Customer = ref
	}
	if strings.ContainsRune(f.Search, 0) || !utf8.ValidString(f.Search) {
		wrong("search", "search must be text without NUL characters")
	}
	if f.Status != "" && f.Status != models.StatusActive && f.Status != models.StatusMaintenance && f.Status != models.StatusDisabled {
		wrong("status", "status must be active, maintenance or disabled")
	}
	if f.State != "" && !slices.Contains(models.States[:], f.State) {
		wrong("state", "state must be pending, up, degraded, down, paused or unknown")
	}
	var ok bool
	if f.Page, ok = queryInt(c, "page", 1, 1, 1<<30); !ok {
		wrong("page", "page must be a whole number from 1")
	}
	if f.PerPage, ok = queryInt(c, "perPage", defaultPerPage, 1, maxPerPage); !ok {
		wrong("perPage", "perPage must be a whole number from 1 to 200")
	}
	if len(e.Fields) > 0 {
		return f, e
	}
	return f, nil
}

// queryInt reads a whole number from the query; absent is the default.
func queryInt(c *fiber.Ctx, name string, otherwise, low, high int) (int, bool) {
	v := c.Query(name)
	if v == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(v)
	return n, err == nil && n >= low && n <= high
}

func (s *Server) showMonitorAPI(c *fiber.Ctx) error {
	id, err := monitorID(c)
	if err != nil {
		return err
	}
	m, err := s.Store.Monitor(c.UserContext(), actorOf(c), id)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderETag, m.ETag())
	return sendJSON(c, fiber.StatusOK, newShownMonitor(m))
}

func (s *Server) changeMonitorAPI(c *fiber.Ctx) error {
	fields, err := jsonFields(c)
	if err != nil {
		return err
	}
	// A role that may never send a field is refused for every id alike, so before the id is looked at.
	if !actorOf(c).MayChangeMonitor(fields) {
		return models.ErrForbidden
	}
	id, err := monitorID(c)
	if err != nil {
		return err
	}
	m, err := s.Store.ChangeMonitor(c.UserContext(), actorOf(c), id, fields, c.Get(fiber.HeaderIfMatch))
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderETag, m.ETag())
	return sendJSON(c, fiber.StatusOK, newSavedMonitor(m))
}

func (s *Server) deleteMonitorAPI(c *fiber.Ctx) error {
	id, err := monitorID(c)
	if err != nil {
		return err
	}
	if err := s.Store.DeleteMonitor(c.UserContext(), actorOf(c), id); err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, success)
}

// checksAnswer is the check history.
type checksAnswer struct {
	Data []checkItem `json:"data"`
}

func (s *Server) checkHistoryAPI(c *fiber.Ctx) error {
	id, err := monitorID(c)
	if err != nil {
		return err
	}
	limit, ok := queryInt(c, "limit", defaultPerPage, 1, maxPerPage)
	if !ok {
		return badField("limit", "limit must be a whole number from 1 to 200")
	}
	before, err := parseBefore(c.Query("before"))
	if err != nil {
		return err
	}
	results, err := s.Store.CheckHistory(c.UserContext(), actorOf(c), id, before, limit)
	if err != nil {
		return err
	}
	location, err := s.Store.Location(c.UserContext())
	if err != nil {
		return err
	}
	answer := checksAnswer{Data: make([]checkItem, len(results))}
	for i, r := range results {
		answer.Data[i] = newCheckItem(r, location)
	}
	return sendJSON(c, fiber.StatusOK, answer)
}

// parseBefore reads the cursor of the check history, an ISO 8601 time with a zone; empty is the zero time.
func parseBefore(v string) (time.Time, error) {
	if v == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, v)
	if err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}, badField("before", "before must be an ISO 8601 time like 2026-02-26T12:00:00.000Z")
	}
	return t, nil
}

// triggered answers trigger-check.
type triggered struct {
	Success       bool     `json:"success"`
	Message       string   `json:"message"`
	IcmpMonitorID int64    `json:"icmpMonitorId"`
	LocationCodes []string `json:"locationCodes"`
	QueueNames    []string `json:"queueNames"`
}

func (s *Server) triggerCheckAPI(c *fiber.Ctx) error {
	if _, err := jsonFields(c); err != nil {
		return err
	}
	id, err := monitorID(c)
	if err != nil {
		return err
	}
	m, l, err := s.Store.RequestCheck(c.UserContext(), actorOf(c), id)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, triggered{Success: true, Message: "Checks triggered successfully", IcmpMonitorID: m.ID,
		LocationCodes: []string{l.Code}, QueueNames: []string{"icmp-monitor-checks-" + l.Code}})
}
