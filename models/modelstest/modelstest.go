// Package modelstest is the test kit on real databases: every test that needs one gets its own, on SQLite and on
// Postgres. Nothing is started until a test asks, and Main stops what was started.
//
//	func TestMain(m *testing.M) { os.Exit(modelstest.Main(m)) }
package modelstest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"echolot/migrations"
	"echolot/models"

	"github.com/alexedwards/argon2id"
)

// shared is what the tests of one process have in common. It is a variable of the package because the testing package
// has no place of its own between TestMain and a test.
var shared struct {
	cluster  lazy[*cluster]
	postgres lazy[string] // name of the migrated database that new ones are copied from
	sqlite   lazy[[]byte] // the migrated file that new ones are copied from
	names    atomic.Int64
	stores   sync.Map // *models.Store → *handle
}

// lazy is a value that is made when it is first asked for, once.
type lazy[T any] struct {
	mu    sync.Mutex
	made  bool
	value T
	err   error
}

func (l *lazy[T]) get(make func() (T, error)) (T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.made {
		l.made = true
		l.value, l.err = make()
	}
	return l.value, l.err
}

// Main runs the tests of a package, stops what they started and returns the process's exit code.
func Main(m *testing.M) int {
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, "modelstest:", err)
		return max(code, 1)
	}
	return code
}

func stop() error {
	l := &shared.cluster
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.value == nil {
		return nil
	}
	err := l.value.stop()
	l.value, l.err = nil, errors.New("the tests are over")
	return err
}

// Each runs f as the subtests "sqlite" and "postgres", each with the URL of a fresh, empty database that nobody has
// migrated. The database is gone after the subtest.
func Each(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, sqliteFile(t, nil)) })
	t.Run("postgres", func(t *testing.T) { f(t, postgresDatabase(t, "")) })
}

// EachMigrated is Each with databases that have the whole schema and no rows but the location. It is much faster than
// Each and a migration: the databases are copies of one migrated once.
func EachMigrated(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, Postgres(t)) })
}

// Stores is EachMigrated with an open store. The changes are made to its options, whose URL is set, before it is opened.
func Stores(t *testing.T, f func(t *testing.T, s *models.Store), changes ...func(*models.Options)) {
	t.Helper()
	EachMigrated(t, func(t *testing.T, url string) { f(t, Open(t, url, changes...)) })
}

// SQLite returns the path of a migrated SQLite database, for tests to which the kind of database makes no difference.
func SQLite(t testing.TB) string {
	t.Helper()
	content, err := shared.sqlite.get(migratedFile)
	if err != nil {
		t.Fatal(err)
	}
	return sqliteFile(t, content)
}

// Postgres returns the URL of a migrated Postgres database.
func Postgres(t testing.TB) string {
	t.Helper()
	name, err := shared.postgres.get(migratedDatabase)
	if err != nil {
		t.Fatal(err)
	}
	return postgresDatabase(t, name)
}

// Open opens a store on the URL, closes it after the test, and knows it for URL and Digest. Its passwords are hashed with the
// least work that argon2id knows: with the program's own 19 MiB the race detector has more to do for a house's eight users than
// for what is tested. A change that sets Passwords to nil gives it the program's.
func Open(t testing.TB, url string, changes ...func(*models.Options)) *models.Store {
	t.Helper()
	o := models.Options{URL: url, Migrations: migrations.Files, Passwords: &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}}
	for _, change := range changes {
		change(&o)
	}
	s, err := models.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	h := &handle{url: url}
	shared.stores.Store(s, h)
	t.Cleanup(func() {
		shared.stores.Delete(s)
		if err := errors.Join(h.close(), s.Close()); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	return s
}

// URL tells where a store that Open or Stores made has its database.
func URL(t testing.TB, s *models.Store) string {
	t.Helper()
	return handleOf(t, s).url
}

// Migrate brings the database at the URL up to the newest schema.
func Migrate(ctx context.Context, url string) error {
	return migrate(ctx, url, migrations.Files)
}

// MigrateTo brings the database at the URL up to the schema of an older program, whose last migration has the number.
func MigrateTo(ctx context.Context, url, number string) error {
	older := fstest.MapFS{}
	for _, dir := range []string{"sqlite", "postgres"} {
		files, err := migrations.Files.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, file := range files {
			path := dir + "/" + file.Name()
			if file.Name()[:len(number)] > number {
				continue
			}
			text, err := migrations.Files.ReadFile(path)
			if err != nil {
				return err
			}
			older[path] = &fstest.MapFile{Data: text}
		}
	}
	return migrate(ctx, url, older)
}

func migrate(ctx context.Context, url string, files fs.FS) error {
	s, err := models.Open(ctx, models.Options{URL: url, Migrations: files})
	if err != nil {
		return err
	}
	return errors.Join(s.Migrate(ctx), s.Close())
}
