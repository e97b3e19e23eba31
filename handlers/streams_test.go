package handlers

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"echolot/models/events"
)

// tightListener gives each connection a small send buffer, so that a client that reads nothing is noticed after
// kilobytes, not megabytes.
type tightListener struct{ net.Listener }

func (l tightListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetWriteBuffer(4 << 10)
	}
	return conn, err
}

// rawStream opens a stream on a connection of its own and returns it when sync has come.
func rawStream(t *testing.T, addr, session string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprintf(conn, "GET /api/events HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", addr, session)
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "HTTP/") && !strings.Contains(line, " 200 ") {
			t.Fatalf("got %s, want a stream", line)
		}
		if line == "event: sync\n" {
			return conn, r
		}
	}
}

// pumping is how many streams are being written now.
func pumping() int {
	buf := make([]byte, 8<<20)
	return strings.Count(string(buf[:runtime.Stack(buf, true)]), "handlers.pump(")
}

// waitPumping waits until so many streams are being written.
func waitPumping(t *testing.T, want int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		got := pumping()
		if got == want {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("got %d streams being written, want %d", got, want)
		case <-tick.C:
		}
	}
}

// TestTwoHundredStreams: of 200 clients 20 stop reading and 20 vanish. Their writers end; all others get every event in
// order.
func TestTwoHundredStreams(t *testing.T) {
	const clients, stuck, vanished, rounds, each = 200, 20, 20, 40, 40
	h := liteHouse(t)
	h.s.hub.writeTime = 5 * time.Second // a starved machine once kept all readers from reading for a second
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go h.s.app.Listener(tightListener{ln})
	session := h.session("admin@example.com")
	base := runtime.NumGoroutine()

	heard := make(chan error, clients)
	var conns []net.Conn
	for i := range clients {
		conn, r := rawStream(t, ln.Addr().String(), session)
		conns = append(conns, conn)
		if i < stuck+vanished {
			continue
		}
		go func() { heard <- readAll(conn, r, rounds*each) }()
	}
	for _, conn := range conns[:vanished] {
		conn.(*net.TCPConn).SetLinger(0) // a reset, as from a machine that was switched off and on
		conn.Close()
	}
	waitPumping(t, clients-vanished)

	event := events.Event{Type: events.MonitorUpdated, OrganizationID: 1, CustomerID: h.customer.ID, MonitorID: h.monitor.ID}
	tick := time.NewTicker(hubTick)
	for round := range rounds {
		for i := range each {
			event.PublicID, event.At = fmt.Sprint("event-", round*each+i), time.Now()
			h.store.Bus().Publish(event)
		}
		<-tick.C
	}
	tick.Stop()
	for range clients - stuck - vanished {
		if err := <-heard; err != nil {
			t.Error(err)
		}
	}
	waitPumping(t, clients-stuck-vanished)

	// The whole house is as before when all are gone.
	for _, conn := range conns {
		conn.Close()
	}
	waitPumping(t, 0)
	deadline := time.After(10 * time.Second)
	for runtime.NumGoroutine() > base+5 {
		select {
		case <-deadline:
			t.Fatalf("got %d goroutines, want %d again", runtime.NumGoroutine(), base)
		default:
			runtime.Gosched()
		}
	}
}

// readAll reads that many events and says what is wrong with their order.
func readAll(conn net.Conn, r *bufio.Reader, want int) error {
	conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	for n := 0; n < want; {
		line, err := r.ReadString('\n')
		if err != nil {
			return fmt.Errorf("after %d of %d events: %w", n, want, err)
		}
		if !strings.HasPrefix(line, "data: ") || !strings.Contains(line, `"monitor.updated"`) {
			continue
		}
		if !strings.Contains(line, fmt.Sprintf(`"event-%d"`, n)) {
			return fmt.Errorf("got %s, want event-%d", line, n)
		}
		n++
	}
	return nil
}

// TestStreamCaps: a stream over a cap is refused with 503 and when to come back; one that ends makes room.
func TestStreamCaps(t *testing.T) {
	for name, caps := range map[string]StreamCaps{"all": {Total: 2}, "user": {PerUser: 2}, "organization": {PerOrganization: 2}, "address": {PerAddress: 2}} {
		t.Run(name, func(t *testing.T) {
			h := liteHouse(t, func(o *Options) { o.Streams = caps })
			session := h.session("admin@example.com")
			addr := strings.TrimPrefix(h.url, "http://")
			first, _ := rawStream(t, addr, session)
			rawStream(t, addr, session)
			for _, path := range []string{"/api/events", "/events"} {
				a := h.request("GET", path, "", "Authorization", "Bearer "+session, "Cookie", h.s.sessions.name()+"="+session, "Sec-Fetch-Site", "same-origin")
				if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
					t.Errorf("%s, the third: got %d with Retry-After %q, want 503 with one", path, a.status, a.header.Get("Retry-After"))
				}
			}
			first.Close()
			waitPumping(t, 1)
			rawStream(t, addr, session)
		})
	}
}
