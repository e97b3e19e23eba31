package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// Heartbeat is what the prober of a location last said of itself.
type Heartbeat struct {
	bun.BaseModel `bun:"table:prober_heartbeats"`
	LocationID    int64 `bun:",pk"`
	SeenAt        time.Time
	// Engine names what sends: "echolot" or "pro-bing".
	Engine string
	// IPv4 and IPv6 are the socket mode in use, "datagram" or "raw", or empty where none may be opened.
	IPv4 string `bun:"ipv4"`
	IPv6 string `bun:"ipv6"`
	// Lateness is the longest that a check waited for room since the heartbeat before, or waits now.
	Lateness time.Duration `bun:"-"`
	// Monitors are scheduled, InFlight being checked, and Queue results wait to be stored.
	Monitors, InFlight, Queue int
	// Blind is true where the location can not measure at all: nobody may ping there, or its sentinels are silent, which
	// Figures.Blind tells.
	Blind bool
	// Hint says how to give the right to ping; empty where it is there.
	Hint string
	// Figures is what the prober says of its own work.
	Figures ProberFigures
}

// heartbeatRow is a Heartbeat as the table keeps it: durations in milliseconds.
type heartbeatRow struct {
	Heartbeat  `bun:",extend"`
	LatenessMs int64
}

// staleAfter is when a heartbeat no longer means that somebody probes.
const staleAfter = 20 * time.Second

// CanPing tells whether any socket could be opened.
func (h Heartbeat) CanPing() bool { return h.IPv4 != "" || h.IPv6 != "" }

// SaveHeartbeat replaces the location's heartbeat.
func (s *Store) SaveHeartbeat(ctx context.Context, h Heartbeat) error {
	h.SeenAt = s.clock()
	if h.LocationID == 0 {
		h.LocationID = LocationID
	}
	row := heartbeatRow{Heartbeat: h, LatenessMs: h.Lateness.Milliseconds()}
	q := s.db.NewInsert().Model(&row).On("CONFLICT (location_id) DO UPDATE")
	for _, column := range []string{"seen_at", "engine", "ipv4", "ipv6", "lateness_ms", "monitors", "in_flight", "queue", "blind", "hint", "figures"} {
		q = q.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
	}
	if _, err := q.Exec(ctx); err != nil {
		return fmt.Errorf("writing the heartbeat: %w", err)
	}
	return nil
}

// Heartbeat returns the location's last heartbeat; alive is false where there is none or it is too old.
func (s *Store) Heartbeat(ctx context.Context) (h Heartbeat, alive bool, err error) {
	var row heartbeatRow
	err = s.ro.NewSelect().Model(&row).Where("location_id = ?", LocationID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Heartbeat{}, false, nil
	}
	if err != nil {
		return Heartbeat{}, false, fmt.Errorf("reading the heartbeat: %w", err)
	}
	h = row.Heartbeat
	h.Lateness = time.Duration(row.LatenessMs) * time.Millisecond
	return h, s.clock().Sub(h.SeenAt) < staleAfter, nil
}
