package models_test

import (
	"os"
	"testing"

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
