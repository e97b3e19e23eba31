package models_test

import (
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// Two processes that record results of one monitor judge one after the other: the second from what the first one left.
func TestRecordersExcludeEachOther(t *testing.T) {
	t.Parallel()
	url := modelstest.Postgres(t) // SQLite has one writer
	first, second := modelstest.Open(t, url), modelstest.Open(t, url)
	by, _ := admin(t, first)
	row, err := first.CreateMonitor(t.Context(), by, fields(t, `{"customerId":1,"name":"n","hostname":"127.0.0.1"}`))
	if err != nil {
		t.Fatal(err)
	}
	slot := time.Now().UnixMilli()
	result := func(slot int64) []models.Result {
		return []models.Result{{Monitor: row.ID, Rev: row.Rev, Slot: slot, Location: models.LocationID, Kind: models.KindScheduled, Outcome: models.OutcomeSuccess}}
	}
	judging, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 2)
	go func() {
		_, err := first.RecordResults(t.Context(), result(slot), func(s models.MonitorState, r models.Result, rule models.Rule, status models.Status) (models.MonitorState, bool) {
			close(judging)
			<-goOn
			return always(s, r, rule, status)
		})
		done <- err
	}()
	select {
	case <-judging:
	case err := <-done:
		t.Fatalf("recording ended before judging: %v", err)
	}
	saw := make(chan int64, 1)
	go func() {
		_, err := second.RecordResults(t.Context(), result(slot+1), func(s models.MonitorState, r models.Result, rule models.Rule, status models.Status) (models.MonitorState, bool) {
			saw <- s.LastSlot
			return always(s, r, rule, status)
		})
		done <- err
	}()
	db := modelstest.Connect(t, url)
	waiting := func() (n int) {
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&n); err != nil {
			t.Error(err)
			return 1
		}
		return n
	}
	deadline := time.Now().Add(20 * time.Second)
	for waiting() == 0 && len(saw) == 0 && time.Now().Before(deadline) {
	}
	close(goOn)
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if got := <-saw; got != slot {
		t.Errorf("the second judged from the state at slot %d, want %d, which the first one left", got, slot)
	}
}

// After the clock was set back by an hour, results count at once. A result that is only late never does.
func TestResultsAfterTheClockWasSetBack(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		now := time.Now()
		s := modelstest.Open(t, url, func(o *models.Options) { o.Now = func() time.Time { return now } })
		by, _ := admin(t, s)
		row, err := s.CreateMonitor(t.Context(), by, fields(t, `{"customerId":1,"name":"n","hostname":"127.0.0.1","checkInterval":1}`))
		if err != nil {
			t.Fatal(err)
		}
		record := func(what string, at time.Time, want int) {
			t.Helper()
			r := models.Result{Monitor: row.ID, Rev: row.Rev, Slot: at.UnixMilli(), Location: models.LocationID, Kind: models.KindScheduled, Outcome: models.OutcomeSuccess}
			recorded, err := s.RecordResults(t.Context(), []models.Result{r}, func(st models.MonitorState, r models.Result, rule models.Rule, status models.Status) (models.MonitorState, bool) {
				if r.Slot <= st.LastSlot {
					return st, false
				}
				return always(st, r, rule, status)
			})
			if err != nil || len(recorded) != want {
				t.Errorf("%s: got %d recorded, error %v, want %d", what, len(recorded), err, want)
			}
		}
		record("the first", now, 1)
		record("a late one", now.Add(-5*time.Minute), 0)
		now = now.Add(-time.Hour)
		record("the first after the clock was set back", now, 1)
		record("a late one", now.Add(-time.Minute), 0)
	})
}
