package probe

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"echolot/models"
	"echolot/models/modelstest"
)

func TestMain(m *testing.M) { os.Exit(modelstest.Main(m)) }

// unreliable is a real store whose results and monitors can not be written or read while it is down.
type unreliable struct {
	*models.Store
	down atomic.Bool
	slow atomic.Bool  // reading one monitor takes a second
	page atomic.Int32 // where it is not 0, monitors are read so many at a time, and that takes four seconds
}

var errDown = fmt.Errorf("the test took the database away: %w", context.DeadlineExceeded)

func (u *unreliable) RecordResults(ctx context.Context, results []models.Result, judge models.JudgeFunc) ([]models.Recorded, error) {
	if u.down.Load() {
		return nil, errDown
	}
	return u.Store.RecordResults(ctx, results, judge)
}

func (u *unreliable) UnscopedMonitorToProbe(ctx context.Context, id int64) (models.ProbeTarget, bool, error) {
	if u.down.Load() {
		return models.ProbeTarget{}, false, errDown
	}
	target, ok, err := u.Store.UnscopedMonitorToProbe(ctx, id)
	if u.slow.Load() {
		sleep(ctx, time.Second)
	}
	return target, ok, err
}

func (u *unreliable) UnscopedMonitorsToProbe(ctx context.Context, after int64, limit int) ([]models.ProbeTarget, int64, bool, error) {
	if u.down.Load() {
		return nil, 0, false, errDown
	}
	if page := int(u.page.Load()); page != 0 {
		sleep(ctx, 4*time.Second)
		limit = page
	}
	return u.Store.UnscopedMonitorsToProbe(ctx, after, limit)
}

func (u *unreliable) HoldLocation(ctx context.Context, id int64) (func(), <-chan struct{}, bool, error) {
	if u.down.Load() {
		return nil, nil, false, errDown
	}
	return u.Store.HoldLocation(ctx, id)
}

// logText is a log that may be read while it is written.
type logText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// house is a prober on a real database with one administrator.
type house struct {
	*fakePinger
	t      *testing.T
	url    string
	store  *unreliable
	prober *Prober
	by     models.Actor
	log    logText
	stop   func() error

	parallel int     // 0 = as usual
	options  Options // beyond those that start sets
}

// inHouse runs the test in a bubble of synctest, on SQLite, with a prober that runs.
func inHouse(t *testing.T, test func(t *testing.T, h *house)) {
	inHouseWith(t, func(*house) {}, test)
}

// inHouseWith is inHouse with a house that is prepared before its prober starts.
func inHouseWith(t *testing.T, prepare func(h *house), test func(t *testing.T, h *house)) {
	url := modelstest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, url)
		prepare(h)
		h.start()
		pass(time.Millisecond)
		test(t, h)
	})
}

func newHouse(t *testing.T, url string) *house {
	h := &house{t: t, url: url, fakePinger: &fakePinger{}, store: &unreliable{Store: modelstest.Open(t, url)}}
	user, err := h.store.UnscopedCreateUser(t.Context(), models.NewUser{
		Email: "noc@example.com", Role: models.RoleAdmin, Password: "correct horse battery",
	})
	if err != nil {
		t.Fatal(err)
	}
	h.by = models.Actor{UserID: user.ID, Role: models.RoleAdmin, HomeID: user.OrganizationID, OrganizationID: user.OrganizationID}
	return h
}

// start makes a new prober run, as after a restart.
func (h *house) start() {
	o := h.options
	o.Engine, o.Parallel, o.Shared = func() string { return "fake" }, h.parallel, modelstest.IsPostgres(h.url)
	o.Log = slog.New(slog.NewTextHandler(&h.log, nil))
	o.Abilities = func() Abilities { return Abilities{{Mode: ModeDatagram, Family: "4", OK: true}} }
	h.prober = New(h.store, h.store.Bus(), h.fakePinger, o)
	h.stop = run(h.t, h.prober)
}

// run starts a prober; what it returns stops it, and may be called again.
func run(t *testing.T, p *Prober) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var err error
	go func() { defer close(done); err = p.Run(ctx) }()
	stop = func() error { cancel(); <-done; return err }
	t.Cleanup(func() { _ = stop() })
	return stop
}

func (h *house) fields(format string, args ...any) models.Fields {
	h.t.Helper()
	f, err := models.ParseFields(fmt.Appendf(nil, format, args...))
	if err != nil {
		h.t.Fatal(err)
	}
	return f
}

// create makes a monitor; s may be another process's store.
func (h *house) create(s *models.Store, host string, minutes int) models.MonitorRow {
	h.t.Helper()
	row, err := s.CreateMonitor(h.t.Context(), h.by, h.fields(
		`{"customerId":1,"name":%q,"hostname":%q,"checkInterval":%d,"icmpConfig":{"count":1}}`, host, host, minutes))
	if err != nil {
		h.t.Fatal(err)
	}
	return row
}

func (h *house) change(s *models.Store, id uuid.UUID, body string) models.MonitorRow {
	h.t.Helper()
	row, err := s.ChangeMonitor(h.t.Context(), h.by, id, h.fields("%s", body), "")
	if err != nil {
		h.t.Fatal(err)
	}
	return row
}

func (h *house) delete(s *models.Store, id uuid.UUID) {
	h.t.Helper()
	if err := s.DeleteMonitor(h.t.Context(), h.by, id); err != nil {
		h.t.Fatal(err)
	}
}

// state is what the pages would show now.
func (h *house) state(id uuid.UUID) models.MonitorState {
	h.t.Helper()
	row, err := h.store.Monitor(h.t.Context(), h.by, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return row.State
}

// history is the stored checks, oldest first, in short: "first:success".
func (h *house) history(id uuid.UUID) string {
	h.t.Helper()
	results, err := h.store.CheckHistory(h.t.Context(), h.by, id, time.Time{}, 200)
	if err != nil {
		h.t.Fatal(err)
	}
	words := make([]string, len(results))
	for i, r := range results {
		words[len(results)-1-i] = fmt.Sprintf("%s:%s", r.Kind, r.Outcome)
	}
	return strings.Join(words, " ")
}

// expect checks how often a monitor was pinged and to which host last.
func (h *house) expect(what string, id int64, n int, host string) {
	h.t.Helper()
	pings := h.of(id)
	if len(pings) != n || n > 0 && pings[n-1].Spec.Host != host {
		h.t.Fatalf("%s: got %d pings %+v, want %d, the last to %s", what, len(pings), pings, n, host)
	}
}

func (h *house) heartbeat() models.Heartbeat {
	h.t.Helper()
	beat, alive, err := h.store.Heartbeat(h.t.Context())
	if err != nil || !alive {
		h.t.Fatalf("heartbeat: alive is %v, error %v", alive, err)
	}
	return beat
}

// eventually polls the condition in real time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}
