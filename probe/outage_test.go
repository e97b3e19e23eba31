package probe

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// outage records results on a real database that the test takes away.
type outage struct {
	*Recorder
	t        *testing.T
	db       *sql.DB // past whatever stands between the recorder and the database
	monitors []int64
	rate     int // results a second
	log      lockedText
	stop     func() error

	slot, last int64 // of the newest results
	fed        int64
	next       int
	most       RecorderStats // the largest figures seen

	mu    sync.Mutex
	told  map[int64]int64 // the last slot by monitor
	order int             // results that came too late
}

// lockedText is a log that may be read while it is written.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newOutage starts a recorder on the store. direct is the database's own URL.
func newOutage(t *testing.T, s *models.Store, direct string, rate int, memory int64) *outage {
	t.Helper()
	o := &outage{t: t, rate: rate, told: map[int64]int64{}, slot: time.Now().UnixMilli()}
	o.monitors = modelstest.Monitors(t, s, rate)
	o.db = modelstest.Connect(t, direct)
	o.Recorder = NewRecorder(s, t.TempDir(), o.tell, slog.New(slog.NewTextHandler(&o.log, nil)))
	o.memoryBytes, o.mostBytes = memory, 2*memory
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	o.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		if err := o.stop(); err != nil {
			t.Errorf("at the stop: %v", err)
		}
		if t.Failed() {
			t.Logf("the log:\n%s", &o.log)
		}
	})
	return o
}

func (o *outage) tell(r models.Recorded) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.Result.Slot <= o.told[r.Result.Monitor] {
		o.order++
	}
	o.told[r.Result.Monitor] = r.Result.Slot
}

// feed gives the recorder results for so long, a tenth of a second's at a time: each monitor has one a second.
func (o *outage) feed(d time.Duration) {
	o.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range int(d / (100 * time.Millisecond)) {
		began := time.Now()
		for range o.rate / 10 {
			o.Take(models.Result{Monitor: o.monitors[o.next], Rev: 1, Location: models.LocationID, Slot: o.slot, Kind: models.KindScheduled, Outcome: models.OutcomeSuccess,
				Sent: 1, Received: 1, ReplyTTL: 64, Address: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Packets: []models.Packet{{State: models.PacketReplied, RTT: time.Millisecond}}})
			o.next = (o.next + 1) % len(o.monitors)
			o.fed++
		}
		if took := time.Since(began); took > time.Second {
			o.t.Errorf("taking results waited %s", took)
		}
		o.last = o.slot
		o.slot += 100
		s := o.Stats()
		o.most.WaitingBytes, o.most.SpoolBytes, o.most.SpoolResults = max(o.most.WaitingBytes, s.WaitingBytes), max(o.most.SpoolBytes, s.SpoolBytes), max(o.most.SpoolResults, s.SpoolResults)
		<-tick.C
	}
}

// settled waits until nothing waits any more, and then looks whether all is there, once and in order, and nothing is down.
func (o *outage) settled() {
	o.t.Helper()
	within := 2 * time.Minute // the promise
	began := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s := o.Stats(); s.Waiting > 0 || s.SpoolResults > 0; s = o.Stats() {
		if time.Since(began) > within {
			o.t.Fatalf("after %s: still %+v", within, s)
		}
		<-tick.C
	}
	o.t.Logf("%d results, most in memory %d bytes, most in the spool %d results of %d bytes; all stored %s later", o.fed, o.most.WaitingBytes, o.most.SpoolResults,
		o.most.SpoolBytes, time.Since(began).Round(time.Millisecond))
	var stored, bad int64
	if err := o.db.QueryRowContext(o.t.Context(), "SELECT count(*) FROM results").Scan(&stored); err != nil {
		o.t.Fatal(err)
	}
	if err := o.db.QueryRowContext(o.t.Context(), fmt.Sprintf("SELECT count(*) FROM monitor_states WHERE state <> 'up' OR last_slot < %d", o.last-900)).Scan(&bad); err != nil {
		o.t.Fatal(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if s := o.Stats(); stored != o.fed || bad != 0 || o.order != 0 || s.Dropped != 0 || s.Failing {
		o.t.Errorf("got %d results stored, %d states that are not up and current, %d out of order, %+v; want %d stored and no trouble", stored, bad, o.order, s, o.fed)
	}
	if o.most.WaitingBytes > o.mostBytes {
		o.t.Errorf("got %d bytes in memory, want at most %d", o.most.WaitingBytes, o.mostBytes)
	}
}

// outageForm is how long the database is away, and at how many results a second: a minute, and in the long form ten.
func outageForm() (away time.Duration, rate int, memory int64) {
	if os.Getenv("ECHOLOT_SOAK") != "" {
		return 10 * time.Minute, 1000, memoryBytes
	}
	return time.Minute, 2000, 4 << 20 // less memory, so that most of the minute goes to the spool
}

// SQLite's file is locked by somebody else.
func TestSQLiteAway(t *testing.T) {
	t.Parallel()
	away, rate, memory := outageForm()
	path := modelstest.SQLite(t)
	o := newOutage(t, modelstest.Open(t, path), path, rate, memory)
	o.feed(2 * time.Second)
	other, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	o.feed(away)
	if s := o.Stats(); !s.Failing || s.SpoolResults == 0 {
		t.Errorf("while the file is locked: got %+v, want it to fail and to spool", s)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	o.feed(2 * time.Second)
	o.settled()
}

// Postgres hangs, ends, and comes back.
func TestPostgresAway(t *testing.T) {
	t.Parallel()
	away, rate, memory := outageForm()
	server := modelstest.OwnPostgres(t)
	s := modelstest.Open(t, server.URL())
	o := newOutage(t, s, server.URL(), rate, memory)
	o.feed(2 * time.Second)
	server.Freeze(t)
	o.feed(away / 3)
	server.Stop(t)
	o.feed(away - away/3)
	if s := o.Stats(); !s.Failing || s.SpoolResults == 0 {
		t.Errorf("without a server: got %+v, want it to fail and to spool", s)
	}
	server.Start(t)
	o.feed(2 * time.Second)
	o.settled()
}

// The network between us and Postgres is slow, cuts connections, or loses answers, that of a COMMIT among them.
func TestPostgresBehindABadNetwork(t *testing.T) {
	t.Parallel()
	server := modelstest.OwnPostgres(t)
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	proxy := toxiproxy.NewProxy(api, "postgres", "127.0.0.1:0", server.Address())
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	s := modelstest.Open(t, strings.Replace(server.URL(), server.Address(), proxy.Listen, 1))
	o := newOutage(t, s, server.URL(), 500, 1<<20)
	with := func(toxic string, d time.Duration) {
		t.Helper()
		if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(`{"name": "toxic", ` + toxic + `}`)); err != nil {
			t.Fatal(err)
		}
		o.feed(d)
		if err := proxy.Toxics.RemoveToxic(t.Context(), "toxic"); err != nil {
			t.Fatal(err)
		}
	}
	const second = time.Second
	o.feed(second)
	with(`"type": "latency", "stream": "downstream", "attributes": {"latency": 2000}`, 5*second)
	o.feed(2 * second)
	with(`"type": "limit_data", "stream": "downstream", "attributes": {"bytes": 3000}`, 3*second)
	with(`"type": "limit_data", "stream": "upstream", "attributes": {"bytes": 50000}`, 3*second)
	with(`"type": "timeout", "stream": "upstream", "attributes": {"timeout": 0}`, 4*second) // half open
	with(`"type": "timeout", "stream": "downstream", "attributes": {"timeout": 500}`, 4*second)
	with(`"type": "reset_peer", "stream": "downstream", "attributes": {"timeout": 20}`, 3*second)
	for range 12 { // answers lost, at whatever moment
		o.feed(300 * time.Millisecond)
		with(`"type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}`, 200*time.Millisecond)
	}
	o.feed(second)
	o.settled()
}
