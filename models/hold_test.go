package models_test

import (
	"os"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// TestOneHoldsTheLocation: of two programs on one database one may probe, and the other when it lets go.
func TestOneHoldsTheLocation(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		first, second := modelstest.Open(t, url), modelstest.Open(t, url)
		hold := func(s *models.Store) (func(), bool) {
			t.Helper()
			release, _, held, err := s.HoldLocation(t.Context(), models.LocationID)
			if err != nil {
				t.Fatal(err)
			}
			return release, held
		}
		release, held := hold(first)
		if !held {
			t.Fatal("the first could not hold the location, want held")
		}
		if _, held := hold(second); held {
			t.Fatal("both hold the location, want one")
		}
		release()
		again, held := hold(second)
		if !held {
			t.Fatal("the second could not hold what the first let go")
		}
		again()
	})
}

// TestHoldMovesToAnotherConnection: where the one that holds the location breaks, another takes its place, unless another
// program was faster; then the holder is told.
func TestHoldMovesToAnotherConnection(t *testing.T) {
	t.Parallel()
	url := modelstest.Postgres(t)
	first, second := modelstest.Open(t, url), modelstest.Open(t, url)
	db := modelstest.Connect(t, url)
	release, lost, held, err := first.HoldLocation(t.Context(), models.LocationID)
	if err != nil || !held {
		t.Fatalf("got held %t, error %v", held, err)
	}
	defer release()
	holder := func() (pid int) {
		if err := db.QueryRowContext(t.Context(), "SELECT coalesce(max(l.pid), 0) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		return pid
	}
	end := func(pid int) {
		if _, err := db.ExecContext(t.Context(), "SELECT pg_terminate_backend($1)", pid); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(30 * time.Second)
	was := holder()
	end(was)
	for now := holder(); now == 0 || now == was; now = holder() {
		if time.Now().After(deadline) {
			t.Fatal("nobody holds the location again")
		}
	}
	select {
	case <-lost:
		t.Fatal("the holder was told that it lost what it holds")
	default:
	}
	end(holder())
	for {
		theirs, _, held, err := second.HoldLocation(t.Context(), models.LocationID)
		if err != nil {
			t.Fatal(err)
		}
		if held {
			defer theirs()
			break
		}
	}
	select {
	case <-lost:
	case <-time.After(30 * time.Second):
		t.Error("the first was not told that the second holds the location")
	}
}

// TestDatabaseFileIsItsOwnersAlone: it holds hashes of passwords and tokens.
func TestDatabaseFileIsItsOwnersAlone(t *testing.T) {
	path := t.TempDir() + "/new.db"
	modelstest.Open(t, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("got mode %o, want 600", mode)
	}
}

// TestLockThatCanNotBeOpened is an error, not somebody else's hold: standing by for nobody would end all probing.
func TestLockThatCanNotBeOpened(t *testing.T) {
	path := modelstest.SQLite(t)
	s := modelstest.Open(t, path)
	if err := os.Mkdir(path+".prober", 0o700); err != nil { // a directory can not be opened as a file, not even by root
		t.Fatal(err)
	}
	if _, _, held, err := s.HoldLocation(t.Context(), models.LocationID); held || err == nil {
		t.Errorf("got held %t, error %v, want an error", held, err)
	}
}
