package views

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"echolot/models"

	"golang.org/x/text/message"
)

// StatusPage is what a status page is drawn from. It holds nothing of the visitor, so that one drawing serves all of them.
type StatusPage struct {
	Board models.StatusBoard
	// Language is the one to draw in: en or de.
	Language string
	Words    *message.Printer
	Assets   Assets
	// Base is in front of the page's own addresses: /status/{slug}, or empty on a domain of its own.
	Base string
	// Key is what a page that needs a link carries on in all of its links; empty for others.
	Key string
	// Stream is true where the page's events can be read, and Version the drawing's, for the stream's first word; a page without a
	// stream stays as it is drawn.
	Stream  bool
	Version string
	// Whole is true where the page is drawn as one, which is read as it is at that moment; parts that are sent later have nothing in
	// them that only the clock moves.
	Whole bool
	// WithDays is true where every moment carries its day, today's too: what is read is not of today.
	WithDays bool
	// Preview is true where an operator looks at the page before visitors do: what is not there yet is not linked.
	Preview bool
	// Wrong says which settings could not be tried; the page is then drawn as it is saved.
	Wrong []string
}

// T says the text in the page's language. The key is the English text with fmt's verbs.
func (p StatusPage) T(key string, args ...any) string { return p.Words.Sprintf(key, args...) }

// N is T with the key for one, or with the one for another number, which is told n first.
func (p StatusPage) N(n int, one, many string, args ...any) string {
	if n == 1 {
		return p.T(one, args...)
	}
	return p.T(many, append([]any{n}, args...)...)
}

// Path is the address of something of the page in the page's language: Path("/history/2026-11").
func (p StatusPage) Path(sub string) string { return p.path(sub, "lang", p.Language) }

// File is the address of something of the page that has no words: Path without the language.
func (p StatusPage) File(sub string) string { return p.path(sub) }

// versioned is the address of something that may be kept for as long as the page's settings stay.
func (p StatusPage) versioned(sub string) string {
	return p.path(sub, "v", strconv.FormatInt(p.Board.Version, 10))
}

// inLanguage is the same address in another language: what is relative keeps its path.
func (p StatusPage) inLanguage(language string) string {
	query := url.Values{"lang": {language}}
	if p.Key != "" {
		query.Set("key", p.Key)
	}
	return "?" + query.Encode()
}

// path adds to the address the names and values, and the key where the page has one.
func (p StatusPage) path(sub string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	if p.Key != "" {
		query.Set("key", p.Key)
	}
	if sub = p.Base + sub; sub == "" {
		sub = "/"
	}
	if len(query) == 0 {
		return sub
	}
	return sub + "?" + query.Encode()
}

// title is the tab's: how all is, then whose page it is. The script keeps it current.
func (p StatusPage) title() string { return p.banner().Head + " · " + p.Board.Name }

// noScriptRefresh is after how many seconds a browser without scripts reads the page again.
const noScriptRefresh = 30

// statusLanguageNames are the languages in their own words, as Words.Languages has them.
var statusLanguageNames = [...]Choice{{"en", "English"}, {"de", "Deutsch"}}

// About is the page's description without its markup, for feeds; empty where there is none.
func (p StatusPage) About() string {
	if p.Board.Description == "" {
		return ""
	}
	return NewMarkdown().Words(p.Board.Description)
}

// about is what search engines show.
func (p StatusPage) about() string {
	if text := p.About(); text != "" {
		return text
	}
	return p.T("The state of %s now and over the last %d days", p.Board.Name, models.StatusDays)
}

// quietSeconds is after how long without a word a stream is taken for dead.
func (p StatusPage) quietSeconds() int { return int(2*p.Board.Interval/time.Second) + 60 }

// zoneName is UTC, or the zone's name as it is known everywhere.
func (p StatusPage) zoneName() string {
	return strings.ReplaceAll(p.Board.At.Location().String(), "_", " ")
}

// measuredWith says who measures, and how often.
func (p StatusPage) measuredWith() string {
	if p.Board.Interval == 0 {
		return p.T("Measured with Echolot")
	}
	every := func(d time.Duration) string { return Every(int(d / time.Second)) }
	if p.Board.Longest > p.Board.Interval {
		return p.T("Measured with Echolot, every %s to %s", every(p.Board.Interval), every(p.Board.Longest))
	}
	return p.T("Measured with Echolot, every %s", every(p.Board.Interval))
}

// groupName is the heading; a group without a name has one all the same, because headings lead.
func (p StatusPage) groupName(name string) string {
	if name == "" {
		return p.T("Services")
	}
	return name
}

// isoTime is a moment as scripts read it.
func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// stateWord is the word beside the shape.
func (p StatusPage) stateWord(c models.StatusComponent, kind string) string {
	switch kind {
	case "maintenance":
		return p.T("Maintenance")
	case "up":
		return p.T("Up")
	case "degraded":
		return p.T("Degraded")
	case "down":
		return p.T("Down")
	}
	switch c.State {
	case models.StatePending:
		return p.T("Not measured yet")
	case models.StatePaused:
		return p.T("Paused")
	}
	return p.T("Not measured")
}

// lastRTT is the round-trip time of the last check; empty without a reply, and where the page shows none.
func (p StatusPage) lastRTT(c models.StatusComponent) string {
	if p.Board.Latency == models.LatencyNone || c.RTT < 0 || c.CheckedAt.IsZero() || c.State == models.StateUnknown || p.Board.Silent {
		return ""
	}
	return p.ms(c.RTT)
}

// ms is a round-trip time with two figures at least, in the page's language: 0.42 ms, 8.2 ms, 120 ms.
func (p StatusPage) ms(d time.Duration) string {
	v, form := float64(d.Microseconds())/1000, "%.0f"
	switch {
	case v < 1:
		form = "%.2f"
	case v < 100:
		form = "%.1f"
	}
	return p.Words.Sprintf(form, v) + nbsp + "ms"
}
