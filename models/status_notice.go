package models

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// notice is a StatusNotice in the making.
type notice struct {
	StatusNotice
	// post is the internal number of the operator's; 0 = there is none.
	post     int64
	incident int64
	hidden   bool
	remind   time.Duration
	monitors []int64
	// announced is when visitors could first read that maintenance is of a monitor.
	announced map[int64]time.Time
	// parts are what was measured.
	parts []noticePart
}

// noticePart is a monitor's part in a measured incident.
type noticePart struct {
	IncidentID, MonitorID int64
	PublicID              uuid.UUID
	Type                  IncidentType
	StartedAt             time.Time
	EndedAt               time.Time `bun:",nullzero"`
}

// over is true for what has ended.
func (n StatusNotice) over(now time.Time) bool { return !n.EndsAt.IsZero() && !n.EndsAt.After(now) }

// settle makes the notice's times and state follow from what was measured and told, as they are now.
func (n *notice) settle(now time.Time) {
	if n.Kind == KindMaintenance {
		n.settleMaintenance(now)
	}
	if len(n.parts) == 0 {
		return
	}
	n.Type = n.parts[0].Type
	n.StartsAt, n.EndsAt = n.parts[0].StartedAt.UTC(), n.parts[0].EndedAt.UTC()
	open, fresh := false, len(n.monitors) == 0
	for _, part := range n.parts {
		if part.StartedAt.Before(n.StartsAt) {
			n.StartsAt = part.StartedAt.UTC()
		}
		if open = open || part.EndedAt.IsZero(); part.EndedAt.After(n.EndsAt) {
			n.EndsAt = part.EndedAt.UTC()
		}
		n.UpdatedAt = later(n.UpdatedAt, later(part.StartedAt, part.EndedAt)).UTC()
		if fresh {
			n.monitors = append(n.monitors, part.MonitorID)
		}
	}
	if n.CreatedAt.IsZero() { // nobody told of it but the measuring
		n.CreatedAt = n.StartsAt
	}
	switch {
	case open:
		n.EndsAt = time.Time{}
		if n.State == PostResolved { // what was told is not what is measured
			n.State = PostMonitoring
		}
	default:
		n.State = PostResolved
	}
}

// settleMaintenance: people may begin and end it early by saying so, and call it off before it begins; else the clock does.
func (n *notice) settleMaintenance(now time.Time) {
	var completed time.Time
	run := true                   // of completed, up to the newest
	for _, u := range n.Updates { // newest first
		if run = run && (u.State == PostCompleted || u.State == ""); run && u.State != "" {
			completed = u.At
		}
		if u.State == PostInProgress && u.At.Before(n.StartsAt) {
			n.StartsAt = u.At
		}
	}
	switch {
	case completed.IsZero() || !completed.Before(n.EndsAt):
	case completed.After(n.StartsAt):
		n.EndsAt = completed
	default:
		n.Cancelled, n.PlannedFrom, n.PlannedTo = true, n.StartsAt, n.EndsAt
		n.StartsAt, n.EndsAt = completed, completed
	}
	switch {
	case now.Before(n.StartsAt):
		n.State = PostScheduled
	case now.Before(n.EndsAt):
		n.State = PostInProgress
	default:
		n.State = PostCompleted
	}
}

// unstable makes out whether it is open although all of it that is not over is up.
func (n *notice) unstable(components map[int64]StatusComponent) {
	var names []string
	var since time.Time
	for _, part := range n.parts {
		if !part.EndedAt.IsZero() {
			continue
		}
		c, shown := components[part.MonitorID]
		if !shown || c.State != StateUp {
			return
		}
		names, since = append(names, c.Name), later(since, c.Since)
	}
	n.Unstable, n.UpSince = names, since
}

// notWorkedOn leaves out the parts that fell into announced maintenance of their monitor: they were announced. What went on after its
// end is told.
func notWorkedOn(parts []noticePart, work workSpans, now time.Time) []noticePart {
	return slices.DeleteFunc(slices.Clone(parts), func(part noticePart) bool { return work.holds(part, now) })
}
