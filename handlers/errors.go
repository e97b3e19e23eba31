package handlers

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
)

// problem is an error as a client sees it.
type problem struct {
	status  int
	message string
	code    string
	fields  map[string]string
	// onPage is what a page says in place of its own words; empty for those.
	onPage string
	// retryAfter is in seconds; 0 = not said.
	retryAfter int
}

// errBody is the one form of every error.
type errBody struct {
	StatusCode    int      `json:"statusCode"`
	StatusMessage string   `json:"statusMessage"`
	Message       string   `json:"message"`
	Data          *errData `json:"data,omitempty"`
}

type errData struct {
	Code      string            `json:"code,omitempty"`
	Fields    map[string]string `json:"fields,omitempty"`
	RequestID string            `json:"requestId,omitempty"`
}

// problemOf turns a kind of error into what a client may know of it.
func problemOf(err error) problem {
	var (
		invalid   *models.Invalid
		notFound  *models.NotFound
		conflict  *models.Conflict
		throttled *models.Throttled
		http      *fiber.Error
	)
	switch {
	case errors.Is(err, models.ErrUnauthorized):
		return problem{status: 401, message: "Unauthorized"}
	case errors.Is(err, models.ErrWrongPassword):
		return problem{status: 401, message: "Invalid email or password"}
	case errors.Is(err, errOldForm):
		return problem{status: 403, message: "Forbidden", onPage: "This form is too old, or does not come from here: reload its page, then send it again."}
	case errors.Is(err, models.ErrForbidden):
		return problem{status: 403, message: "Forbidden"}
	case errors.Is(err, models.ErrBusy):
		return problem{status: 503, message: "Too many sign-ins at once; try again in a moment", retryAfter: 2}
	case errors.Is(err, models.ErrNoLocation):
		return problem{status: 503, message: "No active monitoring locations available", retryAfter: 10}
	case errors.As(err, &invalid):
		return problemOfFields(invalid)
	case errors.As(err, &notFound):
		return problem{status: 404, message: notFound.Error()}
	case errors.As(err, &conflict):
		if conflict.Stale {
			return problem{status: 412, message: conflict.Message}
		}
		return problem{status: 409, message: conflict.Message}
	case errors.As(err, &throttled):
		return problem{status: 429, message: "Too many attempts", retryAfter: throttled.RetryAfterSeconds}
	case errors.As(err, &http):
		return problem{status: http.Code, message: routeMessage(http)}
	case models.IsUnavailable(err), errors.Is(err, context.Canceled):
		return problem{status: 503, message: "The database does not answer; if you sent a change, look whether it was made", retryAfter: 5}
	default:
		return problem{status: 500, message: "Something went wrong here; it was logged under this request's id"}
	}
}

func problemOfFields(e *models.Invalid) problem {
	p := problem{status: 400, message: e.Fields[0].Message, code: e.Fields[0].Code, fields: make(map[string]string, len(e.Fields))}
	for _, f := range e.Fields {
		p.fields[f.Field] = f.Text()
		if p.message == "Invalid request body" && f.Advice != "" {
			p.message += ": " + f.Advice
		}
	}
	return p
}

// routeMessage is for errors that never reached a handler of ours.
func routeMessage(e *fiber.Error) string {
	switch e.Code {
	case 404:
		return "There is nothing at this address"
	case 405:
		return "This address does not take this method"
	case 431:
		return "The header fields are larger than 16 KiB"
	case 400:
		return "The request is not valid HTTP"
	case 408:
		return "The request took too long to arrive"
	case 500:
		return "Something went wrong here; it was logged under this request's id"
	default:
		return e.Message
	}
}

// fail is the one place that writes errors: JSON under /api, a line for HTMX, else a page.
func (s *Server) fail(c *fiber.Ctx, err error) error {
	if errors.Is(err, errMembersElsewhere) && isFile(c) {
		err = models.ErrUnauthorized // a program has nothing of being led to where people sign in
	}
	p := problemOf(err)
	if p.status == 413 {
		p.message, p.onPage = tooLarge(c.Path())
	}
	// What was refused before its first line was read has no path. It gets JSON: a program can not read a page, people
	// can read this.
	unread := c.Locals(localRequest) == nil && len(strings.Trim(c.Path(), "/")) == 0
	s.setHeaders(c) // a request refused before any guard ran has none yet
	// The request's own deadline is over, or ended with its handler; the page about the trouble still reads who is signed in.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.UserContext()), errorTime)
	defer cancel()
	c.SetUserContext(ctx)
	id := requestID(c)
	if ok, err := s.failStatus(c, err); ok {
		return err
	}
	switch {
	case p.status >= 500 && p.status != 503:
		log := s.Log
		var p *panicked
		if errors.As(err, &p) {
			log = log.With("stack", string(p.stack))
		}
		log.Error("request failed", "request_id", id, "method", c.Method(), "path", c.Path(), "error", err)
	case p.status == 503:
		s.Log.Warn("request not served", "request_id", id, "method", c.Method(), "path", c.Path(), "error", err)
	}
	if p.retryAfter > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(p.retryAfter))
	}
	c.Status(p.status)
	if unread || isAPI(c) || isFile(c) {
		if p.status == 401 && !forVisitors(c) {
			c.Set(fiber.HeaderWWWAuthenticate, "Bearer")
		}
		body := errBody{StatusCode: p.status, StatusMessage: http.StatusText(p.status), Message: p.message}
		if p.code != "" || p.fields != nil {
			body.Data = &errData{Code: p.code, Fields: p.fields}
		}
		if p.status == 500 {
			body.Data = &errData{RequestID: id}
		}
		return sendJSON(c, p.status, body)
	}
	return s.failPage(c, p, id)
}

// isAPI tells which form an answer has. Health answers are JSON too.
func isAPI(c *fiber.Ctx) bool {
	path := c.Path()
	return path == "/api" || strings.HasPrefix(path, "/api/") || path == "/healthz" || path == "/readyz"
}
