package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"
)

// migrateLock is the key of the Postgres advisory lock that migrations take.
const migrateLock = 0x6563686f

// errMigratedElsewhere says that another process applied the migration while this one waited for the lock.
var errMigratedElsewhere = errors.New("already migrated")

// Migrate brings the schema up to this program's and makes sure that the location exists. Two programs may start at
// once, and one may be killed in the middle: a migration and the note that it was applied commit together.
func (s *Store) Migrate(ctx context.Context) error {
	m, done, err := s.migrator()
	if err != nil {
		return err
	}
	defer done()
	if err := initMigrator(ctx, m); err != nil {
		return err
	}
	for {
		if err := refuseNewer(ctx, m); err != nil {
			return err
		}
		_, err := m.Migrate(ctx)
		if errors.Is(err, errMigratedElsewhere) {
			continue
		}
		if err != nil {
			return fmt.Errorf("migrating: %w", err)
		}
		if err := s.letGiveBack(ctx); err != nil {
			return fmt.Errorf("preparing the file: %w", err)
		}
		return s.ensureLocation(ctx)
	}
}

// MigrateDown takes the last group of migrations back. It is for tests and for emergencies.
func (s *Store) MigrateDown(ctx context.Context) error {
	m, done, err := s.migrator()
	if err != nil {
		return err
	}
	defer done()
	_, err = m.Rollback(ctx)
	return err
}

// migrator uses a connection of its own on Postgres, without the limit on a statement's time: migrations may be long.
func (s *Store) migrator() (*migrate.Migrator, func(), error) {
	db, done := s.db, func() {}
	dir := "sqlite"
	if s.postgres() {
		dir = "postgres"
		unlimited, err := openPostgres(s.url, 0)
		if err != nil {
			return nil, nil, err
		}
		db, done = unlimited, func() { _ = unlimited.Close() }
	}
	sub, err := fs.Sub(s.migrations, dir)
	if err != nil {
		done()
		return nil, nil, err
	}
	all := migrate.NewMigrations()
	if err := all.Discover(sub); err != nil {
		done()
		return nil, nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return migrate.NewMigrator(db, all,
		migrate.WithMarkAppliedOnSuccess(true), migrate.WithUpsert(true),
		migrate.BeforeMigration(s.beginMigration), migrate.AfterMigration(s.noteMigration)), done, nil
}

// beginMigration runs inside the migration's transaction: one at a time, and only if nobody else was faster.
// On SQLite the transaction is immediate, which is the lock.
func (s *Store) beginMigration(ctx context.Context, tx bun.IConn, m *migrate.Migration) error {
	if m.IsApplied() { // on the way down
		return nil
	}
	if s.postgres() {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", migrateLock)); err != nil {
			return err
		}
	}
	rows, err := tx.QueryContext(ctx, "SELECT 1 FROM bun_migrations WHERE name = '"+m.Name+"'")
	if err != nil {
		return err
	}
	applied := rows.Next()
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	if applied {
		return errMigratedElsewhere
	}
	return nil
}

// noteMigration writes down, inside the migration's transaction, that it was applied. The migrator writes the same row
// again after the commit, which changes nothing; by itself it would leave a gap in which a kill forgets the migration.
func (s *Store) noteMigration(ctx context.Context, tx bun.IConn, m *migrate.Migration) error {
	if m.IsApplied() {
		return nil
	}
	_, err := tx.ExecContext(ctx, fmt.Sprintf("INSERT INTO bun_migrations (name, group_id, migrated_at) VALUES ('%s', %d, current_timestamp)", m.Name, m.GroupID))
	return err
}

// initMigrator makes the migrator's own tables. Two CREATE TABLE IF NOT EXISTS at once may collide on Postgres, so it is
// tried again.
func initMigrator(ctx context.Context, m *migrate.Migrator) error {
	var err error
	for range 5 {
		if err = m.Init(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("making the table of migrations: %w", err)
}

// refuseNewer stops an older program before it touches a newer schema.
func refuseNewer(ctx context.Context, m *migrate.Migrator) error {
	known, err := m.MigrationsWithStatus(ctx)
	if err != nil {
		return fmt.Errorf("reading what was migrated: %w", err)
	}
	applied, err := m.AppliedMigrations(ctx)
	if err != nil {
		return fmt.Errorf("reading what was migrated: %w", err)
	}
	names := make(map[string]bool, len(known))
	for _, k := range known {
		names[k.Name] = true
	}
	var unknown []string
	for _, a := range applied {
		if !names[a.Name] {
			unknown = append(unknown, a.Name)
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("the database was made by a newer Echolot (migrations %s): start that version, or restore a backup from before it", strings.Join(unknown, ", "))
	}
	return nil
}

// ensureLocation makes or renames the one location, whose id is LocationID. Starters take turns: ON CONFLICT looks at one
// unique column only, and of two that insert at once Postgres tells one that the other, the code, is there already.
func (s *Store) ensureLocation(ctx context.Context) error {
	l := Location{ID: LocationID, PublicID: newID(), Code: s.locationCode, Name: s.locationName, Country: s.locationCountry, CreatedAt: s.clock()}
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if s.postgres() {
			if _, err := tx.ExecContext(ctx, fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", migrateLock)); err != nil {
				return err
			}
		}
		_, err := tx.NewInsert().Model(&l).
			On("CONFLICT (id) DO UPDATE").
			Set("code = EXCLUDED.code").Set("name = EXCLUDED.name").Set("country = EXCLUDED.country").
			Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("writing the location: %w", err)
	}
	return nil
}

// newID is a new public id.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
