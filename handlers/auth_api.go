package handlers

import (
	"encoding/json"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// shownUser is a user as the API prints one.
type shownUser struct {
	ID             int64       `json:"id"`
	Email          string      `json:"email"`
	FirstName      string      `json:"firstName"`
	LastName       string      `json:"lastName"`
	Role           models.Role `json:"role"`
	IsActive       bool        `json:"isActive"`
	CustomerIDs    []int64     `json:"customerIds"`
	OrganizationID int64       `json:"organizationId"`
	CreatedAt      isoTime     `json:"createdAt"`
	UpdatedAt      isoTime     `json:"updatedAt"`
}

func newShownUser(u models.User) *shownUser {
	ids := u.CustomerIDs
	if ids == nil {
		ids = []int64{}
	}
	return &shownUser{ID: u.ID, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, Role: u.Role, IsActive: u.IsActive,
		CustomerIDs: ids, OrganizationID: u.OrganizationID, CreatedAt: isoTime{u.CreatedAt}, UpdatedAt: isoTime{u.UpdatedAt}}
}

// loginAnswer answers a sign-in.
type loginAnswer struct {
	Token     string     `json:"token"`
	ExpiresAt isoTime    `json:"expiresAt"`
	User      *shownUser `json:"user"`
}

func (s *Server) loginAPI(c *fiber.Ctx) error {
	fields, err := jsonFields(c)
	if err != nil {
		return err
	}
	e := &models.Invalid{}
	text := func(key string) string {
		var v string
		if raw := fields.Raw(key); json.Unmarshal(raw, &v) != nil || v == "" {
			e.Fields = append(e.Fields, models.FieldError{Field: key, Message: key + " must be a string and is required"})
		}
		return v
	}
	email, password := text("email"), text("password")
	if len(e.Fields) > 0 {
		return e
	}
	token, session, user, err := s.Store.SignIn(c.UserContext(), email, password, s.clientAddress(c))
	if err != nil {
		return err
	}
	by, err := s.Store.Resume(c.UserContext(), token, s.clientAddress(c))
	if err != nil {
		return err
	}
	user.CustomerIDs = by.CustomerIDs
	return sendJSON(c, fiber.StatusOK, loginAnswer{Token: token, ExpiresAt: isoTime{session.ExpiresAt}, User: newShownUser(user)})
}

// logoutAPI ends the session that the request came with. An API token is not a session and stays.
func (s *Server) logoutAPI(c *fiber.Ctx) error {
	if _, err := jsonFields(c); err != nil {
		return err
	}
	if actorOf(c).TokenID == 0 {
		if err := s.endSession(c); err != nil {
			return err
		}
		c.Set("Clear-Site-Data", `"cache", "storage"`)
	}
	return sendJSON(c, fiber.StatusOK, success)
}

// meAnswer tells who acts.
type meAnswer struct {
	User         *shownUser         `json:"user"`
	Organization *shownOrganization `json:"organization"`
	Via          string             `json:"via"`
}

type shownOrganization struct {
	ID       int64     `json:"id"`
	PublicID uuid.UUID `json:"publicId"`
	Name     string    `json:"name"`
}

func (s *Server) meAPI(c *fiber.Ctx) error {
	by := actorOf(c)
	answer := meAnswer{Via: "session"}
	if by.TokenID != 0 {
		answer.Via = "token"
	}
	user, ok, err := s.Store.Self(c.UserContext(), by)
	if err != nil {
		return err
	}
	if ok {
		answer.User = newShownUser(user)
	}
	// A global role that has chosen no organization yet is shown in its own.
	at := by
	if at.OrganizationID == 0 {
		at.OrganizationID = by.HomeID
	}
	organization, err := s.Store.Organization(c.UserContext(), at)
	if err != nil {
		return err
	}
	answer.Organization = &shownOrganization{ID: organization.ID, PublicID: organization.PublicID, Name: organization.Name}
	return sendJSON(c, fiber.StatusOK, answer)
}

// listOrganizationsAPI lists all to a global role, the own one to others.
func (s *Server) listOrganizationsAPI(c *fiber.Ctx) error {
	list, err := s.Store.Organizations(c.UserContext(), actorOf(c))
	if err != nil {
		return err
	}
	items := make([]shownOrganization, len(list))
	for i, o := range list {
		items[i] = shownOrganization{ID: o.ID, PublicID: o.PublicID, Name: o.Name}
	}
	return sendJSON(c, fiber.StatusOK, items)
}
