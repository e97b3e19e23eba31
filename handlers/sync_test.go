package handlers

import (
	"testing"
	"time"
)

// TestFirstSyncTellsWhenSomethingChanged: a page that was read after that need not read itself again.
func TestFirstSyncTellsWhenSomethingChanged(t *testing.T) {
	h := newHub(nil, nil, StreamCaps{})
	now := time.Now()
	if at := h.movedAt(1, true, now); at != h.started {
		t.Errorf("nothing changed: got %v, want the hub's start %v", at, h.started)
	}
	h.noteMove(1)
	if at := h.movedAt(1, true, now); at.Before(now) {
		t.Errorf("changed: got %v, want %v or later", at, now)
	}
	if at := h.movedAt(2, true, now); at != h.started {
		t.Errorf("another organization: got %v, want the hub's start", at)
	}
	if at := h.movedAt(1, false, now); at != now {
		t.Errorf("a program: got %v, want the present time", at)
	}
}
