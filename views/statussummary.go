package views

import (
	"time"

	"echolot/models"
)

// StatusSummary is a page in a few words, for where there is no room for it: badges, the widget, feeds, JSON.
type StatusSummary struct {
	// Kind is up, degraded, down, maintenance or unknown. While the board is silent it is unknown, whatever was measured last.
	Kind string
	// Incident is true where people work on an incident that nothing measured shows: the kind is degraded, and no component may be.
	Incident bool
	// Unstable is how many of them are up and down by turns, where the kind comes from that.
	Unstable int
	// Count is how many of Of components are of that kind.
	Count, Of int
	// Text is the banner's sentence, without a full stop, Short a word or two. Both say of when they are where that is not now.
	Text, Short string
	// Components are the kinds of all, by their order on the page.
	Components []StatusSummaryLine
}

// StatusSummaryLine is one component of a summary.
type StatusSummaryLine struct {
	Name, Kind, Word string
}

// Summary sums the page up. It comes to the banner's verdict.
func (p StatusPage) Summary() StatusSummary {
	v := p.verdict()
	s := StatusSummary{Kind: v.Kind, Incident: v.Incident, Count: len(v.Names[v.Kind]), Of: v.All}
	if v.Turning {
		s.Unstable = len(v.Unstable)
	}
	for _, g := range p.Board.Groups {
		for _, c := range g.Components {
			kind := p.Kind(c)
			s.Components = append(s.Components, StatusSummaryLine{Name: c.Name, Kind: kind, Word: p.KindWord(kind)})
		}
	}
	s.Text, s.Short = p.headline(v), p.KindWord(s.Kind)
	switch {
	case s.Unstable > 0:
		s.Short = p.T("unstable")
	case s.Incident:
		s.Short = p.T("incident")
	case s.Kind == "unknown" && p.Board.Silent:
		s.Text, s.Short = s.Text+" "+p.T("since %s", p.wholeTime(p.Board.Measured)), p.T("no new results")+" "+p.T("since %s", p.zoned(p.Board.Measured))
	case s.Count < s.Of && (s.Kind == "down" || s.Kind == "degraded" || s.Kind == "unknown"):
		s.Short = p.T("%d of %d", s.Count, s.Of) + " " + s.Short
	}
	if v.All > 0 {
		s.Text, s.Short = p.Exactly(s.Text, p.Board.Measured), p.Dated(s.Short, p.Board.Measured)
	}
	return s
}

// Kind is a component's shape and colour: up, degraded, down, maintenance, or unknown for all that is not measured.
func (p StatusPage) Kind(c models.StatusComponent) string {
	switch {
	case c.Maintenance:
		return "maintenance"
	case p.Board.Silent:
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
		"%s up of %s measured in the last %s": "%s erreichbar von %s Messzeit der letzten %s",
		"incident":                            "Störung", "no new results": "keine neuen Ergebnisse",
		"unstable": "instabil", "Up and down by turns: %s.": "Im Wechsel erreichbar und ausgefallen: %s.",
		"and %d more": "und %d weitere", "Status page": "Statusseite",
		"Affects: %s": "Betrifft: %s",
	}
}
