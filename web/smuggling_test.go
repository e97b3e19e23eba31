package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestRawHTTP sends what no client library would: requests that two servers in a row may read differently. None of them
// may make a second request, and none may keep the server from answering others.
func TestRawHTTP(t *testing.T) {
	t.Parallel()
	linkedFasthttp(t)
	settings := []string{"ECHOLOT_DATA_DIR=" + t.TempDir()}
	by := admin(t, settings...)
	p := serve(t, settings...)
	addr := strings.TrimPrefix(p.url, "http://")

	// The second request of each would make a monitor; whether it did is asked of the database afterwards.
	body := `{"customerId":1,"name":"smuggled","hostname":"127.0.0.1"}`
	smuggled := "POST /api/icmp-monitors HTTP/1.1\r\nHost: " + addr + "\r\nAuthorization: Bearer " + by.token +
		"\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	post := func(fields, body string) string {
		return "POST /api/auth/login HTTP/1.1\r\nHost: " + addr + "\r\nContent-Type: application/json\r\n" + fields + "\r\n" + body
	}
	get := func(path, fields string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: " + addr + "\r\n" + fields + "\r\n"
	}
	chunked := "2\r\n{}\r\n0\r\n\r\n"
	refusals := []int{400, 408, 411, 413, 414, 417, 431, 501, 505}
	for _, c := range []struct {
		name, request string
		also          []int // answers that are right besides the refusals
	}{
		{"bare LF", "GET /healthz HTTP/1.1\nHost: " + addr + "\n\n", nil},
		{"bare LF before a length", post("X-A: b\nContent-Length: 2\r\n", "{}"+smuggled), nil},
		{"bare LF after a length", post("Content-Length: 2\nX-A: b\r\n", "{}"+smuggled), nil},
		{"bare LF before an encoding", post("X-A: b\nTransfer-Encoding: chunked\r\n", chunked+smuggled), nil},
		{"bare LF at the end", "GET /healthz HTTP/1.1\r\nHost: " + addr + "\r\n\n" + smuggled, nil},
		{"two lengths", post("Content-Length: 2\r\nContent-Length: 7\r\n", "{}"+smuggled), nil},
		{"two lengths in one", post("Content-Length: 2, 7\r\n", "{}"+smuggled), nil},
		{"length with a sign", post("Content-Length: +2\r\n", "{}"+smuggled), nil},
		{"length and chunks", post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"+smuggled), nil},
		{"chunks and length", post("Transfer-Encoding: chunked\r\nContent-Length: "+strconv.Itoa(5+len(smuggled))+"\r\n", "0\r\n\r\n"+smuggled), nil},
		{"encoding with a space", post("Transfer-Encoding : chunked\r\nContent-Length: 2\r\n", "{}"+smuggled), nil},
		{"encoding that nobody knows", post("Transfer-Encoding: xchunked\r\n", chunked+smuggled), nil},
		{"encoding twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"+smuggled), nil},
		{"encoding on a folded line", post("Transfer-Encoding:\r\n chunked\r\nContent-Length: 2\r\n", "{}"+smuggled), nil},
		{"LF in a chunk's extension", post("Transfer-Encoding: chunked\r\n", "2;a\nb\r\n{}\r\n0\r\n\r\n"+smuggled), nil},
		{"LF after a chunk's size", post("Transfer-Encoding: chunked\r\n", "2\n{}\r\n0\r\n\r\n"+smuggled), nil},
		{"negative chunk", post("Transfer-Encoding: chunked\r\n", "-2\r\n{}\r\n0\r\n\r\n"+smuggled), nil},
		{"huge chunk", post("Transfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFF\r\n{}\r\n"), nil},
		{"no host", "GET /healthz HTTP/1.1\r\n\r\n", nil},
		{"two hosts", "GET /healthz HTTP/1.1\r\nHost: " + addr + "\r\nHost: elsewhere.example\r\n\r\n", nil},
		{"a header of 1 MB", get("/healthz", "X-Long: "+strings.Repeat("a", 1<<20)+"\r\n"), nil},
		{"10,000 headers", get("/healthz", strings.Repeat("X-Many: 1\r\n", 10000)), nil},
		{"a path of 1 MB", get("/"+strings.Repeat("a", 1<<20), ""), nil},
		{"escaped twice", get("/api/%2561uth/me", ""), []int{404}},
		{"dots, escaped", get("/static/..%2f..%2fgo.mod", ""), []int{404}},
		{"dots", get("/static/../../../../etc/passwd", ""), []int{404}},
		{"NUL in the path", get("/monitors%00/x", ""), []int{404}},
		{"raw NUL in the path", get("/monitors\x00", ""), []int{404}},
		{"NUL in a field", get("/healthz", "X-A: a\x00b\r\n"), nil},
		{"4 GB announced", post("Content-Length: 4294967296\r\n", "{}"), nil},
		{"more announced than a number holds", post("Content-Length: 99999999999999999999\r\n", "{}"), nil},
		{"a method of our own", "SMUGGLE / HTTP/1.1\r\nHost: " + addr + "\r\n\r\n", []int{404, 405}},
		{"TRACE", "TRACE /healthz HTTP/1.1\r\nHost: " + addr + "\r\nCookie: sid=secret\r\n\r\n", []int{404, 405}},
		{"HTTP/0.9", "GET /healthz\r\n\r\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			answers := sendRaw(t, addr, c.request)
			for i, status := range answers {
				if i > 0 {
					t.Errorf("got %d answers %v, want one: the second request was read", len(answers), answers)
					break
				}
				if !slices.Contains(append(refusals, c.also...), status) {
					t.Errorf("got status %d, want a refusal %v or a closed connection", status, append(refusals, c.also...))
				}
			}
			if a := p.ask("", "GET", "/healthz", ""); a.status != 200 {
				t.Errorf("others get %d %s, want 200", a.status, a.body)
			}
		})
	}
	var list struct{ Total int }
	p.ask(by.token, "GET", "/api/icmp-monitors", "").decode(t, &list)
	if list.Total != 0 {
		t.Errorf("got %d monitors, want none: a smuggled request was carried out", list.Total)
	}
	// The request that was to be smuggled is a good one: without this the test could not fail.
	if got := sendRaw(t, addr, strings.Replace(smuggled, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)); len(got) != 1 || got[0] != 201 {
		t.Errorf("the second request by itself: got %v, want 201", got)
	}
	p.stop()
}

// linkedFasthttp fails where the program is linked with a version that executes a smuggled request.
func linkedFasthttp(t *testing.T) {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("no build information")
	}
	for _, m := range info.Deps {
		if m.Path != "github.com/valyala/fasthttp" {
			continue
		}
		if m.Replace != nil {
			m = m.Replace
		}
		var major, minor int
		if _, err := fmt.Sscanf(m.Version, "v%d.%d", &major, &minor); err != nil || major < 1 || major == 1 && minor < 77 {
			t.Errorf("got fasthttp %s, want v1.77 or later", m.Version)
		}
		return
	}
	t.Error("fasthttp is not linked in")
}

// sendRaw sends bytes and returns the status of each answer until the server closes, or says nothing for a while.
func sendRaw(t *testing.T, addr, request string) (statuses []int) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	go func() {
		io.Copy(conn, strings.NewReader(request))
		// Nothing more comes: a server that waits for the rest need not wait for its timeout.
		conn.(*net.TCPConn).CloseWrite()
	}()
	r := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			var slow net.Error
			if errors.As(err, &slow) && slow.Timeout() {
				t.Errorf("the connection is still open after %s", patience)
			}
			return statuses
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		statuses = append(statuses, resp.StatusCode)
		if bytes.Contains(body, []byte("goroutine ")) || bytes.Contains(body, []byte("fasthttp")) {
			t.Errorf("the answer tells of our insides: %s", body)
		}
		if err != nil {
			return statuses
		}
	}
}

// TestSlowClients opens 200 connections that send a byte now and then: others are answered meanwhile.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	settings := []string{"ECHOLOT_DATA_DIR=" + t.TempDir()}
	by := admin(t, settings...)
	p := serve(t, settings...)
	addr := strings.TrimPrefix(p.url, "http://")
	var all []net.Conn
	for range 200 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /api/icmp-monitors HTTP/1.1\r\nHost: %s\r\nContent-Length: 60000\r\nX-Slow: ", addr)
		all = append(all, conn)
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			fmt.Fprint(all[i], "a")
			began := time.Now()
			if a, err := p.try(by.token, "GET", "/api/icmp-monitors", ""); err != nil || a.status != 200 {
				t.Errorf("beside slow clients: got %d, %v, want 200", a.status, err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("beside slow clients: an answer took %s", took)
			}
		})
	}
	wg.Wait()
	// They are not waited for either: what was measured has its time at a stop, whoever hangs on the line.
	id := p.addMonitor(by.token, "Kept", "127.0.0.1", 1)
	p.waitState(by.token, id, "up")
	began := time.Now()
	p.signal(15)
	if code := p.wait(15 * time.Second); code != 0 {
		t.Errorf("got exit code %d, want 0", code)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("stopping took %s, want at most 10 s", took)
	}
	if !strings.Contains(p.said(), "prober stopped") {
		t.Errorf("the prober had no time to store what it measured:\n%s", p.said())
	}
}

// TestBodyLimit sends bodies around the limit of 64 KiB.
func TestBodyLimit(t *testing.T) {
	t.Parallel()
	settings := []string{"ECHOLOT_DATA_DIR=" + t.TempDir()}
	by := admin(t, settings...)
	p := serve(t, settings...)
	padded := func(size int) string {
		body := `{"customerId":1,"name":"Padded","hostname":"127.0.0.1","status":"disabled","padding":""}`
		return strings.Replace(body, `"padding":"`, `"padding":"`+strings.Repeat("a", size-len(body)), 1)
	}
	if a := p.ask(by.token, "POST", "/api/icmp-monitors", padded(64<<10)); a.status != 201 {
		t.Errorf("64 KiB: got %d %s, want 201", a.status, a.body)
	}
	a := p.ask(by.token, "POST", "/api/icmp-monitors", padded(64<<10+1))
	if a.status != 413 || !strings.HasPrefix(a.body, `{"statusCode":413,"statusMessage":"Request Entity Too Large","message":"`) {
		t.Errorf("64 KiB and a byte: got %d %s, want 413 in the error's form", a.status, a.body)
	}
	for name, want := range p.ask("", "GET", "/healthz", "").header {
		switch name {
		case "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
			"X-Frame-Options", "Cache-Control", "Content-Type":
			if got := a.header.Get(name); got != want[0] {
				t.Errorf("413 has %s %q, want %q as every answer", name, got, want[0])
			}
		}
	}
	if a.header.Get("Content-Security-Policy") == "" || a.header.Get("X-Request-Id") == "" {
		t.Errorf("413 has header %v, want the content policy and a request id", a.header)
	}
}
