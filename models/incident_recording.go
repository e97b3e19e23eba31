package models

import (
	"context"
	"fmt"

	"echolot/models/events"

	"github.com/uptrace/bun"
)

// IncidentChange is what a result, or somebody, did to an incident: the Data of its events.
type IncidentChange struct {
	// Type is events.IncidentOpened, IncidentClosed or IncidentChanged.
	Type     events.Type
	Incident Incident
}

// keepIncidents opens and closes incidents as a batch's verdicts say, in the batch's transaction and after its results are
// stored, and notes in its states which one is open. Mostly nothing changes: then it asks the database nothing.
func (s *Store) keepIncidents(ctx context.Context, db bun.IDB, out *judged) error {
	moved := movedIncidents(out.recorded)
	if len(moved) == 0 {
		return nil
	}
	k := incidentKeeper{now: s.clock(), moved: moved, open: map[int64]*incidentPart{}, mass: map[massKey]*Incident{}, former: map[formerKey]*incidentMonitor{}, seen: map[*incidentPart]bool{}}
	if err := k.load(ctx, db, out.recorded); err != nil {
		return fmt.Errorf("reading open incidents: %w", err)
	}
	for i := range out.recorded {
		if rec := &out.recorded[i]; moved[rec.Monitor.ID] {
			k.follow(rec)
		}
	}
	if err := k.collect(ctx, db); err != nil {
		return fmt.Errorf("reading an incident's checks: %w", err)
	}
	if err := k.save(ctx, db); err != nil {
		return fmt.Errorf("storing incidents: %w", err)
	}
	k.note(out)
	return nil
}

// movedIncidents are the monitors whose incident opens, ends or has something to remember; nil mostly.
func movedIncidents(recorded []Recorded) map[int64]bool {
	var moved map[int64]bool
	var open map[int64]IncidentType // of moved ones, after the results so far
	for i := range recorded {
		rec := &recorded[i]
		was, ok := open[rec.Monitor.ID]
		if !ok {
			was = rec.Before.IncidentType
		}
		wanted := wantedIncident(rec, was)
		if wanted == was && !forgetsFailed(rec, was) {
			continue
		}
		if moved == nil {
			moved, open = map[int64]bool{}, map[int64]IncidentType{}
		}
		moved[rec.Monitor.ID], open[rec.Monitor.ID] = true, wanted
	}
	return moved
}

// wantedIncident is which type of incident the monitor is to have open after a result, given the one that is open. It goes by
// what was measured: a check that could not be measured opens and ends nothing. In maintenance none opens, and one that is open
// ends only by recovery; while the verdict turns too often the one incident stays, and at most gets worse once.
func wantedIncident(rec *Recorded, open IncidentType) IncidentType {
	if rec.Result.Outcome == OutcomeUnknown {
		return open
	}
	wanted := IncidentNone
	switch rec.Monitor.State.Measured {
	case StateDown:
		wanted = IncidentDowntime
	case StateDegraded:
		wanted = IncidentDegraded
	}
	maintenance, flapping := rec.Monitor.Status == StatusMaintenance, !rec.Monitor.State.FlappingSince.IsZero()
	switch {
	case maintenance && (open == IncidentNone || wanted != IncidentNone):
		return open
	case flapping && open == IncidentDowntime, flapping && open == IncidentDegraded && wanted == IncidentNone:
		return open
	}
	return wanted
}

// failedInRow are the state's failed checks in a row that an incident of the type counts.
func failedInRow(st MonitorState, t IncidentType) int {
	if t == IncidentDowntime {
		return st.Failures
	}
	return max(0, st.DegradedInRow-st.Failures)
}

// forgetsFailed is true where the state's count begins anew with the result, and the incident must remember it.
func forgetsFailed(rec *Recorded, t IncidentType) bool {
	return t != IncidentNone && failedInRow(rec.Monitor.State, t) < failedInRow(rec.Before, t)
}
