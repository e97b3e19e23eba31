package handlers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"echolot/models/modelstest"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// createRound is how many monitors one round makes.
const createRound = 400

// BenchmarkAPICreate compares POST /api/icmp-monitors with a bare Fiber route that runs the same statements on a database
// of the same kind. The rounds take turns, so that a noisy moment meets both; "ratio" is ours ÷ bare in requests a second.
func BenchmarkAPICreate(b *testing.B) {
	for _, kind := range []struct {
		name string
		url  func(testing.TB) string
	}{{"sqlite", modelstest.SQLite}, {"postgres", modelstest.Postgres}} {
		b.Run(kind.name, func(b *testing.B) {
			h := newHouse(b, modelstest.Open(b, kind.url(b)))
			secret := h.token("admin@example.com")
			bare := bareCreate(b, h)
			var ours, theirs time.Duration
			for b.Loop() {
				ours += flood(b, h.url+"/api/icmp-monitors", secret)
				theirs += flood(b, bare, secret)
			}
			n := float64(b.N * createRound)
			b.ReportMetric(n/ours.Seconds(), "ours/s")
			b.ReportMetric(n/theirs.Seconds(), "bare/s")
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), "ratio")
		})
	}
}

// flood posts the founding body from eight clients and returns how long a round took.
func flood(b *testing.B, url, secret string) time.Duration {
	const body = `{"customerId":1,"name":"Ping Gateway","hostname":"127.0.0.1","checkInterval":5,"timeoutSeconds":10,"icmpConfig":{"packetSize":56,"count":4}}`
	var wg sync.WaitGroup
	var sent atomic.Int64
	begin := time.Now()
	for range 8 {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for sent.Add(1) <= createRound {
				req, err := http.NewRequest("POST", url, bytes.NewReader([]byte(body)))
				if err != nil {
					b.Error(err)
					return
				}
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("Authorization", "Bearer "+secret)
				if drain(b, client, req, http.StatusCreated); b.Failed() {
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(begin)
}

// bareCreate serves the statements of a create and nothing else: no rules, no guards, no events.
func bareCreate(b *testing.B, h *house) string {
	b.Helper()
	url := modelstest.URL(b, h.store)
	mark := func(q string) string { return q }
	var read, write *sql.DB
	if modelstest.IsPostgres(url) {
		mark, read = numbered, modelstest.Connect(b, url)
		write = read
	} else {
		// As the store opens it: one writer, and the same care for the disk.
		dsn := "file:" + url + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_time_format=sqlite&_txlock=immediate"
		read, write = openLite(b, dsn, 4), openLite(b, dsn, 1)
	}
	read.SetMaxIdleConns(16)
	app := fiber.New(fiber.Config{DisableStartupMessage: true, Immutable: true})
	app.Post("/", func(c *fiber.Ctx) error {
		secret := strings.TrimPrefix(c.Get("Authorization"), "Bearer ")
		id, err := bareStatements(c.Context(), read, write, mark, secret)
		if err != nil {
			return err
		}
		return c.Status(http.StatusCreated).JSON(fiber.Map{"id": id})
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- app.Listener(ln) }()
	b.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			b.Error(err)
		}
		<-served
	})
	return "http://" + ln.Addr().String() + "/"
}

func openLite(b *testing.B, dsn string, conns int) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(conns)
	b.Cleanup(func() { _ = db.Close() })
	return db
}

// numbered writes ? as $1, $2 and so on.
func numbered(q string) string {
	for n := 1; strings.Contains(q, "?"); n++ {
		q = strings.Replace(q, "?", fmt.Sprintf("$%d", n), 1)
	}
	return q
}

// bareStatements are those of models.CreateMonitor with its credential, in their order.
func bareStatements(ctx context.Context, read, write *sql.DB, mark func(string) string, secret string) (id int64, err error) {
	sum := sha256.Sum256([]byte(secret))
	var user, customer int64
	if err := read.QueryRowContext(ctx, mark("SELECT t.user_id FROM api_tokens t LEFT JOIN users u ON u.id = t.user_id WHERE t.token_hash = ?"), sum[:]).Scan(&user); err != nil {
		return 0, err
	}
	tx, err := write.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }()
	if err := tx.QueryRowContext(ctx, mark("SELECT c.id FROM customers c WHERE c.organization_id = ? AND c.id = ?"), 1, 1).Scan(&customer); err != nil {
		return 0, err
	}
	now := time.Now().UTC()
	const config = `{"packetSize":56,"count":4}`
	err = tx.QueryRowContext(ctx, mark(`INSERT INTO monitors (public_id, organization_id, customer_id, name, hostname, hostname_typed, search, status, interval_seconds, timeout_ms, config, rev, version, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`), uuid.Must(uuid.NewV7()).String(), 1, customer, "Ping Gateway", "127.0.0.1", "127.0.0.1", "ping gateway", "active", 300, 10000, config, 1, 1, now, now).Scan(&id)
	if err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, mark(`INSERT INTO monitor_states (monitor_id, location_id, organization_id, state, since, measured, rank, failures, successes, unknown_in_row, cause, cause_source, last_slot, last_outcome, last_sent, last_received, last_rtt, address, reply_ttl, recent)
		VALUES (?, 1, 1, 'pending', ?, 'pending', 5, 0, 0, 0, '', '', 0, '', 0, 0, -1, '', 0, ?)`), id, now, []byte{}); err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, mark(`INSERT INTO audit_entries (organization_id, at, user_id, address, action, object_type, object_id, before, after) VALUES (1, ?, ?, '127.0.0.1', 'monitor.create', 'monitor', ?, '', ?)`), now, user, id, config); err != nil {
		return 0, err
	}
	return id, tx.Commit()
}
