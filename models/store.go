// Package models holds tables, queries and rules together: what a monitor is, who may do what, what was measured.
package models

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"echolot/models/events"

	"github.com/alexedwards/argon2id"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/driver/pgdriver"
	"modernc.org/sqlite"
)

// Options is what a Store needs. URL is a postgres:// URL or the path of a SQLite file. Nil Bus, Log and Now get working
// defaults.
type Options struct {
	URL string
	// Migrations holds the SQL files in the directories sqlite and postgres; only Migrate needs it.
	Migrations fs.FS
	Bus        *events.Bus
	Policy     TargetPolicy
	// OwnHost is the host name of the program's own addresses, which no status page takes as its domain; empty = it has none.
	OwnHost string
	Log     *slog.Logger
	Now     func() time.Time
	// Passwords says how much work a new password's hash is; nil is what the program takes. Only tests make it less.
	Passwords *argon2id.Params
	// The one location that checks are made from.
	LocationName, LocationCode, LocationCountry string
}

// Store is the way to the database. Its methods are safe for concurrent use. Those with an Actor show and change only
// what the actor may; a method without one says Unscoped in its name, or serves the program itself.
type Store struct {
	db         *bun.DB // writes, and reads that belong to a write
	ro         *bun.DB // reads; the same as db on Postgres
	bus        *events.Bus
	policy     TargetPolicy
	ownHost    string // as parseDomain writes it
	log        *slog.Logger
	now        func() time.Time
	counts     countsCache
	passwords  *argon2id.Params
	hashes     chan struct{} // one token for each password hash being computed
	hashQueue  atomic.Int32  // how many wait for a token, or hold one
	signIns    keyedLocks
	configs    configCache
	queries    queryCount
	lite       liteStatements // the recorder's, on SQLite
	days       knownDays      // of results, on Postgres
	codec      packCodec      // of roll-ups
	pasts      statusPasts    // of status pages
	url        string
	migrations fs.FS

	locationName, locationCode, locationCountry string
}

// Open connects to the database without changing it; Migrate makes the schema. The caller closes the store.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{
		url: o.URL, migrations: o.Migrations, hashes: make(chan struct{}, maxHashes),
		bus: o.Bus, policy: o.Policy, log: o.Log, now: o.Now, passwords: o.Passwords,
		locationName: o.LocationName, locationCode: o.LocationCode, locationCountry: o.LocationCountry,
	}
	if own, err := parseDomain(o.OwnHost); err == nil { // what is no domain can not be taken
		s.ownHost = own
	}
	if s.bus == nil {
		s.bus = events.New()
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.passwords == nil {
		s.passwords = passwordParams()
	}
	if s.locationCode == "" {
		s.locationCode, s.locationName = "local", "Local"
	}
	var err error
	if isPostgresURL(o.URL) {
		s.db, err = openPostgres(o.URL, statementTime)
		s.ro = s.db
	} else {
		s.db, s.ro, err = openSQLite(o.URL)
	}
	if err != nil {
		return nil, err
	}
	one := s.db == s.ro
	s.db, s.ro = s.db.WithQueryHook(&s.queries), s.ro.WithQueryHook(&s.queries)
	if one {
		s.ro = s.db
	}
	if err := s.connect(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the database: %w", err), s.Close())
	}
	return s, nil
}

// connect makes the first connection. Two programs that open a new SQLite file at once both turn it to WAL, and for that
// one lock SQLite does not wait its busy_timeout: once in 75 times that three started, one was told "database is locked".
func (s *Store) connect(ctx context.Context) error {
	const sqliteBusy = 5
	for try := 1; ; try++ {
		err := s.db.PingContext(ctx)
		var lite *sqlite.Error
		if !errors.As(err, &lite) || lite.Code()&0xff != sqliteBusy || try == 50 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func isPostgresURL(u string) bool {
	return strings.HasPrefix(u, "postgres://") || strings.HasPrefix(u, "postgresql://")
}

// liteFile is the path as SQLite's driver takes it.
func liteFile(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// openSQLite opens the file for one writer and several readers. Both sides of that are measured: eight writing
// connections without _txlock=immediate lost a third of their transactions to "database is locked".
func openSQLite(path string) (rw, ro *bun.DB, err error) {
	if path == "" {
		return nil, nil, errors.New("the database's path is empty")
	}
	// Whoever may read the file may read password hashes: made here, it is its owner's alone, and so are its journals.
	vacuum := ""
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err == nil {
		if info, err := f.Stat(); err == nil && info.Size() == 0 {
			// It makes the file such that space can be given back, and must come before WAL. Of a file that is there it would
			// wait, at each connection, for the lock of whoever writes.
			vacuum = "&_pragma=auto_vacuum(incremental)"
		}
		_ = f.Close()
	}
	dsn := func(vacuum, mode string) string {
		// The log is cut to journal_size_limit once it was copied.
		return liteFile(path) + "?_pragma=busy_timeout(5000)" + vacuum + "&_pragma=journal_mode(WAL)&_pragma=journal_size_limit(67108864)" +
			"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_time_format=sqlite" + mode
	}
	open := func(dsn string, conns int) (*bun.DB, error) {
		db, err := sql.Open("sqlite", dsn)
		if err != nil {
			return nil, fmt.Errorf("opening %s: %w", path, err)
		}
		db.SetMaxOpenConns(conns)
		db.SetMaxIdleConns(conns)
		return bun.NewDB(db, sqlitedialect.New()), nil
	}
	if rw, err = open(dsn(vacuum, "&_txlock=immediate"), 1); err != nil {
		return nil, nil, err
	}
	if ro, err = open(dsn("", "&_pragma=query_only(1)"), 4); err != nil {
		return nil, nil, errors.Join(err, rw.Close())
	}
	return rw, ro, nil
}

// statementTime bounds one statement on Postgres, and a second more what is waited for its answer: without it a connection
// that is opened or ended on nobody's behalf would wait for a server that hangs.
const statementTime = 5 * time.Second

// openPostgres verifies the server's certificate and name unless the URL's sslmode says otherwise: the driver's own
// default verifies nothing. The server ends statements itself, because the driver only stops waiting for them.
func openPostgres(dsn string, limit time.Duration) (db *bun.DB, err error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, errors.New("ECHOLOT_DATABASE_URL is not a valid postgres:// URL") // err would show the password
	}
	if q := u.Query(); q.Get("sslmode") == "" {
		q.Set("sslmode", "verify-full")
		u.RawQuery = q.Encode()
	}
	// WithDSN panics where the URL makes no sense.
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, fmt.Errorf("ECHOLOT_DATABASE_URL: %v", p)
		}
	}()
	params := map[string]any{"timezone": "UTC"}
	read := time.Duration(0)
	if limit > 0 {
		params["statement_timeout"] = limit.Milliseconds()
		read = limit + time.Second
	}
	conn := sql.OpenDB(pgdriver.NewConnector(pgdriver.WithDSN(u.String()), pgdriver.WithReadTimeout(read), pgdriver.WithConnParams(params)))
	conn.SetMaxOpenConns(20)
	conn.SetMaxIdleConns(20)
	conn.SetConnMaxIdleTime(5 * time.Minute)
	return bun.NewDB(conn, pgdialect.New()), nil
}

// Close ends all connections.
func (s *Store) Close() error {
	err := s.lite.close()
	if s.ro != s.db && s.ro != nil {
		err = errors.Join(err, s.ro.Close())
	}
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
	}
	return err
}

// Ping returns nil where the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.ro.NewSelect().ColumnExpr("1").Scan(ctx, &one)
}

// Bus is where the store tells what it committed.
func (s *Store) Bus() *events.Bus { return s.bus }

// Policy tells which addresses may be pinged.
func (s *Store) Policy() TargetPolicy { return s.policy }

// Engine names the database: "SQLite" or "PostgreSQL".
func (s *Store) Engine() string {
	if s.postgres() {
		return "PostgreSQL"
	}
	return "SQLite"
}

func (s *Store) postgres() bool { return s.db.Dialect().Name() == dialect.PG }

// inTx runs f in a write transaction.
func (s *Store) inTx(ctx context.Context, f func(ctx context.Context, tx bun.Tx) error) error {
	if !s.postgres() {
		return s.db.RunInTx(ctx, nil, f)
	}
	return s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if err := f(ctx, tx); err != nil {
			return err
		}
		// database/sql commits without the deadline of ctx, and a commit is where a server that is ill makes wait. This one
		// heeds it; the other commits an empty transaction.
		if _, err := tx.ExecContext(ctx, "COMMIT AND CHAIN"); err != nil {
			return fmt.Errorf("committing: %w", err)
		}
		return nil
	})
}

// clock is the time as the database keeps it: UTC, microseconds.
func (s *Store) clock() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// isDuplicate tells whether the error is a unique or primary key violation, on either database.
func isDuplicate(err error) bool {
	var pg pgdriver.Error
	if errors.As(err, &pg) {
		return pg.Field('C') == "23505"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == 2067 || lite.Code() == 1555 // SQLITE_CONSTRAINT_UNIQUE, _PRIMARYKEY
	}
	return false
}

// isOrphan tells whether the error is a foreign key violation, on either database.
func isOrphan(err error) bool {
	var pg pgdriver.Error
	if errors.As(err, &pg) {
		return pg.Field('C') == "23503"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code() == 787 // SQLITE_CONSTRAINT_FOREIGNKEY
}

// IsLocked tells whether SQLite refused because somebody else holds the file.
func IsLocked(err error) bool {
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code()&0xff == 5 // SQLITE_BUSY
}

// IsUnavailable tells whether the error means that the database can not be used right now, rather than that a statement
// was wrong: connection trouble, a lock held too long, a timeout.
func IsUnavailable(err error) bool {
	var pg pgdriver.Error
	if errors.As(err, &pg) {
		code := pg.Field('C')
		switch code {
		case "57014", "25006", "40001", "40P01", "55P03": // cancelled, read-only, serialization failure, deadlock, lock not to be had
			return true
		}
		for _, class := range []string{"08", "53", "57P", "58", "XX"} { // connection, resources, shutdown, the server's system, its faults
			if strings.HasPrefix(code, class) {
				return true
			}
		}
		return false
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case 5, 6, 8, 9, 10, 13, 14: // BUSY, LOCKED, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN
			return true
		}
		return false
	}
	var network net.Error
	for _, gone := range []error{context.DeadlineExceeded, sql.ErrConnDone, driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return errors.As(err, &network)
}
