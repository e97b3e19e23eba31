package modelstest

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"echolot/models"
)

// childVar makes this test binary a process that starts a cluster, prints its port and waits to be killed.
const childVar = "ECHOLOT_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVar) != "" {
		c, err := shared.cluster.get(startCluster)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(c.port, c.dir)
		select {}
	}
	os.Exit(Main(m))
}

func TestEachDatabaseIsEmptyAndItsOwn(t *testing.T) {
	var urls []string
	for range 2 {
		Each(t, func(t *testing.T, url string) {
			urls = append(urls, url)
			write(t, url, "CREATE TABLE mine (id INTEGER)") // fails where an earlier test's table is still there
		})
	}
	if len(urls) != 4 || urls[0] == urls[2] || urls[1] == urls[3] {
		t.Errorf("got %q, want a database for each of four subtests", urls)
	}
}

func TestStoresAreMigratedAndCopiesDoNotShare(t *testing.T) {
	for range 2 {
		Stores(t, func(t *testing.T, s *models.Store) {
			if err := s.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			write(t, URL(t, s), "INSERT INTO organizations (id, public_id, name, created_at, updated_at)"+
				" VALUES (1, '00000000-0000-7000-8000-000000000001', 'One', '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')")
		})
	}
}

func TestStoresTakeOptions(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	called := false
	Stores(t, func(*testing.T, *models.Store) { called = true }, func(o *models.Options) {
		if o.URL == "" {
			t.Error("the URL is not set yet")
		}
		o.Now = func() time.Time { return now }
	})
	if !called {
		t.Error("the test was not run")
	}
}

func TestDigest(t *testing.T) {
	Stores(t, func(t *testing.T, s *models.Store) {
		empty := Digest(t, s)
		if again := Digest(t, s); again != empty {
			t.Fatalf("two digests of one state differ: got\n%s\nwant\n%s", again, empty)
		}
		write(t, URL(t, s), "INSERT INTO organizations (id, public_id, name, created_at, updated_at)"+
			" VALUES (1, '00000000-0000-7000-8000-000000000001', 'One', '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')")
		one := Digest(t, s)
		if one == empty {
			t.Error("a new row left the digest as it was")
		}
		if !strings.Contains(one, "organizations 1 ") {
			t.Errorf("got\n%s\nwant a line that starts with organizations 1", one)
		}
		write(t, URL(t, s), "UPDATE organizations SET name = 'Two'")
		two := Digest(t, s)
		if two == one {
			t.Error("a changed row left the digest as it was")
		}
		if got := Digest(t, s, "organizations"); strings.Contains(got, "organizations") || got == "" {
			t.Errorf("got\n%s\nwant all tables but organizations", got)
		}
		if _, err := digest(t.Context(), Connect(t, URL(t, s)), IsPostgres(URL(t, s)), []string{"organisations"}); err == nil {
			t.Error("a misspelled table was left out without a word")
		}
		write(t, URL(t, s), "UPDATE organizations SET name = 'One'")
		if got := Digest(t, s); got != one {
			t.Errorf("the first state again: got\n%s\nwant\n%s", got, one)
		}
	})
}

func TestConnectReadsOnlyOnSQLite(t *testing.T) {
	if _, err := Connect(t, SQLite(t)).ExecContext(t.Context(), "DELETE FROM locations"); err == nil {
		t.Error("a test's own connection wrote to the database")
	}
}

// A test that is killed, or that runs into its timeout, runs no clean-up; its server must end all the same.
func TestClusterDiesWithItsProcess(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), exe)
	child.Env = append(os.Environ(), childVar+"=1")
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	number, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
	t.Cleanup(func() { os.RemoveAll(dir) })
	c := cluster{}
	if c.port, err = strconv.Atoi(number); err != nil {
		t.Fatal(err)
	}
	db := Connect(t, c.url("postgres"))
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatalf("the child's server does not answer: %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err == nil {
		t.Error("the killed child ended well")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for db.PingContext(ctx) == nil {
		select {
		case <-ctx.Done():
			t.Fatal("the server outlived its process by 20 s")
		case <-tick.C:
		}
	}
}

func write(t *testing.T, url, statement string) {
	t.Helper()
	db, err := connect(url)
	if !IsPostgres(url) {
		db, err = sql.Open("sqlite", url)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
