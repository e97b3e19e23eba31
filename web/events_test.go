package main

import (
	"bufio"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// told is what a live stream has told so far.
type told struct {
	t  *testing.T
	mu sync.Mutex
	// events are the data by type, in order.
	events map[string][]string
	ended  chan struct{} // closed when the stream has ended
}

// watchEvents opens a live stream, and returns when it tells.
func watchEvents(t *testing.T, p *program, token string) *told {
	t.Helper()
	w := &told{t: t, events: map[string][]string{}, ended: make(chan struct{})}
	r, err := http.NewRequestWithContext(t.Context(), "GET", p.url+"/api/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("got %v, %v, want a stream", resp, err)
	}
	go func() {
		defer close(w.ended)
		defer resp.Body.Close()
		lines, event := bufio.NewScanner(resp.Body), ""
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				event = name
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				w.mu.Lock()
				w.events[event] = append(w.events[event], data)
				w.mu.Unlock()
			}
		}
	}()
	w.wait("sync")
	return w
}

// count is how many events of the type were told.
func (w *told) count(event string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.events[event])
}

// wait waits for an event of the type.
func (w *told) wait(event string) {
	w.t.Helper()
	eventually(w.t, "the event "+event, func() (bool, string) { return w.count(event) > 0, "nothing" })
}

// forget forgets what was told.
func (w *told) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.events)
}
