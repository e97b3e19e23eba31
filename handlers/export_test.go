package handlers

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

func TestGoldenExport(t *testing.T) {
	pasts(t, func(h *house) {
		b, admin := &book{h: h}, h.token("admin@example.com")
		one := monitorsPath + "/" + h.monitor.PublicID.String() + "/export"
		b.ask("checks, CSV", admin, "GET", one+".csv?start=2026-03-01T00:59:00Z&end=2026-03-01T01:01:00Z", "")
		b.ask("checks, JSON", admin, "GET", one+".json?start=2026-03-01T00:59:00Z&end=2026-03-01T01:01:00Z", "")
		b.ask("by 5 minutes, CSV", admin, "GET", one+".csv?start=2026-03-01T00:55:00Z&end=2026-03-01T01:10:00Z&granularity=5m", "")
		b.ask("by the day, JSON", admin, "GET", one+".json?start=2026-02-01&end=2026-03-01&granularity=1d", "")
		b.ask("nothing measured, CSV", admin, "GET", monitorsPath+"/"+h.hidden.PublicID.String()+"/export.csv?start=2026-03-01&end=2026-03-01&granularity=1h", "")
		b.ask("nothing measured, JSON", admin, "GET", monitorsPath+"/"+h.hidden.PublicID.String()+"/export.json?start=2026-03-01&end=2026-03-01", "")
		b.ask("everything wrong", admin, "GET", one+".csv?start=yesterday&end=x&granularity=2h", "")
		b.ask("an empty range", admin, "GET", one+".json?start=2026-03-02&end=2026-03-01", "")
		b.ask("no identifier", admin, "GET", monitorsPath+"/1/export.csv", "")
		b.ask("somebody else's", admin, "GET", monitorsPath+"/"+h.foreignOne.PublicID.String()+"/export.csv?start=2026-03-01&end=2026-03-01", "")
		b.close("export")
	})
}

// TestExportIsWhole: every check and bucket is in the file once, over many pages; what people typed is no formula in it.
func TestExportIsWhole(t *testing.T) {
	houses(t, func(h *house) {
		const name = `=HYPERLINK("http://x")`
		if _, err := h.store.ChangeMonitor(context.Background(), h.organization, h.monitor.PublicID, object(t, `{"name":`+jsonText(name)+`}`), ""); err != nil {
			t.Fatal(err)
		}
		const checks = 2*pageChecks + 7
		h.measure(checks)
		token, now := h.token("readonly@example.com"), time.Now().Truncate(time.Minute)
		one := monitorsPath + "/" + h.monitor.PublicID.String() + "/export"
		start := "?start=" + now.Add(-checks*time.Minute).UTC().Format(time.RFC3339)
		a := h.api(token, "GET", one+".csv"+start+"&granularity=raw", "")
		if a.status != 200 || a.header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment; filename=hyperlink--http---x_") {
			t.Fatalf("got %d with %v", a.status, a.header)
		}
		checkHeaders(t, one, a, false)
		rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
		if err != nil || len(rows) != checks+1 {
			t.Fatalf("got %d rows and error %v, want a head and %d", len(rows), err, checks)
		}
		seen := map[string]bool{}
		for _, row := range rows[1:] {
			if seen[row[0]] {
				t.Fatalf("%s is there twice", row[0])
			}
			seen[row[0]] = true
			if row[1] != "'"+name {
				t.Fatalf("got name %q, want it with an apostrophe in front", row[1])
			}
		}
		for granularity, step := range map[string]time.Duration{"raw": time.Minute, "5m": 5 * time.Minute, "1h": time.Hour, "1d": 24 * time.Hour} {
			var items []struct {
				Checks    int
				StartedAt time.Time
				Status    string
			}
			h.api(token, "GET", one+".json"+start+"&granularity="+granularity, "").decode(t, &items)
			counted := 0
			for i, item := range items {
				if counted += item.Checks; item.Status != "" {
					counted++
				}
				if i > 0 && granularity != "raw" && item.StartedAt.Sub(items[i-1].StartedAt) != step {
					t.Fatalf("%s: %s follows %s", granularity, item.StartedAt, items[i-1].StartedAt)
				}
			}
			if counted != checks {
				t.Errorf("%s: got %d checks, want %d", granularity, counted, checks)
			}
		}
		head := h.request("HEAD", one+".csv"+start, "", "Authorization", "Bearer "+token)
		if head.status != 200 || head.body != "" || head.header.Get("Content-Disposition") == "" {
			t.Errorf("HEAD: got %d, %q, %v", head.status, head.body, head.header)
		}
	})
}

// TestCell: a spreadsheet takes none of these for a formula.
func TestCell(t *testing.T) {
	for text, want := range map[string]string{"": "", "gw": "gw", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "a=1": "a=1"} {
		if got := cell(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestExportsAreBounded: so many at once and no more for an organization; each that ends makes room, and stopping ends all.
func TestExportsAreBounded(t *testing.T) {
	e := newExports()
	for range maxExportsPerOrganization {
		if err := e.begin(1); err != nil {
			t.Fatal(err)
		}
	}
	if e.begin(1) == nil {
		t.Error("got one more for an organization that has its share, want an error")
	}
	if err := e.begin(2); err != nil {
		t.Errorf("another organization: %v", err)
	}
	e.end(1)
	if err := e.begin(1); err != nil {
		t.Errorf("after one ended: %v", err)
	}
	ended := make(chan struct{})
	go func() { // the writers, which end when they are told to
		defer close(ended)
		<-e.ctx.Done()
		for range maxExportsPerOrganization {
			e.end(1)
		}
		e.end(2)
	}()
	e.stop(context.Background())
	<-ended
	if e.begin(1) == nil {
		t.Error("got one more after stopping, want an error")
	}
}

// flood makes a history whose export is far larger than the sockets between us and a client hold.
func (h *house) flood() {
	h.t.Helper()
	packets := make([]models.Packet, 100)
	for i := range packets {
		packets[i] = models.Packet{State: models.PacketReplied, RTT: time.Duration(1000+i) * time.Microsecond}
	}
	begin := time.Now().Add(-24 * time.Hour).Truncate(time.Second)
	for part := range 4 {
		var results []models.Result
		for i := range 5000 {
			results = append(results, models.Result{Monitor: h.monitor.ID, Rev: h.monitor.Rev, Location: models.LocationID, Slot: begin.Add(time.Duration(part*5000+i) * time.Second).UnixMilli(),
				Kind: models.KindScheduled, Outcome: models.OutcomeSuccess, Sent: 100, Received: 100, Packets: packets})
		}
		if _, err := h.store.RecordResults(context.Background(), results, judgeUp); err != nil {
			h.t.Fatal(err)
		}
	}
}

// knock asks for an export over a connection of its own, whose buffer is small.
func (h *house) knock(path string) (net.Conn, io.Reader) {
	h.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		h.t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		h.t.Fatal(err)
	}
	req, err := http.NewRequest("GET", h.url+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.token("readonly@example.com"))
	if err := req.Write(conn); err != nil {
		h.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		h.t.Fatal(err)
	}
	if resp.StatusCode != 200 {
		h.t.Fatalf("got %d, want 200", resp.StatusCode)
	}
	h.t.Cleanup(func() { _ = resp.Body.Close() })
	return conn, resp.Body
}

// underway is how many exports there are.
func (e *exports) underway() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.all
}

// TestExportEndsWithItsReader: a client that leaves, and one that reads nothing, end their export; one that the program's end cuts
// off sees that the file is not whole.
func TestExportEndsWithItsReader(t *testing.T) {
	h := newHouse(t, modelstest.Open(t, modelstest.SQLite(t)))
	h.flood()
	h.s.hub.writeTime = time.Second
	path := monitorsPath + "/" + h.monitor.PublicID.String() + "/export.json"
	gone := func(what string) {
		t.Helper()
		ended := make(chan struct{})
		go func() {
			h.s.exports.writers.Wait()
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: the export goes on", what)
		}
		if n := h.s.exports.underway(); n != 0 {
			t.Fatalf("%s: got %d exports under way, want none", what, n)
		}
	}
	conn, body := h.knock(path)
	if _, err := io.CopyN(io.Discard, body, 1000); err != nil {
		t.Fatal(err)
	}
	if h.s.exports.underway() != 1 {
		t.Fatal("the export ended before anybody read it: the history is too short for this test")
	}
	_ = conn.Close()
	gone("the client left")

	conn, _ = h.knock(path)
	gone("the client reads nothing")
	_ = conn.Close()

	h.s.hub.writeTime = time.Minute
	conn, body = h.knock(path)
	h.s.exports.cancel() // as Shutdown does
	read, err := io.ReadAll(body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || json.Valid(read) {
		t.Errorf("got error %v of %d bytes, want an unexpected end", err, len(read))
	}
	_ = conn.Close()
	gone("the program stops")
}
