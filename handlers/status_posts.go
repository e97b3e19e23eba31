package handlers

import (
	"net/http"
	"strings"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// publicOfPath reads one of the path's public ids. On a page, what is no id names nothing.
func publicOfPath(c *fiber.Ctx, param, what string) (uuid.UUID, error) {
	id, err := models.ParsePublicID(c.Params(param))
	if err != nil {
		return uuid.Nil, &models.NotFound{What: what}
	}
	return id, nil
}

// pageToTell finds the page that the path names, and its monitors that the caller sees.
func (s *Server) pageToTell(c *fiber.Ctx) (models.StatusPage, []models.StatusTarget, error) {
	id, err := publicOfPath(c, "id", "Status page")
	if err != nil {
		return models.StatusPage{}, nil, err
	}
	return s.Store.StatusPageToTell(c.UserContext(), actorOf(c), id)
}

// postOfPath finds the page and the post that the path names.
func (s *Server) postOfPath(c *fiber.Ctx) (models.StatusPage, models.StatusPostDetail, []models.StatusTarget, error) {
	page, targets, err := s.pageToTell(c)
	if err != nil {
		return page, models.StatusPostDetail{}, nil, err
	}
	id, err := publicOfPath(c, "post", "Post")
	if err != nil {
		return page, models.StatusPostDetail{}, nil, err
	}
	d, err := s.Store.StatusPost(c.UserContext(), actorOf(c), page.PublicID, id)
	return page, d, targets, err
}

// postPath is the address of the page's posts, or of one of them.
func postPath(page models.StatusPage, post uuid.UUID) string {
	path := statusPath(page, "/posts")
	if post != uuid.Nil {
		path += "/" + post.String()
	}
	return path
}

// postsPerPage is how many posts the list shows at once.
const postsPerPage = 50

func (s *Server) showStatusPosts(c *fiber.Ctx) error {
	page, _, err := s.pageToTell(c)
	if err != nil {
		return err
	}
	ctx, by := c.UserContext(), actorOf(c)
	number, ok := queryInt(c, "page", 1, 1, 1<<20)
	if !ok {
		return badField("page", "page must be a whole number from 1")
	}
	posts, total, err := s.Store.StatusPosts(ctx, by, page.PublicID, postsPerPage, (number-1)*postsPerPage)
	if err != nil {
		return err
	}
	measured, err := s.Store.StatusPageIncidents(ctx, by, page.PublicID)
	if err != nil {
		return err
	}
	p := views.StatusPostsPage{Page: s.page(c, page.Name, views.NavStatus), Head: s.statusHead(c, page, views.StatusNavPosts), Posts: posts, Measured: measured, Publish: page.Publish,
		MayTell: by.May(models.MayHandleIncidents), Now: time.Now(), PageNumber: number, More: total > number*postsPerPage}
	return draw(c, http.StatusOK, views.StatusPosts(p))
}

// drawPostForm draws the form for a new post.
func (s *Server) drawPostForm(c *fiber.Ctx, status int, page models.StatusPage, targets []models.StatusTarget, values, errs map[string]string) error {
	templates, err := s.Store.StatusTemplates(c.UserContext(), actorOf(c))
	if err != nil {
		return err
	}
	p := views.StatusPostForm{Page: s.page(c, "Tell people", views.NavStatus), Head: s.statusHead(c, page, views.StatusNavPosts), Kind: models.StatusKind(values["kind"]), Values: values, Errors: errs,
		Targets: targets, Zone: page.Zone().String()}
	for _, t := range templates {
		if t.Kind == p.Kind {
			p.Templates = append(p.Templates, views.Choice{Value: t.PublicID.String(), Label: t.Name})
		}
	}
	return draw(c, status, views.StatusPostNew(p))
}

// showNewStatusPost shows the form for a new post of ?kind=, filled in from ?template= and for a measured ?incident=.
func (s *Server) showNewStatusPost(c *fiber.Ctx) error {
	page, targets, err := s.pageToTell(c)
	if err != nil {
		return err
	}
	values := map[string]string{"kind": c.Query("kind", string(models.KindIncident)), "incidentId": c.Query("incident")}
	switch kind := models.StatusKind(values["kind"]); kind {
	case models.KindIncident, models.KindAnnouncement, models.KindMaintenance:
	default:
		return badField("kind", "kind must be incident, announcement or maintenance")
	}
	if v := c.Query("template"); v != "" {
		id, err := models.ParsePublicID(v)
		if err != nil {
			return &models.NotFound{What: "Template"}
		}
		t, err := s.Store.StatusTemplate(c.UserContext(), actorOf(c), id)
		if err != nil {
			return err
		}
		values["kind"], values["title"], values["state"], values["body"] = string(t.Kind), t.Title, string(t.State), t.Body
	}
	if values["incidentId"] != "" {
		if err := s.fillMeasured(c, page, values); err != nil {
			return err
		}
	}
	return s.drawPostForm(c, http.StatusOK, page, targets, values, nil)
}

// fillMeasured ticks the monitors of the measured incident. Of one that is over there is to tell that it is, and since when.
func (s *Server) fillMeasured(c *fiber.Ctx, page models.StatusPage, values map[string]string) error {
	list, err := s.Store.StatusPageIncidents(c.UserContext(), actorOf(c), page.PublicID)
	if err != nil {
		return err
	}
	for _, m := range list {
		if m.PublicID.String() == values["incidentId"] {
			for _, t := range m.Monitors {
				values[views.MonitorBox+t.PublicID.String()] = "yes"
			}
			if !m.EndedAt.IsZero() {
				values["state"], values["at"] = string(models.PostResolved), momentValue(m.EndedAt, page.Zone())
			}
			return nil
		}
	}
	return &models.NotFound{What: "Incident"}
}

func (s *Server) createStatusPost(c *fiber.Ctx) error {
	page, targets, err := s.pageToTell(c)
	if err != nil {
		return err
	}
	values, err := formValues(c)
	if err != nil {
		return err
	}
	d, err := s.Store.CreateStatusPost(c.UserContext(), actorOf(c), page.PublicID, postFields(values, page.Zone()))
	if errs, ok := formErrors(err); ok {
		return s.drawPostForm(c, http.StatusUnprocessableEntity, page, targets, values, errs)
	}
	if err != nil {
		return err
	}
	if d.Hidden {
		return s.redirect(c, postPath(page, uuid.Nil), "status.hidden")
	}
	return s.redirect(c, postPath(page, d.PublicID), "status.told")
}

// drawPost draws a post's page; form names the form that was sent and is drawn again, with what was typed and what is wrong.
func (s *Server) drawPost(c *fiber.Ctx, status int, form string, values, errs map[string]string) error {
	page, d, targets, err := s.postOfPath(c)
	if err != nil {
		return err
	}
	zone := page.Zone()
	p := views.StatusPostPage{Page: s.page(c, views.PostTitle(d.StatusPost), views.NavStatus), Head: s.statusHead(c, page, views.StatusNavPosts), Post: d, Targets: targets, Zone: zone.String(), Now: time.Now(),
		MayTell: actorOf(c).May(models.MayHandleIncidents), Values: map[string]string{"title": d.Title, "startsAt": momentValue(d.StartsAt, zone), "endsAt": momentValue(d.EndsAt, zone),
			"remindMinutes": views.Minutes(d.RemindMinutes)}, Told: map[string]string{"state": string(d.State)}}
	if ended := d.Incident.EndedAt; !ended.IsZero() && d.State != models.PostResolved {
		p.Told["state"] = string(models.PostResolved)
		if len(d.Updates) == 0 || ended.After(d.Updates[0].At) {
			p.Told["at"] = momentValue(ended, zone)
		}
	}
	if d.Hidden {
		p.Values["hidden"] = "yes"
	}
	for _, t := range d.Monitors {
		p.Values[views.MonitorBox+t.PublicID.String()] = "yes"
	}
	switch form {
	case "post":
		p.Values, p.Errors = values, errs
	case "update":
		p.Told, p.ToldErrors = values, errs
	}
	return draw(c, status, views.StatusPostShow(p))
}

func (s *Server) showStatusPost(c *fiber.Ctx) error {
	return s.drawPost(c, http.StatusOK, "", nil, nil)
}

func (s *Server) changeStatusPost(c *fiber.Ctx) error {
	page, d, _, err := s.postOfPath(c)
	if err != nil {
		return err
	}
	values, err := formValues(c)
	if err != nil {
		return err
	}
	fields := postFields(unlessMoved(values, "startsAt", d.StartsAt, page.Zone()), page.Zone())
	_, err = s.Store.ChangeStatusPost(c.UserContext(), actorOf(c), page.PublicID, d.PublicID, fields)
	if errs, ok := formErrors(err); ok {
		return s.drawPost(c, http.StatusUnprocessableEntity, "post", values, errs)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, postPath(page, d.PublicID), "status.saved")
}

func (s *Server) showDeleteStatusPost(c *fiber.Ctx) error {
	_, d, _, err := s.postOfPath(c)
	if err != nil {
		return err
	}
	return s.drawConfirm(c, views.NavStatus, views.DeleteStatusPost(strings.TrimSuffix(c.Path(), "/delete"), d, csrfToken(c)))
}

func (s *Server) deleteStatusPost(c *fiber.Ctx) error {
	page, d, _, err := s.postOfPath(c)
	if err != nil {
		return err
	}
	if _, err := formValues(c); err != nil {
		return err
	}
	if err := s.Store.DeleteStatusPost(c.UserContext(), actorOf(c), page.PublicID, d.PublicID); err != nil {
		return err
	}
	if d.IncidentID != 0 && d.Title == "" {
		return s.redirect(c, postPath(page, uuid.Nil), "status.restored")
	}
	return s.redirect(c, postPath(page, uuid.Nil), "status.deleted")
}

// tellOfIncident leads from an incident to where people can be told of it: to the one page that shows it, or to a choice.
func (s *Server) tellOfIncident(c *fiber.Ctx) error {
	id, err := incidentOfPath(c)
	if err != nil {
		return err
	}
	pages, err := s.Store.StatusPagesOf(c.UserContext(), actorOf(c), id)
	if err != nil {
		return err
	}
	p := views.TellPage{Page: s.page(c, "Tell people", views.NavIncidents), Incident: id.String()}
	for _, page := range pages {
		p.Pages = append(p.Pages, views.Choice{Value: postPath(page, uuid.Nil) + "/new?kind=incident&incident=" + id.String(), Label: page.Name})
	}
	if len(p.Pages) == 1 {
		return c.Redirect(p.Pages[0].Value, http.StatusSeeOther)
	}
	return draw(c, http.StatusOK, views.Tell(p))
}
