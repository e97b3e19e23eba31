package models

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/uptrace/bun"
)

// On Postgres the results of each UTC day are a partition of their own, named by the day: results_20260131.
const (
	dayMillis = 24 * 60 * 60 * 1000
	// daysAhead are made before they begin. One that is missing is made when its first result comes, which makes that batch
	// wait for it; a DEFAULT partition would spare that wait, but each new day would be looked for in it under a lock that
	// holds off everybody.
	daysAhead = 3
	// dayLock is the key of the Postgres advisory lock that whoever makes a day takes.
	dayLock = 0x6563686f + 1
)

// knownDays are the partitions that were there when somebody looked, as days since 1970.
type knownDays struct {
	mu   sync.Mutex
	days map[int64]bool
}

func (k *knownDays) has(day int64) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.days[day]
}

func (k *knownDays) add(day int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.days == nil {
		k.days = map[int64]bool{}
	}
	k.days[day] = true
}

func (k *knownDays) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.days = nil
}

// dayOf is the day of a slot, counted from 1970.
func dayOf(slot int64) int64 {
	day := slot / dayMillis
	if slot%dayMillis < 0 {
		day--
	}
	return day
}

// PrepareDays makes the partitions of today and of the next days; on SQLite there are none. It is called every hour.
func (s *Store) PrepareDays(ctx context.Context) error {
	if !s.postgres() {
		return nil
	}
	today := dayOf(s.clock().UnixMilli())
	for day := today; day <= today+daysAhead; day++ {
		if err := s.makeDay(ctx, day); err != nil {
			return err
		}
	}
	return nil
}

// makeDays makes the partitions that the results need and that are not known to be there.
func (s *Store) makeDays(ctx context.Context, results []Result) error {
	last := int64(-1)
	for _, r := range results {
		day := dayOf(r.Slot)
		if day == last || s.days.has(day) {
			last = day
			continue
		}
		if err := s.makeDay(ctx, day); err != nil {
			return err
		}
		last = day
	}
	return nil
}

// makeDay makes a day's partition where it is missing. Attaching a table that is made before takes a lock that lets others read
// and write results meanwhile; CREATE TABLE … PARTITION OF would hold them off.
func (s *Store) makeDay(ctx context.Context, day int64) error {
	name := "results_" + time.UnixMilli(day*dayMillis).UTC().Format("20060102")
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?)", dayLock); err != nil {
			return err
		}
		var there bool
		if err := tx.QueryRowContext(ctx, "SELECT to_regclass(?) IS NOT NULL", name).Scan(&there); err != nil || there {
			return err
		}
		if _, err := tx.ExecContext(ctx, "CREATE TABLE ? (LIKE results INCLUDING DEFAULTS INCLUDING CONSTRAINTS)", bun.Ident(name)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "ALTER TABLE results ATTACH PARTITION ? FOR VALUES FROM (?) TO (?)", bun.Ident(name), day*dayMillis, (day+1)*dayMillis)
		return err
	})
	if err != nil {
		return fmt.Errorf("making the day %s: %w", name, err)
	}
	s.days.add(day)
	return nil
}
