package handlers

import (
	"net/url"
	"strings"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// chartQuery is what a page's address asks of the chart.
type chartQuery struct {
	// name is the range's, empty for one between two times.
	name     string
	from, to time.Time
	// live is true where the range ends now.
	live bool
	zone *time.Location
	// tz is the zone as the address names it; empty where the reader's cookie or UTC rules.
	tz string
}

// defaultRange is what the chart shows unasked.
const defaultRange = "day"

// The shortest and the longest range: a dragged one may be short, and no monitor is older than the years that are kept.
const (
	shortestRange = 10 * time.Second
	longestRange  = 20 * 366 * 24 * time.Hour
)

// chartRange reads range, start, end (or startDate, endDate) and tz. A range has its end, or now; start and end go without a range.
func chartRange(c *fiber.Ctx, now time.Time) (chartQuery, error) {
	q := chartQuery{name: c.Query("range"), to: now, zone: time.UTC}
	var bad models.Invalid
	history := historyQuery{c: c}
	start := history.moment(history.either("start", "startDate"), false)
	end := history.moment(history.either("end", "endDate"), true)
	bad.Fields = append(bad.Fields, history.bad.Fields...)
	if end.After(now) {
		end = now // nothing was measured after it
	}
	switch {
	case !start.IsZero() && !end.IsZero():
		q.from, q.to = start, end
		if span := end.Sub(start); len(bad.Fields) == 0 && (span < shortestRange || span > longestRange) {
			bad.Fields = append(bad.Fields, models.FieldError{Field: "end", Message: "end must be at least 10 s after start, and at most 20 years"})
		}
		q.name = named(end.Sub(start))
	case !start.IsZero():
		q.from, q.name = start, ""
		if span := now.Sub(start); span < shortestRange || span > longestRange {
			bad.Fields = append(bad.Fields, models.FieldError{Field: "start", Message: "start must be in the past"})
		}
	default:
		if q.name == "" {
			q.name = defaultRange
		}
		if !end.IsZero() {
			q.to = end
		}
		span := spanOf(q.name)
		if span == 0 {
			bad.Fields = append(bad.Fields, models.FieldError{Field: "range", Message: "range must be hour, day, week, month or year"})
		}
		q.from = q.to.Add(-span)
	}
	if !q.to.Before(now) {
		q.live = true
	}
	if q.tz = c.Query("tz"); q.tz != "" {
		zone, ok := zoneOf(q.tz)
		if !ok {
			bad.Fields = append(bad.Fields, models.FieldError{Field: "tz", Message: "tz must be UTC or a zone like Europe/Berlin"})
		}
		q.zone = zone
	} else {
		q.zone = keptZone(c)
	}
	if len(bad.Fields) > 0 {
		return chartQuery{}, &bad
	}
	return q, nil
}

// keptZone is the zone of the reader's cookie; UTC where it says nothing, which is no error.
func keptZone(c *fiber.Ctx) *time.Location {
	kept, err := url.QueryUnescape(c.Cookies("tz"))
	if err != nil {
		return time.UTC
	}
	zone, _ := zoneOf(kept)
	return zone
}

// spanOf is how long a named range is; 0 for a name of nobody's.
func spanOf(name string) time.Duration {
	for _, r := range views.ChartRanges() {
		if r.Name == name {
			return r.Span
		}
	}
	return 0
}

// named is the name of a range that is as long, or empty.
func named(span time.Duration) string {
	for _, r := range views.ChartRanges() {
		if r.Span == span {
			return r.Name
		}
	}
	return ""
}

// zoneOf finds a time zone by its name; UTC where there is none. The machine's own zone has no name here: it says nothing of the
// reader's.
func zoneOf(name string) (*time.Location, bool) {
	if name == "" || name == "Local" || len(name) > 64 || strings.ContainsAny(name, "\x00") {
		return time.UTC, false
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC, false
	}
	return zone, true
}
