package migrations_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"echolot/migrations"
	"echolot/models/modelstest"
)

// childVar makes this test binary a program that says it is ready, waits for a line, and migrates the URL in it.
const childVar = "ECHOLOT_TEST_MIGRATE"

func TestMain(m *testing.M) {
	if url := os.Getenv(childVar); url != "" {
		os.Exit(child(url))
	}
	os.Exit(modelstest.Main(m))
}

func child(url string) int {
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if err := modelstest.Migrate(context.Background(), url); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("migrated")
	return 0
}

var (
	fileName = regexp.MustCompile(`^[0-9]{4}_[a-z0-9_]+\.tx\.(up|down)\.sql$`)
	comment  = regexp.MustCompile(`^-- \S`)
)

func names(t *testing.T, fsys fs.FS, dir string) []string {
	t.Helper()
	found, err := fs.Glob(fsys, dir+"/*")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatalf("no migrations in %s", dir)
	}
	for i, path := range found {
		found[i] = strings.TrimPrefix(path, dir+"/")
	}
	return found
}

func TestBothDatabasesHaveTheSameMigrations(t *testing.T) {
	lite, pg := names(t, migrations.Files, "sqlite"), names(t, migrations.Files, "postgres")
	if !slices.Equal(lite, pg) {
		t.Errorf("got sqlite %q and postgres %q, want the same names", lite, pg)
	}
}

func TestFilesAreNamedReversibleAndExplained(t *testing.T) {
	for _, dir := range []string{"sqlite", "postgres"} {
		fsys := migrations.Files
		all := names(t, fsys, dir)
		numbers := map[string]string{}
		for _, name := range all {
			if !fileName.MatchString(name) {
				t.Errorf("%s/%s: want NNNN_what.tx.up.sql or NNNN_what.tx.down.sql", dir, name)
				continue
			}
			base, direction, _ := strings.Cut(name, ".tx.")
			other := map[string]string{"up.sql": "down.sql", "down.sql": "up.sql"}[direction]
			if !slices.Contains(all, base+".tx."+other) {
				t.Errorf("%s/%s has no %s", dir, name, other)
			}
			if first, taken := numbers[base[:4]]; taken && first != base {
				t.Errorf("%s/%s has the number of %s", dir, name, first)
			}
			numbers[base[:4]] = base
			text, err := fs.ReadFile(fsys, dir+"/"+name)
			if err != nil {
				t.Fatal(err)
			}
			if line, _, _ := strings.Cut(string(text), "\n"); !comment.MatchString(line) {
				t.Errorf("%s/%s starts with %q, want a comment that says why", dir, name, line)
			}
		}
	}
}

func TestUpDownUp(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, url string) {
		ctx := t.Context()
		empty := schema(t, url)
		s := modelstest.Open(t, url)
		if err := s.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		first := schema(t, url)
		if len(first) < 10 {
			t.Fatalf("got only %d lines of schema: %q", len(first), first)
		}
		if err := s.Migrate(ctx); err != nil {
			t.Errorf("migrating again what is migrated: %v", err)
		}
		if err := s.MigrateDown(ctx); err != nil {
			t.Fatal(err)
		}
		if got := schema(t, url); !slices.Equal(got, empty) {
			t.Errorf("after the way down: got %q, want %q", got, empty)
		}
		if err := s.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		if got := schema(t, url); !slices.Equal(got, first) {
			t.Errorf("after down and up: got %q, want %q", got, first)
		}
	})
}

// Results of before move into their days on Postgres, and back; SQLite keeps them where they are.
func TestResultsMoveIntoDays(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, url string) {
		ctx := t.Context()
		if err := modelstest.MigrateTo(ctx, url, "0001"); err != nil {
			t.Fatal(err)
		}
		db := modelstest.Connect(t, url)
		if !modelstest.IsPostgres(url) {
			var err error
			if db, err = sql.Open("sqlite", "file:"+url); err != nil {
				t.Fatal(err)
			}
			defer db.Close()
		}
		for _, slot := range []int64{0, 86399999, 86400000, 1772150399999, 1772150400000} { // 1970-01-01, -02; 2026-02-26, -27
			if _, err := db.ExecContext(ctx, fmt.Sprintf(`INSERT INTO results (monitor_id, slot, location_id, kind, rev, started_us, outcome, cause, cause_source, sent,
				received, duplicates, late, reply_ttl, address, packets) VALUES (7, %d, 1, 'scheduled', 1, 5, 'success', '', '', 1, 1, 0, 0, 64, '127.0.0.1', 'x')`, slot)); err != nil {
				t.Fatal(err)
			}
		}
		const all = "SELECT 'monitor ' || monitor_id || ' slot ' || slot || ' ' || outcome || ' ' || address FROM results"
		want := list(t, url, all)
		s := modelstest.Open(t, url)
		if err := s.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		// Since 0007 kind, outcome, cause, state and TTL are one number: scheduled, success, none, up, 64.
		if got, want := list(t, url, "SELECT DISTINCT code || ' ' || coalesce(details, 'no details') FROM results"), []string{"4196352 no details"}; !slices.Equal(got, want) {
			t.Errorf("after the way up: got %q, want %q", got, want)
		}
		if modelstest.IsPostgres(url) {
			got := list(t, url, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'results'::regclass")
			if want := []string{"results_19700101", "results_19700102", "results_20260226", "results_20260227"}; !slices.Equal(got, want) {
				t.Errorf("days: got %q, want %q", got, want)
			}
		}
		// What the newer program stores has its addresses in bytes.
		for i, address := range []string{"0A0100FF", "20010DB8000000000000000000000007"} {
			bytes := "x'" + address + "'"
			if modelstest.IsPostgres(url) {
				bytes = `'\x` + address + "'"
			}
			if _, err := db.ExecContext(ctx, fmt.Sprintf(`INSERT INTO results (monitor_id, slot, location_id, code, interval_seconds, started_us, address)
				VALUES (7, %d, 1, %d, 60, 5, %s)`, i+1, 2<<3|7<<5, bytes)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.MigrateDown(ctx); err != nil {
			t.Fatal(err)
		}
		longer := map[bool]string{true: "2001:db8::7", false: "2001:0db8:0000:0000:0000:0000:0000:0007"}[modelstest.IsPostgres(url)]
		want = append(want, "monitor 7 slot 1 failure 10.1.0.255", "monitor 7 slot 2 failure "+longer)
		slices.Sort(want)
		if got := list(t, url, all); !slices.Equal(got, want) {
			t.Errorf("after the way down: got %q, want %q", got, want)
		}
	})
}

// Several instances are started at once, as on a deployment's first day: all must come up, and the work is done once.
func TestStartersAtOnce(t *testing.T) {
	want := map[bool][]string{}
	modelstest.EachMigrated(t, func(t *testing.T, url string) { want[modelstest.IsPostgres(url)] = schema(t, url) })
	modelstest.Each(t, func(t *testing.T, url string) {
		starters := []*starter{start(t, url), start(t, url), start(t, url)}
		for _, s := range starters {
			s.goOn(t)
		}
		for i, s := range starters {
			if err := s.cmd.Wait(); err != nil {
				t.Errorf("starter %d: %v: %s", i+1, err, s.stderr.String())
			}
		}
		if got, want := schema(t, url), want[modelstest.IsPostgres(url)]; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// Whenever a migrating program is killed, the next start finishes the work.
func TestKilledInTheMiddle(t *testing.T) {
	const rounds = 12
	type seen struct {
		want   []string
		full   time.Duration // how long the one that nobody killed took
		undone int           // kills that came before the schema was complete
	}
	databases := map[bool]*seen{true: {}, false: {}}
	for round := range rounds {
		modelstest.Each(t, func(t *testing.T, url string) {
			db := databases[modelstest.IsPostgres(url)]
			s := start(t, url)
			began := time.Now()
			s.goOn(t)
			if round == 0 {
				s.expect(t, "migrated")
				db.full = time.Since(began)
				if err := s.cmd.Wait(); err != nil {
					t.Fatalf("%v: %s", err, s.stderr.String())
				}
				db.want = schema(t, url)
				return
			}
			// There is no condition to wait for: the moments are meant to be any, from the first on.
			<-time.After(db.full*time.Duration(round-1)/rounds + rand.N(db.full/rounds))
			if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
			if err := s.cmd.Wait(); err != nil {
				t.Logf("the child: %v", err)
			}
			if !slices.Equal(schema(t, url), db.want) {
				db.undone++
			}
			if err := modelstest.Migrate(t.Context(), url); err != nil {
				t.Fatalf("the next start: %v", err)
			}
			if got := schema(t, url); !slices.Equal(got, db.want) {
				t.Errorf("after the next start: got %q, want %q", got, db.want)
			}
		})
	}
	for postgres, db := range databases {
		t.Logf("postgres %t: %d kills within %v, %d of them before the schema was complete", postgres, rounds-1, db.full, db.undone)
		if db.undone == 0 {
			t.Error("no kill came in time: this test proved nothing")
		}
	}
}

// starter is a child process that will migrate.
type starter struct {
	cmd    *exec.Cmd
	stdin  io.Writer
	stdout *bufio.Reader
	stderr *bytes.Buffer
}

// start starts a child and returns when it is ready to migrate.
func start(t *testing.T, url string) *starter {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	// The race detector would keep each child for a second after its end.
	cmd.Env = append(os.Environ(), childVar+"="+url, "GORACE=atexit_sleep_ms=0")
	s := &starter{cmd: cmd, stderr: new(bytes.Buffer)}
	cmd.Stderr = s.stderr
	if s.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.stdout = bufio.NewReader(out)
	s.expect(t, "ready")
	return s
}

// expect waits for the child to print the word.
func (s *starter) expect(t *testing.T, word string) {
	t.Helper()
	if line, err := s.stdout.ReadString('\n'); err != nil || line != word+"\n" {
		t.Fatalf("got %q, %v from the child, want %q; it said: %s", line, err, word, s.stderr.String())
	}
}

func (s *starter) goOn(t *testing.T) {
	t.Helper()
	if _, err := s.stdin.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
}

// schema lists what the database consists of, sorted, without the migrator's own tables.
func schema(t *testing.T, url string) []string {
	t.Helper()
	if !modelstest.IsPostgres(url) {
		if _, err := os.Stat(url); os.IsNotExist(err) {
			return nil
		}
		return list(t, url, `SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master
			WHERE name NOT LIKE 'sqlite_%' AND tbl_name NOT LIKE 'bun_%'`)
	}
	return slices.Concat(
		list(t, url, `SELECT format('column %s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default)
			FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'bun_%'`),
		list(t, url, `SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'bun_%'`),
		list(t, url, `SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
			WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'bun_%'`),
	)
}

func list(t *testing.T, url, query string) (lines []string) {
	t.Helper()
	rows, err := modelstest.Connect(t, url).QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func(rows *sql.Rows) {
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}(rows)
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}
