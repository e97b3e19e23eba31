package views

import (
	"net/url"
	"strconv"
	"strings"
)

// MonitorsPage is the list of monitors.
type MonitorsPage struct {
	Page
	Counters  Counters
	Filter    Filter
	Customers []Choice
	Rows      []MonitorRow
	// Total is how many there are under the filter, on all pages.
	Total                int
	PageNumber, PageSize int
	// MayCreate shows the way to add one.
	MayCreate bool
	// First is what to draw where there is no monitor at all yet; nil where there is one.
	First *FirstRun
}

// MonitorRow is one monitor in the list.
type MonitorRow struct {
	Live LiveMonitor
	// Hostname is as it was typed.
	Name, Hostname, Customer string
	IntervalSeconds          int
	// MayEdit allows everything, MaySetStatus pause, resume and maintenance.
	MayEdit, MaySetStatus bool
	CSRF                  string
}

// Filter is what the list shows and in which order; its fields are the query's.
type Filter struct {
	Search, CustomerID, State, Status string
	// Sort is a word of the API: state (worst first, the page's default), name, -created and so on.
	Sort string
	// PerPage is how many rows a page has, 0 for the usual number.
	PerPage int
}

// DefaultSort is the order of the page: worst first.
const DefaultSort = "state"

// active is true where anything is left out.
func (f Filter) active() bool {
	return f.Search != "" || f.CustomerID != "" || f.State != "" || f.Status != ""
}

// URL is the list's address under the filter; page 1 and the default order are left out.
func (f Filter) URL(page int) string {
	q := url.Values{}
	set := func(key, value string) {
		if value != "" {
			q.Set(key, value)
		}
	}
	set("search", f.Search)
	set("customerId", f.CustomerID)
	set("state", f.State)
	set("status", f.Status)
	if f.Sort != DefaultSort {
		set("sort", f.Sort)
	}
	if f.PerPage > 0 {
		q.Set("perPage", strconv.Itoa(f.PerPage))
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	if len(q) == 0 {
		return "/monitors"
	}
	return "/monitors?" + q.Encode()
}

// sorted is the address with the order that a click on the column's head gives: the other way round where it is the present.
func (f Filter) sorted(key string) string {
	if f.Sort == key {
		key = "-" + key
	}
	f.Sort = key
	return f.URL(1)
}

// ariaSort is the value of aria-sort for a column, empty where the list is in another order.
func (f Filter) ariaSort(key string) string {
	switch f.Sort {
	case key:
		return "ascending"
	case "-" + key:
		return "descending"
	}
	return ""
}

// orderWord tells the order in the line beside the filters.
func (f Filter) orderWord() string {
	switch f.Sort {
	case "state", "":
		return "worst first"
	case "-state":
		return "worst last"
	case "name":
		return "by name"
	case "-name":
		return "by name, backwards"
	case "hostname", "-hostname":
		return "by host"
	case "lastCheckedAt", "-lastCheckedAt":
		return "by last check"
	case "created":
		return "oldest first"
	case "-created":
		return "newest first"
	}
	return ""
}

// saidTotal is the line beside the filters.
func (p MonitorsPage) saidTotal() string {
	text := count(p.Total, "monitor", "monitors")
	if word := p.Filter.orderWord(); word != "" && p.Total > 1 {
		text += ", " + word
	}
	return text
}

// paged is true where there is another page, or the list stands behind its end.
func (p MonitorsPage) paged() bool { return p.Total > len(p.Rows) || p.PageNumber > 1 }

// previous is the page before this one, or the last one that has anything.
func (p MonitorsPage) previous() int {
	last := (p.Total + p.PageSize - 1) / max(p.PageSize, 1)
	return max(min(p.PageNumber-1, last), 1)
}

// saidRange is "1–50 of 248", or "0 of 248" behind the end.
func (p MonitorsPage) saidRange() string {
	if len(p.Rows) == 0 {
		return "0 of " + thousands(int64(p.Total))
	}
	from := (p.PageNumber-1)*p.PageSize + 1
	return thousands(int64(from)) + "–" + thousands(int64(from+len(p.Rows)-1)) + " of " + thousands(int64(p.Total))
}

func (p MonitorsPage) hasNext() bool { return p.PageNumber*p.PageSize < p.Total }

// nothing is what an empty list says: what was looked for, where something was.
func (p MonitorsPage) nothing() string {
	f := p.Filter
	if p.Total > 0 {
		return "This page is past the last one."
	}
	if f.Search != "" {
		return "Nothing matches “" + f.Search + "”."
	}
	if f.State != "" {
		return "No monitor is " + strings.ToLower(kindWord(f.State)) + "."
	}
	if f.active() {
		return "Nothing matches these filters."
	}
	return "No monitors here."
}

// path is the page of a monitor, with what is done there.
func (r MonitorRow) path(action string) string {
	if action == "" {
		return "/monitors/" + r.Live.PublicID
	}
	return "/monitors/" + r.Live.PublicID + "/" + action
}

// stateChoices are the states that the list can be narrowed to, worst first.
func stateChoices() []Choice {
	return []Choice{{"down", "Down"}, {"degraded", "Degraded"}, {"unknown", "Unknown"}, {"pending", "Pending"}, {"paused", "Paused"}, {"up", "Up"}}
}

// statusChoices are what people set.
func statusChoices() []Choice {
	return []Choice{{"active", "Active"}, {"maintenance", "Maintenance"}, {"disabled", "Paused"}}
}
