package models_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// While checks are recorded, people pause, change and delete the same monitors. Nobody is refused for it, and in the end no
// incident is open that no state knows, nor one that nothing is open of.
func TestIncidentsWhilePeopleInterfere(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		by, _ := admin(t, s)
		var mu sync.Mutex
		var rows []models.MonitorRow
		create := func() {
			row, err := s.CreateMonitor(t.Context(), by, fields(t, `{"customerId":1,"name":"n","hostname":"127.0.0.1","checkIntervalSeconds":10,"timeoutSeconds":2}`))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			rows = append(rows, row)
		}
		some := func() (int, models.MonitorRow) {
			mu.Lock()
			defer mu.Unlock()
			i := rand.IntN(len(rows))
			return i, rows[i]
		}
		for range 8 {
			create()
		}
		slot := time.Now().UnixMilli()
		turns := make(chan struct{}) // people act beside one batch of two: each change makes results of before void
		var people sync.WaitGroup
		people.Go(func() { // the recorder
			defer close(turns)
			for n := range 120 {
				for range 3 {
					select {
					case turns <- struct{}{}:
					default:
					}
					if n%2 == 0 {
						break
					}
				}
				mu.Lock()
				batch := make([]models.Result, len(rows))
				slot += 1000
				for i, row := range rows {
					batch[i] = measured(row.ID, slot)
					batch[i].Rev, batch[i].Mass = row.Rev, rand.IntN(2) == 0
					if rand.IntN(2) == 0 {
						batch[i].Outcome, batch[i].Received = models.OutcomeFailure, 0
					}
				}
				mu.Unlock()
				if _, err := s.RecordResults(t.Context(), batch, byOutcome); err != nil {
					t.Errorf("recording: %v", err)
				}
			}
		})
		change := func(bodies ...string) func() {
			return func() {
				for range turns {
					i, row := some()
					changed, err := s.ChangeMonitor(t.Context(), by, row.PublicID, fields(t, bodies[rand.IntN(len(bodies))]), "")
					var gone *models.NotFound
					if err != nil && !errors.As(err, &gone) {
						t.Errorf("changing: %v", err)
					}
					mu.Lock()
					if err == nil && i < len(rows) && rows[i].ID == changed.ID {
						rows[i] = changed
					}
					mu.Unlock()
				}
			}
		}
		people.Go(change(`{"status":"disabled"}`, `{"status":"active"}`, `{"status":"active"}`))
		people.Go(change(`{"hostname":"127.0.0.2"}`, `{"hostname":"127.0.0.3"}`, `{"name":"m"}`))
		people.Go(func() {
			for range turns {
				_, row := some()
				if err := s.DeleteMonitor(t.Context(), by, row.PublicID); err != nil {
					t.Errorf("deleting: %v", err)
				}
				mu.Lock()
				rows = slices.DeleteFunc(rows, func(r models.MonitorRow) bool { return r.ID == row.ID })
				mu.Unlock()
				create()
			}
		})
		people.Wait()
		db := modelstest.Connect(t, modelstest.URL(t, s))
		count := func(query string) (n int) {
			t.Helper()
			if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		for what, query := range map[string]string{
			"open parts that the state does not know": `SELECT count(*) FROM incident_monitors AS p JOIN monitor_states AS s ON s.monitor_id = p.monitor_id WHERE p.ended_at IS NULL AND s.incident_id <> p.incident_id`,
			"states that name what is not open":       `SELECT count(*) FROM monitor_states AS s WHERE s.incident_id <> 0 AND NOT EXISTS (SELECT 1 FROM incident_monitors AS p WHERE p.incident_id = s.incident_id AND p.monitor_id = s.monitor_id AND p.ended_at IS NULL)`,
			"open parts of paused monitors":           `SELECT count(*) FROM incident_monitors AS p JOIN monitors AS m ON m.id = p.monitor_id WHERE p.ended_at IS NULL AND m.status = 'disabled'`,
			"open incidents of which nothing is open": `SELECT count(*) FROM incidents AS i WHERE i.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM incident_monitors AS p WHERE p.incident_id = i.id AND p.ended_at IS NULL)`,
			"ended incidents of which something is":   `SELECT count(*) FROM incidents AS i WHERE i.ended_at IS NOT NULL AND EXISTS (SELECT 1 FROM incident_monitors AS p WHERE p.incident_id = i.id AND p.ended_at IS NULL)`,
			"incidents of nobody":                     `SELECT count(*) FROM incidents AS i WHERE NOT EXISTS (SELECT 1 FROM incident_monitors AS p WHERE p.incident_id = i.id)`,
			"parts that end before they begin":        `SELECT count(*) FROM incident_monitors WHERE ended_at < started_at OR confirmed_at < started_at`,
		} {
			if n := count(query); n != 0 {
				t.Errorf("got %d %s, want none", n, what)
			}
		}
		if n := count("SELECT count(*) FROM incidents"); n < 4 {
			t.Errorf("got only %d incidents, want the test to make some", n)
		}
	})
}
