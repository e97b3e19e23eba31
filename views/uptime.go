package views

import (
	"strconv"
	"time"
)

// Uptime is how long a monitor was up in a span, and how sure that is: what was not measured is neither up nor down.
type Uptime struct {
	// Word names the span: 24 h, 30 d.
	Word string
	// Up includes degraded. Unmeasured is the rest of the span, without what people had announced where that is left out.
	Up, Down, Unmeasured time.Duration
	Checks               int
}

func (u Uptime) measured() time.Duration { return u.Up + u.Down }

// percent is cut to two decimals, never rounded: 100.00 means all of it.
func (u Uptime) percent() string {
	hundredths := int64(float64(u.Up) / float64(u.measured()) * 10000)
	if u.Down > 0 && hundredths == 10000 {
		hundredths = 9999
	}
	return strconv.FormatFloat(float64(hundredths)/100, 'f', 2, 64)
}

// arithmetic is how the share came about: "of 718.2 h measured; 1.8 h not measured; 8,640 checks".
func (u Uptime) arithmetic() string {
	text := "of " + hours(u.measured()) + " measured"
	if u.Unmeasured >= time.Minute {
		text += "; " + hours(u.Unmeasured) + " not measured"
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
