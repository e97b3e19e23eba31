package handlers

import (
	"strconv"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
)

// createdToken answers POST: the only time that the token itself is shown.
type createdToken struct {
	ID         int64   `json:"id"`
	Name       string  `json:"name"`
	Token      string  `json:"token"`
	LastUsedAt isoTime `json:"lastUsedAt"`
	ExpiresAt  isoTime `json:"expiresAt"`
	CreatedAt  isoTime `json:"createdAt"`
}

// listedToken is an item of the list.
type listedToken struct {
	ID             int64   `json:"id"`
	OrganizationID int64   `json:"organizationId"`
	Name           string  `json:"name"`
	CustomerID     *int64  `json:"customerId"`
	CustomerName   *string `json:"customerName"`
	LastUsedAt     isoTime `json:"lastUsedAt"`
	ExpiresAt      isoTime `json:"expiresAt"`
	CreatedAt      isoTime `json:"createdAt"`
	TokenHint      string  `json:"tokenHint"`
}

func (s *Server) createTokenAPI(c *fiber.Ctx) error {
	fields, err := jsonFields(c)
	if err != nil {
		return err
	}
	secret, t, err := s.Store.CreateToken(c.UserContext(), actorOf(c), fields)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusCreated, createdToken{ID: t.ID, Name: t.Name, Token: secret, ExpiresAt: isoPtr(t.ExpiresAt), CreatedAt: isoTime{t.CreatedAt}})
}

func (s *Server) listTokensAPI(c *fiber.Ctx) error {
	list, err := s.Store.Tokens(c.UserContext(), actorOf(c))
	if err != nil {
		return err
	}
	items := make([]listedToken, len(list))
	for i, t := range list {
		items[i] = listedToken{ID: t.ID, OrganizationID: t.OrganizationID, Name: t.Name, CustomerName: nonEmpty(t.CustomerName), LastUsedAt: isoPtr(t.LastUsedAt),
			ExpiresAt: isoPtr(t.ExpiresAt), CreatedAt: isoTime{t.CreatedAt}, TokenHint: t.TokenHint}
		if t.CustomerID != 0 {
			items[i].CustomerID = &t.CustomerID
		}
	}
	return sendJSON(c, fiber.StatusOK, items)
}

// tokenID reads the number in the path; what is no number names no token.
func tokenID(c *fiber.Ctx) (int64, error) {
	id, err := strconv.ParseInt(c.Params("id"), 10, 64)
	if err != nil {
		return 0, &models.NotFound{What: "Token"}
	}
	return id, nil
}

func (s *Server) deleteTokenAPI(c *fiber.Ctx) error {
	id, err := tokenID(c)
	if err != nil {
		return err
	}
	if err := s.Store.DeleteToken(c.UserContext(), actorOf(c), id); err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, success)
}
