package handlers

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"echolot/models"
	"echolot/static"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// widgetRefresh is after how many seconds the frame reads itself again.
const widgetRefresh = "60"

// showWidgetScript is the script for other people's pages, the same for every status page: it finds its own by the address that it was
// loaded from.
func (s *Server) showWidgetScript(c *fiber.Ctx, p models.StatusPage, _ views.StatusPage) error {
	version := c.Query("v", static.WidgetVersion)
	script, _, ok := static.Widget(version)
	if !ok {
		return badField("v", "v must be a version of the script, "+static.WidgetVersion+" at most")
	}
	err := sendFile(c, p, "text/javascript; charset=utf-8", script)
	if c.Query("v") != "" && p.Visibility == models.VisiblePublic {
		c.Set(fiber.HeaderCacheControl, static.CacheControl) // a version never changes
	}
	return err
}

// showWidget is the frame. The page's own sites, and those that it names, may show it.
func (s *Server) showWidget(c *fiber.Ctx, p models.StatusPage, v views.StatusPage) error {
	theme, err := oneOf(c, "theme", "auto", "auto", "light", "dark")
	if err != nil {
		return err
	}
	page := views.StatusWidgetPage{StatusPage: v, Style: s.Assets.URL("widget.css"), Theme: theme, URL: s.statusAddress(p, "", "lang", v.Language)}
	var b bytes.Buffer
	if err := views.StatusWidget(page).Render(c.UserContext(), &b); err != nil {
		return fmt.Errorf("drawing a status page's widget: %w", err)
	}
	sites := frameSites(p.FrameSites)
	c.Set(fiber.HeaderContentSecurityPolicy, strings.Replace(contentPolicy, "frame-ancestors 'none'", "frame-ancestors "+strings.Join(append([]string{"'self'"}, sites...), " "), 1))
	c.Set(fiber.HeaderXFrameOptions, "SAMEORIGIN")
	if len(sites) > 0 {
		c.Response().Header.Del(fiber.HeaderXFrameOptions) // it can not name sites, and the policy says it all
	}
	c.Set("Refresh", widgetRefresh)
	err = sendFile(c, p, "text/html; charset=utf-8", b.Bytes())
	c.Response().Header.Del(fiber.HeaderAccessControlAllowOrigin) // a document, nothing for scripts
	return err
}

// frameSites are the origins that the policy can name; anything else could end its directive.
func frameSites(texts []string) []string {
	var sites []string
	for _, t := range texts {
		u, err := url.Parse(t)
		if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && !strings.ContainsAny(u.Host, " ;,'\"") {
			sites = append(sites, u.Scheme+"://"+u.Host)
		}
	}
	return sites
}
