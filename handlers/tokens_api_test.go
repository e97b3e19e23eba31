package handlers

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestTokenRules(t *testing.T) {
	houses(t, func(h *house) {
		session := h.session("admin@example.com")
		const path = "/api/organization/tokens"
		for body, fields := range map[string][]string{
			`{}`: {"name"}, `{"name":null}`: {"name"}, `{"name":" "}`: {"name"}, `{"name":"a\nb"}`: {"name"}, `{"name":"` + strings.Repeat("x", 256) + `"}`: {"name"}, `{"name":"x","expiresInDays":0}`: {"expiresInDays"}, `{"name":"x","expiresInDays":366}`: {"expiresInDays"},
			`{"name":"x","expiresInDays":1.5}`: {"expiresInDays"}, `{"name":"x","expiresInDays":"7"}`: {"expiresInDays"}, `{"name":"x","customerId":0}`: {"customerId"}, `{"name":"x","customerId":"x"}`: {"customerId"}, `{"customerId":[],"expiresInDays":-1}`: {"name", "customerId", "expiresInDays"},
		} {
			h.wantRefused(body, h.api(session, "POST", path, body), "", fields...)
		}
		for _, nobody := range []string{"999", "2", `"` + h.foreign.PublicID.String() + `"`, `"00000000-0000-0000-0000-000000000000"`} {
			if a := h.api(session, "POST", path, `{"name":"x","customerId":`+nobody+`}`); a.status != 404 {
				h.t.Errorf("customer %s: got %d %s, want 404", nobody, a.status, a.body)
			}
		}
		var list []json.RawMessage
		if h.api(session, "GET", path, "").decode(h.t, &list); len(list) != 0 {
			h.t.Errorf("got %s, want no token of what was refused", list)
		}
		var made struct {
			ID        int64
			Token     string
			ExpiresAt *time.Time
		}
		make := func(body string) string {
			h.t.Helper()
			a := h.api(session, "POST", path, body)
			if a.status != 201 {
				h.t.Fatalf("%s: got %d %s, want 201", body, a.status, a.body)
			}
			made.ExpiresAt = nil
			a.decode(h.t, &made)
			return made.Token
		}
		all := make(`{"name":"` + strings.Repeat("ü", 255) + `","expiresInDays":null,"customerId":null}`)
		if made.ExpiresAt != nil {
			h.t.Errorf("got an end at %s, want none", made.ExpiresAt)
		}
		year := make(`{"name":"Year","expiresInDays":365,"customerId":"3"}`)
		if made.ExpiresAt == nil || time.Until(*made.ExpiresAt).Round(time.Hour) != 365*24*time.Hour {
			h.t.Errorf("got an end at %v, want it in 365 days", made.ExpiresAt)
		}
		if got := h.names(all, "sort=created"); !slices.Equal(got, []string{"Gateway", "Hidden"}) {
			h.t.Errorf("the organization's token sees %v", got)
		}
		if got := h.names(year, "sort=created"); !slices.Equal(got, []string{"Hidden"}) {
			h.t.Errorf("the customer's token sees %v, want its customer's only", got)
		}
		for _, ask := range [][2]string{{"GET", path}, {"POST", path}, {"DELETE", path + "/1"}, {"DELETE", path + "/999"}} {
			if a := h.api(all, ask[0], ask[1], `{"name":"x"}`); a.status != 403 {
				h.t.Errorf("%v with a token: got %d, want 403", ask, a.status)
			}
		}
		if a := h.api(session, "DELETE", path+"/"+strconv.FormatInt(made.ID, 10), ""); a.status != 200 {
			h.t.Errorf("got %d %s, want it deleted", a.status, a.body)
		}
		if a := h.api(year, "GET", monitorsPath, ""); a.status != 401 {
			h.t.Errorf("got %d with a deleted token, want 401", a.status)
		}
		for _, id := range []string{"x", "0", "-1", "999", "99999999999999999999", "%00", h.customer.PublicID.String()} {
			if a := h.api(session, "DELETE", path+"/"+id, ""); a.status != 404 || !strings.Contains(a.body, "Token not found") {
				h.t.Errorf("DELETE %s: got %d %s, want 404 Token not found", id, a.status, a.body)
			}
		}
	})
}
