package views

import (
	"net/url"
	"strconv"
	"time"

	"echolot/models"
)

// IncidentsPage is the list of incidents.
type IncidentsPage struct {
	Page
	Filter IncidentFilter
	// Monitor is the name of the one that the filter is about.
	Monitor   string
	Customers []Choice
	Incidents []Incident
	// Total is how many there are under the filter, on all pages.
	Total                int
	PageNumber, PageSize int
}

// Incident is one incident in a list.
type Incident struct {
	PublicID string
	Type     models.IncidentType
	Mass     bool
	models.IncidentFacts
	// Ended says how, and by whom where somebody stopped the checks; empty while it is open.
	Ended string
	// Monitor and the rest of the first monitor are empty where there is none; Monitors is how many there are.
	Monitor, MonitorPublicID, Hostname, Customer, CustomerPublicID string
	Monitors, OpenMonitors                                         int
	AcknowledgedAt                                                 time.Time
	AcknowledgedBy, AcknowledgeNote                                string
	// Flapping is true where its monitor's verdict turns too often: it stays open for that, though the monitor may be up; see
	// models.IncidentRow for UpSince and Flips.
	Flapping bool
	UpSince  time.Time
	Flips    int
	Now      time.Time
}

// IncidentFilter is what the list shows; its fields are the query's.
type IncidentFilter struct {
	// Status is open or ended, or empty for all.
	Status string
	// Type is a word of the API or empty.
	Type                          string
	CustomerID, MonitorID, Search string
}

func (f IncidentFilter) active() bool { return f != IncidentFilter{} }

// URL is the list's address under the filter; page 1 is left out.
func (f IncidentFilter) URL(page int) string {
	q := url.Values{}
	for key, value := range map[string]string{"status": f.Status, "type": f.Type, "customerId": f.CustomerID, "monitorId": f.MonitorID, "search": f.Search} {
		if value != "" {
			q.Set(key, value)
		}
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	if len(q) == 0 {
		return "/incidents"
	}
	return "/incidents?" + q.Encode()
}

func incidentStatusChoices() []Choice { return []Choice{{"open", "Open"}, {"ended", "Ended"}} }

func incidentTypeChoices() []Choice {
	return []Choice{{string(models.IncidentDowntime), "Down"}, {string(models.IncidentDegraded), "Degraded"}, {string(models.IncidentBlind), "Not measured"}}
}

// said is the line beside the filters.
func (p IncidentsPage) said() string {
	text := count(p.Total, "incident", "incidents")
	if p.Monitor != "" {
		text += " of " + p.Monitor
	}
	if p.Total > 1 {
		text += ", newest first"
	}
	return text
}

// nothing is what an empty list says.
func (p IncidentsPage) nothing() string {
	switch {
	case p.Total > 0:
		return "This page is past the last one."
	case p.Filter.Search != "":
		return "Nothing matches “" + p.Filter.Search + "”."
	case p.Filter == IncidentFilter{Status: "open"}:
		return "No incident is open."
	case p.Filter == IncidentFilter{Status: "ended"}:
		return "No incident has ended yet."
	case p.Filter.active():
		return "Nothing matches these filters."
	}
	return "No incidents yet."
}

func (p IncidentsPage) paged() bool   { return p.Total > len(p.Incidents) || p.PageNumber > 1 }
func (p IncidentsPage) hasNext() bool { return p.PageNumber*p.PageSize < p.Total }

// previous is the page before this one, or the last one that has anything.
func (p IncidentsPage) previous() int {
	return max(min(p.PageNumber-1, (p.Total+p.PageSize-1)/max(p.PageSize, 1)), 1)
}

// saidRange is "1–50 of 248", or "0 of 248" behind the end.
func (p IncidentsPage) saidRange() string {
	if len(p.Incidents) == 0 {
		return "0 of " + thousands(int64(p.Total))
	}
	from := (p.PageNumber-1)*p.PageSize + 1
	return thousands(int64(from)) + "–" + thousands(int64(from+len(p.Incidents)-1)) + " of " + thousands(int64(p.Total))
}

func (i Incident) path() string { return "/incidents/" + i.PublicID }

// cause says why.
func (i Incident) cause() string { return IncidentCause(i.Type, i.IncidentFacts) }

// others is how many more monitors have part in it; empty where there is none.
func (i Incident) others() string {
	if i.Monitors < 2 {
		return ""
	}
	return "and " + thousands(int64(i.Monitors-1)) + " more"
}

// word is the state's, or how many share it.
func (i Incident) word() string { return incidentWord(i.Type) }

// flapping says why it stays open; empty mostly. Before it, where the monitor is up, stands since when.
func (i Incident) flapping() string {
	if !i.Flapping || !i.Open() {
		return ""
	}
	text := "flapping: " + count(i.Flips, "change", "changes")
	if i.Flips >= models.MaxFlips {
		text += " or more"
	}
	return text + " in the last hour"
}

// acknowledged says who has taken it on, with the note.
func (i Incident) acknowledged() string {
	if i.AcknowledgedAt.IsZero() {
		return "not acknowledged"
	}
	text := "acknowledged"
	if i.AcknowledgedBy != "" {
		text += " by " + i.AcknowledgedBy
	}
	if i.AcknowledgeNote != "" {
		text += ": “" + i.AcknowledgeNote + "”"
	}
	return text
}

// handled is the line under the cause: whether somebody has taken it on, or how it ended.
func (i Incident) handled() string {
	if !i.AcknowledgedAt.IsZero() {
		return i.acknowledged()
	}
	if i.Open() {
		return "not acknowledged"
	}
	return i.Ended
}

// MonitorIncidents is the panel of a monitor's page: its last incidents.
type MonitorIncidents struct {
	// MonitorPublicID and Monitor, its name, lead to the list of all.
	MonitorPublicID, Monitor string
	// Incidents are the newest four.
	Incidents []Incident
	Total     int
}

// ShownIncidents is how many incidents the page of a monitor shows.
const ShownIncidents = 4
