package probe

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"echolot/models"
)

func open(t *testing.T, dir string) *spool {
	t.Helper()
	s, err := openSpool(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.close() }) // some tests have closed it
	return s
}

// fill appends results whose slots are first to last.
func fill(t *testing.T, s *spool, first, last int64) {
	t.Helper()
	var results []models.Result
	for slot := first; slot <= last; slot++ {
		results = append(results, found(slot, models.OutcomeSuccess))
	}
	if err := s.append(results); err != nil {
		t.Fatal(err)
	}
}

// drain takes everything out, in steps, and returns the slots.
func drain(t *testing.T, s *spool, step int) (slots []int64) {
	t.Helper()
	for {
		results, err := s.next(step)
		if err != nil {
			t.Fatal(err)
		}
		if len(results) == 0 {
			return slots
		}
		for _, r := range results {
			slots = append(slots, r.Slot)
		}
		if err := s.forget(); err != nil {
			t.Fatal(err)
		}
	}
}

func wantSlots(t *testing.T, got []int64, first, last int64) {
	t.Helper()
	if int64(len(got)) != last-first+1 {
		t.Fatalf("got %d results, want %d", len(got), last-first+1)
	}
	for i, slot := range got {
		if slot != first+int64(i) {
			t.Fatalf("result %d: got slot %d, want %d", i, slot, first+int64(i))
		}
	}
}

// files are the spool's own, without the lock.
func files(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.spool"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestSpoolKeepsOrderAndForgetsOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, dir)
	s.fileLimit = 2000 // a few dozen results
	if results, err := s.next(10); err != nil || len(results) != 0 {
		t.Fatalf("an empty spool: got %d results and error %v", len(results), err)
	}
	for first := int64(1); first <= 1000; first += 20 {
		fill(t, s, first, first+19)
	}
	if n := len(files(t, dir)); n < 10 {
		t.Errorf("got %d files, want several", n)
	}
	info, err := os.Stat(files(t, dir)[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v and error %v, want a file for its owner alone", info.Mode(), err)
	}
	// What was not forgotten comes again.
	for range 2 {
		results, err := s.next(7)
		if err != nil || len(results) != 7 || results[0].Slot != 1 {
			t.Fatalf("got %d results and error %v, want the first 7", len(results), err)
		}
	}
	if s.waiting() != 1000 || !s.oldestLeft.Equal(found(1, models.OutcomeSuccess).StartedAt()) {
		t.Errorf("got %d waiting, the oldest from %s", s.waiting(), s.oldestLeft)
	}
	wantSlots(t, drain(t, s, 7), 1, 1000)
	if s.waiting() != 0 || s.bytes() != 0 || s.lost != 0 || len(files(t, dir)) != 0 {
		t.Errorf("after all: got %d waiting, %d bytes, %d lost, files %q", s.waiting(), s.bytes(), s.lost, files(t, dir))
	}
	fill(t, s, 1, 3)
	wantSlots(t, drain(t, s, 100), 1, 3)
}

func TestSpoolAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s, 1, 100)
	if _, err := openSpool(dir); !errors.Is(err, errSpoolTaken) {
		t.Errorf("a second one at once: got error %v, want that it is taken", err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if s.waiting() != 100 || s.oldestLeft.IsZero() {
		t.Errorf("got %d waiting, the oldest from %s, want 100", s.waiting(), s.oldestLeft)
	}
	fill(t, s, 101, 150)
	wantSlots(t, drain(t, s, 1000), 1, 150)
}

// A file that ends in the middle of a result, as after a power cut, gives all results before; what is appended later follows.
func TestSpoolWithATornEnd(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s, 1, 2)
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	path := files(t, dir)[0]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range whole {
		for _, tail := range [][]byte{nil, make([]byte, 50)} { // a file system may also leave zeros
			if err := os.WriteFile(path, append(bytes.Clone(whole[:cut]), tail...), 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, dir)
			want := int64(2 * cut / len(whole))
			fill(t, s, want+1, want+2)
			wantSlots(t, drain(t, s, 10), 1, want+2)
			if err := s.close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Whatever bit flips, the other results come, and none that was not put in.
func TestSpoolWithAFlippedBit(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s, 1, 3)
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	path := files(t, dir)[0]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(whole) {
		damaged := bytes.Clone(whole)
		damaged[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir)
		got := drain(t, s, 10)
		hit := int64(3*(bit/8)/len(whole)) + 1
		for _, slot := range got {
			if slot < 1 || slot > 3 || slot == hit {
				t.Fatalf("bit %d, in result %d: got slot %d", bit, hit, slot)
			}
		}
		if len(got) != 2 {
			t.Fatalf("bit %d: got %d results, want the other 2", bit, len(got))
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Damage while the spool is open costs what it hit and no more.
func TestSpoolDamagedUnderway(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s, 1, 10)
	if err := os.Truncate(files(t, dir)[0], s.files[0].size-5); err != nil {
		t.Fatal(err)
	}
	wantSlots(t, drain(t, s, 4), 1, 9)
	if s.lost != 1 || s.waiting() != 0 {
		t.Errorf("got %d lost and %d waiting, want 1 and none", s.lost, s.waiting())
	}
}

func TestSpoolIsBounded(t *testing.T) {
	s := open(t, t.TempDir())
	s.fileLimit, s.limit = 2000, 20_000
	for first := int64(1); first <= 2000; first += 10 {
		fill(t, s, first, first+9)
	}
	if s.bytes() > 20_000 || s.lost == 0 || s.lost+s.waiting() != 2000 {
		t.Errorf("got %d bytes, %d lost and %d waiting", s.bytes(), s.lost, s.waiting())
	}
	wantSlots(t, drain(t, s, 100), int64(s.lost)+1, 2000)
}

// BenchmarkSpool tells how fast results go to the spool, with their fsyncs, and come back.
func BenchmarkSpool(b *testing.B) {
	s, err := openSpool(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.close() }()
	batch := make([]models.Result, spillBatch)
	for i := range batch {
		batch[i] = found(int64(i), models.OutcomeSuccess)
	}
	var out, in time.Duration
	for b.Loop() {
		began := time.Now()
		if err := s.append(batch); err != nil {
			b.Fatal(err)
		}
		out += time.Since(began)
		began = time.Now()
		for s.waiting() > 0 {
			if _, err := s.next(largestBatch); err != nil {
				b.Fatal(err)
			}
			if err := s.forget(); err != nil {
				b.Fatal(err)
			}
		}
		in += time.Since(began)
	}
	n := float64(b.N * spillBatch)
	b.ReportMetric(n/out.Seconds(), "spooled/s")
	b.ReportMetric(n/in.Seconds(), "replayed/s")
}
