package models_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"echolot/models"
	"echolot/models/modelstest"
)

// writable is a connection past the store, for statements that a careless administrator might run.
func writable(t *testing.T, url string) *sql.DB {
	t.Helper()
	if modelstest.IsPostgres(url) {
		return modelstest.Connect(t, url)
	}
	db, err := sql.Open("sqlite", "file:"+url+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return db
}

// TestDatabaseRefusesBadSettings is T22's part here: settings that the API would never let in are refused by the tables'
// own CHECKs, so that no prober ever reads them.
func TestDatabaseRefusesBadSettings(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		by, _ := admin(t, s)
		row, err := s.CreateMonitor(context.Background(), by, fields(t, `{"customerId":1,"name":"Gateway","hostname":"127.0.0.1","checkIntervalSeconds":60,"icmpConfig":{"count":4}}`))
		if err != nil {
			t.Fatal(err)
		}
		db := writable(t, modelstest.URL(t, s))
		before := modelstest.Digest(t, s)
		config := func(json string) string { return "config = '" + json + "'" }
		for _, set := range []string{
			"interval_seconds = 0", "interval_seconds = -1", "interval_seconds = 86401", "interval_seconds = NULL", "interval_seconds = 29", // shorter than the timeout
			"timeout_ms = 0", "timeout_ms = -1", "timeout_ms = 999", "timeout_ms = 60001", "timeout_ms = 2000000000", "timeout_ms = NULL",
			config(`{"packetSize":2000000000,"count":4}`), config(`{"packetSize":-1,"count":4}`), config(`{"packetSize":65508,"count":4}`),
			config(`{"packetSize":56,"count":1000000}`), config(`{"packetSize":56,"count":0}`), config(`{"packetSize":56,"count":-1}`), config(`{"packetSize":56,"count":101}`),
			config(`{"packetSize":56,"count":4,"intervalMs":9}`), config(`{"packetSize":56,"count":4,"intervalMs":0}`), config(`{"packetSize":56,"count":4,"intervalMs":-200}`), config(`{"packetSize":56,"count":4,"intervalMs":60001}`),
			config(`{"packetSize":56}`), config(`{"count":4}`), config(`{}`), config(`null`), config(`[]`), config(`{"packetSize":null,"count":null}`), config(``), config(`x`), config(`{"packetSize":56,"count":4`), "config = NULL",
			"status = 'up'", "status = ''", "port = 0", "port = 65536",
			"organization_id = 2", "customer_id = 999", "organization_id = NULL",
		} {
			if _, err := db.ExecContext(t.Context(), "UPDATE monitors SET "+set); err == nil {
				t.Errorf("%s: the database took it", set)
				if _, err := db.ExecContext(t.Context(), "UPDATE monitors SET interval_seconds = 60, timeout_ms = 30000, status = 'active', port = NULL, "+config(`{"packetSize":56,"count":4}`)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, statement := range []string{
			"UPDATE monitor_states SET state = 'fine'", "UPDATE monitor_states SET organization_id = 2", "UPDATE users SET role = 'root'", "UPDATE customers SET status = 'gone'",
		} {
			if _, err := db.ExecContext(t.Context(), statement); err == nil {
				t.Errorf("%s: the database took it", statement)
			}
		}
		if after := modelstest.Digest(t, s); after != before {
			t.Error("a refused statement changed rows")
		}
		// What is within the bounds goes in, so the refusals above are the CHECKs' and not the statement's.
		for _, set := range []string{"interval_seconds = 86400", "interval_seconds = 30", "timeout_ms = 1000", config(`{"packetSize":65507,"count":100,"intervalMs":10}`), config(`{"packetSize":0,"count":1}`), "port = 65535"} {
			if _, err := db.ExecContext(t.Context(), "UPDATE monitors SET "+set); err != nil {
				t.Errorf("%s: got %v, want it taken", set, err)
			}
		}
		if _, err := s.Monitor(context.Background(), by, row.PublicID); err != nil {
			t.Errorf("got %v after all, want the monitor readable", err)
		}
	})
}

// A config with half a surrogate pair is why a body with one is refused: Postgres can not take it apart.
func TestHalfASurrogatePairIsNotStored(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		by, _ := admin(t, s)
		if _, err := s.CreateMonitor(context.Background(), by, fields(t, `{"customerId":1,"name":"Gateway","hostname":"127.0.0.1","icmpConfig":{"x":"\ud83d\ude00"}}`)); err != nil {
			t.Errorf("a whole pair: got %v, want it stored", err)
		}
		if _, err := models.ParseFields([]byte(`{"icmpConfig":{"x":"\ud83d"}}`)); err == nil {
			t.Error("half a pair was accepted")
		}
		if s.Engine() != "PostgreSQL" {
			return
		}
		_, err := writable(t, modelstest.URL(t, s)).ExecContext(t.Context(), `UPDATE monitors SET config = '{"packetSize":56,"count":4,"x":"\ud83d"}'`)
		if err == nil || !strings.Contains(err.Error(), "json") {
			t.Errorf("got %v, want Postgres to stumble over it; else the rule may go", err)
		}
	})
}
