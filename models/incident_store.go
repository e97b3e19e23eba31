package models

import (
	"context"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// insertIncidents stores new incidents and gives them their ids.
func insertIncidents(ctx context.Context, db bun.IDB, fresh []*Incident) error {
	if len(fresh) == 0 {
		return nil
	}
	rows, publics := make([]Incident, len(fresh)), make([]uuid.UUID, len(fresh))
	for i, incident := range fresh {
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
	for _, incident := range fresh {
		incident.ID = ids[incident.PublicID]
	}
	return nil
}

// saveIncidents writes what follows for the incidents from their monitors' parts; what people wrote is left as it is.
func saveIncidents(ctx context.Context, db bun.IDB, all []*Incident) error {
	if len(all) == 0 {
		return nil
	}
	rows := make([]Incident, len(all))
	for i, incident := range all {
		rows[i] = *incident
	}
	q := db.NewInsert().Model(&rows).On("CONFLICT (id) DO UPDATE").Returning("NULL")
	for _, column := range []string{"started_at", "ended_at", "end_reason", "ended_by", "updated_at"} {
		q = q.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
	}
	_, err := q.Exec(ctx)
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
