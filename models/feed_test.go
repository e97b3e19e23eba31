package models_test

import (
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/models/modelstest"
)

// told empties a subscription and counts what it held, by type.
func told(sub *events.Subscription) map[events.Type]int {
	n := map[events.Type]int{}
	for len(sub.C) > 0 {
		n[(<-sub.C).Type]++
	}
	return n
}

// A process that stands by hears of every monitor's result, of each once, and of a new state only where there is one.
func TestFeedTellsEachResultOnce(t *testing.T) {
	t.Parallel()
	url := modelstest.Postgres(t) // SQLite has one process that probes
	ctx := t.Context()
	holder, standby := modelstest.Open(t, url), modelstest.Open(t, url)
	by, _ := admin(t, holder)
	const monitors = 1_200 // more than a feed reads at a time
	row, err := holder.CreateMonitor(ctx, by, fields(t, `{"customerId":1,"name":"n","hostname":"127.0.0.1","checkInterval":1}`))
	if err != nil {
		t.Fatal(err)
	}
	db := modelstest.Connect(t, url)
	for _, copies := range []string{
		`INSERT INTO monitors SELECT (jsonb_populate_record(m, jsonb_build_object('id', m.id + n, 'public_id', gen_random_uuid()))).* FROM monitors AS m, generate_series(1, $1) AS n`,
		`INSERT INTO monitor_states SELECT (jsonb_populate_record(s, jsonb_build_object('monitor_id', s.monitor_id + n))).* FROM monitor_states AS s, generate_series(1, $1) AS n`,
	} {
		if _, err := db.ExecContext(ctx, copies, monitors-1); err != nil {
			t.Fatal(err)
		}
	}
	results := make([]models.Result, monitors)
	for i := range results {
		results[i] = models.Result{Monitor: row.ID + int64(i), Rev: row.Rev, Location: models.LocationID, Kind: models.KindScheduled, Outcome: models.OutcomeSuccess}
	}
	sub := standby.Bus().Subscribe(10 * monitors)
	feed := standby.NewFeed()
	defer feed.Close()
	started := time.Now().UnixMilli() + 1 // not before the feed began
	for round := range int64(3) {
		for i := range results {
			results[i].Slot = started + round
		}
		if _, err := holder.RecordResults(ctx, results, staysUp); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := feed.Read(ctx, true); err != nil {
				t.Fatal(err)
			}
		}
		states := 0
		if round == 0 {
			states = monitors // from pending
		}
		if n := told(sub); n[events.Check] != monitors || n[events.MonitorState] != states || len(n) > 2 {
			t.Errorf("round %d, read three times: got %v, want each of %d checks once and %d new states", round, n, monitors, states)
		}
	}
}

// staysUp judges every check good.
func staysUp(s models.MonitorState, r models.Result, rule models.Rule, status models.Status) (models.MonitorState, bool) {
	since, was := s.Since, s.State
	if s, _ = always(s, r, rule, status); was == models.StateUp {
		s.Since = since
	}
	return s, true
}

// What a process changes itself it has told already; what another one changes is told once.
func TestFeedTellsChangesOnce(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		ctx := t.Context()
		here, there := modelstest.Open(t, url), modelstest.Open(t, url)
		by, _ := admin(t, here)
		sub := here.Bus().Subscribe(1000)
		feed := here.NewFeed()
		defer feed.Close()
		for what, s := range map[string]*models.Store{"its own": here, "another's": there} {
			row, err := s.CreateMonitor(ctx, by, fields(t, `{"customerId":1,"name":"n","hostname":"127.0.0.1"}`))
			if err != nil {
				t.Fatal(err)
			}
			steps := []struct {
				do   func() error
				want events.Type
			}{
				{func() error { return nil }, events.MonitorCreated},
				{func() error {
					_, err := s.ChangeMonitor(ctx, by, row.PublicID, fields(t, `{"name":"m"}`), "")
					return err
				}, events.MonitorUpdated},
				{func() error { return s.DeleteMonitor(ctx, by, row.PublicID) }, events.MonitorDeleted},
			}
			for _, step := range steps {
				if err := step.do(); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					if err := feed.Read(ctx, false); err != nil {
						t.Fatal(err)
					}
				}
				if n := told(sub); len(n) != 1 || n[step.want] != 1 {
					t.Errorf("%s change, read three times: got %v, want %s once", what, n, step.want)
				}
			}
		}
	})
}
