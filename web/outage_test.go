package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"echolot/models/modelstest"
	"echolot/probe/lab"
)

// session signs the administrator in, and returns the cookie.
func session(t *testing.T, p *program, by account) string {
	t.Helper()
	var login struct{ Token string }
	p.ask("", "POST", "/api/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, by.email, by.password)).decode(t, &login)
	return "sid=" + login.Token
}

// soon is the three seconds that are promised, and what the race detector takes beside other programs.
const soon = 5 * time.Second

// answersSoon asks page and API, reading and writing, and fails where one takes longer than that or is neither as always nor a 503.
// It returns how many were a 503.
func answersSoon(t *testing.T, p *program, cookie, token, monitor string) (unavailable int) {
	t.Helper()
	for _, path := range []string{"/monitors", "/monitors/" + monitor} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", p.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", cookie)
		began := time.Now()
		a, err := receive(r)
		took := time.Since(began)
		if err != nil || took > soon || a.status != 200 && a.status != 503 {
			t.Errorf("GET %s in a browser: got %d, error %v after %s; want 200 or 503 soon", path, a.status, err, took)
		}
		t.Logf("GET %s in a browser: %d after %s", path, a.status, took.Round(time.Millisecond))
		if a.status == 503 {
			unavailable++
		}
	}
	for _, ask := range []struct{ token, method, path, body string }{
		{token, "GET", "/api/icmp-monitors", ""},
		{token, "GET", "/api/icmp-monitors/" + monitor, ""},
		{token, "PATCH", "/api/icmp-monitors/" + monitor, `{"name":"Changed"}`},
		{"", "POST", "/api/auth/login", `{"email":"admin@example.com","password":"correct horse battery"}`},
		{"", "GET", "/login", ""},
		{"", "GET", "/monitors", ""},
		{"", "GET", "/readyz", ""},
		{"", "GET", "/healthz", ""},
	} {
		began := time.Now()
		a, err := p.try(ask.token, ask.method, ask.path, ask.body)
		took := time.Since(began)
		if err != nil || took > soon || a.status >= 500 && a.status != 503 {
			t.Errorf("%s %s: got %d, error %v after %s; want an answer, or 503, soon: %.300s", ask.method, ask.path, a.status, err, took, a.body)
		}
		t.Logf("%s %s: %d after %s", ask.method, ask.path, a.status, took.Round(time.Millisecond))
		if a.status == 503 {
			unavailable++
		}
	}
	return unavailable
}

// gapless looks whether the monitor, checked every second, has a success for each second from its first to its newest result.
func gapless(t *testing.T, db *sql.DB, atLeast int) {
	t.Helper()
	eventually(t, "all results", func() (bool, string) {
		n := count(t, db, "SELECT count(*) FROM results")
		return n >= atLeast, fmt.Sprint(n)
	})
	if bad := count(t, db, "SELECT count(*) FROM results WHERE code >> 3 & 3 <> 0"); bad != 0 {
		t.Errorf("got %d results that are no success, want none", bad)
	}
	scheduled := count(t, db, "SELECT count(*) FROM results WHERE code & 7 = 0")
	if seconds := count(t, db, "SELECT (max(slot) - min(slot)) / 1000 + 1 FROM results WHERE code & 7 = 0"); scheduled != seconds {
		t.Errorf("got %d scheduled results in %d seconds, want one each", scheduled, seconds)
	}
}

// TestSQLiteLocked: somebody else holds the file. Whoever reads is served, whoever would write is told, and checks go on.
func TestSQLiteLocked(t *testing.T) {
	t.Parallel()
	path := modelstest.SQLite(t)
	settings := []string{"ECHOLOT_DATABASE_URL=" + path, "ECHOLOT_DATA_DIR=" + t.TempDir()}
	by := admin(t, settings...)
	p := serve(t, settings...)
	id := p.addMonitor(by.token, "Monitor", "127.0.0.1", 1)
	p.waitState(by.token, id, "up")
	cookie := session(t, p, by)
	if a := p.ask(by.token, "POST", "/api/status-pages", `{"customerId":1,"name":"Elbtal","slug":"elbtal","visibility":"public","isPublished":true}`); a.status != 201 {
		t.Fatalf("got %d %s, want a page", a.status, a.body)
	}
	other, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	db := modelstest.Connect(t, path)
	locked := time.Now()
	visitorsAreTold(t, p, locked)
	before := count(t, db, "SELECT count(*) FROM results")
	if n := answersSoon(t, p, cookie, by.token, id); n == 0 {
		t.Error("got no 503, want it for what writes")
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", p.url+"/monitors", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	lab.Eventually(t, func() bool {
		a, err := receive(r)
		return err == nil && a.status == 200 && strings.Contains(a.body, "Results are waiting for the database.")
	}, "a page that says that results wait")
	if a := p.ask("", "GET", "/readyz", ""); a.status != 503 || !strings.Contains(a.body, "takes no results") {
		t.Errorf("got %d %s, want a 503 that says that results wait", a.status, a.body)
	}
	<-time.After(5 * time.Second) // checks are made meanwhile that can not be stored; nobody can ask for them
	p.waitState(by.token, id, "up")
	r.URL.Path = "/prober"
	if a, err := receive(r); err != nil || a.status != 200 || strings.Contains(a.body, "Silent") || strings.Contains(a.body, "<dt>In memory</dt><dd>nothing</dd>") && strings.Contains(a.body, "<dt>In the spool</dt><dd>nothing</dd>") {
		t.Errorf("got %d, %v and %s, want a prober that works and has results waiting", a.status, err, a.body)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	gapless(t, db, before+8)
	eventually(t, "a page that is of now", func() (bool, string) {
		body := p.ask("", "GET", "/status/elbtal", "").body
		return strings.Contains(body, "All services are up</h1>") && !strings.Contains(body, resultsWait), body
	})
	p.stop()
}

// resultsWait is what visitors are told while results can not be stored.
const resultsWait = "Checks go on, but their results wait to be stored."

// resultsMissing is what they are told where the newest check is overdue and nobody knows why.
const resultsMissing = "No new results come at the moment."

// visitorsAreTold waits until the status page, its badge and its JSON say of when they are. The first that the page says is what is the
// matter: before the newest check is overdue, however busy the machine is.
func visitorsAreTold(t *testing.T, p *program, since time.Time) {
	t.Helper()
	for _, told := range []struct{ path, text string }{{"", resultsWait}, {"/badge.svg", "Elbtal: up, as of "}, {"/api/v2/status.json", "All services are up, as of "}} {
		eventually(t, "an age of "+told.path, func() (bool, string) {
			body := p.ask("", "GET", "/status/elbtal"+told.path, "").body
			if strings.Contains(body, resultsMissing) {
				t.Fatalf("visitors are told first that no results come, want that they wait:\n%s", body)
			}
			return strings.Contains(body, told.text), body
		})
	}
	t.Logf("visitors were told after %v", time.Since(since).Round(time.Millisecond))
}

// TestPostgresStopped: the server hangs, then it is gone, then it is back.
func TestPostgresStopped(t *testing.T) {
	t.Parallel()
	server := modelstest.OwnPostgres(t)
	settings := []string{"ECHOLOT_DATABASE_URL=" + server.URL(), "ECHOLOT_DATA_DIR=" + t.TempDir()}
	by := admin(t, settings...)
	p := serve(t, settings...)
	id := p.addMonitor(by.token, "Monitor", "127.0.0.1", 1)
	p.waitState(by.token, id, "up")
	cookie := session(t, p, by)
	server.Freeze(t)
	if n := answersSoon(t, p, cookie, by.token, id); n < 6 {
		t.Errorf("a server that hangs: got %d answers 503, want one for whatever needs it", n)
	}
	server.Stop(t)
	if n := answersSoon(t, p, cookie, by.token, id); n < 6 {
		t.Errorf("no server: got %d answers 503, want one for whatever needs it", n)
	}
	<-time.After(5 * time.Second) // as above
	server.Start(t)
	p.waitState(by.token, id, "up")
	gapless(t, modelstest.Connect(t, server.URL()), 15)
	p.stop()
}

// TestStartWithoutDatabase: where another program holds the SQLite file, or Postgres is stopped, each command says so in one
// line, with what to do.
func TestStartWithoutDatabase(t *testing.T) {
	t.Parallel()
	file := modelstest.SQLite(t)
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	server := modelstest.OwnPostgres(t)
	server.Stop(t)
	secret := strings.Replace(server.URL(), "echolot@", "echolot:secret@", 1)
	for _, c := range []struct{ name, url, says, do string }{
		{"locked", file, "another program holds the database " + file, "let it finish or end it"},
		{"stopped", secret, "the database at " + server.Address() + " does not answer", "see that it runs"},
	} {
		for _, command := range [][]string{{"serve"}, {"migrate"}, {"token", "create", "--name=x", "--email=a@example.com"}} {
			t.Run(c.name+" "+command[0], func(t *testing.T) {
				t.Parallel()
				r := runProgram(t, []string{"ECHOLOT_DATA_DIR=" + t.TempDir(), "ECHOLOT_LISTEN=127.0.0.1:0", "ECHOLOT_DATABASE_URL=" + c.url}, "", command...)
				if r.code == 0 || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 {
					t.Fatalf("got code %d, stdout %q, stderr\n%s\nwant a failure and one line", r.code, r.stdout, r.stderr)
				}
				if !strings.Contains(r.stderr, "ECHOLOT_DATABASE_URL: "+c.says) || !strings.Contains(r.stderr, c.do) || strings.Contains(r.stderr, "secret") {
					t.Errorf("got %s, want %q, %q and no password", r.stderr, c.says, c.do)
				}
			})
		}
	}
}
