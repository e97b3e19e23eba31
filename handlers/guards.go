package handlers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"strings"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// Keys of what guards leave for handlers.
const (
	localRequest = "request_id"
	localActor   = "actor"
	localToken   = "session_token" // of a session, by cookie or Bearer
	localCookie  = "by_cookie"
)

const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"

// setHeaders puts on every answer what ASVS 5.0 §3.4 wants. HSTS goes out only where people reach us by https.
func (s *Server) setHeaders(c *fiber.Ctx) {
	h := &c.Response().Header
	h.Set(fiber.HeaderContentSecurityPolicy, contentPolicy)
	h.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	h.Set(fiber.HeaderReferrerPolicy, "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set(fiber.HeaderXFrameOptions, "DENY")
	if len(h.Peek(fiber.HeaderCacheControl)) == 0 {
		h.Set(fiber.HeaderCacheControl, "no-store")
	}
	switch {
	case domainOf(c) != "":
		if c.Context().IsTLS() { // what else there is below a customer's domain is not ours to say
			h.Set(fiber.HeaderStrictTransportSecurity, "max-age=31536000")
		}
	case s.BaseURL.Scheme == "https":
		h.Set(fiber.HeaderStrictTransportSecurity, "max-age=31536000; includeSubDomains")
	}
	h.Set(fiber.HeaderXRequestID, requestID(c))
}

// requestID names the request in the answer and in the log. A client's own is not taken over.
func requestID(c *fiber.Ctx) string {
	if id, ok := c.Locals(localRequest).(string); ok {
		return id
	}
	id := uuid.NewString()
	c.Locals(localRequest, id)
	return id
}

// panicked is a panic of a handler or a page as an error: fail answers it as any fault of ours.
type panicked struct {
	value string
	stack []byte
}

func (p *panicked) Error() string { return "panic: " + p.value }

// begin stands before everything: headers, a deadline for the store, and an end for panics.
func (s *Server) begin(c *fiber.Ctx) (err error) {
	s.setHeaders(c)
	ctx, cancel := context.WithTimeout(c.UserContext(), requestTime)
	defer cancel()
	c.SetUserContext(ctx)
	defer func() {
		if p := recover(); p != nil {
			c.Response().ResetBody()
			err = &panicked{value: fmt.Sprint(p), stack: debug.Stack()}
		}
	}()
	if hasBareLF(c.Request().Header.RawHeaders()) {
		c.Context().SetConnectionClose()
		return fiber.ErrBadRequest
	}
	if len(c.Request().Body()) > bodyLimit(c.Path()) {
		return fiber.ErrRequestEntityTooLarge
	}
	return c.Next()
}

// hasBareLF tells whether a line of the header fields ends without CR. fasthttp 1.77 takes such an end, as RFC 9112 §2.2
// allows; a proxy before us that does not would see other fields than we do, and so another end of the request.
func hasBareLF(fields []byte) bool {
	return bytes.Count(fields, []byte("\n")) != bytes.Count(fields, []byte("\r\n"))
}

// actorOf is who acts; the zero Actor where nobody is signed in.
func actorOf(c *fiber.Ctx) models.Actor {
	by, _ := c.Locals(localActor).(models.Actor)
	return by
}

// byCookie tells whether the request came with the browser's session.
func byCookie(c *fiber.Ctx) bool {
	yes, _ := c.Locals(localCookie).(bool)
	return yes
}

// identify finds who acts, if anybody does: by API token or session in the Authorization header (API only), else by the
// session cookie. It refuses a changing request by cookie that does not come from our own pages.
func (s *Server) identify(c *fiber.Ctx) error {
	by, err := s.actor(c)
	if err != nil {
		return err
	}
	by.Address = s.clientAddress(c)
	c.Locals(localActor, by)
	if isAPI(c) {
		if err := s.limiter.take(c, by, s.clientAddress(c)); err != nil {
			return err
		}
	}
	if byCookie(c) && unsafeMethod(c) && !s.fromOwnPage(c) {
		return errOldForm
	}
	return nil
}

func (s *Server) actor(c *fiber.Ctx) (models.Actor, error) {
	if isAPI(c) {
		if token, ok := bearer(c); ok {
			if strings.HasPrefix(token, models.TokenPrefix) {
				return ignoreUnauthorized(s.Store.Authenticate(c.UserContext(), token, s.clientAddress(c)))
			}
			return s.fromSession(c, false)
		}
	}
	return s.fromSession(c, true)
}

// fromSession asks gorilla's store; see sessions.go.
func (s *Server) fromSession(c *fiber.Ctx, cookie bool) (models.Actor, error) {
	session, err := s.sessions.New(gorillaRequest(c, cookie), s.sessions.name())
	if err != nil {
		return models.Actor{}, err
	}
	by, ok := session.Values[valueActor].(models.Actor)
	if !ok {
		return models.Actor{}, nil
	}
	c.Locals(localToken, session.ID)
	c.Locals(localCookie, cookie)
	return by, nil
}

func ignoreUnauthorized(by models.Actor, err error) (models.Actor, error) {
	if errors.Is(err, models.ErrUnauthorized) {
		return models.Actor{}, nil
	}
	return by, err
}

// bearer is the credential of an Authorization header (RFC 6750 §2.1).
func bearer(c *fiber.Ctx) (string, bool) {
	scheme, token, ok := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

func unsafeMethod(c *fiber.Ctx) bool {
	m := c.Method()
	return m != fiber.MethodGet && m != fiber.MethodHead && m != fiber.MethodOptions
}

// anyone lets everybody in who may come in signed out; a form still has to come from our own pages.
func (s *Server) anyone(c *fiber.Ctx) error {
	if strings.HasPrefix(c.Path(), "/api/") { // health is asked for by machines, as often as they like
		if err := s.limiter.take(c, models.Actor{}, s.clientAddress(c)); err != nil {
			return err
		}
	}
	if unsafeMethod(c) && !sameOrigin(c) {
		return models.ErrForbidden
	}
	return c.Next()
}

// signedIn lets everybody in who is signed in, whatever the role.
func (s *Server) signedIn(c *fiber.Ctx) error {
	if err := s.identify(c); err != nil {
		return err
	}
	if actorOf(c).Role == "" {
		return models.ErrUnauthorized
	}
	return c.Next()
}

// may lets in whose role has the right, and settles the organization that the request is about.
func (s *Server) may(right models.Right) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if err := s.identify(c); err != nil {
			return err
		}
		by := actorOf(c)
		if by.Role == "" {
			return models.ErrUnauthorized
		}
		if !by.May(right) {
			return models.ErrForbidden
		}
		if named := c.Query("organizationId"); named != "" {
			ref, err := models.ParseRef(named)
			if err != nil {
				return badField("organizationId", "organizationId must be a number or a UUID")
			}
			if by, err = s.Store.ChooseOrganization(c.UserContext(), by, ref); err != nil {
				return err
			}
			c.Locals(localActor, by)
		}
		if by.OrganizationID == 0 {
			return badField("organizationId", "organizationId is required")
		}
		return c.Next()
	}
}

// sameOrigin is the algorithm of net/http.CrossOriginProtection: a browser says where a request comes from; what says
// nothing is no browser.
func sameOrigin(c *fiber.Ctx) bool {
	switch c.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
	default:
		return false
	}
	origin := c.Get(fiber.HeaderOrigin)
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == string(c.Request().Host())
}

// errOldForm refuses a change that comes without its session's token: mostly a form that was open while somebody signed in anew.
// A program reads of it what it reads of every other refusal.
var errOldForm = fmt.Errorf("no token of this session: %w", models.ErrForbidden)

// fromOwnPage asks for the same origin and for the session's own token, by header or form field. What sends our cookie is
// a browser, and every browser says with a changing request where it comes from.
func (s *Server) fromOwnPage(c *fiber.Ctx) bool {
	if !sameOrigin(c) || c.Get("Sec-Fetch-Site") == "" && c.Get(fiber.HeaderOrigin) == "" {
		return false
	}
	sent := c.Get("X-CSRF-Token")
	if sent == "" && isForm(c) {
		sent = string(c.Context().PostArgs().Peek("_csrf"))
	}
	if sent == "" && mediaType(c) == fiber.MIMEMultipartForm {
		const longest = 64
		field, _ := multipartField(c, "_csrf", longest) // what is no form has no token
		sent = string(field)
	}
	return subtle.ConstantTimeCompare([]byte(sent), []byte(csrfToken(c))) == 1
}

// csrfToken follows from the session's token, which no other site knows; it needs no place of its own.
func csrfToken(c *fiber.Ctx) string {
	token, _ := c.Locals(localToken).(string)
	if token == "" {
		return ""
	}
	return csrfOf(token)
}

func csrfOf(session string) string {
	sum := sha256.Sum256([]byte("csrf\x00" + session))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// badField is an error of one parameter.
func badField(field, message string) error {
	return &models.Invalid{Fields: []models.FieldError{{Field: field, Message: message}}}
}
