package models_test

import (
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// Where the results are kept, nothing from outside of the time is counted, whether it is rolled up or not, and nothing from before
// there was a monitor.
func TestUptimeOfATimeWithinBuckets(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		p := history(t, url, time.Minute)
		at := func(minute float64) time.Time { return p.began.Add(time.Duration(minute * float64(time.Minute))) }
		var batch []models.Result
		for i := 1; i < 6*60; i++ { // down from 121 to 123, and from 243 to 246
			rtt := 1000
			if i >= 121 && i < 123 || i >= 243 && i < 246 {
				rtt = -1
			}
			batch = append(batch, p.check(at(float64(i)), rtt))
		}
		p.record(setsBack, batch...)
		if _, err := writable(t, url).ExecContext(t.Context(), "UPDATE monitors SET created_at = '2026-03-01 00:00:30+00:00'"); err != nil {
			t.Fatal(err)
		}
		want := func(from, to, since, until float64, down time.Duration, checks int) {
			t.Helper()
			got, err := p.s.Uptime(t.Context(), p.by, p.row.PublicID, at(from), at(to), false)
			if err != nil || !got.From.Equal(at(since)) || !got.To.Equal(at(until)) || got.Down != down || got.Checks != checks {
				t.Errorf("from minute %v to %v: got %+v and error %v, want %s down and %d checks", from, to, got, err, down, checks)
			}
			d, err := p.s.Details(t.Context(), p.by, p.row.PublicID, models.DetailsRange{From: at(from), To: at(to), Step: time.Hour})
			if err != nil || d.Range.Uptime != got {
				t.Errorf("from minute %v to %v: got details of %+v and error %v, want %+v", from, to, d.Range.Uptime, err, got)
			}
		}
		all := func() {
			t.Helper()
			want(123, 129, 123, 129, 0, 6)
			want(122, 129, 122, 129, time.Minute, 7)
			want(100, 122.5, 100, 122.5, 90*time.Second, 23)
			want(121.5, 122.5, 121.5, 122.5, time.Minute, 1)
			want(121, 244, 121, 244, 3*time.Minute, 123)
			want(246, 300, 246, 300, 0, 54)
			want(-60, 9, 0.5, 9, 0, 8)
		}
		all()
		p.rollUp(at(7 * 60))
		all()
		if _, err := writable(t, url).ExecContext(t.Context(), "DELETE FROM results"); err != nil {
			t.Fatal(err)
		}
		want(123, 129, 120, 130, 2*time.Minute, 10)
		want(-60, 9, 0.5, 10, 0, 9)
	})
}
