package handlers

import (
	"net/http"
	"strconv"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// drawTokens answers with the list, the form as it was typed, and a new token where one was just made.
func (s *Server) drawTokens(c *fiber.Ctx, status int, values, errs map[string]string, secret, name string) error {
	list, err := s.Store.Tokens(c.UserContext(), actorOf(c))
	if err != nil {
		return err
	}
	customers, err := s.customerChoices(c)
	if err != nil {
		return err
	}
	p := views.TokensPage{Page: s.page(c, "Tokens", views.NavTokens), Customers: customers, Values: values, Errors: errs, Secret: secret, SecretName: name}
	for _, t := range list {
		v := views.Token{ID: t.ID, Name: t.Name, Hint: t.TokenHint, Customer: t.CustomerName, CreatedAt: t.CreatedAt, Now: time.Now()}
		if t.LastUsedAt != nil {
			v.LastUsedAt = *t.LastUsedAt
		}
		if t.ExpiresAt != nil {
			v.ExpiresAt = *t.ExpiresAt
		}
		p.Tokens = append(p.Tokens, v)
	}
	return draw(c, status, views.Tokens(p))
}

func (s *Server) showTokens(c *fiber.Ctx) error {
	return s.drawTokens(c, http.StatusOK, nil, nil, "", "")
}

// createToken shows the new token in the answer itself: a redirect would have to keep it somewhere.
func (s *Server) createToken(c *fiber.Ctx) error {
	values, err := formValues(c)
	if err != nil {
		return err
	}
	var f models.Fields
	f.Set("name", quote(values["name"]))
	if v := values["customerId"]; v != "" {
		f.Set("customerId", quote(v))
	}
	if v := values["expiresInDays"]; v != "" {
		f.Set("expiresInDays", numberOrText(v))
	}
	secret, t, err := s.Store.CreateToken(c.UserContext(), actorOf(c), f)
	if errs, ok := formErrors(err); ok {
		return s.drawTokens(c, http.StatusUnprocessableEntity, values, errs, "", "")
	}
	if err != nil {
		return err
	}
	return s.drawTokens(c, http.StatusCreated, nil, nil, secret, t.Name)
}

func (s *Server) showDeleteToken(c *fiber.Ctx) error {
	id, err := tokenID(c)
	if err != nil {
		return err
	}
	list, err := s.Store.Tokens(c.UserContext(), actorOf(c))
	if err != nil {
		return err
	}
	for _, t := range list {
		if t.ID == id {
			return s.drawConfirm(c, views.NavTokens, views.DeleteToken(t.ID, t.Name, csrfToken(c)))
		}
	}
	return &models.NotFound{What: "Token " + strconv.FormatInt(id, 10)}
}

func (s *Server) deleteToken(c *fiber.Ctx) error {
	id, err := tokenID(c)
	if err != nil {
		return err
	}
	if _, err := formValues(c); err != nil {
		return err
	}
	if err := s.Store.DeleteToken(c.UserContext(), actorOf(c), id); err != nil {
		return err
	}
	return s.redirect(c, "/tokens", "token.deleted")
}
