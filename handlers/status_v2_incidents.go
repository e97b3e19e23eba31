package handlers

import (
	"slices"
	"time"

	"echolot/models"

	"github.com/google/uuid"
)

// v2Incident is an incident or maintenance.
type v2Incident struct {
	ID           uuid.UUID     `json:"id"`
	Name         string        `json:"name"`
	Status       string        `json:"status"`
	CreatedAt    isoTime       `json:"created_at"`
	UpdatedAt    isoTime       `json:"updated_at"`
	MonitoringAt isoTime       `json:"monitoring_at"`
	ResolvedAt   isoTime       `json:"resolved_at"`
	Impact       string        `json:"impact"`
	Shortlink    string        `json:"shortlink"`
	StartedAt    isoTime       `json:"started_at"`
	PageID       uuid.UUID     `json:"page_id"`
	Updates      []v2Update    `json:"incident_updates"`
	Components   []v2Component `json:"components"`
	// Of maintenance alone.
	ScheduledFor   *isoTime `json:"scheduled_for,omitempty"`
	ScheduledUntil *isoTime `json:"scheduled_until,omitempty"`
}

// v2Update is one thing that was told. Body is plain text, without Markdown or tags: only <, > and & are
// written as HTML writes them, so that it is safe for readers who put it into a page.
type v2Update struct {
	ID         uuid.UUID `json:"id"`
	Status     string    `json:"status"`
	Body       string    `json:"body"`
	IncidentID uuid.UUID `json:"incident_id"`
	CreatedAt  isoTime   `json:"created_at"`
	UpdatedAt  isoTime   `json:"updated_at"`
	DisplayAt  isoTime   `json:"display_at"`
}

// incidents are the notices of the kind, newest first as they stand in each list.
func (b v2) incidents(kind models.StatusKind, lists ...[]models.StatusNotice) []v2Incident {
	out := []v2Incident{}
	for _, n := range ofKind(kind, lists) {
		out = append(out, b.incident(n))
	}
	return out
}

// newest are the notices of the kind that changed last, the newest change first.
func (b v2) newest(kind models.StatusKind, lists ...[]models.StatusNotice) []v2Incident {
	return b.incidents(kind, lastChanged(ofKind(kind, lists)))
}

func ofKind(kind models.StatusKind, lists [][]models.StatusNotice) []models.StatusNotice {
	return slices.DeleteFunc(slices.Concat(lists...), func(n models.StatusNotice) bool { return n.Kind != kind })
}

func (b v2) incident(n models.StatusNotice) v2Incident {
	i := v2Incident{ID: n.ID, Name: b.view.NoticeTitle(n), Status: noticeState(n), CreatedAt: isoTime{n.CreatedAt}, UpdatedAt: isoTime{n.UpdatedAt},
		StartedAt: isoTime{n.StartsAt}, PageID: b.pageID, Shortlink: b.s.noticeAddress(b.page, n), Updates: []v2Update{}, Components: []v2Component{}}
	if n.Kind == models.KindIncident && n.StartsAt.Before(n.CreatedAt) {
		i.CreatedAt = isoTime{n.StartsAt} // told afterwards: readers count from here how long it took
	}
	switch {
	case n.Kind == models.KindMaintenance:
		i.Impact = "maintenance"
		i.ScheduledFor, i.ScheduledUntil = &isoTime{n.StartsAt}, &isoTime{n.EndsAt}
		if n.Cancelled {
			i.ScheduledFor, i.ScheduledUntil = &isoTime{n.PlannedFrom}, &isoTime{n.PlannedTo}
		}
	case n.Type == models.IncidentDowntime:
		i.Impact = "major"
	default:
		i.Impact = "minor"
	}
	if i.Status == string(models.PostResolved) || i.Status == string(models.PostCompleted) {
		i.ResolvedAt = isoTime{n.EndsAt}
	}
	for k, u := range n.Updates {
		if u.State == models.PostMonitoring {
			i.MonitoringAt = isoTime{u.At} // the first one, since the newest come first
		}
		at := isoTime{u.At}
		status := string(u.State)
		if status == "" {
			status = i.Status
		}
		i.Updates = append(i.Updates, v2Update{ID: updateID(n, k), Status: status, Body: b.md.Plain(u.Body), IncidentID: n.ID, CreatedAt: at, UpdatedAt: at, DisplayAt: at})
	}
	var places []int
	for _, name := range n.Components {
		places = append(places, b.places[name]...)
	}
	slices.Sort(places)
	for _, at := range slices.Compact(places) {
		i.Components = append(i.Components, b.all[at])
	}
	return i
}

// noticeState is how far a notice is. A measured incident, which nobody told of, is investigated until it is over.
func noticeState(n models.StatusNotice) string {
	switch {
	case n.State != "":
		return string(n.State)
	case n.Kind == models.KindMaintenance:
		return string(models.PostScheduled)
	case !n.EndsAt.IsZero():
		return string(models.PostResolved)
	default:
		return string(models.PostInvestigating)
	}
}

// updateID names the k-th update of a notice, counted from the newest: by its moment, and its place among those of the same moment.
func updateID(n models.StatusNotice, k int) uuid.UUID {
	u := n.Updates[k]
	same := byte(0)
	for _, before := range n.Updates[k+1:] {
		if before.At.Equal(u.At) {
			same++
		}
	}
	return uuid.NewSHA1(n.ID, append([]byte(u.At.UTC().Format(time.RFC3339Nano)), same))
}
