package handlers

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestCustomerRules(t *testing.T) {
	houses(t, func(h *house) {
		admin, user := h.token("admin@example.com"), h.token("user@example.com")
		const path = "/api/customers"
		for body, fields := range map[string][]string{
			`{}`: {"name", "email"}, `{"name":"x"}`: {"email"}, `{"email":"a@b.c"}`: {"name"}, `{"name":null,"email":null}`: {"name", "email"}, `{"name":" ","email":"x"}`: {"name", "email"},
			`{"name":"x","email":"a@b.c","status":"gone"}`: {"status"}, `{"name":"x","email":"a@b.c","status":null}`: {"status"}, `{"name":"x","email":"a@b.c","customFields":"{}"}`: {"customFields"}, `{"name":"x","email":"a@b.c","customFields":[]}`: {"customFields"},
			`{"name":"` + strings.Repeat("x", 256) + `","email":"a@b.c"}`: {"name"}, `{"name":5,"email":5}`: {"name", "email"}, `{"name":"x","email":"a@b.c","allowedCheckCountryCodes":["X"]}`: {"allowedCheckCountryCodes"},
		} {
			h.wantRefused(body, h.api(admin, "POST", path, body), "", fields...)
		}
		a := h.api(user, "POST", path, `{"name":" Acme ","email":"acme@example.com","allowedCheckCountryCodes":["de"],"notificationEmail":null,"id":77,"organizationId":2,"publicId":"00000000-0000-0000-0000-000000000001","createdAt":"2000-01-01T00:00:00.000Z","monthlyReportsEnabled":true}`)
		var made struct{ Customer json.RawMessage }
		a.decode(h.t, &made)
		h.wantValues("POST", answer{status: a.status, body: string(made.Customer)}, 201, `{"id":4,"organizationId":1,"name":"Acme","status":"active","allowedCheckCountryCodes":["DE"],"cancelledAt":null,"monthlyReportsEnabled":false,"customFields":{}}`)
		one := a.header.Get("Location")
		// The customer's countries are the default of its monitors, and only the default.
		h.wantValues("default countries", h.api(admin, "POST", monitorsPath, monitorBody(`"customerId":4`)), 201, `{"allowedCheckCountryCodes":["DE"]}`)
		h.wantValues("own countries", h.api(admin, "POST", monitorsPath, monitorBody(`"customerId":4,"allowedCheckCountryCodes":["AT"]`)), 201, `{"allowedCheckCountryCodes":["AT"]}`)
		h.wantValues("any country", h.api(admin, "POST", monitorsPath, monitorBody(`"customerId":4,"allowedCheckCountryCodes":null`)), 201, `{"allowedCheckCountryCodes":null}`)

		patch := func(body, part string) {
			h.t.Helper()
			h.wantValues("PATCH "+body, h.api(admin, "PATCH", one, body), 200, part)
		}
		patch(`{"customFields":{"b":1,"a":{"c":null}}}`, `{"name":"Acme","customFields":{"b":1,"a":{"c":null}}}`)
		patch(`{"name":"Acme 2"}`, `{"name":"Acme 2","email":"acme@example.com","customFields":{"b":1,"a":{"c":null}}}`)
		patch(`{"notificationEmail":"n@example.com","notificationPhoneNumber":"+493512345678","monthlyReportsEnabled":true}`, `{"notificationEmail":"n@example.com","notificationPhoneNumber":"+493512345678","monthlyReportsEnabled":true}`)
		patch(`{"notificationEmail":null,"notificationPhoneNumber":null,"customFields":null}`, `{"notificationEmail":null,"notificationPhoneNumber":null,"monthlyReportsEnabled":true,"customFields":{}}`)
		patch(`{"id":1,"organizationId":2,"packageId":5}`, `{"id":4,"organizationId":1,"packageId":null}`)
		for body, field := range map[string]string{`{"email":"x"}`: "email", `{"email":null}`: "email", `{"monthlyReportsEnabled":1}`: "monthlyReportsEnabled", `{"monthlyReportsEnabled":null}`: "monthlyReportsEnabled", `{"status":"x"}`: "status", `{"customFields":5}`: "customFields"} {
			h.wantRefused(body, h.api(admin, "PATCH", one, body), "", field)
		}

		var cancelled struct {
			Customer struct {
				Status                        string
				CancelledAt, CancellationDate time.Time
			}
		}
		h.api(admin, "POST", one+"/cancel", "").decode(h.t, &cancelled)
		c := cancelled.Customer
		if c.Status != "marked_for_cancellation" || time.Since(c.CancelledAt).Abs() > time.Minute || c.CancellationDate.Sub(c.CancelledAt) != 72*time.Hour {
			h.t.Errorf("got %+v, want marked now, and the end three days later", c)
		}
		first := c.CancellationDate
		h.api(admin, "POST", one+"/cancel", "").decode(h.t, &cancelled)
		if !cancelled.Customer.CancellationDate.Equal(first) {
			h.t.Errorf("got the end moved to %s by a second cancel, want %s", cancelled.Customer.CancellationDate, first)
		}
		patch(`{"status":"active"}`, `{"status":"active"}`)
		for _, id := range []string{"0", "-1", "x", "1.5", "+1", "%00", "%ff", "1;--", "'", "٥"} {
			for _, ask := range [][2]string{{"GET", ""}, {"PATCH", ""}, {"POST", "/cancel"}} {
				h.wantRefused(ask[0]+" "+id, h.api(admin, ask[0], path+"/"+id+ask[1], ""), "Invalid Customer identifier", "id")
			}
		}
		for _, id := range []string{"999", "2", "9223372036854775807", h.foreign.PublicID.String(), "00000000-0000-0000-0000-000000000000"} {
			if a := h.api(admin, "GET", path+"/"+id, ""); a.status != 404 || !strings.Contains(a.body, "Customer not found") {
				h.t.Errorf("%s: got %d %s, want 404", id, a.status, a.body)
			}
		}
		for _, email := range []string{h.limited, "readonly@example.com"} {
			for _, ask := range [][2]string{{"POST", ""}, {"PATCH", "/1"}, {"POST", "/1/cancel"}, {"PATCH", "/999"}} {
				if a := h.api(h.token(email), ask[0], path+ask[1], `{}`); a.status != 403 {
					h.t.Errorf("%s, %v: got %d, want 403", email, ask, a.status)
				}
			}
		}
	})
}
