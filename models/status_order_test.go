package models_test

import (
	"slices"
	"strings"
	"testing"

	"echolot/models"
	"echolot/models/modelstest"
)

// What has no group stands together, what was placed first; groups whose names people take for one are one, as the first is spelt.
func TestStatusGroups(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		ctx := t.Context()
		by, _ := admin(t, s)
		id := map[string]string{}
		for _, name := range []string{"A", "B", "C", "D", "E", "F"} {
			m, err := s.CreateMonitor(ctx, by, fields(t, `{"customerId":1,"name":"`+name+`","hostname":"127.0.0.1"}`))
			if err != nil {
				t.Fatal(err)
			}
			id[name] = m.PublicID.String()
		}
		made, err := s.CreateStatusPage(ctx, by, fields(t, `{"customerId":1,"name":"Page","slug":"page","isPublished":true,"allMonitors":true,"monitors":[
			{"monitorId":"`+id["F"]+`"},{"monitorId":"`+id["E"]+`","groupName":"Core net"},{"monitorId":"`+id["D"]+`","groupName":"Straße"},
			{"monitorId":"`+id["C"]+`","groupName":"core  net"},{"monitorId":"`+id["B"]+`","groupName":"STRASSE"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		want := "(F A) Core net(E C) Straße(D B)"
		check := func(what string) {
			t.Helper()
			page, err := s.UnscopedStatusPage(ctx, "page")
			if err != nil {
				t.Fatal(err)
			}
			board, err := s.UnscopedStatusBoard(ctx, page)
			if err != nil {
				t.Fatal(err)
			}
			var sections []string
			for _, g := range board.Groups {
				var names []string
				for _, c := range g.Components {
					names = append(names, c.Name)
					if len(c.Days) != models.StatusDays {
						t.Errorf("%s: %s has %d days, want %d", what, c.Name, len(c.Days), models.StatusDays)
					}
				}
				sections = append(sections, g.Name+"("+strings.Join(names, " ")+")")
			}
			if got := strings.Join(sections, " "); got != want {
				t.Errorf("%s: got %q, want %q", what, got, want)
			}
		}
		check("as it was sent")
		places, err := s.StatusLayout(ctx, by, made, "")
		if err != nil {
			t.Fatal(err)
		}
		var layout []string
		for _, place := range places {
			layout = append(layout, place.GroupName+":"+place.Name)
		}
		if got := strings.Join(layout, " "); got != ":F Core net:E Core net:C Straße:D Straße:B :A" {
			t.Errorf("layout: got %q, want the groups together, spelt alike", got)
		}
		// As pages were saved before: each place where and as it was typed.
		execSQL(t, s, "UPDATE status_page_monitors SET position = 6, group_name = 'core net' WHERE position = 3")
		check("as it was saved before")
	})
}

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
