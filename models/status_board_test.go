package models_test

import (
	"errors"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"

	"github.com/google/uuid"
)

// A component's id is the same each time, another one on another page, and not the monitor's.
func TestComponentID(t *testing.T) {
	page, other, monitor := models.StatusPage{PublicID: uuid.New()}, models.StatusPage{PublicID: uuid.New()}, uuid.New()
	id := page.ComponentID(monitor)
	if id != page.ComponentID(monitor) || id == other.ComponentID(monitor) || id == monitor || id.Version() != 8 || id.Variant() != uuid.RFC4122 {
		t.Errorf("got %s (version %d), want one of version 8 that belongs to the page", id, id.Version())
	}
}

// A page shows its customer's monitors without their hosts; another slug shows nothing.
func TestStatusBoard(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		by, _ := liveMonitors(t, s, "127.0.0.1", "127.0.0.2")
		if _, err := s.CreateStatusPage(t.Context(), by, fields(t, `{"customerId":1,"name":"Page","slug":"page","isPublished":true}`)); err != nil {
			t.Fatal(err)
		}
		page, err := s.UnscopedStatusPage(t.Context(), "page")
		if err != nil || page.Name != "Page" || !page.IsPublished || page.Version != 1 {
			t.Fatalf("got %+v, %v", page, err)
		}
		board, err := s.UnscopedStatusBoard(t.Context(), page)
		if err != nil || len(board.Groups) != 1 || len(board.Groups[0].Components) != 2 {
			t.Fatalf("got %+v, %v; want one group of two", board, err)
		}
		if c := board.Groups[0].Components[1]; c.Name != "127.0.0.2" || c.Host != "" || c.State != models.StatePending {
			t.Errorf("got %+v, want the second monitor without its host", c)
		}
		var gone *models.NotFound
		if _, err := s.UnscopedStatusPage(t.Context(), "other"); !errors.As(err, &gone) {
			t.Errorf("another slug: got %v, want not found", err)
		}
	})
}

// The page says how often at least, and how seldom at most, its monitors are checked; those that nobody checks do not count.
func TestStatusBoardIntervals(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		by, _ := liveMonitors(t, s)
		for name, settings := range map[string]string{"often": `"checkIntervalSeconds":10`, "seldom": `"checkIntervalSeconds":3600`, "never": `"checkIntervalSeconds":86400,"status":"disabled"`} {
			if _, err := s.CreateMonitor(t.Context(), by, fields(t, `{"customerId":1,"name":"`+name+`","hostname":"127.0.0.1",`+settings+`}`)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.CreateStatusPage(t.Context(), by, fields(t, `{"customerId":1,"name":"Page","slug":"page","isPublished":true}`)); err != nil {
			t.Fatal(err)
		}
		page, err := s.UnscopedStatusPage(t.Context(), "page")
		if err != nil {
			t.Fatal(err)
		}
		if board, err := s.UnscopedStatusBoard(t.Context(), page); err != nil || board.Interval != 10*time.Second || board.Longest != time.Hour {
			t.Errorf("got %v to %v, %v; want 10 s to 1 h", board.Interval, board.Longest, err)
		}
	})
}
