package views

import (
	"time"

	"echolot/models"
)

// StatusSummary is a page in a few words, for where there is no room for it: badges, the widget, feeds, JSON.
type StatusSummary struct {
	// Kind is up, degraded, down, maintenance or unknown. While nobody measures it is unknown, whatever was measured last.
	Kind string
	// Incident is true where people work on an incident that nothing measured shows: the kind is degraded, and no component may be.
	Incident bool
	// Unstable is how many of them are up and down by turns, where the kind comes from that.
	Unstable int
	// Count is how many of Of components are of that kind.
	Count, Of int
	// Text is a sentence without a full stop, Short a word or two.
	Text, Short string
	// Components are the kinds of all, by their order on the page.
	Components []StatusSummaryLine
}

// StatusSummaryLine is one component of a summary.
type StatusSummaryLine struct {
	Name, Kind, Word string
}

// Summary sums the page up as it is now. It comes to the banner's verdict.
func (p StatusPage) Summary(now time.Time) StatusSummary {
	silent := p.Board.Silent(now)
	v := p.verdict(silent)
	s := StatusSummary{Kind: v.Kind, Incident: v.Incident, Unstable: len(v.Unstable), Count: len(v.Names[v.Kind]), Of: v.All}
	for _, g := range p.Board.Groups {
		for _, c := range g.Components {
			kind := ComponentKind(c, silent)
			s.Components = append(s.Components, StatusSummaryLine{Name: c.Name, Kind: kind, Word: p.KindWord(kind)})
		}
	}
	s.Text, s.Short = p.summaryText(s), p.KindWord(s.Kind)
	if v.Kind == "up" && v.All > 1 {
		s.Text = p.allUp(v)
	}
	switch {
	case s.Unstable > 0:
		s.Short = p.T("unstable")
	case s.Incident:
		s.Short = p.T("incident")
	case s.Count < s.Of && (s.Kind == "down" || s.Kind == "degraded" || s.Kind == "unknown"):
		s.Short = p.T("%d of %d", s.Count, s.Of) + " " + s.Short
	}
	return s
}

func (p StatusPage) summaryText(s StatusSummary) string {
	switch {
	case s.Unstable > 0:
		return p.N(s.Unstable, "One service is unstable", "%d services are unstable")
	case s.Incident:
		return p.T("An incident is being worked on")
	case s.Of == 0:
		return p.T("Nothing is shown here yet")
	case s.Kind == "maintenance" && s.Count == 0:
		return p.T("Maintenance is under way")
	case s.Of == 1:
		return s.Components[0].Name + ": " + p.KindWord(s.Kind)
	case s.Kind == "maintenance":
		return p.T("Maintenance is under way")
	case s.Kind == "unknown" && s.Count == s.Of:
		return p.T("Nothing is measured at present")
	case s.Kind == "down" && s.Count == s.Of:
		return p.T("All services are down")
	case s.Kind == "degraded" && s.Count == s.Of:
		return p.T("All services are degraded")
	case s.Kind == "down":
		return p.T("%d of %d services down", s.Count, s.Of)
	case s.Kind == "degraded":
		return p.T("%d of %d services degraded", s.Count, s.Of)
	default:
		return p.T("%d of %d services not measured", s.Count, s.Of)
	}
}

// ComponentKind is up, degraded, down, maintenance, or unknown for all that is not measured. silent is true while nobody measures.
func ComponentKind(c models.StatusComponent, silent bool) string {
	switch {
	case c.Maintenance:
		return "maintenance"
	case silent:
		return "unknown"
	case c.State == models.StateUp, c.State == models.StateDegraded, c.State == models.StateDown:
		return string(c.State)
	default:
		return "unknown"
	}
}

// KindWord is the word for a kind within a sentence.
func (p StatusPage) KindWord(kind string) string {
	if kind == "unknown" {
		return p.T("not measured")
	}
	return p.T(kind)
}

// Share is an uptime as people read it: 99.94 %, or that it was not measured. It is cut, never rounded.
func (p StatusPage) Share(u models.Uptime) string {
	percent := u.Percent(2)
	if percent == "" {
		return p.T("not measured")
	}
	return p.decimal(percent) + nbsp + "%"
}

// Milliseconds is a round-trip time as people read it, with two figures at least: 0.42 ms, 8.2 ms, 120 ms.
func (p StatusPage) Milliseconds(d time.Duration) string { return p.ms(d) }

// germanElsewhere is the catalogue's German half of what stands elsewhere.
func germanElsewhere() map[string]string {
	return map[string]string{
		"up": "erreichbar", "degraded": "beeinträchtigt", "down": "ausgefallen", "not measured": "nicht gemessen", "maintenance": "Wartung",
		"status": "Status", "uptime": "Verfügbarkeit", "round-trip time": "Laufzeit", "no reply": "keine Antwort", "%d of %d": "%d von %d",
		"24 hours": "24 Stunden", "7 days": "7 Tage", "30 days": "30 Tage", "90 days": "90 Tage",
		"%s of the last %s up": "%s der letzten %s erreichbar", "%s of it not measured": "%s davon nicht gemessen",
		"Nothing is shown here yet": "Hier wird noch nichts gezeigt", "Nothing is measured at present": "Zurzeit wird nichts gemessen",
		"Maintenance is under way": "Wartungsarbeiten laufen", "All services are up": "Alle Dienste sind erreichbar",
		"unstable": "instabil", "Up and down by turns: %s.": "Im Wechsel erreichbar und ausgefallen: %s.",
		"incident": "Störung", "All services are down": "Alle Dienste sind ausgefallen",
		"All services are degraded": "Alle Dienste sind beeinträchtigt", "%d of %d services down": "%d von %d Diensten ausgefallen",
		"%d of %d services degraded": "%d von %d Diensten beeinträchtigt", "%d of %d services not measured": "%d von %d Diensten nicht gemessen",
		"and %d more": "und %d weitere", "Status page": "Statusseite",
		"Affects: %s": "Betrifft: %s",
	}
}
