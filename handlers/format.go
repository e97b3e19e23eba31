package handlers

import (
	"math"
	"time"
)

// isoTime writes a time as the API does: UTC, milliseconds, Z. Nil and zero times are null.
type isoTime struct{ time.Time }

// isoLayout is ISO 8601 with milliseconds.
const isoLayout = "2006-01-02T15:04:05.000Z"

// MarshalJSON writes the time or null.
func (t isoTime) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + t.UTC().Format(isoLayout) + `"`), nil
}

func isoPtr(t *time.Time) isoTime {
	if t == nil {
		return isoTime{}
	}
	return isoTime{*t}
}

// minutes writes seconds as minutes, rounded to four decimals.
func minutes(seconds int) float64 {
	return math.Round(float64(seconds)/60*1e4) / 1e4
}

// ms writes a duration as milliseconds with three decimals.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// nonEmpty is a text, or null where it is empty.
func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
