package handlers

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"echolot/models"
	"echolot/models/modelstest"

	"github.com/PuerkitoBio/goquery"
)

// T77: what the public policy does not let in is told by the field's name to programs, and beside the field to people;
// where the form has no such field, above it.
func TestQuota(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, at string) {
		store := modelstest.Open(t, at, func(o *models.Options) {
			o.Policy = models.TargetPolicy{Public: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
		})
		h := newHouse(t, store)
		create := func(by models.Actor, customer models.Customer, host string) {
			t.Helper()
			body := fmt.Sprintf(`{"customerId":%d,"name":"Host","hostname":%q}`, customer.ID, host)
			if _, err := store.CreateMonitor(t.Context(), by, object(t, body)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 5 {
			u, err := store.UnscopedCreateUser(t.Context(), models.NewUser{Email: fmt.Sprintf("ops%d@example.com", i), Role: models.RoleAdmin, Organization: fmt.Sprintf("No %d", i), Password: password})
			if err != nil {
				t.Fatal(err)
			}
			by := models.Actor{UserID: u.ID, Role: models.RoleAdmin, HomeID: u.OrganizationID, OrganizationID: u.OrganizationID}
			customers, err := store.Customers(t.Context(), by)
			if err != nil || len(customers) != 1 {
				t.Fatalf("got %d customers, error %v, want one", len(customers), err)
			}
			create(by, customers[0], "busy.example")
		}
		const busy = "Target not allowed: 5 organizations watch it, as many as this server allows"
		const full = "This organization has 100 monitors, and this server allows 100: delete one first"
		admin, session := h.token("admin@example.com"), h.session("admin@example.com")
		one := monitorsPath + "/" + h.monitor.PublicID.String()
		post := func(path, host string) answer {
			return h.browser(session, "POST", path, url.Values{"customerId": {h.customer.PublicID.String()}, "name": {"x"}, "hostname": {host}, "checkIntervalSeconds": {"60"}})
		}
		parse := func(a answer) *goquery.Document {
			t.Helper()
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
			if err != nil {
				t.Fatal(err)
			}
			return doc
		}
		refused := func(what string, a answer, code string, fields map[string]string) {
			t.Helper()
			var r refusal
			a.decode(t, &r)
			if a.status != http.StatusBadRequest || r.Data.Code != code || fmt.Sprint(r.Data.Fields) != fmt.Sprint(fields) {
				t.Errorf("%s: got %d %s, want 400 %s for %v", what, a.status, a.body, code, fields)
			}
		}
		refused("POST", h.api(admin, "POST", monitorsPath, monitorBody(`"hostname":"busy.example"`)), "targetNotAllowed", map[string]string{"hostname": busy})
		refused("PATCH", h.api(admin, "PATCH", one, `{"hostname":"busy.example"}`), "targetNotAllowed", map[string]string{"hostname": busy})
		for _, path := range []string{"/monitors", "/monitors/" + h.monitor.PublicID.String() + "/edit"} {
			a := post(path, "busy.example")
			if got := words(parse(a), "#f-hostname-e"); a.status != http.StatusUnprocessableEntity || got != busy {
				t.Errorf("%s: got %d and %q beside the host, want 422 and %q", path, a.status, got, busy)
			}
		}

		for i := range 98 { // the house has two
			create(h.organization, h.customer, fmt.Sprintf("127.0.1.%d", i))
		}
		refused("the 101st", h.api(admin, "POST", monitorsPath, monitorBody(`"hostname":"other.example"`)), "tooManyMonitors", map[string]string{"organizationId": full})
		refused("both", h.api(admin, "POST", monitorsPath, monitorBody(`"hostname":"busy.example"`)), "tooManyMonitors", map[string]string{"organizationId": full, "hostname": busy})
		a := post("/monitors", "other.example")
		if got := words(parse(a), "[role=alert]"); a.status != http.StatusUnprocessableEntity || got != full {
			t.Errorf("the form: got %d and %q above it, want 422 and %q", a.status, got, full)
		}
		if a := post("/monitors/"+h.monitor.PublicID.String()+"/edit", "other.example"); a.status != http.StatusSeeOther {
			t.Errorf("a change of one of the hundred: got %d, want it saved", a.status)
		}
	})
}
