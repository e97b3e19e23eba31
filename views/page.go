// Package views draws the pages. A component takes a small struct that mirrors the screen; it calls no store and no clock.
package views

import (
	"strconv"
	"time"

	"echolot/models"
)

// Page is what every page shares.
type Page struct {
	// Title stands before " · Echolot".
	Title string
	// Nav names the link that is current: NavWall, NavMonitors, NavIncidents, NavStatus, NavCustomers, NavTokens, NavProber, or empty.
	Nav string
	// User is nil where nobody is signed in: then there is no bar.
	User *User
	// Organization is the name of the one that is looked at, Organizations the choice of a global role; empty for others.
	Organization  string
	Organizations []Choice
	// CSRF is the session's token, for every form and for HTMX.
	CSRF  string
	Flash *Flash
	// Notices stand under the bar; two at most are drawn.
	Notices []Notice
	Assets  Assets
	// BaseURL is where the program is reached from outside, without a slash at the end.
	BaseURL string
	// Theme is "light" or "dark" from the cookie of that name, anything else follows the system.
	Theme string
	// Stream is the URL of the live events, or empty on a page without any.
	Stream string
	// Drawn is when what the page shows was read; the stream's first word says whether something changed since.
	Drawn time.Time
	// Refresh is after how many seconds a browser without scripts reads the page again; 0 = never.
	Refresh int
	// Search is what the field in the bar holds.
	Search string
	// OpenIncidents is the number beside the link to the incidents.
	OpenIncidents int
	// MayTokens and MayProber show the links to the tokens and to the prober.
	MayTokens, MayProber bool
}

// The links under the bar.
const (
	NavWall      = "wall"
	NavMonitors  = "monitors"
	NavIncidents = "incidents"
	NavStatus    = "status-pages"
	NavCustomers = "customers"
	NavTokens    = "tokens"
	NavProber    = "prober"
)

// Assets are the URLs of the embedded files, from static.Files.
type Assets struct {
	Script, Style, Icon string
	// Live and LiveStyle are of the live page alone.
	Live, LiveStyle string
	// Status and StatusStyle are of the pages for visitors.
	Status, StatusStyle string
}

// User is who is signed in.
type User struct {
	// Name is the full name, or the e-mail address where there is none.
	Name, Email, Role string
}

// Initials are the one or two letters of the account's round mark.
func (u User) Initials() string {
	out := make([]rune, 0, 2)
	start := true
	for _, r := range u.Name {
		if start && r != ' ' && len(out) < 2 {
			out = append(out, r)
		}
		start = r == ' ' || r == '-'
	}
	return string(out)
}

// Choice is one entry of a select or a menu.
type Choice struct {
	Value, Label string
}

// Flash is one line about what was just done.
type Flash struct {
	// Error draws it as trouble.
	Error bool
	Text  string
}

// Notice is one grey line under the bar: what is wrong with our own measuring, what that means, and how to mend it.
type Notice struct {
	Strong, Text string
	// Link leads to what it is about; empty for none.
	Link, LinkText string
	// Fixes are shown on demand; see Fix.
	Fixes []Fix
}

// Fix is one way to mend what a notice says: a sentence and the command.
type Fix struct{ Text, Command string }

// NoRightToPing is the notice for a prober that may not send echo requests.
func NoRightToPing() Notice {
	return Notice{Strong: "No right to ping.", Text: "Every monitor is unknown until the system allows it; none is called down for it.", Fixes: []Fix{
		{"Allow unprivileged ping sockets to all groups", `sysctl -w net.ipv4.ping_group_range="0 2147483647"`},
		{"or give the program the capability", "setcap cap_net_raw+ep ./bin/echolot"},
		{"or, in a container, start it with", "--cap-add=NET_RAW"},
	}}
}

// ProberBlind is the notice for a prober whose own network does not work.
func ProberBlind(b models.Blindness) Notice {
	return Notice{Strong: "The prober is blind since " + b.Since.UTC().Format(exactForm) + ".",
		Text: "This machine’s own network does not work: " + b.String() + ". Failed checks are unknown until it does; nothing is called down for them."}
}

// NotMeasured is the notice for monitors that could not be measured several times in a row.
func NotMeasured(n int) Notice {
	text := "They are unknown, not down; each says why."
	if n == 1 {
		text = "It is unknown, not down, and says why."
	}
	return Notice{Strong: count(n, "monitor", "monitors") + " could not be measured three times in a row or more.",
		Text: text, Link: "/monitors?state=unknown", LinkText: "Show"}
}

// ResultsWait is the notice for n results that are not stored yet because the database is away or was so a moment ago.
func ResultsWait(n int64) Notice {
	text := thousands(n) + " are kept until it takes them."
	if n == 1 {
		text = "One is kept until it takes it."
	}
	return Notice{Strong: "Results are waiting for the database.", Text: text}
}

// htmxConfig goes into the htmx-config meta. Nothing is evaluated, no style or script is injected, no page is kept in the
// browser's storage, new content works in the moment that it is seen; 422 brings the form back, 409 and 412 the conflict. Other errors are not swapped: app.js shows them in
// the line under the bar.
const htmxConfig = `{"allowEval":false,"includeIndicatorStyles":false,"allowScriptTags":false,"historyCacheSize":0,` +
	`"refreshOnHistoryMiss":true,"selfRequestsOnly":true,"defaultSettleDelay":0,"responseHandling":[{"code":"204","swap":false},` +
	`{"code":"[23]..","swap":true},{"code":"409|412|422","swap":true},{"code":"[45]..","swap":false,"error":true}]}`

// drawn is Drawn in milliseconds since 1970, as scripts count.
func (p Page) drawn() string { return strconv.FormatInt(p.Drawn.UnixMilli(), 10) }

// headers is the value of hx-headers: HTMX sends the session's token with every request.
func (p Page) headers() string {
	return `{"X-CSRF-Token":"` + p.CSRF + `"}`
}

// theme is what data-theme may hold; empty follows the system.
func theme(asked string) string {
	if asked == "light" || asked == "dark" {
		return asked
	}
	return ""
}

func chosen(organization string) string {
	if organization == "" {
		return "Choose an organization"
	}
	return organization
}

// accountLine is what the account menu says under the name.
func accountLine(u User) string {
	if u.Email == u.Name {
		return u.Role
	}
	return u.Email + ", " + u.Role
}

func flashClass(f Flash) string {
	if f.Error {
		return "said-line is-error"
	}
	return "said-line"
}
