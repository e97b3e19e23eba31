package handlers

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// update writes the golden files anew: go test ./handlers -run TestGolden -update.
var update = flag.Bool("update", false, "write the golden files of testdata anew")

// volatile are the values that differ from run to run, with what stands for them. Everything else of an answer, the
// order of its keys above all, is compared byte for byte.
var volatile = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`), "TIME"},
	{regexp.MustCompile(`wsm_[A-Za-z0-9_-]{43}`), "wsm_SECRET"},
	{regexp.MustCompile(`wsm_[A-Za-z0-9_-]{5}\.\.\.`), "wsm_HINT..."},
	{regexp.MustCompile(`http://127\.0\.0\.1:\d{4,5}/`), "http://HERE/"},
	{regexp.MustCompile(`\?key=[A-Za-z0-9_-]{43}`), "?key=LINK"},
	{regexp.MustCompile(`"value":"[A-Za-z0-9_-]{43}"`), `"value":"RECORD"`},
	{regexp.MustCompile(`ETag: "\d{16}"`), `ETag: "CHANGED"`},
	{regexp.MustCompile(`"token":"[A-Za-z0-9_-]{43}"`), `"token":"SESSION"`},
}

func steady(s string) string {
	for _, v := range volatile {
		s = v.pattern.ReplaceAllString(s, v.instead)
	}
	return s
}

// book is a golden file being written: requests and their answers, in order.
type book struct {
	h    *house
	text strings.Builder
}

// ask sends a request and notes it with its answer.
func (b *book) ask(title, credential, method, path, body string, header ...string) answer {
	b.h.t.Helper()
	if body != "" && !slices.Contains(header, "Content-Type") {
		header = append(header, "Content-Type", "application/json")
	}
	if credential != "" {
		header = append(header, "Authorization", "Bearer "+credential)
	}
	a := b.h.request(method, path, body, header...)
	if len(body) > 300 {
		body = fmt.Sprintf("(%d bytes)", len(body))
	}
	if len(path) > 300 {
		path = fmt.Sprintf("(%d bytes)", len(path))
	}
	fmt.Fprintf(&b.text, "# %s\n%s %s\n", title, method, steady(path))
	if body != "" {
		fmt.Fprintf(&b.text, "> %s\n", steady(body))
	}
	fmt.Fprintf(&b.text, "< %d %s\n", a.status, http.StatusText(a.status))
	for _, name := range []string{"Content-Type", "Location", "ETag", "Allow", "WWW-Authenticate", "Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "Clear-Site-Data"} {
		for _, v := range a.header.Values(name) {
			if name == "Retry-After" && a.status == http.StatusTooManyRequests {
				v = "SECONDS"
			}
			b.text.WriteString(steady(fmt.Sprintf("< %s: %s\n", name, v)))
		}
	}
	fmt.Fprintf(&b.text, "%s\n\n", steady(a.body))
	return a
}

// close compares the book with its file, or writes the file.
func (b *book) close(name string) {
	b.h.t.Helper()
	file := filepath.Join("testdata", name+".golden")
	got := b.text.String()
	if *update && b.h.store.Engine() == "SQLite" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			b.h.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		b.h.t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		g, w := "(end)", "(end)"
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if g != w {
			b.h.t.Fatalf("%s line %d\n got %s\nwant %s", file, i+1, g, w)
		}
	}
}

// execute runs a statement past the store, as a careless administrator would.
func execute(t testing.TB, store *models.Store, statement string) error {
	t.Helper()
	at := modelstest.URL(t, store)
	db := modelstest.Connect(t, at)
	if !modelstest.IsPostgres(at) { // Connect only reads there
		var err error
		if db, err = sql.Open("sqlite", "file:"+at+"?_pragma=busy_timeout(5000)"); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
	}
	_, err := db.ExecContext(t.Context(), statement)
	return err
}

// record stores results of the house's first monitor: a clean one, one with a loss, one without a reply, one not measured.
func (h *house) record() {
	h.t.Helper()
	ms := func(v float64) models.Packet {
		return models.Packet{State: models.PacketReplied, RTT: time.Duration(v * float64(time.Millisecond))}
	}
	lost := models.Packet{State: models.PacketLost}
	start := time.Date(2026, 2, 26, 12, 0, 0, 0, time.UTC)
	checks := []models.Result{
		{Kind: models.KindFirst, Outcome: models.OutcomeSuccess, Sent: 3, Received: 3, Packets: []models.Packet{ms(1), ms(2), ms(6)}},
		{Kind: models.KindScheduled, Outcome: models.OutcomeSuccess, Sent: 3, Received: 2, Duplicates: 1, Packets: []models.Packet{ms(0.4), lost, ms(0.5)}},
		{Kind: models.KindScheduled, Outcome: models.OutcomeFailure, Cause: models.CauseTimeout, Sent: 3, Packets: []models.Packet{lost, lost, lost}},
		{Kind: models.KindManual, Outcome: models.OutcomeUnknown, Cause: models.CauseDNSError},
	}
	for i := range checks {
		checks[i].Monitor, checks[i].Rev, checks[i].Location = h.monitor.ID, h.monitor.Rev, models.LocationID
		checks[i].Slot, checks[i].StartedOffset = start.Add(time.Duration(i)*time.Minute).UnixMilli(), 3456*time.Microsecond
	}
	recorded, err := h.store.RecordResults(context.Background(), checks, judgeUp)
	if err != nil || len(recorded) != len(checks) {
		h.t.Fatalf("got %d results stored and error %v, want %d", len(recorded), err, len(checks))
	}
}

// judgeUp is the least rule that moves a state: it follows the outcome at once.
func judgeUp(st models.MonitorState, r models.Result, _ models.Rule, _ models.Status) (models.MonitorState, bool) {
	next := map[models.Outcome]models.State{models.OutcomeSuccess: models.StateUp, models.OutcomeFailure: models.StateDown, models.OutcomeUnknown: models.StateUnknown}[r.Outcome]
	if next != st.State {
		st.Since = r.StartedAt()
	}
	st.State, st.LastSlot, st.LastCheckedAt, st.Cause = next, r.Slot, r.StartedAt(), r.Cause
	st.PushBeat(models.Beat{Outcome: r.Outcome})
	return st, true
}

func TestGoldenMonitors(t *testing.T) {
	houses(t, func(h *house) {
		b, admin, readonly := &book{h: h}, h.token("admin@example.com"), h.token("readonly@example.com")
		h.record()
		const all = "/api/icmp-monitors"
		one := all + "/" + h.monitor.PublicID.String()
		b.ask("create, the founding example", admin, "POST", all, `{"customerId":"`+h.customer.PublicID.String()+`","name":"Ping Gateway","hostname":"127.0.0.1","status":"active","checkInterval":5,"timeoutSeconds":10,"icmpConfig":{"packetSize":56,"count":4}}`)
		a := b.ask("create, everything", admin, "POST", all, `{"customerId":1,"name":" Everything ","hostname":"::1","status":"paused","checkIntervalSeconds":90,"timeoutSeconds":20.5,"config":{"zeta":[1, {"b":1,"a":2}],"retrySeconds":7,"recoveries":2,"confirmations":3,"quorum":2,"clearLatencyMs":90.5,"clearLossPercent":5,"windowSeconds":300,"latencyMeasure":"p95","failedLatencyMs":500,"degradedLatencyMs":100,"failedLossPercent":80,"degradedLossPercent":10,"tos":184,"dontFragment":true,"ttl":64,"ipFamily":"6","intervalMs":100,"count":5,"packetSize":1000,"alpha":"x"},"allowedCheckCountryCodes":["de","AT","DE"],"notificationEmail":"noc@example.com","notificationPhoneNumber":"+493512345678","port":443}`)
		var made struct{ PublicID string }
		a.decode(h.t, &made)
		b.ask("create, as little as possible", admin, "POST", all, `{"customerId":"1","name":"Small","hostname":"host.example"}`)
		b.ask("create, everything wrong", admin, "POST", all, `{"customerId":"x","name":"","hostname":"https://host.example/ping","status":"on","checkInterval":0,"checkIntervalSeconds":0,"timeoutSeconds":0,"icmpConfig":{"count":0,"packetSize":-1,"quorum":"most"},"allowedCheckCountryCodes":["XX"],"notificationEmail":"x","notificationPhoneNumber":"0351","port":0}`)
		b.ask("create, a target that is never allowed", admin, "POST", all, `{"customerId":1,"name":"Metadata","hostname":"169.254.169.254"}`)
		b.ask("create, nobody's customer", admin, "POST", all, `{"customerId":999,"name":"Nobody","hostname":"127.0.0.1"}`)
		b.ask("create, not JSON", admin, "POST", all, `{"customerId":`)
		b.ask("create, not an object", admin, "POST", all, `[]`)
		b.ask("create, a key twice", admin, "POST", all, `{"name":"a","name":"b"}`)
		b.ask("create, without a body", admin, "POST", all, ``)
		b.ask("create, not for readonly", readonly, "POST", all, `{}`)
		b.ask("list", admin, "GET", all, "")
		b.ask("list, one page of it", admin, "GET", all+"?page=2&perPage=1&sort=name", "")
		b.ask("list, past the end", admin, "GET", all+"?page=9", "")
		b.ask("list, everything wrong", admin, "GET", all+"?customerId=x&status=on&state=off&page=0&perPage=201", "")
		b.ask("list, an unknown order", admin, "GET", all+"?sort=price", "")
		b.ask("list, nobody's customer", admin, "GET", all+"?customerId=999", "")
		b.ask("list, another organization", admin, "GET", all+"?organizationId=2", "")
		b.ask("list, a global role that names none", h.token("global_admin@example.com"), "GET", all, "")
		b.ask("get", admin, "GET", one, "")
		b.ask("get, with every setting", admin, "GET", all+"/"+made.PublicID, "")
		b.ask("get, by number", admin, "GET", all+"/1", "")
		b.ask("get, another organization's", admin, "GET", all+"/"+h.foreignOne.PublicID.String(), "")
		b.ask("change", admin, "PATCH", one, `{"name":"Gateway 2","checkInterval":2,"icmpConfig":{"count":2,"typo":1}}`)
		b.ask("change nothing", admin, "PATCH", one, `{}`)
		b.ask("change what somebody else changed", admin, "PATCH", one, `{"name":"Late"}`, "If-Match", `"1"`)
		b.ask("change, readonly, the status", readonly, "PATCH", one, `{"status":"inactive"}`)
		b.ask("change, readonly, more", readonly, "PATCH", one, `{"status":"active","name":"x"}`)
		b.ask("history", admin, "GET", one+"/check-history", "")
		b.ask("history, everything wrong", admin, "GET", one+"/check-history?limit=201", "")
		b.ask("history, not a time", admin, "GET", one+"/check-history?before=yesterday", "")
		b.ask("history, none", admin, "GET", all+"/"+made.PublicID+"/check-history", "")
		b.ask("check now, a disabled one", admin, "POST", one+"/trigger-check", "")
		b.ask("enable again", admin, "PATCH", one, `{"status":"active"}`)
		b.ask("check now", admin, "POST", one+"/trigger-check", "")
		b.ask("delete, not for readonly", readonly, "DELETE", one, "")
		b.ask("delete", admin, "DELETE", one, "")
		b.ask("delete again", admin, "DELETE", one, "")
		b.close("monitors")
	})
}

func TestGoldenCustomers(t *testing.T) {
	houses(t, func(h *house) {
		b, admin, limited := &book{h: h}, h.token("admin@example.com"), h.token(h.limited)
		const all = "/api/customers"
		b.ask("create", admin, "POST", all, `{"name":"Acme","email":"acme@example.com"}`)
		a := b.ask("create, everything", admin, "POST", all, `{"name":"Bau","email":"bau@example.com","status":"active","notificationEmail":"noc@example.com","notificationPhoneNumber":"+493512345678","allowedCheckCountryCodes":["de"],"customFields":{"z":1,"a":[2]}}`)
		var made struct {
			Customer struct{ PublicID string }
		}
		a.decode(h.t, &made)
		b.ask("create, everything wrong", admin, "POST", all, `{"name":"","email":"x","status":"on","notificationEmail":"x","notificationPhoneNumber":"x","allowedCheckCountryCodes":"DE","customFields":[]}`)
		b.ask("create, not for a limited user", limited, "POST", all, `{}`)
		b.ask("list", admin, "GET", all, "")
		b.ask("list, limited", limited, "GET", all, "")
		b.ask("get, by number", admin, "GET", all+"/1", "")
		b.ask("get, by public id", admin, "GET", all+"/"+made.Customer.PublicID, "")
		b.ask("get, not an identifier", admin, "GET", all+"/acme", "")
		b.ask("get, nobody's", admin, "GET", all+"/999", "")
		b.ask("change", admin, "PATCH", all+"/1", `{"name":"Kranich AG","monthlyReportsEnabled":true,"customFields":{"contract":"A-1"}}`)
		b.ask("change, wrong", admin, "PATCH", all+"/1", `{"name":null}`)
		b.ask("cancel", admin, "POST", all+"/1/cancel", "")
		b.ask("cancel again", admin, "POST", all+"/1/cancel", "")
		b.ask("cancel, nobody's", admin, "POST", all+"/999/cancel", "")
		b.ask("list, with one that was cancelled", limited, "GET", all, "")
		b.close("customers")
	})
}

func TestGoldenAuth(t *testing.T) {
	houses(t, func(h *house) {
		b := &book{h: h}
		session, limited := h.session("admin@example.com"), h.session(h.limited)
		b.ask("login", "", "POST", "/api/auth/login", `{"email":"admin@example.com","password":"`+password+`"}`)
		b.ask("login, limited", "", "POST", "/api/auth/login", `{"email":"limited@example.com","password":"`+password+`"}`)
		b.ask("login, wrong", "", "POST", "/api/auth/login", `{"email":"admin@example.com","password":"wrong"}`)
		b.ask("login, nobody", "", "POST", "/api/auth/login", `{"email":"nobody@example.com","password":"wrong"}`)
		b.ask("login, nothing", "", "POST", "/api/auth/login", `{}`)
		b.ask("me, nobody", "", "GET", "/api/auth/me", "")
		b.ask("me, session", session, "GET", "/api/auth/me", "")
		b.ask("me, limited", limited, "GET", "/api/auth/me", "")
		b.ask("me, a user's token", h.token("readonly@example.com"), "GET", "/api/auth/me", "")
		b.ask("me, a global role", h.session("global_supporter@example.com"), "GET", "/api/auth/me", "")
		var made struct{ Token string }
		const tokens = "/api/organization/tokens"
		b.ask("token for the organization", session, "POST", tokens, `{"name":"All"}`).decode(h.t, &made)
		organization := made.Token
		b.ask("token for a customer", session, "POST", tokens, `{"name":"One","expiresInDays":30,"customerId":"`+h.customer.PublicID.String()+`"}`).decode(h.t, &made)
		customer := made.Token
		b.ask("tokens, everything wrong", session, "POST", tokens, `{"name":"","expiresInDays":366,"customerId":"x"}`)
		b.ask("tokens, nobody's customer", session, "POST", tokens, `{"name":"x","customerId":2}`+"\n")
		b.ask("tokens, another organization's customer", session, "POST", tokens, `{"name":"x","customerId":"`+h.foreign.PublicID.String()+`"}`)
		b.ask("tokens, not with a token", organization, "GET", tokens, "")
		b.ask("tokens, not for a user", h.session("user@example.com"), "GET", tokens, "")
		b.ask("me, the organization's token", organization, "GET", "/api/auth/me", "")
		b.ask("me, the customer's token", customer, "GET", "/api/auth/me", "")
		b.ask("tokens, list", session, "GET", tokens, "")
		b.ask("tokens, delete", session, "DELETE", tokens+"/1", "")
		b.ask("tokens, delete again", session, "DELETE", tokens+"/1", "")
		b.ask("tokens, delete what is no number", session, "DELETE", tokens+"/x", "")
		b.ask("organizations", session, "GET", "/api/organizations", "")
		b.ask("organizations, a global role", h.token("global_admin@example.com"), "GET", "/api/organizations", "")
		b.ask("logout with a token", customer, "POST", "/api/auth/logout", "")
		b.ask("logout", session, "POST", "/api/auth/logout", "")
		b.ask("logged out", session, "GET", "/api/auth/me", "")
		b.close("auth")
	})
}

func TestGoldenErrors(t *testing.T) {
	houses(t, func(h *house) {
		b, admin := &book{h: h}, h.token("admin@example.com")
		const all = "/api/icmp-monitors"
		one := all + "/" + h.monitor.PublicID.String()
		b.ask("401 without a credential", "", "GET", all, "")
		b.ask("401 with a wrong one", "wsm_0000000000000000000000000000000000000000000", "GET", all, "")
		b.ask("403", h.token("global_supporter@example.com"), "POST", all+"?organizationId=1", `{}`)
		b.ask("404 of an unknown route", admin, "GET", "/api/unknown", "")
		b.ask("404 of the root", "", "GET", "/api", "")
		b.ask("404 of a slash too many", admin, "GET", all+"/", "")
		b.ask("405", admin, "PUT", one, `{}`)
		b.ask("405 of a collection", admin, "DELETE", all, "")
		b.ask("413", admin, "POST", all, `{"name":"`+strings.Repeat("x", maxBody)+`"}`)
		b.ask("415 of a form", admin, "POST", all, `name=x`, "Content-Type", "application/x-www-form-urlencoded")
		b.ask("415 of XML", admin, "PATCH", one, `<name/>`, "Content-Type", "text/xml")
		b.ask("415 of something compressed", admin, "POST", all, "\x1f\x8b\x08", "Content-Type", "application/json", "Content-Encoding", "gzip")
		b.ask("431", admin, "GET", all, "", "X-Long", strings.Repeat("x", maxHeader))
		if err := h.store.SaveHeartbeat(context.Background(), models.Heartbeat{Engine: "test"}); err != nil {
			h.t.Fatal(err)
		}
		h.frames(admin)
		b.ask("503 of one stream too many", admin, "GET", "/api/events", "")
		b.ask("503 where nobody can ping", admin, "POST", one+"/trigger-check", "")
		if err := execute(h.t, h.store, "DROP TABLE results"); err != nil {
			h.t.Fatal(err)
		}
		a := b.ask("500", admin, "GET", one+"/check-history", "")
		if id := a.header.Get("X-Request-Id"); id == "" || !strings.Contains(a.body, id) || !strings.Contains(h.log.all(), id) {
			h.t.Errorf("got request id %q and body %s, want the id in the body and in the log", id, a.body)
		}
		if strings.Contains(a.body, "results") {
			h.t.Errorf("got body %s, want nothing internal in it", a.body)
		}
		b.close("errors")
	}, func(o *Options) { o.Streams.Total = 1 })
}

func TestGoldenLimits(t *testing.T) {
	houses(t, func(h *house) {
		// The windows are whole minutes: a clock that stands still keeps the test within one.
		now := time.Now()
		h.s.limiter.now = func() time.Time { return now }
		b, admin := &book{h: h}, h.token("admin@example.com")
		b.ask("first", admin, "GET", "/api/organizations", "")
		b.ask("second", admin, "GET", "/api/organizations", "")
		b.ask("429", admin, "GET", "/api/organizations", "")
		b.ask("another credential", h.token("user@example.com"), "GET", "/api/organizations", "")
		b.close("limits")
	}, func(o *Options) { o.APIRateLimit = 2 })
}
