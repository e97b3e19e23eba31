package views

import (
	"strconv"
	"strings"
	"time"
)

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

// open is true where something in the folded part is wrong, or was set before.
func (f MonitorForm) open() bool {
	for name := range f.Errors {
		if strings.HasPrefix(name, "icmpConfig.") || name == "allowedCheckCountryCodes" || strings.HasPrefix(name, "notification") || name == "status" {
			return true
		}
	}
	for _, name := range [...]string{
		"icmpConfig.intervalMs", "icmpConfig.ttl", "icmpConfig.tos", "icmpConfig.dontFragment", "icmpConfig.degradedLossPercent",
		"icmpConfig.failedLossPercent", "icmpConfig.degradedLatencyMs", "icmpConfig.failedLatencyMs", "icmpConfig.clearLossPercent",
		"icmpConfig.clearLatencyMs", "icmpConfig.windowSeconds", "icmpConfig.confirmations", "icmpConfig.recoveries",
		"icmpConfig.retrySeconds", "allowedCheckCountryCodes", "notificationEmail", "notificationPhoneNumber",
	} {
		if f.Values[name] != "" {
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

// promise is what the settings come to, for the line at the foot of the form. Figures that make no sense leave it empty.
type promise struct {
	Packets, Every, Checks, Within string
}

func (f MonitorForm) figureOr(name string, standard float64) (float64, bool) {
	typed := strings.TrimSpace(f.Values[name])
	if typed == "" {
		return standard, standard > 0
	}
	n, err := strconv.ParseFloat(typed, 64)
	return n, err == nil && n >= 0 && n <= 1e6
}

// promise works out the line; app.js has the same sum. A silent host is found at the latest one interval after it fell
// silent, and each failed check takes its whole time, with the pause before the next.
func (f MonitorForm) promise() (p promise, ok bool) {
	var figures [6]float64
	for i, x := range [...]struct {
		name     string
		standard float64
	}{
		{"icmpConfig.count", 3}, {"icmpConfig.packetSize", 56}, {"checkIntervalSeconds", 0},
		{"timeoutSeconds", 0}, {"icmpConfig.confirmations", 2}, {"icmpConfig.retrySeconds", 5},
	} {
		if figures[i], ok = f.figureOr(x.name, x.standard); !ok {
			return promise{}, false
		}
	}
	packets, size, every, timeout, confirmations, retry := figures[0], figures[1], figures[2], figures[3], figures[4], figures[5]
	within := every + timeout + (confirmations-1)*(retry+timeout)
	if packets < 1 || every < 1 || confirmations < 1 || within > 1e7 {
		return promise{}, false
	}
	return promise{
		Packets: strconv.Itoa(int(packets)) + nbsp + "×" + nbsp + count(int(size), "byte", "bytes"),
		Every:   Every(int(every)),
		Checks:  count(int(confirmations), "failed check", "failed checks"),
		Within:  roughly(time.Duration(within * float64(time.Second))),
	}, true
}

// roughly writes a duration under two hours in seconds or minutes, as a promise is made.
func roughly(d time.Duration) string {
	if d < 2*time.Minute {
		return strconv.Itoa(int(d.Round(time.Second)/time.Second)) + nbsp + "s"
	}
	if d < 2*time.Hour {
		return strconv.Itoa(int((d+time.Minute-1)/time.Minute)) + nbsp + "min"
	}
	return Span(d)
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
