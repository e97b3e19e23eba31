package handlers

import (
	"context"
	"errors"
	"net/http"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
	"github.com/gorilla/sessions"
)

// valueActor is where a session keeps who is signed in.
const valueActor = "actor"

// sessionStore is gorilla's sessions.Store over our own table. The cookie and the Bearer credential are the same token,
// 32 random bytes; the table knows its hash only, so signing out ends a copied cookie too.
type sessionStore struct {
	store  *models.Store
	secure bool
}

var _ sessions.Store = (*sessionStore)(nil)

// name is the cookie's: with https the prefix makes browsers keep it to this host (RFC 6265bis §4.1.3.2).
func (s *sessionStore) name() string {
	if s.secure {
		return "__Host-sid"
	}
	return "sid"
}

// Get is New: nothing is kept between two calls for one request.
func (s *sessionStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return s.New(r, name)
}

// New returns the session of the request's credential, or an empty one where there is none or it ended.
func (s *sessionStore) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(s, name)
	session.IsNew = true
	session.Options = &sessions.Options{Path: "/", MaxAge: int(models.SessionLifetime.Seconds()), HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode}
	token := ""
	if a := r.Header.Get("Authorization"); len(a) > 7 {
		token = a[7:]
	} else if cookie, err := r.Cookie(name); err == nil {
		token = cookie.Value
	}
	if token == "" {
		return session, nil
	}
	by, err := s.store.Resume(r.Context(), token, "")
	if errors.Is(err, models.ErrUnauthorized) {
		return session, nil
	}
	if err != nil {
		return session, err
	}
	session.ID, session.IsNew = token, false
	session.Values[valueActor] = by
	return session, nil
}

// Save sets the cookie to the session's token; a negative MaxAge ends the session and the cookie.
func (s *sessionStore) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if session.Options.MaxAge < 0 {
		by, _ := session.Values[valueActor].(models.Actor)
		if err := s.store.SignOut(r.Context(), by, session.ID); err != nil {
			return err
		}
		http.SetCookie(w, sessions.NewCookie(session.Name(), "", session.Options))
		return nil
	}
	http.SetCookie(w, sessions.NewCookie(session.Name(), session.ID, session.Options))
	return nil
}

// gorillaRequest is the least of an *http.Request that gorilla needs; converting all of it costs four times as much.
func gorillaRequest(c *fiber.Ctx, cookie bool) *http.Request {
	h := make(http.Header, 1)
	if cookie {
		if v := c.Get(fiber.HeaderCookie); v != "" {
			h["Cookie"] = []string{v}
		}
	} else {
		h["Authorization"] = []string{c.Get(fiber.HeaderAuthorization)}
	}
	return (&http.Request{Method: c.Method(), Header: h}).WithContext(c.UserContext())
}

// headerWriter takes the Set-Cookie that gorilla writes.
type headerWriter struct{ header http.Header }

func (w headerWriter) Header() http.Header         { return w.header }
func (w headerWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w headerWriter) WriteHeader(int)             {}

// startCookie gives the browser the session's token and ends the session that it had (ASVS 5.0, 7.2.4).
func (s *Server) startCookie(c *fiber.Ctx, token string) error {
	by, err := s.fromSession(c, true)
	if err != nil {
		return err
	}
	if old, _ := c.Locals(localToken).(string); by.Role != "" {
		if err := s.Store.SignOut(c.UserContext(), by, old); err != nil {
			return err
		}
	}
	return s.saveCookie(c, token, int(models.SessionLifetime.Seconds()))
}

// endSession signs out: the row goes, and the cookie where there was one.
func (s *Server) endSession(c *fiber.Ctx) error {
	token, _ := c.Locals(localToken).(string)
	return s.saveCookie(c, token, -1)
}

func (s *Server) saveCookie(c *fiber.Ctx, token string, maxAge int) error {
	session, err := s.sessions.New((&http.Request{Header: http.Header{}}).WithContext(context.WithoutCancel(c.UserContext())), s.sessions.name())
	if err != nil {
		return err
	}
	session.ID, session.Options.MaxAge = token, maxAge
	session.Values[valueActor] = actorOf(c)
	w := headerWriter{http.Header{}}
	if err := session.Save(gorillaRequest(c, true), w); err != nil {
		return err
	}
	for _, v := range w.header["Set-Cookie"] {
		c.Response().Header.Add(fiber.HeaderSetCookie, v)
	}
	return nil
}
