package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"echolot/models/events"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// Limits of a live measurement.
const (
	MaxLiveRate    = 10 // packets a second
	MaxLiveMinutes = 5
	// publicLiveRate is MaxLiveRate under the public policy, whose caps let two packets a second to a target.
	publicLiveRate = 1
	// LiveKept is how long what was measured is kept, and a link to it works, after the end that was set.
	LiveKept = time.Hour
)

// liveSlack is how long after its end the last replies of a live measurement may be written.
const liveSlack = 15 * time.Second

// LiveSession is one live measurement of a monitor: who began it, how fast, and until when.
type LiveSession struct {
	bun.BaseModel  `bun:"table:live_sessions,alias:l" json:"-"`
	ID             int64     `bun:",pk,autoincrement"`
	PublicID       uuid.UUID `bun:"type:uuid"`
	OrganizationID int64
	MonitorID      int64
	UserID         int64
	// Target is the host that is pinged.
	Target string
	// Rate is in packets a second.
	Rate             int
	StartedAt, Until time.Time
	// EndedAt is zero until the last packet is written. Why says what ended it before its time; empty = nothing.
	EndedAt time.Time `bun:",nullzero"`
	Why     string
	// ShareHash is of the link's token; nil without a link. ShareHost lets the link show addresses.
	ShareHash []byte `json:"-"`
	ShareHost bool
}

// Running tells whether packets are being sent or still awaited.
func (l LiveSession) Running(now time.Time) bool {
	return l.ID != 0 && l.EndedAt.IsZero() && now.Before(l.Until.Add(liveSlack))
}

// MaxLive is the highest rate that a live measurement may have, in packets a second.
func (s *Store) MaxLive() int {
	if s.policy.Public {
		return publicLiveRate
	}
	return MaxLiveRate
}

// StartLive begins to measure a monitor live, rate packets a second for so many minutes. What the same user measured live ends.
// Errors: ErrForbidden, *NotFound, *Invalid, ErrNoLocation, and *Conflict where somebody measures the same target or
// the monitor is paused.
func (s *Store) StartLive(ctx context.Context, by Actor, id uuid.UUID, rate, minutes int) (LiveSession, error) {
	if err := by.check(MayChangeMonitors); err != nil {
		return LiveSession{}, err
	}
	e := new(Invalid)
	if most := s.MaxLive(); rate < 1 || rate > most {
		e.add("rate", fmt.Sprintf("rate must be 1 to %d", most), fmt.Sprintf("Choose 1 to %d packets a second", most))
	}
	if minutes < 1 || minutes > MaxLiveMinutes {
		e.add("minutes", fmt.Sprintf("minutes must be 1 to %d", MaxLiveMinutes), fmt.Sprintf("Choose 1 to %d minutes", MaxLiveMinutes))
	}
	if err := e.orNil(); err != nil {
		return LiveSession{}, err
	}
	row, _, err := s.monitorToProbe(ctx, by, id)
	if errors.Is(err, ErrNoLocation) && row.Status == StatusDisabled {
		return LiveSession{}, &Conflict{Message: "Paused: resume it to measure it live"}
	}
	if err != nil {
		return LiveSession{}, err
	}
	now := s.clock()
	l := LiveSession{PublicID: newID(), OrganizationID: row.OrganizationID, MonitorID: row.ID, UserID: by.UserID, Target: row.Hostname,
		Rate: rate, StartedAt: now, Until: now.Add(time.Duration(minutes) * time.Minute)}
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewUpdate().Model((*LiveSession)(nil)).Set("ended_at = ?", now).Set("why = 'another one was begun'").
			Where("ended_at IS NULL").Where("user_id = ?", by.UserID).Exec(ctx); err != nil {
			return err
		}
		// Whoever ran these is gone.
		if _, err := tx.NewUpdate().Model((*LiveSession)(nil)).Set("ended_at = until").Where("ended_at IS NULL").Where("until < ?", now.Add(-liveSlack)).Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(&l).ExcludeColumn("id").Returning("id").Exec(ctx); err != nil {
			return err
		}
		return s.audit(ctx, tx, by, "live.start", "monitor", row.ID, nil, l)
	})
	switch {
	case isDuplicate(err):
		return LiveSession{}, &Conflict{Message: "This target is being measured live already; one at a time"}
	case isOrphan(err):
		return LiveSession{}, errNoMonitor()
	case err != nil:
		return LiveSession{}, fmt.Errorf("beginning a live measurement: %w", err)
	}
	s.bus.Publish(s.monitorEvent(events.LiveChanged, row))
	return l, nil
}

// StopLive ends what is measured live of a monitor; where nothing is, it does nothing. Errors: ErrForbidden, *NotFound.
func (s *Store) StopLive(ctx context.Context, by Actor, id uuid.UUID) error {
	if err := by.check(MayChangeMonitors); err != nil {
		return err
	}
	row, l, err := s.Live(ctx, by, id)
	if err != nil || !l.Running(s.clock()) {
		return err
	}
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewUpdate().Model((*LiveSession)(nil)).Set("ended_at = ?", s.clock()).Set("why = 'stopped'").Where("id = ?", l.ID).Where("ended_at IS NULL").Exec(ctx); err != nil {
			return err
		}
		return s.audit(ctx, tx, by, "live.stop", "monitor", row.ID, nil, nil)
	})
	if err != nil {
		return fmt.Errorf("ending a live measurement: %w", err)
	}
	s.bus.Publish(s.monitorEvent(events.LiveChanged, row))
	return nil
}

// Live returns a monitor with its newest live measurement, whose ID is 0 where there is none. Errors: ErrForbidden, *NotFound.
func (s *Store) Live(ctx context.Context, by Actor, id uuid.UUID) (MonitorRow, LiveSession, error) {
	row, err := s.Monitor(ctx, by, id)
	if err != nil {
		return MonitorRow{}, LiveSession{}, err
	}
	var l LiveSession
	err = s.ro.NewSelect().Model(&l).Where("l.monitor_id = ?", row.ID).OrderExpr("l.started_at DESC, l.id DESC").Limit(1).Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return MonitorRow{}, LiveSession{}, fmt.Errorf("reading a live measurement: %w", err)
	}
	return row, l.utc(), nil
}

func (l LiveSession) utc() LiveSession {
	l.StartedAt, l.Until, l.EndedAt = l.StartedAt.UTC(), l.Until.UTC(), l.EndedAt.UTC()
	return l
}

// UnscopedLive returns a live measurement by its id, as it is now; ok is false where it is gone.
func (s *Store) UnscopedLive(ctx context.Context, id int64) (l LiveSession, ok bool, err error) {
	err = s.ro.NewSelect().Model(&l).Where("l.id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return LiveSession{}, false, nil
	}
	if err != nil {
		return LiveSession{}, false, fmt.Errorf("reading a live measurement: %w", err)
	}
	return l.utc(), true, nil
}

// ShareLive makes a link's token to what is measured live of a monitor now, for somebody outside; an earlier one is void then.
// With host the link shows addresses. It works until LiveKept after the measurement's end. Errors: ErrForbidden, *NotFound, and
// *Conflict where nothing is measured.
func (s *Store) ShareLive(ctx context.Context, by Actor, id uuid.UUID, host bool) (token string, until time.Time, err error) {
	if err := by.check(MayChangeMonitors); err != nil {
		return "", time.Time{}, err
	}
	row, l, err := s.Live(ctx, by, id)
	if err != nil {
		return "", time.Time{}, err
	}
	if !l.Running(s.clock()) {
		return "", time.Time{}, &Conflict{Message: "Nothing is measured live now: begin first, then make a link"}
	}
	token = newSecret()
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewUpdate().Model((*LiveSession)(nil)).Set("share_hash = ?", secretHash(token)).Set("share_host = ?", host).Where("id = ?", l.ID).Exec(ctx); err != nil {
			return err
		}
		l.ShareHost = host
		return s.audit(ctx, tx, by, "live.share", "monitor", row.ID, nil, l)
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("making a live link: %w", err)
	}
	return token, l.Until.Add(LiveKept), nil
}

// SharedLive is what a link shows.
type SharedLive struct {
	LiveSession
	// Name is the monitor's.
	Name string
}

// LiveByToken returns what a link leads to. Errors: *NotFound.
func (s *Store) LiveByToken(ctx context.Context, token string) (SharedLive, error) {
	var l struct {
		LiveSession `bun:",extend"`
		Name        string `bun:",scanonly"`
	}
	err := s.ro.NewSelect().Model(&l).ColumnExpr("l.*, m.name").Join("JOIN monitors AS m ON m.id = l.monitor_id").
		Where("l.share_hash = ?", secretHash(token)).Where("l.until > ?", s.clock().Add(-LiveKept)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return SharedLive{}, &NotFound{What: "Live view"}
	}
	if err != nil {
		return SharedLive{}, fmt.Errorf("reading a live link: %w", err)
	}
	return SharedLive{LiveSession: l.utc(), Name: l.Name}, nil
}

// UnscopedLiveToRun returns the live measurements that have not ended, oldest first.
func (s *Store) UnscopedLiveToRun(ctx context.Context) ([]LiveSession, error) {
	var list []LiveSession
	if err := s.ro.NewSelect().Model(&list).Where("l.ended_at IS NULL").OrderExpr("l.id").Limit(1000).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading live measurements: %w", err)
	}
	for i := range list {
		list[i] = list[i].utc()
	}
	return list, nil
}

// UnscopedEndLive notes that a live measurement is over, and why where that was before its time.
func (s *Store) UnscopedEndLive(ctx context.Context, id int64, why string) error {
	_, err := s.db.NewUpdate().Model((*LiveSession)(nil)).Set("ended_at = ?", s.clock()).Set("why = ?", why).Where("id = ?", id).Where("ended_at IS NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("ending a live measurement: %w", err)
	}
	return nil
}
