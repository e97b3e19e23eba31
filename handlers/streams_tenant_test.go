package handlers

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"echolot/models"
)

// watcher is one open stream, read line by line by a goroutine of its own.
type watcher struct {
	name  string
	text  strings.Builder // everything that came
	lines chan string     // closed at the stream's end
}

// watch opens a stream by cookie or, where the path is the API's, by Bearer.
func (h *house) watch(name, credential, path string) *watcher {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // no stream of a test lasts longer
	h.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", h.url+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if strings.HasPrefix(path, "/api/") {
		req.Header.Set("Authorization", "Bearer "+credential)
	} else {
		req.Header.Set("Cookie", h.s.sessions.name()+"="+credential)
	}
	resp, err := http.DefaultClient.Do(req) //nolint:bodyclose // closed by the goroutine that reads it
	if err != nil {
		h.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		h.t.Fatalf("%s: got %d, want a stream", name, resp.StatusCode)
	}
	w := &watcher{name: name, lines: make(chan string, 10000)}
	go func() {
		defer close(w.lines)
		defer func() { _ = resp.Body.Close() }()
		r := bufio.NewReader(resp.Body)
		for {
			line, err := r.ReadString('\n')
			w.lines <- line
			if err != nil {
				return
			}
		}
	}()
	w.until(h.t, "sync")
	return w
}

// until reads to a line with the words and returns that line.
func (w *watcher) until(t testing.TB, words ...string) string {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case line, ok := <-w.lines:
			if !ok {
				t.Fatalf("%s: the stream ended before %q; it told\n%s", w.name, words, w.text.String())
			}
			w.text.WriteString(line)
			if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
				return line
			}
		case <-deadline:
			t.Fatalf("%s: no %q in 20 s; it told\n%s", w.name, words, w.text.String())
		}
	}
}

// wantBye reads the stream to its end, which must say bye.
func (w *watcher) wantBye(t testing.TB) {
	t.Helper()
	w.until(t, "bye")
	deadline := time.After(20 * time.Second)
	for {
		select {
		case line, ok := <-w.lines:
			if !ok {
				return
			}
			w.text.WriteString(line)
		case <-deadline:
			t.Fatalf("%s: open 20 s after bye", w.name)
		}
	}
}

// stir makes everything happen to a monitor that can: changed, checked, down, paused, and a second one that comes and goes.
func (h *house) stir(by models.Actor, m models.MonitorRow, customer models.Customer, slot time.Time) models.MonitorRow {
	h.t.Helper()
	ctx := context.Background()
	must := func(err error) {
		h.t.Helper()
		if err != nil {
			h.t.Fatal(err)
		}
	}
	_, err := h.store.RecordResults(ctx, []models.Result{
		{Monitor: m.ID, Rev: m.Rev, Location: models.LocationID, Slot: slot.UnixMilli(), Kind: models.KindScheduled, Outcome: models.OutcomeSuccess, Sent: 1, Received: 1,
			Packets: []models.Packet{{State: models.PacketReplied, RTT: time.Millisecond}}},
		{Monitor: m.ID, Rev: m.Rev, Location: models.LocationID, Slot: slot.UnixMilli() + 1000, Kind: models.KindScheduled, Outcome: models.OutcomeFailure, Cause: models.CauseTimeout, Sent: 1,
			Packets: []models.Packet{{State: models.PacketLost}}},
	}, judgeUp)
	must(err)
	_, err = h.store.ChangeMonitor(ctx, by, m.PublicID, object(h.t, `{"name":"`+m.Name+` stirred"}`), "")
	must(err)
	_, _, err = h.store.RequestCheck(ctx, by, m.PublicID)
	must(err)
	second, err := h.store.CreateMonitor(ctx, by, object(h.t, `{"customerId":"`+customer.PublicID.String()+`","name":"`+m.Name+` second","hostname":"127.0.0.1"}`))
	must(err)
	must(h.store.DeleteMonitor(ctx, by, second.PublicID))
	return second
}

// TestStreamsKeepTenantsApart: while things happen everywhere, no stream tells a byte of what its reader does not see, and
// its counters count what the reader sees.
func TestStreamsKeepTenantsApart(t *testing.T) {
	houses(t, func(h *house) {
		admin, limited, foreigner := h.session("admin@example.com"), h.session(h.limited), h.session(h.foreigner)
		supporter := h.session("global_supporter@example.com")
		_, customerToken := h.customerToken()
		seen := map[place][]*watcher{
			own: {h.watch("limited user's page", limited, "/events"), h.watch("limited user's API", limited, "/api/events"), h.watch("customer's token", customerToken, "/api/events")},
			foreign: {h.watch("foreigner's page", foreigner, "/events"), h.watch("foreigner's API", foreigner, "/api/events"),
				h.watch("supporter in the other organization", supporter, "/api/events?organizationId=2")},
			hidden: {h.watch("admin's API", admin, "/api/events"), h.watch("admin's page", admin, "/events")}, // these see own too
		}
		one := "monitor=" + h.monitor.PublicID.String()
		alone := []*watcher{h.watch("admin's page of one monitor", admin, "/events?"+one), h.watch("limited user's page of one monitor", limited, "/events?"+one)}

		slot := time.Date(2026, 2, 26, 12, 0, 0, 0, time.UTC)
		objects := map[place][]string{
			own:     {h.monitor.PublicID.String(), "Gateway"},
			hidden:  {h.hidden.PublicID.String(), "Hidden"},
			foreign: {h.foreignOne.PublicID.String(), "Foreign"},
		}
		for at, do := range map[place]func() models.MonitorRow{
			own:     func() models.MonitorRow { return h.stir(h.organization, h.monitor, h.customer, slot) },
			hidden:  func() models.MonitorRow { return h.stir(h.organization, h.hidden, h.second, slot) },
			foreign: func() models.MonitorRow { return h.stir(h.other, h.foreignOne, h.foreign, slot) },
		} {
			objects[at] = append(objects[at], do().PublicID.String())
		}
		// What comes last is a pause everywhere: events keep their order, so after it nothing is on its way any more.
		last := func(by models.Actor, m models.MonitorRow) {
			if _, err := h.store.ChangeMonitor(context.Background(), by, m.PublicID, object(h.t, `{"status":"disabled"}`), ""); err != nil {
				h.t.Fatal(err)
			}
		}
		last(h.organization, h.hidden)
		last(h.other, h.foreignOne)
		last(h.organization, h.monitor)

		counts := map[place]string{own: `"paused":1,"pending":0`, hidden: `"paused":2,"pending":0`, foreign: `"paused":1,"pending":0`}
		for at, watchers := range seen {
			for _, w := range watchers {
				if strings.Contains(w.name, "page") {
					row := "data: " + objects[map[place]place{own: own, hidden: own, foreign: foreign}[at]][0]
					w.until(h.t, row) // the new name
					w.until(h.t, row) // the pause
					w.until(h.t, "counters")
				} else {
					w.until(h.t, `"type":"counters"`, counts[at])
				}
				mine := []place{at}
				if at == hidden {
					mine = append(mine, own)
				}
				w.wantOnly(h.t, objects, mine...)
			}
		}
		for _, w := range alone {
			w.until(h.t, "row.changed")
			w.until(h.t, "row.changed") // the pause
			w.wantOnly(h.t, objects, own)
			if strings.Contains(w.text.String(), objects[own][2]) || strings.Contains(w.text.String(), "counters") {
				h.t.Errorf("%s: it tells of other monitors:\n%s", w.name, w.text.String())
			}
		}
	})
}

// TestCheckAskedForWhileOneArrives: the wish for another check does not swallow the result that is on its way.
func TestCheckAskedForWhileOneArrives(t *testing.T) {
	h := liteHouse(t)
	w := h.watch("page", h.session("admin@example.com"), "/events")
	for i := range 3 { // the two are in one batch, but for where a tick falls between them
		_, err := h.store.RecordResults(t.Context(), []models.Result{{Monitor: h.monitor.ID, Rev: h.monitor.Rev, Location: models.LocationID, Slot: int64(i+1) * 60000,
			Kind: models.KindManual, Outcome: models.OutcomeSuccess, Sent: 1, Received: 1, Packets: []models.Packet{{State: models.PacketReplied, RTT: time.Millisecond}}}}, judgeUp)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.store.RequestCheck(t.Context(), h.organization, h.monitor.PublicID); err != nil {
			t.Fatal(err)
		}
		w.until(t, "event: live")
	}
}

// customerToken makes a token of the first customer.
func (h *house) customerToken() (int64, string) {
	h.t.Helper()
	secret, token, err := h.store.CreateToken(context.Background(), h.organization, object(h.t, fmt.Sprintf(`{"name":"customer's","customerId":%d}`, h.customer.ID)))
	if err != nil {
		h.t.Fatal(err)
	}
	return token.ID, secret
}

// wantOnly looks through all that the stream told for what is not at the reader's places.
func (w *watcher) wantOnly(t testing.TB, objects map[place][]string, places ...place) {
	t.Helper()
	for at, words := range objects {
		for i, word := range words {
			told := strings.Contains(w.text.String(), word)
			if told && !slices.Contains(places, at) {
				t.Errorf("%s: it tells of %s, which is %s:\n%s", w.name, word, at, w.text.String())
			}
			if i == 0 && !told && slices.Contains(places, at) {
				t.Errorf("%s: it does not tell of %s, which is %s:\n%s", w.name, word, at, w.text.String())
			}
		}
	}
}

// TestStreamsEndWithTheAccess: whoever loses the right to look is told bye, at once and not at the next look of 30 s.
func TestStreamsEndWithTheAccess(t *testing.T) {
	h := liteHouse(t)
	ctx := context.Background()
	admin := h.session("admin@example.com")
	t.Run("signed out", func(t *testing.T) {
		session := h.session("user@example.com")
		page, program, other := h.watch("page", session, "/events"), h.watch("program", session, "/api/events"), h.watch("another session", admin, "/api/events")
		start := time.Now()
		if a := h.api(session, "POST", "/api/auth/logout", ""); a.status != http.StatusOK {
			t.Fatalf("got %d, want 200", a.status)
		}
		page.wantBye(t)
		program.wantBye(t)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
		h.stir(h.organization, h.monitor, h.customer, time.Date(2026, 2, 26, 12, 0, 0, 0, time.UTC))
		other.until(t, "monitor.deleted") // it goes on
	})
	t.Run("token deleted", func(t *testing.T) {
		id, secret := h.customerToken()
		stream := h.watch("token", secret, "/api/events")
		if a := h.api(admin, "DELETE", fmt.Sprintf("/api/organization/tokens/%d", id), ""); a.status != http.StatusOK {
			t.Fatalf("got %d, want 200", a.status)
		}
		stream.wantBye(t)
	})
	t.Run("twenty-first session", func(t *testing.T) {
		first := h.session("readonly@example.com")
		stream := h.watch("the first of 21", first, "/api/events")
		for range 20 {
			h.session("readonly@example.com")
		}
		stream.wantBye(t)
		if a := h.api(first, "GET", "/api/auth/me", ""); a.status != http.StatusUnauthorized {
			t.Errorf("the first of 21 sessions: got %d, want 401", a.status)
		}
	})
	t.Run("another organization chosen", func(t *testing.T) {
		session := h.session("global_admin@example.com")
		by := models.Actor{Role: models.RoleGlobalAdmin, HomeID: 1}
		if err := h.store.RememberOrganization(ctx, by, session, models.Ref{ID: 2}); err != nil {
			t.Fatal(err)
		}
		stream := h.watch("global admin", session, "/events")
		h.stir(h.organization, h.hidden, h.second, time.Date(2026, 2, 26, 13, 0, 0, 0, time.UTC))
		h.stir(h.other, h.foreignOne, h.foreign, time.Date(2026, 2, 26, 13, 0, 0, 0, time.UTC))
		stream.until(t, "row.removed")
		if strings.Contains(stream.text.String(), h.hidden.PublicID.String()) {
			t.Errorf("it tells of the first organization:\n%s", stream.text.String())
		}
	})
}

// TestSearchesKeepTenantsApart: what is searched, listed and counted is what the caller sees; a foreign name is found by
// nobody, and a number that is somebody else's is as unknown as one that is nobody's.
func TestSearchesKeepTenantsApart(t *testing.T) {
	houses(t, func(h *house) {
		limited, foreigner, admin := h.session(h.limited), h.session(h.foreigner), h.session("admin@example.com")
		total := func(credential, query string) int {
			h.t.Helper()
			a := h.api(credential, "GET", "/api/icmp-monitors"+query, "")
			var list struct{ Total int }
			if a.status != http.StatusOK {
				h.t.Fatalf("%s: got %d %s, want 200", query, a.status, a.body)
			}
			a.decode(h.t, &list)
			return list.Total
		}
		for _, test := range []struct {
			who, credential, query string
			want                   int
		}{
			{"limited", limited, "", 1}, {"limited", limited, "?search=Hidden", 0}, {"limited", limited, "?search=Second", 0}, {"limited", limited, "?search=Foreign", 0},
			{"limited", limited, "?search=127.0.0.1", 1}, {"limited", limited, "?search=%25", 0}, {"limited", limited, "?search=_", 0}, {"limited", limited, "?state=pending", 1},
			{"limited", limited, "?status=active", 1}, {"limited", limited, "?page=2&perPage=1", 1}, {"admin", admin, "?search=Nordwind", 0}, {"admin", admin, "?search=Foreign", 0},
			{"admin", admin, "", 2}, {"admin", admin, "?search=Kranich", 1}, {"admin", admin, "?search=' OR '1'='1", 0}, {"foreigner", foreigner, "", 1},
			{"foreigner", foreigner, "?search=Gateway", 0}, {"foreigner", foreigner, "?search=Kranich", 0}, {"foreigner", foreigner, "?state=pending", 1},
		} {
			if got := total(test.credential, strings.ReplaceAll(test.query, " ", "%20")); got != test.want {
				h.t.Errorf("%s %s: got %d monitors, want %d", test.who, test.query, got, test.want)
			}
		}
		page := h.as(limited, "GET", "/monitors?search=Hidden", "")
		if strings.Contains(page.body, ">Hidden<") || strings.Contains(page.body, h.hidden.PublicID.String()) {
			h.t.Error("the page's search finds the hidden monitor")
		}
		var customers []struct{ Name string }
		h.api(limited, "GET", "/api/customers", "").decode(h.t, &customers)
		if len(customers) != 1 || customers[0].Name != "Kranich" {
			h.t.Errorf("the limited user's customers: got %+v, want one", customers)
		}
		for _, target := range []string{"/api/customers/%s", "/api/icmp-monitors?customerId=%s"} {
			missing := h.api(limited, "GET", fmt.Sprintf(target, "99999"), "").text()
			for _, ref := range []string{fmt.Sprint(h.second.ID), fmt.Sprint(h.foreign.ID), h.second.PublicID.String(), h.foreign.PublicID.String()} {
				if got := h.api(limited, "GET", fmt.Sprintf(target, ref), "").text(); got != missing {
					h.t.Errorf("%s: got\n%s\nwant the same as for nobody's number:\n%s", fmt.Sprintf(target, ref), got, missing)
				}
			}
		}
		// The same e-mail address and name as a foreign customer's is no conflict: an answer like "taken" would tell.
		body, _ := json.Marshal(map[string]string{"name": h.foreign.Name, "email": h.foreign.Email})
		if a := h.api(admin, "POST", "/api/customers", string(body)); a.status != http.StatusCreated {
			h.t.Errorf("a customer like a foreign one: got %d %s, want 201", a.status, a.body)
		}
	})
}
