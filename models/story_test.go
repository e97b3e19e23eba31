package models_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/models/modelstest"
)

// admin makes an organization with an administrator and returns the actor and its first customer.
func admin(t *testing.T, s *models.Store) (models.Actor, models.Customer) {
	t.Helper()
	ctx := context.Background()
	_, err := s.UnscopedCreateUser(ctx, models.NewUser{Email: "ops@example.com", Role: models.RoleAdmin, Password: "correct horse battery"})
	if err != nil {
		t.Fatal(err)
	}
	token, _, _, err := s.SignIn(ctx, "ops@example.com", "correct horse battery", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	by, err := s.Resume(ctx, token, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	customers, err := s.Customers(ctx, by)
	if err != nil || len(customers) != 1 {
		t.Fatalf("got %d customers and error %v, want the first customer", len(customers), err)
	}
	return by, customers[0]
}

func fields(t *testing.T, body string) models.Fields {
	t.Helper()
	f, err := models.ParseFields([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func always(s models.MonitorState, r models.Result, _ models.Rule, _ models.Status) (models.MonitorState, bool) {
	s.State, s.Since, s.Measured, s.LastSlot, s.LastCheckedAt = models.StateUp, r.StartedAt(), models.StateUp, r.Slot, r.StartedAt()
	s.PushBeat(models.Beat{Outcome: r.Outcome})
	return s, true
}

func TestStoryOfAMonitor(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		ctx := context.Background()
		by, customer := admin(t, s)
		sub := s.Bus().Subscribe(64)
		defer sub.Close()

		row, err := s.CreateMonitor(ctx, by, fields(t, `{"customerId":1,"name":"Gateway","hostname":"127.0.0.1","checkInterval":1,"icmpConfig":{"count":4,"x":[1,2]}}`))
		if err != nil {
			t.Fatal(err)
		}
		if row.State.State != models.StatePending || row.CustomerID != customer.ID {
			t.Fatalf("got state %q and customer %d, want pending and %d", row.State.State, row.CustomerID, customer.ID)
		}
		targets, _, more, err := s.UnscopedMonitorsToProbe(ctx, 0, 10)
		if err != nil || len(targets) != 1 || more {
			t.Fatalf("got %d targets, more %t, error %v, want the one", len(targets), more, err)
		}
		now := time.Now()
		r := models.Result{Monitor: row.ID, Rev: row.Rev, Slot: now.UnixMilli(), Location: models.LocationID, Kind: models.KindFirst, Outcome: models.OutcomeSuccess,
			Sent: 1, Received: 1, Packets: []models.Packet{{State: models.PacketReplied, RTT: 1234 * time.Microsecond}}}
		recorded, err := s.RecordResults(ctx, []models.Result{r}, always)
		if err != nil || len(recorded) != 1 || !recorded[0].Changed {
			t.Fatalf("got %v, error %v, want one change", recorded, err)
		}
		got, err := s.Monitor(ctx, by, row.PublicID)
		if err != nil || got.State.State != models.StateUp || len(got.State.Beats()) != 1 {
			t.Fatalf("got state %q, %d beats, error %v, want up and one", got.State.State, len(got.State.Beats()), err)
		}
		history, err := s.CheckHistory(ctx, by, row.PublicID, time.Time{}, 10)
		if err != nil || len(history) != 1 || history[0].Packets[0].RTT != 1234*time.Microsecond {
			t.Fatalf("got %+v, error %v, want the check with its packet", history, err)
		}
		list, total, err := s.Monitors(ctx, by, models.MonitorsFilter{Search: "GATE", Sort: "state", Page: 1, PerPage: 50})
		if err != nil || total != 1 || len(list) != 1 {
			t.Fatalf("got %d of %d, error %v, want 1 of 1", len(list), total, err)
		}
		row, err = s.ChangeMonitor(ctx, by, row.PublicID, fields(t, `{"hostname":"127.0.0.2"}`), "")
		if err != nil || row.Rev != 2 || row.State.State != models.StatePending {
			t.Fatalf("got rev %d, state %q, error %v, want 2 and pending", row.Rev, row.State.State, err)
		}
		r.Slot++
		if recorded, err = s.RecordResults(ctx, []models.Result{r}, always); err != nil || len(recorded) != 0 {
			t.Fatalf("got %v, error %v, want the result of the older rev discarded", recorded, err)
		}
		if err := s.DeleteMonitor(ctx, by, row.PublicID); err != nil {
			t.Fatal(err)
		}
		var gone *models.NotFound
		if _, err := s.Monitor(ctx, by, row.PublicID); !errors.As(err, &gone) {
			t.Fatalf("got %v, want not found", err)
		}
		var types []events.Type
		for len(sub.C) > 0 {
			types = append(types, (<-sub.C).Type)
		}
		want := []events.Type{events.MonitorCreated, events.Check, events.MonitorState, events.MonitorUpdated, events.MonitorDeleted}
		if len(types) != len(want) {
			t.Fatalf("got events %v, want %v", types, want)
		}
		for i := range want {
			if types[i] != want[i] {
				t.Fatalf("got events %v, want %v", types, want)
			}
		}
	})
}
