package models_test

import (
	"slices"
	"testing"

	"echolot/models"
	"echolot/models/modelstest"
)

// What nobody placed stands behind what has a place, in the order in which people count and spell in the page's language: for visitors,
// in the layout, and in the list of what can be told about.
func TestStatusOrder(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		ctx := t.Context()
		by, _ := admin(t, s)
		var last models.MonitorRow
		for _, name := range []string{"Host 10", "host 9", "Host 2", "Zoo", "Ärztehaus", "Last"} {
			var err error
			if last, err = s.CreateMonitor(ctx, by, fields(t, `{"customerId":1,"name":"`+name+`","hostname":"127.0.0.1"}`)); err != nil {
				t.Fatal(err)
			}
		}
		made, err := s.CreateStatusPage(ctx, by, fields(t, `{"customerId":1,"name":"Page","slug":"page","language":"de","isPublished":true,"allMonitors":true,"monitors":[{"monitorId":"`+last.PublicID.String()+`"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"Last", "Ärztehaus", "Host 2", "host 9", "Host 10", "Zoo"}
		page, err := s.UnscopedStatusPage(ctx, "page")
		if err != nil {
			t.Fatal(err)
		}
		board, err := s.UnscopedStatusBoard(ctx, page)
		if err != nil {
			t.Fatal(err)
		}
		var seen []string
		for _, g := range board.Groups {
			for _, c := range g.Components {
				seen = append(seen, c.Name)
			}
		}
		places, err := s.StatusLayout(ctx, by, page, "")
		if err != nil {
			t.Fatal(err)
		}
		var placed []string
		for _, place := range places {
			placed = append(placed, place.Name)
		}
		_, targets, err := s.StatusPageToTell(ctx, by, made.PublicID)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, target := range targets {
			told = append(told, target.Name)
		}
		for where, got := range map[string][]string{"page": seen, "layout": placed, "targets": told} {
			if !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", where, got, want)
			}
		}
	})
}
