package handlers

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// statusPageOfPath finds the status page that the path names. On a page, what is no id names nothing.
func (s *Server) statusPageOfPath(c *fiber.Ctx) (models.StatusPage, error) {
	id, err := models.ParsePublicID(c.Params("id"))
	if err != nil || id == uuid.Nil {
		return models.StatusPage{}, &models.NotFound{What: "Status page"}
	}
	return s.Store.StatusPage(c.UserContext(), actorOf(c), id)
}

// statusPath is an address under a page's own; rest is empty or begins with a slash.
func statusPath(p models.StatusPage, rest string) string {
	return "/status-pages/" + p.PublicID.String() + rest
}

// statusHead is what stands above everything that operators do with the page; current is one of the views' StatusNav constants.
// A link that opens the page is for who may change it.
func (s *Server) statusHead(c *fiber.Ctx, p models.StatusPage, current string) views.StatusPageHead {
	h := views.StatusPageHead{PublicID: p.PublicID.String(), Name: p.Name, Current: current, MayChange: actorOf(c).May(models.MayChangeMonitors)}
	switch {
	case !p.IsPublished:
	case p.Visibility != models.VisibleLink:
		h.URL = s.statusHome(p)
	case p.LinkToken != "" && h.MayChange:
		h.URL = s.statusLinkURL(p)
	}
	return h
}

func (s *Server) showStatusPages(c *fiber.Ctx) error {
	by := actorOf(c)
	number, ok := queryInt(c, "page", 1, 1, 1<<30)
	if !ok {
		number = 1
	}
	list, total, err := s.Store.StatusPages(c.UserContext(), by, models.StatusPagesFilter{Page: number, PerPage: defaultPerPage})
	if err != nil {
		return err
	}
	may := by.May(models.MayChangeMonitors)
	p := views.StatusPagesPage{Page: s.page(c, "Status pages", views.NavStatus), MayCreate: may, Number: number, Newer: number > 1, Older: number*defaultPerPage < total}
	for _, l := range list {
		p.Pages = append(p.Pages, views.ListedStatusPage{PublicID: l.PublicID.String(), Name: l.Name, Slug: l.Slug, Customer: l.CustomerName,
			Visibility: string(l.Visibility), URL: s.statusHome(l), Published: l.IsPublished, MayEdit: may})
	}
	return draw(c, http.StatusOK, views.StatusPages(p))
}

// statusPageFields turns a page's form into the API's fields.
func statusPageFields(values map[string]string) models.Fields {
	var f models.Fields
	for _, key := range []string{"customerId", "name", "slug", "visibility", "language", "timeZone", "latency", "publish"} {
		if v, ok := values[key]; ok {
			f.Set(key, quote(strings.TrimSpace(v)))
		}
	}
	for _, key := range []string{"description", "customDomainHostname", "footerText", "accent"} {
		if v, ok := values[key]; ok {
			f.Set(key, textOrNull(v))
		}
	}
	for _, key := range []string{"isPublished", "noIndex", "showHostnames", "allMonitors"} {
		if v, ok := values[key]; ok {
			f.Set(key, json.RawMessage(strconv.FormatBool(v == "true")))
		}
	}
	if v, ok := values["frameSites"]; ok {
		b, _ := json.Marshal(strings.Fields(v)) // strings always encode
		f.Set("frameSites", b)
	}
	switch {
	case values["password"] != "":
		f.Set("password", quote(values["password"]))
	case values["forgetPassword"] == "true":
		f.Set("password", json.RawMessage("null"))
	}
	return f
}

// statusPageValues are what stands in the form of an existing page.
func statusPageValues(p models.StatusPage) map[string]string {
	return map[string]string{"customerId": p.CustomerPublicID.String(), "name": p.Name, "slug": p.Slug, "description": p.Description,
		"visibility": string(p.Visibility), "isPublished": strconv.FormatBool(p.IsPublished), "customDomainHostname": p.CustomDomain,
		"language": p.Language, "timeZone": p.TimeZone, "footerText": p.FooterText, "accent": p.Accent, "showHostnames": strconv.FormatBool(p.ShowHostnames),
		"latency": string(p.Latency), "noIndex": strconv.FormatBool(p.NoIndex), "frameSites": strings.Join(p.FrameSites, "\n"), "publish": string(p.Publish)}
}

// statusPageErrors are the sentences beside the fields; ok is false for an error that the form can not mend.
func statusPageErrors(err error) (map[string]string, bool) {
	var taken *models.Conflict
	if errors.As(err, &taken) && !taken.Stale {
		return map[string]string{"slug": "This address is taken: choose another"}, true
	}
	return formErrors(err)
}

// drawStatusPageForm answers with the form of a page, or of a new one where existing is nil.
func (s *Server) drawStatusPageForm(c *fiber.Ctx, status int, existing *models.StatusPage, values, errs map[string]string) error {
	customers, err := s.customerChoices(c)
	if err != nil {
		return err
	}
	p := views.StatusPageFormPage{Page: s.page(c, "Add status page", views.NavStatus), Values: values, Errors: errs, Customers: customers, LogoError: errs["logo"]}
	if existing != nil {
		p.Title, p.Head, p.Version = "Edit "+existing.Name, s.statusHead(c, *existing, views.StatusNavSettings), existing.ETag()
		p.HasPassword, p.HasLogo, p.LinkURL = existing.HasPassword(), existing.LogoType != "", s.statusLinkURL(*existing)
		if values == nil {
			p.Values = statusPageValues(*existing)
		}
		allowFrames(c)
	}
	return draw(c, status, views.StatusPageForm(p))
}

func (s *Server) showNewStatusPage(c *fiber.Ctx) error {
	return s.drawStatusPageForm(c, http.StatusOK, nil, nil, nil)
}

func (s *Server) createStatusPage(c *fiber.Ctx) error {
	values, err := formValues(c)
	if err != nil {
		return err
	}
	if values["slug"] == "" {
		values["slug"] = models.SlugOf(values["name"])
	}
	p, err := s.Store.CreateStatusPage(c.UserContext(), actorOf(c), statusPageFields(values))
	if errs, ok := statusPageErrors(err); ok {
		return s.drawStatusPageForm(c, http.StatusUnprocessableEntity, nil, values, errs)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, statusPath(p, ""), "status_page.created")
}

func (s *Server) showStatusPage(c *fiber.Ctx) error {
	p, err := s.statusPageOfPath(c)
	if err != nil {
		return err
	}
	return s.drawStatusPageForm(c, http.StatusOK, &p, nil, nil)
}

func (s *Server) changeStatusPage(c *fiber.Ctx) error {
	p, err := s.statusPageOfPath(c)
	if err != nil {
		return err
	}
	values, err := formValues(c)
	if err != nil {
		return err
	}
	_, err = s.Store.ChangeStatusPage(c.UserContext(), actorOf(c), p.PublicID, statusPageFields(values), values["version"])
	if errs, ok := statusPageErrors(err); ok {
		return s.drawStatusPageForm(c, http.StatusUnprocessableEntity, &p, values, errs)
	}
	var conflict *models.Conflict
	if errors.As(err, &conflict) {
		// What was typed stays; the form now carries the present version, so that saving once more is meant.
		if p, err = s.statusPageOfPath(c); err != nil {
			return err
		}
		return s.drawStatusPageForm(c, http.StatusPreconditionFailed, &p, values, map[string]string{"": "Somebody changed this page a moment ago. Yours is kept below; compare and save again."})
	}
	if err != nil {
		return err
	}
	return s.redirect(c, statusPath(p, ""), "status_page.saved")
}

func (s *Server) showRenewStatusLink(c *fiber.Ctx) error {
	p, err := s.statusPageOfPath(c)
	if err != nil {
		return err
	}
	return s.drawConfirm(c, views.NavStatus, views.RenewStatusLink(p.PublicID.String(), p.Name, csrfToken(c)))
}

func (s *Server) renewStatusLink(c *fiber.Ctx) error {
	p, err := s.statusPageOfPath(c)
	if err != nil {
		return err
	}
	if _, err := formValues(c); err != nil {
		return err
	}
	if _, err := s.Store.RenewStatusLink(c.UserContext(), actorOf(c), p.PublicID); err != nil {
		return err
	}
	return s.redirect(c, statusPath(p, ""), "status_page.link")
}

func (s *Server) showDeleteStatusPage(c *fiber.Ctx) error {
	p, err := s.statusPageOfPath(c)
	if err != nil {
		return err
	}
	return s.drawConfirm(c, views.NavStatus, views.DeleteStatusPage(p.PublicID.String(), p.Name, csrfToken(c)))
}

func (s *Server) deleteStatusPage(c *fiber.Ctx) error {
	p, err := s.statusPageOfPath(c)
	if err != nil {
		return err
	}
	if _, err := formValues(c); err != nil {
		return err
	}
	if err := s.Store.DeleteStatusPage(c.UserContext(), actorOf(c), p.PublicID); err != nil {
		return err
	}
	return s.redirect(c, "/status-pages", "status_page.deleted")
}
