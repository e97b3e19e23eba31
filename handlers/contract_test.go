package handlers

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
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
		{`"icmpConfig":{"packetSize":0}`, `{"config":{"packetSize":0,"count":3},"icmpConfig":{"packetSize":0,"count":3}}`},
		{`"icmpConfig":{}`, `{"config":{"packetSize":56,"count":3},"icmpConfig":{"packetSize":56,"count":3}}`},
		{`"config":{"count":2}`, `{"config":{"packetSize":56,"count":2},"icmpConfig":{"packetSize":56,"count":2}}`},
		{`"config":{"count":2, "ttl":9},"icmpConfig":{"ttl":9,"count":2}`, `{"config":{"packetSize":56,"count":2,"ttl":9}}`},
		{`"icmpConfig":{"count":10,"intervalMs":100},"timeoutSeconds":1`, `{"timeoutSeconds":1}`},
		{`"icmpConfig":{"Count":1000000,"x":{"b":1,"a":[null]}}`, `{"config":{"packetSize":56,"count":3,"Count":1000000,"x":{"b":1,"a":[null]}},"warnings":["icmpConfig.Count is kept, but the prober does not know it","icmpConfig.x is kept, but the prober does not know it"]}`},
		{`"icmpConfig":{"ipFamily":"4"}`, `{"hostname":"127.0.0.1","icmpConfig":{"packetSize":56,"count":3,"ipFamily":"4"}}`},
		{`"hostname":"::1","icmpConfig":{"ipFamily":"6"}`, `{"hostname":"::1","icmpConfig":{"packetSize":56,"count":3,"ipFamily":"6"}}`},
		{`"hostname":"gw.example","icmpConfig":{"ipFamily":"6"}`, `{"hostname":"gw.example","icmpConfig":{"packetSize":56,"count":3,"ipFamily":"6"}}`},
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
		{`"hostname":"::1","icmpConfig":{"ipFamily":"4"}`, "icmpConfig.ipFamily", "icmpConfig.ipFamily is 4, but hostname is an IPv6 address"},
		{`"hostname":"127.0.0.1","config":{"ipFamily":"6"}`, "icmpConfig.ipFamily", "icmpConfig.ipFamily is 6, but hostname is an IPv4 address"},
		{`"icmpConfig":{"packetSize":-1}`, "icmpConfig.packetSize", ""}, {`"icmpConfig":{"packetSize":65508}`, "icmpConfig.packetSize", ""}, {`"icmpConfig":{"packetSize":2e9}`, "icmpConfig.packetSize", ""}, {`"icmpConfig":{"count":1e6}`, "icmpConfig.count", ""}, {`"icmpConfig":{"count":"4"}`, "icmpConfig.count", ""}, {`"icmpConfig":{"count":null}`, "icmpConfig.count", ""}, {`"config":{"quorum":0}`, "icmpConfig.quorum", ""},
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
		h.wantRefused("a family that the stored address has not", h.api(admin, "PATCH", one, `{"icmpConfig":{"ipFamily":"6"}}`), "", "icmpConfig.ipFamily")
		patch(`{"icmpConfig":{"packetSize":100,"ipFamily":"4"}}`, `{"hostname":"127.0.0.1","config":{"packetSize":100,"count":3,"ipFamily":"4"}}`)
		h.wantRefused("an address that has not the stored family", h.api(admin, "PATCH", one, `{"hostname":"::1"}`), "", "icmpConfig.ipFamily")
		patch(`{"hostname":"gw.example"}`, `{"hostname":"gw.example"}`)
		patch(`{"hostname":"127.0.0.1","icmpConfig":{"packetSize":100}}`, `{"hostname":"127.0.0.1","config":{"packetSize":100,"count":3}}`)
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

// Keys that the prober does not know come back as they were sent, whatever is in them, from both databases.
func TestUnknownConfigValues(t *testing.T) {
	houses(t, func(h *house) {
		admin := h.token("admin@example.com")
		deep := strings.Repeat("[", 28) + strings.Repeat("]", 28)
		for _, member := range []string{`"":1`, `"x":null`, `"x":-0.0`, `"x":1.50`, `"x":1e400`, `"x":-1E-999999`, `"x":123456789012345678901234567890`, `"x":""`, `"x":"\u0001\u001f"`, `"x":"\ud83d\ude00"`, `"x":"\/"`, `"a.b":{"$":[],"$.count":{}}`, `"\"":1`, `"\\":1`,
			`"count ":1e6`, `"COUNT":1e6`, "\"count\u0301\":0", `"packet_size":2e9`, `"x":{"packetSize":-1,"count":0}`, `"x":` + deep, `"x":"` + strings.Repeat("y", 60000) + `"`, `"toString":1,"__proto__":{"a":1},"constructor":null`} {
			a := h.api(admin, "POST", monitorsPath, monitorBody(`"icmpConfig":{`+member+`}`))
			want := `{"packetSize":56,"count":3,` + member + `}`
			for what, body := range map[string]string{"POST": a.body, "GET": h.api(admin, "GET", a.header.Get("Location"), "").body, "list": h.api(admin, "GET", monitorsPath+"?perPage=1", "").body} {
				if !strings.Contains(body, `"config":`+want) {
					h.t.Errorf("%s of %.60s: got %.600s, want config %.100s", what, member, body, want)
				}
			}
		}
	})
}
