package models

import (
	"context"
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
// on SQLite, which has one instance. The holder calls release.
func (s *Store) HoldLocation(ctx context.Context, locationID int64) (release func(), lost <-chan struct{}, held bool, err error) {
	if !s.postgres() {
		return func() {}, nil, true, nil
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
