package handlers

import (
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// TestOpenStreamIsNoUseOfItsSession: a forgotten tab is looked at every 30 s and must not keep its session from the end
// after 12 h without a request.
func TestOpenStreamIsNoUseOfItsSession(t *testing.T) {
	start := time.Now()
	var later atomic.Int64
	clock := func() time.Time { return start.Add(time.Duration(later.Load())) }
	modelstest.Stores(t, func(t *testing.T, store *models.Store) {
		later.Store(0)
		h := newHouse(t, store)
		session := h.session("admin@example.com")
		w := h.watch("a forgotten tab", session, "/events")
		look := func(after time.Duration) {
			later.Store(int64(after))
			for _, c := range h.s.hub.all() {
				h.s.hub.look(c)
			}
		}
		look(6 * time.Hour)
		look(12*time.Hour - time.Second)
		if n := len(h.s.hub.all()); n != 1 {
			t.Fatalf("before 12 h: got %d open streams, want 1", n)
		}
		look(12*time.Hour + time.Second)
		w.wantBye(t)
		if a := h.api(session, "GET", "/api/auth/me", ""); a.status != http.StatusUnauthorized {
			t.Errorf("got %d, want 401: nobody used the session for 12 h", a.status)
		}
	}, func(o *models.Options) { o.Now = clock })
}

// all are the clients that the hub knows.
func (h *hub) all() []*client {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.clients))
}
