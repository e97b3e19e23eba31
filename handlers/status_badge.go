package handlers

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

const (
	// mostLabel is how many characters a badge's label may have.
	mostLabel = 60
	// mostName is how many characters of a name a badge shows; its title has all of them.
	mostName = 40
)

// badgePeriods are the times that a badge may tell the uptime of, in days, with their words.
var badgePeriods = []struct {
	name, words string
	days        int
}{{"24h", "24 hours", 1}, {"7d", "7 days", 7}, {"30d", "30 days", 30}, {"90d", "90 days", 90}}

// badgeQuery is what a badge's address asks for.
type badgeQuery struct {
	show          string // state, uptime or latency
	period        int    // of badgePeriods
	label         string
	color, ground string
	style         views.BadgeStyle
	labelled      bool // false where the label is ours
}

// showBadge is a picture of the whole page in a few words.
func (s *Server) showBadge(c *fiber.Ctx, p models.StatusPage, v views.StatusPage) error {
	var all []models.StatusComponent
	for _, g := range v.Board.Groups {
		all = append(all, g.Components...)
	}
	return s.drawBadge(c, p, v, v.Board.Name, all, false)
}

// showComponentBadge is the same of one component.
func (s *Server) showComponentBadge(c *fiber.Ctx, p models.StatusPage, v views.StatusPage) error {
	return s.componentBadge(c, p, v, c.Params("component"))
}

func (s *Server) componentBadge(c *fiber.Ctx, p models.StatusPage, v views.StatusPage, named string) error {
	id, err := models.ParsePublicID(named)
	if err != nil {
		return &models.NotFound{What: "Component"}
	}
	component, ok := v.Board.Component(id)
	if !ok {
		return &models.NotFound{What: "Component"}
	}
	return s.drawBadge(c, p, v, component.Name, []models.StatusComponent{component}, true)
}

func (s *Server) drawBadge(c *fiber.Ctx, p models.StatusPage, v views.StatusPage, name string, of []models.StatusComponent, one bool) error {
	q, err := parseBadge(c, v.Board)
	if err != nil {
		return err
	}
	b := views.Badge{Label: q.label, Ground: q.ground, Style: q.style}
	var kind string
	switch q.show {
	case "uptime":
		period := badgePeriods[q.period]
		u, err := s.badgeUptime(c, p, of, period.days)
		if err != nil {
			return err
		}
		kind, b.Message = uptimeKind(u), v.Share(u)
		if !q.labelled {
			b.Label = cut(name, mostName-len(", 24 hours")) + ", " + v.T(period.words)
		}
		known := u.Measured() / time.Duration(max(len(of), 1))
		whole := periodOf(of, period.days)
		switch rest := u.NotMeasured(); {
		case known < time.Second: // the page says no figure of it either
			kind, b.Message = "unknown", v.T("not measured")
			b.Title = name + ", " + v.T(period.words) + ": " + b.Message
		case float64(u.Measured()+u.Maintenance) < nearlyAll*float64(whole):
			b.Title = name + ": " + v.T("%s up of %s measured in the last %s", b.Message, v.Span(known), v.T(period.words))
			b.Message += " " + v.T("of %s measured", v.Span(known))
		case rest >= time.Minute:
			b.Title = name + ": " + v.T("%s of the last %s up", b.Message, v.T(period.words)) + ", " + v.T("%s of it not measured", v.Span(rest/time.Duration(len(of))))
		default:
			b.Title = name + ": " + v.T("%s of the last %s up", b.Message, v.T(period.words))
		}
	case "latency":
		kind, b.Message = badgeLatency(v, of)
		if kind != "unknown" {
			b.Message = v.Dated(b.Message, v.Board.Measured)
		}
		if !q.labelled {
			b.Label = cut(name, mostName)
		}
		b.Title = name + ", " + v.T("round-trip time") + ": " + b.Message
	default:
		if one {
			kind, b.Message = v.Kind(of[0]), v.ComponentWord(of[0])
		} else {
			summary := v.Summary()
			kind, b.Message = summary.Kind, summary.Short
		}
		if !q.labelled {
			b.Label = cut(name, mostName)
		}
		b.Title = name + ": " + b.Message
	}
	if kind == "up" && q.show != "uptime" && v.Late() {
		kind = "unknown" // what was fine is not green for it
	}
	if b.Color = q.color; b.Color == "" {
		b.Color = views.BadgeColor(kind)
	}
	return sendFile(c, p, "image/svg+xml; charset=utf-8", b.SVG())
}

// badgeUptime adds up the uptimes of the components.
func (s *Server) badgeUptime(c *fiber.Ctx, p models.StatusPage, of []models.StatusComponent, days int) (models.Uptime, error) {
	last := func(c models.StatusComponent) models.Uptime { return c.LastDays(days) }
	if days == 1 {
		day, err := s.lastDays.of(c.UserContext(), p)
		if err != nil {
			return models.Uptime{}, err
		}
		last = func(c models.StatusComponent) models.Uptime { return day[c.ID] }
	}
	var sum models.Uptime
	for _, c := range of {
		u := last(c)
		sum.Up += u.Up
		sum.Degraded += u.Degraded
		sum.Down += u.Down
		sum.Unknown += u.Unknown
		sum.Maintenance += u.Maintenance
		sum.Excluded = u.Excluded
		sum.To = sum.To.Add(u.To.Sub(u.From)) // From stays zero: the times of all, one after the other
	}
	return sum, nil
}

// nearlyAll is the share of a period that has to be known for its uptime to be told without saying of how much it is.
const nearlyAll = 0.95

// periodOf is how long the last days are, for all of the components together: today is up to now.
func periodOf(of []models.StatusComponent, days int) (sum time.Duration) {
	for _, c := range of {
		if days == 1 {
			sum += 24 * time.Hour
			continue
		}
		for _, d := range c.Days[max(0, len(c.Days)-days):] {
			sum += d.Length
		}
	}
	return sum
}

// uptimeKind is whose colour an uptime has: three nines are fine, less than two are not.
func uptimeKind(u models.Uptime) string {
	good, all := u.Up+u.Degraded, u.Measured()
	switch {
	case all == 0:
		return "unknown"
	case good*1000 >= all*999:
		return "up"
	case good*100 >= all*99:
		return "degraded"
	default:
		return "down"
	}
}

// badgeLatency is the median of the components' last round-trip times, in the colour of what they are together.
func badgeLatency(v views.StatusPage, of []models.StatusComponent) (kind, text string) {
	var rtts []time.Duration
	kind, measured := "up", 0
	for _, c := range of {
		if c.CheckedAt.IsZero() || v.Board.Silent || c.State == models.StatePending || c.State == models.StatePaused || c.State == models.StateUnknown {
			continue
		}
		measured++
		if c.RTT >= 0 {
			rtts = append(rtts, c.RTT)
		}
		if c.State == models.StateDegraded && kind == "up" {
			kind = "degraded"
		}
	}
	switch {
	case measured == 0:
		return "unknown", v.T("not measured")
	case len(rtts) == 0:
		return "down", v.T("no reply")
	}
	slices.Sort(rtts)
	return kind, v.Milliseconds(rtts[len(rtts)/2])
}

// parseBadge reads the parameters, and names all that are wrong.
func parseBadge(c *fiber.Ctx, b models.StatusBoard) (q badgeQuery, err error) {
	var bad models.Invalid
	note := func(err error) {
		var e *models.Invalid
		if errors.As(err, &e) {
			bad.Fields = append(bad.Fields, e.Fields...)
		}
	}
	q.show, err = oneOf(c, "show", "state", "state", "uptime", "latency")
	note(err)
	if q.show == "latency" && b.Latency == models.LatencyNone {
		note(badField("show", "show must be state or uptime: this page shows no round-trip times"))
	}
	var names []string
	for _, p := range badgePeriods {
		names = append(names, p.name)
	}
	period, err := oneOf(c, "period", "90d", names...)
	note(err)
	q.period = slices.Index(names, period)
	var styles []string
	for _, style := range views.BadgeStyles {
		styles = append(styles, string(style))
	}
	style, err := oneOf(c, "style", styles[0], styles...)
	note(err)
	q.style = views.BadgeStyle(style)
	q.label, err = shortText(c, "label", "", mostLabel)
	note(err)
	q.labelled = c.Context().QueryArgs().Has("label")
	q.color, err = colorOf(c, "color", "")
	note(err)
	q.ground, err = colorOf(c, "labelColor", views.BadgeGround)
	note(err)
	if len(bad.Fields) > 0 {
		return q, &bad
	}
	return q, nil
}

var hexColor = regexp.MustCompile(`^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$`)

// colorOf is a parameter that is a colour of three or six hexadecimal digits, as #rrggbb.
func colorOf(c *fiber.Ctx, name, otherwise string) (string, error) {
	v := c.Query(name)
	if v == "" {
		return otherwise, nil
	}
	if !hexColor.MatchString(v) {
		return "", badField(name, name+" must be a colour of 3 or 6 hexadecimal digits, like 1a5a96")
	}
	v = strings.ToLower(strings.TrimPrefix(v, "#"))
	if len(v) == 3 {
		v = string([]byte{v[0], v[0], v[1], v[1], v[2], v[2]})
	}
	return "#" + v, nil
}
