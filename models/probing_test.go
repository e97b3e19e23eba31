package models_test

import (
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// After a move of the location to another country, a monitor that no longer runs here does not keep its last state.
func TestMonitorsOfAnotherCountryBecomeUnknown(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		ctx := t.Context()
		country := func(code string) *models.Store {
			return modelstest.Open(t, url, func(o *models.Options) { o.LocationCountry = code })
		}
		before := country("DE")
		by, _ := admin(t, before)
		var rows []models.MonitorRow
		for _, codes := range []string{`["DE"]`, `["DE","CH"]`, `null`} {
			row, err := before.CreateMonitor(ctx, by, fields(t, `{"customerId":1,"name":"n","hostname":"127.0.0.1","allowedCheckCountryCodes":`+codes+`}`))
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
			if _, err := before.RecordResults(ctx, []models.Result{tooBig(row, time.Now().UnixMilli())}, blames); err != nil {
				t.Fatal(err)
			}
		}
		after := country("CH")
		for range 2 {
			targets, last, more, err := after.UnscopedMonitorsToProbe(ctx, 0, 10)
			if err != nil || len(targets) != 2 || last != rows[2].ID || more {
				t.Fatalf("got %d targets, the last id %d, more %t, error %v, want the two of CH", len(targets), last, more, err)
			}
		}
		for i, want := range []models.State{models.StateUnknown, models.StateDown, models.StateDown} {
			row, err := after.Monitor(ctx, by, rows[i].PublicID)
			if err != nil || row.State.State != want || row.State.LastSlot == 0 || want == models.StateUnknown && row.State.Rank != models.Rank(row.Status, want, false) {
				t.Errorf("monitor %d: got %+v, error %v, want %s and its last slot", i, row.State, err, want)
			}
			if mtu := map[models.State]int{models.StateDown: 1280}[want]; row.State.CauseMTU != mtu || (row.State.Cause == models.CauseNone) != (mtu == 0) {
				t.Errorf("monitor %d: got cause %q with MTU %d, want MTU %d", i, row.State.Cause, row.State.CauseMTU, mtu)
			}
		}
	})
}
