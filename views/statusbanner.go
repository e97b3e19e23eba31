package views

import (
	"slices"
	"strings"

	"echolot/models"
)

// statusBanner is what the banner says.
type statusBanner struct {
	// Kind is the shape and colour.
	Kind, Head, Text string
	// When is HTML behind Head: of when that is, where it is not now.
	When string
	// Reminders are HTML: of maintenance that begins soon.
	Reminders []string
}

// mostNames is how many components the banner names of a kind.
const mostNames = 3

// verdict is how all of a page is together. Banner, badges, the widget and JSON say it in their own words, but there is one.
type verdict struct {
	// Kind is up, degraded, down, maintenance or unknown.
	Kind string
	// Incident is true where Kind comes from an incident that nothing measured shows.
	Incident bool
	// Unstable are the names in measured incidents that stay open although all of it is up; Turning is true where Kind comes from these alone.
	Unstable []string
	Turning  bool
	// Names are the names of the components of each kind, and of those that are paused while others are measured; All is how many components there are.
	Names map[string][]string
	All   int
}

// verdict is the worst of the components: down, then degraded; then an incident that people told of, which what is not measured (often
// on purpose) must not hide; then what is not measured, any other open incident, and maintenance, of no matter what.
func (p StatusPage) verdict() verdict {
	v := verdict{Names: map[string][]string{}}
	for _, g := range p.Board.Groups {
		for _, c := range g.Components {
			kind := p.Kind(c)
			v.Names[kind] = append(v.Names[kind], c.Name)
			v.All++
		}
	}
	p.setAside(v)
	open, told := p.openIncident()
	working := len(v.Names["maintenance"]) > 0
	for _, n := range p.Board.Open {
		for _, name := range p.unstable(n) {
			if !slices.Contains(v.Unstable, name) {
				v.Unstable = append(v.Unstable, name)
			}
		}
		working = working || n.Kind == models.KindMaintenance
	}
	switch {
	case len(v.Names["down"]) > 0:
		v.Kind = "down"
	case len(v.Names["degraded"]) > 0:
		v.Kind = "degraded"
	case told:
		v.Kind, v.Incident = "degraded", true
	case v.All == 0, len(v.Names["unknown"]) > 0:
		v.Kind = "unknown"
	case open:
		v.Kind, v.Incident, v.Turning = "degraded", true, len(v.Unstable) > 0
	case working:
		v.Kind = "maintenance"
	default:
		v.Kind = "up"
	}
	return v
}

// headline is the verdict in one sentence, without a full stop and without the moment that it is of.
func (p StatusPage) headline(v verdict) string {
	n := len(v.Names[v.Kind])
	switch {
	case v.Turning:
		return p.N(len(v.Unstable), "One service is unstable", "%d services are unstable")
	case v.Incident:
		return p.T("An incident is being worked on")
	case v.All == 0:
		return p.T("Nothing is shown here yet")
	case v.Kind == "down":
		return p.N(n, "One service is down", "%d services are down")
	case v.Kind == "degraded":
		return p.N(n, "One service is degraded", "%d services are degraded")
	case v.Kind == "unknown" && p.Board.Silent:
		return p.T("No new results")
	case v.Kind == "unknown" && n == v.All:
		return p.T("Nothing is measured at present")
	case v.Kind == "unknown":
		return p.N(n, "One service is not measured", "%d services are not measured")
	case v.Kind == "maintenance":
		return p.T("Maintenance is under way")
	default:
		return p.allUp(v)
	}
}

// banner says the verdict, and names what is not up.
func (p StatusPage) banner() statusBanner {
	v := p.verdict()
	names := v.Names
	b := statusBanner{Kind: v.Kind, Head: p.headline(v), Reminders: p.reminders()}
	if newest := p.Board.Measured; v.All > 0 && !newest.IsZero() {
		tag := timeTag(newest, p.exactly(newest), "")
		switch {
		case p.Late():
			b.When = ` <span class="as-of">` + around(p.T("as of %s", timeMark), tag) + `</span>`
		case p.Board.Silent && v.Kind == "unknown":
			b.When = ` <span class="as-of">` + around(p.T("since %s", timeMark), tag) + `</span>`
		}
	}
	if v.All == 0 || v.Kind == "up" && len(names["paused"]) == 0 || v.Kind == "unknown" && !v.Incident && len(names["unknown"]) == v.All {
		return b
	}
	var text []string
	if len(v.Unstable) > 0 {
		text = append(text, p.bannerLine("unstable", v.Unstable))
	}
	for _, kind := range []string{"down", "degraded", "unknown", "maintenance", "paused"} {
		if list := names[kind]; len(list) > 0 {
			text = append(text, p.bannerLine(kind, list))
		}
	}
	fine := 0
	for _, name := range names["up"] {
		if !slices.Contains(v.Unstable, name) {
			fine++
		}
	}
	b.Text = strings.Join(append(text, p.T("%d of %d services are fine.", fine, v.All-len(names["paused"]))), " ")
	return b
}

// bannerLine names the components of a kind.
func (p StatusPage) bannerLine(kind string, names []string) string {
	list := isolatedList(names[:min(len(names), mostNames)])
	if more := len(names) - mostNames; more > 0 {
		list += " " + p.T("and %d more", more)
	}
	switch kind {
	case "down":
		return p.T("Down: %s.", list)
	case "degraded":
		return p.T("Degraded: %s.", list)
	case "unstable":
		return p.T("Up and down by turns: %s.", list)
	case "maintenance":
		return p.T("Maintenance: %s.", list)
	case "paused":
		return p.T("Paused: %s.", list)
	default:
		return p.T("Not measured: %s.", list)
	}
}

// unstable are the names in a notice that are up and down by turns, as far as that is known now.
func (p StatusPage) unstable(n models.StatusNotice) []string {
	if p.Board.Silent {
		return nil
	}
	return n.Unstable
}

// openIncident tells whether there is an incident that is not over, and whether people told of one: of a measured one that nobody told
// of it is known only as long as somebody measures.
func (p StatusPage) openIncident() (open, told bool) {
	for _, n := range p.Board.Open {
		if n.Kind == models.KindIncident && n.State != models.PostResolved {
			open = true
			told = told || n.Type == models.IncidentNone || n.State != ""
		}
	}
	return open, told
}

// reminders tell of maintenance that begins soon, as HTML.
func (p StatusPage) reminders() []string {
	var list []string
	for _, n := range p.Board.Announced {
		if n.Reminding {
			list = append(list, around(p.T("Maintenance begins %s: %s", timeMark, isolated(n.Title)), p.momentTag(n.StartsAt)))
		}
	}
	return list
}
