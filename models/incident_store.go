package models

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// rowsAtOnce is how many rows one statement writes: a batch may open thousands of incidents.
const rowsAtOnce = 1000

// insertIncidents stores new incidents and gives them their ids.
func insertIncidents(ctx context.Context, db bun.IDB, fresh []*Incident) error {
	for some := range slices.Chunk(fresh, rowsAtOnce) {
		rows, publics := make([]Incident, len(some)), make([]uuid.UUID, len(some))
		for i, incident := range some {
			rows[i], publics[i] = *incident, incident.PublicID
		}
		if _, err := db.NewInsert().Model(&rows).ExcludeColumn("id").Returning("NULL").Exec(ctx); err != nil {
			return err
		}
		// The order in which an INSERT of several rows returns them is nobody's promise.
		var made []struct {
			ID       int64
			PublicID uuid.UUID
		}
		if err := db.NewSelect().TableExpr("incidents").Column("id", "public_id").Where("public_id IN (?)", bun.List(publics)).Scan(ctx, &made); err != nil {
			return err
		}
		ids := make(map[uuid.UUID]int64, len(made))
		for _, m := range made {
			ids[m.PublicID] = m.ID
		}
		for _, incident := range some {
			incident.ID = ids[incident.PublicID]
		}
	}
	return nil
}

// saveIncidents writes what follows for the incidents from their monitors' parts; what people wrote is left as it is.
func saveIncidents(ctx context.Context, db bun.IDB, all []*Incident) error {
	for some := range slices.Chunk(all, rowsAtOnce) {
		rows := make([]Incident, len(some))
		for i, incident := range some {
			rows[i] = *incident
		}
		if err := upsert(ctx, db.NewInsert().Model(&rows).On("CONFLICT (id) DO UPDATE"), "started_at", "ended_at", "end_reason", "ended_by", "updated_at"); err != nil {
			return err
		}
	}
	return nil
}

// saveParts writes the monitors' parts in the order given.
func saveParts(ctx context.Context, db bun.IDB, rows []incidentMonitor) error {
	for some := range slices.Chunk(rows, rowsAtOnce) {
		if err := upsert(ctx, db.NewInsert().Model(&some).On("CONFLICT (incident_id, monitor_id) DO UPDATE"), "ended_at", "failed_checks", "recovery_checks", "evidence"); err != nil {
			return err
		}
	}
	return nil
}

// upsert inserts, and of rows that are there writes the columns.
func upsert(ctx context.Context, q *bun.InsertQuery, columns ...string) error {
	for _, column := range columns {
		q = q.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
	}
	_, err := q.Returning("NULL").Exec(ctx)
	return err
}

// incidentsWithOpenParts tells which of the incidents have a monitor that has not recovered. Until the transaction ends nobody else
// is told the same: of two that end the last two parts, the second one ends the incident. On SQLite the transaction does that.
func incidentsWithOpenParts(ctx context.Context, db bun.IDB, ids []int64) (map[int64]bool, error) {
	if db.Dialect().Name() == dialect.PG {
		if _, err := db.ExecContext(ctx, "SELECT 1 FROM incidents WHERE id IN (?) ORDER BY id FOR NO KEY UPDATE", bun.List(ids)); err != nil {
			return nil, err
		}
	}
	var open []int64
	err := db.NewSelect().TableExpr("incident_monitors").ColumnExpr("DISTINCT incident_id").Where("incident_id IN (?) AND ended_at IS NULL", bun.List(ids)).Scan(ctx, &open)
	if err != nil {
		return nil, err
	}
	still := make(map[int64]bool, len(open))
	for _, id := range open {
		still[id] = true
	}
	return still, nil
}

// latestEnds tells when the last part of each incident ended, as far as any did.
func latestEnds(ctx context.Context, db bun.IDB, ids []int64) (map[int64]time.Time, error) {
	var parts []incidentMonitor
	err := db.NewSelect().Model(&parts).Distinct().Column("incident_id", "ended_at").Where("im.incident_id IN (?)", bun.List(ids)).
		Where("im.ended_at = (SELECT max(e.ended_at) FROM incident_monitors AS e WHERE e.incident_id = im.incident_id)").Scan(ctx)
	if err != nil {
		return nil, err
	}
	ends := make(map[int64]time.Time, len(parts))
	for _, p := range parts {
		ends[p.IncidentID] = p.EndedAt
	}
	return ends, nil
}
