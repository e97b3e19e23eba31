package models_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// TestWall: every monitor that is seen has its line, by customer and in the order in which they were added.
func TestWall(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		ctx, now := context.Background(), time.Now()
		by, customer := admin(t, s)
		second, err := s.CreateCustomer(ctx, by, fields(t, `{"name":"Second","email":"second@example.com"}`))
		if err != nil {
			t.Fatal(err)
		}
		var ids []int64
		for i, c := range []models.Customer{second, customer, second} {
			m, err := s.CreateMonitor(ctx, by, fields(t, fmt.Sprintf(`{"customerId":%d,"name":"M%d","hostname":"127.0.0.%d","checkIntervalSeconds":60}`, c.ID, 9-i, i+1)))
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, m.ID)
		}
		slot := now.Add(-2 * time.Minute).UnixMilli()
		_, err = s.RecordResults(ctx, []models.Result{
			{Monitor: ids[1], Rev: 1, Slot: slot, Location: models.LocationID, Kind: models.KindFirst, Outcome: models.OutcomeSuccess, Sent: 4, Received: 4},
			{Monitor: ids[2], Rev: 1, Slot: slot, Location: models.LocationID, Kind: models.KindFirst, Outcome: models.OutcomeUnknown},
		}, models.Judge)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := s.Wall(ctx, by, now)
		if err != nil || len(lines) != 3 {
			t.Fatalf("got %d lines and %v, want 3", len(lines), err)
		}
		for i, want := range []struct {
			customer int64
			state    models.State
			minute   models.Minute
		}{{customer.ID, models.StateUp, models.MinuteUp}, {second.ID, models.StatePending, models.MinuteNone}, {second.ID, models.StateUnknown, models.MinuteUnknown}} {
			l := lines[i]
			// A check stands for the minutes until the next one is due.
			if l.CustomerID != want.customer || l.State != want.state || l.Minutes[models.WallMinutes-2] != want.minute || l.Minutes[0] != models.MinuteNone {
				t.Errorf("line %d: got %+v, want %+v", i, l, want)
			}
		}
		few := by
		few.Limited, few.CustomerIDs = true, []int64{second.ID}
		if lines, err = s.Wall(ctx, few, now); err != nil || len(lines) != 2 || slices.ContainsFunc(lines, func(l models.WallLine) bool { return l.CustomerID != second.ID }) {
			t.Errorf("of one customer: got %+v and %v, want its two", lines, err)
		}
		few.CustomerIDs = nil
		if lines, err = s.Wall(ctx, few, now); err != nil || len(lines) != 0 {
			t.Errorf("of no customer: got %+v and %v, want none", lines, err)
		}
		if _, err = s.Wall(ctx, models.Actor{}, now); !errors.Is(err, models.ErrForbidden) && !errors.Is(err, models.ErrUnauthorized) {
			t.Errorf("nobody: got %v, want a refusal", err)
		}
	})
}
