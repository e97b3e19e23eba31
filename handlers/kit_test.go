package handlers

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
	"echolot/static"
)

func TestMain(m *testing.M) { os.Exit(modelstest.Main(m)) }

const password = "correct horse battery"

// house is a running server with two organizations, and everybody who might knock.
type house struct {
	t     testing.TB
	store *models.Store
	s     *Server
	url   string
	log   *logBook
	// The first organization has two customers with a monitor each, the second one of both.
	organization, other         models.Actor
	customer, second, foreign   models.Customer
	monitor, hidden, foreignOne models.MonitorRow
	// opened is the first monitor's incident, where the test opened one.
	opened string
	// page is the first customer's status page.
	page string
	// users are e-mail addresses by role; limited sees only customer, foreigner is the other organization's admin.
	limited, foreigner string
}

// logBook keeps what was logged.
type logBook struct{ lines chan string }

func (l *logBook) Write(b []byte) (int, error) {
	select {
	case l.lines <- string(b):
	default:
	}
	return len(b), nil
}

// all takes the lines logged so far.
func (l *logBook) all() string {
	var b strings.Builder
	for len(l.lines) > 0 {
		b.WriteString(<-l.lines)
	}
	return b.String()
}

// houses runs f with a house on each database.
func houses(t *testing.T, f func(h *house), changes ...func(*Options)) {
	t.Helper()
	modelstest.Stores(t, func(t *testing.T, store *models.Store) { f(newHouse(t, store, changes...)) })
}

// liteHouse is a house on SQLite, where the database makes no difference.
func liteHouse(t *testing.T, changes ...func(*Options)) *house {
	t.Helper()
	return newHouse(t, modelstest.Open(t, modelstest.SQLite(t)), changes...)
}

// assets are compressed when they are read, which is a tenth of a small test's work: all houses share them.
var assets = sync.OnceValues(static.New)

func newHouse(t testing.TB, store *models.Store, changes ...func(*Options)) *house {
	t.Helper()
	h := &house{t: t, store: store, limited: "limited@example.com", foreigner: "foreigner@example.com", log: &logBook{lines: make(chan string, 1000)}}
	h.people()
	assets, err := assets()
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.url = "http://" + ln.Addr().String()
	base, _ := url.Parse(h.url)
	o := Options{Store: store, Assets: assets, Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})), BaseURL: base, Version: "test",
		Streams: StreamCaps{Total: 1000, PerUser: 1000, PerOrganization: 1000, PerAddress: 1000}, Metrics: someMetrics()}
	for _, change := range changes {
		change(&o)
	}
	h.s = New(o)
	served := make(chan error, 1)
	go func() { served <- h.s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.s.Shutdown(ctx); err != nil {
			t.Errorf("stopping: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	if err := store.SaveHeartbeat(context.Background(), models.Heartbeat{Engine: "test", IPv4: "raw", IPv6: "raw"}); err != nil {
		t.Fatal(err)
	}
	return h
}

// people fills the database.
func (h *house) people() {
	ctx := context.Background()
	must := func(err error) {
		h.t.Helper()
		if err != nil {
			h.t.Fatal(err)
		}
	}
	user := func(email string, role models.Role, organization string) models.User {
		u, err := h.store.UnscopedCreateUser(ctx, models.NewUser{Email: email, Role: role, Organization: organization, Password: password})
		must(err)
		return u
	}
	for _, role := range models.Roles {
		user(string(role)+"@example.com", role, "Kranich")
	}
	user(h.foreigner, models.RoleAdmin, "Nordwind")
	h.organization = models.Actor{UserID: 1, Role: models.RoleAdmin, HomeID: 1, OrganizationID: 1}
	h.other = models.Actor{UserID: 6, Role: models.RoleAdmin, HomeID: 2, OrganizationID: 2}
	var err error
	h.customer, err = h.store.Customer(ctx, h.organization, models.Ref{ID: 1})
	must(err)
	h.second, err = h.store.CreateCustomer(ctx, h.organization, object(h.t, `{"name":"Second","email":"second@example.com"}`))
	must(err)
	h.foreign, err = h.store.Customer(ctx, h.other, models.Ref{ID: 2})
	must(err)
	limited := user(h.limited, models.RoleUser, "Kranich")
	must(h.store.UnscopedLimitUser(ctx, limited.ID, []int64{h.customer.ID}))
	monitor := func(by models.Actor, customer models.Customer, name string) models.MonitorRow {
		m, err := h.store.CreateMonitor(ctx, by, object(h.t, `{"customerId":"`+customer.PublicID.String()+`","name":"`+name+`","hostname":"127.0.0.1","checkIntervalSeconds":60}`))
		must(err)
		return m
	}
	h.monitor = monitor(h.organization, h.customer, "Gateway")
	h.hidden = monitor(h.organization, h.second, "Hidden")
	h.foreignOne = monitor(h.other, h.foreign, "Foreign")
	page, err := h.store.CreateStatusPage(ctx, h.organization, object(h.t, `{"customerId":1,"name":"Own page","slug":"own-page"}`))
	must(err)
	h.page = page.PublicID.String()
}

// judgeMeasured is judgeUp that says what was measured, so that incidents follow.
func judgeMeasured(st models.MonitorState, r models.Result, rule models.Rule, status models.Status) (models.MonitorState, bool) {
	st, ok := judgeUp(st, r, rule, status)
	switch r.Outcome {
	case models.OutcomeFailure:
		st.Measured = models.StateDown
		st.Failures++
	case models.OutcomeSuccess:
		st.Measured, st.Failures = models.StateUp, 0
		st.Successes++
	}
	return st, ok
}

// fail stores a check of the monitor without a reply, one second after the last one, and returns the incident that it opened.
func (h *house) fail(m models.MonitorRow) string {
	h.t.Helper()
	slot := time.Now().Truncate(time.Second).UnixMilli()
	recorded, err := h.store.RecordResults(context.Background(), []models.Result{{Monitor: m.ID, Rev: m.Rev, Location: models.LocationID, Slot: slot, Kind: models.KindScheduled,
		Outcome: models.OutcomeFailure, Cause: models.CauseTimeout, Sent: 2, Packets: make([]models.Packet, 2)}}, judgeMeasured)
	if err != nil || len(recorded) != 1 || len(recorded[0].Incidents) != 1 {
		h.t.Fatalf("got %+v and error %v, want an incident opened", recorded, err)
	}
	return recorded[0].Incidents[0].Incident.PublicID.String()
}

// recover stores a good check of the monitor, now.
func (h *house) recover(m models.MonitorRow) {
	h.t.Helper()
	slot := time.Now().UnixMilli() + 1
	recorded, err := h.store.RecordResults(context.Background(), []models.Result{{Monitor: m.ID, Rev: m.Rev, Location: models.LocationID, Slot: slot, Kind: models.KindScheduled,
		Outcome: models.OutcomeSuccess, Sent: 1, Received: 1, Packets: []models.Packet{{State: models.PacketReplied, RTT: time.Millisecond}}}}, judgeMeasured)
	if err != nil || len(recorded) != 1 {
		h.t.Fatalf("got %+v and error %v, want a good check recorded", recorded, err)
	}
}

func object(t testing.TB, body string) models.Fields {
	t.Helper()
	f, err := models.ParseFields([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// token makes an API token that acts as the user.
func (h *house) token(email string) string {
	h.t.Helper()
	secret, err := h.store.UnscopedCreateUserToken(context.Background(), email, "test")
	if err != nil {
		h.t.Fatal(err)
	}
	return secret
}

// session signs the user in and returns the session's token: a Bearer credential and the cookie's value alike.
func (h *house) session(email string) string {
	h.t.Helper()
	token, _, _, err := h.store.SignIn(context.Background(), email, password, "127.0.0.1")
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// decode reads the JSON body into v.
func (a answer) decode(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("got body %q: %v", a.body, err)
	}
}

// request sends one request; header is pairs of name and value.
func (h *house) request(method, path, body string, header ...string) answer {
	h.t.Helper()
	req, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// api sends JSON with a Bearer credential; none where it is empty.
func (h *house) api(credential, method, path, body string) answer {
	h.t.Helper()
	header := []string{}
	if body != "" {
		header = append(header, "Content-Type", "application/json")
	}
	if credential != "" {
		header = append(header, "Authorization", "Bearer "+credential)
	}
	return h.request(method, path, body, header...)
}

// browser sends what a browser with the session's cookie sends; a form with the session's CSRF token where it changes something.
func (h *house) browser(session, method, path string, form url.Values) answer {
	h.t.Helper()
	header := []string{"Cookie", h.s.sessions.name() + "=" + session, "Sec-Fetch-Site", "same-origin"}
	body := ""
	if form != nil {
		form.Set("_csrf", csrfOf(session))
		body = form.Encode()
		header = append(header, "Content-Type", "application/x-www-form-urlencoded")
	}
	return h.request(method, path, body, header...)
}
