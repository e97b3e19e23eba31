package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"echolot/models"
)

const monitorsPath = "/api/icmp-monitors"

// monitorBody is a body of POST with the members given, and what is required where they leave it out.
func monitorBody(members string) string {
	for _, required := range []string{`"hostname":"127.0.0.1"`, `"name":"Test"`, `"customerId":1`} {
		name, _, _ := strings.Cut(required, ":")
		if !strings.Contains(members, name+":") {
			members = strings.TrimSuffix(required+","+members, ",")
		}
	}
	return "{" + members + "}"
}

// refusal is an error's body.
type refusal struct {
	StatusCode    int
	StatusMessage string
	Message       string
	Data          struct {
		Code   string
		Fields map[string]string
	}
}

// wantRefused checks a 400 with these fields; the message is the one given, if any is.
func (h *house) wantRefused(what string, a answer, message string, fields ...string) {
	h.t.Helper()
	var r refusal
	if a.status != 400 || json.Unmarshal([]byte(a.body), &r) != nil || r.StatusCode != 400 || r.StatusMessage != "Bad Request" {
		h.t.Errorf("%s: got %d %s, want 400", what, a.status, a.body)
		return
	}
	got := []string{}
	for f, text := range r.Data.Fields {
		got = append(got, f)
		if text == "" {
			h.t.Errorf("%s: nothing is said about %s", what, f)
		}
	}
	slices.Sort(got)
	slices.Sort(fields)
	if !slices.Equal(got, fields) {
		h.t.Errorf("%s: got fields %v, want %v", what, got, fields)
	}
	if r.Message == "" || message != "" && r.Message != message {
		h.t.Errorf("%s: got message %q, want %q", what, r.Message, message)
	}
}

// wantValues checks that the answer has these JSON values: {"name":"x"} as a part of it.
func (h *house) wantValues(what string, a answer, status int, part string) {
	h.t.Helper()
	if a.status != status {
		h.t.Errorf("%s: got %d %s, want %d", what, a.status, a.body, status)
		return
	}
	var got, want map[string]any
	a.decode(h.t, &got)
	if err := json.Unmarshal([]byte(part), &want); err != nil {
		h.t.Fatalf("%s: %v", part, err)
	}
	for k, v := range want {
		if !reflect.DeepEqual(got[k], v) {
			h.t.Errorf("%s: got %s %v, want %v", what, k, got[k], v)
		}
		if _, there := got[k]; !there {
			h.t.Errorf("%s: got no %s", what, k)
		}
	}
}

// TestMonitorFields is the contract's table of fields: what is accepted, as what, and what is refused.
func TestMonitorFields(t *testing.T) {
	accepted := []struct{ members, want string }{
		{``, `{"status":"active","checkInterval":30,"checkIntervalSeconds":1800,"timeoutSeconds":30,"config":{"packetSize":56,"count":3},"icmpConfig":{"packetSize":56,"count":3},"port":null,"allowedCheckCountryCodes":null,"notificationEmail":null,"notificationPhoneNumber":null,"lastCheckedAt":null,"state":"pending"}`},
		{`"customerId":"1"`, `{"customerId":1}`},
		{`"customerId":1.0`, `{"customerId":1}`},
		{`"name":"  Zürich ✓ "`, `{"name":"Zürich ✓"}`},
		{`"name":"` + strings.Repeat("ü", 255) + `"`, `{"name":"` + strings.Repeat("ü", 255) + `"}`},
		{`"name":"' OR 1=1; --"`, `{"name":"' OR 1=1; --"}`},
		{`"hostname":"gw.example."`, `{"hostname":"gw.example"}`},
		{`"hostname":"a"`, `{"hostname":"a"}`},
		{`"hostname":"_x.GW.Example"`, `{"hostname":"_x.GW.Example"}`},
		{`"hostname":"bücher.example"`, `{"hostname":"bücher.example"}`},
		{`"hostname":"::0001"`, `{"hostname":"::1"}`},
		{`"status":"active"`, `{"status":"active","state":"pending"}`},
		{`"status":"maintenance"`, `{"status":"maintenance","state":"pending"}`},
		{`"status":"disabled"`, `{"status":"disabled","state":"paused"}`},
		{`"status":"paused"`, `{"status":"disabled","state":"paused"}`},
		{`"status":"inactive"`, `{"status":"disabled","state":"paused"}`},
		{`"checkInterval":1`, `{"checkInterval":1,"checkIntervalSeconds":60,"timeoutSeconds":30}`},
		{`"checkInterval":0.5`, `{"checkInterval":0.5,"checkIntervalSeconds":30,"timeoutSeconds":30}`},
		{`"checkInterval":0.25`, `{"checkInterval":0.25,"checkIntervalSeconds":15,"timeoutSeconds":15}`},
		{`"checkInterval":0.0167`, `{"checkInterval":0.0167,"checkIntervalSeconds":1,"timeoutSeconds":1}`},
		{`"checkInterval":0.01`, `{"checkInterval":0.0167,"checkIntervalSeconds":1}`},
		{`"checkInterval":1440`, `{"checkInterval":1440,"checkIntervalSeconds":86400,"timeoutSeconds":30}`},
		{`"checkIntervalSeconds":1`, `{"checkInterval":0.0167,"checkIntervalSeconds":1,"timeoutSeconds":1}`},
		{`"checkIntervalSeconds":100`, `{"checkInterval":1.6667,"checkIntervalSeconds":100}`},
		{`"checkIntervalSeconds":86400`, `{"checkInterval":1440}`},
		{`"checkInterval":1.5,"checkIntervalSeconds":90`, `{"checkInterval":1.5,"checkIntervalSeconds":90}`},
		{`"checkInterval":1.6667,"checkIntervalSeconds":100`, `{"checkIntervalSeconds":100}`},
		{`"timeoutSeconds":1`, `{"timeoutSeconds":1}`},
		{`"timeoutSeconds":60`, `{"timeoutSeconds":60}`},
		{`"timeoutSeconds":2.5,"checkIntervalSeconds":3`, `{"timeoutSeconds":2.5}`},
		{`"timeoutSeconds":5,"checkIntervalSeconds":5`, `{"timeoutSeconds":5}`},
		{`"icmpConfig":{}`, `{"config":{"packetSize":56,"count":3},"icmpConfig":{"packetSize":56,"count":3}}`},
		{`"config":{"count":2}`, `{"config":{"packetSize":56,"count":2},"icmpConfig":{"packetSize":56,"count":2}}`},
		{`"config":{"count":2, "ttl":9},"icmpConfig":{"ttl":9,"count":2}`, `{"config":{"packetSize":56,"count":2,"ttl":9}}`},
		{`"icmpConfig":{"count":10,"intervalMs":100},"timeoutSeconds":1`, `{"timeoutSeconds":1}`},
		{`"icmpConfig":{"Count":1000000,"x":{"b":1,"a":[null]}}`, `{"config":{"packetSize":56,"count":3,"Count":1000000,"x":{"b":1,"a":[null]}},"warnings":["icmpConfig.Count is kept, but the prober does not know it","icmpConfig.x is kept, but the prober does not know it"]}`},
		{`"icmpConfig":{"quorum":"any"}`, `{"icmpConfig":{"packetSize":56,"count":3,"quorum":"any"}}`},
		{`"icmpConfig":{"quorum":2}`, `{"icmpConfig":{"packetSize":56,"count":3,"quorum":2}}`},
		{`"allowedCheckCountryCodes":["de","DE","at"]`, `{"allowedCheckCountryCodes":["DE","AT"],"state":"pending"}`},
		{`"allowedCheckCountryCodes":[]`, `{"allowedCheckCountryCodes":null}`},
		{`"allowedCheckCountryCodes":null`, `{"allowedCheckCountryCodes":null}`},
		{`"notificationEmail":"noc@example.com","notificationPhoneNumber":"+493512345678"`, `{"notificationEmail":"noc@example.com","notificationPhoneNumber":"+493512345678"}`},
		{`"notificationEmail":null,"notificationPhoneNumber":null,"port":null`, `{"notificationEmail":null,"notificationPhoneNumber":null,"port":null}`},
		{`"port":1`, `{"port":1}`},
		{`"port":65535`, `{"port":65535}`},
		{`"unknown":{"deep":[1]},"Name":"other"`, `{"name":"Test"}`},
	}
	refused := []struct{ members, field, message string }{
		{`"customerId":null`, "customerId", "Invalid Customer identifier"},
		{`"customerId":"abc"`, "customerId", "Invalid Customer identifier"},
		{`"customerId":0`, "customerId", "Invalid Customer identifier"},
		{`"customerId":-1`, "customerId", "Invalid Customer identifier"},
		{`"customerId":1.5`, "customerId", "Invalid Customer identifier"},
		{`"customerId":true`, "customerId", "Invalid Customer identifier"},
		{`"customerId":[1]`, "customerId", "Invalid Customer identifier"},
		{`"customerId":{"id":1}`, "customerId", "Invalid Customer identifier"},
		{`"customerId":""`, "customerId", "Invalid Customer identifier"},
		{`"name":null`, "name", ""}, {`"name":""`, "name", ""}, {`"name":" \t"`, "name", ""}, {`"name":5`, "name", ""}, {`"name":["x"]`, "name", ""},
		{`"name":"` + strings.Repeat("x", 256) + `"`, "name", ""}, {`"name":"` + strings.Repeat("x", 300) + `"`, "name", ""}, {`"name":"a\nb"`, "name", ""}, {`"name":"a\u001bb"`, "name", ""}, {`"name":"a\u007fb"`, "name", ""},
		{`"hostname":null`, "hostname", ""}, {`"hostname":5`, "hostname", ""}, {`"hostname":["a"]`, "hostname", ""}, {`"hostname":""`, "hostname", "Invalid hostname"},
		{`"status":"on"`, "status", ""}, {`"status":"Active"`, "status", ""}, {`"status":""`, "status", ""}, {`"status":null`, "status", ""}, {`"status":true`, "status", ""}, {`"status":"up"`, "status", ""},
		{`"checkInterval":0`, "checkInterval", ""}, {`"checkInterval":-0`, "checkInterval", ""}, {`"checkInterval":-5`, "checkInterval", ""}, {`"checkInterval":0.008`, "checkInterval", ""}, {`"checkInterval":1440.1`, "checkInterval", ""}, {`"checkInterval":1e308`, "checkInterval", ""}, {`"checkInterval":1e400`, "checkInterval", ""}, {`"checkInterval":"5"`, "checkInterval", ""}, {`"checkInterval":null`, "checkInterval", ""}, {`"checkInterval":[5]`, "checkInterval", ""}, {`"checkInterval":true`, "checkInterval", ""},
		{`"checkIntervalSeconds":0`, "checkIntervalSeconds", ""}, {`"checkIntervalSeconds":86401`, "checkIntervalSeconds", ""}, {`"checkIntervalSeconds":1.5`, "checkIntervalSeconds", ""}, {`"checkIntervalSeconds":"60"`, "checkIntervalSeconds", ""}, {`"checkIntervalSeconds":null`, "checkIntervalSeconds", ""},
		{`"checkInterval":1,"checkIntervalSeconds":61`, "checkInterval", ""},
		{`"timeoutSeconds":0`, "timeoutSeconds", ""}, {`"timeoutSeconds":0.9`, "timeoutSeconds", ""}, {`"timeoutSeconds":61`, "timeoutSeconds", ""}, {`"timeoutSeconds":60.001`, "timeoutSeconds", ""}, {`"timeoutSeconds":-1`, "timeoutSeconds", ""}, {`"timeoutSeconds":1e308`, "timeoutSeconds", ""}, {`"timeoutSeconds":"10"`, "timeoutSeconds", ""}, {`"timeoutSeconds":null`, "timeoutSeconds", ""},
		{`"timeoutSeconds":6,"checkIntervalSeconds":5`, "timeoutSeconds", ""}, {`"timeoutSeconds":1,"icmpConfig":{"count":6}`, "timeoutSeconds", ""}, {`"timeoutSeconds":10,"icmpConfig":{"count":100,"intervalMs":101}`, "timeoutSeconds", ""}, {`"icmpConfig":{"count":100,"intervalMs":1000}`, "timeoutSeconds", ""},
		{`"icmpConfig":null`, "icmpConfig", ""}, {`"icmpConfig":[]`, "icmpConfig", ""}, {`"icmpConfig":"{}"`, "icmpConfig", ""}, {`"icmpConfig":5`, "icmpConfig", ""}, {`"config":null`, "config", ""}, {`"config":[]`, "config", ""},
		{`"icmpConfig":{"count":2},"config":{"count":3}`, "config", ""},
		{`"icmpConfig":{"packetSize":23}`, "icmpConfig.packetSize", ""}, {`"icmpConfig":{"packetSize":65508}`, "icmpConfig.packetSize", ""}, {`"icmpConfig":{"packetSize":2e9}`, "icmpConfig.packetSize", ""}, {`"icmpConfig":{"count":1e6}`, "icmpConfig.count", ""}, {`"icmpConfig":{"count":"4"}`, "icmpConfig.count", ""}, {`"icmpConfig":{"count":null}`, "icmpConfig.count", ""}, {`"config":{"quorum":0}`, "icmpConfig.quorum", ""},
		{`"allowedCheckCountryCodes":"DE"`, "allowedCheckCountryCodes", ""}, {`"allowedCheckCountryCodes":["XX"]`, "allowedCheckCountryCodes", ""}, {`"allowedCheckCountryCodes":["DEU"]`, "allowedCheckCountryCodes", ""}, {`"allowedCheckCountryCodes":[null]`, "allowedCheckCountryCodes", ""}, {`"allowedCheckCountryCodes":[5]`, "allowedCheckCountryCodes", ""}, {`"allowedCheckCountryCodes":{}`, "allowedCheckCountryCodes", ""}, {`"allowedCheckCountryCodes":["UK"]`, "allowedCheckCountryCodes", ""}, {`"allowedCheckCountryCodes":["DE",""]`, "allowedCheckCountryCodes", ""},
		{`"notificationEmail":"noc"`, "notificationEmail", ""}, {`"notificationEmail":""`, "notificationEmail", ""}, {`"notificationEmail":5`, "notificationEmail", ""}, {`"notificationEmail":"a@b.c\r\nBcc: x@y.z"`, "notificationEmail", ""},
		{`"notificationPhoneNumber":"0351 2345678"`, "notificationPhoneNumber", ""}, {`"notificationPhoneNumber":""`, "notificationPhoneNumber", ""}, {`"notificationPhoneNumber":493512345678`, "notificationPhoneNumber", ""},
		{`"port":0`, "port", ""}, {`"port":65536`, "port", ""}, {`"port":80.5`, "port", ""}, {`"port":"80"`, "port", ""}, {`"port":-1`, "port", ""},
	}
	houses(t, func(h *house) {
		admin := h.token("admin@example.com")
		for _, c := range accepted {
			a := h.api(admin, "POST", monitorsPath, monitorBody(c.members))
			h.wantValues("POST "+c.members, a, 201, c.want)
			// What is read later is what was answered at once.
			b := h.api(admin, "GET", a.header.Get("Location"), "")
			want := map[string]json.RawMessage{}
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				h.t.Fatal(err)
			}
			delete(want, "warnings")
			part, err := json.Marshal(want)
			if err != nil {
				h.t.Fatal(err)
			}
			h.wantValues("GET after POST "+c.members, b, 200, string(part))
		}
		patched := monitorsPath + "/" + h.monitor.PublicID.String()
		before := h.api(admin, "GET", patched, "").body
		for _, c := range refused {
			h.wantRefused("POST "+c.members, h.api(admin, "POST", monitorsPath, monitorBody(c.members)), c.message, c.field)
			h.wantRefused("PATCH "+c.members, h.api(admin, "PATCH", patched, "{"+c.members+"}"), c.message, c.field)
		}
		if after := h.api(admin, "GET", patched, "").body; after != before {
			h.t.Errorf("got %s after refused changes, want %s", after, before)
		}
	})
}

// All fields' errors come at once; the message is the first in the contract's order, whatever the order sent.
func TestMonitorErrorsAreCollected(t *testing.T) {
	h := liteHouse(t)
	admin := h.token("admin@example.com")
	order := []struct{ member, message string }{
		{`"customerId":"x"`, "Invalid Customer identifier"}, {`"name":""`, "name is required"}, {`"hostname":"a b"`, "Invalid hostname"},
		{`"status":"x"`, "status must be active, maintenance, disabled, paused or inactive"}, {`"checkInterval":9999`, "checkInterval must be a number from 0 to 1440"},
		{`"checkIntervalSeconds":0`, "checkIntervalSeconds must be a number from 1 to 86400"}, {`"timeoutSeconds":0`, "timeoutSeconds must be a number from 1 to 60"},
		{`"icmpConfig":{"count":0}`, "icmpConfig.count must be a number from 1 to 100"}, {`"allowedCheckCountryCodes":["XX"]`, "allowedCheckCountryCodes must hold ISO 3166-1 alpha-2 codes"},
		{`"notificationEmail":"x"`, "notificationEmail must be an e-mail address"}, {`"notificationPhoneNumber":"x"`, "notificationPhoneNumber must be an E.164 number like +493512345678"}, {`"port":0`, "port must be a number from 1 to 65535"},
	}
	for first := range order {
		members, fields := []string{}, []string{}
		for _, o := range order[first:] {
			members = append(members, o.member)
			name, _, _ := strings.Cut(strings.TrimPrefix(o.member, `"`), `"`)
			if name == "icmpConfig" {
				name += ".count"
			}
			fields = append(fields, name)
		}
		slices.Reverse(members)
		body := monitorBody(strings.Join(members, ","))
		h.wantRefused(body, h.api(admin, "POST", monitorsPath, body), order[first].message, fields...)
	}
	h.wantRefused("{}", h.api(admin, "POST", monitorsPath, "{}"), "Invalid Customer identifier", "customerId", "name", "hostname")
}

// PATCH is a story: absent stays, null clears, icmpConfig replaces, and the ETag guards.
func TestMonitorPatch(t *testing.T) {
	houses(t, func(h *house) {
		admin, readonly := h.token("admin@example.com"), h.token("readonly@example.com")
		a := h.api(admin, "POST", monitorsPath, monitorBody(`"name":"Story","checkIntervalSeconds":60,"timeoutSeconds":20,"port":80,"notificationEmail":"a@example.com","allowedCheckCountryCodes":["DE"],"icmpConfig":{"count":5,"ttl":9,"x":1}`))
		one := a.header.Get("Location")
		patch := func(body, part string) answer {
			h.t.Helper()
			a := h.api(admin, "PATCH", one, body)
			h.wantValues("PATCH "+body, a, 200, part)
			return a
		}
		patch(`{"name":"Other"}`, `{"name":"Other","hostname":"127.0.0.1","checkIntervalSeconds":60,"timeoutSeconds":20,"port":80,"notificationEmail":"a@example.com","allowedCheckCountryCodes":["DE"],"config":{"packetSize":56,"count":5,"ttl":9,"x":1}}`)
		patch(`{"icmpConfig":{"packetSize":100}}`, `{"config":{"packetSize":100,"count":3},"icmpConfig":{"packetSize":100,"count":3}}`)
		patch(`{"port":null,"notificationEmail":null,"allowedCheckCountryCodes":[]}`, `{"port":null,"notificationEmail":null,"allowedCheckCountryCodes":null,"config":{"packetSize":100,"count":3}}`)
		patch(`{"checkInterval":0.5}`, `{"checkIntervalSeconds":30,"timeoutSeconds":20}`)
		h.wantRefused("an interval shorter than the stored timeout", h.api(admin, "PATCH", one, `{"checkIntervalSeconds":10}`), "", "timeoutSeconds")
		h.wantRefused("a timeout too short for the new packets", h.api(admin, "PATCH", one, `{"icmpConfig":{"count":100,"intervalMs":300}}`), "", "timeoutSeconds")
		patch(`{"checkIntervalSeconds":10,"timeoutSeconds":10}`, `{"checkInterval":0.1667,"timeoutSeconds":10}`)
		patch(`{"status":"paused"}`, `{"status":"disabled","state":"paused","lastCheckedAt":null}`)
		patch(`{"customerId":3}`, `{"customerId":3}`)
		patch(`{"customerId":"`+h.customer.PublicID.String()+`"}`, `{"customerId":1}`)
		for _, nobody := range []string{`999`, `2`, `"` + h.foreign.PublicID.String() + `"`, `"00000000-0000-0000-0000-000000000000"`, `"6764e84f-f02a-43e6-a46d-cecaec556723"`, `9007199254740992`} {
			body := `{"customerId":` + nobody + `}`
			if a := h.api(admin, "PATCH", one, body); a.status != 404 || !strings.Contains(a.body, `"Customer not found"`) {
				h.t.Errorf("PATCH %s: got %d %s, want 404 Customer not found", body, a.status, a.body)
			}
			if a := h.api(admin, "POST", monitorsPath, monitorBody(`"customerId":`+nobody)); a.status != 404 || !strings.Contains(a.body, `"Customer not found"`) {
				h.t.Errorf("POST %s: got %d %s, want 404 Customer not found", body, a.status, a.body)
			}
		}
		h.wantValues("GET", h.api(admin, "GET", one, ""), 200, `{"customerId":1,"name":"Other","status":"disabled"}`)

		tag := h.api(admin, "GET", one, "").header.Get("ETag")
		put := func(match string) answer {
			return h.request("PATCH", one, `{"name":"Matched"}`, "Authorization", "Bearer "+admin, "Content-Type", "application/json", "If-Match", match)
		}
		for _, stale := range []string{`"0"`, `"x"`, `x`, `W/` + tag, strings.Trim(tag, `"`), `"0", "1"`} {
			if a := put(stale); a.status != 412 {
				h.t.Errorf("If-Match %s: got %d %s, want 412", stale, a.status, a.body)
			}
		}
		for _, fresh := range []string{`*`, "", `"0", %s`, `%s`} {
			if strings.Contains(fresh, "%s") {
				fresh = fmt.Sprintf(fresh, h.api(admin, "GET", one, "").header.Get("ETag"))
			}
			before := h.api(admin, "GET", one, "").header.Get("ETag")
			if a := put(fresh); a.status != 200 || a.header.Get("ETag") == before {
				h.t.Errorf("If-Match %s: got %d %s with ETag %s, want 200 and another ETag than %s", fresh, a.status, a.body, a.header.Get("ETag"), before)
			}
		}

		for body, status := range map[string]int{`{"status":"active"}`: 200, `{"status":"maintenance"}`: 200, `{"status":"on"}`: 400, `{"status":null}`: 400, `{}`: 200, `{"name":"x"}`: 403, `{"status":"active","name":"x"}`: 403, `{"status":"active","unknown":1}`: 403, `{"name":`: 400, `[]`: 400} {
			if a := h.api(readonly, "PATCH", one, body); a.status != status {
				h.t.Errorf("readonly, %s: got %d %s, want %d", body, a.status, a.body, status)
			}
		}
		supporter := h.token("global_supporter@example.com")
		for _, body := range []string{`{"status":"active"}`, `{}`, `{"name":`} {
			if a := h.api(supporter, "PATCH", one+"?organizationId=1", body); a.status != 403 {
				h.t.Errorf("global_supporter, %s: got %d, want 403", body, a.status)
			}
		}
	})
}

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

// Paging by the checkedAt of the last item visits every check once.
func TestCheckHistoryPages(t *testing.T) {
	houses(t, func(h *house) {
		admin := h.token("admin@example.com")
		start := time.Date(2026, 2, 26, 12, 0, 0, 0, time.UTC)
		const n = 7
		results := make([]models.Result, n)
		for i := range results {
			// The fourth begins late, as under load; the others at once, or with some microseconds.
			late := time.Duration(i) * 1234 * time.Microsecond
			if i == 3 {
				late = 700 * time.Millisecond
			}
			results[i] = models.Result{Monitor: h.monitor.ID, Rev: 1, Slot: start.Add(time.Duration(i) * time.Second).UnixMilli(), StartedOffset: late, Location: models.LocationID, Kind: models.KindScheduled, Outcome: models.OutcomeSuccess, Sent: i}
		}
		if _, err := h.store.RecordResults(context.Background(), results, judgeUp); err != nil {
			h.t.Fatal(err)
		}
		path := monitorsPath + "/" + h.monitor.PublicID.String() + "/check-history"
		type item struct {
			ID, CheckedAt string
			Diagnostics   struct{ Sent int }
		}
		page := func(query string) []item {
			h.t.Helper()
			var p struct{ Data []item }
			a := h.api(admin, "GET", path+query, "")
			if a.status != 200 {
				h.t.Fatalf("%s: got %d %s", query, a.status, a.body)
			}
			a.decode(h.t, &p)
			return p.Data
		}
		for _, limit := range []int{1, 2, 3, 200} {
			var seen []int
			before := ""
			for range n + 1 {
				items := page("?limit=" + strconv.Itoa(limit) + before)
				if len(items) == 0 {
					break
				}
				for _, i := range items {
					seen = append(seen, i.Diagnostics.Sent)
				}
				before = "&before=" + items[len(items)-1].CheckedAt
			}
			if !slices.Equal(seen, []int{6, 5, 4, 3, 2, 1, 0}) {
				h.t.Errorf("limit %d: got checks %v, want each once, newest first", limit, seen)
			}
		}
		if got := page(""); len(got) != n || got[n-1].CheckedAt != "2026-02-26T12:00:00.000Z" || got[3].CheckedAt != "2026-02-26T12:00:03.700Z" {
			h.t.Errorf("got %+v, want all with their starts", got)
		}
		for query, want := range map[string]int{"?before=2026-02-26T12:00:00.000Z": 0, "?before=2026-02-26T12:00:00.001Z": 1, "?before=2026-02-26T13:00:02%2B01:00": 2, "?before=2026-02-26T12:00:02Z": 2, "?before=9999-12-31T23:59:59Z": n, "?before=1970-01-01T00:00:00Z": 0, "?limit=": n, "?before=": n} {
			if got := page(query); len(got) != want {
				h.t.Errorf("%s: got %d checks, want %d", query, len(got), want)
			}
		}
		for query, field := range map[string]string{"limit=0": "limit", "limit=201": "limit", "limit=x": "limit", "limit=-1": "limit", "limit=1.5": "limit", "before=x": "before", "before=2026-02-26": "before", "before=2026-02-26T12:00:00": "before", "before=1772107200000": "before", "before=2026-02-30T12:00:00Z": "before", "before=-0001-01-01T00:00:00Z": "before", "before=%00": "before", "before=2026-02-26T12:00:00Z%00": "before", "before=1969-12-31T23:59:59Z": "before", "before=2026-02-26T12:00:00%2B99:00": "before", "before='": "before"} {
			h.wantRefused(query, h.api(admin, "GET", path+"?"+query, ""), "", field)
		}
	})
}

func TestTriggerCheck(t *testing.T) {
	houses(t, func(h *house) {
		admin := h.token("admin@example.com")
		path := monitorsPath + "/" + h.monitor.PublicID.String()
		trigger := func(what string, status int) {
			h.t.Helper()
			a := h.api(admin, "POST", path+"/trigger-check", "")
			if a.status != status || status == 503 && !strings.Contains(a.body, `"No active monitoring locations available"`) {
				h.t.Errorf("%s: got %d %s, want %d", what, a.status, a.body, status)
			}
		}
		requests := func() []int64 {
			h.t.Helper()
			ids, err := h.store.TakeCheckRequests(context.Background())
			if err != nil {
				h.t.Fatal(err)
			}
			return ids
		}
		trigger("active", 200)
		trigger("again, before it was made", 200)
		if got := requests(); !slices.Equal(got, []int64{h.monitor.ID}) {
			h.t.Errorf("got requests %v, want one for the monitor", got)
		}
		h.api(admin, "PATCH", path, `{"status":"maintenance"}`)
		trigger("maintenance", 200)
		h.api(admin, "PATCH", path, `{"status":"disabled"}`)
		requests()
		trigger("disabled", 503)
		h.api(admin, "PATCH", path, `{"status":"active"}`)
		if err := h.store.SaveHeartbeat(context.Background(), models.Heartbeat{Engine: "test"}); err != nil {
			h.t.Fatal(err)
		}
		trigger("nobody can ping", 503)
		if got := requests(); len(got) != 0 {
			h.t.Errorf("got requests %v, want none of the refused", got)
		}
	})
}

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
