package handlers

import (
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// The JSON that programs which read status pages know: Atlassian Statuspage's API v2. Where something could not be measured we say
// "unknown", which that API has no word for: neither "operational" nor an outage would be true. Ids are the page's own.

// v2Page is the page. UpdatedAt is of when the answer is: of the newest check, or of what was changed or told since.
type v2Page struct {
	ID        uuid.UUID `json:"id"`
	Name      string    `json:"name"`
	URL       string    `json:"url"`
	TimeZone  string    `json:"time_zone"`
	UpdatedAt isoTime   `json:"updated_at"`
}

// v2Status is all in one: the indicator is none, minor, major, critical, maintenance or unknown.
type v2Status struct {
	Indicator   string `json:"indicator"`
	Description string `json:"description"`
}

// v2Component is a monitor, or a group of them.
type v2Component struct {
	ID                 uuid.UUID   `json:"id"`
	Name               string      `json:"name"`
	Status             string      `json:"status"`
	CreatedAt          isoTime     `json:"created_at"`
	UpdatedAt          isoTime     `json:"updated_at"`
	Position           int         `json:"position"`
	Description        *string     `json:"description"`
	Showcase           bool        `json:"showcase"`
	StartDate          *string     `json:"start_date"`
	GroupID            *uuid.UUID  `json:"group_id"`
	PageID             uuid.UUID   `json:"page_id"`
	Group              bool        `json:"group"`
	OnlyShowIfDegraded bool        `json:"only_show_if_degraded"`
	Components         []uuid.UUID `json:"components,omitempty"`
}

// v2Answer has what the address asks for.
type v2Answer struct {
	Page         v2Page        `json:"page"`
	Components   []v2Component `json:"components,omitzero"`
	Incidents    []v2Incident  `json:"incidents,omitzero"`
	Maintenances []v2Incident  `json:"scheduled_maintenances,omitzero"`
	Status       *v2Status     `json:"status,omitempty"`
}

// v2 builds the parts of the answers.
type v2 struct {
	s      *Server
	page   models.StatusPage
	view   views.StatusPage
	pageID uuid.UUID
	// past is what is over, as far back as the answer goes.
	past []models.StatusNotice
	// worked is when maintenance of the components of a name last began or ended, as far as the board tells.
	worked map[string]time.Time
	all    []v2Component
	// places are those of the monitors of a name in all.
	places map[string][]int
	md     *views.Markdown
}

func (s *Server) v2(p models.StatusPage, v views.StatusPage, past []models.StatusNotice) v2 {
	b := v2{s: s, page: p, view: v, pageID: p.ComponentID(uuid.Nil), past: past, worked: worked(v.Board), places: map[string][]int{}, md: views.NewMarkdown()}
	b.all = b.components()
	for i, c := range b.all {
		if !c.Group {
			b.places[c.Name] = append(b.places[c.Name], i)
		}
	}
	return b
}

// showV2 is a handler of one of the answers; fill chooses what is in it.
func (s *Server) showV2(fill func(b v2, a *v2Answer)) fiber.Handler {
	return s.elsewhere(func(c *fiber.Ctx, p models.StatusPage, v views.StatusPage) error {
		return s.sendV2(c, p, v, v.Board.Past, fill)
	})
}

// showV2Past is showV2 of an answer that lists what is over, of as many days as feeds do.
func (s *Server) showV2Past(fill func(b v2, a *v2Answer)) fiber.Handler {
	return s.elsewhere(func(c *fiber.Ctx, p models.StatusPage, v views.StatusPage) error {
		past, err := s.past(c, p, v.Board)
		if err != nil {
			return err
		}
		return s.sendV2(c, p, v, past, fill)
	})
}

func (s *Server) sendV2(c *fiber.Ctx, p models.StatusPage, v views.StatusPage, past []models.StatusNotice, fill func(b v2, a *v2Answer)) error {
	b := s.v2(p, v, past)
	answer := v2Answer{Page: b.head()}
	fill(b, &answer)
	return sendFileJSON(c, p, "application/json; charset=utf-8", answer)
}

func v2Summary(b v2, a *v2Answer) {
	board := b.view.Board
	a.Components, a.Status = b.all, b.status()
	a.Incidents = b.incidents(models.KindIncident, board.Open)
	a.Maintenances = b.incidents(models.KindMaintenance, board.Open, board.Announced)
}

func v2StatusOnly(b v2, a *v2Answer) { a.Status = b.status() }

func v2Components(b v2, a *v2Answer) { a.Components = b.all }

func v2Incidents(b v2, a *v2Answer) {
	a.Incidents = b.newest(models.KindIncident, b.view.Board.Open, b.past)
}

func v2Unresolved(b v2, a *v2Answer) {
	a.Incidents = b.incidents(models.KindIncident, b.view.Board.Open)
}

func v2ActiveMaintenances(b v2, a *v2Answer) {
	a.Maintenances = b.incidents(models.KindMaintenance, b.view.Board.Open)
}

func v2UpcomingMaintenances(b v2, a *v2Answer) {
	a.Maintenances = b.incidents(models.KindMaintenance, b.view.Board.Announced)
}

func v2Maintenances(b v2, a *v2Answer) {
	a.Maintenances = b.newest(models.KindMaintenance, b.view.Board.Open, b.view.Board.Announced, b.past)
}

func (b v2) head() v2Page {
	at := b.page.UpdatedAt
	later := func(t time.Time) {
		if t.After(at) {
			at = t
		}
	}
	later(b.view.Board.Measured)
	for _, c := range b.all {
		later(c.UpdatedAt.Time)
	}
	for _, list := range [][]models.StatusNotice{b.view.Board.Open, b.view.Board.Announced, b.past} {
		for _, n := range list {
			later(n.UpdatedAt)
		}
	}
	return v2Page{ID: b.pageID, Name: b.view.Board.Name, URL: b.s.statusAddress(b.page, ""), TimeZone: b.view.Board.TimeZone, UpdatedAt: isoTime{at}}
}

// status is what was measured, and trouble that people tell of is never said to be none.
func (b v2) status() *v2Status {
	sum := b.view.Summary()
	out := &v2Status{Description: sum.Text}
	switch {
	case sum.Kind == "down" && sum.Count == sum.Of:
		out.Indicator = "critical"
	case sum.Kind == "down":
		out.Indicator = "major"
	case sum.Kind == "degraded":
		out.Indicator = "minor"
	case sum.Kind == "up":
		out.Indicator = "none"
	default:
		out.Indicator = sum.Kind
	}
	return out
}

// components are all monitors in the page's order, each group before its own.
func (b v2) components() []v2Component {
	out := []v2Component{}
	for _, g := range b.view.Board.Groups {
		group := -1
		var id *uuid.UUID
		if g.Name != "" {
			of := b.page.ComponentID(uuid.NewSHA1(uuid.Nil, []byte(models.GroupKey(g.Name))))
			id, group = &of, len(out)
			out = append(out, b.component(models.StatusComponent{ID: of, Name: g.Name}, len(out)+1, b.groupStatus(g)))
			out[group].Group = true
		}
		for _, c := range g.Components {
			one := b.component(c, len(out)+1, v2Word(b.view.Kind(c)))
			one.GroupID = id
			out = append(out, one)
			if group >= 0 {
				out[group].Components = append(out[group].Components, c.ID)
				if one.UpdatedAt.After(out[group].UpdatedAt.Time) {
					out[group].UpdatedAt = one.UpdatedAt
				}
				if len(out[group].Components) == 1 || one.CreatedAt.Before(out[group].CreatedAt.Time) {
					out[group].CreatedAt = one.CreatedAt
				}
			}
		}
	}
	return out
}

func (b v2) component(c models.StatusComponent, position int, status string) v2Component {
	return v2Component{ID: c.ID, Name: c.Name, Status: status, CreatedAt: isoTime{c.CreatedAt}, UpdatedAt: isoTime{b.changed(c)}, Position: position,
		Description: nonEmpty(c.Host), PageID: b.pageID}
}

// changed is when the component last became what is told of it: by its state, by its settings, or because maintenance of it began or
// ended.
func (b v2) changed(c models.StatusComponent) time.Time {
	at := c.CreatedAt
	later := func(t time.Time) {
		if t.After(at) {
			at = t
		}
	}
	later(c.UpdatedAt)
	later(b.view.Board.NotMeasuredSince(c))
	later(b.worked[c.Name])
	return at
}

// worked is when maintenance of the components of each name last began or ended.
func worked(b models.StatusBoard) map[string]time.Time {
	of := map[string]time.Time{}
	note := func(n models.StatusNotice, at time.Time) {
		if n.Kind != models.KindMaintenance {
			return
		}
		for _, name := range n.Components {
			if at.After(of[name]) {
				of[name] = at
			}
		}
	}
	for _, n := range b.Open {
		note(n, n.StartsAt)
	}
	for _, n := range b.Past {
		note(n, n.EndsAt)
	}
	return of
}

// v2Word is that API's word for a kind; "unknown" is ours.
func v2Word(kind string) string {
	switch kind {
	case "up":
		return "operational"
	case "degraded":
		return "degraded_performance"
	case "down":
		return "major_outage"
	case "maintenance":
		return "under_maintenance"
	default:
		return "unknown"
	}
}

// groupStatus is the worst of a group; part of it being down is a partial outage.
func (b v2) groupStatus(g models.StatusGroup) string {
	counts := map[string]int{}
	for _, c := range g.Components {
		counts[b.view.Kind(c)]++
	}
	switch {
	case counts["down"] == len(g.Components):
		return "major_outage"
	case counts["down"] > 0:
		return "partial_outage"
	}
	for _, kind := range [...]string{"degraded", "unknown", "maintenance"} {
		if counts[kind] > 0 {
			return v2Word(kind)
		}
	}
	return "operational"
}
