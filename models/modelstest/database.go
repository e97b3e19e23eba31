package modelstest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/uptrace/bun/driver/pgdriver"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// sqliteFile returns a path in the test's own directory, with the content there if there is any.
func sqliteFile(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "echolot.db")
	if content != nil {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// migratedFile returns a migrated database as bytes.
func migratedFile() (content []byte, err error) {
	dir, err := os.MkdirTemp("", "echolot-sqlite-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "echolot.db")
	if err := Migrate(context.Background(), path); err != nil {
		return nil, fmt.Errorf("migrating SQLite: %w", err)
	}
	// The last connection's end moves the log into the file. Were some of it still outside, the copies would miss it.
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		return nil, fmt.Errorf("%s is not empty after the store was closed", info.Name())
	}
	return os.ReadFile(path)
}

// postgresDatabase makes a database, a copy of the template if that has a name, and drops it after the test.
func postgresDatabase(t testing.TB, template string) string {
	t.Helper()
	c, err := shared.cluster.get(startCluster)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("test_%d", shared.names.Add(1))
	if err := c.create(t.Context(), name, template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// FORCE ends connections that a test's child or a leaking store still holds. The test's context is over here.
		if _, err := c.admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
	})
	return c.url(name)
}

// migratedDatabase makes the database that tests get copies of, and returns its name.
func migratedDatabase() (string, error) {
	c, err := shared.cluster.get(startCluster)
	if err != nil {
		return "", err
	}
	const name = "migrated"
	ctx := context.Background()
	if err := c.create(ctx, name, ""); err != nil {
		return "", err
	}
	if err := Migrate(ctx, c.url(name)); err != nil {
		return "", fmt.Errorf("migrating Postgres: %w", err)
	}
	// A database that somebody is connected to can not be copied, and a closed connection takes a moment to go.
	_, err = c.admin.ExecContext(ctx, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS false")
	if err == nil {
		_, err = c.admin.ExecContext(ctx, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '"+name+"'")
	}
	return name, err
}

func (c *cluster) create(ctx context.Context, name, template string) error {
	statement := "CREATE DATABASE " + name + c.copy
	if template != "" {
		statement += " TEMPLATE " + template
	}
	if _, err := c.admin.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", strings.ToLower(statement), err)
	}
	return nil
}

// IsPostgres tells which kind of database the URL leads to.
func IsPostgres(url string) bool { return strings.HasPrefix(url, "postgres://") }

// Connect opens the database at the URL for a test that looks at tables itself, and closes it after the test. On SQLite
// such a connection reads only.
func Connect(t testing.TB, url string) *sql.DB {
	t.Helper()
	db, err := connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing the test's own connection: %v", err)
		}
	})
	return db
}

func connect(at string) (*sql.DB, error) {
	if IsPostgres(at) {
		return sql.OpenDB(pgdriver.NewConnector(pgdriver.WithDSN(at))), nil
	}
	file := url.URL{Path: at}
	return sql.Open("sqlite", "file:"+file.EscapedPath()+"?mode=rw&_pragma=busy_timeout(5000)&_pragma=query_only(1)") // rw: who was killed may have left a journal to roll back
}
