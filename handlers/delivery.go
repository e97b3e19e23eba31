package handlers

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"echolot/models"
	"echolot/models/events"
)

// deliver gathers events for a tick and hands them out; while nothing happens it sleeps. A panic in drawing a batch costs
// the audience that it was drawn for that batch.
func (h *hub) deliver(sub *events.Subscription) {
	defer func() { sub.Close() }()
	var (
		batch   []events.Event
		dirty   = map[int64]bool{} // organizations whose counters may have changed
		counted time.Time
		tick    <-chan time.Time
	)
	for {
		select {
		case <-h.quit:
			return
		case e, ok := <-sub.C:
			switch {
			case !ok:
				select {
				case <-h.quit:
					return
				case <-time.After(hubTick): // the bus may be closed for good
				}
				sub = h.store.Bus().Subscribe(busLag)
				h.safely(h.resync)
				continue
			case e.Type == events.AccessChanged:
				h.accessChanged(e.OrganizationID)
				continue
			case e.Type != events.Check:
				h.noteMove(e.OrganizationID)
				dirty[e.OrganizationID] = true
			}
			batch = append(batch, e)
			if tick == nil {
				tick = time.After(hubTick)
			}
		case now := <-tick:
			tick = nil
			h.safely(func() { h.send(batch) })
			batch = batch[:0]
			if len(dirty) == 0 {
				continue
			}
			if now.Sub(counted) < countersEvery {
				tick = time.After(hubTick) // not longer: checks must not wait for counters
				continue
			}
			h.safely(func() { h.sendCounters(dirty) })
			counted = now
			clear(dirty)
		}
	}
}

func (h *hub) safely(f func()) {
	defer func() {
		if p := recover(); p != nil {
			h.log.Error("panic while drawing live events", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	f()
}

// audience are the clients that see the same: each of them gets the same bytes.
type audience struct {
	by      models.Actor
	html    bool
	monitor int64
	clients []*client
}

func (h *hub) audiences() map[string]*audience {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[string]*audience{}
	for c := range h.clients {
		if c.feed != nil {
			continue // has its own
		}
		key := fmt.Sprint(c.by.OrganizationID, c.by.Limited, c.by.CustomerIDs, c.html, c.monitor)
		a := all[key]
		if a == nil {
			a = &audience{by: c.by, html: c.html, monitor: c.monitor}
			all[key] = a
		}
		a.clients = append(a.clients, c)
	}
	return all
}

func (h *hub) send(batch []events.Event) {
	all := h.audiences()
	if len(all) == 0 || len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTime)
	defer cancel()
	location, err := h.store.Location(ctx)
	if err != nil {
		h.log.Warn("live events without the location's name", slog.Any("error", err))
	}
	enc := newEncoder(batch, location, time.Now())
	for _, a := range all {
		h.safely(func() {
			if frame := enc.frame(a); len(frame) > 0 {
				h.hand(a.clients, frame)
			}
		})
	}
}

// sendCounters tells each audience its own numbers.
func (h *hub) sendCounters(organizations map[int64]bool) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTime)
	defer cancel()
	for _, a := range h.audiences() {
		if a.monitor != 0 || !organizations[a.by.OrganizationID] {
			continue
		}
		counts, err := h.store.Counts(ctx, a.by)
		if err != nil {
			h.log.Warn("counting for live streams", slog.Any("error", err))
			continue
		}
		h.safely(func() { h.hand(a.clients, countersFrame(a.html, counts, time.Now())) })
	}
}

// hand queues a frame and cuts off who lags too far behind.
func (h *hub) hand(clients []*client, frame []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range clients {
		if _, in := h.clients[c]; !in {
			continue
		}
		select {
		case c.frames <- frame:
		default:
			h.drop(c)
		}
	}
}

// resync tells everybody that something was missed.
func (h *hub) resync() {
	for _, a := range h.audiences() {
		h.hand(a.clients, syncFrame(a.html, time.Now()))
	}
}
