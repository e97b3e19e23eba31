package main

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"echolot/models/modelstest"
)

// count asks the database of the program for a number.
func count(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestStopWhileBusy stops the program in the middle of checks and of 100 streams: it ends well in time, every stream gets
// a word, and every check that somebody was shown is in the database.
func TestStopWhileBusy(t *testing.T) {
	t.Parallel()
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		settings := []string{"ECHOLOT_DATABASE_URL=" + url, "ECHOLOT_MAX_STREAMS_PER_USER=200", "ECHOLOT_DATA_DIR=" + t.TempDir()}
		by, db := admin(t, settings...), modelstest.Connect(t, url)
		p := serve(t, settings...)
		for i := range 20 {
			p.addMonitor(by.token, fmt.Sprint("Monitor ", i), fmt.Sprintf("127.0.1.%d", i+1), 1)
		}
		var shown sync.Map
		watching := watchChecks(t, p, by.token, &shown)
		all := openStreams(t, p, by.token, 100)
		told := func() (n int) {
			shown.Range(func(any, any) bool { n++; return true })
			return n
		}
		eventually(t, "checks on the stream", func() (bool, string) { return told() >= 40, fmt.Sprint(told()) })

		began := time.Now()
		p.signal(syscall.SIGTERM)
		if code := p.wait(20 * time.Second); code != 0 {
			t.Errorf("got exit code %d, want 0", code)
		}
		took := time.Since(began)
		if took > 10*time.Second {
			t.Errorf("stopping took %s, want at most 10 s", took)
		}
		t.Logf("stopped in %s", took)
		<-watching
		all.finished.Wait()
		if got := all.byes.Load(); got != 100 {
			t.Errorf("got bye on %d streams, want it on 100", got)
		}
		order := []string{`"msg":"stopping"`, `"msg":"HTTP stopped"`, `"msg":"prober stopped"`, `"msg":"stopped"`}
		at := 0
		for _, step := range order {
			next := strings.Index(p.said()[at:], step)
			if next < 0 {
				t.Fatalf("got no %s after the steps before it:\n%s", step, p.said())
			}
			at += next
		}
		stored := count(t, db, "SELECT count(*) FROM results")
		if stored < told() {
			t.Errorf("got %d results in the database, want at least the %d that were told", stored, told())
		}
		if bad := count(t, db, "SELECT count(*) FROM results WHERE code >> 3 & 3 <> 0"); bad != 0 {
			t.Errorf("got %d results that are no success, want none: a check cut short is thrown away", bad)
		}
	})
}

// watchChecks notes the id of every check that a stream tells, until it ends.
func watchChecks(t *testing.T, p *program, token string, shown *sync.Map) <-chan struct{} {
	t.Helper()
	done, opened := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		r, err := http.NewRequestWithContext(t.Context(), "GET", p.url+"/api/events", nil)
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultTransport.RoundTrip(r)
		close(opened)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			if _, id, ok := strings.Cut(lines.Text(), `"type":"check"`); ok {
				shown.Store(id, true)
			}
		}
	}()
	<-opened
	return done
}

// TestSecondSignal: whoever asks twice does not wait. A request that never ends keeps the first stop going.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	p := serve(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Never: ")
	eventually(t, "the half request to be read", func() (bool, string) { return p.ask("", "GET", "/healthz", "").status == 200, "" })
	p.signal(syscall.SIGTERM)
	eventually(t, "the first step of the stop", func() (bool, string) { return strings.Contains(p.said(), `"msg":"stopping"`), p.said() })
	began := time.Now()
	p.signal(syscall.SIGTERM)
	if code := p.wait(patience); code == 0 {
		t.Errorf("got exit code 0, want the end that a signal makes")
	}
	if took := time.Since(began); took > 3500*time.Millisecond {
		t.Errorf("the second signal took %s, want the end at once", took)
	}
}

// TestKill ends the program without a word, in the middle of checks: what was told is there, and it starts again.
func TestKill(t *testing.T) {
	t.Parallel()
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		settings := []string{"ECHOLOT_DATABASE_URL=" + url, "ECHOLOT_DATA_DIR=" + t.TempDir()}
		by, db := admin(t, settings...), modelstest.Connect(t, url)
		for round := range 3 {
			p := serve(t, settings...)
			id := p.addMonitor(by.token, fmt.Sprint("Round ", round), fmt.Sprintf("127.0.2.%d", round+1), 1)
			var shown sync.Map
			ctx, cancel := context.WithCancel(t.Context())
			watching := watchChecks(t, p, by.token, &shown)
			p.waitState(by.token, id, "up")
			p.signal(syscall.SIGKILL)
			p.wait(patience)
			<-watching
			cancel()
			<-ctx.Done()
			told := 0
			shown.Range(func(any, any) bool { told++; return true })
			if stored := count(t, db, "SELECT count(*) FROM results"); stored < told || stored < round+1 {
				t.Fatalf("round %d: got %d results, want the %d that were told", round, stored, told)
			}
		}
		p := serve(t, settings...)
		var list struct{ Total int }
		p.ask(by.token, "GET", "/api/icmp-monitors", "").decode(t, &list)
		if list.Total != 3 {
			t.Errorf("got %d monitors, want the 3 that were made", list.Total)
		}
		before := count(t, db, "SELECT count(*) FROM results")
		eventually(t, "new results", func() (bool, string) {
			n := count(t, db, "SELECT count(*) FROM results")
			return n > before+3, fmt.Sprint(n)
		})
		p.stop()
	})
}
