package views

import "strconv"

// MonitorForm is the panel for adding or changing a monitor. Its fields have the API's names; what is inside icmpConfig has
// that in front: icmpConfig.count.
type MonitorForm struct {
	// PublicID is empty for a new monitor. Name is what an existing one is called at present.
	PublicID, Name string
	// Values are what stands in the fields: what was typed, where the form comes back with errors.
	Values map[string]string
	// Errors are one sentence for each field that is wrong; "" as the field is for the form as a whole.
	Errors map[string]string
	// HostSuggestion is the host within what was typed, where that is more than a host; else empty.
	HostSuggestion string
	// Warnings are the store's, about a monitor as it is.
	Warnings  []string
	Customers []Choice
	// Version goes with an edit, so that two people do not overwrite each other.
	Version string
	// Theirs are the values that somebody else saved in between, for the fields that differ; nil without a conflict.
	Theirs map[string]string
	CSRF   string
	// Cancel is where the form leads without saving.
	Cancel string
	// Panel is true where HTMX asked: the form then stands above the list.
	Panel bool
	// From is "monitor" where the edit began on the monitor's own page, to come back there; else empty.
	From string
	// BackTest is what the rules in the fields would have made of the history; nil where it was not asked for.
	BackTest *BackTest
}

// MonitorFormPage is the form as a page of its own.
type MonitorFormPage struct {
	Page
	Form MonitorForm
}

// NewMonitorValues are what the form proposes for a new monitor. What is left empty takes the default that the field shows.
func NewMonitorValues(customerID string) map[string]string {
	return map[string]string{
		"customerId":                customerID,
		"checkIntervalSeconds":      "60",
		"timeoutSeconds":            "5",
		"icmpConfig.count":          "3",
		"icmpConfig.packetSize":     "56",
		"status":                    "active",
		"icmpConfig.ipFamily":       "auto",
		"icmpConfig.quorum":         "majority",
		"icmpConfig.latencyMeasure": "avg",
	}
}

// action is where the form goes.
func (f MonitorForm) action() string {
	if f.PublicID == "" {
		return "/monitors"
	}
	return "/monitors/" + f.PublicID + "/edit"
}

// backTestURL is where the rules in the fields are tried on the monitor's history. The button for it stands after the main one, which
// the Enter key presses since it is the form's first; the style sheet puts it before.
func (f MonitorForm) backTestURL() string { return "/monitors/" + f.PublicID + "/back-test" }

func (f MonitorForm) title() string {
	if f.PublicID == "" {
		return "Add monitor"
	}
	return "Edit " + f.Name
}

func (f MonitorForm) submit() string {
	if f.PublicID == "" {
		return "Add monitor"
	}
	return "Save"
}

func (f MonitorForm) cancel() string {
	if f.Cancel == "" {
		return "/monitors"
	}
	return f.Cancel
}

// The fields of the two folded parts.
var (
	advancedFields = [...]string{"icmpConfig.packetSize", "icmpConfig.count", "icmpConfig.intervalMs", "icmpConfig.ipFamily", "icmpConfig.ttl",
		"icmpConfig.tos", "icmpConfig.dontFragment", "status", "allowedCheckCountryCodes", "notificationEmail", "notificationPhoneNumber"}
	ruleFields = [...]string{"icmpConfig.degradedLossPercent", "icmpConfig.failedLossPercent", "icmpConfig.clearLossPercent",
		"icmpConfig.degradedLatencyMs", "icmpConfig.failedLatencyMs", "icmpConfig.clearLatencyMs", "icmpConfig.latencyMeasure",
		"icmpConfig.windowSeconds", "icmpConfig.confirmations", "icmpConfig.recoveries", "icmpConfig.retrySeconds", "icmpConfig.quorum"}
)

// open is true where something in the folded part is wrong, or was set that a new monitor leaves empty.
func (f MonitorForm) open(part []string) bool {
	proposed := NewMonitorValues("")
	for _, name := range part {
		if _, always := proposed[name]; f.Errors[name] != "" || f.Values[name] != "" && !always {
			return true
		}
	}
	return f.Theirs != nil
}

// figure is a field of the form for a number.
func (f MonitorForm) figure(name, label, unit, standard string) field {
	x := f.text(name, label)
	x.Number, x.Unit, x.Default = true, unit, standard
	return x
}

// text is a field of the form.
func (f MonitorForm) text(name, label string) field {
	return field{Name: name, Label: label, Value: f.Values[name], Error: f.Errors[name], Theirs: f.Theirs[name]}
}

// optional is a field that may stay empty, with what that means.
func (f MonitorForm) optional(name, label, opt string) field {
	x := f.text(name, label)
	x.Opt, x.Wide = opt, true
	return x
}

// host is the field for the host, with a better value where what was typed is more than a host.
func (f MonitorForm) host() field {
	x := f.text("hostname", "Host")
	x.Mono = true
	x.Suggestion = f.HostSuggestion
	return x
}

func familyChoices() []Choice { return []Choice{{"auto", "Either"}, {"4", "IPv4"}, {"6", "IPv6"}} }

func measureChoices() []Choice { return []Choice{{"avg", "average"}, {"p95", "95th percentile"}} }

// quorumChoices are the words, and a number where one was set by the API.
func quorumChoices(value string) []Choice {
	choices := []Choice{{"majority", "most"}, {"any", "one"}, {"all", "all"}}
	if _, err := strconv.Atoi(value); err == nil {
		choices = append(choices, Choice{value, value})
	}
	return choices
}
