package handlers

import (
	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"echolot/models"
)

// shownPost is a post as the API has it. Updates and monitors are of a single one only.
type shownPost struct {
	PublicID      uuid.UUID              `json:"publicId"`
	Kind          models.StatusKind      `json:"kind"`
	Title         string                 `json:"title"`
	State         models.StatusPostState `json:"state"`
	StartsAt      isoTime                `json:"startsAt"`
	EndsAt        isoTime                `json:"endsAt"`
	Hidden        bool                   `json:"hidden"`
	RemindMinutes int                    `json:"remindMinutes"`
	CreatedAt     isoTime                `json:"createdAt"`
	UpdatedAt     isoTime                `json:"updatedAt"`
}

type wholePost struct {
	shownPost
	IncidentID *uuid.UUID    `json:"incidentId"`
	MonitorIDs []uuid.UUID   `json:"monitorIds"`
	Updates    []shownUpdate `json:"updates"`
}

type shownUpdate struct {
	PublicID  uuid.UUID              `json:"publicId"`
	State     models.StatusPostState `json:"state"`
	Body      string                 `json:"body"`
	Author    string                 `json:"author"`
	At        isoTime                `json:"at"`
	CreatedAt isoTime                `json:"createdAt"`
}

// postsAnswer is a part of a page's posts.
type postsAnswer struct {
	Posts  []shownPost `json:"posts"`
	Total  int         `json:"total"`
	Limit  int         `json:"limit"`
	Offset int         `json:"offset"`
}

func newShownPost(p models.StatusPost) shownPost {
	return shownPost{PublicID: p.PublicID, Kind: p.Kind, Title: p.Title, State: p.State, StartsAt: isoTime{p.StartsAt}, EndsAt: isoTime{p.EndsAt}, Hidden: p.Hidden,
		RemindMinutes: p.RemindMinutes, CreatedAt: isoTime{p.CreatedAt}, UpdatedAt: isoTime{p.UpdatedAt}}
}

func newWholePost(d models.StatusPostDetail) wholePost {
	w := wholePost{shownPost: newShownPost(d.StatusPost), MonitorIDs: make([]uuid.UUID, len(d.Monitors)), Updates: make([]shownUpdate, len(d.Updates))}
	if d.Incident.PublicID != uuid.Nil {
		w.IncidentID = &d.Incident.PublicID
	}
	for i, m := range d.Monitors {
		w.MonitorIDs[i] = m.PublicID
	}
	for i, u := range d.Updates {
		w.Updates[i] = shownUpdate{PublicID: u.PublicID, State: u.State, Body: u.Body, Author: u.Author, At: isoTime{u.At}, CreatedAt: isoTime{u.CreatedAt}}
	}
	return w
}

// toldIDs reads the public ids in the path: of the page, the post and the update, as far as it has them.
func toldIDs(c *fiber.Ctx) (page, post, update uuid.UUID, err error) {
	for _, p := range []struct {
		param, what string
		id          *uuid.UUID
	}{{"id", "Status page", &page}, {"post", "Post", &post}, {"update", "Update", &update}} {
		if c.Params(p.param) == "" {
			continue
		}
		if *p.id, err = models.ParsePublicID(c.Params(p.param)); err != nil {
			return page, post, update, badField(p.param, p.what+" public ID (UUID) required")
		}
	}
	return page, post, update, nil
}

func (s *Server) listPostsAPI(c *fiber.Ctx) error {
	page, _, _, err := toldIDs(c)
	if err != nil {
		return err
	}
	e := &models.Invalid{}
	limit, ok := queryInt(c, "limit", defaultIncidents, 1, maxIncidents)
	if !ok {
		e.Fields = append(e.Fields, models.FieldError{Field: "limit", Message: "limit must be a whole number from 1 to 500"})
	}
	offset, ok := queryInt(c, "offset", 0, 0, 1<<30)
	if !ok {
		e.Fields = append(e.Fields, models.FieldError{Field: "offset", Message: "offset must be a whole number from 0"})
	}
	if len(e.Fields) > 0 {
		return e
	}
	list, total, err := s.Store.StatusPosts(c.UserContext(), actorOf(c), page, limit, offset)
	if err != nil {
		return err
	}
	answer := postsAnswer{Posts: make([]shownPost, len(list)), Total: total, Limit: limit, Offset: offset}
	for i, p := range list {
		answer.Posts[i] = newShownPost(p)
	}
	return sendJSON(c, fiber.StatusOK, answer)
}

func (s *Server) showPostAPI(c *fiber.Ctx) error {
	page, post, _, err := toldIDs(c)
	if err != nil {
		return err
	}
	d, err := s.Store.StatusPost(c.UserContext(), actorOf(c), page, post)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, newWholePost(d))
}

// tellAPI answers with the post that a JSON body changed.
func (s *Server) tellAPI(c *fiber.Ctx, status int, change func(page, post, update uuid.UUID, f models.Fields) (models.StatusPostDetail, error)) error {
	fields, err := jsonFields(c)
	if err != nil {
		return err
	}
	page, post, update, err := toldIDs(c)
	if err != nil {
		return err
	}
	d, err := change(page, post, update, fields)
	if err != nil {
		return err
	}
	return sendJSON(c, status, newWholePost(d))
}

func (s *Server) createPostAPI(c *fiber.Ctx) error {
	return s.tellAPI(c, fiber.StatusCreated, func(page, _, _ uuid.UUID, f models.Fields) (models.StatusPostDetail, error) {
		return s.Store.CreateStatusPost(c.UserContext(), actorOf(c), page, f)
	})
}

func (s *Server) changePostAPI(c *fiber.Ctx) error {
	return s.tellAPI(c, fiber.StatusOK, func(page, post, _ uuid.UUID, f models.Fields) (models.StatusPostDetail, error) {
		return s.Store.ChangeStatusPost(c.UserContext(), actorOf(c), page, post, f)
	})
}

func (s *Server) deletePostAPI(c *fiber.Ctx) error {
	page, post, _, err := toldIDs(c)
	if err != nil {
		return err
	}
	if err := s.Store.DeleteStatusPost(c.UserContext(), actorOf(c), page, post); err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, success)
}

func (s *Server) addUpdateAPI(c *fiber.Ctx) error {
	return s.tellAPI(c, fiber.StatusCreated, func(page, post, _ uuid.UUID, f models.Fields) (models.StatusPostDetail, error) {
		return s.Store.AddStatusUpdate(c.UserContext(), actorOf(c), page, post, f)
	})
}

func (s *Server) changeUpdateAPI(c *fiber.Ctx) error {
	return s.tellAPI(c, fiber.StatusOK, func(page, post, update uuid.UUID, f models.Fields) (models.StatusPostDetail, error) {
		return s.Store.ChangeStatusUpdate(c.UserContext(), actorOf(c), page, post, update, f)
	})
}

func (s *Server) deleteUpdateAPI(c *fiber.Ctx) error {
	page, post, update, err := toldIDs(c)
	if err != nil {
		return err
	}
	d, err := s.Store.DeleteStatusUpdate(c.UserContext(), actorOf(c), page, post, update)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, newWholePost(d))
}
