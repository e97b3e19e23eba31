package models_test

import (
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// A location that is blind says so in its heartbeat at once, as often as it likes, and no other location does.
func TestBlindLocation(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		s := modelstest.Open(t, url)
		blind := func() bool {
			t.Helper()
			beat, _, err := s.Heartbeat(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return beat.Blind
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(s.ClearBlind(t.Context(), models.LocationID)) // before any heartbeat
		must(s.SetBlind(t.Context(), models.LocationID, time.Now(), []string{"gateway 10.99.0.1"}))
		since := time.Now().UTC().Truncate(time.Microsecond)
		must(s.SaveHeartbeat(t.Context(), models.Heartbeat{Engine: "echolot", Figures: models.ProberFigures{
			Sentinels: []models.SentinelFigures{{Host: "10.99.0.1", Gateway: true, Counts: true}}, Blind: &models.Blindness{Since: since, Silent: []string{"gateway 10.99.0.1"}}}}))
		for range 2 {
			must(s.SetBlind(t.Context(), models.LocationID, time.Now(), []string{"gateway 10.99.0.1"}))
			if !blind() {
				t.Error("set: got a location that sees")
			}
		}
		for range 2 {
			must(s.ClearBlind(t.Context(), models.LocationID+1))
			if !blind() {
				t.Error("another location sees: so does this one")
			}
		}
		beat, _, err := s.Heartbeat(t.Context())
		if b := beat.Figures.Blind; err != nil || b == nil || !b.Since.Equal(since) || b.String() != "gateway 10.99.0.1 is silent" || len(beat.Figures.Sentinels) != 1 {
			t.Errorf("figures: got %+v, %v", beat.Figures, err)
		}
		for range 2 {
			must(s.ClearBlind(t.Context(), models.LocationID))
			if blind() {
				t.Error("cleared: got a location that is blind")
			}
		}
	})
}
