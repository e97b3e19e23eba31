package views

import (
	"strings"
	"time"

	"echolot/models"
)

// MonitorBox is what the names of a post's boxes begin with; a monitor's public id follows.
const MonitorBox = "monitor."

// StatusPostsPage is the list of what a page tells, and what was measured of its monitors.
type StatusPostsPage struct {
	Page
	Head     StatusPageHead
	Posts    []models.StatusPost
	Measured []models.StatusMeasured
	// Publish is the page's rule.
	Publish models.StatusPublish
	// MayTell shows the buttons.
	MayTell    bool
	Now        time.Time
	PageNumber int
	// More is true where there are older posts.
	More bool
}

func (p StatusPostsPage) path() string { return "/status-pages/" + p.Head.PublicID + "/posts" }

// rule says what the page shows by itself.
func (p StatusPostsPage) rule() string {
	switch p.Publish {
	case models.PublishDown:
		return "the page shows downtimes by itself"
	case models.PublishAll:
		return "the page shows all of these by itself"
	default:
		return "the page shows none of these by itself"
	}
}

// PostTitle is what operators call a post: by its title, or, where it only leaves a measured incident out, by that.
func PostTitle(d models.StatusPost) string {
	if d.Title == "" {
		return "Measured incident, left out"
	}
	return d.Title
}

// whenHint stands beside when something was told; more may be empty.
func whenHint(k models.StatusKind, zone, more string) string {
	hint := zone
	if more != "" {
		hint += "; " + more
	}
	if k == models.KindIncident {
		hint += "; not before it began"
	}
	return hint
}

// nothingTold is said of a post without updates.
func nothingTold(d models.StatusPost) string {
	if d.Title == "" {
		return "Nothing: it keeps the measured incident off the page until it is deleted, or told."
	}
	return "Nothing yet but the title."
}

// postLine says what a post is: Incident, Monitoring, measured, not shown.
func postLine(d models.StatusPost) string {
	parts := []string{kindName(d.Kind)}
	if word := postStateName(d.State); word != "" {
		parts = append(parts, word)
	}
	if d.IncidentID != 0 {
		parts = append(parts, "measured")
	}
	if d.Hidden {
		parts = append(parts, "not shown")
	}
	return strings.Join(parts, ", ")
}

// targetNames are the monitors by the names that visitors read.
func targetNames(list []models.StatusTarget) string {
	names := make([]string, len(list))
	for i, t := range list {
		names[i] = t.Name
	}
	return strings.Join(names, ", ")
}

// measuredLine says how long a measured incident lasted, and whether visitors read of it.
func measuredLine(m models.StatusMeasured) string {
	if m.EndedAt.IsZero() {
		return "open, " + measuredShown(m)
	}
	return "lasted " + Span(m.EndedAt.Sub(m.StartedAt)) + ", " + measuredShown(m)
}

// measuredShown says whether visitors read of a measured incident, and why.
func measuredShown(m models.StatusMeasured) string {
	switch {
	case m.Hidden:
		return "left out"
	case m.Post != [16]byte{}:
		return "told"
	case m.Shown:
		return "shown by rule"
	default:
		return "not shown"
	}
}

// StatusPostForm is the form for something new to tell.
type StatusPostForm struct {
	Page
	Head      StatusPageHead
	Kind      models.StatusKind
	Templates []Choice
	// Targets are the page's monitors, of which Values names the ticked ones.
	Targets        []models.StatusTarget
	Zone           string
	Values, Errors map[string]string
}

func (p StatusPostForm) path() string { return "/status-pages/" + p.Head.PublicID + "/posts" }

// newPath is the form for another kind, or from a template.
func (p StatusPostForm) newPath(kind models.StatusKind, template string) string {
	path := p.path() + "/new?kind=" + string(kind)
	if template != "" {
		path += "&template=" + template
	}
	if p.Values["incidentId"] != "" && kind == models.KindIncident {
		path += "&incident=" + p.Values["incidentId"]
	}
	return path
}

func (p StatusPostForm) text(name, label, opt, kind string) field {
	return field{Name: name, Label: label, Opt: opt, Type: kind, Value: p.Values[name], Error: p.Errors[name]}
}

// StatusPostPage is one thing that is told: its updates, a form for the next one, and what can be changed of it.
type StatusPostPage struct {
	Page
	Head    StatusPageHead
	Post    models.StatusPostDetail
	Targets []models.StatusTarget
	Zone    string
	Now     time.Time
	MayTell bool
	// Values and Errors are of the form for the post, Told and ToldErrors of that for an update.
	Values, Errors   map[string]string
	Told, ToldErrors map[string]string
}

func (p StatusPostPage) path() string {
	return "/status-pages/" + p.Head.PublicID + "/posts/" + p.Post.PublicID.String()
}

func (p StatusPostPage) text(name, label, opt, kind string) field {
	return field{Name: name, Label: label, Opt: opt, Type: kind, Value: p.Values[name], Error: p.Errors[name]}
}

func (p StatusPostPage) told(name, label, opt, kind string) field {
	return field{Name: name, Label: label, Opt: opt, Type: kind, Value: p.Told[name], Error: p.ToldErrors[name]}
}

// StatusUpdatePage is the form for what was told already.
type StatusUpdatePage struct {
	Page
	Head           StatusPageHead
	Post           models.StatusPostDetail
	Update         models.StatusUpdate
	Zone           string
	Values, Errors map[string]string
}

func (p StatusUpdatePage) post() string {
	return "/status-pages/" + p.Head.PublicID + "/posts/" + p.Post.PublicID.String()
}

func (p StatusUpdatePage) path() string { return p.post() + "/updates/" + p.Update.PublicID.String() }

func (p StatusUpdatePage) text(name, label, opt, kind string) field {
	return field{Name: name, Label: label, Opt: opt, Type: kind, Value: p.Values[name], Error: p.Errors[name]}
}

// TellPage asks on which page people shall be told of an incident.
type TellPage struct {
	Page
	// Incident is its public id, Pages are the addresses of the forms and the pages' names.
	Incident string
	Pages    []Choice
}

// kindName is a kind as operators read it.
func kindName(k models.StatusKind) string {
	switch k {
	case models.KindMaintenance:
		return "Maintenance"
	case models.KindAnnouncement:
		return "Announcement"
	default:
		return "Incident"
	}
}

// newTitle is above the form for something new of the kind.
func newTitle(k models.StatusKind) string { return "New " + strings.ToLower(kindName(k)) }

// postStateName is a state as operators read it.
func postStateName(s models.StatusPostState) string {
	switch s {
	case models.PostInvestigating:
		return "Investigating"
	case models.PostIdentified:
		return "Identified"
	case models.PostMonitoring:
		return "Monitoring"
	case models.PostResolved:
		return "Resolved"
	case models.PostScheduled:
		return "Scheduled"
	case models.PostInProgress:
		return "In progress"
	case models.PostCompleted:
		return "Completed"
	default:
		return ""
	}
}

func postStateChoices(k models.StatusKind) []Choice {
	var list []Choice
	for _, s := range models.PostStates(k) {
		list = append(list, Choice{string(s), postStateName(s)})
	}
	return list
}

func kindChoices() []Choice {
	return []Choice{{string(models.KindIncident), "Incident"}, {string(models.KindMaintenance), "Maintenance"}, {string(models.KindAnnouncement), "Announcement"}}
}

// Minutes is a number of minutes as the choice of reminders has it.
func Minutes(n int) string { return number(n) }

// remindChoices are how long before maintenance a page reminds of it; current is there too where it is none of ours.
func remindChoices(current string) []Choice {
	list := []Choice{{"0", "not at all"}, {"15", "15 minutes before"}, {"60", "an hour before"}, {"240", "4 hours before"}, {"1440", "a day before"}, {"4320", "3 days before"}, {"10080", "a week before"}}
	for _, c := range list {
		if current == "" || c.Value == current {
			return list
		}
	}
	return append(list, Choice{current, current + " minutes before"})
}

// DeleteStatusPost is the question before a post is taken off its page.
func DeleteStatusPost(path string, d models.StatusPostDetail, csrf string) Confirm {
	text := "Visitors find nothing of it any more, its updates included."
	if d.IncidentID != 0 {
		text = "Its updates go too. The measured incident is then shown as the page’s rule says."
	}
	return Confirm{Title: "Delete “" + PostTitle(d.StatusPost) + "”?", Text: text, Action: path + "/delete", Submit: "Delete", Cancel: path, CSRF: csrf}
}
