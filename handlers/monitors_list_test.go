package handlers

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"echolot/models"
)

// names asks for a list and returns its names.
func (h *house) names(credential, query string) []string {
	h.t.Helper()
	a := h.api(credential, "GET", monitorsPath+"?"+query, "")
	var list struct {
		Items                []struct{ Name, State, Status string }
		Total, Page, PerPage int
	}
	if a.status != 200 {
		h.t.Errorf("%s: got %d %s, want 200", query, a.status, a.body)
		return nil
	}
	a.decode(h.t, &list)
	out := []string{}
	for _, i := range list.Items {
		out = append(out, i.Name)
	}
	if list.Page == 1 && len(out) < list.PerPage && list.Total != len(out) {
		h.t.Errorf("%s: got total %d with %d items", query, list.Total, len(out))
	}
	return out
}

func TestMonitorList(t *testing.T) {
	houses(t, func(h *house) {
		admin := h.token("admin@example.com")
		h.api(admin, "DELETE", monitorsPath+"/"+h.monitor.PublicID.String(), "")
		h.api(admin, "DELETE", monitorsPath+"/"+h.hidden.PublicID.String(), "")
		for _, m := range []struct{ name, host, more string }{
			{"zebra", "10.0.0.3", ""}, {"Apfel", "b.example", `,"status":"paused"`}, {"Äpfel", "A.example", ""}, {"apfel", "10.0.0.20", ""}, {"Straße 5", "bücher.example", ""},
			{"100%_a", "c.example", `,"status":"maintenance"`}, {`100%\a`, "d.example", ""}, {"Z", "::1", ""}, {"apfel baum", "e.example", ""},
		} {
			customer := "1"
			if m.name == "Z" {
				customer = "3"
			}
			body := fmt.Sprintf(`{"customerId":%s,"name":%q,"hostname":%q%s}`, customer, m.name, m.host, m.more)
			if a := h.api(admin, "POST", monitorsPath, body); a.status != 201 {
				h.t.Fatalf("%s: got %d %s", body, a.status, a.body)
			}
		}
		all := []string{"zebra", "Apfel", "Äpfel", "apfel", "Straße 5", "100%_a", `100%\a`, "Z", "apfel baum"}
		newest := slices.Clone(all)
		slices.Reverse(newest)
		byName := []string{"100%\\a", "100%_a", "apfel", "Apfel", "apfel baum", "Straße 5", "Z", "zebra", "Äpfel"}
		for query, want := range map[string][]string{
			"": newest, "sort=-created": newest, "sort=created": all, "page=1&perPage=200": newest,
			"sort=name":                   byName,
			"sort=-name":                  {"Äpfel", "zebra", "Z", "Straße 5", "apfel baum", "Apfel", "apfel", "100%_a", "100%\\a"},
			"sort=hostname":               {"apfel", "zebra", "Z", "Äpfel", "Apfel", "100%_a", `100%\a`, "apfel baum", "Straße 5"},
			"sort=-hostname":              {"Straße 5", "apfel baum", `100%\a`, "100%_a", "Apfel", "Äpfel", "Z", "zebra", "apfel"},
			"sort=lastCheckedAt":          newest,
			"perPage=2&page=2":            {`100%\a`, "100%_a"},
			"perPage=2&page=5":            {"zebra"},
			"perPage=2&page=6":            {},
			"page=1073741824&perPage=200": {},
			"status=maintenance":          {"100%_a"},
			"status=disabled":             {"Apfel"},
			"state=paused":                {"Apfel"},
			"state=up":                    {},
			"state=pending&status=active": {"apfel baum", "Z", `100%\a`, "Straße 5", "apfel", "Äpfel", "zebra"},
			"customerId=3":                {"Z"},
			"customerId=" + h.second.PublicID.String(): {"Z"},
			"organizationId=1&customerId=3":            {"Z"},
			"search=APFEL":                             {"apfel baum", "apfel", "Apfel"},
			"search=" + url.QueryEscape("ÄPFEL"):       {"Äpfel"},
			"search=" + url.QueryEscape("a\u0308pfel"): {"Äpfel"},
			"search=strasse":                           {"Straße 5"},
			"search=" + url.QueryEscape("BÜCHER"):      {"Straße 5"},
			"search=xn--":                              {"Straße 5"},
			"search=SECOND":                            {"Z"},
			"search=" + url.QueryEscape("%"):           {`100%\a`, "100%_a"},
			"search=" + url.QueryEscape("%_"):          {"100%_a"},
			"search=_":                                 {"100%_a"},
			"search=" + url.QueryEscape(`\`):           {`100%\a`},
			"search=" + url.QueryEscape(`%\`):          {`100%\a`},
			"search=10.0.0.2":                          {"apfel"},
			"search=apfel+baum":                        {"apfel baum"},
			"search=nothing":                           {},
			"search=" + url.QueryEscape("apfel\nb"):    {},
			"search=%0A":                               {},
		} {
			if got := h.names(admin, query); !slices.Equal(got, want) {
				h.t.Errorf("%s: got %q, want %q", query, got, want)
			}
		}
		for query, field := range map[string]string{
			"page=0": "page", "page=-1": "page", "page=x": "page", "page=1.5": "page", "page=99999999999999999999": "page", "page=1e1": "page", "perPage=0": "perPage", "perPage=201": "perPage", "perPage=x": "perPage",
			"status=on": "status", "status=%00": "status", "state=off": "state", "sort=price": "sort", "sort=--name": "sort", "sort=-": "sort", "sort=name,id": "sort", "sort=m.id": "sort", "sort=NAME": "sort", "sort=%00": "sort",
			"customerId=x": "customerId", "customerId=0": "customerId", "customerId=-1": "customerId", "customerId=%00": "customerId", "organizationId=x": "organizationId", "organizationId=0": "organizationId", "search=%00": "search", "search=a%00b": "search", "search=%ff": "search",
		} {
			h.wantRefused(query, h.api(admin, "GET", monitorsPath+"?"+query, ""), "", field)
		}
		for query, message := range map[string]string{"customerId=999": "Customer not found", "customerId=2": "Customer not found", "customerId=00000000-0000-0000-0000-000000000000": "Customer not found", "organizationId=2": "Organization not found", "organizationId=999": "Organization not found", "organizationId=00000000-0000-0000-0000-000000000000": "Organization not found"} {
			if a := h.api(admin, "GET", monitorsPath+"?"+query, ""); a.status != 404 || !strings.Contains(a.body, message) {
				h.t.Errorf("%s: got %d %s, want 404 %s", query, a.status, a.body, message)
			}
		}
	})
}

// Lists order states worst first and unchecked monitors first, the same on both databases.
func TestMonitorListByState(t *testing.T) {
	houses(t, func(h *house) {
		admin := h.token("admin@example.com")
		for i, o := range []models.Outcome{models.OutcomeSuccess, models.OutcomeFailure, models.OutcomeUnknown} {
			a := h.api(admin, "POST", monitorsPath, monitorBody(`"name":"`+string(o)+`"`))
			var m struct{ ID int64 }
			a.decode(h.t, &m)
			r := models.Result{Monitor: m.ID, Rev: 1, Slot: int64(1000 * (10 - i)), Location: models.LocationID, Kind: models.KindFirst, Outcome: o}
			if _, err := h.store.RecordResults(context.Background(), []models.Result{r}, func(st models.MonitorState, r models.Result, rule models.Rule, status models.Status) (models.MonitorState, bool) {
				st, ok := judgeUp(st, r, rule, status)
				st.Rank = models.Rank(status, st.State, false)
				return st, ok
			}); err != nil {
				h.t.Fatal(err)
			}
		}
		h.api(admin, "POST", monitorsPath, monitorBody(`"name":"paused","status":"disabled"`))
		for query, want := range map[string][]string{
			"sort=lastCheckedAt":        {"paused", "Hidden", "Gateway", "unknown", "failure", "success"},
			"sort=-lastCheckedAt":       {"success", "failure", "unknown", "paused", "Hidden", "Gateway"},
			"state=down":                {"failure"},
			"state=unknown&sort=name":   {"unknown"},
			"state=pending&sort=-name":  {"Hidden", "Gateway"},
			"state=up&customerId=1":     {"success"},
			"state=up&customerId=3":     {},
			"state=paused&search=PAUSE": {"paused"},
		} {
			if got := h.names(admin, query); !slices.Equal(got, want) {
				h.t.Errorf("%s: got %q, want %q", query, got, want)
			}
		}
		worst := h.names(admin, "sort=state")
		if worst[0] != "failure" || slices.Index(worst, "success") < slices.Index(worst, "unknown") {
			h.t.Errorf("got %q by state, want the worst first", worst)
		}
		best := h.names(admin, "sort=-state")
		slices.Reverse(best)
		if !slices.Equal(worst, best) {
			h.t.Errorf("got %q by state and %q reversed, want the same backwards", worst, best)
		}
	})
}
