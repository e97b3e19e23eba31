package handlers

import (
	"bufio"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// frames reads the events of a live stream, until it ends.
func (h *house) frames(credential string) <-chan [2]string {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), "GET", h.url+"/api/events", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+credential)
	resp, err := http.DefaultClient.Do(req) //nolint:bodyclose // closed by the goroutine that reads it
	if err != nil {
		h.t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		h.t.Fatalf("got %d %s, want a stream", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	out := make(chan [2]string, 100)
	go func() {
		defer close(out)
		defer func() { _ = resp.Body.Close() }()
		lines := bufio.NewScanner(resp.Body)
		event := ""
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				event = name
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				out <- [2]string{event, data}
			}
		}
	}()
	return out
}

func TestGoldenEvents(t *testing.T) {
	houses(t, func(h *house) {
		session, admin := h.session("admin@example.com"), h.token("admin@example.com")
		stream := h.frames(session)
		seen := map[string]string{}
		until := func(event, part string) {
			h.t.Helper()
			deadline := time.After(10 * time.Second)
			for seen[event] == "" || !strings.Contains(seen[event], part) {
				select {
				case f, ok := <-stream:
					if !ok {
						h.t.Fatalf("the stream ended before %s", event)
					}
					seen[f[0]] = f[1]
				case <-deadline:
					h.t.Fatalf("no %s came; got %v", event, seen)
				}
			}
		}
		until("sync", "")
		made := h.api(admin, "POST", "/api/icmp-monitors", `{"customerId":1,"name":"New","hostname":"127.0.0.1"}`)
		until("monitor.created", "")
		one := made.header.Get("Location")
		h.api(admin, "PATCH", one, `{"name":"Newer"}`)
		until("monitor.updated", "")
		h.record()
		until("monitor.state", "unknown") // the last of the four
		until("check", `"status":"unknown"`)
		until("counters", "")
		h.api(admin, "DELETE", one, "")
		until("monitor.deleted", "")
		if a := h.api(session, "POST", "/api/auth/logout", ""); a.status != 200 {
			h.t.Fatalf("got %d, want signed out", a.status)
		}
		until("bye", "")
		b := &book{h: h}
		numbers := regexp.MustCompile(`:\d+`)
		for _, event := range []string{"sync", "monitor.created", "monitor.updated", "monitor.state", "check", "counters", "monitor.deleted", "bye"} {
			data := steady(seen[event])
			if event == "counters" { // which moment they count is chance
				data = numbers.ReplaceAllString(data, ":N")
			}
			fmt.Fprintf(&b.text, "event: %s\ndata: %s\n\n", event, data)
		}
		b.close("events")
	})
}
