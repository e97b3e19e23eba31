package models_test

import (
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// An hour of a monitor that is checked each second is put into buckets of 15 seconds, which hold all of it; where its first results
// are gone, into those of roll-ups.
func TestFineSeries(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		p := history(t, url, time.Second)
		begun := p.began.Add(7 * time.Second)
		var checks []models.Result
		for i := range 3600 {
			rtts := []int{1000, 2000}
			if i >= 1800 && i < 1860 {
				rtts = []int{-1, -1}
			}
			checks = append(checks, p.check(begun.Add(time.Duration(i)*time.Second), rtts...))
		}
		p.record(models.Judge, checks...)
		p.now = begun.Add(time.Hour)
		s, err := p.s.Series(t.Context(), p.by, p.row.PublicID, models.SeriesRange{From: begun, To: p.now, Points: 300})
		if err != nil {
			t.Fatal(err)
		}
		var up, down time.Duration
		n := 0
		for _, b := range s.Buckets {
			up, down, n = up+b.Up, down+b.Down, n+b.Checks()
		}
		if s.Step != 15*time.Second || len(s.Buckets) != 241 || n != 3600 || up != 59*time.Minute || down != time.Minute {
			t.Errorf("got %d buckets of %s with %d checks, %s up, %s down; want 241 of 15 s with 3600, 59 min, 1 min", len(s.Buckets), s.Step, n, up, down)
		}
		// Before the range the check that speaks for its begin counts, and no other.
		late, err := p.s.Series(t.Context(), p.by, p.row.PublicID, models.SeriesRange{From: begun.Add(30 * time.Minute), To: begun.Add(31 * time.Minute), Step: time.Minute})
		if err != nil || len(late.Buckets) != 2 || late.Buckets[0].Start != p.began.Add(30*time.Minute) || late.Buckets[0].Up != 7*time.Second || late.Buckets[0].Down != 53*time.Second || late.Buckets[1].Down != 7*time.Second {
			t.Errorf("got %+v, %v; want what is up and down to the second", late.Buckets, err)
		}
		gone, err := p.s.Series(t.Context(), p.by, p.row.PublicID, models.SeriesRange{From: p.began, To: p.now, Points: 300})
		if err != nil || gone.Step != 5*time.Minute {
			t.Errorf("with first results missing: got steps of %s, %v; want what is kept longest", gone.Step, err)
		}
	})
}
