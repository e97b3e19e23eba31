package events_test

import (
	"testing"

	"echolot/models/events"
)

// A subscriber is told, and cut off for, only what it asked for.
func TestSubscribeToTypes(t *testing.T) {
	bus := events.New()
	some, all := bus.Subscribe(1, events.MonitorCreated, events.MonitorDeleted), bus.Subscribe(4)
	bus.Publish(events.Event{Type: events.Check}, events.Event{Type: events.Check}, events.Event{Type: events.MonitorDeleted}, events.Event{Type: events.Check})
	if len(some.C) != 1 || len(all.C) != 4 || some.Sent() != 1 || all.Sent() != 4 {
		t.Fatalf("got %d of %d and %d of %d events, want 1 and all 4", len(some.C), some.Sent(), len(all.C), all.Sent())
	}
	if e, ok := <-some.C; !ok || e.Type != events.MonitorDeleted {
		t.Errorf("got %+v, open is %v, want the deletion", e, ok)
	}
	bus.Publish(events.Event{Type: events.MonitorCreated}, events.Event{Type: events.MonitorCreated})
	<-some.C
	if e, ok := <-some.C; ok {
		t.Errorf("got %+v, want the one that falls behind cut off", e)
	}
}
