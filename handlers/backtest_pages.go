package handlers

import (
	"errors"
	"net/http"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// maxBackTests bounds the back-tests at one time: each computes for up to a second.
const maxBackTests = 2

// tryRules replays the monitor's history under the rules that stand in its form, which nobody saves by that. HTMX gets what came out
// alone, others the form as it was typed with it.
func (s *Server) tryRules(c *fiber.Ctx) error {
	m, err := s.monitorOfPath(c)
	if err != nil {
		return err
	}
	values, err := formValues(c)
	if err != nil {
		return err
	}
	tried, err := s.backTest(c, m, monitorFields(values, &m))
	errs, invalid := formErrors(err)
	if err != nil && !invalid {
		return err
	}
	status := http.StatusOK
	if invalid {
		status, tried = http.StatusUnprocessableEntity, views.BackTest{Error: firstMessage(err)}
	}
	if viaHTMX(c) {
		return draw(c, status, views.BackTestResult(tried))
	}
	form, err := s.editForm(c, m, values, errs, values["from"])
	if err != nil {
		return err
	}
	form.Version, form.BackTest = values["version"], &tried
	return s.drawForm(c, status, "Edit "+m.Name, form)
}

// firstMessage is the first of what is wrong with the fields.
func firstMessage(err error) string {
	var invalid *models.Invalid
	if !errors.As(err, &invalid) || len(invalid.Fields) == 0 {
		return err.Error()
	}
	return invalid.Fields[0].Message
}

// backTest tries the rules and draws what came out.
func (s *Server) backTest(c *fiber.Ctx, m models.MonitorRow, fields models.Fields) (views.BackTest, error) {
	select {
	case s.backTests <- struct{}{}:
		defer func() { <-s.backTests }()
	case <-c.UserContext().Done():
		c.Set(fiber.HeaderRetryAfter, "2")
		return views.BackTest{}, fiber.NewError(fiber.StatusServiceUnavailable, "Too many back-tests at once; try again in a moment")
	}
	b, err := s.Store.Backtest(c.UserContext(), actorOf(c), m.PublicID, fields)
	if err != nil || !b.From.Before(b.To) {
		return views.BackTest{Backtest: b}, err
	}
	series, err := s.Store.Series(c.UserContext(), actorOf(c), m.PublicID, models.SeriesRange{From: b.From, To: b.To, Points: chartPoints})
	return views.BackTest{Backtest: b, Smoke: views.Smoke{Series: series, Begun: b.From, Interval: m.Interval(), Flags: views.BackTestFlags(b.Troubles)}}, err
}
