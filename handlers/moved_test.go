package handlers

import (
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"
)

// TestMovedMonitorLeavesWhoSeesItNoMore: who may see the customer that a monitor left is told that it is gone, and
// nothing of where it went.
func TestMovedMonitorLeavesWhoSeesItNoMore(t *testing.T) {
	moved := events.Event{Type: events.MonitorUpdated, OrganizationID: 1, CustomerID: 2, FromCustomerID: 1, MonitorID: 7, PublicID: "seven"}
	enc := newEncoder([]events.Event{moved}, models.Location{}, time.Now())
	limited := func(customer int64) models.Actor {
		return models.Actor{Role: models.RoleUser, OrganizationID: 1, Limited: true, CustomerIDs: []int64{customer}}
	}
	for _, c := range []struct {
		name, want string
		by         models.Actor
	}{
		{"the one left", "monitor.deleted", limited(1)},
		{"the one reached", "monitor.updated", limited(2)},
		{"both", "monitor.updated", models.Actor{Role: models.RoleAdmin, OrganizationID: 1}},
		{"neither", "", limited(3)},
		{"another organization", "", models.Actor{Role: models.RoleAdmin, OrganizationID: 2}},
	} {
		got := string(enc.frame(&audience{by: c.by}))
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
