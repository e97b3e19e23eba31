package handlers

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// visitCookie is the only cookie that a visitor ever gets, and only who gave a page's password.
const visitCookie = "status_visit"

// statusVisitor is what somebody brings who asks for a status page.
type statusVisitor struct {
	// key is a link's, visit and session are the tokens of cookies; each may be empty.
	key, visit, session string
	// away is true on the page's own domain, where nobody can be signed in; stays for who has the page open, and is not asked again soon.
	away, stays bool
}

func (s *Server) visitorOf(c *fiber.Ctx) statusVisitor {
	return statusVisitor{key: c.Query("key"), visit: c.Cookies(visitCookie), session: c.Cookies(s.sessions.name()), away: domainOf(c) != ""}
}

// lockedPage says that a status page wants its password first.
type lockedPage struct{ page models.StatusPage }

func (*lockedPage) Error() string { return "no visit to this status page" }
func (*lockedPage) Unwrap() error { return models.ErrUnauthorized }

// errMembersElsewhere says that a page for members is asked for at its own domain, where the program's cookie does not come.
var errMembersElsewhere = errors.New("members sign in at the program's own address")

func errNoStatusPage() error { return &models.NotFound{What: "Status page"} }

// mayVisit tells whether the visitor may see the page now; streams ask it again from time to time, with the page as it is then.
// Errors: *models.NotFound, *lockedPage, models.ErrUnauthorized where signing in may help, errMembersElsewhere.
func (s *Server) mayVisit(ctx context.Context, p models.StatusPage, v statusVisitor) error {
	if !p.IsPublished {
		return errNoStatusPage()
	}
	switch p.Visibility {
	case models.VisiblePublic:
		return nil
	case models.VisibleLink:
		if p.LinkToken == "" || subtle.ConstantTimeCompare([]byte(v.key), []byte(p.LinkToken)) != 1 {
			return errNoStatusPage()
		}
		return nil
	case models.VisiblePassword:
		err := s.admitted.visit(ctx, p, v.visit, !s.status.settled(p))
		if errors.Is(err, models.ErrUnauthorized) {
			return &lockedPage{p}
		}
		return err
	case models.VisibleMembers:
		if v.away {
			return errMembersElsewhere
		}
		if v.session == "" {
			return models.ErrUnauthorized
		}
		by, err := s.admitted.member(ctx, v.session, v.stays || !s.status.settled(p)) // a page that stays open is no use of the session
		if err != nil {
			return err
		}
		if !by.Role.Global() && !by.Sees(p.OrganizationID, p.CustomerID) { // a global role may look into every organization
			return errNoStatusPage()
		}
		return nil
	default:
		return errNoStatusPage()
	}
}

// slugShape is what a slug can look like; what does not is nobody's, and no text for a database either.
var slugShape = regexp.MustCompile(`^[a-z0-9-]{1,60}$`)

// pageOfSlug is the page of a slug, published or not. Errors: *models.NotFound.
func (s *Server) pageOfSlug(ctx context.Context, slug string) (models.StatusPage, error) {
	if !slugShape.MatchString(slug) {
		return models.StatusPage{}, errNoStatusPage()
	}
	return s.status.ofSlug(ctx, slug)
}

// visitAgain asks the gate again with what a stream was opened with: models.ErrUnauthorized where it would not open now, other
// errors for trouble of ours.
func (s *Server) visitAgain(c *fiber.Ctx) func(context.Context) (models.Actor, error) {
	slug, v := c.Params("slug"), s.visitorOf(c)
	v.stays = true
	return func(ctx context.Context) (models.Actor, error) {
		p, err := s.pageOfSlug(ctx, slug)
		if err == nil {
			err = s.mayVisit(ctx, p, v)
		}
		var gone *models.NotFound
		if errors.As(err, &gone) || errors.Is(err, errMembersElsewhere) {
			err = models.ErrUnauthorized
		}
		return models.Actor{}, err
	}
}

// openStatusPage is the page that the path or the host names, if the visitor may see it. Errors: *models.NotFound for one that is
// not there, not published, or not for this visitor; else as mayVisit says.
func (s *Server) openStatusPage(c *fiber.Ctx) (models.StatusPage, error) {
	if p, ok := c.Locals(localPreview).(models.StatusPage); ok {
		return p, nil
	}
	p, err := s.pageOfSlug(c.UserContext(), c.Params("slug"))
	if err != nil {
		return p, err
	}
	if err := s.mayVisit(c.UserContext(), p, s.visitorOf(c)); err != nil {
		return models.StatusPage{}, err
	}
	if p.NoIndex || p.Visibility != models.VisiblePublic {
		c.Set("X-Robots-Tag", "noindex, nofollow")
	}
	if p.Visibility == models.VisibleLink {
		c.Set(fiber.HeaderReferrerPolicy, "no-referrer") // the address is the key
	}
	return p, nil
}

// openStatusCover is openStatusPage for what a page is known by, its logo and colour: also for who has still to give its password.
func (s *Server) openStatusCover(c *fiber.Ctx) (models.StatusPage, error) {
	p, err := s.openStatusPage(c)
	var locked *lockedPage
	if errors.As(err, &locked) {
		c.Set("X-Robots-Tag", "noindex, nofollow")
		return locked.page, nil
	}
	return p, err
}

// statusBase stands in front of the page's own addresses: nothing on its domain.
func statusBase(c *fiber.Ctx, p models.StatusPage) string {
	if domainOf(c) != "" {
		return ""
	}
	return "/status/" + p.Slug
}

// statusPrefix is in front of everything that visitors ask for, also on a page's own domain: openDomains puts it there.
const statusPrefix = "/status/"

// forVisitors tells whether somebody asks who knows nothing of the program.
func forVisitors(c *fiber.Ctx) bool {
	return domainOf(c) != "" || strings.HasPrefix(c.Path(), statusPrefix)
}

// drawStatusTrouble answers a visitor with what is wrong, in a language that the visitor reads. It depends on nothing of a page: one that
// is not published must look like one that is not there.
func (s *Server) drawStatusTrouble(c *fiber.Ctx, status int) error {
	c.Set("X-Robots-Tag", "noindex, nofollow")
	c.Vary(fiber.HeaderAcceptLanguage)
	language := s.words.Best(c.Query("lang"), c.Get(fiber.HeaderAcceptLanguage), "en")
	return draw(c, status, views.StatusTrouble(views.StatusTroublePage{Status: status,
		StatusPage: views.StatusPage{Language: language, Words: s.words.In(language), Assets: s.assets}}))
}

// failStatus answers what only a status page refuses with; ok is false for every other error.
func (s *Server) failStatus(c *fiber.Ctx, err error) (ok bool, _ error) {
	var locked *lockedPage
	switch {
	case isFile(c): // programs read no form
		return false, nil
	case errors.As(err, &locked):
		return true, s.drawStatusGate(c, http.StatusUnauthorized, locked.page, views.StatusGate{})
	case errors.Is(err, errMembersElsewhere):
		return true, c.Redirect(strings.TrimSuffix(s.BaseURL.String(), "/")+c.Path(), http.StatusSeeOther) // the path was completed with the slug
	}
	return false, nil
}

// drawStatusGate answers with the form for a page's password.
func (s *Server) drawStatusGate(c *fiber.Ctx, status int, p models.StatusPage, gate views.StatusGate) error {
	c.Set("X-Robots-Tag", "noindex, nofollow")
	asked := c.Query("lang")
	language := s.words.Best(asked, c.Get(fiber.HeaderAcceptLanguage), p.Language)
	c.Vary(fiber.HeaderAcceptLanguage)
	gate.StatusPage = views.StatusPage{Language: language, Words: s.words.In(language), Assets: s.assets, Base: statusBase(c, p),
		Board: models.StatusBoard{Name: p.Name, Accent: p.Accent, HasLogo: p.LogoType != "", Version: p.SettingsVersion()}}
	month := monthAsked(c)
	if month != "" {
		gate.Back = "/history/" + month
	}
	gate.Action = gate.Base + "/login" + statusQuery("month", month, "lang", languageAsked(asked, language))
	return draw(c, status, views.StatusLogin(gate))
}

// monthAsked is the month of a page that was asked for, before the password or with it; empty for the page itself.
func monthAsked(c *fiber.Ctx) string {
	month := c.Query("month")
	if _, of, ok := strings.Cut(c.Path(), "/history/"); ok {
		month = of
	}
	if _, err := time.Parse(monthForm, month); err != nil {
		return ""
	}
	return month
}

// languageAsked is the language that was asked for, if there is it.
func languageAsked(asked, language string) string {
	if asked == language {
		return language
	}
	return ""
}

// statusQuery is a query of the names and values, without those that are empty.
func statusQuery(pairs ...string) string {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	if len(query) == 0 {
		return ""
	}
	return "?" + query.Encode()
}

// visitStatus takes a page's password.
func (s *Server) visitStatus(c *fiber.Ctx) error {
	values, err := formValues(c)
	if err != nil {
		return err
	}
	p, err := s.pageOfSlug(c.UserContext(), c.Params("slug"))
	if err != nil {
		return err
	}
	if !p.IsPublished || p.Visibility != models.VisiblePassword {
		return errNoStatusPage()
	}
	token, err := s.Store.StartStatusVisit(c.UserContext(), p, values["password"], s.clientAddress(c))
	var throttled *models.Throttled
	switch {
	case errors.Is(err, models.ErrWrongPassword):
		return s.drawStatusGate(c, http.StatusUnprocessableEntity, p, views.StatusGate{Wrong: true})
	case errors.As(err, &throttled):
		c.Set(fiber.HeaderRetryAfter, fmt.Sprint(throttled.RetryAfterSeconds))
		return s.drawStatusGate(c, http.StatusTooManyRequests, p, views.StatusGate{WaitSeconds: throttled.RetryAfterSeconds})
	case err != nil:
		return err
	}
	base := statusBase(c, p)
	path := base
	if path == "" {
		path = "/"
	}
	c.Cookie(&fiber.Cookie{Name: visitCookie, Value: token, Path: path, MaxAge: int(models.StatusVisitLifetime.Seconds()), HTTPOnly: true,
		Secure: s.sessions.secure || c.Context().IsTLS(), SameSite: "Lax"})
	to, asked := path, c.Query("lang")
	if month := monthAsked(c); month != "" {
		to = base + "/history/" + month
	}
	return c.Redirect(to+statusQuery("lang", languageAsked(asked, s.words.Best(asked, "", p.Language))), http.StatusSeeOther)
}

// showRobots lets crawlers see status pages, which say themselves whether they may be found, and nothing else.
func (s *Server) showRobots(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, "text/plain; charset=utf-8")
	if slug := c.Params("slug"); slug != "" {
		p, err := s.pageOfSlug(c.UserContext(), c.Params("slug"))
		if err != nil {
			return err
		}
		if !p.IsPublished {
			return errNoStatusPage()
		}
		if p.Visibility == models.VisiblePublic {
			return c.SendString("User-agent: *\nDisallow:\n")
		}
		return c.SendString("User-agent: *\nDisallow: /\n")
	}
	return c.SendString("User-agent: *\nAllow: /status/\nAllow: /static/\nDisallow: /\n")
}
