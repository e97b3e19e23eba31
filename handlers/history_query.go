package handlers

import (
	"time"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
)

// historyQuery reads what an address asks of a monitor's history, and collects what is wrong with it.
type historyQuery struct {
	c   *fiber.Ctx
	bad models.Invalid
}

func (q *historyQuery) wrong(field, message string) {
	q.bad.Fields = append(q.bad.Fields, models.FieldError{Field: field, Message: message})
}

// err is what is wrong, or nil.
func (q *historyQuery) err() error {
	if len(q.bad.Fields) == 0 {
		return nil
	}
	return &q.bad
}

// moment reads an ISO 8601 time with a zone, or a date, which is a day in UTC: its begin, or as an end its end. Absent is the zero
// time.
func (q *historyQuery) moment(name string, end bool) time.Time {
	text := q.c.Query(name)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, text)
	if err == nil && end {
		t = t.AddDate(0, 0, 1)
	} else if err != nil {
		t, err = time.Parse(time.RFC3339Nano, text)
	}
	switch {
	case err != nil:
		q.wrong(name, name+" must be an ISO 8601 time like 2026-02-26T12:00:00.000Z, or a date")
		return time.Time{}
	case t.UTC().Year() < 1970 || t.UTC().Year() > 9999:
		q.wrong(name, name+" "+badYear)
		return time.Time{}
	}
	return t.UTC()
}

// badYear is said of a time outside of what a database can compare.
const badYear = "must be between the years 1970 and 9999"

// either is the one of two names of a parameter that the address has, or the first one; both at once are refused.
func (q *historyQuery) either(name, other string) string {
	switch {
	case q.c.Query(other) == "":
		return name
	case q.c.Query(name) != "":
		q.wrong(other, other+" is another name of "+name+": give one of them")
	}
	return other
}

// oneOf reads a word; absent is the first one.
func (q *historyQuery) oneOf(name, message string, words ...string) string {
	asked := q.c.Query(name, words[0])
	for _, w := range words {
		if w == asked {
			return w
		}
	}
	q.wrong(name, name+" must be "+message)
	return words[0]
}

// The granularities. The empty one leaves the choice to us.
const (
	grainRaw  = "raw"
	grain5m   = "5m"
	grainHour = "1h"
	grainDay  = "1d"
)

// granularity reads the length of the steps.
func (q *historyQuery) granularity() string {
	return q.oneOf("granularity", "raw, 5m, 1h or 1d", "", grainRaw, grain5m, grainHour, grainDay)
}

// stepOf is the granularity as the store takes it.
func stepOf(granularity string) time.Duration {
	switch granularity {
	case grainRaw:
		return models.EachCheck
	case grain5m:
		return 5 * time.Minute
	case grainHour:
		return time.Hour
	case grainDay:
		return 24 * time.Hour
	default:
		return 0
	}
}

// ordered notes where the range is empty or longer than a monitor can be old.
func (q *historyQuery) ordered(start, end string, from, to time.Time) {
	switch {
	case q.err() != nil:
	case !from.Before(to):
		q.wrong(start, start+" must be before "+end+", and not in the future")
	case to.Sub(from) > longestRange:
		q.wrong(end, end+" must be at most 20 years after "+start)
	}
}

// detailsRange reads range, date, startDate, endDate (or start, end), granularity and excludeMaintenance. A date chooses the day, the week from
// Monday on, the month or the year in UTC that it lies in; without one the range ends now, or at endDate. startDate alone is up to
// now; with it the range's name means nothing.
func detailsRange(c *fiber.Ctx, now time.Time) (models.DetailsRange, error) {
	q := historyQuery{c: c}
	name := q.oneOf("range", "day, week, month or year", "day", "week", "month", "year")
	startName, endName := q.either("startDate", "start"), q.either("endDate", "end")
	start, end, date := q.moment(startName, false), q.moment(endName, true), q.moment("date", false)
	r := models.DetailsRange{Step: stepOf(q.granularity()), ExcludeMaintenance: q.oneOf("excludeMaintenance", "true or false", "false", "true") == "true"}
	if r.To = end; end.IsZero() {
		r.To = now
	}
	switch {
	case !start.IsZero():
		r.From = start
	case end.IsZero() && !date.IsZero():
		r.From, r.To = calendar(name, date)
	default:
		r.From = r.To.Add(-spanOf(name))
	}
	if r.To.After(now) {
		r.To = now
	}
	q.ordered(startName, endName, r.From, r.To)
	return r, q.err()
}

// calendar is the day, week, month or year in UTC that the date lies in.
func calendar(name string, date time.Time) (from, to time.Time) {
	y, m, d := date.Date()
	from = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	switch name {
	case "week":
		from = from.AddDate(0, 0, -(int(from.Weekday())+6)%7)
		return from, from.AddDate(0, 0, 7)
	case "month":
		from = time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
		return from, from.AddDate(0, 1, 0)
	case "year":
		from = time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)
		return from, from.AddDate(1, 0, 0)
	default:
		return from, from.AddDate(0, 0, 1)
	}
}
