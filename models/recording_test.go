package models_test

import (
	"context"
	"net/netip"
	"reflect"
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

// blames is always with the result's cause, who said it and the MTU that was said.
func blames(s models.MonitorState, r models.Result, rule models.Rule, status models.Status) (models.MonitorState, bool) {
	s, ok := always(s, r, rule, status)
	s.State, s.Cause, s.CauseSource, s.CauseMTU = models.StateDown, r.Cause, r.CauseSource.String(), r.CauseMTU
	return s, ok
}

// tooBig is a check of which a router said that its packets do not fit.
func tooBig(m models.MonitorRow, slot int64) models.Result {
	r := measured(m.ID, slot)
	r.Rev, r.Outcome, r.Received, r.ReplyTTL = m.Rev, models.OutcomeFailure, 0, 0
	r.Packets = []models.Packet{{State: models.PacketRefused}, {State: models.PacketLost}, {State: models.PacketLate}, {State: models.PacketRefused}}
	r.Cause, r.CauseSource, r.CauseMTU = models.CauseTooBig, netip.MustParseAddr("10.0.0.1"), 1280
	return r
}

// A result comes back as it was stored, and its cause, who said it and what would fit stand in the monitor's state until
// the monitor is stopped.
func TestResultsKeepTheirCause(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		ctx, now := t.Context(), time.Now()
		s := modelstest.Open(t, url, func(o *models.Options) { o.Now = func() time.Time { return now } })
		by, customer := admin(t, s)
		row, err := s.CreateMonitor(ctx, by, fields(t, `{"customerId":1,"name":"n","hostname":"127.0.0.1"}`))
		if err != nil {
			t.Fatal(err)
		}
		want := tooBig(row, now.UnixMilli())
		// The second time its clock was set back since, and on Postgres the batch goes another way.
		for _, r := range [][]models.Result{{want}, {want, tooBig(row, want.Slot+1)}} {
			if recorded, err := s.RecordResults(ctx, r, blames); err != nil || len(recorded) != len(r) {
				t.Fatalf("got %d recorded and error %v, want %d", len(recorded), err, len(r))
			}
			now = now.Add(-time.Hour)
		}
		history, err := s.CheckHistory(ctx, by, row.PublicID, time.Time{}, 10)
		want.Rev = 0 // of no use once it is judged: it is not stored
		if err != nil || len(history) != 2 || !reflect.DeepEqual(history[1], want) || history[0].CauseMTU != 1280 {
			t.Errorf("history: got %+v and error %v, want %+v and the one after it", history, err, want)
		}
		var stored []byte
		if err := modelstest.Connect(t, url).QueryRowContext(ctx, "SELECT packets FROM results ORDER BY slot LIMIT 1").Scan(&stored); err != nil {
			t.Fatal(err)
		}
		if want := "\x02\x00\x01\x02"; string(stored) != want {
			t.Errorf("stored packets: got % x, want % x: refused, lost, late, refused", stored, want)
		}
		state := func(what string, cause models.Cause, source string, mtu int) {
			t.Helper()
			got, err := s.Monitor(ctx, by, row.PublicID)
			if st := got.State; err != nil || st.Cause != cause || st.CauseSource != source || st.CauseMTU != mtu {
				t.Errorf("%s: got cause %q, said %q, MTU %d and error %v, want %q, %q, %d", what, st.Cause, st.CauseSource, st.CauseMTU, err, cause, source, mtu)
			}
		}
		state("recorded", models.CauseTooBig, "10.0.0.1", 1280)
		// The next result is judged from the state as it was read.
		if _, err := s.RecordResults(ctx, []models.Result{measured(row.ID, want.Slot+2)}, always); err != nil {
			t.Fatal(err)
		}
		state("left alone by the judge", models.CauseTooBig, "10.0.0.1", 1280)
		if _, err := s.ChangeCustomer(ctx, by, models.Ref{PublicID: customer.PublicID}, fields(t, `{"status":"cancelled"}`), ""); err != nil {
			t.Fatal(err)
		}
		state("stopped", models.CauseNone, "", 0)
	})
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

// The server commits, and its answer does not come in time: whoever records the batch again stores nothing twice and judges
// nothing twice.
func TestCommitWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	url := modelstest.Postgres(t)
	s := modelstest.Open(t, url)
	ids := modelstest.Monitors(t, s, 3)
	db := modelstest.Connect(t, url)
	for _, statement := range []string{
		"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END'",
		"CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON monitor_states DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()", // at the COMMIT
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	slot := time.Now().UnixMilli()
	batch := []models.Result{measured(ids[0], slot), measured(ids[1], slot), measured(ids[2], slot), measured(ids[0], slot+1000)}
	newer := func(st models.MonitorState, r models.Result, rule models.Rule, status models.Status) (models.MonitorState, bool) {
		if r.Slot <= st.LastSlot {
			return st, false
		}
		return always(st, r, rule, status)
	}
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	recorded, err := s.RecordResults(short, batch, newer)
	if err == nil || !models.IsUnavailable(err) || len(recorded) != 0 {
		t.Fatalf("got %d recorded and error %v, want an answer that did not come", len(recorded), err)
	}
	var n int
	for deadline := time.Now().Add(20 * time.Second); n < len(batch); {
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM results").Scan(&n); err != nil || time.Now().After(deadline) {
			t.Fatalf("got %d results and error %v, want them committed all the same", n, err)
		}
	}
	if recorded, err := s.RecordResults(t.Context(), append(batch, measured(ids[1], slot+1000)), newer); err != nil || len(recorded) != 1 {
		t.Errorf("again, with one more: got %d recorded and error %v, want the one", len(recorded), err)
	}
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM results").Scan(&n); err != nil || n != 5 {
		t.Errorf("got %d results and error %v, want 5", n, err)
	}
}
