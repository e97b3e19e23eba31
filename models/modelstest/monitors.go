package modelstest

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"echolot/models"
)

// Monitors makes an organization with n monitors of one customer, pinged with four packets every minute, and returns their ids.
// It goes past the store, which takes them one by one.
func Monitors(tb testing.TB, s *models.Store, n int) []int64 {
	tb.Helper()
	ctx, url := context.Background(), URL(tb, s)
	if _, err := s.UnscopedCreateUser(ctx, models.NewUser{Email: "ops@example.com", Role: models.RoleAdmin, Password: "correct horse battery"}); err != nil {
		tb.Fatal(err)
	}
	db, statements := Connect(tb, url), []string{
		`INSERT INTO monitors (public_id, organization_id, customer_id, name, hostname, hostname_typed, search, status, interval_seconds, timeout_ms, config, rev, version, created_at, updated_at)
			SELECT gen_random_uuid(), 1, 1, 'Host ' || n, '127.0.0.1', '127.0.0.1', 'host', 'active', 60, 10000, '{"packetSize":56,"count":4,"confirmations":2}', 1, 1, now(), now() FROM generate_series(1, $1) AS n`,
		`INSERT INTO monitor_states (monitor_id, location_id, organization_id, state, since, measured, rank, failures, successes, unknown_in_row, cause, cause_source, last_slot, last_outcome, last_sent, last_received, last_rtt, address, reply_ttl, recent)
			SELECT id, 1, 1, 'pending', now(), 'pending', 5, 0, 0, 0, '', '', 0, '', 0, 0, -1, '', 0, '' FROM monitors`,
	}
	if !IsPostgres(url) {
		var err error
		if db, err = sql.Open("sqlite", "file:"+url); err != nil {
			tb.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		for i := range statements {
			// A UUID of the row's number will do.
			statements[i] = strings.NewReplacer("gen_random_uuid()", "printf('00000000-0000-7000-8000-%012d', n)", "now()", "'2026-01-01 00:00:00+00:00'",
				"generate_series(1, $1) AS n", "(WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < $1) SELECT n FROM c)").Replace(statements[i])
		}
	}
	for i, statement := range statements {
		args := []any{n}[:1-i]
		if _, err := db.ExecContext(ctx, statement, args...); err != nil {
			tb.Fatalf("%s: %v", statement, err)
		}
	}
	if _, err := db.ExecContext(ctx, "ANALYZE"); err != nil { // the tests' Postgres does not do it by itself
		tb.Fatal(err)
	}
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = int64(i + 1)
	}
	return ids
}
