package handlers

import (
	"net/http"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

func (s *Server) showStatusTemplates(c *fiber.Ctx) error {
	list, err := s.Store.StatusTemplates(c.UserContext(), actorOf(c))
	if err != nil {
		return err
	}
	return draw(c, http.StatusOK, views.StatusTemplates(views.StatusTemplatesPage{Page: s.page(c, "Templates", views.NavStatus), Templates: list, MayChange: !actorOf(c).Limited}))
}

// templateFields turns a template's form into the API's fields.
func templateFields(values map[string]string) models.Fields {
	var f models.Fields
	for _, key := range []string{"name", "kind", "title", "state", "body"} {
		if v, ok := values[key]; ok {
			f.Set(key, quote(v))
		}
	}
	return f
}

func (s *Server) drawTemplate(c *fiber.Ctx, status int, existing *models.StatusTemplate, values, errs map[string]string) error {
	p := views.StatusTemplatePage{Page: s.page(c, "New template", views.NavStatus), Values: values, Errors: errs}
	if existing != nil {
		p.Title, p.PublicID = existing.Name, existing.PublicID.String()
	}
	return draw(c, status, views.StatusTemplateForm(p))
}

func (s *Server) showNewStatusTemplate(c *fiber.Ctx) error {
	return s.drawTemplate(c, http.StatusOK, nil, map[string]string{"kind": string(models.KindIncident)}, nil)
}

func (s *Server) createStatusTemplate(c *fiber.Ctx) error {
	values, err := formValues(c)
	if err != nil {
		return err
	}
	_, err = s.Store.CreateStatusTemplate(c.UserContext(), actorOf(c), templateFields(values))
	if errs, ok := formErrors(err); ok {
		return s.drawTemplate(c, http.StatusUnprocessableEntity, nil, values, errs)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, "/status-templates", "status.saved")
}

func (s *Server) templateOfPath(c *fiber.Ctx) (models.StatusTemplate, error) {
	id, err := publicOfPath(c, "id", "Template")
	if err != nil {
		return models.StatusTemplate{}, err
	}
	return s.Store.StatusTemplate(c.UserContext(), actorOf(c), id)
}

func (s *Server) showStatusTemplate(c *fiber.Ctx) error {
	t, err := s.templateOfPath(c)
	if err != nil {
		return err
	}
	return s.drawTemplate(c, http.StatusOK, &t, map[string]string{"name": t.Name, "kind": string(t.Kind), "title": t.Title, "state": string(t.State), "body": t.Body}, nil)
}

func (s *Server) changeStatusTemplate(c *fiber.Ctx) error {
	t, err := s.templateOfPath(c)
	if err != nil {
		return err
	}
	values, err := formValues(c)
	if err != nil {
		return err
	}
	_, err = s.Store.ChangeStatusTemplate(c.UserContext(), actorOf(c), t.PublicID, templateFields(values))
	if errs, ok := formErrors(err); ok {
		return s.drawTemplate(c, http.StatusUnprocessableEntity, &t, values, errs)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, "/status-templates", "status.saved")
}

func (s *Server) showDeleteStatusTemplate(c *fiber.Ctx) error {
	t, err := s.templateOfPath(c)
	if err != nil {
		return err
	}
	return s.drawConfirm(c, views.NavStatus, views.DeleteStatusTemplate(t.PublicID.String(), t.Name, csrfToken(c)))
}

func (s *Server) deleteStatusTemplate(c *fiber.Ctx) error {
	t, err := s.templateOfPath(c)
	if err != nil {
		return err
	}
	if _, err := formValues(c); err != nil {
		return err
	}
	if err := s.Store.DeleteStatusTemplate(c.UserContext(), actorOf(c), t.PublicID); err != nil {
		return err
	}
	return s.redirect(c, "/status-templates", "status.deleted")
}
