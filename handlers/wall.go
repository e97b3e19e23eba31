package handlers

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// worstShown is how many monitors in trouble stand beside the wall.
const worstShown = 14

// linePage is how many lines the wall's script asks the words of at a time.
const linePage = 300

// showWall is every monitor's last hour.
func (s *Server) showWall(c *fiber.Ctx) error {
	ctx, by, now := c.UserContext(), actorOf(c), time.Now()
	lines, err := s.Store.Wall(ctx, by, now)
	if err != nil {
		return err
	}
	customers, err := s.Store.Customers(ctx, by)
	if err != nil {
		return err
	}
	counts, err := s.Store.Counts(ctx, by)
	if err != nil {
		return err
	}
	worst, _, err := s.Store.Monitors(ctx, by, models.MonitorsFilter{Sort: "state", Page: 1, PerPage: worstShown})
	if err != nil {
		return err
	}
	p := views.WallPage{Counters: counters(counts, now), Groups: wallGroups(lines, customers), Now: now}
	if len(lines) == models.MostWallLines {
		p.Cut = max(0, counts.Total()-len(lines))
	}
	for _, m := range worst {
		if m.State.Rank > models.Rank(models.StatusActive, models.StateUnknown, false) {
			break
		}
		p.Worst = append(p.Worst, views.WorstRow{Live: liveMonitor(m, now), Name: m.Name, Customer: m.CustomerName, Minutes: m.State.Minutes(now, m.Interval())})
	}
	if viaHTMX(c) {
		return draw(c, http.StatusOK, views.WallBody(p))
	}
	p.Page = s.page(c, "Overview", views.NavWall)
	return draw(c, http.StatusOK, views.Wall(p))
}

// wallGroups puts lines, which come by customer, under the customers' names, by name.
func wallGroups(lines []models.WallLine, customers []models.Customer) []views.WallGroup {
	var groups []views.WallGroup
	byID := make(map[int64]models.Customer, len(customers))
	for _, c := range customers {
		byID[c.ID] = c
	}
	for len(lines) > 0 {
		id := lines[0].CustomerID
		end := slices.IndexFunc(lines, func(l models.WallLine) bool { return l.CustomerID != id })
		if end < 0 {
			end = len(lines)
		}
		if customer, ok := byID[id]; ok {
			groups = append(groups, views.WallGroup{PublicID: customer.PublicID.String(), Name: customer.Name, Lines: lines[:end]})
		}
		lines = lines[end:]
	}
	slices.SortStableFunc(groups, func(a, b views.WallGroup) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return groups
}

// showWallLines says in words what some lines of a customer's are, in their order: what the script puts into the readout.
func (s *Server) showWallLines(c *fiber.Ctx) error {
	ref, err := models.ParseRef(c.Query("customerId"))
	if err != nil {
		return badField("customerId", "customerId must be a number or a UUID")
	}
	page, ok := queryInt(c, "page", 1, 1, models.MostWallLines)
	if !ok {
		return badField("page", "page must be a whole number from 1")
	}
	rows, _, err := s.Store.Monitors(c.UserContext(), actorOf(c), models.MonitorsFilter{Customer: ref, Sort: "created", Page: page, PerPage: linePage})
	if err != nil {
		return err
	}
	now := time.Now()
	texts := make([]views.LineText, len(rows))
	for i, m := range rows {
		texts[i] = views.NewLineText(liveMonitor(m, now), m.Name, m.HostnameTyped)
	}
	return sendJSON(c, http.StatusOK, texts)
}
