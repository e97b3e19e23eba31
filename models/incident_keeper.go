package models

import (
	"cmp"
	"context"
	"slices"
	"time"

	"echolot/models/events"

	"github.com/uptrace/bun"
)

// massJoin is how long after its first monitor a mass failure takes in more.
const massJoin = 5 * time.Minute

// incidentPart is a monitor's part in an incident while a batch is followed.
type incidentPart struct {
	incident *Incident
	row      *incidentMonitor
	// opened and ended are the results that did it, in this batch.
	opened, ended *Recorded
	// follows is true where it follows another incident of the same monitor without a good check between them.
	follows bool
}

type massKey struct {
	organization int64
	kind         IncidentType
}

type formerKey struct {
	incident *Incident
	monitor  int64
}

// incidentKeeper follows the incidents of one batch.
type incidentKeeper struct {
	now   time.Time
	moved map[int64]bool
	// open is each moved monitor's open part; touched are those that changed, in order, and seen the same.
	open    map[int64]*incidentPart
	touched []*incidentPart
	seen    map[*incidentPart]bool
	// mass are the failures of many that more may join, former the parts that monitors had in them.
	mass   map[massKey]*Incident
	former map[formerKey]*incidentMonitor
	// changes are told after the commit.
	changes []keptChange
}

type keptChange struct {
	rec      *Recorded
	kind     events.Type
	incident *Incident
}

// load reads what is open: by the monitors, not by what their states say, so that nothing is ever opened twice.
func (k *incidentKeeper) load(ctx context.Context, db bun.IDB, recorded []Recorded) error {
	ids := make([]int64, 0, len(k.moved))
	for id := range k.moved {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var parts []incidentMonitor
	err := db.NewSelect().Model(&parts).Where("im.monitor_id IN (?)", bun.List(ids)).Where("im.location_id = ? AND im.ended_at IS NULL", LocationID).Scan(ctx)
	if err != nil {
		return err
	}
	if len(parts) > 0 {
		var incidents []Incident
		open := make([]int64, len(parts))
		for i, p := range parts {
			open[i] = p.IncidentID
		}
		if err := db.NewSelect().Model(&incidents).Where("i.id IN (?)", bun.List(open)).Scan(ctx); err != nil {
			return err
		}
		byID := make(map[int64]*Incident, len(incidents))
		for i := range incidents {
			byID[incidents[i].ID] = &incidents[i]
		}
		for i := range parts {
			if incident := byID[parts[i].IncidentID]; incident != nil {
				k.open[parts[i].MonitorID] = &incidentPart{incident: incident, row: &parts[i]}
			}
		}
	}
	return k.loadMass(ctx, db, recorded, ids)
}

// loadMass reads the mass failures that a batch's results may join.
func (k *incidentKeeper) loadMass(ctx context.Context, db bun.IDB, recorded []Recorded, ids []int64) error {
	var organizations []int64
	for i := range recorded {
		if rec := &recorded[i]; rec.Result.Mass && k.moved[rec.Monitor.ID] && !slices.Contains(organizations, rec.Monitor.OrganizationID) {
			organizations = append(organizations, rec.Monitor.OrganizationID)
		}
	}
	if len(organizations) == 0 {
		return nil
	}
	var incidents []Incident
	err := db.NewSelect().Model(&incidents).Where("i.organization_id IN (?)", bun.List(organizations)).Where("i.location_id = ?", LocationID).
		Where("i.mass = ? AND i.ended_at IS NULL", true).OrderExpr("i.id").Scan(ctx)
	if err != nil || len(incidents) == 0 {
		return err
	}
	byID := make(map[int64]*Incident, len(incidents))
	for i := range incidents {
		byID[incidents[i].ID] = &incidents[i]
	}
	for _, part := range k.open { // one row, one value
		if byID[part.incident.ID] != nil {
			byID[part.incident.ID] = part.incident
		}
	}
	open := make([]int64, len(incidents))
	for i, incident := range incidents {
		open[i] = incident.ID
		k.mass[massKey{incident.OrganizationID, incident.Type}] = byID[incident.ID]
	}
	var former []incidentMonitor
	if err := db.NewSelect().Model(&former).Where("im.incident_id IN (?)", bun.List(open)).Where("im.monitor_id IN (?)", bun.List(ids)).Where("im.ended_at IS NOT NULL").Scan(ctx); err != nil {
		return err
	}
	for i := range former {
		k.former[formerKey{byID[former[i].IncidentID], former[i].MonitorID}] = &former[i]
	}
	return nil
}

// follow takes one result of a moved monitor in.
func (k *incidentKeeper) follow(rec *Recorded) {
	part := k.open[rec.Monitor.ID]
	was := IncidentNone
	if part != nil {
		was = part.incident.Type
	}
	wanted := wantedIncident(rec, was)
	if part != nil && (wanted != was || forgetsFailed(rec, was)) {
		part.row.FailedChecks += failedInRow(rec.Before, was)
		k.touch(part)
	}
	if wanted == was {
		return
	}
	var next *incidentPart
	if wanted != IncidentNone {
		next = k.begin(rec, wanted, part)
	}
	if part != nil {
		k.end(part, rec, next)
	}
	if next != nil {
		k.open[rec.Monitor.ID] = next
		k.touch(next)
	}
}

func (k *incidentKeeper) touch(part *incidentPart) {
	if !k.seen[part] {
		k.seen[part] = true
		k.touched = append(k.touched, part)
	}
}

// begin makes the monitor's part in a new incident, or in the mass failure that it joins. before is the part that it follows.
func (k *incidentKeeper) begin(rec *Recorded, kind IncidentType, before *incidentPart) *incidentPart {
	m, st, r := rec.Monitor.Monitor, rec.Monitor.State, rec.Result
	facts := IncidentFacts{Cause: r.Cause, CauseMTU: r.CauseMTU, CauseSource: addrText(r.CauseSource), Reason: st.Reason, RTT: -1, StartedAt: st.Since, ConfirmedAt: r.StartedAt()}
	if rtts, ok := r.RTTs(); ok {
		facts.RTT = rtts.Avg.Microseconds()
	}
	if before == nil && !st.TroubleSince.IsZero() {
		facts.StartedAt = st.TroubleSince
	}
	if before != nil && before.row.StartedAt.After(facts.StartedAt) {
		facts.StartedAt = before.row.StartedAt
	}
	if facts.StartedAt.After(facts.ConfirmedAt) { // a check is confirmed by its start, and may lose a later packet
		facts.ConfirmedAt = facts.StartedAt
	}
	incident, kindOf := k.mass[massKey{m.OrganizationID, kind}], events.IncidentChanged
	if !r.Mass || incident == nil || facts.ConfirmedAt.Sub(incident.ConfirmedAt) > massJoin {
		incident = &Incident{PublicID: newID(), OrganizationID: m.OrganizationID, LocationID: LocationID, Type: kind, Mass: r.Mass, IncidentFacts: facts}
		kindOf = events.IncidentOpened
		if r.Mass {
			k.mass[massKey{m.OrganizationID, kind}] = incident
		}
	}
	if facts.StartedAt.Before(incident.StartedAt) {
		incident.StartedAt = facts.StartedAt
	}
	incident.UpdatedAt = k.now
	row := k.former[formerKey{incident, m.ID}]
	if row == nil {
		row = &incidentMonitor{MonitorID: m.ID, LocationID: LocationID, OrganizationID: m.OrganizationID, IncidentFacts: facts}
	}
	row.EndedAt = time.Time{}
	k.changes = append(k.changes, keptChange{rec, kindOf, incident})
	return &incidentPart{incident: incident, row: row, opened: rec, follows: before != nil}
}

// end closes the monitor's part, and the incident unless it is one of many. next is the incident that follows it, or nil.
func (k *incidentKeeper) end(part *incidentPart, rec *Recorded, next *incidentPart) {
	at, why := rec.Result.StartedAt(), EndRecovered
	switch {
	case next == nil:
		if st := rec.Monitor.State; st.State == st.Measured && st.Since.Before(at) {
			at = st.Since // it turned before, and too often to be believed
		}
		part.row.RecoveryChecks = rec.Monitor.State.Successes
	case next.incident.Type == IncidentDowntime:
		at, why = next.row.StartedAt, EndWorse
	default:
		at, why = next.row.StartedAt, EndBetter
	}
	if at.Before(part.row.StartedAt) {
		at = part.row.StartedAt
	}
	part.row.EndedAt, part.ended = at, rec
	part.incident.UpdatedAt = k.now
	delete(k.open, rec.Monitor.ID)
	k.former[formerKey{part.incident, rec.Monitor.ID}] = part.row
	kind := events.IncidentChanged
	if !part.incident.Mass {
		part.incident.EndedAt, part.incident.EndReason = at, why
		kind = events.IncidentClosed
	}
	k.changes = append(k.changes, keptChange{rec, kind, part.incident})
}

// save writes what changed: new incidents, the monitors' parts, then what follows for the incidents.
func (k *incidentKeeper) save(ctx context.Context, db bun.IDB) error {
	if len(k.touched) == 0 {
		return nil // the open ones were there, and only the states did not know
	}
	var fresh, all []*Incident
	known, isFresh := make(map[*Incident]bool, len(k.touched)), map[*Incident]bool{}
	for _, part := range k.touched {
		if known[part.incident] {
			continue
		}
		known[part.incident] = true
		all = append(all, part.incident)
		if part.incident.ID == 0 {
			fresh, isFresh[part.incident] = append(fresh, part.incident), true
		}
	}
	if err := insertIncidents(ctx, db, fresh); err != nil {
		return err
	}
	rows := make([]incidentMonitor, 0, len(k.touched))
	seen := make(map[*incidentMonitor]bool, len(k.touched))
	for _, part := range k.touched {
		if part.row.IncidentID = part.incident.ID; !seen[part.row] {
			seen[part.row] = true
			rows = append(rows, *part.row)
		}
	}
	// An end before the next beginning, also of another monitor's: an open part is unique.
	slices.SortStableFunc(rows, func(a, b incidentMonitor) int { return cmp.Compare(openLast(a), openLast(b)) })
	if err := saveParts(ctx, db, rows); err != nil {
		return err
	}
	if err := k.endMass(ctx, db, all); err != nil {
		return err
	}
	var later []*Incident // than their INSERT
	for _, incident := range all {
		if incident.Mass || !isFresh[incident] {
			later = append(later, incident)
		}
	}
	return saveIncidents(ctx, db, later)
}

func openLast(row incidentMonitor) int {
	if row.Open() {
		return 1
	}
	return 0
}

// endMass ends the mass failures whose last monitor recovered, when the last one did: that may be told in an earlier batch.
func (k *incidentKeeper) endMass(ctx context.Context, db bun.IDB, all []*Incident) error {
	last := map[*Incident]*incidentPart{}
	for _, part := range k.touched {
		if l := last[part.incident]; part.incident.Mass && part.ended != nil && (l == nil || l.row.EndedAt.Before(part.row.EndedAt)) {
			last[part.incident] = part
		}
	}
	if len(last) == 0 {
		return nil
	}
	ids := make([]int64, 0, len(last))
	for incident := range last {
		ids = append(ids, incident.ID)
	}
	still, err := incidentsWithOpenParts(ctx, db, ids)
	if err != nil {
		return err
	}
	ends, err := latestEnds(ctx, db, ids)
	if err != nil {
		return err
	}
	for _, incident := range all {
		if part := last[incident]; part != nil && !still[incident.ID] {
			incident.EndedAt, incident.EndReason = later(part.row.EndedAt, ends[incident.ID]), EndRecovered
			k.changes = append(k.changes, keptChange{part.ended, events.IncidentClosed, incident})
		}
	}
	return nil
}

// note tells the states which incident is open, and the results what they did.
func (k *incidentKeeper) note(out *judged) {
	mark := func(st *MonitorState) {
		if !k.moved[st.MonitorID] {
			return
		}
		st.IncidentID, st.IncidentType = 0, IncidentNone
		if part := k.open[st.MonitorID]; part != nil {
			st.IncidentID, st.IncidentType = part.incident.ID, part.incident.Type
		}
	}
	for i := range out.states {
		mark(&out.states[i])
	}
	for i := range out.recorded {
		mark(&out.recorded[i].Monitor.State)
	}
	for _, c := range k.changes {
		c.rec.Incidents = append(c.rec.Incidents, IncidentChange{Type: c.kind, Incident: *c.incident})
	}
}
