package views

import (
	"strings"
	"time"

	"echolot/models"

	"github.com/a-h/templ"
)

// feedText is an update's text in a feed: its paragraphs as they were typed, with nothing of Markdown drawn.
func feedText(markdown string) templ.Component {
	var b strings.Builder
	for part := range strings.SplitSeq(strings.ReplaceAll(markdown, "\r\n", "\n"), "\n\n") {
		if part = strings.TrimSpace(part); part != "" {
			b.WriteString("<p>" + strings.ReplaceAll(templ.EscapeString(part), "\n", "<br>") + "</p>")
		}
	}
	return templ.Raw(b.String())
}

// feedTime is a moment in the page's zone; who reads a feed may read it much later, so the day and the year are always there.
func (p StatusPage) feedTime(t time.Time) string {
	zone, err := time.LoadLocation(p.Board.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2006-01-02 15:04 MST")
}

func (p StatusPage) feedTimes(n models.StatusNotice) string {
	if n.EndsAt.IsZero() {
		return p.feedTime(n.StartsAt)
	}
	return p.feedTime(n.StartsAt) + " – " + p.feedTime(n.EndsAt)
}

// PostState is the word for how far an incident or maintenance is; empty for an announcement.
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
