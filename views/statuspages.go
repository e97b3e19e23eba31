package views

import (
	"maps"
	"slices"
)

// The parts of what operators do with one status page; the rest of its path after /status-pages/{publicId}.
const (
	StatusNavSettings = ""
	StatusNavLayout   = "/layout"
	StatusNavPosts    = "/posts"
	StatusNavDomain   = "/domain"
	StatusNavEmbed    = "/embed"
)

// StatusPageHead is what stands above everything that operators do with one status page.
type StatusPageHead struct {
	PublicID, Name string
	// URL is where visitors find it; empty while it is not published.
	URL string
	// Current is one of the StatusNav constants.
	Current string
	// MayChange is true for who may change the page; others are shown no way to.
	MayChange bool
}

// links are those of the small navigation, in order.
func (h StatusPageHead) links() []Choice {
	if !h.MayChange {
		return []Choice{{StatusNavPosts, "Incidents and news"}}
	}
	return []Choice{{StatusNavSettings, "Settings"}, {StatusNavLayout, "Layout"}, {StatusNavPosts, "Incidents and news"}, {StatusNavDomain, "Domain"}, {StatusNavEmbed, "Embed"}}
}

// StatusPagesPage is the list of status pages.
type StatusPagesPage struct {
	Page
	Pages     []ListedStatusPage
	MayCreate bool
	// Number is the page of the list from 1; Older and Newer tell whether there is one after and before it.
	Number       int
	Older, Newer bool
}

// ListedStatusPage is one status page in the list.
type ListedStatusPage struct {
	PublicID, Name, Slug, Customer string
	// Visibility is the API's word. URL is where visitors find it.
	Visibility, URL string
	Published       bool
	MayEdit         bool
}

// StatusPageFormPage is the form for a status page's settings, with what stands beside it once the page is there. Its fields have the
// API's names; frameSites is one site a line.
type StatusPageFormPage struct {
	Page
	// Head is empty for a new page.
	Head           StatusPageHead
	Values, Errors map[string]string
	Customers      []Choice
	// Version goes with an edit, so that two people do not overwrite each other.
	Version string
	// LinkURL opens the page to who has it.
	LinkURL              string
	HasPassword, HasLogo bool
	// LogoError is what is wrong with the picture that was sent.
	LogoError string
}

func (p StatusPageFormPage) isNew() bool { return p.Head.PublicID == "" }

// path is an address under the page's own; rest begins with a slash.
func (p StatusPageFormPage) path(rest string) string {
	return "/status-pages/" + p.Head.PublicID + rest
}

func (p StatusPageFormPage) action() string {
	if p.isNew() {
		return "/status-pages"
	}
	return p.path("")
}

func (p StatusPageFormPage) text(name, opt string) field {
	return field{Name: name, Label: StatusFieldLabel(name), Opt: opt, Value: p.Values[name], Error: p.Errors[name], Focus: p.isNew() && name == "name"}
}

func (p StatusPageFormPage) mono(name, opt string) field {
	x := p.text(name, opt)
	x.Mono = true
	return x
}

// password is the field for a new one: what is there is never shown.
func (p StatusPageFormPage) password() field {
	opt := "at least 12 characters"
	if p.HasPassword {
		opt = "set; empty: stays"
	}
	return field{Name: "password", Label: StatusFieldLabel("password"), Opt: opt, Type: "password", Complete: "new-password", Error: p.Errors["password"]}
}

func (p StatusPageFormPage) ticked(name string) bool { return p.Values[name] == "true" }

// statusFields are the fields of a page's settings with their labels, in the form's order.
func statusFields() []Choice {
	return []Choice{
		{"name", "Name"},
		{"slug", "Address"},
		{"customerId", "Customer"},
		{"customDomainHostname", "Own domain"},
		{"description", "What visitors read at the top"},
		{"footerText", "What they read at the foot"},
		{"isPublished", "Published"},
		{"noIndex", "Keep it out of search engines"},
		{"visibility", "Seen by"},
		{"password", "Password"},
		{"frameSites", "Sites that may frame the widget"},
		{"language", "Language, where the visitor’s is not there"},
		{"timeZone", "Time zone"},
		{"accent", "Colour"},
		{"latency", "Round-trip times"},
		{"publish", "Measured incidents shown by themselves"},
		{"showHostnames", "Show host names"},
	}
}

// StatusFieldLabel is what the form calls one of the API's fields of a status page; empty for one that it does not have.
func StatusFieldLabel(name string) string {
	for _, c := range statusFields() {
		if c.Value == name {
			return c.Label
		}
	}
	return ""
}

// StatusFieldErrors are what is wrong with a page's settings, each after the form's label, in the form's order; what is about no field
// of the form comes first.
func StatusFieldErrors(errs map[string]string) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(errs)) {
		if StatusFieldLabel(name) == "" {
			list = append(list, errs[name])
		}
	}
	for _, c := range statusFields() {
		if text, wrong := errs[c.Value]; wrong {
			list = append(list, c.Label+": "+text)
		}
	}
	return list
}

func visibilityChoices() []Choice {
	return []Choice{{"public", "anybody"}, {"password", "who knows the password"}, {"members", "users who see the customer, signed in"}, {"link", "who has the link"}}
}

// visibilityWord is what the list says of who may see a page.
func visibilityWord(visibility string) string {
	for _, c := range visibilityChoices() {
		if c.Value == visibility {
			return c.Label
		}
	}
	return visibility
}

func languageChoices() []Choice { return []Choice{{"en", "English"}, {"de", "Deutsch"}} }

func latencyChoices() []Choice {
	return []Choice{{"sparkline", "as a small line"}, {"smoke", "as a smoke chart"}, {"none", "not at all"}}
}

func publishChoices() []Choice {
	return []Choice{{"down", "downtimes"}, {"all", "downtimes and degraded"}, {"none", "none; by hand only"}}
}

// DeleteStatusPage is the question before a status page is deleted.
func DeleteStatusPage(publicID, name, csrf string) Confirm {
	return Confirm{Title: "Delete " + name + "?", Text: "Its address answers nothing any more, and what was told on it goes too. Its monitors stay.",
		Action: "/status-pages/" + publicID + "/delete", Submit: "Delete", Cancel: "/status-pages/" + publicID, CSRF: csrf}
}

// RenewStatusLink is the question before a page's link is made a new one.
func RenewStatusLink(publicID, name, csrf string) Confirm {
	return Confirm{Title: "Make a new link to " + name + "?", Text: "Who has the old one sees nothing any more, at once.",
		Action: "/status-pages/" + publicID + "/link", Submit: "Make a new link", Cancel: "/status-pages/" + publicID, CSRF: csrf}
}
