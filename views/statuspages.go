package views

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
}

// statusNavLinks are the links of the small navigation, in order.
func statusNavLinks() []Choice {
	return []Choice{{StatusNavSettings, "Settings"}, {StatusNavLayout, "Layout"}, {StatusNavPosts, "Incidents and news"}, {StatusNavDomain, "Domain"}, {StatusNavEmbed, "Embed"}}
}
