package models

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

func (s *Store) postMonitors(ctx context.Context, db bun.IDB, post int64) ([]int64, error) {
	var ids []int64
	if err := db.NewSelect().TableExpr("status_post_monitors").Column("monitor_id").Where("post_id = ?", post).OrderExpr("monitor_id").Scan(ctx, &ids); err != nil {
		return nil, fmt.Errorf("reading a post's monitors: %w", err)
	}
	return ids, nil
}

// affects reads which monitors a post is about: their public ids, each on the page and the actor's to see. ok is false where none were
// sent.
func affects(f Fields, targets []StatusTarget, e *Invalid) (ids []int64, ok bool) {
	var list []string
	if !(reader{Fields: f, e: e}).read("monitorIds", "a list of public ids", true, &list) {
		return nil, false
	}
	byID := make(map[string]int64, len(targets))
	for _, t := range targets {
		byID[t.PublicID.String()] = t.ID
	}
	for _, public := range list {
		id, there := byID[public]
		if !there {
			e.add("monitorIds", "monitorIds names a monitor that is not on the page", "Choose among the page's monitors")
			return nil, false
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, true
}

// setPostMonitors makes the post affect the monitors, and leaves as they are those that the actor does not see.
func (s *Store) setPostMonitors(ctx context.Context, tx bun.Tx, p StatusPost, targets []StatusTarget, ids []int64) error {
	announced, err := s.announcedAt(ctx, tx, p.ID)
	if err != nil {
		return err
	}
	seen := make([]int64, len(targets))
	for i, t := range targets {
		seen[i] = t.ID
	}
	if len(seen) > 0 {
		if _, err := tx.NewDelete().TableExpr("status_post_monitors").Where("post_id = ? AND monitor_id IN (?)", p.ID, bun.List(seen)).Exec(ctx); err != nil {
			return fmt.Errorf("changing a post's monitors: %w", err)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	now, rows := s.clock(), make([]statusPostMonitor, len(ids))
	for i, id := range ids {
		rows[i] = statusPostMonitor{PostID: p.ID, MonitorID: id, OrganizationID: p.OrganizationID, AnnouncedAt: now}
		if at, there := announced[id]; there {
			rows[i].AnnouncedAt = at
		}
	}
	if _, err := tx.NewInsert().Model(&rows).Returning("NULL").Exec(ctx); err != nil {
		return fmt.Errorf("changing a post's monitors: %w", err)
	}
	return nil
}

// statusPostMonitor is a monitor that a post affects.
type statusPostMonitor struct {
	bun.BaseModel     `bun:"table:status_post_monitors"`
	PostID, MonitorID int64
	OrganizationID    int64
	// AnnouncedAt is when visitors could first read that maintenance is of it.
	AnnouncedAt time.Time `bun:",nullzero"`
}

// announcedAt is that of the post's monitors.
func (s *Store) announcedAt(ctx context.Context, db bun.IDB, post int64) (map[int64]time.Time, error) {
	var rows []statusPostMonitor
	if err := db.NewSelect().Model(&rows).Where("post_id = ?", post).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading since when maintenance is announced: %w", err)
	}
	at := make(map[int64]time.Time, len(rows))
	for _, row := range rows {
		at[row.MonitorID] = row.AnnouncedAt
	}
	return at, nil
}

// MonitorIDs writes a list of public ids as the field monitorIds takes it.
func MonitorIDs(ids []string) json.RawMessage {
	b, _ := json.Marshal(append([]string{}, ids...)) // strings always encode
	return b
}
