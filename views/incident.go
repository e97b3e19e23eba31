package views

import (
	"slices"
	"time"

	"echolot/models"

	"github.com/a-h/templ"
)

// IncidentPage is one incident: what it is, whom it concerns, and what happened in order.
type IncidentPage struct {
	Page
	Incident
	// Parts are its monitors, those that have not recovered first.
	Parts []IncidentPart
	// Failed are the checks that led to the verdict, and some after it; Recovered those that ended it. Both are oldest first, and of
	// the first monitor. The totals count also those that are not shown.
	Failed, Recovered           []Check
	FailedTotal, RecoveredTotal int
	Comments                    []Comment
	// MayWrite shows the forms.
	MayWrite bool
	// Values and Errors are of a form that is drawn again: note, text.
	Values, Errors map[string]string
	// Chart is the history around it and Path the way to the target, before and now; nil where there is none. Both are of the
	// incident's first monitor.
	Chart, Path templ.Component
	// ChartURL is that monitor's page with the same history.
	ChartURL string
}

// IncidentPart is one of an incident's monitors.
type IncidentPart struct {
	Name, Hostname, PublicID, Customer string
	models.IncidentFacts
}

// Comment is what somebody wrote.
type Comment struct {
	At           time.Time
	Author, Text string
}

// incidentMoment is one line of an incident's course.
type incidentMoment struct {
	At time.Time
	// Shape is the state whose shape and colour it is drawn with; empty for what people did.
	Shape, Word string
	// Text is beside the word or, where somebody wrote it, below it.
	Text, Wrote string
	// Check is the check that it is about, or nil.
	Check *Check
}

// course is what happened, in order.
func (p IncidentPage) course() []incidentMoment {
	var list []incidentMoment
	verdict := incidentMoment{At: p.ConfirmedAt, Shape: incidentShape(p.Type), Word: p.word(), Text: p.cause()}
	for i := range p.Failed {
		c := &p.Failed[i]
		list = append(list, incidentMoment{At: c.Result.StartedAt(), Shape: outcomeShape(c.Result.Outcome), Word: c.word(), Text: c.note(), Check: c})
	}
	list = append(list, verdict)
	if more := p.FailedTotal - len(p.Failed); more > 0 && len(p.Failed) > 0 {
		list = append(list, incidentMoment{At: p.Failed[len(p.Failed)-1].Result.StartedAt(), Text: count(more, "more check", "more checks") + " failed"})
	}
	if !p.AcknowledgedAt.IsZero() {
		list = append(list, incidentMoment{At: p.AcknowledgedAt, Word: "Acknowledged", Text: by(p.AcknowledgedBy), Wrote: p.AcknowledgeNote})
	}
	for _, c := range p.Comments {
		list = append(list, incidentMoment{At: c.At, Word: "Comment", Text: by(c.Author), Wrote: c.Text})
	}
	for i := range p.Recovered {
		c := &p.Recovered[i]
		list = append(list, incidentMoment{At: c.Result.StartedAt(), Shape: outcomeShape(c.Result.Outcome), Word: c.word(), Text: c.note(), Check: c})
	}
	if !p.Open() {
		end := p.EndedAt
		if len(p.Recovered) > 0 {
			end = later(end, p.Recovered[0].Result.StartedAt()) // the good check that ended it began within its slot
		}
		list = append(list, incidentMoment{At: end, Word: "Ended", Text: p.Ended + ", after " + lasted(p.Duration(p.Now))})
	}
	// At equal times what brings a verdict or an end stands before it, as it does in the list. A check's time is finer than the
	// database keeps the verdict's.
	slices.SortStableFunc(list, func(a, b incidentMoment) int {
		return a.At.Truncate(time.Millisecond).Compare(b.At.Truncate(time.Millisecond))
	})
	// A packet is lost within its check, but it is what began.
	return slices.Insert(list, 0, incidentMoment{At: p.StartedAt, Shape: incidentShape(p.Type), Word: p.beginning()})
}

// by names somebody; empty for nobody.
func by(name string) string {
	if name == "" {
		return ""
	}
	return "by " + name
}

// beginning is what the first line of the course says.
func (p IncidentPage) beginning() string {
	switch p.Type {
	case models.IncidentDowntime:
		return "First lost packet"
	case models.IncidentDegraded:
		return "First bad check"
	default:
		return "First sentinel silent"
	}
}

// heading is what the incident is about.
func (p IncidentPage) heading() string {
	switch {
	case p.Type == models.IncidentBlind:
		return "The prober could not see"
	case p.Monitors > 1:
		return count(p.Monitors, "monitor", "monitors") + " failed at once"
	default:
		return p.Monitor
	}
}

// field is a note or a comment, as a form's field.
func (p IncidentPage) field(name, label string) field {
	return field{Name: name, Label: label, Value: p.Values[name], Error: p.Errors[name]}
}

// takeOver says who has the incident now.
func (p IncidentPage) takeOver() string {
	if p.AcknowledgedBy == "" {
		return "It is acknowledged. Doing it again takes over."
	}
	return p.AcknowledgedBy + " has it. Acknowledging it again takes over."
}
