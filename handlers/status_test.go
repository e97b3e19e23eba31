package handlers

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/models/modelstest"

	"github.com/gofiber/fiber/v2"
)

// statusPage makes a page of the first customer's that everybody may see.
func (h *house) statusPage(slug string) models.StatusPage {
	h.t.Helper()
	p, err := h.store.CreateStatusPage(context.Background(), h.organization, object(h.t, `{"customerId":1,"name":"Page","slug":"`+slug+`","isPublished":true}`))
	if err != nil {
		h.t.Fatal(err)
	}
	h.statusChanged(slug)
	return p
}

// statusChanged tells what models tell after a change.
func (h *house) statusChanged(slug string) {
	h.store.Bus().Publish(events.Event{Type: events.StatusPageChanged, OrganizationID: 1, CustomerID: 1, At: time.Now(), Data: slug})
}

// changeStatus changes the page's row.
func (h *house) changeStatus(slug, set string) {
	h.t.Helper()
	url := modelstest.URL(h.t, h.store)
	db := modelstest.Connect(h.t, url)
	if !modelstest.IsPostgres(url) { // there the kit only reads
		var err error
		if db, err = sql.Open("sqlite", "file:"+url+"?_pragma=busy_timeout(5000)"); err != nil {
			h.t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
	}
	if _, err := db.ExecContext(h.t.Context(), "UPDATE status_pages SET "+set+" WHERE slug = '"+slug+"'"); err != nil {
		h.t.Fatal(err)
	}
	h.statusChanged(slug)
}

// visit is one visitor's stream.
type visit struct {
	t      *testing.T
	status int
	header http.Header
	lines  *bufio.Scanner
}

// visit opens a page's stream; query is what stands behind its address.
func (h *house) visitor(t *testing.T, slug, query string) *visit {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", h.url+"/status/"+slug+"/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return &visit{t: t, status: resp.StatusCode, header: resp.Header, lines: bufio.NewScanner(resp.Body)}
}

// next is the next event: its id, name and data. Name is empty where the stream ended.
func (v *visit) next() (id, name, data string) {
	for v.lines.Scan() {
		line := v.lines.Text()
		field, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && name != "" && name != "ping":
			return id, name, data
		case field == "id":
			id = value
		case field == "event":
			name, data = value, ""
		case field == "data":
			data += value
		}
	}
	return "", "", ""
}

// until reads up to an event of the name that has the text.
func (v *visit) until(name, text string) (id, data string) {
	v.t.Helper()
	for {
		id, got, data := v.next()
		if got == "" {
			v.t.Fatalf("the stream ended before %s with %q", name, text)
		}
		if got == name && strings.Contains(data, text) {
			return id, data
		}
	}
}

// TestStatusVisitorsCostNoQueries: many visitors get one drawing, whatever form of it they take.
func TestStatusVisitorsCostNoQueries(t *testing.T) {
	houses(t, func(h *house) {
		h.statusPage("page")
		first := h.request("GET", "/status/page", "", "Accept-Encoding", "identity")
		if first.status != 200 || !strings.Contains(first.body, "Gateway") {
			t.Fatalf("got %d %s, want the page with its monitor", first.status, first.body)
		}
		etags := map[string]bool{first.header.Get("ETag"): true}
		before := h.store.Queries()
		for i := range 100 {
			coding := []string{"identity", "gzip", "br"}[i%3]
			a := h.request("GET", "/status/page", "", "Accept-Encoding", coding)
			if got := a.header.Get("Content-Encoding"); a.status != 200 || got != coding && coding != "identity" {
				t.Fatalf("got %d in %q, want 200 in %q", a.status, got, coding)
			}
			etags[a.header.Get("ETag")] = true
			if cookie := a.header.Get("Set-Cookie"); cookie != "" {
				t.Fatalf("got the cookie %q, want none", cookie)
			}
		}
		for range 20 {
			h.visitor(t, "page", "").until("sync", "")
			if a := h.request("GET", "/status/nowhere", ""); a.status != 404 {
				t.Fatalf("another slug: got %d, want 404", a.status)
			}
		}
		// The house's own prober is not there; the page may have been read again once in this time, and the other slug twice.
		if n := h.store.Queries() - before; n > 8 {
			t.Errorf("got %d queries for 140 visits, want none of theirs", n)
		}
		if len(etags) != 3 {
			t.Errorf("got the validators %v, want one for each form", etags)
		}
		for _, method := range []string{"GET", "HEAD"} {
			a := h.request(method, "/status/page", "", "Accept-Encoding", "identity", "If-None-Match", first.header.Get("ETag"))
			if a.status != 304 || a.body != "" || a.header.Get("ETag") != first.header.Get("ETag") {
				t.Errorf("%s: got %d with %d bytes and ETag %q, want 304", method, a.status, len(a.body), a.header.Get("ETag"))
			}
		}
		if a := h.request("HEAD", "/status/page", "", "Accept-Encoding", "identity"); a.status != 200 || a.header.Get("Content-Length") != fmt.Sprint(len(first.body)) {
			t.Errorf("HEAD: got %d with length %s, want 200 with %d", a.status, a.header.Get("Content-Length"), len(first.body))
		}
	})
}

// TestStatusStream: a change of state reaches a visitor as the changed parts alone; one who reads the page then, and one who comes
// back with what was shown before, see the same.
func TestStatusStream(t *testing.T) {
	houses(t, func(h *house) {
		h.statusPage("page")
		v := h.visitor(t, "page", "")
		version, name, data := v.next()
		if name != "sync" || data != version || v.header.Get("Content-Type") != "text/event-stream; charset=utf-8" || v.header.Get("Content-Encoding") != "" {
			t.Fatalf("got %s %q (id %s) with %v, want sync with the version", name, data, version, v.header)
		}
		page := h.request("GET", "/status/page", "")
		if !strings.Contains(page.body, `data-version="`+version+`"`) {
			t.Errorf("got a page without the version %s:\n%s", version, page.body)
		}
		h.fail(h.monitor)
		id, parts := v.until("parts", "status-c-")
		if id == version || strings.Contains(parts, "status-past") || !strings.Contains(parts, `data-state="down"`) {
			t.Errorf("got %q (id %s), want the changed parts of a new version", parts, id)
		}
		if a := h.request("GET", "/status/page", ""); !strings.Contains(a.body, `data-version="`+id+`"`) {
			t.Errorf("got a page without the new version %s", id)
		}
		// Who comes back with the first version is brought up to date; who comes with one of another time is told to read.
		back := h.visitor(t, "page", "?v="+version)
		if got, name, data := back.next(); name != "sync" || data != version || got != version {
			t.Errorf("back: got %s %q, want sync with the visitor's own version %s", name, data, version)
		}
		if got, data := back.until("parts", "status-c-"); got != id || data != parts {
			t.Errorf("back: got %q (id %s), want what the other one was sent (id %s)", data, got, id)
		}
		if got, name, data := h.visitor(t, "page", "?v=00").next(); name != "sync" || data != id || got != id {
			t.Errorf("of another time: got %s %q, want sync with %s", name, data, id)
		}
		// A monitor more is not one part: the page is told to read itself.
		if _, err := h.store.CreateMonitor(t.Context(), h.organization, object(t, `{"customerId":1,"name":"New","hostname":"127.0.0.2"}`)); err != nil {
			t.Fatal(err)
		}
		if got, data := v.until("sync", ""); got == id || data != got {
			t.Errorf("a new monitor: got %q, want sync with a new version", data)
		}
	})
}

// TestStatusStreamEnds: a page that is unpublished says bye, at once, and is not there any more; so is one whose access changes.
func TestStatusStreamEnds(t *testing.T) {
	houses(t, func(h *house) {
		for i, set := range []string{"is_published = FALSE", "visibility = 'members'", "slug = 'renamed'"} {
			slug := fmt.Sprint("page", i)
			h.statusPage(slug)
			v := h.visitor(t, slug, "")
			v.until("sync", "")
			h.changeStatus(slug, set)
			want := map[string]int{"": 404, "/events": 404}
			if strings.HasPrefix(set, "visibility") {
				want = map[string]int{"": 303, "/events": 401} // people are led to sign in, programs are not
			}
			for rest, want := range want {
				path := "/status/" + slug + rest
				if a := h.request("GET", path, ""); a.status != want {
					t.Errorf("%s: %s: got %d, want %d", set, path, a.status, want)
				}
			}
			v.until("bye", "")
			if _, name, _ := v.next(); name != "" {
				t.Errorf("%s: got %s after bye, want the end", set, name)
			}
		}
		if a := h.request("GET", "/status/renamed", ""); a.status != 200 {
			t.Errorf("the new slug: got %d, want 200", a.status)
		}
	})
}

// TestStatusStreamCaps: visitors over a cap are refused and told when to come back; people who sign in have a tenth for themselves.
func TestStatusStreamCaps(t *testing.T) {
	for name, caps := range map[string]StreamCaps{"address": {PerAddress: 9}, "all": {Total: 10}} {
		t.Run(name, func(t *testing.T) {
			h := liteHouse(t, func(o *Options) { o.Streams = caps })
			h.statusPage("page")
			for range 9 {
				h.visitor(t, "page", "").until("sync", "")
			}
			for _, method := range []string{"GET", "HEAD"} {
				a := h.request(method, "/status/page/events", "")
				if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
					t.Errorf("%s: got %d with %v, want 503 as JSON with Retry-After", method, a.status, a.header)
				}
				var refused struct {
					StatusCode int
					Message    string
				}
				if method == "HEAD" {
					if a.body != "" {
						t.Errorf("HEAD: got %q, want no body", a.body)
					}
				} else if err := json.Unmarshal([]byte(a.body), &refused); err != nil || refused.StatusCode != a.status || refused.Message == "" {
					t.Errorf("got %s and error %v, want an error in words", a.body, err)
				}
			}
			rawStream(t, strings.TrimPrefix(h.url, "http://"), h.session("admin@example.com"))
			if name == "all" {
				if a := h.request("GET", "/api/events", "", "Authorization", "Bearer "+h.session("admin@example.com")); a.status != http.StatusServiceUnavailable {
					t.Errorf("the eleventh stream: got %d, want 503", a.status)
				}
			}
			if a := h.request("GET", "/status/page", ""); a.status != 200 {
				t.Errorf("the page itself: got %d, want 200", a.status)
			}
		})
	}
}

// TestStatusStreamHead: HEAD is answered as GET is, without a body, and opens no stream: it may be asked as often as one likes.
func TestStatusStreamHead(t *testing.T) {
	h := liteHouse(t, func(o *Options) { o.Streams = StreamCaps{PerAddress: 2} })
	h.statusPage("page")
	v := h.visitor(t, "page", "")
	v.until("sync", "")
	for range 5 {
		a := h.request("HEAD", "/status/page/events", "")
		if a.status != http.StatusOK || a.body != "" || a.header.Get("Retry-After") != "" {
			t.Fatalf("got %d %q with %v, want 200 without a body", a.status, a.body, a.header)
		}
		for _, name := range []string{"Content-Type", "X-Accel-Buffering", "Cache-Control", "X-Robots-Tag", "Content-Security-Policy"} {
			if got, want := a.header.Get(name), v.header.Get(name); got != want {
				t.Errorf("%s: got %q, want %q as GET has it", name, got, want)
			}
		}
	}
	if n := h.s.status.hub.visitors.Load(); n != 1 {
		t.Errorf("got %d streams, want the one", n)
	}
	if a := h.request("HEAD", "/status/nowhere/events", ""); a.status != http.StatusNotFound {
		t.Errorf("of no page: got %d, want 404", a.status)
	}
}

// TestStatusBoardFromMemory: whatever else is drawn of a page, by its slug or its domain, costs no query either.
func TestStatusBoardFromMemory(t *testing.T) {
	h := liteHouse(t)
	h.statusPage("page")
	h.changeStatus("page", "custom_domain = 'status.example.com', domain_verified_at = '2026-01-01 00:00:00+00:00'")
	h.serveAgain(func(s *Server) {
		s.app.Get("/board/:slug", s.anyone, func(c *fiber.Ctx) error {
			p, err := s.openStatusPage(c)
			if err != nil {
				return err
			}
			other, err := s.status.ofDomain(c.UserContext(), "status.example.com")
			if err != nil || other.ID != p.ID {
				return fmt.Errorf("got page %d and error %w by the domain, want %d", other.ID, err, p.ID)
			}
			b, err := s.statusBoard(c, p)
			if err != nil {
				return err
			}
			return c.SendString(b.Groups[0].Components[0].Name)
		})
	})
	before := int64(0)
	for range 50 {
		if a := h.request("GET", "/board/page", ""); a.status != 200 || a.body != "Gateway" {
			t.Fatalf("got %d %s, want the monitor's name", a.status, a.body)
		}
		if before == 0 {
			before = h.store.Queries()
		}
	}
	if n := h.store.Queries() - before; n > 2 {
		t.Errorf("got %d queries for 49 requests, want none of theirs", n)
	}
}
