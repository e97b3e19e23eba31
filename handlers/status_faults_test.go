package handlers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/models/modelstest"
)

// soon waits until something is true that happens by itself.
func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("%s did not come about", what)
		case <-tick.C:
		}
	}
}

// TestStatusDatabaseAway: with a database that hangs, then is gone, the page stays and says how old it is, to those who have it open
// too; once the database is back it is as ever. A page that nobody asked for before has nothing to show.
func TestStatusDatabaseAway(t *testing.T) {
	server := modelstest.OwnPostgres(t)
	h := newHouse(t, modelstest.Open(t, server.URL()))
	h.s.status.maxAge, h.s.status.staleAge = 200*time.Millisecond, 600*time.Millisecond
	h.statusPage("page")
	h.statusPage("other")
	const words = "Newer measurements can not be read at the moment."
	if a := h.request("GET", "/status/page", ""); a.status != 200 || strings.Contains(a.body, words) {
		t.Fatalf("got %d %s, want the page as it is", a.status, a.body)
	}
	v := h.visitor(t, "page", "?lang=de")
	v.until("sync", "")
	server.Freeze(t)
	fastest := time.Hour
	soon(t, "a page that says how old it is", func() bool {
		begin := time.Now()
		a := h.request("GET", "/status/page", "")
		if took := time.Since(begin); a.status != 200 || took > 2*time.Second {
			t.Fatalf("got %d after %v, want the page", a.status, took)
		} else {
			fastest = min(fastest, took)
		}
		return strings.Contains(a.body, words) && strings.Contains(a.body, "Gateway")
	})
	if fastest > 400*time.Millisecond {
		t.Errorf("the fastest answer took %v, want one that waits for nothing", fastest)
	}
	v.until("parts", "Neuere Messungen sind im Moment nicht lesbar.")
	h.visitor(t, "page", "").until("sync", "")
	if a := h.request("GET", "/status/other", ""); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("a page that was never read: got %d, want 503 with Retry-After", a.status)
	}
	server.Stop(t)
	if a := h.request("GET", "/status/page", ""); a.status != 200 || !strings.Contains(a.body, words) {
		t.Errorf("no server: got %d, want the page", a.status)
	}
	server.Start(t)
	soon(t, "a page that is new again", func() bool { return !strings.Contains(h.request("GET", "/status/page", "").body, words) })
	v.until("parts", `id="status-stale" class="note" role="status" hidden`)
	if a := h.request("GET", "/status/other", ""); a.status != 200 {
		t.Errorf("the other page: got %d, want 200", a.status)
	}
}

// TestStatusIncidentGrowsOlder: a page on which nothing changes but the clock says how long an incident lasts all the same, and sends
// nothing for it.
func TestStatusIncidentGrowsOlder(t *testing.T) {
	h := liteHouse(t)
	h.s.status.maxAge = 200 * time.Millisecond
	page := h.statusPage("page")
	begun := time.Now().Add(-56 * time.Second).UTC().Format(time.RFC3339)
	if _, err := h.store.CreateStatusPost(t.Context(), h.organization, page.PublicID, object(t, `{"kind":"incident","title":"Line","body":"x","startsAt":"`+begun+`","at":"`+begun+`"}`)); err != nil {
		t.Fatal(err)
	}
	first := h.request("GET", "/status/page", "").page(t)
	if lasts := first.Find("[data-since]"); lasts.Length() != 1 || lasts.Text() != "" {
		t.Fatalf("got %q in the first minute, want nothing", lasts.Text())
	}
	soon(t, "the first minute", func() bool {
		now := h.request("GET", "/status/page", "").page(t)
		if a, b := first.Find("main").AttrOr("data-version", ""), now.Find("main").AttrOr("data-version", ""); a != b {
			t.Fatalf("got the versions %s and %s, want the same", a, b)
		}
		return now.Find("[data-since]").Text() == ", 1\u00a0min"
	})
}

// TestStatusRestartIsSpread: visitors are told bye, and to come back over ten seconds.
func TestStatusRestartIsSpread(t *testing.T) {
	const visitors = 200
	h := liteHouse(t)
	h.statusPage("page")
	addr := strings.TrimPrefix(h.url, "http://")
	var readers []*bufio.Reader
	perTwoSeconds := map[int]int{}
	for range visitors {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		fmt.Fprintf(conn, "GET /status/page/events HTTP/1.1\r\nHost: %s\r\n\r\n", addr)
		r := bufio.NewReader(conn)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if text, ok := strings.CutPrefix(line, "retry: "); ok {
				ms, err := strconv.Atoi(strings.TrimSpace(text))
				if err != nil || ms < 2000 || ms >= 12000 {
					t.Fatalf("got retry %q, want 2000 to 11999", text)
				}
				perTwoSeconds[ms/2000]++
				break
			}
		}
		readers = append(readers, r)
	}
	for i := 1; i <= 5; i++ {
		if n := perTwoSeconds[i]; n < visitors/12 {
			t.Errorf("%d of %d come back in the seconds from %d on, want about a fifth: %v", n, visitors, 2*i, perTwoSeconds)
		}
	}
	go h.s.status.close(context.Background())
	for _, r := range readers {
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatalf("got %v before bye", err)
			}
			if line == "event: bye\n" {
				break
			}
		}
	}
	if a := h.request("GET", "/status/page/events", ""); a.status != 503 {
		t.Errorf("while it stops: got %d, want 503", a.status)
	}
}

// TestStatusSlowVisitor: who reads nothing is cut off, and keeps nobody else from the updates.
func TestStatusSlowVisitor(t *testing.T) {
	h := liteHouse(t)
	page := h.statusPage("page")
	s, key := h.s.status, viewKey{language: "en", base: "/status/page"}
	join := func(again func(context.Context) (models.Actor, error)) *client {
		c := &client{by: models.Actor{Address: "127.0.0.1"}, again: again}
		if err := s.join(t.Context(), page, key, c, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.leave(c) })
		return c
	}
	stuck, quick := join(nil), join(nil)
	var got int
	s.mu.Lock()
	for range 2 * visitorQueue {
		s.hand(stuck.visits.view, []byte("x"))
		for len(quick.frames) > 0 {
			<-quick.frames
			got++
		}
	}
	s.mu.Unlock()
	if got != 1+2*visitorQueue {
		t.Errorf("the other visitor got %d, want sync and all %d", got, 2*visitorQueue)
	}
	for range stuck.frames { // what was handed over, then the end
	}
	if n := h.s.hub.visitors.Load(); n != 1 {
		t.Errorf("got %d visitors counted, want 1", n)
	}

	// Whose access may have ended is asked for again, and goes where it did.
	out := join(func(context.Context) (models.Actor, error) { return models.Actor{}, models.ErrUnauthorized })
	stays := join(func(context.Context) (models.Actor, error) { return models.Actor{}, errors.New("no answer") })
	h.store.Bus().Publish(events.Event{Type: events.AccessChanged, OrganizationID: 1})
	frames := ""
	for frame := range out.frames {
		frames += string(frame)
	}
	if !strings.Contains(frames, "event: bye\n") {
		t.Errorf("got %q, want bye at the end", frames)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, in := stays.visits.view.visitors[stays]; !in {
		t.Error("a visitor was sent away because nobody knew whether that is right")
	}
}
