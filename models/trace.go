package models

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"echolot/models/events"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// TraceKind tells why a trace was taken.
type TraceKind string

// The kinds of trace. A baseline is taken from time to time while all is well, a failure's at the first failed check.
const (
	TraceBaseline TraceKind = "baseline"
	TraceFailure  TraceKind = "failure"
	TraceManual   TraceKind = "manual"
)

// Hop is what answered echo requests of one TTL (RFC 792, RFC 4443 §3.3).
type Hop struct {
	TTL int `json:"ttl"`
	// Addresses are who answered, each once, the first one first; empty where nobody did.
	Addresses []string `json:"addresses"`
	// RTTs are those of the answers, in microseconds, in the order asked.
	RTTs []int64 `json:"rtts"`
	// Sent is how many echo requests left, Lost how many of these nobody answered.
	Sent int `json:"sent"`
	Lost int `json:"lost"`
	// Cause is what was said other than that the TTL is exceeded: the packets go no further from here. Empty mostly.
	Cause Cause `json:"cause,omitempty"`
}

// Hops are a trace's, in order of TTL, from 1 on. They are stored as JSON.
type Hops []Hop

// Value is the stored JSON.
func (h Hops) Value() (driver.Value, error) {
	if h == nil {
		h = Hops{}
	}
	b, err := json.Marshal(h)
	return string(b), err
}

// Scan reads the stored JSON.
func (h *Hops) Scan(src any) error {
	*h = nil
	return scanJSON(src, (*[]Hop)(h))
}

// Trace is the path to a monitor's target at one moment.
type Trace struct {
	bun.BaseModel  `bun:"table:traces,alias:t"`
	ID             int64     `bun:",pk,autoincrement"`
	PublicID       uuid.UUID `bun:"type:uuid"`
	OrganizationID int64
	MonitorID      int64
	LocationID     int64
	At             time.Time
	Kind           TraceKind
	// Address is what was asked for; empty where no address was found.
	Address string
	Hops    Hops
	// Reached is true where the target itself answered; its hop is the last one then.
	Reached bool
}

// Of each monitor so many traces of a kind are kept.
const (
	keptFailures = 100
	keptManual   = 10
)

// traceRequest is somebody's wish for a trace now.
type traceRequest struct {
	bun.BaseModel  `bun:"table:trace_requests"`
	MonitorID      int64 `bun:",pk"`
	OrganizationID int64
	RequestedAt    time.Time
}

// RequestTrace asks the prober for a trace now. Errors: ErrForbidden, *NotFound, ErrNoLocation.
func (s *Store) RequestTrace(ctx context.Context, by Actor, id uuid.UUID) (MonitorRow, error) {
	row, _, err := s.monitorToProbe(ctx, by, id)
	if err != nil {
		return MonitorRow{}, err
	}
	request := traceRequest{MonitorID: row.ID, OrganizationID: row.OrganizationID, RequestedAt: s.clock()}
	if _, err := s.db.NewInsert().Model(&request).On("CONFLICT (monitor_id) DO NOTHING").Exec(ctx); err != nil {
		if isOrphan(err) { // deleted meanwhile
			return MonitorRow{}, errNoMonitor()
		}
		return MonitorRow{}, fmt.Errorf("writing the request: %w", err)
	}
	s.bus.Publish(s.monitorEvent(events.TraceRequested, row))
	return row, nil
}

// TakeTraceRequests returns the monitors that somebody wants traced now, and forgets the requests.
func (s *Store) TakeTraceRequests(ctx context.Context) ([]int64, error) {
	if some, err := s.ro.NewSelect().TableExpr("trace_requests").Exists(ctx); err != nil || !some {
		return nil, err
	}
	var ids []int64
	if err := s.db.NewDelete().TableExpr("trace_requests").Where("1 = 1").Returning("monitor_id").Scan(ctx, &ids); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("taking trace requests: %w", err)
	}
	return ids, nil
}

// UnscopedSaveTrace stores a trace and forgets those that it makes useless: a baseline that no failure was compared with, and
// failures and manual ones beyond what is kept. That of a monitor that is gone is thrown away.
func (s *Store) UnscopedSaveTrace(ctx context.Context, t Trace) error {
	t.PublicID, t.At = newID(), t.At.UTC()
	var m Monitor
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := tx.NewSelect().Model(&m).Column("public_id", "organization_id", "customer_id").Where("id = ?", t.MonitorID).Scan(ctx); err != nil {
			return err
		}
		t.OrganizationID = m.OrganizationID
		if t.Kind == TraceBaseline {
			// The last one, unless something was traced since that is looked at beside it.
			last := tx.NewSelect().TableExpr("traces").ColumnExpr("max(at)").Where("monitor_id = ? AND kind = ?", t.MonitorID, TraceBaseline)
			since := tx.NewSelect().TableExpr("traces AS o").ColumnExpr("1").Where("o.monitor_id = t.monitor_id AND o.kind <> ? AND o.at >= t.at", TraceBaseline)
			if _, err := tx.NewDelete().Model((*Trace)(nil)).Where("t.monitor_id = ? AND t.kind = ?", t.MonitorID, TraceBaseline).
				Where("t.at = (?)", last).Where("NOT EXISTS (?)", since).Exec(ctx); err != nil {
				return err
			}
		}
		if _, err := tx.NewInsert().Model(&t).ExcludeColumn("id").Returning("NULL").Exec(ctx); err != nil {
			return err
		}
		kept := map[TraceKind]int{TraceBaseline: keptFailures, TraceFailure: keptFailures, TraceManual: keptManual}[t.Kind]
		keep := tx.NewSelect().TableExpr("traces").Column("id").Where("monitor_id = ? AND kind = ?", t.MonitorID, t.Kind).OrderExpr("at DESC, id DESC").Limit(int64(kept))
		_, err := tx.NewDelete().Model((*Trace)(nil)).Where("t.monitor_id = ? AND t.kind = ?", t.MonitorID, t.Kind).Where("t.id NOT IN (?)", keep).Exec(ctx)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) || isOrphan(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("storing a trace: %w", err)
	}
	s.bus.Publish(events.Event{Type: events.TraceTaken, At: s.clock(), OrganizationID: m.OrganizationID, CustomerID: m.CustomerID,
		MonitorID: t.MonitorID, PublicID: m.PublicID.String()})
	return nil
}

// MonitorPath returns the newest trace of a monitor, and the last baseline before it to compare it with; nil where there is
// none. Errors: ErrForbidden, *NotFound.
func (s *Store) MonitorPath(ctx context.Context, by Actor, id uuid.UUID) (before, now *Trace, err error) {
	row, err := s.Monitor(ctx, by, id)
	if err != nil {
		return nil, nil, err
	}
	if now, err = s.trace(ctx, row.ID, "at DESC, id DESC", "1 = 1"); err != nil || now == nil {
		return nil, nil, err
	}
	before, err = s.trace(ctx, row.ID, "at DESC, id DESC", "kind = ? AND at < ?", TraceBaseline, now.At)
	return before, now, err
}

// pathBefore is how long before an incident's start its trace may have been taken: it starts with the first packet lost in a
// window, and the trace was taken at the first failed check.
const pathBefore = 5 * time.Minute

// IncidentPath returns the first trace that was taken in an incident of the monitor, or else the last one shortly before it, and
// the last baseline before that; nil where there is none. to is the incident's end, or zero while it lasts. Errors: *NotFound.
func (s *Store) IncidentPath(ctx context.Context, by Actor, monitor uuid.UUID, from, to time.Time) (before, now *Trace, err error) {
	row, err := s.Monitor(ctx, by, monitor)
	if err != nil {
		return nil, nil, err
	}
	if to.IsZero() {
		to = s.clock()
	}
	now, err = s.trace(ctx, row.ID, "at, id", "kind <> ? AND at BETWEEN ? AND ?", TraceBaseline, from.UTC(), to.UTC())
	if err == nil && now == nil {
		now, err = s.trace(ctx, row.ID, "at DESC, id DESC", "kind <> ? AND at BETWEEN ? AND ?", TraceBaseline, from.Add(-pathBefore).UTC(), from.UTC())
	}
	if err != nil || now == nil {
		return nil, nil, err
	}
	before, err = s.trace(ctx, row.ID, "at DESC, id DESC", "kind = ? AND at < ?", TraceBaseline, now.At)
	return before, now, err
}

// trace is the first of a monitor's traces in the order given, or nil.
func (s *Store) trace(ctx context.Context, monitor int64, order, where string, args ...any) (*Trace, error) {
	var t Trace
	err := s.ro.NewSelect().Model(&t).Where("monitor_id = ?", monitor).Where(where, args...).OrderExpr(order).Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading a trace: %w", err)
	}
	t.At = t.At.UTC()
	return &t, nil
}
