package handlers

import (
	"net/http"

	"echolot/models"
	"echolot/static"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// showEmbed tells operators how to put the page's badges, widget and feeds elsewhere.
func (s *Server) showEmbed(c *fiber.Ctx) error {
	id, err := models.ParsePublicID(c.Params("id"))
	if err != nil {
		return &models.NotFound{What: "Status page"}
	}
	p, err := s.Store.StatusPage(c.UserContext(), actorOf(c), id)
	if err != nil {
		return err
	}
	board, err := s.statusBoard(c, p)
	if err != nil {
		return err
	}
	origin := s.statusLocation(p, "")
	_, integrity, _ := static.Widget(static.WidgetVersion)
	page := views.EmbedPage{Page: s.page(c, p.Name+", elsewhere", views.NavStatus), Head: s.statusHead(c, p, views.StatusNavEmbed), Name: p.Name, Visibility: p.Visibility, Published: p.IsPublished,
		FrameSites: frameSites(p.FrameSites), URL: s.statusAddress(p, ""), Origin: origin.Scheme + "://" + origin.Host, Script: s.statusAddress(p, "/widget.js", "v", static.WidgetVersion), Integrity: integrity,
		Frame: s.statusAddress(p, "/widget"), Badges: []views.EmbedBadge{s.embedBadge(p, p.Name, "/badge.svg")}}
	for _, g := range board.Groups {
		for _, component := range g.Components {
			page.Badges = append(page.Badges, s.embedBadge(p, component.Name, "/badge/"+component.ID.String()+".svg"))
		}
	}
	for _, f := range []struct{ name, path string }{{"Atom feed", "/feed.atom"}, {"JSON feed", "/feed.json"}, {"Calendar of maintenance", "/maintenance.ics"},
		{"State of everything as JSON", "/api/v2/summary.json"}, {"Incidents as JSON", "/api/v2/incidents.json"}} {
		page.Files = append(page.Files, views.EmbedFile{Name: f.name, URL: s.statusAddress(p, f.path)})
	}
	return draw(c, http.StatusOK, views.Embed(page))
}

// embedBadge is a badge with both of its addresses: pictures of another domain are not shown on our pages.
func (s *Server) embedBadge(p models.StatusPage, name, path string) views.EmbedBadge {
	here := p
	here.CustomDomain = ""
	local := s.statusLocation(here, path)
	local.Scheme, local.Host = "", ""
	return views.EmbedBadge{Name: name, Local: local.String(), URL: s.statusAddress(p, path)}
}
