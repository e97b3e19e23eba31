package handlers

import (
	"errors"
	"testing"
	"time"

	"echolot/models"
)

// FuzzBefore: the cursor of the check history is a time that both databases can compare with, or a field's error.
func FuzzBefore(f *testing.F) {
	for _, s := range []string{"", "2026-02-26T12:00:00.000Z", "2026-02-26T12:00:00+01:00", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-23:59", "1970-01-01T00:00:00+14:00", "0000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-02-26t12:00:00z",
		"2026-02-26T24:00:00Z", "2026-02-26T12:00:60Z", "2026-02-26T12:00:00,5Z", "2026-02-26 12:00:00Z", "1772107200000", "-1", "now", "\x00", "2026-02-26T12:00:00Z\x00", "2026-02-26T12:00:00.0000000000000000001Z", "２０２６-02-26T12:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, err := parseBefore(s)
		if err != nil {
			var e *models.Invalid
			if !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Field != "before" || e.Fields[0].Message == "" {
				t.Fatalf("%q: got %v, want the field named", s, err)
			}
			return
		}
		if (s == "") != at.IsZero() {
			t.Fatalf("%q: got %s", s, at)
		}
		if s == "" {
			return
		}
		// A store compares microseconds since 1970 as 64 bits.
		if us := at.UnixMicro(); us < -24*time.Hour.Microseconds() || us > 253402300800_000000+24*time.Hour.Microseconds() {
			t.Fatalf("%q: got %d microseconds", s, us)
		}
		if again, err := parseBefore(at.UTC().Format(time.RFC3339Nano)); at.UTC().Year() >= 1970 && at.UTC().Year() <= 9999 && (err != nil || !again.Equal(at)) {
			t.Fatalf("%q: got %s, and from that %s, error %v", s, at, again, err)
		}
	})
}
