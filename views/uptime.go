package views

import (
	"strconv"
	"time"

	"echolot/models"
)

// Uptime is how long a monitor was up in a span that ends now, and how sure that is.
type Uptime struct {
	// Word names the span: 24 h, 30 d.
	Word string
	models.Uptime
}

// arithmetic is how the share came about: "of 718.2 h measured; 1.8 h not measured; 8,640 checks".
func (u Uptime) arithmetic() string {
	text := "of " + hours(u.Measured()) + " measured"
	if u.NotMeasured() >= time.Minute {
		text += "; " + hours(u.NotMeasured()) + " not measured"
	}
	return text + "; " + count(u.Checks, "check", "checks")
}

// hours writes a time in hours with a decimal, and less than an hour as a span.
func hours(d time.Duration) string {
	if d < time.Hour {
		return Span(d)
	}
	return strconv.FormatFloat(d.Hours(), 'f', 1, 64) + nbsp + "h"
}
