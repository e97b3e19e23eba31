package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

const (
	// mostParts bounds the monitors of an incident that are shown.
	mostParts = 200
	// mostComments bounds the comments that are shown, and that an incident takes.
	mostComments = 500
	// mostBetween bounds the incidents of a range: more flags than that are one smear on a chart.
	mostBetween = 500
)

// IncidentDetail is one incident with what shows it.
type IncidentDetail struct {
	IncidentRow
	// Parts are the monitors that the actor sees, those that have not recovered first, at most 200 of them.
	Parts []IncidentPart
	// Failed are checks of the row's monitor: those that led to the verdict, and after the end up to ten more; Recovered those that
	// ended it. Both are oldest first; the totals count also those that are not kept.
	Failed, Recovered           []Result
	FailedTotal, RecoveredTotal int
	// Comments are in the order of their times; none where the actor does not see all of the incident.
	Comments []IncidentComment
	// Whole is false where the incident concerns others too, whom the actor does not see: then nothing may be written to it.
	Whole bool
}

// IncidentPart is one monitor of an incident.
type IncidentPart struct {
	IncidentFacts
	Monitor      IncidentTarget
	CustomerName string
}

// errNoIncident is the one answer for an incident that is not there or not the actor's.
func errNoIncident() error { return &NotFound{What: "Incident"} }

// Incident returns one incident. Errors: ErrForbidden, *NotFound.
func (s *Store) Incident(ctx context.Context, by Actor, id uuid.UUID) (IncidentDetail, error) {
	if err := by.check(MayRead); err != nil {
		return IncidentDetail{}, err
	}
	row, err := s.incident(ctx, s.ro, by, id)
	if err != nil {
		return IncidentDetail{}, err
	}
	d := IncidentDetail{IncidentRow: row, Whole: wholeFor(by, row.Incident)}
	if err := s.fillParts(ctx, by, &d); err != nil {
		return IncidentDetail{}, err
	}
	if !d.Whole {
		return d, nil
	}
	err = s.ro.NewSelect().Model(&d.Comments).Where("ic.organization_id = ? AND ic.incident_id = ?", row.OrganizationID, row.ID).OrderExpr("ic.at, ic.id").Limit(mostComments).Scan(ctx)
	if err != nil {
		return IncidentDetail{}, fmt.Errorf("reading comments: %w", err)
	}
	return d, nil
}

// wholeFor tells whether the actor sees all that an incident concerns.
func wholeFor(by Actor, i Incident) bool { return !by.Limited || !i.Mass && i.Type != IncidentBlind }

// incident finds one incident that the actor sees.
func (s *Store) incident(ctx context.Context, db bun.IDB, by Actor, id uuid.UUID) (IncidentRow, error) {
	rows := make([]IncidentRow, 1)
	err := s.filterIncidents(db.NewSelect().Model(&rows[0].Incident), by, IncidentsFilter{}).Where("i.public_id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return IncidentRow{}, errNoIncident()
	}
	if err != nil {
		return IncidentRow{}, fmt.Errorf("reading incident %s: %w", id, err)
	}
	return rows[0], s.nameMonitors(ctx, db, by, 0, rows)
}

// fillParts reads the monitors and the row's monitor's checks.
func (s *Store) fillParts(ctx context.Context, by Actor, d *IncidentDetail) error {
	if d.Monitor.ID == 0 {
		return nil
	}
	var parts []struct {
		IncidentFacts `bun:",extend"`
		MonitorID     int64
		PublicID      uuid.UUID
		Name          string
		Hostname      string
		Status        Status
		CustomerName  string
	}
	err := partsQuery(s.ro.NewSelect().TableExpr("incident_monitors AS im"), by).
		ColumnExpr("im.cause, im.cause_source, im.cause_mtu, im.reason, im.checks, im.sent, im.received, im.rtt, im.started_at, im.confirmed_at, im.ended_at").
		ColumnExpr("im.monitor_id, m.public_id, m.name, m.hostname_typed AS hostname, m.status, c.name AS customer_name").
		Where("im.incident_id = ?", d.ID).OrderExpr("CASE WHEN im.ended_at IS NULL THEN 0 ELSE 1 END, m.search, m.id").Limit(mostParts).Scan(ctx, &parts)
	if err != nil {
		return fmt.Errorf("reading the incident's monitors: %w", err)
	}
	for _, p := range parts {
		d.Parts = append(d.Parts, IncidentPart{IncidentFacts: p.IncidentFacts, CustomerName: p.CustomerName,
			Monitor: IncidentTarget{ID: p.MonitorID, PublicID: p.PublicID, Name: p.Name, Hostname: p.Hostname, Status: p.Status}})
	}
	var row incidentMonitor
	if err := s.ro.NewSelect().Model(&row).Where("im.incident_id = ? AND im.monitor_id = ?", d.ID, d.Monitor.ID).Scan(ctx); err != nil {
		return fmt.Errorf("reading the incident's checks: %w", err)
	}
	d.Failed, d.Recovered = row.Evidence.Failed, row.Evidence.Recovered
	d.FailedTotal, d.RecoveredTotal = row.FailedChecks, max(row.RecoveryChecks, len(d.Recovered))
	if row.Open() {
		var st MonitorState
		err := s.ro.NewSelect().Model(&st).Column("failures", "degraded_in_row").Where("s.monitor_id = ? AND s.location_id = ?", row.MonitorID, row.LocationID).Scan(ctx)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("counting its failed checks: %w", err)
		}
		d.FailedTotal += failedInRow(st, d.Type)
	}
	d.FailedTotal = max(d.FailedTotal, len(d.Failed))
	return nil
}

// IncidentHistory returns the newest 100 incidents of the monitor as far as they are its own, newest first, and how many there are in
// all. Errors: ErrForbidden, *NotFound.
func (s *Store) IncidentHistory(ctx context.Context, by Actor, id uuid.UUID, limit int) ([]IncidentRow, int, error) {
	m, err := s.Monitor(ctx, by, id)
	if err != nil {
		return nil, 0, err
	}
	return s.Incidents(ctx, by, IncidentsFilter{Monitor: m.ID, Limit: min(limit, 100)})
}

// IncidentsBetween returns the incidents of the monitor that were open at some time in the range, as far as they are its own, oldest
// first; of more than 500 the newest: what a chart marks. Errors: ErrForbidden, *NotFound.
func (s *Store) IncidentsBetween(ctx context.Context, by Actor, id uuid.UUID, from, to time.Time) ([]IncidentRow, error) {
	m, err := s.Monitor(ctx, by, id)
	if err != nil {
		return nil, err
	}
	var incidents []Incident
	err = s.ro.NewSelect().Model(&incidents).Join("JOIN incident_monitors AS im ON im.incident_id = i.id").
		Where("im.organization_id = ? AND im.monitor_id = ?", m.OrganizationID, m.ID).Where("im.started_at < ?", to).
		Where("(im.ended_at IS NULL OR im.ended_at > ?)", from).OrderExpr("i.id DESC").Limit(mostBetween).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading a range's incidents: %w", err)
	}
	slices.Reverse(incidents)
	rows := make([]IncidentRow, len(incidents))
	for i := range incidents {
		rows[i].Incident = incidents[i]
	}
	return rows, s.nameMonitors(ctx, s.ro, by, m.ID, rows)
}
