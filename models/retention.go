package models

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/driver/pgdriver"
)

// Retention is how much of the raw results is kept: what goes first by either bound. Roll-ups are kept by their own age.
type Retention struct {
	// Raw is how long results are kept.
	Raw time.Duration
	// RawBytes is about how much they may take in the database; 0 = as much as there is.
	RawBytes int64
}

// sweptMonitors is how many monitors are looked at for old rows at a time.
const sweptMonitors = 200

// SweepResults deletes one step of results that are too old and rolled up. It goes through the monitors by their ids from after on
// and returns where the next step goes on; more is false after the last. On SQLite a step is a transaction of at most sweepStep rows; on
// Postgres it drops the partitions of all such days, which touches no row, and there is no next step.
func (s *Store) SweepResults(ctx context.Context, keep Retention, after int64) (next int64, more bool, err error) {
	if s.postgres() {
		return 0, false, s.dropDays(ctx, keep)
	}
	cut := s.clock().Add(-keep.Raw)
	if keep.RawBytes > 0 {
		rate, err := s.rawRate(ctx)
		if err != nil {
			return after, false, err
		}
		if rate > 0 {
			cut = later(cut, s.clock().Add(-time.Duration(float64(keep.RawBytes)/rate*float64(time.Second))))
		}
	}
	var list []struct{ ID, Until, Oldest int64 }
	// A result speaks for one and a half intervals, so the last one before what is not rolled up stays.
	err = s.ro.NewSelect().TableExpr("monitor_states AS s").Join("JOIN monitors AS m ON m.id = s.monitor_id").
		ColumnExpr("m.id, min(s.rolled_until - m.interval_seconds * 1500, ?) AS until", cut.UnixMilli()).
		ColumnExpr("coalesce((SELECT min(r.slot) FROM results AS r WHERE r.monitor_id = m.id), 1 << 62) AS oldest").
		Where("m.id > ?", after).OrderExpr("m.id").Limit(sweptMonitors).Scan(ctx, &list)
	if err != nil {
		return after, false, fmt.Errorf("reading what is too old: %w", err)
	}
	if more = len(list) == sweptMonitors; more {
		next = list[len(list)-1].ID
	}
	list = slices.DeleteFunc(list, func(m struct{ ID, Until, Oldest int64 }) bool { return m.Oldest >= m.Until })
	if len(list) == 0 {
		return next, more, nil
	}
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		left := int64(sweepStep)
		for _, m := range list {
			result, err := tx.ExecContext(ctx, `DELETE FROM results WHERE monitor_id = ? AND slot <
				coalesce((SELECT slot FROM results WHERE monitor_id = ? AND slot < ? ORDER BY slot LIMIT 1 OFFSET ?), ?)`, m.ID, m.ID, m.Until, left, m.Until)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			if left -= n; left <= 0 {
				next, more = m.ID-1, true // it may have more
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return after, false, fmt.Errorf("deleting old results: %w", err)
	}
	return next, more, nil
}

const (
	// rawRow and rawPacket are about what a result takes on SQLite, and each of its packets; see BenchmarkRawBytes.
	rawRow    = 36
	rawPacket = 2.5
)

// rawRate is about how many bytes of results a second are stored.
func (s *Store) rawRate(ctx context.Context) (rate float64, err error) {
	err = s.ro.NewSelect().TableExpr("monitors").ColumnExpr("coalesce(sum((? + ? * json_extract(config, '$.count')) / interval_seconds), 0)", rawRow, rawPacket).
		Where("status <> ?", StatusDisabled).Scan(ctx, &rate)
	if err != nil {
		return 0, fmt.Errorf("reading the monitors' rate: %w", err)
	}
	return rate, nil
}

// dropTime is how long others wait at most for a day that is dropped: whoever reads or writes results queues behind the lock that
// the drop waits for.
const dropTime = 200 * time.Millisecond

// dropDays drops the days of results that are too old, or too much, and rolled up, oldest first.
func (s *Store) dropDays(ctx context.Context, keep Retention) error {
	var days []struct {
		Name  string
		Bytes int64
	}
	if err := s.ro.NewRaw(`SELECT c.relname AS name, pg_total_relation_size(c.oid) AS bytes FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'results'::regclass ORDER BY c.relname`).Scan(ctx, &days); err != nil {
		return fmt.Errorf("reading the days of results: %w", err)
	}
	var rolled int64
	if err := s.ro.NewSelect().TableExpr("monitor_states AS s").Join("JOIN monitors AS m ON m.id = s.monitor_id").
		ColumnExpr("coalesce(min(s.rolled_until - m.interval_seconds * 1500), 0)").Where("s.location_id = ?", LocationID).Scan(ctx, &rolled); err != nil {
		return fmt.Errorf("reading what is rolled up: %w", err)
	}
	var all int64
	for _, d := range days {
		all += d.Bytes
	}
	cut := s.clock().Add(-keep.Raw).UnixMilli()
	today := floorTo(s.clock().UnixMilli(), dayMillis)
	for _, d := range days {
		at, err := time.Parse("results_20060102", d.Name)
		if err != nil {
			continue // none of ours
		}
		end := at.UnixMilli() + dayMillis
		tooMuch := keep.RawBytes > 0 && all > keep.RawBytes && end <= today
		if end > cut && !tooMuch || end > rolled {
			return nil
		}
		if err := s.dropDay(ctx, d.Name); err != nil {
			return err
		}
		all -= d.Bytes
	}
	return nil
}

// dropDay drops a day. One that somebody reads for longer stays until the next time.
func (s *Store) dropDay(ctx context.Context, name string) error {
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", dropTime.Milliseconds())); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DROP TABLE IF EXISTS ?", bun.Ident(name))
		return err
	})
	s.days.forget()
	var pg pgdriver.Error
	if errors.As(err, &pg) && pg.Field('C') == "55P03" { // lock_not_available
		return nil
	}
	if err != nil {
		return fmt.Errorf("dropping the day %s: %w", name, err)
	}
	return nil
}

// SweepRollUps deletes one step of roll-ups that are too old; see SweepResults for after, next and more.
func (s *Store) SweepRollUps(ctx context.Context, after int64) (next int64, more bool, err error) {
	var ids []int64
	if err := s.ro.NewSelect().TableExpr("monitors").Column("id").Where("id > ?", after).OrderExpr("id").Limit(sweptMonitors).Scan(ctx, &ids); err != nil {
		return after, false, fmt.Errorf("reading monitors: %w", err)
	}
	if more = len(ids) == sweptMonitors; more {
		next = ids[len(ids)-1]
	}
	now := s.clock().UnixMilli()
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, id := range ids {
			// The two ranges are all that the statement asks, so that OR lets nothing past; one statement a monitor keeps each to
			// its own keys, which both databases find by the primary key.
			_, err := tx.NewDelete().TableExpr("rollups").
				Where("id BETWEEN ? AND ?", packID(id, level5m, LocationID, 0), packID(id, level5m, LocationID, now-keep5m*dayMillis)-1).
				WhereOr("id BETWEEN ? AND ?", packID(id, level1h, LocationID, 0), packID(id, level1h, LocationID, now-keep1h*dayMillis)-1).Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return after, false, fmt.Errorf("deleting old roll-ups: %w", err)
	}
	return next, more, nil
}

const (
	// spareShare of SQLite's pages stay free for what comes: to give all back and take them again next hour would be work for nothing.
	spareShare = 20
	sparePages = 1000
	// givenPages is how many are given back at a time.
	givenPages = 250
)

// GiveBack gives one step of SQLite's free space back to the system; more is true where there is more. On Postgres a dropped
// day's space is back at once.
func (s *Store) GiveBack(ctx context.Context) (more bool, err error) {
	if s.postgres() {
		return false, nil
	}
	var pages, free int
	if err := s.ro.NewRaw("SELECT page_count, freelist_count FROM pragma_page_count(), pragma_freelist_count()").Scan(ctx, &pages, &free); err != nil {
		return false, fmt.Errorf("reading how much is free: %w", err)
	}
	if free < sparePages || free < pages/spareShare || !s.givesBack(ctx) {
		return false, nil
	}
	if _, err := s.db.ExecContext(ctx, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", givenPages)); err != nil {
		return false, fmt.Errorf("giving space back: %w", err)
	}
	return true, nil
}

// givesBack tells whether the SQLite file was made so that space can be given back.
func (s *Store) givesBack(ctx context.Context) bool {
	var mode int
	const incremental = 2
	return s.ro.NewRaw("PRAGMA auto_vacuum").Scan(ctx, &mode) == nil && mode == incremental
}

// KeepsSpace tells whether the database can give no space of deleted results back to the system: it is a SQLite file of a program
// of before that is too large to be made anew at the start. "VACUUM" after "PRAGMA auto_vacuum = incremental" mends it.
func (s *Store) KeepsSpace(ctx context.Context) bool { return !s.postgres() && !s.givesBack(ctx) }

// cheapVacuum is how large a SQLite file may be, in bytes, that is made anew at the start so that it can give space back: it takes
// a second or two.
const cheapVacuum = 64 << 20

// letGiveBack makes a file of a program of before such that it can give space back.
func (s *Store) letGiveBack(ctx context.Context) error {
	if s.postgres() || s.givesBack(ctx) {
		return nil
	}
	var bytes int64
	if err := s.db.NewRaw("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()").Scan(ctx, &bytes); err != nil {
		return err
	}
	if bytes > cheapVacuum {
		return nil
	}
	// The writer has one connection, so that both are for it. Who is not alone on the file does it next time.
	if _, err := s.db.ExecContext(ctx, "PRAGMA auto_vacuum = incremental; VACUUM"); err != nil && !IsLocked(err) {
		return err
	}
	return nil
}
