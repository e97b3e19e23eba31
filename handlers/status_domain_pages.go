package handlers

import (
	"errors"
	"net/http"
	"strings"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

func (s *Server) showDomain(c *fiber.Ctx) error {
	id, err := publicOfPath(c, "id", "Status page")
	if err != nil {
		return err
	}
	return s.drawDomain(c, http.StatusOK, id, "", "")
}

// drawDomain answers with the domain of a page; typed and wrong are of the form where it was refused.
func (s *Server) drawDomain(c *fiber.Ctx, status int, id uuid.UUID, typed, wrong string) error {
	p, err := s.Store.StatusDomain(c.UserContext(), actorOf(c), id)
	if err != nil {
		return err
	}
	v := views.StatusDomainPage{Page: s.page(c, "Domain of "+p.Name, views.NavStatus), Head: s.statusHead(c, p, views.StatusNavDomain), PublicID: p.PublicID.String(), Domain: p.CustomDomain, Typed: p.CustomDomain,
		Error: wrong, Proved: p.DomainVerifiedAt, Missing: p.DomainMissingSince, TLS: s.TLS}
	if typed != "" {
		v.Typed = typed
	}
	if p.CustomDomain != "" {
		v.Record, v.Value = models.DomainRecord(p.CustomDomain), p.DomainToken
	}
	return draw(c, status, views.StatusDomain(v))
}

// changeDomain sets a page's domain, takes it away, or looks whether it is proved, as the button says.
func (s *Server) changeDomain(c *fiber.Ctx) error {
	values, err := formValues(c)
	if err != nil {
		return err
	}
	id, err := publicOfPath(c, "id", "Status page")
	if err != nil {
		return err
	}
	by, typed, done := actorOf(c), strings.TrimSpace(values["customDomainHostname"]), "domain.set"
	switch values["do"] {
	case "check":
		typed, done = "", "domain.proved"
		_, err = s.Store.VerifyStatusDomain(c.UserContext(), by, id, s.TXT)
	case "remove":
		typed, done = "", "domain.removed"
		_, err = s.Store.SetStatusDomain(c.UserContext(), by, id, "")
	default:
		_, err = s.Store.SetStatusDomain(c.UserContext(), by, id, typed)
		if typed == "" {
			done = "domain.removed"
		}
	}
	var conflict *models.Conflict
	if errors.As(err, &conflict) {
		return s.drawDomain(c, http.StatusConflict, id, typed, conflict.Message)
	}
	if errs, ok := formErrors(err); ok {
		return s.drawDomain(c, http.StatusUnprocessableEntity, id, typed, errs["customDomainHostname"])
	}
	if err != nil {
		return err
	}
	return s.redirect(c, "/status-pages/"+id.String()+"/domain", done)
}

// verifiedDomain answers who had a domain's record looked for.
type verifiedDomain struct {
	PublicID             uuid.UUID `json:"publicId"`
	CustomDomainHostname string    `json:"customDomainHostname"`
	DomainVerifiedAt     isoTime   `json:"domainVerifiedAt"`
}

func (s *Server) verifyDomainAPI(c *fiber.Ctx) error {
	if _, err := jsonFields(c); err != nil {
		return err
	}
	id, err := statusPageID(c)
	if err != nil {
		return err
	}
	p, err := s.Store.VerifyStatusDomain(c.UserContext(), actorOf(c), id, s.TXT)
	if err != nil {
		return err
	}
	return sendJSON(c, http.StatusOK, verifiedDomain{p.PublicID, p.CustomDomain, isoTime{p.DomainVerifiedAt}})
}
