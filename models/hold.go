package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/uptrace/bun"
)

// holdCheck is how often it is looked whether the connection that holds a location still lives.
const holdCheck = 2 * time.Second

// HoldLocation takes the right to probe for the location. On Postgres it is an advisory lock on a connection of its own,
// so that of several instances one probes. lost is closed when that connection breaks, and with it the right; it is nil
// on SQLite, where a lock on a file beside the database ends with the process. The holder calls release.
func (s *Store) HoldLocation(ctx context.Context, locationID int64) (release func(), lost <-chan struct{}, held bool, err error) {
	if !s.postgres() {
		return s.holdFile(ctx)
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, nil, false, fmt.Errorf("taking a connection: %w", err)
	}
	if err := conn.NewSelect().ColumnExpr("pg_try_advisory_lock(?, ?)", migrateLock, locationID).Scan(ctx, &held); err != nil || !held {
		return nil, nil, false, errors.Join(err, conn.Close())
	}
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	broken, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		watchHold(watch, conn, broken)
	}()
	return sync.OnceFunc(func() {
		stop()
		<-done
		ctx, cancel := context.WithTimeout(context.Background(), holdCheck)
		defer cancel()
		_, _ = conn.ExecContext(ctx, "SELECT pg_advisory_unlock_all()") // the pool would keep the connection, and it the lock
		_ = conn.Close()
	}), broken, true, nil
}

// watchHold closes broken when the connection no longer answers.
func watchHold(ctx context.Context, conn bun.Conn, broken chan<- struct{}) {
	tick := time.NewTicker(holdCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		ping, cancel := context.WithTimeout(ctx, 2*holdCheck)
		_, err := conn.ExecContext(ping, "SELECT 1")
		cancel()
		if err != nil && ctx.Err() == nil {
			close(broken)
			return
		}
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
		if isLocked(err) { // somebody else holds it
			return nil, nil, false, nil
		}
		return nil, nil, false, fmt.Errorf("taking the prober's lock: %w", err)
	}
	return sync.OnceFunc(func() {
		_ = tx.Rollback()
		_ = file.Close()
	}), nil, true, nil
}
