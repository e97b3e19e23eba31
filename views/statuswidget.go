package views

import (
	"slices"

	"echolot/models"
)

// StatusWidgetPage is a status page in a few lines, to stand in a frame on somebody else's page.
type StatusWidgetPage struct {
	StatusPage
	// Style is the frame's style sheet, Theme light, dark, or auto to follow the reader's system.
	Style, Theme string
	// URL is the whole page's.
	URL string
}

// What the frame names at most: with the head, the sentence on two lines and the link it is 240 px tall, which EmbedPage.frame offers.
const (
	mostWidgetTrouble = 3 // components, and a line for the rest of them
	mostWidgetNotices = 3
	mostWidgetLines   = 5
)

// widgetNotice is a notice as the frame names it.
type widgetNotice struct {
	models.StatusNotice
	Title string
}

// trouble are the first components that are not up, and how many more there are.
func (p StatusWidgetPage) trouble(s StatusSummary) (lines []StatusSummaryLine, more int) {
	var still []bool // by people's choice
	for _, g := range p.Board.Groups {
		for _, c := range g.Components {
			still = append(still, paused(c))
		}
	}
	for i, c := range s.Components {
		switch {
		case c.Kind == "up", still[i]:
		case len(lines) < mostWidgetTrouble:
			lines = append(lines, c)
		default:
			more++
		}
	}
	if len(s.Components) == 1 {
		return nil, 0 // the sentence has said it
	}
	return lines, more
}

// notices are what goes on, then what is announced, as many as there is room for beside so many lines.
func (p StatusWidgetPage) notices(lines int) []widgetNotice {
	var list []widgetNotice
	for _, n := range slices.Concat(p.Board.Open, p.Board.Announced) {
		list = append(list, widgetNotice{n, p.NoticeTitle(n)})
	}
	return list[:max(0, min(len(list), mostWidgetNotices, mostWidgetLines-lines))]
}

// noticeWord says what a notice is, so that nobody takes what is to come for what goes on: a maintenance's has its day.
func (p StatusWidgetPage) noticeWord(n widgetNotice) string {
	switch {
	case n.Kind == models.KindMaintenance && n.State == models.PostScheduled:
		return p.T("Maintenance") + ", " + p.Moment(n.StartsAt)
	case n.Kind == models.KindMaintenance:
		return p.T("Maintenance")
	case n.Kind == models.KindIncident:
		return p.T("since %s", p.Moment(n.StartsAt))
	default:
		return p.DayOfMonth(n.StartsAt)
	}
}
