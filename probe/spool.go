package probe

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"echolot/models"
)

const (
	// spoolBytes bounds the spool: at 70 bytes a result, eight hours of 2,000 a second. Beyond, the oldest file is dropped.
	spoolBytes = 4 << 30
	// spoolFileBytes is where the next file begins. A file goes as a whole when all of it is stored, so it is also what is
	// offered again after a restart; the store knows what it has.
	spoolFileBytes = 16 << 20
	// recordHead is what stands before each result: its length and the CRC-32C of its bytes, 32 bits each, little endian.
	recordHead = 8
	// longestRecord tells a length from garbage: a result of 100 packets takes about 1,200 bytes.
	longestRecord = 16 << 10
)

// errSpoolTaken means that another process keeps its results in the same directory.
var errSpoolTaken = errors.New("another process uses the spool")

// spool keeps results in files, in order, while the database is away. They are read from the front, and forgotten when they
// are stored. One goroutine uses it; of several processes on one directory only one can open it.
//
// Every append ends with an fsync: what was appended outlives a power cut. A torn end is cut off, a damaged result is left out.
type spool struct {
	dir        string
	limit      int64 // bytes of all files
	fileLimit  int64
	lock       io.Closer
	files      []spoolFile // oldest first; the last is appended to
	out        *os.File    // the last file, once something was appended
	head       int64       // how much of the first file is stored
	read       int64       // and how much of it was read
	readCount  int
	unreadable int // of those read
	lost       int // results that went with a file dropped, or were damaged; whoever reads it sets it back
	oldestLeft time.Time
}

// spoolFile is one file. Its results are those not stored yet.
type spoolFile struct {
	number, size int64
	results      int
}

// openSpool takes the directory, makes it where it is missing, and finds what an earlier process left in it.
func openSpool(dir string) (*spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := lockSpool(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	s := &spool{dir: dir, limit: spoolBytes, fileLimit: spoolFileBytes, lock: lock}
	if err := s.find(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// find looks for files, counts what is in them and cuts off what was not written to its end.
func (s *spool) find() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		var f spoolFile
		if _, err := fmt.Sscanf(e.Name(), "results-%d.spool", &f.number); err != nil || !strings.HasSuffix(e.Name(), ".spool") {
			continue
		}
		err := s.scan(f.number, 0, func(result []byte, end int64) bool {
			f.size = end
			f.results++
			s.noteOldest(result)
			return true
		})
		if err != nil {
			return err
		}
		if f.results == 0 {
			if err := os.Remove(s.path(f.number)); err != nil {
				return err
			}
			continue
		}
		if err := os.Truncate(s.path(f.number), f.size); err != nil {
			return err
		}
		s.files = append(s.files, f)
	}
	slices.SortFunc(s.files, func(a, b spoolFile) int { return cmp.Compare(a.number, b.number) })
	return nil
}

func (s *spool) path(number int64) string {
	return filepath.Join(s.dir, fmt.Sprintf("results-%012d.spool", number))
}

// scan calls f with each whole result of the file that begins at or after from, and with where it ends, until f is false.
// Where bytes make no sense it looks on, one by one, for the next that do.
func (s *spool) scan(number, from int64, f func(result []byte, end int64) bool) error {
	file, err := os.Open(s.path(number))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return err
	}
	in := bufio.NewReaderSize(file, 4*longestRecord)
	for at := from; ; {
		head, err := in.Peek(recordHead)
		if len(head) < recordHead {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return err
		}
		step := 1
		if length := int(binary.LittleEndian.Uint32(head)); length > 0 && length <= longestRecord {
			sum := binary.LittleEndian.Uint32(head[4:])
			record, err := in.Peek(recordHead + length)
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			if len(record) == recordHead+length && checksum(record[recordHead:]) == sum {
				step = len(record)
				if !f(record[recordHead:], at+int64(step)) {
					return nil
				}
			}
		}
		if _, err := in.Discard(step); err != nil {
			return err
		}
		at += int64(step)
	}
}

// checksum is the CRC-32C of a record. hash/crc32 makes its table once.
func checksum(record []byte) uint32 {
	return crc32.Checksum(record, crc32.MakeTable(crc32.Castagnoli))
}

func (s *spool) noteOldest(record []byte) {
	var r models.Result
	if s.oldestLeft.IsZero() && r.UnmarshalBinary(record) == nil {
		s.oldestLeft = r.StartedAt()
	}
}

// waiting is how many results are in the spool.
func (s *spool) waiting() (n int) {
	for _, f := range s.files {
		n += f.results
	}
	return n
}

// bytes is how much of the disk the spool takes.
func (s *spool) bytes() (n int64) {
	for _, f := range s.files {
		n += f.size
	}
	return n
}

// append adds the results at the end, all or none. The oldest are dropped where there is no more room.
func (s *spool) append(results []models.Result) error {
	var b []byte
	for _, r := range results {
		start := len(b)
		b = append(b, make([]byte, recordHead)...)
		b, _ = r.AppendBinary(b) // its error is always nil
		body := b[start+recordHead:]
		binary.LittleEndian.PutUint32(b[start:], uint32(len(body)))
		binary.LittleEndian.PutUint32(b[start+4:], checksum(body))
	}
	for len(s.files) > 1 && s.bytes()+int64(len(b)) > s.limit {
		s.lost += s.files[0].results
		if err := s.removeFirst(); err != nil {
			return err
		}
	}
	if err := s.openOut(); err != nil {
		return err
	}
	last := &s.files[len(s.files)-1]
	_, err := s.out.WriteAt(b, last.size)
	if err == nil {
		err = s.out.Sync()
	}
	if err != nil {
		return errors.Join(err, s.out.Truncate(last.size))
	}
	if s.oldestLeft.IsZero() {
		s.oldestLeft = results[0].StartedAt()
	}
	last.size += int64(len(b))
	last.results += len(results)
	return nil
}

// openOut sees to it that the last file is open and not full.
func (s *spool) openOut() error {
	n := len(s.files)
	if s.out != nil && s.files[n-1].size < s.fileLimit {
		return nil
	}
	if s.out != nil {
		if err := s.out.Close(); err != nil {
			return err
		}
		s.out = nil
	}
	number := int64(1)
	if n > 0 {
		number = s.files[n-1].number + 1
	}
	out, err := os.OpenFile(s.path(number), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	// The name must outlive a power cut as well.
	if dir, err := os.Open(s.dir); err == nil {
		_ = dir.Sync() // not every file system can
		_ = dir.Close()
	}
	s.out, s.files = out, append(s.files, spoolFile{number: number})
	return nil
}

// next returns up to limit of the oldest results; fewer do not mean that there are no more. They stay until forget.
func (s *spool) next(limit int) (results []models.Result, err error) {
	for len(s.files) > 0 && len(results) == 0 {
		s.read, s.readCount, s.unreadable = s.head, 0, 0
		err := s.scan(s.files[0].number, s.head, func(record []byte, end int64) bool {
			if len(results) == limit || end > s.files[0].size {
				return false
			}
			s.read = end
			s.readCount++
			var r models.Result
			if r.UnmarshalBinary(record) == nil {
				results = append(results, r)
			} else {
				s.unreadable++
			}
			return true
		})
		if err != nil {
			return nil, err
		}
		if len(results) == 0 { // nothing readable is left in this file
			s.lost += s.files[0].results
			if err := s.removeFirst(); err != nil {
				return nil, err
			}
		}
	}
	if len(results) > 0 {
		s.oldestLeft = results[0].StartedAt()
	}
	return results, nil
}

// forget lets go what next returned last: it is stored, or not worth keeping.
func (s *spool) forget() error {
	if len(s.files) == 0 {
		return nil
	}
	s.head, s.files[0].results = s.read, s.files[0].results-s.readCount
	s.lost += s.unreadable
	s.readCount, s.unreadable = 0, 0
	if s.head < s.files[0].size && s.files[0].results > 0 {
		return nil
	}
	s.lost += max(s.files[0].results, 0)
	return s.removeFirst()
}

// removeFirst deletes the oldest file.
func (s *spool) removeFirst() error {
	var err error
	if len(s.files) == 1 && s.out != nil {
		err = s.out.Close()
		s.out = nil
	}
	err = errors.Join(err, os.Remove(s.path(s.files[0].number)))
	s.files = s.files[1:]
	s.head, s.read, s.readCount, s.unreadable, s.oldestLeft = 0, 0, 0, 0, time.Time{}
	return err
}

// close lets the directory go; what is in it stays for the next process.
func (s *spool) close() error {
	var err error
	if s.out != nil {
		err = s.out.Close()
	}
	return errors.Join(err, s.lock.Close())
}
