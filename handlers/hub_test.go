package handlers

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/models/modelstest"
)

// joined lets a client into the hub that is counted each time somebody asks who is behind it.
func joined(t testing.TB, h *hub, by models.Actor, asked chan<- models.Actor) *client {
	t.Helper()
	c := &client{by: by, again: func(context.Context) (models.Actor, error) {
		asked <- by
		return by, nil
	}}
	if err := h.join(c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestAccessChangeLooksAtItsOrganization: a sign-out somewhere must not ask the database about every stream there is.
func TestAccessChangeLooksAtItsOrganization(t *testing.T) {
	h := liteHouse(t)
	h.request("GET", "/healthz", "") // once it answers, its hub listens
	asked := make(chan models.Actor, 10)
	for _, by := range []models.Actor{{UserID: 1, HomeID: 1, OrganizationID: 1}, {UserID: 2, HomeID: 1, OrganizationID: 2}, {UserID: 3, HomeID: 3, OrganizationID: 3}} {
		c := joined(t, h.s.hub, by, asked)
		defer h.s.hub.leave(c)
		h.s.hub.mu.Lock()
		c.checked = time.Now().Add(time.Hour) // so that nothing but a change makes it due
		h.s.hub.mu.Unlock()
	}
	seen := map[int64]int{}
	for _, organization := range []int64{2, 1, 3} {
		h.store.Bus().Publish(events.Event{Type: events.AccessChanged, At: time.Now(), OrganizationID: organization})
		for range map[int64]int{1: 2, 2: 1, 3: 1}[organization] {
			select {
			case by := <-asked:
				seen[by.UserID]++
			case <-time.After(20 * time.Second):
				t.Fatalf("access changed in organization %d: nobody looked in 20 s; so far %v", organization, seen)
			}
		}
	}
	if len(asked) > 0 || seen[1] != 1 || seen[2] != 2 || seen[3] != 1 {
		t.Errorf("got %v and %d more, want user 1 looked up once, user 2 (at home in 1, looking at 2) twice, user 3 once", seen, len(asked))
	}
}

// TestCapsCountEveryWayOut: a stream that ends makes room, however it ends.
func TestCapsCountEveryWayOut(t *testing.T) {
	h := newHub(modelstest.Open(t, modelstest.SQLite(t)), slog.New(slog.DiscardHandler), StreamCaps{Total: 2, PerUser: 1, PerOrganization: 2, PerAddress: 2})
	by := models.Actor{UserID: 1, HomeID: 1, OrganizationID: 1, Address: "192.0.2.1"}
	for name, end := range map[string]func(c *client){
		"the client went":    func(c *client) {},
		"its access is gone": func(c *client) { c.again = unauthorized; h.look(c) },
		"it lagged too far": func(c *client) {
			for range clientQueue + 1 {
				h.hand([]*client{c}, []byte("x"))
			}
		},
	} {
		for round := range 3 {
			c := joined(t, h, by, nil)
			if err := h.join(&client{by: by}); err == nil {
				t.Fatalf("%s: a second stream of the user was let in", name)
			}
			end(c)
			h.leave(c)
			if err := h.join(&client{by: by}); err != nil {
				t.Fatalf("%s, round %d: got %v, want room again", name, round, err)
			}
			for _, c := range h.all() {
				h.leave(c)
			}
		}
	}
	if len(h.counted) > 0 {
		t.Errorf("got %v still counted, want nothing", h.counted)
	}
}

func unauthorized(context.Context) (models.Actor, error) {
	return models.Actor{}, fmt.Errorf("looking: %w", models.ErrUnauthorized)
}
