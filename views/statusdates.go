package views

import (
	"strconv"
	"strings"
	"time"
)

// Dates are written by hand: golang.org/x/text has none. Names of days and months are keys of the catalogue; all is in the zone of
// the board's At.

// local is the moment in the page's zone.
func (p StatusPage) local(t time.Time) time.Time { return t.In(p.Board.At.Location()) }

// Clock is 13:58.
func (p StatusPage) Clock(t time.Time) string { return p.local(t).Format("15:04") }

// Day is Mon 23 Nov, and with its year where that is not this one.
func (p StatusPage) Day(t time.Time) string {
	t = p.local(t)
	day := p.T("%s %d %s", p.T(t.Format("Mon")), t.Day(), p.T(t.Format("Jan")))
	if t.Year() != p.Board.At.Year() {
		day += " " + strconv.Itoa(t.Year())
	}
	return day
}

// DayOfMonth is 23 Nov.
func (p StatusPage) DayOfMonth(t time.Time) string {
	t = p.local(t)
	return p.T("%d %s", t.Day(), p.T(t.Format("Jan")))
}

// Month is November 2026.
func (p StatusPage) Month(t time.Time) string {
	t = p.local(t)
	return p.T(t.Format("January")) + " " + strconv.Itoa(t.Year())
}

// Moment is a clock time of today, and with its day where that is another one or where all carry theirs.
func (p StatusPage) Moment(t time.Time) string {
	if p.WithDays {
		return p.Day(t) + ", " + p.Clock(t)
	}
	return p.momentOf(p.Board.At, t)
}

// momentOf is a clock time under the heading of a day, and with its own day where that is another one.
func (p StatusPage) momentOf(day, t time.Time) string {
	if p.sameDay(t, day) {
		return p.Clock(t)
	}
	return p.Day(t) + ", " + p.Clock(t)
}

func (p StatusPage) sameDay(a, b time.Time) bool {
	a, b = p.local(a), p.local(b)
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}

// Span is a duration in one or two units: 4 min, 3 h, 3 h 06 min, 2 d 04 h.
func (p StatusPage) Span(d time.Duration) string {
	text := Span(d)
	for _, nothing := range [...]string{nbsp + "00" + nbsp + "min", nbsp + "00" + nbsp + "h"} {
		text = strings.TrimSuffix(text, nothing)
	}
	return strings.Replace(text, nbsp+"d", nbsp+p.T("d"), 1)
}

// exactly is a moment to the second: 13:58:02, or with its day.
func (p StatusPage) exactly(t time.Time) string {
	clock := p.local(t).Format("15:04:05")
	if p.sameDay(t, p.Board.At) {
		return clock
	}
	return p.Day(t) + ", " + clock
}
