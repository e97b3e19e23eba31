package models_test

import (
	"fmt"
	"strings"
	"testing"

	"echolot/models"
)

// tellingHouse is a store with a page of two monitors, and a monitor of a customer whom the limited actor does not see.
type tellingHouse struct {
	*incidentHouse
	page             models.StatusPage
	first, second    models.MonitorRow
	strange          models.MonitorRow
	limited, foreign models.Actor
}

func withPage(t *testing.T, f func(h *tellingHouse)) {
	withIncidents(t, func(ih *incidentHouse) {
		h := &tellingHouse{incidentHouse: ih}
		must := func(err error) {
			h.Helper()
			if err != nil {
				h.Fatal(err)
			}
		}
		h.first, h.second = h.monitor("Pirna"), h.monitor("Riesa")
		c, err := h.s.CreateCustomer(h.Context(), h.by, fields(h.T, `{"name":"Second","email":"second@example.com"}`))
		must(err)
		h.strange, err = h.s.CreateMonitor(h.Context(), h.by, fields(h.T, fmt.Sprintf(`{"customerId":%d,"name":"Strange","hostname":"127.0.0.1"}`, c.ID)))
		must(err)
		_, err = h.s.CreateStatusPage(h.Context(), h.by, fields(h.T, `{"customerId":1,"name":"Page","slug":"page","isPublished":true}`))
		must(err)
		h.page, err = h.s.UnscopedStatusPage(h.Context(), "page")
		must(err)
		h.limited = h.by
		h.limited.Role, h.limited.Limited, h.limited.CustomerIDs = models.RoleUser, true, []int64{c.ID}
		_, err = h.s.UnscopedCreateUser(h.Context(), models.NewUser{Email: "other@example.com", Role: models.RoleAdmin, Organization: "Other", Password: "correct horse battery"})
		must(err)
		h.foreign = models.Actor{UserID: 2, Role: models.RoleAdmin, HomeID: 2, OrganizationID: 2}
		f(h)
	})
}

// post makes a post of the page.
func (h *tellingHouse) post(body string) models.StatusPostDetail {
	h.Helper()
	d, err := h.s.CreateStatusPost(h.Context(), h.by, h.page.PublicID, fields(h.T, body))
	if err != nil {
		h.Fatalf("%s: %v", body, err)
	}
	return d
}

// told adds an update.
func (h *tellingHouse) told(d models.StatusPostDetail, body string) models.StatusPostDetail {
	h.Helper()
	d, err := h.s.AddStatusUpdate(h.Context(), h.by, h.page.PublicID, d.PublicID, fields(h.T, body))
	if err != nil {
		h.Fatalf("%s: %v", body, err)
	}
	return d
}

func (h *tellingHouse) board() models.StatusBoard {
	h.Helper()
	b, err := h.s.UnscopedStatusBoard(h.Context(), h.page)
	if err != nil {
		h.Fatal(err)
	}
	return b
}

// line is a notice in one line, in UTC.
func line(n models.StatusNotice) string {
	end := ""
	if !n.EndsAt.IsZero() {
		end = n.EndsAt.UTC().Format("15:04")
	}
	s := fmt.Sprintf("%s %s%q %s %s-%s of %s", n.Kind, n.Type, n.Title, n.State, n.StartsAt.UTC().Format("15:04"), end, strings.Join(n.Components, "+"))
	if n.Reminding {
		s += " soon"
	}
	return s
}

func (h *tellingHouse) shows(what string, got []models.StatusNotice, want ...string) {
	h.Helper()
	var lines []string
	for _, n := range got {
		lines = append(lines, line(n))
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		h.Errorf("%s: got\n%s\nwant\n%s", what, strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}
