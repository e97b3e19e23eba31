package views

// StatusWidgetPage is a status page in a few lines, to stand in a frame on somebody else's page.
type StatusWidgetPage struct {
	StatusPage
	// Style is the frame's style sheet, Theme light, dark, or auto to follow the reader's system.
	Style, Theme string
	// URL is the whole page's.
	URL string
}

// mostWidgetLines bounds the components in trouble that the frame names, and the notices.
const (
	mostWidgetLines   = 5
	mostWidgetNotices = 3
)

// trouble are the first components that are not up, and how many more there are.
func (p StatusWidgetPage) trouble(s StatusSummary) (lines []StatusSummaryLine, more int) {
	for _, c := range s.Components {
		switch {
		case c.Kind == "up":
		case len(lines) < mostWidgetLines:
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

// notices are the titles of what goes on, then of what is announced.
func (p StatusWidgetPage) notices() []string {
	var titles []string
	for _, n := range p.Board.Open {
		titles = append(titles, p.NoticeTitle(n))
	}
	for _, n := range p.Board.Announced {
		titles = append(titles, p.NoticeTitle(n))
	}
	return titles[:min(len(titles), mostWidgetNotices)]
}
