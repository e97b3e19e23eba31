package modelstest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"echolot/models"
)

// handle is what the kit knows of a store: where its database is, and a connection of the kit's own to look at it.
type handle struct {
	url string
	mu  sync.Mutex
	db  *sql.DB
}

func handleOf(t testing.TB, s *models.Store) *handle {
	t.Helper()
	h, ok := shared.stores.Load(s)
	if !ok {
		t.Fatal("this store was not opened by modelstest.Open or Stores")
	}
	return h.(*handle)
}

func (h *handle) connection() (*sql.DB, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var err error
	if h.db == nil {
		h.db, err = connect(h.url)
	}
	return h.db, err
}

func (h *handle) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.db == nil {
		return nil
	}
	return h.db.Close()
}

// Digest returns a text that changes when any row of any table changes, except those of the named tables: one line for
// each table with its name, its number of rows and a hash of them, so that a test's message shows where two differ.
func Digest(t testing.TB, s *models.Store, except ...string) string {
	t.Helper()
	db, err := handleOf(t, s).connection()
	if err != nil {
		t.Fatal(err)
	}
	text, err := digest(t.Context(), db, IsPostgres(URL(t, s)), except)
	if err != nil {
		t.Fatalf("digest: %v", err)
	}
	return text
}

func digest(ctx context.Context, db *sql.DB, postgres bool, except []string) (text string, err error) {
	// One transaction, so that all tables are seen at one moment. SQLite's are so by themselves and know no levels.
	var options sql.TxOptions
	if postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := db.BeginTx(ctx, &options)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	names, err := tables(ctx, tx, postgres)
	if err != nil {
		return "", err
	}
	for _, name := range except {
		if !slices.Contains(names, name) {
			return "", fmt.Errorf("there is no table %q to leave out", name)
		}
	}
	var out strings.Builder
	for _, name := range names {
		if slices.Contains(except, name) {
			continue
		}
		rows, err := rowsOf(ctx, tx, name)
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", name, err)
		}
		slices.Sort(rows)
		fmt.Fprintf(&out, "%s %d %x\n", name, len(rows), sha256.Sum256([]byte(strings.Join(rows, "\n"))))
	}
	return out.String(), nil
}

// tables returns the names of all tables in order; partitions are part of theirs.
func tables(ctx context.Context, tx *sql.Tx, postgres bool) (names []string, err error) {
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
	if postgres {
		query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"
	}
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// rowsOf returns each row of a table as a text in which every value is quoted, so that no two rows look alike.
func rowsOf(ctx context.Context, tx *sql.Tx, table string) (texts []string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT * FROM "`+table+`"`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		var text strings.Builder
		for _, value := range values {
			switch v := value.(type) {
			case nil:
				text.WriteString("NULL,")
			case []byte:
				fmt.Fprintf(&text, "%q,", v)
			default:
				fmt.Fprintf(&text, "%q,", fmt.Sprint(v))
			}
		}
		texts = append(texts, text.String())
	}
	return texts, rows.Err()
}
