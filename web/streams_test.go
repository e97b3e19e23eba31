package main

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
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
	resp, err := http.DefaultTransport.RoundTrip(r) //nolint:bodyclose // the goroutine below closes it when the stream ends
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

// streams opens live streams and counts those that ended with a word.
type streams struct {
	opened   sync.WaitGroup
	byes     atomic.Int64
	finished sync.WaitGroup
}

func openStreams(t *testing.T, p *program, token string, count int) *streams {
	t.Helper()
	s := &streams{}
	s.opened.Add(count)
	for range count {
		s.finished.Go(func() {
			said := ""
			defer func() {
				if said == "" {
					s.opened.Done()
				}
			}()
			r, err := http.NewRequestWithContext(t.Context(), "GET", p.url+"/api/events", nil)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer "+token)
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil || resp.StatusCode != 200 {
				t.Errorf("got %v, %v, want a stream", resp, err)
				return
			}
			defer resp.Body.Close()
			lines := bufio.NewScanner(resp.Body)
			for lines.Scan() {
				name, ok := strings.CutPrefix(lines.Text(), "event: ")
				if !ok {
					continue
				}
				if said == "" {
					s.opened.Done()
				}
				said = name
			}
			if said == "bye" {
				s.byes.Add(1)
			}
		})
	}
	s.opened.Wait()
	return s
}

// testLostStream takes the server away and gives it back: the page says so, comes back by itself and has what it missed.
func testLostStream(t *testing.T, b *browser) {
	dir := t.TempDir()
	server, by, p := signedIn(t, b, "ECHOLOT_DATA_DIR="+dir)
	id := server.addMonitor(by.token, "Before", "127.0.0.11", 1)
	p.goTo(server.url + "/monitors")
	p.until("live", `document.querySelector("[data-live-word]").textContent === "live" && `+kindOf(id, "Up"))
	p.mark()
	p.expect(`ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET`)
	server.stop()
	p.until("the word that it is lost", `document.querySelector("[data-live-word]").textContent === "connection lost" && document.querySelector("#live.lost")`)

	// What happens while nobody looks is in the list when the stream is back.
	settings := []string{"ECHOLOT_DATA_DIR=" + dir, "ECHOLOT_LISTEN=" + strings.TrimPrefix(server.url, "http://")}
	again := serve(t, settings...)
	later := again.addMonitor(by.token, "Later", "127.0.0.12", 3600)
	p.until("live again, with the new row", fmt.Sprintf(`document.querySelector("[data-live-word]").textContent === "live" && document.getElementById("m-%s")`, later))
	p.until("both up", kindOf(id, "Up")+" && "+kindOf(later, "Up"))
	p.movesTwice(fmt.Sprintf(`document.querySelector("#m-%s [data-testid=rtt]")?.textContent`, id))

	// The same where the program had no time for a word.
	again.signal(syscall.SIGKILL)
	again.wait(patience)
	p.until("the word that it is lost", `document.querySelector("[data-live-word]").textContent === "connection lost"`)
	third := serve(t, settings...)
	p.until("live again", `document.querySelector("[data-live-word]").textContent === "live"`)
	p.movesTwice(fmt.Sprintf(`document.querySelector("#m-%s [data-testid=rtt]")?.textContent`, id))
	third.stop()
}
