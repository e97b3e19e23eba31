package handlers

import (
	"net/http"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// monthForm is how an address names a month.
const monthForm = "2006-01"

// oldestMonth is how far back a page's months go: nobody tells of what was before, and an address is no way to make the database work.
const oldestMonth = 10 * 12

// showStatusMonth shows what a page told of a month. Months to come are there as far as maintenance is announced in them.
func (s *Server) showStatusMonth(c *fiber.Ctx) error {
	p, err := s.openStatusPage(c)
	if err != nil {
		return err
	}
	zone := p.Zone()
	month, err := time.ParseInLocation(monthForm, c.Params("month"), zone)
	now := time.Now().In(zone)
	away := (now.Year()-month.Year())*12 + int(now.Month()) - int(month.Month())
	if err != nil || away > oldestMonth || away < -12 {
		return &models.NotFound{What: "Month"}
	}
	board, err := s.statusBoard(c, p)
	if err != nil {
		return err
	}
	list, err := s.Store.UnscopedStatusMonth(c.UserContext(), p, month.Year(), month.Month())
	if err != nil {
		return err
	}
	language := s.words.Best(c.Query("lang"), c.Get(fiber.HeaderAcceptLanguage), p.Language)
	m := views.StatusMonthPage{StatusPage: views.StatusPage{Board: board, Language: language, Words: s.words.In(language), Assets: s.assets}, Month: month, Notices: list}
	if c.Params("slug") != "" { // else it has a domain of its own
		m.Base = "/status/" + p.Slug
	}
	if away < oldestMonth {
		m.Earlier = month.AddDate(0, -1, 0).Format(monthForm)
	}
	if away > 0 {
		m.Later = month.AddDate(0, 1, 0).Format(monthForm)
	}
	c.Set(fiber.HeaderCacheControl, "no-cache")
	c.Vary(fiber.HeaderAcceptLanguage)
	return draw(c, http.StatusOK, views.StatusMonth(m))
}
