package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// ownPath is the path to go to after signing in, if it is one of ours. Browsers drop tabs and line ends from an address
// and read \ as / (WHATWG URL Standard §4.4): what holds one of them may lead to another host than it seems to.
func ownPath(next string) string {
	const otherwise = "/monitors"
	if strings.ContainsFunc(next, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return otherwise
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		u.Path == "/logout" || strings.HasPrefix(u.Path, "/api/") {
		return otherwise
	}
	return u.RequestURI()
}

func (s *Server) showLogin(c *fiber.Ctx) error {
	if by, err := s.fromSession(c, true); err == nil && by.Role != "" {
		return c.Redirect(ownPath(c.Query("next")), http.StatusSeeOther)
	}
	c.Locals(localToken, nil)
	return draw(c, http.StatusOK, views.Login(views.LoginPage{Page: s.page(c, "Sign in", ""), Next: c.Query("next")}))
}

func (s *Server) login(c *fiber.Ctx) error {
	values, err := formValues(c)
	if err != nil {
		return err
	}
	token, _, _, err := s.Store.SignIn(c.UserContext(), values["email"], values["password"], s.clientAddress(c))
	page := views.LoginPage{Page: s.page(c, "Sign in", ""), Email: values["email"], Next: values["next"]}
	var throttled *models.Throttled
	switch {
	case errors.Is(err, models.ErrWrongPassword):
		page.Error = "That e-mail and password don’t match."
		return draw(c, http.StatusUnprocessableEntity, views.Login(page))
	case errors.As(err, &throttled):
		page.Error = fmt.Sprintf("Too many tries. Wait %d s, then try again.", throttled.RetryAfterSeconds)
		c.Set(fiber.HeaderRetryAfter, fmt.Sprint(throttled.RetryAfterSeconds))
		return draw(c, http.StatusTooManyRequests, views.Login(page))
	case err != nil:
		return err
	}
	if err := s.startCookie(c, token); err != nil {
		return err
	}
	return c.Redirect(ownPath(values["next"]), http.StatusSeeOther)
}

func (s *Server) logout(c *fiber.Ctx) error {
	if _, err := formValues(c); err != nil {
		return err
	}
	if err := s.endSession(c); err != nil {
		return err
	}
	c.Set("Clear-Site-Data", `"cache", "storage"`)
	return c.Redirect("/login", http.StatusSeeOther)
}

// setupPath is where the setup link leads.
func setupPath(token string) string { return "/setup/" + token }

func (s *Server) showSetup(c *fiber.Ctx) error {
	token := c.Params("token")
	if err := s.Store.SetupOpen(c.UserContext(), token); err != nil {
		return err
	}
	return draw(c, http.StatusOK, views.Setup(views.SetupPage{Page: s.page(c, "Set up", ""), Action: setupPath(token)}))
}

func (s *Server) setup(c *fiber.Ctx) error {
	values, err := formValues(c)
	if err != nil {
		return err
	}
	token := c.Params("token")
	n := models.NewUser{Organization: values["organizationName"], FirstName: clip(values["firstName"]), LastName: clip(values["lastName"]),
		Email: values["email"], Password: values["password"]}
	var session string
	if values["passwordAgain"] != values["password"] {
		err = s.Store.SetupOpen(c.UserContext(), token)
		if err == nil {
			err = badField("passwordAgain", "The two passwords are not the same")
		}
	} else {
		session, _, err = s.Store.Setup(c.UserContext(), token, n, s.clientAddress(c))
	}
	var invalid *models.Invalid
	var conflict *models.Conflict
	switch {
	case errors.As(err, &invalid), errors.As(err, &conflict):
		page := views.SetupPage{Page: s.page(c, "Set up", ""), Action: setupPath(token), Values: values, Errors: fieldTexts(err)}
		if text, ok := page.Errors["organization"]; ok {
			page.Errors["organizationName"] = text
		}
		return draw(c, http.StatusUnprocessableEntity, views.Setup(page))
	case err != nil:
		return err
	}
	if err := s.startCookie(c, session); err != nil {
		return err
	}
	return c.Redirect("/monitors", http.StatusSeeOther)
}

// clip trims a person's name to what the page shows.
func clip(s string) string {
	s = strings.TrimSpace(s)
	if r := []rune(s); len(r) > 100 {
		return string(r[:100])
	}
	return s
}

// fieldTexts are the sentences beside the fields of a form; a conflict stands above it.
func fieldTexts(err error) map[string]string {
	texts := map[string]string{}
	var invalid *models.Invalid
	var conflict *models.Conflict
	switch {
	case errors.As(err, &invalid):
		for _, f := range invalid.Fields {
			texts[f.Field] = f.Text()
		}
	case errors.As(err, &conflict):
		texts["email"] = conflict.Message
	}
	return texts
}
