package models

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// The bounds of a status page's texts, in characters, and of its lists.
const (
	maxStatusName        = 120
	maxStatusDescription = 1000
	maxStatusFooter      = 500
	maxFrameSites        = 20
)

// statusPageFields are the fields of a status page, the first.
var statusPageFields = [...]string{"customerId", "name", "slug", "description", "visibility", "isPublished", "customDomainHostname", "password", "language",
	"timeZone", "footerText", "accent", "showHostnames", "allMonitors", "latency", "noIndex", "frameSites", "publish", "monitors"}

// StatusLanguages are the codes of the languages that a status page speaks.
func StatusLanguages() []string { return []string{"en", "de"} }

// statusSlug is what stands behind /status/.
var statusSlug = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,58}[a-z0-9]$`)

// SlugOf makes a slug of a name: its letters without marks, its digits, and hyphens between them. It may be too short to be one.
func SlugOf(name string) string {
	words := strings.FieldsFunc(norm.NFKD.String(cases.Fold().String(name)), func(r rune) bool {
		return !unicode.Is(unicode.Mn, r) && (r > 'z' || r < '0' || r > '9' && r < 'a')
	})
	slug := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, strings.Join(words, "-"))
	return strings.TrimRight(slug[:min(len(slug), 60)], "-")
}

// reservedSlugs are kept for addresses of ours.
var reservedSlugs = [...]string{"api", "assets", "embed", "events", "login", "logout", "new", "preview", "static", "status"}

// accentColour is a colour as HTML forms write one.
var accentColour = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// statusChange is what the fields of a status page ask for beside its own columns.
type statusChange struct {
	customer Ref
	// password is the new one; "" with hasPassword forgets the old one.
	password    string
	hasPassword bool
	// places are the new places of monitors, where hasPlaces.
	places    []statusPlaceInput
	hasPlaces bool
}

// apply changes p as the fields say and notes in e everything that is wrong. With create, required fields must be there.
func (p *StatusPage) apply(f Fields, create bool, e *Invalid) (change statusChange) {
	in := reader{Fields: f, e: e}
	if create || f.Has("customerId") {
		var err error
		if change.customer, err = parseRef(f.raw["customerId"]); err != nil {
			e.add("customerId", "Invalid Customer identifier", "Choose a customer")
		}
	}
	if v, ok := in.text("name", true); ok {
		p.Name = in.line("name", v, maxStatusName, true)
	} else if create {
		e.add("name", "name is required", "Type a name")
	}
	p.applySlug(in, create)
	p.Description = in.prose("description", p.Description, maxStatusDescription)
	if v, ok := in.word("visibility", string(VisiblePublic), string(VisiblePassword), string(VisibleMembers), string(VisibleLink)); ok {
		p.Visibility = Visibility(v)
	}
	in.setFlag("isPublished", &p.IsPublished)
	p.applyDomain(in)
	if f.Has("password") {
		change.hasPassword = true
		if v, ok := in.text("password", false); ok {
			change.password = v
			checkPassword(e, v)
		}
	}
	p.applyLooks(in)
	in.setFlag("showHostnames", &p.ShowHostnames)
	in.setFlag("allMonitors", &p.AllMonitors)
	if v, ok := in.word("latency", string(LatencyNone), string(LatencySparkline), string(LatencySmoke)); ok {
		p.Latency = StatusLatency(v)
	}
	in.setFlag("noIndex", &p.NoIndex)
	if f.Has("frameSites") {
		p.FrameSites = in.origins("frameSites")
	}
	if v, ok := in.word("publish", string(PublishNone), string(PublishDown), string(PublishAll)); ok {
		p.Publish = StatusPublish(v)
	}
	if f.Has("monitors") {
		change.places, change.hasPlaces = in.places("monitors"), true
		if create && len(change.places) > 0 && !f.Has("allMonitors") {
			p.AllMonitors = false // who names monitors means these: the customer's others must not become public unasked
		}
	}
	e.sortLike(statusPageFields[:])
	return change
}

// complete notes what does not go together, once everything is known.
func (p StatusPage) complete(hasPassword bool, e *Invalid) {
	if p.Visibility == VisiblePassword && !hasPassword {
		e.add("password", "password is required where visibility is password", "Set a password, or choose who may see the page in another way")
	}
}

func (p *StatusPage) applySlug(in reader, create bool) {
	v, ok := in.text("slug", true)
	switch {
	case !ok && create:
		in.e.add("slug", "slug is required", "Type the last part of the page’s address")
	case !ok:
	case !statusSlug.MatchString(v):
		in.e.add("slug", "slug must have 3 to 60 of a–z, 0–9 and hyphens, and no hyphen at its ends", "Use 3 to 60 small letters and digits, with hyphens between them, like acme-status")
	case slices.Contains(reservedSlugs[:], v):
		in.e.add("slug", "slug is reserved", "This one is kept for addresses of our own: choose another")
	default:
		p.Slug = v
	}
}

// applyDomain reads a host name of the operator's. Another one has to be proved anew.
func (p *StatusPage) applyDomain(in reader) {
	const key = "customDomainHostname"
	if !in.Has(key) {
		return
	}
	v, ok := in.text(key, false)
	domain := ""
	if v = strings.TrimSpace(v); ok && v != "" {
		var err error
		if domain, err = parseDomain(v); err != nil {
			in.e.add(key, "Invalid hostname", err.Error())
			return
		}
	}
	p.setDomain(domain)
}

func (p *StatusPage) applyLooks(in reader) {
	if v, ok := in.word("language", StatusLanguages()...); ok {
		p.Language = v
	}
	if v, ok := in.text("timeZone", true); ok {
		if _, err := time.LoadLocation(v); err != nil || v == "" || v == "Local" {
			in.e.add("timeZone", "timeZone must be an IANA time zone, written like Europe/Berlin", "Type a zone like Europe/Berlin or UTC, with its capitals")
		} else {
			p.TimeZone = v
		}
	}
	p.FooterText = in.prose("footerText", p.FooterText, maxStatusFooter)
	if in.Has("accent") {
		v, _ := in.text("accent", false)
		v = strings.ToLower(strings.TrimSpace(v))
		if v != "" && !accentColour.MatchString(v) {
			in.e.add("accent", "accent must be a colour like #1a5a96", "Type a colour like #1a5a96, or leave it empty for ours")
		} else {
			p.Accent = v
		}
	}
}

// setFlag changes what is at into where the key was sent.
func (r reader) setFlag(key string, into *bool) {
	if v, ok := r.flag(key, true); ok {
		*into = v
	}
}

// word reads one of a few words.
func (r reader) word(key string, words ...string) (string, bool) {
	v, ok := r.text(key, true)
	if ok && !slices.Contains(words, v) {
		last := len(words) - 1
		r.e.add(r.prefix+key, r.prefix+key+" must be "+strings.Join(words[:last], ", ")+" or "+words[last], "")
		return "", false
	}
	return v, ok
}

// line checks one line of text and returns it trimmed.
func (r reader) line(key, v string, limit int, required bool) string {
	name, wrong := cleanName(v, limit)
	key = r.prefix + key
	switch {
	case wrong == "is required" && !required:
	case wrong == "is too long":
		r.e.add(key, fmt.Sprintf("%s must have at most %d characters", key, limit), fmt.Sprintf("Longer than %d characters: shorten it", limit))
	case wrong != "":
		r.e.add(key, key+" "+wrong, nameAdvice(wrong))
	}
	return name
}

// prose reads a text of several lines that may be null, or leaves it as it was.
func (r reader) prose(key, was string, limit int) string {
	if !r.Has(key) {
		return was
	}
	v, ok := r.text(key, false)
	if !ok {
		return ""
	}
	v = strings.TrimSpace(strings.ReplaceAll(v, "\r\n", "\n"))
	if utf8.RuneCountInString(v) > limit {
		r.e.add(r.prefix+key, fmt.Sprintf("%s must have at most %d characters", r.prefix+key, limit), fmt.Sprintf("Longer than %d characters: shorten it", limit))
	}
	if strings.ContainsFunc(v, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' }) {
		r.e.add(r.prefix+key, r.prefix+key+" contains a control character", "Leave out control characters")
	}
	return v
}

// origins reads a list of origins (RFC 6454 §4); null is an empty one. Each is built anew from its parts, so that nothing of it can
// end the directive of a policy that it later stands in.
func (r reader) origins(key string) Texts {
	var list []string
	if !r.read(key, "an array of origins like https://www.example.com, or null", false, &list) {
		return nil
	}
	var out Texts
	for _, v := range list {
		origin, ok := parseOrigin(strings.TrimSpace(v))
		if !ok {
			r.e.add(r.prefix+key, r.prefix+key+" must hold origins like https://www.example.com", fmt.Sprintf("“%s” is no site: write it like https://www.example.com", shorten(v)))
			return nil
		}
		if !slices.Contains(out, origin) {
			out = append(out, origin)
		}
	}
	if len(out) > maxFrameSites {
		r.e.add(r.prefix+key, fmt.Sprintf("%s must hold at most %d origins", r.prefix+key, maxFrameSites), fmt.Sprintf("At most %d sites", maxFrameSites))
	}
	return out
}

// parseOrigin takes https, and http where the host is this machine itself.
func parseOrigin(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	host, _, err := ParseHostname(u.Hostname())
	if err != nil {
		return "", false
	}
	address, addressErr := netip.ParseAddr(host)
	here := host == "localhost" || addressErr == nil && address.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !here) {
		return "", false
	}
	if address.Is6() {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return "", false
		}
		host += ":" + strconv.FormatUint(n, 10)
	} else if strings.HasSuffix(u.Host, ":") {
		return "", false
	}
	return u.Scheme + "://" + host, true
}

// shorten keeps what somebody typed readable in a sentence about it.
func shorten(s string) string {
	if utf8.RuneCountInString(s) <= 60 {
		return s
	}
	return string([]rune(s)[:60]) + "…"
}
