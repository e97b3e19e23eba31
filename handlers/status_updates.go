package handlers

import (
	"errors"
	"net/http"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

func (s *Server) addStatusUpdate(c *fiber.Ctx) error {
	page, d, _, err := s.postOfPath(c)
	if err != nil {
		return err
	}
	values, err := formValues(c)
	if err != nil {
		return err
	}
	_, err = s.Store.AddStatusUpdate(c.UserContext(), actorOf(c), page.PublicID, d.PublicID, postFields(values, page.Zone()))
	if errs, ok := formErrors(err); ok {
		return s.drawPost(c, http.StatusUnprocessableEntity, "update", values, errs)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, postPath(page, d.PublicID), "status.told")
}

// updateOfPath finds the page, the post and the update that the path names.
func (s *Server) updateOfPath(c *fiber.Ctx) (models.StatusPage, models.StatusPostDetail, models.StatusUpdate, error) {
	page, d, _, err := s.postOfPath(c)
	if err != nil {
		return page, d, models.StatusUpdate{}, err
	}
	id, err := publicOfPath(c, "update", "Update")
	if err != nil {
		return page, d, models.StatusUpdate{}, err
	}
	for _, u := range d.Updates {
		if u.PublicID == id {
			return page, d, u, nil
		}
	}
	return page, d, models.StatusUpdate{}, &models.NotFound{What: "Update"}
}

func (s *Server) drawUpdate(c *fiber.Ctx, status int, values, errs map[string]string) error {
	page, d, u, err := s.updateOfPath(c)
	if err != nil {
		return err
	}
	if values == nil {
		values = map[string]string{"state": string(u.State), "body": u.Body, "at": momentValue(u.At, page.Zone())}
	}
	return draw(c, status, views.StatusUpdateEdit(views.StatusUpdatePage{Page: s.page(c, "Edit what was told", views.NavStatus), Head: s.statusHead(c, page, views.StatusNavPosts), Post: d, Update: u,
		Zone: page.Zone().String(), Values: values, Errors: errs}))
}

func (s *Server) showStatusUpdate(c *fiber.Ctx) error {
	return s.drawUpdate(c, http.StatusOK, nil, nil)
}

func (s *Server) changeStatusUpdate(c *fiber.Ctx) error {
	page, d, u, err := s.updateOfPath(c)
	if err != nil {
		return err
	}
	values, err := formValues(c)
	if err != nil {
		return err
	}
	fields := postFields(unlessMoved(values, "at", u.At, page.Zone()), page.Zone())
	_, err = s.Store.ChangeStatusUpdate(c.UserContext(), actorOf(c), page.PublicID, d.PublicID, u.PublicID, fields)
	if errs, ok := formErrors(err); ok {
		return s.drawUpdate(c, http.StatusUnprocessableEntity, values, errs)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, postPath(page, d.PublicID), "status.saved")
}

func (s *Server) deleteStatusUpdate(c *fiber.Ctx) error {
	page, d, u, err := s.updateOfPath(c)
	if err != nil {
		return err
	}
	if _, err := formValues(c); err != nil {
		return err
	}
	_, err = s.Store.DeleteStatusUpdate(c.UserContext(), actorOf(c), page.PublicID, d.PublicID, u.PublicID)
	var conflict *models.Conflict
	if errors.As(err, &conflict) {
		return s.drawUpdate(c, http.StatusConflict, nil, map[string]string{"": conflict.Message + "."})
	}
	if err != nil {
		return err
	}
	return s.redirect(c, postPath(page, d.PublicID), "status.takenback")
}
