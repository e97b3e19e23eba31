package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/uptrace/bun/driver/pgdriver"

	"echolot/models/modelstest"
	"echolot/probe/lab"
)

// insideVar names the benchmark that a child process is to run in its network namespace.
const insideVar = "TEST_BENCH_INSIDE"

// inNamespace runs body in a new network namespace with lo and datagram ICMP sockets, in a child process that does nothing
// else. What body writes to standard error is shown.
func inNamespace(b *testing.B, body func(b *testing.B)) {
	b.Helper()
	if os.Getenv(insideVar) == b.Name() {
		lab.IP(b, "link", "set", "lo", "up")
		lab.AllowDatagram(b)
		body(b)
		return
	}
	if os.Geteuid() != 0 {
		b.Skip("this makes a network namespace: run it as root or within `unshare -Urn`")
	}
	for b.Loop() {
		cmd := exec.Command("/proc/self/exe", "-test.run=^$", "-test.bench=^"+b.Name()+"$", "-test.benchtime=1x")
		cmd.Env = append(os.Environ(), insideVar+"="+b.Name())
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
		cmd.Stderr = os.Stdout
		if out, err := cmd.Output(); err != nil || !bytes.Contains(out, []byte("\nPASS\n")) {
			b.Fatalf("in the namespace: %v\n%s", err, out)
		}
	}
}

// product is a whole-program measurement.
type product struct {
	*benchProgram
	name              string
	url               string // of the database
	monitors, seconds int    // the monitors' interval
	packets, pages    int
	warm, window      time.Duration
	cores, withBase   float64       // asked
	told              *atomic.Int64 // events of all pages
}

// BenchmarkProductSQLite is 10,000 monitors of four packets every 10 s with ten pages open.
func BenchmarkProductSQLite(b *testing.B) {
	inNamespace(b, func(b *testing.B) {
		p := newBenchProgram(b)
		product{benchProgram: p, name: "SQLite", url: filepath.Join(p.data, "echolot.db"), monitors: 10_000, seconds: 10, packets: 4, pages: 10,
			warm: 20 * time.Second, window: 20 * time.Second, cores: 0.5}.measure()
	})
}

// BenchmarkProductPostgres is 100,000 monitors of three packets every minute.
func BenchmarkProductPostgres(b *testing.B) {
	inNamespace(b, func(b *testing.B) {
		p := newBenchProgram(b)
		product{benchProgram: p, name: "Postgres", url: modelstest.Postgres(b), monitors: 100_000, seconds: 60, packets: 3,
			warm: 30 * time.Second, window: time.Minute, cores: 0.5, withBase: 1}.measure()
	})
}

// measure fills the database, lets the program run, and prints what it needed while it did.
func (p product) measure() {
	p.b.Helper()
	p.settings = []string{"ECHOLOT_DATABASE_URL=" + p.url}
	for p.b.Loop() {
		p.prepare()
		p.start()
		p.told = new(atomic.Int64)
		closePages := p.openPages()
		p.wait(p.warm)
		// The window is of whole intervals: each monitor has the same number of slots in it.
		from := time.Now()
		cpu, base := p.cpu(), p.databaseCPU()
		events := p.told.Load()
		p.wait(p.window)
		until := time.Now()
		used, usedBase := p.cpu()-cpu, p.databaseCPU()-base
		told := float64(p.told.Load()-events) / until.Sub(from).Seconds()
		rss := p.rss()
		p.wait(5 * time.Second) // what began in the window is recorded by then
		closePages()
		p.stop()
		p.print(until.Sub(from), used, usedBase, told, rss, p.recorded(from, from.Add(p.window)))
	}
}

// prepare fills the database; the program is stopped then. It returns a token.
func (p product) prepare() (token string) {
	p.b.Helper()
	p.start()
	token = p.fill(0, 0)
	// The packets' spacing and the time left to wait are the defaults.
	body := `{"customerId":1,"name":"Host 1","hostname":"127.1.0.1","checkIntervalSeconds":%d,"timeoutSeconds":5,"icmpConfig":{"count":%d}}`
	p.post("/api/icmp-monitors", token, fmt.Sprintf(body, p.seconds, p.packets))
	p.wait(3 * time.Second) // it is checked, so that its state can be copied
	p.stop()
	p.copyMonitor()
	return token
}

func (p product) wait(d time.Duration) {
	over, cancel := context.WithTimeout(p.b.Context(), d)
	defer cancel()
	<-over.Done()
}

// connect opens the database for writing.
func (p product) connect() *sql.DB {
	p.b.Helper()
	if modelstest.IsPostgres(p.url) {
		return sql.OpenDB(pgdriver.NewConnector(pgdriver.WithDSN(p.url), pgdriver.WithTimeout(5*time.Minute)))
	}
	db, err := sql.Open("sqlite", "file:"+p.url+"?_pragma=busy_timeout(5000)")
	if err != nil {
		p.b.Fatal(err)
	}
	return db
}

// copyMonitor makes all the others of the first monitor and of its state, which the program has made.
func (p product) copyMonitor() {
	p.b.Helper()
	db := p.connect()
	defer db.Close()
	publicID := "printf('%08x-0000-4000-8000-%012x', i, i)"
	if modelstest.IsPostgres(p.url) {
		publicID = "gen_random_uuid()"
	}
	host := "'127.' || (1 + i / 62500) || '.' || (i / 250 % 250) || '.' || (1 + i % 250)"
	name := "'Host ' || i"
	numbers := fmt.Sprintf("WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", p.monitors)
	p.copyRows(db, numbers, "monitors", "monitors AS o, n", "o.id = 1", map[string]string{
		"id": "i", "public_id": publicID, "name": name, "search": "lower(" + name + ")", "hostname": host, "hostname_typed": host,
	})
	p.copyRows(db, "", "monitor_states", "monitor_states AS o, monitors AS m", "o.monitor_id = 1 AND m.id > 1", map[string]string{
		"monitor_id": "m.id",
	})
	for _, statement := range []string{"ANALYZE", "SELECT setval('monitors_id_seq', (SELECT max(id) FROM monitors))"} {
		if _, err := db.Exec(statement); err != nil && modelstest.IsPostgres(p.url) {
			p.b.Fatalf("%s: %v", statement, err)
		}
	}
}

// copyRows inserts into a table what is selected from others, of which o is the table itself: its columns, but those given.
func (p product) copyRows(db *sql.DB, with, table, from, where string, other map[string]string) {
	p.b.Helper()
	rows, err := db.Query("SELECT * FROM " + table + " WHERE 1 = 0")
	if err != nil {
		p.b.Fatal(err)
	}
	columns, err := rows.Columns()
	if err = errors.Join(err, rows.Err(), rows.Close()); err != nil {
		p.b.Fatal(err)
	}
	values := make([]string, len(columns))
	for i, c := range columns {
		if values[i] = "o." + c; other[c] != "" {
			values[i] = other[c]
		}
	}
	statement := with + "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") SELECT " + strings.Join(values, ", ") + " FROM " + from + " WHERE " + where
	if _, err := db.Exec(statement); err != nil {
		p.b.Fatalf("%s: %v", statement, err)
	}
}

// openPages opens the live streams of as many signed-in pages and reads them. The function returned closes them.
func (p product) openPages() func() {
	p.b.Helper()
	if p.pages == 0 {
		return func() {}
	}
	session := p.signIn()
	ctx, cancel := context.WithCancel(p.b.Context())
	var reading sync.WaitGroup
	for range p.pages {
		r, err := http.NewRequestWithContext(ctx, "GET", "http://"+p.addr+"/events", nil)
		if err != nil {
			p.b.Fatal(err)
		}
		r.Header.Set("Cookie", "sid="+session)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil || resp.StatusCode != 200 {
			p.b.Fatalf("got %v, %v, want a stream", resp, err)
		}
		reading.Go(func() {
			defer resp.Body.Close()
			lines := bufio.NewScanner(resp.Body)
			lines.Buffer(nil, 1<<20)
			for lines.Scan() {
				if strings.HasPrefix(lines.Text(), "event: ") {
					p.told.Add(1)
				}
			}
		})
	}
	return func() {
		cancel()
		reading.Wait()
	}
}

// recorded reads how late, in microseconds, each scheduled check of the slots from and before until began: the rows that the
// program wrote say so.
func (p product) recorded(from, until time.Time) (late []float64) {
	p.b.Helper()
	db := modelstest.Connect(p.b, p.url)
	query := fmt.Sprintf("SELECT started_us FROM results WHERE slot >= %d AND slot < %d AND code & 7 = 0 ORDER BY started_us", from.UnixMilli(), until.UnixMilli())
	rows, err := db.Query(query)
	if err != nil {
		p.b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var us float64
		if err := rows.Scan(&us); err != nil {
			p.b.Fatal(err)
		}
		late = append(late, us)
	}
	if err := rows.Err(); err != nil {
		p.b.Fatal(err)
	}
	return late
}

// databaseCPU is what Postgres used so far, with its processes that are over: those of this network namespace.
func (p product) databaseCPU() time.Duration {
	p.b.Helper()
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		p.b.Fatal(err)
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		p.b.Fatal(err)
	}
	ticks := 0
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte("(postgres)")) {
			continue // it ended meanwhile, or is another program
		}
		if ns, err := os.Readlink(filepath.Join(filepath.Dir(path), "ns/net")); err != nil || ns != ours {
			continue
		}
		f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
		for _, field := range f[11:15] { // utime, stime and those of children waited for
			n, _ := strconv.Atoi(field)
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100
}

// print prints the figures, good or bad.
func (p product) print(window, used, usedBase time.Duration, told, rss float64, late []float64) {
	want := p.monitors * int(p.window.Seconds()) / p.seconds
	fmt.Fprintf(os.Stderr, "\nThe whole product, %s: %d monitors × %d packets / %d s, %d pages open, %.0f s\n", p.name, p.monitors, p.packets, p.seconds, p.pages, window.Seconds())
	if len(late) > 0 {
		figure("lateness, p50", quantile(late, 0.5)/1e3, "ms", notAsked)
		figure("lateness, p99", quantile(late, 0.99)/1e3, "ms", 50)
		figure("lateness, most", quantile(late, 1)/1e3, "ms", notAsked)
	}
	figure("checks due that were not recorded", 100*(1-float64(len(late))/float64(want)), "%", 0)
	figure("cores of the program", used.Seconds()/window.Seconds(), "cores", p.cores)
	if p.withBase > 0 {
		figure("cores with the database's", (used+usedBase).Seconds()/window.Seconds(), "cores", p.withBase)
	}
	figure("resident memory", rss/mib, "MiB", notAsked)
	if p.pages > 0 {
		figure("events that each page got", told/float64(p.pages), "a second", notAsked)
	}
}

// quantile is that of sorted values.
func quantile(sorted []float64, q float64) float64 { return sorted[int(q*float64(len(sorted)-1))] }

// notAsked is the limit of a figure that has none.
const notAsked = -1

// figure prints one line: a value, and whether it is within what is asked.
func figure(what string, value float64, unit string, asked float64) {
	fmt.Fprintf(os.Stderr, "  %-40s %10.2f %-10s", what, value, unit)
	if asked >= 0 {
		verdict := "reached"
		if value > asked {
			verdict = "MISSED"
		}
		fmt.Fprintf(os.Stderr, "  asked ≤ %.2f: %s", asked, verdict)
	}
	fmt.Fprintln(os.Stderr)
}
