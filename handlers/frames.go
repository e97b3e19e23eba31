package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/views"

	"github.com/a-h/templ"
)

// eventHead is what every JSON event begins with.
type eventHead struct {
	Type      string  `json:"type"`
	At        isoTime `json:"at"`
	MonitorID *string `json:"monitorId"`
}

// stateEvent is monitor.state.
type stateEvent struct {
	eventHead
	State models.State `json:"state"`
	Since isoTime      `json:"since"`
	Cause *string      `json:"cause"`
}

// checkEvent is check: the item of the check history.
type checkEvent struct {
	eventHead
	checkItem
}

// incidentEvent is incident.opened, incident.closed and incident.updated. MonitorID is null where the location was blind.
type incidentEvent struct {
	eventHead
	IncidentID   string              `json:"incidentId"`
	IncidentType models.IncidentType `json:"incidentType"`
	StartedAt    isoTime             `json:"startedAt"`
	ResolvedAt   isoTime             `json:"resolvedAt"`
	Cause        *string             `json:"cause"`
}

// countersEvent is counters.
type countersEvent struct {
	eventHead
	models.Counts
}

// encoder turns one batch of events into frames: each monitor is drawn once, however many audiences see it.
type encoder struct {
	batch    []events.Event
	location models.Location
	now      time.Time
	drawn    map[int64]string // live fragments by monitor
}

func newEncoder(batch []events.Event, l models.Location, now time.Time) *encoder {
	return &encoder{batch: batch, location: l, now: now, drawn: map[int64]string{}}
}

// frame is what the audience gets of the batch; empty where nothing of it is theirs.
func (e *encoder) frame(a *audience) []byte {
	var b bytes.Buffer
	last := map[int64]int{} // of a monitor's fragments only the newest are sent
	if a.html {
		for i, ev := range e.batch {
			if !strings.HasPrefix(string(ev.Type), "internal.") && !isIncident(ev.Type) { // those draw nothing of the monitor, so they make nothing older
				last[ev.MonitorID] = i
			}
		}
	}
	for i, ev := range e.batch {
		if a.monitor != 0 && a.monitor != ev.MonitorID {
			continue
		}
		if !a.by.Sees(ev.OrganizationID, ev.CustomerID) {
			if ev.FromCustomerID == 0 || !a.by.Sees(ev.OrganizationID, ev.FromCustomerID) {
				continue
			}
			if isIncident(ev.Type) {
				continue
			}
			ev = events.Event{Type: events.MonitorDeleted, At: ev.At, MonitorID: ev.MonitorID, PublicID: ev.PublicID} // for them it is gone
		}
		if a.html {
			e.writeHTML(&b, a, ev, last[ev.MonitorID] == i)
		} else {
			e.writeJSON(&b, ev)
		}
	}
	return b.Bytes()
}

func (e *encoder) writeJSON(b *bytes.Buffer, ev events.Event) {
	head := eventHead{Type: string(ev.Type), At: isoTime{ev.At}, MonitorID: &ev.PublicID}
	switch ev.Type {
	case events.MonitorCreated, events.MonitorUpdated, events.MonitorDeleted:
		writeJSONEvent(b, head.Type, head)
	case events.MonitorState:
		if r, ok := ev.Data.(models.Recorded); ok {
			st := r.Monitor.State
			writeJSONEvent(b, head.Type, stateEvent{head, st.State, isoTime{st.Since}, nonEmpty(string(st.Cause))})
		}
	case events.IncidentOpened, events.IncidentClosed, events.IncidentChanged:
		if change, ok := ev.Data.(models.IncidentChange); ok {
			if ev.MonitorID == 0 {
				head.MonitorID = nil
			}
			i := change.Incident
			told := incidentEvent{head, i.PublicID.String(), i.Type, isoTime{i.StartedAt}, isoTime{i.EndedAt}, nonEmpty(string(i.Cause))}
			if i.Mass {
				told.Cause = nil // it may be another customer's monitor's
			}
			writeJSONEvent(b, head.Type, told)
		}
	case events.Check:
		if r, ok := ev.Data.(models.Recorded); ok {
			writeJSONEvent(b, head.Type, checkEvent{head, newCheckItem(r.Result, e.location)})
		}
	}
}

func isIncident(t events.Type) bool {
	return t == events.IncidentOpened || t == events.IncidentClosed || t == events.IncidentChanged
}

// writeHTML tells the page of the same moment. newest is false where a later event of the batch draws the monitor again.
func (e *encoder) writeHTML(b *bytes.Buffer, a *audience, ev events.Event, newest bool) {
	switch ev.Type {
	case events.MonitorCreated:
		sse(b, "row.added", ev.PublicID)
	case events.MonitorUpdated:
		sse(b, "row.changed", ev.PublicID)
	case events.MonitorDeleted:
		sse(b, "row.removed", ev.PublicID)
	case events.IncidentOpened, events.IncidentClosed, events.IncidentChanged:
		if change, ok := ev.Data.(models.IncidentChange); ok {
			sse(b, "incident", change.Incident.PublicID.String())
		}
	case events.TraceTaken:
		if a.monitor != 0 { // lists show no paths
			sse(b, "row.changed", ev.PublicID)
		}
	case events.Check, events.MonitorState:
		r, ok := ev.Data.(models.Recorded)
		if !ok {
			return
		}
		if ev.Type == events.Check && a.monitor != 0 {
			sse(b, "check", render(views.CheckRow(views.Check{MonitorPublicID: ev.PublicID,
				ID: models.CheckID(r.Result.Monitor, r.Result.Slot, r.Result.Location).String(), Result: r.Result, Now: e.now})))
		}
		if newest {
			sse(b, "live", e.live(a, r.Monitor))
		}
	}
}

// live draws the monitor's fragments, once for lists and once for its own page.
func (e *encoder) live(a *audience, m models.MonitorRow) string {
	v := liveMonitor(m, e.now)
	if a.monitor != 0 {
		return render(views.MonitorPageLive(v))
	}
	html, ok := e.drawn[m.ID]
	if !ok {
		html = render(views.MonitorLive(v))
		e.drawn[m.ID] = html
	}
	return html
}

// render draws a component that can not fail but by a fault of ours: then it panics, and the hub tells of it.
func render(component templ.Component) string {
	var b bytes.Buffer
	if err := component.Render(context.Background(), &b); err != nil {
		panic(fmt.Errorf("drawing a live fragment: %w", err))
	}
	return b.String()
}

// writeJSONEvent panics like render.
func writeJSONEvent(b *bytes.Buffer, event string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("encoding the event %s: %w", event, err))
	}
	sse(b, event, string(data))
}

func plainFrame(event string, html bool, at time.Time) []byte {
	var b bytes.Buffer
	if html {
		sse(&b, event, at.UTC().Format(isoLayout))
	} else {
		writeJSONEvent(&b, event, eventHead{Type: event, At: isoTime{at}})
	}
	return b.Bytes()
}

// syncFrame begins every stream, and says whenever something was missed: read again.
func syncFrame(html bool, at time.Time) []byte { return plainFrame("sync", html, at) }

func byeFrame(html bool, at time.Time) []byte { return plainFrame("bye", html, at) }

// pingFrame is a comment; a page can not see those, so it gets an event beside it.
func pingFrame(html bool) []byte {
	if html {
		return []byte(": ping\n\nevent: ping\ndata: 1\n\n")
	}
	return []byte(": ping\n\n")
}

func countersFrame(html bool, counts models.Counts, now time.Time) []byte {
	var b bytes.Buffer
	if html {
		sse(&b, "counters", render(views.CountersLive(counters(counts, now)))+render(views.OpenIncidents(counts.OpenIncidents)))
	} else {
		writeJSONEvent(&b, "counters", countersEvent{eventHead{Type: "counters", At: isoTime{now}}, counts})
	}
	return b.Bytes()
}

// liveMonitor is what moves of a monitor, as views draw it.
func liveMonitor(m models.MonitorRow, now time.Time) views.LiveMonitor {
	return views.NewLiveMonitor(m.PublicID.String(), m.Status, m.Config.Rule().Confirmations, m.State, now)
}

func counters(c models.Counts, now time.Time) views.Counters {
	return views.Counters{Up: c.Up, Degraded: c.Degraded, Down: c.Down, Unknown: c.Unknown, Paused: c.Paused, Pending: c.Pending,
		Maintenance: c.Maintenance, DownSince: c.DownSince, Now: now}
}
