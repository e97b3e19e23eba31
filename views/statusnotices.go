package views

import (
	"time"

	"echolot/models"

	"github.com/a-h/templ"
)

// StatusMonthPage is what a page told in a month.
type StatusMonthPage struct {
	StatusPage
	// Month is a moment in it.
	Month   time.Time
	Notices []models.StatusNotice
	// Earlier and Later are the months beside it as 2026-11; empty where there is nothing more.
	Earlier, Later string
}

// noticeLabel is a notice's shape and word: what was measured speaks in its colour, people speak in theirs.
func (p StatusPage) noticeLabel(n models.StatusNotice) templ.Component {
	switch {
	case n.Kind == models.KindMaintenance:
		return state("maintenance", p.T("Maintenance"), false)
	case len(p.unstable(n)) > 0:
		return state("degraded", p.T("Unstable"), false)
	case n.Type == models.IncidentDowntime:
		return state("down", p.T("Down"), n.EndsAt.IsZero())
	case n.Type == models.IncidentDegraded:
		return state("degraded", p.T("Degraded"), false)
	case n.Kind == models.KindIncident:
		return state("degraded", p.T("Incident"), false)
	default:
		return templ.NopComponent
	}
}

// NoticeTitle is what an operator called it, or what was measured.
func (p StatusPage) NoticeTitle(n models.StatusNotice) string {
	if n.Title != "" {
		return n.Title
	}
	if names := p.unstable(n); len(names) == 1 {
		return p.T("%s is unstable", names[0])
	} else if len(names) > 1 {
		return p.N(len(names), "One service is unstable", "%d services are unstable")
	}
	down, open := n.Type == models.IncidentDowntime, n.EndsAt.IsZero()
	if len(n.Components) == 1 {
		name := isolated(n.Components[0])
		switch {
		case down && open:
			return p.T("%s is down", name)
		case down:
			return p.T("%s was down", name)
		case open:
			return p.T("%s is degraded", name)
		default:
			return p.T("%s was degraded", name)
		}
	}
	count := number(len(n.Components))
	switch {
	case down && open:
		return p.T("%s services are down", count)
	case down:
		return p.T("%s services were down", count)
	case open:
		return p.T("%s services are degraded", count)
	default:
		return p.T("%s services were degraded", count)
	}
}

// PostState is the word for how far it is; empty for none.
func (p StatusPage) PostState(s models.StatusPostState) string {
	switch s {
	case models.PostInvestigating:
		return p.T("Investigating")
	case models.PostIdentified:
		return p.T("Identified")
	case models.PostMonitoring:
		return p.T("Monitoring")
	case models.PostResolved:
		return p.T("Resolved")
	case models.PostScheduled:
		return p.T("Scheduled")
	case models.PostInProgress:
		return p.T("In progress")
	case models.PostCompleted:
		return p.T("Completed")
	default:
		return ""
	}
}

// noticeAffects names what is affected where the title does not.
func (p StatusPage) noticeAffects(n models.StatusNotice) string {
	if len(n.Components) == 0 || n.Title == "" && len(n.Components) == 1 {
		return ""
	}
	return p.T("affects %s", isolatedList(n.Components))
}

// noticeMeasured is what the measuring itself says of an incident: the last line of its course.
func (p StatusPage) noticeMeasured(n models.StatusNotice) string {
	switch n.Type {
	case models.IncidentDowntime:
		return p.T("Measured: no reply. Opened automatically.")
	case models.IncidentDegraded:
		return p.T("Measured: slow, or packets lost. Opened automatically.")
	default:
		return ""
	}
}

// monthPath is the address of the month of the moment, with the notice where one is wanted.
func (p StatusPage) monthPath(t time.Time, notice string) string {
	path := p.Path("/history/" + p.local(t).Format("2006-01"))
	if notice != "" {
		path += "#n-" + notice
	}
	return path
}

// pastDay is a day in the list of what is over. Quiet is what is said where there is nothing.
type pastDay struct {
	Day     time.Time
	Quiet   string
	Notices []models.StatusNotice
}

// pastDays are the last days, newest first, each with what ended in it. Today is left out while there is nothing to say.
func (p StatusPage) pastDays() []pastDay {
	today := p.local(p.Board.At)
	var days []pastDay
	for i := range models.StatusPastDays {
		d := pastDay{Day: time.Date(today.Year(), today.Month(), today.Day()-i, 0, 0, 0, 0, today.Location())}
		for _, n := range p.Board.Past {
			if p.sameDay(n.EndsAt, d.Day) {
				d.Notices = append(d.Notices, n)
			}
		}
		if len(d.Notices) == 0 {
			d.Quiet = p.quiet(d.Day)
		}
		if i > 0 || len(d.Notices) > 0 {
			days = append(days, d)
		}
	}
	return days
}

// quiet is what is said of a day of which nothing was told: where nothing was measured either, that.
func (p StatusPage) quiet(day time.Time) string {
	there, measured := false, false
	for _, g := range p.Board.Groups {
		for _, c := range g.Components {
			for i := len(c.Days) - 1; i >= 0 && i >= len(c.Days)-models.StatusPastDays-1; i-- {
				if d := c.Days[i]; p.sameDay(d.Start, day) {
					there = true
					measured = measured || d.Up+d.Degraded+d.Down+d.Maintenance > 0
				}
			}
		}
	}
	if there && !measured {
		return p.T("Not measured.")
	}
	return p.T("Nothing reported.")
}
