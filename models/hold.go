package models

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/uptrace/bun"
)

// holdCheck is how often it is looked whether the connection that holds a location still lives.
const holdCheck = 2 * time.Second

// HoldLocation takes the right to probe for the location. On Postgres it is an advisory lock on a connection of its own,
// so that of several instances one probes. Where that connection breaks, the lock is taken again on another; lost is closed
// when somebody else has it then. While the database is away the right stays: nobody can take it, and a prober that stops
// measuring because it can not store would be blind for nothing. lost is nil on SQLite, where a lock on a file beside the
// database ends with the process. The holder calls release.
func (s *Store) HoldLocation(ctx context.Context, locationID int64) (release func(), lost <-chan struct{}, held bool, err error) {
	if !s.postgres() {
		return s.holdFile(ctx)
	}
	h := &hold{store: s, location: locationID}
	if held, err = h.take(ctx); err != nil || !held {
		return nil, nil, false, err
	}
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	broken, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		h.watch(watch, broken)
	}()
	return sync.OnceFunc(func() {
		stop()
		<-done
		ctx, cancel := context.WithTimeout(context.Background(), holdCheck)
		defer cancel()
		h.release(ctx)
	}), broken, true, nil
}

// hold is a location's lock on Postgres and the connection that has it. One goroutine at a time uses it.
type hold struct {
	store    *Store
	location int64
	conn     *bun.Conn // nil while there is none
	// session names the connection that had the lock last, to the server.
	session string
}

// take takes the lock on a new connection; held is false where somebody else has it.
func (h *hold) take(ctx context.Context) (held bool, err error) {
	conn, err := h.store.db.Conn(ctx)
	if err != nil {
		return false, fmt.Errorf("taking a connection: %w", err)
	}
	var session string
	err = conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock(?, ?), a.pid || ' ' || a.backend_start FROM pg_stat_activity AS a WHERE a.pid = pg_backend_pid()`,
		migrateLock, h.location).Scan(&held, &session)
	if err != nil || !held {
		return false, errors.Join(err, conn.Close())
	}
	h.conn, h.session = &conn, session
	return true, nil
}

// watch looks whether the connection still lives and replaces it where it does not. It closes broken when somebody else has
// the lock then.
func (h *hold) watch(ctx context.Context, broken chan<- struct{}) {
	tick := time.NewTicker(holdCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if h.alive(ctx) {
			continue
		}
		h.discard()
		try, cancel := context.WithTimeout(ctx, holdCheck)
		held, err := h.take(try)
		if err == nil && !held && !h.endOld(try) {
			cancel()
			close(broken)
			return
		}
		cancel()
	}
}

func (h *hold) alive(ctx context.Context) bool {
	if h.conn == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, holdCheck)
	defer cancel()
	_, err := h.conn.ExecContext(ctx, "SELECT 1")
	return err == nil
}

// endOld ends our own earlier connection where the server has not noticed its end and still keeps the lock for it. It is true
// where that was so, or can not be told.
func (h *hold) endOld(ctx context.Context) bool {
	var ended int
	err := h.store.db.NewRaw(`SELECT count(pg_terminate_backend(a.pid)) FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.classid = ? AND l.objid = ? AND l.objsubid = 2 AND l.granted AND a.pid || ' ' || a.backend_start = ?`,
		migrateLock, h.location, h.session).Scan(ctx, &ended)
	return err != nil || ended > 0
}

// discard closes the connection for good: the pool must not give it, and the lock with it, to somebody else.
func (h *hold) discard() {
	if h.conn == nil {
		return
	}
	_ = h.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = h.conn.Close() // it says that it is closed
	h.conn = nil
}

func (h *hold) release(ctx context.Context) {
	if h.conn != nil {
		_, _ = h.conn.ExecContext(ctx, "SELECT pg_advisory_unlock_all()") // the server may take a moment to see the connection's end
		h.discard()
	}
}

// holdFile is HoldLocation on SQLite: a transaction on a file of its own that stays open. It works on every system, and a
// killed process leaves no lock behind.
func (s *Store) holdFile(ctx context.Context) (release func(), lost <-chan struct{}, held bool, err error) {
	file, err := sql.Open("sqlite", liteFile(s.url+".prober")+"?_pragma=busy_timeout(0)&_txlock=exclusive")
	if err != nil {
		return nil, nil, false, fmt.Errorf("opening the prober's lock: %w", err)
	}
	tx, err := file.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		err = errors.Join(err, file.Close())
		if IsLocked(err) { // somebody else holds it
			return nil, nil, false, nil
		}
		return nil, nil, false, fmt.Errorf("taking the prober's lock: %w", err)
	}
	return sync.OnceFunc(func() {
		_ = tx.Rollback()
		_ = file.Close()
	}), nil, true, nil
}
