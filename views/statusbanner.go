package views

import (
	"strings"

	"echolot/models"
)

// statusBanner is what the banner says.
type statusBanner struct {
	// Kind is the shape and colour.
	Kind, Head, Text string
	Reminders        []string
}

// mostNames is how many components the banner names of a kind.
const mostNames = 3

// banner sums the page up: the worst kind of its components, then maintenance, then incidents that nothing measured shows.
func (p StatusPage) banner() statusBanner {
	names := map[string][]string{}
	all := 0
	for _, g := range p.Board.Groups {
		for _, c := range g.Components {
			kind := p.kind(c)
			names[kind] = append(names[kind], c.Name)
			all++
		}
	}
	b := statusBanner{Reminders: p.reminders()}
	down, degraded, unknown := len(names["down"]), len(names["degraded"]), len(names["unknown"])
	switch {
	case all == 0:
		b.Kind, b.Head = "unknown", p.T("Nothing is shown here yet")
		return b
	case down > 0:
		b.Kind, b.Head = "down", p.N(down, "One service is down", "%d services are down")
	case degraded > 0:
		b.Kind, b.Head = "degraded", p.N(degraded, "One service is degraded", "%d services are degraded")
	case unknown == all:
		b.Kind, b.Head = "unknown", p.T("Nothing is measured at present")
		return b
	case unknown > 0:
		b.Kind, b.Head = "unknown", p.N(unknown, "One service is not measured", "%d services are not measured")
	case p.openIncident():
		b.Kind, b.Head = "degraded", p.T("An incident is being worked on")
	case len(names["maintenance"]) > 0:
		b.Kind, b.Head = "maintenance", p.T("Maintenance is under way")
	default:
		b.Kind, b.Head = "up", p.T("All services are up")
		return b
	}
	var text []string
	for _, kind := range []string{"down", "degraded", "unknown", "maintenance"} {
		if list := names[kind]; len(list) > 0 {
			text = append(text, p.bannerLine(kind, list))
		}
	}
	b.Text = strings.Join(append(text, p.T("%d of %d services are fine.", len(names["up"]), all)), " ")
	return b
}

// bannerLine names the components of a kind.
func (p StatusPage) bannerLine(kind string, names []string) string {
	list := strings.Join(names[:min(len(names), mostNames)], ", ")
	if more := len(names) - mostNames; more > 0 {
		list += " " + p.T("and %d more", more)
	}
	switch kind {
	case "down":
		return p.T("Down: %s.", list)
	case "degraded":
		return p.T("Degraded: %s.", list)
	case "maintenance":
		return p.T("Maintenance: %s.", list)
	default:
		return p.T("Not measured: %s.", list)
	}
}

// openIncident is true while people work on an incident.
func (p StatusPage) openIncident() bool {
	for _, n := range p.Board.Open {
		if n.Kind == models.KindIncident && n.State != models.PostResolved {
			return true
		}
	}
	return false
}

// reminders are of maintenance that begins soon.
func (p StatusPage) reminders() []string {
	var list []string
	for _, n := range p.Board.Announced {
		if n.Reminding {
			list = append(list, p.T("Maintenance begins %s: %s", p.Moment(n.StartsAt), n.Title))
		}
	}
	return list
}
