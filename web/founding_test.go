package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"echolot/models/modelstest"
	"echolot/probe/lab"
)

// foundingBody is the body of the founding page's curl command, with the customer left open.
const foundingBody = `{
    "customerId": CUSTOMER,
    "name": "Ping Gateway",
    "hostname": "claas.sh",
    "status": "active",
    "checkInterval": 5,
    "timeoutSeconds": 10,
    "icmpConfig": { "packetSize": 56, "count": 4 }
  }`

// foundingKeys are the keys that the founding page prints in its answer, in its order.
var foundingKeys = []string{"id", "organizationId", "customerId", "name", "hostname", "port", "status", "checkInterval", "timeoutSeconds",
	"allowedCheckCountryCodes", "notificationPhoneNumber", "notificationEmail", "lastCheckedAt", "createdAt", "updatedAt", "config", "icmpConfig"}

// TestFoundingCall starts with an empty database, as a script would: a user and a token by the command line, the server,
// then the founding page's request to the letter. The monitor is then measured.
func TestFoundingCall(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, url string) {
		names := lab.NewDNS(t)
		names.Name("claas.sh", lab.Addresses("127.0.0.1"))
		settings := []string{"ECHOLOT_DATABASE_URL=" + url, "ECHOLOT_RESOLVER=" + names.Addr}
		by := admin(t, append(settings, "ECHOLOT_DATA_DIR="+t.TempDir())...)
		// The tests' other houses take less work than the program does.
		var hash string
		if err := modelstest.Connect(t, url).QueryRowContext(t.Context(), "SELECT password_hash FROM users").Scan(&hash); err != nil {
			t.Fatal(err)
		}
		if want := "$argon2id$v=19$m=19456,t=2,p=1$"; !strings.HasPrefix(hash, want) {
			t.Errorf("got a password's hash %s, want one that starts with %s", hash, want)
		}
		p := serve(t, settings...)
		if p.setup != "" {
			t.Errorf("got a setup link %s, want none: there is an administrator", p.setup)
		}

		var customers []struct {
			ID       int
			PublicID string
			Email    string
		}
		p.ask(by.token, "GET", "/api/customers", "").decode(t, &customers)
		if len(customers) != 1 || customers[0].ID != 1 || customers[0].Email != by.email {
			t.Fatalf("got customers %+v, want a first one with the user's address", customers)
		}

		first := postFounding(t, p, by.token, "1")
		second := postFounding(t, p, by.token, `"`+customers[0].PublicID+`"`)
		for _, id := range []string{first, second} {
			p.waitState(by.token, id, "up")
		}
		var history struct {
			Data []struct {
				Status      string
				Diagnostics struct{ Sent, Received int }
			}
		}
		p.ask(by.token, "GET", "/api/icmp-monitors/"+first+"/check-history", "").decode(t, &history)
		if len(history.Data) == 0 || history.Data[0].Status != "success" || history.Data[0].Diagnostics.Sent != 4 || history.Data[0].Diagnostics.Received != 4 {
			t.Errorf("got check history %+v, want a success of 4 packets", history.Data)
		}
		p.stop()
	})
}

// postFounding makes the request, checks the answer and returns the monitor's publicId.
func postFounding(t *testing.T, p *program, token, customer string) string {
	t.Helper()
	a := p.ask(token, "POST", "/api/icmp-monitors", strings.ReplaceAll(foundingBody, "CUSTOMER", customer))
	if a.status != 201 {
		t.Fatalf("customerId %s: got %d %s, want 201", customer, a.status, a.body)
	}
	if got := keysOf(t, a.body); len(got) < len(foundingKeys) || !slices.Equal(got[:len(foundingKeys)], foundingKeys) {
		t.Errorf("customerId %s: got keys %q, want first %q", customer, got, foundingKeys)
	}
	var m map[string]json.RawMessage
	a.decode(t, &m)
	want := map[string]string{"organizationId": "1", "customerId": "1", "name": `"Ping Gateway"`, "hostname": `"claas.sh"`, "port": "null", "status": `"active"`,
		"checkInterval": "5", "timeoutSeconds": "10", "allowedCheckCountryCodes": "null", "notificationPhoneNumber": "null", "notificationEmail": "null",
		"lastCheckedAt": "null", "config": `{"packetSize":56,"count":4}`, "icmpConfig": `{"packetSize":56,"count":4}`}
	for key, value := range want {
		if string(m[key]) != value {
			t.Errorf("customerId %s: got %s %s, want %s", customer, key, m[key], value)
		}
	}
	id := strings.Trim(string(m["publicId"]), `"`)
	if got := a.header.Get("Location"); got != "/api/icmp-monitors/"+id {
		t.Errorf("got Location %q, want that of %s", got, id)
	}
	return id
}

// keysOf are the keys of a JSON object in the order in which they stand.
func keysOf(t *testing.T, body string) (keys []string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(body))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key.(string))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}
