package views

import (
	"strings"
	"time"

	"echolot/models"

	"github.com/a-h/templ"
)

// A moment is drawn as an element with the time in it, which the page's script can put into the reader's zone (status_times.js writes
// the forms of Moment anew). A day, which has no moment, is drawn as text: it stays the page's.

// timeTag is a moment that is written as text; attributes say how, where that is not Moment's way.
func timeTag(t time.Time, text, attributes string) string {
	return `<time datetime="` + isoTime(t) + `"` + attributes + `>` + templ.EscapeString(text) + `</time>`
}

// statusTime is Moment as an element.
func (p StatusPage) statusTime(t time.Time) templ.Component { return pieces(p.momentTag(t)) }

func (p StatusPage) momentTag(t time.Time) string {
	if p.WithDays {
		return timeTag(t, p.Moment(t), " data-dated")
	}
	return timeTag(t, p.Moment(t), "")
}

// of is the page with each moment of the notice dated, unless it is one of today only: beside the day that it began on, a clock time
// alone is read as of that day.
func (p StatusPage) of(n models.StatusNotice) StatusPage {
	p.WithDays = p.WithDays || !p.sameDay(n.StartsAt, p.Board.At)
	return p
}

// pastTimes is when a notice was, under the heading of a day: 13:41–13:45, or 13:41 where that is all.
func (p StatusPage) pastTimes(day time.Time, n models.StatusNotice) templ.Component {
	tag := func(t time.Time) string {
		return timeTag(t, p.momentOf(day, t), ` data-on="`+day.Format(time.DateOnly)+`"`)
	}
	if n.StartsAt.Equal(n.EndsAt) {
		return pieces(tag(n.StartsAt))
	}
	return pieces(tag(n.StartsAt) + "–" + tag(n.EndsAt))
}

// timeMark holds an element's place in a text of the catalogue.
const timeMark = "{}"

// around is a text of the catalogue that was given timeMark for a moment, with the moment's element there.
func around(text, tag string) string {
	return strings.Replace(templ.EscapeString(text), timeMark, tag, 1)
}

// sinceTime is since 13:41.
func (p StatusPage) sinceTime(t time.Time) templ.Component {
	return pieces(around(p.T("since %s", timeMark), p.momentTag(t)))
}

// noticeWhen is when it is or was: since 13:41, 21 min; 13:00–14:00; Mon 23 Nov, 13:41–13:45, 4 min.
func (p StatusPage) noticeWhen(n models.StatusNotice) templ.Component {
	if n.EndsAt.IsZero() {
		when := around(p.T("since %s", timeMark), p.momentTag(n.StartsAt)) + p.lasting(n)
		if len(p.unstable(n)) > 0 {
			when += " · " + around(p.T("up since %s", timeMark), p.momentTag(n.UpSince))
		}
		return pieces(when)
	}
	when := p.momentTag(n.StartsAt) + "–" + timeTag(n.EndsAt, p.momentOf(n.StartsAt, n.EndsAt), ` data-from="`+isoTime(n.StartsAt)+`"`)
	if n.Kind == models.KindIncident {
		when += ", " + templ.EscapeString(p.Span(n.EndsAt.Sub(n.StartsAt)))
	}
	return pieces(when)
}

// lasting is how long an open incident lasts, after a comma. It is for pages that go on: the script counts from data-since, where
// nobody runs it the page is soon read again; elsewhere a figure would be wrong in a minute. So would that of a measured incident
// while nobody measures.
func (p StatusPage) lasting(n models.StatusNotice) string {
	if !p.Stream || n.Kind != models.KindIncident || n.Type != models.IncidentNone && p.Board.Silent {
		return ""
	}
	text := ""
	if age := p.Board.At.Sub(n.StartsAt); p.Whole && age >= time.Minute {
		text = ", " + p.Span(age)
	}
	return `<span data-since="` + isoTime(n.StartsAt) + `">` + templ.EscapeString(text) + `</span>`
}
