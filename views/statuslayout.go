package views

import "strconv"

// StatusLayoutPage is the form for what a status page shows, in which order, under which names.
type StatusLayoutPage struct {
	Page
	Head    StatusPageHead
	Version string
	// AllMonitors shows the customer's monitors that have no place too. Customer is its name.
	AllMonitors bool
	Customer    string
	Places      []StatusPlaceRow
	// Search is what more monitors were looked for by; Found how many it found.
	Search string
	Found  int
	Error  string
	// Moved is true where a monitor was moved, which is not saved.
	Moved bool
}

// StatusPlaceRow is a monitor in the layout's form.
type StatusPlaceRow struct {
	PublicID, Name, Hostname, Customer string
	// Other is true for a monitor of another customer than the page's.
	Other bool
	Shown bool
	// Position is a number as it was typed; empty = behind those that have one, by name.
	Position, Group, DisplayName string
	// Errors are by field: position, group, name.
	Errors map[string]string
}

func (p StatusLayoutPage) path(rest string) string { return "/status-pages/" + p.Head.PublicID + rest }

// found is what the search for more monitors says.
func found(n int, search string) string {
	if n == 0 {
		return "Nothing else matches “" + search + "”."
	}
	return count(n, "more monitor matches", "more monitors match") + " “" + search + "”: at the end, not shown yet."
}

// placeName is the name of a row's field.
func placeName(field string, row int) string { return field + "." + strconv.Itoa(row) }
