package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"
)

// viaHTMX tells whether HTMX asks for a fragment. A page that it restores is asked for whole.
func viaHTMX(c *fiber.Ctx) bool {
	return c.Get("HX-Request") == "true" && c.Get("HX-History-Restore-Request") != "true"
}

// draw answers with a component.
func draw(c *fiber.Ctx, status int, component templ.Component) error {
	c.Set(fiber.HeaderContentType, "text/html; charset=utf-8")
	c.Vary("HX-Request")
	c.Status(status)
	return component.Render(c.UserContext(), c.Response().BodyWriter())
}

// flashText is the line about what was just done; empty for a word of nobody's. A cookie carries the word over the
// redirect, never the text.
func flashText(word string) string {
	switch word {
	case "monitor.created":
		return "Monitor added."
	case "monitor.saved", "customer.saved", "status_page.saved":
		return "Saved."
	case "monitor.deleted":
		return "Monitor deleted."
	case "monitor.gone":
		return "Somebody deleted the monitor that you were looking at."
	case "monitor.paused":
		return "Paused."
	case "monitor.resumed":
		return "Checked again from now on."
	case "monitor.maintenance":
		return "Maintenance started: it goes on being checked and recorded."
	case "monitor.checked":
		return "A check is on its way."
	case "monitor.traced":
		return "A trace is on its way; it takes up to ten seconds."
	case "customer.cancelled":
		return "Customer cancelled: its monitors stop in three days."
	case "incident.acknowledged":
		return "Acknowledged."
	case "incident.commented":
		return "Comment added."
	case "status.told":
		return "Told: visitors see it now."
	case "status.hidden":
		return "Kept off the page."
	case "status.restored":
		return "No longer left out."
	case "status.saved":
		return "Saved."
	case "status.deleted":
		return "Deleted."
	case "status.takenback":
		return "Taken back."
	case "domain.set":
		return "Saved: now set the record, then check it."
	case "domain.proved":
		return "The record is there: the domain shows the page."
	case "domain.removed":
		return "The domain no longer shows the page."
	case "status_page.created":
		return "Status page added. Nobody sees it before it is published."
	case "status_page.link":
		return "The link is a new one; the old one opens nothing."
	case "status_page.deleted":
		return "Status page deleted."
	case "token.deleted":
		return "Token deleted."
	default:
		return ""
	}
}

const flashCookie = "flash"

// redirect sends the browser on after a form, with a line about what was done.
func (s *Server) redirect(c *fiber.Ctx, path, flash string) error {
	if flash != "" {
		c.Cookie(&fiber.Cookie{Name: flashCookie, Value: flash, Path: "/", MaxAge: 20, HTTPOnly: true, Secure: s.sessions.secure, SameSite: "Lax"})
	}
	if viaHTMX(c) {
		c.Set("HX-Redirect", path)
		return c.SendStatus(http.StatusNoContent)
	}
	return c.Redirect(path, http.StatusSeeOther)
}

// page is what every page shares: who, where, and what is wrong with our own measuring.
func (s *Server) page(c *fiber.Ctx, title, nav string) views.Page {
	p := views.Page{Title: title, Nav: nav, Assets: s.assets, BaseURL: strings.TrimSuffix(s.BaseURL.String(), "/"), Theme: c.Cookies("theme"),
		CSRF: csrfToken(c), Search: c.Query("search")}
	if word := c.Cookies(flashCookie); word != "" {
		if text := flashText(word); text != "" {
			p.Flash = &views.Flash{Text: text}
		}
		c.Cookie(&fiber.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, HTTPOnly: true, Secure: s.sessions.secure, SameSite: "Lax"})
	}
	by := actorOf(c)
	if by.Role == "" {
		return p
	}
	p.MayTokens, p.MayProber = by.May(models.MayManageTokens), by.May(models.MaySeeProber)
	s.fillAccount(c, by, &p)
	return p
}

// fillAccount adds the user, the organization and the notices. What can not be read is left out: a page about trouble
// must not fail for the same trouble.
func (s *Server) fillAccount(c *fiber.Ctx, by models.Actor, p *views.Page) {
	ctx := c.UserContext()
	account, err := s.Store.Account(ctx, by)
	if err != nil {
		return
	}
	name := strings.TrimSpace(account.FirstName + " " + account.LastName)
	if name == "" {
		name = account.Email
	}
	p.User = &views.User{Name: name, Email: account.Email, Role: string(by.Role)}
	p.Organization = account.Organization
	if by.Role.Global() {
		if list, err := s.Store.Organizations(ctx, by); err == nil {
			for _, o := range list {
				p.Organizations = append(p.Organizations, views.Choice{Value: o.PublicID.String(), Label: o.Name})
			}
		}
	}
	p.Notices = s.proberNotices(c)
	counts, err := s.Store.Counts(ctx, by)
	if err != nil {
		return
	}
	p.OpenIncidents = counts.OpenIncidents
	if len(p.Notices) == 0 && counts.Unmeasured > 0 {
		p.Notices = append(p.Notices, views.NotMeasured(counts.Unmeasured))
	}
}

// proberNotices say why every monitor is unknown, or why what is shown is not the newest, where that is so.
func (s *Server) proberNotices(c *fiber.Ctx) []views.Notice {
	beat, alive, err := s.Store.Heartbeat(c.UserContext())
	if err != nil {
		return nil
	}
	now := time.Now()
	waiting := beat.Figures.Storage.Behind(now)
	if !alive {
		waiting = 0 // whoever said so is gone
	}
	if s.Storage != nil {
		waiting = max(waiting, s.Storage().Behind(now))
	}
	var notices []views.Notice
	switch {
	case waiting > 0:
		// Comes before the silence of a heartbeat that waits for the same database.
		notices = append(notices, views.ResultsWait(waiting))
	case !alive:
		notices = append(notices, views.Notice{Strong: "Nobody is probing.", Text: "What is shown is the last that was measured; no monitor is called down for it."})
	}
	if alive && !beat.CanPing() {
		notices = append(notices, views.NoRightToPing())
	} else if alive && beat.Figures.Blind != nil {
		notices = append(notices, views.ProberBlind(*beat.Figures.Blind))
	}
	return notices
}

// failPage answers an error on a page: the way to sign in, a line for HTMX, or a page.
func (s *Server) failPage(c *fiber.Ctx, p problem, id string) error {
	if p.status == http.StatusUnauthorized && actorOf(c).Role == "" {
		login := "/login"
		if c.Method() == fiber.MethodGet && !viaHTMX(c) && c.Path() != "/" {
			login += "?next=" + url.QueryEscape(c.OriginalURL())
		}
		if viaHTMX(c) {
			c.Set("HX-Redirect", login)
			return c.SendStatus(http.StatusUnauthorized)
		}
		return c.Redirect(login, http.StatusSeeOther)
	}
	if forVisitors(c) {
		return s.drawStatusTrouble(c, p.status)
	}
	message := p.message
	switch p.status {
	case 403, 404, 413, 500:
		message = p.onPage // or the page's own words: they say it better than the API's
	}
	if viaHTMX(c) {
		return draw(c, p.status, views.TroubleFragment(p.status, message))
	}
	if p.status != 500 {
		id = ""
	}
	title, _ := views.TroubleText(p.status)
	page := s.page(c, title, "")
	if by := actorOf(c); by.Role.Global() && by.OrganizationID == 0 && p.status == 400 {
		message = "Choose an organization in the bar above."
	}
	return draw(c, p.status, views.Trouble(views.TroublePage{Page: page, Status: p.status, RequestID: id, Message: message}))
}

// customerChoices are the customers that the actor sees, for a select.
func (s *Server) customerChoices(c *fiber.Ctx) ([]views.Choice, error) {
	list, err := s.Store.Customers(c.UserContext(), actorOf(c))
	return choicesOf(list), err
}

func choicesOf(list []models.Customer) []views.Choice {
	choices := make([]views.Choice, 0, len(list))
	for i := len(list) - 1; i >= 0; i-- { // oldest first: the first customer is the one that most people have
		if list[i].Status != models.CustomerCancelled {
			choices = append(choices, views.Choice{Value: list[i].PublicID.String(), Label: list[i].Name})
		}
	}
	return choices
}

// showHome leads to the monitors.
func (s *Server) showHome(c *fiber.Ctx) error {
	return c.Redirect("/monitors", http.StatusSeeOther)
}

// chooseOrganization keeps a global role's choice in its session.
func (s *Server) chooseOrganization(c *fiber.Ctx) error {
	values, err := formValues(c)
	if err != nil {
		return err
	}
	by := actorOf(c)
	if !by.Role.Global() {
		return models.ErrForbidden
	}
	ref, err := models.ParseRef(values["organizationId"])
	if err != nil {
		return badField("organizationId", "organizationId is required")
	}
	token, _ := c.Locals(localToken).(string)
	if err := s.Store.RememberOrganization(c.UserContext(), by, token, ref); err != nil {
		return err
	}
	return s.redirect(c, "/monitors", "")
}
