package handlers

import (
	"errors"
	"net/http"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// monitorForm is the panel, with what every form of a monitor needs.
func (s *Server) monitorForm(c *fiber.Ctx, values, errs map[string]string) (views.MonitorForm, error) {
	customers, err := s.customerChoices(c)
	if err != nil {
		return views.MonitorForm{}, err
	}
	if values == nil {
		first := ""
		if len(customers) > 0 {
			first = customers[0].Value
		}
		values = views.NewMonitorValues(first)
	}
	return views.MonitorForm{Values: values, Errors: errs, Customers: customers, CSRF: csrfToken(c), Panel: viaHTMX(c), Cancel: "/monitors"}, nil
}

// drawForm answers with the form: the panel for HTMX, else a page.
func (s *Server) drawForm(c *fiber.Ctx, status int, title string, form views.MonitorForm) error {
	if form.Panel {
		return draw(c, status, views.MonitorFormPanel(form))
	}
	return draw(c, status, views.MonitorFormFull(views.MonitorFormPage{Page: s.page(c, title, views.NavMonitors), Form: form}))
}

func (s *Server) showNewMonitor(c *fiber.Ctx) error {
	form, err := s.monitorForm(c, nil, nil)
	if err != nil {
		return err
	}
	return s.drawForm(c, http.StatusOK, "Add monitor", form)
}

// formErrors are the sentences beside the fields; ok is false for an error that a form can not mend.
func formErrors(err error) (map[string]string, bool) {
	var invalid *models.Invalid
	var notFound *models.NotFound
	switch {
	case errors.As(err, &invalid):
		texts := fieldTexts(err)
		if text, ok := texts["organizationId"]; ok { // which is no field of the form
			texts[""] = text
		}
		return texts, true
	case errors.As(err, &notFound) && notFound.What == "Customer":
		return map[string]string{"customerId": "Choose a customer"}, true
	default:
		return nil, false
	}
}

// suggestion is a value that would be right for the field; empty where the store knows none.
func suggestion(err error, field string) string {
	var invalid *models.Invalid
	if !errors.As(err, &invalid) {
		return ""
	}
	f, _ := invalid.Field(field)
	return f.Suggestion
}

func (s *Server) createMonitor(c *fiber.Ctx) error {
	values, err := formValues(c)
	if err != nil {
		return err
	}
	if values["nameFromHost"] != "" && values["name"] == "" {
		values["name"] = values["hostname"]
	}
	m, err := s.Store.CreateMonitor(c.UserContext(), actorOf(c), monitorFields(values, nil))
	if errs, ok := formErrors(err); ok {
		form, formErr := s.monitorForm(c, values, errs)
		if formErr != nil {
			return formErr
		}
		form.HostSuggestion = suggestion(err, "hostname")
		return s.drawForm(c, http.StatusUnprocessableEntity, "Add monitor", form)
	}
	if err != nil {
		return err
	}
	if viaHTMX(c) {
		return draw(c, http.StatusCreated, views.RowCreated(row(c, m)))
	}
	return s.redirect(c, "/monitors", "monitor.created")
}

// editForm is the form of an existing monitor with the values given.
func (s *Server) editForm(c *fiber.Ctx, m models.MonitorRow, values, errs map[string]string, from string) (views.MonitorForm, error) {
	form, err := s.monitorForm(c, values, errs)
	form.PublicID, form.Name, form.Warnings, form.From = m.PublicID.String(), m.Name, m.Config.Warnings(), from
	if from == "monitor" {
		form.Cancel = "/monitors/" + form.PublicID
	}
	return form, err
}

func (s *Server) showEditMonitor(c *fiber.Ctx) error {
	m, err := s.monitorOfPath(c)
	if err != nil {
		return err
	}
	form, err := s.editForm(c, m, monitorValues(m), nil, c.Query("from"))
	if err != nil {
		return err
	}
	form.Version = m.ETag()
	return s.drawForm(c, http.StatusOK, "Edit "+m.Name, form)
}

func (s *Server) changeMonitor(c *fiber.Ctx) error {
	m, err := s.monitorOfPath(c)
	if err != nil {
		return err
	}
	values, err := formValues(c)
	if err != nil {
		return err
	}
	changed, err := s.Store.ChangeMonitor(c.UserContext(), actorOf(c), m.PublicID, monitorFields(values, &m), values["version"])
	errs, invalid := formErrors(err)
	var conflict *models.Conflict
	if !invalid && !errors.As(err, &conflict) {
		if err != nil {
			return err
		}
		return s.savedMonitor(c, changed, values["from"], "monitor.saved")
	}
	form, formErr := s.editForm(c, m, values, errs, values["from"])
	if formErr != nil {
		return formErr
	}
	form.Version, form.HostSuggestion = values["version"], suggestion(err, "hostname")
	if conflict == nil {
		return s.drawForm(c, http.StatusUnprocessableEntity, "Edit "+m.Name, form)
	}
	form.Version = m.ETag() // saving once more is then meant
	form.Theirs = map[string]string{}
	for key, theirs := range monitorValues(m) {
		if theirs != values[key] {
			form.Theirs[key] = theirs
		}
	}
	return s.drawForm(c, http.StatusPreconditionFailed, "Edit "+m.Name, form)
}
