package handlers

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"echolot/models"

	"github.com/PuerkitoBio/goquery"
)

// outage records, from noon on and a minute apart, checks of the house's first monitor: + good, - failed.
func (h *house) outage(from time.Time, kinds string) {
	h.t.Helper()
	for i, what := range kinds {
		r := models.Result{Monitor: h.monitor.ID, Rev: h.monitor.Rev, Location: models.LocationID, Slot: from.Add(time.Duration(i) * time.Minute).UnixMilli(), Kind: models.KindScheduled,
			Outcome: models.OutcomeSuccess, Sent: 2, Received: 2, Packets: []models.Packet{{State: models.PacketReplied, RTT: 1500 * time.Microsecond}, {State: models.PacketReplied, RTT: 1700 * time.Microsecond}}}
		if what == '-' {
			r.Outcome, r.Cause, r.CauseSource, r.Received, r.Packets = models.OutcomeFailure, models.CauseHostUnreachable, netip.MustParseAddr("10.0.0.1"), 0, []models.Packet{{State: models.PacketRefused}, {}}
		}
		if _, err := h.store.RecordResults(context.Background(), []models.Result{r}, judgeMeasured); err != nil {
			h.t.Fatal(err)
		}
	}
}

func TestGoldenIncidents(t *testing.T) {
	houses(t, func(h *house) {
		b, admin, readonly := &book{h: h}, h.token("admin@example.com"), h.token("readonly@example.com")
		h.outage(time.Date(2026, 2, 26, 12, 0, 0, 0, time.UTC), "+--+")
		const all = "/api/incidents"
		h.fail(h.hidden)
		var list []struct{ PublicID string }
		b.ask("list", admin, "GET", all+"?limit=1&offset=1", "").decode(h.t, &list)
		one := all + "/" + list[0].PublicID
		b.ask("list, with the total", readonly, "GET", all+"?includeTotal=1&limit=1", "")
		b.ask("list, past the end", admin, "GET", all+"?includeTotal=true&offset=9", "")
		b.ask("list, everything wrong", admin, "GET", all+"?limit=501&offset=-1", "")
		b.ask("list, another organization's", h.token(h.foreigner), "GET", all, "")
		b.ask("get", admin, "GET", one, "")
		b.ask("get, not an identifier", admin, "GET", all+"/1", "")
		b.ask("get, nobody's", admin, "GET", all+"/"+h.monitor.PublicID.String(), "")
		b.ask("acknowledge, not for readonly", readonly, "POST", one+"/acknowledge", `{"note":"x"}`)
		b.ask("acknowledge, not for a supporter", h.token("global_supporter@example.com"), "POST", one+"/acknowledge?organizationId=1", `{"note":"x"}`)
		b.ask("acknowledge, wrong", admin, "POST", one+"/acknowledge", `{"note":7}`)
		b.ask("acknowledge, one that ended", admin, "POST", one+"/acknowledge", `{"note":"late"}`)
		b.ask("comment, not for readonly", readonly, "POST", one+"/comments", `{"text":"x"}`)
		b.ask("comment, without a text", admin, "POST", one+"/comments", `{}`)
		b.ask("comment, too long", admin, "POST", one+"/comments", `{"text":"`+strings.Repeat("x", 2001)+`"}`)
		b.ask("comment", admin, "POST", one+"/comments", `{"text":"a cut cable\nin the Elbe tunnel"}`)
		b.ask("get, with what people wrote", admin, "GET", one, "")
		monitor := "/api/icmp-monitors/" + h.monitor.PublicID.String()
		b.ask("history", admin, "GET", monitor+"/incident-history", "")
		b.ask("history, nobody's", admin, "GET", "/api/icmp-monitors/"+h.foreignOne.PublicID.String()+"/incident-history", "")
		b.ask("alerts", admin, "GET", monitor+"/alert-history", "")
		b.close("incidents")
	})
}

// The page of incidents, one incident with its course and forms, and the monitor's page's panel, as a browser without scripts.
func TestIncidentPages(t *testing.T) {
	houses(t, func(h *house) {
		session, readonly := h.session("admin@example.com"), h.session("readonly@example.com")
		began := time.Now().Add(-20 * time.Minute).Truncate(time.Second)
		h.outage(began, "+---")
		page := func(who, path string) *goquery.Document {
			h.t.Helper()
			a := h.browser(who, "GET", path, nil)
			if a.status != http.StatusOK {
				h.t.Fatalf("%s: got %d %s", path, a.status, firstBytes(a.body))
			}
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
			if err != nil {
				h.t.Fatal(err)
			}
			return doc
		}
		link, _ := page(session, "/incidents").Find("[data-testid=incident-row] a.cause").Attr("href")
		if page(session, link).Find("form[action$=acknowledge]").Length() != 1 {
			h.t.Error("who may handle incidents is shown no form to acknowledge an open one")
		}
		if a := h.browser(readonly, "POST", link+"/acknowledge", url.Values{"note": {"x"}}); a.status != http.StatusForbidden {
			h.t.Errorf("readonly acknowledges: got %d, want 403", a.status)
		}
		if a := h.browser(session, "POST", link+"/acknowledge", url.Values{"note": {"carrier <b>ticket</b>"}}); a.status != http.StatusSeeOther || a.header.Get("Location") != link {
			h.t.Errorf("acknowledge: got %d to %q, want back to the page", a.status, a.header.Get("Location"))
		}
		h.outage(began.Add(4*time.Minute), "+")
		hidden := h.fail(h.hidden)
		list := page(session, "/incidents")
		rows := list.Find("[data-testid=incident-row]")
		if rows.Length() != 2 || !strings.Contains(rows.First().Text(), "Hidden") || !strings.Contains(rows.Last().Text(), "host unreachable, said 10.0.0.1") || !strings.Contains(rows.Last().Text(), "acknowledged by admin@example.com") {
			h.t.Errorf("got rows %q, want the open one of Hidden, then the other with its cause and who took it on", rows.Text())
		}
		if count := list.Find("[data-testid=open-incidents]"); strings.TrimSpace(count.Text()) != "11\u00a0open" && !strings.Contains(count.Text(), "1 open") {
			h.t.Errorf("got %q beside the link, want 1 open", count.Text())
		}
		for query, want := range map[string]int{"?status=active": 1, "?status=open": 1, "?status=ended": 1, "?status=all": 2, "?status=ended&monitorId=" + h.monitor.PublicID.String(): 1, "?type=degraded": 0, "?type=downtime": 2, "?search=GATE": 1, "?customerId=" + h.second.PublicID.String(): 1,
			"?monitorId=" + h.monitor.PublicID.String(): 1, "?page=2": 0} {
			if got := page(session, "/incidents"+query).Find("[data-testid=incident-row]").Length(); got != want {
				h.t.Errorf("%s: got %d rows, want %d", query, got, want)
			}
		}
		if a := h.browser(session, "GET", "/incidents?status=on&type=x&page=0", nil); a.status != http.StatusBadRequest {
			h.t.Errorf("a wrong filter: got %d, want 400", a.status)
		}
		for query, field := range map[string]string{"status=on": "status", "type=outage": "type", "includeTotal=yes": "includeTotal"} {
			if a := h.api(h.token("admin@example.com"), "GET", "/api/incidents?"+query, ""); a.status != http.StatusBadRequest || !strings.Contains(a.body, `"`+field+`":"`) {
				h.t.Errorf("%s: got %d %s, want 400 that names it", query, a.status, a.body)
			}
		}
		for query, want := range map[string]int{"status=open": 1, "status=resolved": 1, "status=all": 2, "status=ended&type=degraded": 0, "includeTotal=0": 2} {
			var list []struct{ PublicID string }
			if h.api(h.token("admin@example.com"), "GET", "/api/incidents?"+query, "").decode(h.t, &list); len(list) != want {
				h.t.Errorf("%s: got %d incidents, want %d", query, len(list), want)
			}
		}
		ended := page(h.session(h.limited), "/incidents?status=ended").Find("[data-testid=incident-row]").Length()
		if open := page(h.session(h.limited), "/incidents?status=open").Find("[data-testid=incident-row]").Length(); open != 0 || ended != 1 {
			h.t.Errorf("a limited user: got %d open and %d ended, want 0 and 1", open, ended)
		}
		if got := page(h.session(h.limited), "/incidents").Find("[data-testid=incident-row]"); got.Length() != 1 || strings.Contains(got.Text(), "Hidden") {
			h.t.Errorf("a limited user: got %q, want the one that is theirs", got.Text())
		}

		link, _ = rows.Last().Find("a.cause").Attr("href")
		course := page(session, link).Find("[data-testid=incident-course] > li")
		var words []string
		course.Each(func(_ int, li *goquery.Selection) {
			words = append(words, strings.Fields(li.Find("span.state, b").Text())[0])
		})
		if fmt.Sprint(words) != "[First Failure Down Failure Failure Success Ended Acknowledged]" {
			h.t.Errorf("got course %v, want the first lost packet, the checks, the verdict, the recovery, the end and who took it on", words)
		}
		if strips := course.Find("details.packets"); strips.Length() != 4 {
			h.t.Errorf("got %d packet strips, want one for each check", strips.Length())
		}
		if page(readonly, link).Find("main form").Length() != 0 {
			h.t.Error("readonly is shown a form")
		}
		if forms := page(session, link).Find("main form"); forms.Length() != 1 || forms.Filter("[action$=comments]").Length() != 1 {
			h.t.Errorf("one that ended: got %d forms, want the one for comments", forms.Length())
		}
		if a := h.browser(session, "POST", link+"/acknowledge", url.Values{"note": {"x"}}); a.status != http.StatusConflict {
			h.t.Errorf("acknowledge one that ended: got %d, want 409", a.status)
		}
		if a := h.browser(session, "POST", link+"/comments", url.Values{"text": {"  "}}); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Type a comment") {
			h.t.Errorf("an empty comment: got %d, want 422 with what is wrong", a.status)
		}
		if a := h.browser(session, "POST", link+"/comments", url.Values{"text": {strings.Repeat("long ", 500)}}); a.status != http.StatusUnprocessableEntity || strings.Count(a.body, "long ") < 499 {
			h.t.Errorf("a long comment: got %d, want 422 with what was typed", a.status)
		}
		if a := h.browser(session, "POST", link+"/comments", url.Values{"text": {"a cut cable"}}); a.status != http.StatusSeeOther {
			h.t.Errorf("comment: got %d, want 303", a.status)
		}
		if text := page(readonly, link).Find("[data-testid=incident-course]").Text(); !strings.Contains(text, "by admin@example.com") || !strings.Contains(text, "carrier <b>ticket</b>") || !strings.Contains(text, "a cut cable") {
			h.t.Errorf("got course %q, want the acknowledgement and the comment in it", text)
		}
		if a := h.browser(session, "GET", "/incidents/"+hidden, nil); !strings.Contains(a.body, "not acknowledged") && !strings.Contains(a.body, "Hidden") {
			h.t.Errorf("got %s, want the open incident", firstBytes(a.body))
		}
		if a := h.browser(h.session(h.limited), "GET", "/incidents/"+hidden, nil); a.status != http.StatusNotFound {
			h.t.Errorf("a limited user: got %d for another customer's incident, want 404", a.status)
		}
		if a := h.browser(session, "GET", "/incidents/x", nil); a.status != http.StatusNotFound {
			h.t.Errorf("no id: got %d, want 404", a.status)
		}
	})
}

// Streams tell of incidents to those who see them: programs what it is, pages that they may look again, and how many are open.
func TestIncidentEvents(t *testing.T) {
	h := liteHouse(t)
	program, page := h.watch("API", h.session("admin@example.com"), "/api/events"), h.watch("page", h.session("admin@example.com"), "/events")
	limited := h.watch("limited API", h.session(h.limited), "/api/events")
	hidden := h.fail(h.hidden)
	opened := h.fail(h.monitor)
	program.until(t, `"type":"incident.opened"`, `"monitorId":"`+h.monitor.PublicID.String()+`"`, `"incidentId":"`+opened+`"`, `"incidentType":"downtime"`, `"resolvedAt":null`)
	page.until(t, "data: "+opened)
	page.until(t, `data-live="incidents:open"`)
	if _, err := h.store.ChangeMonitor(context.Background(), h.organization, h.monitor.PublicID, object(t, `{"status":"disabled"}`), ""); err != nil {
		t.Fatal(err)
	}
	program.until(t, `"type":"incident.closed"`, opened)
	limited.until(t, `"type":"incident.closed"`, opened)
	if strings.Contains(limited.text.String(), hidden) {
		t.Error("a limited user's stream tells of another customer's incident")
	}
}

func TestShortDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", 45 * time.Second: "45s", 150 * time.Second: "2m 30s", 2 * time.Minute: "2m", time.Hour + 5*time.Minute + 3*time.Second: "1h 5m",
		76*time.Hour + time.Minute: "3d 4h", 24*time.Hour + 59*time.Second: "1d"} {
		if got := shortDuration(d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}

// An incident's page shows what was measured around it, with a flag, and the way to the target as it was then; where nothing was
// measured or traced it shows neither.
func TestWhatAnIncidentsPageShows(t *testing.T) {
	houses(t, func(h *house) {
		from := time.Now().Add(-20 * time.Minute).Truncate(time.Second)
		h.outage(from, "+---+")
		hop := models.Hop{TTL: 1, Sent: 3, Addresses: []string{"10.0.0.1"}, RTTs: []int64{1000}}
		silent := models.Hop{TTL: 2, Sent: 3, Lost: 3}
		for _, trace := range []models.Trace{{At: from, Kind: models.TraceBaseline, Hops: models.Hops{hop}, Reached: true}, {At: from.Add(90 * time.Second), Kind: models.TraceFailure, Hops: models.Hops{hop, silent}}} {
			trace.MonitorID, trace.LocationID, trace.Address = h.monitor.ID, models.LocationID, "10.0.0.2"
			if err := h.store.UnscopedSaveTrace(context.Background(), trace); err != nil {
				h.t.Fatal(err)
			}
		}
		list, _ := h.read("admin@example.com", "/incidents")
		link, _ := list.Find("[data-testid=incident-row] a.cause").Attr("href")
		for _, who := range []string{"admin@example.com", h.limited} {
			doc, _ := h.read(who, link)
			chart := doc.Find("[data-testid=incident-chart]")
			if chart.Find("svg.smoke").Length() != 3 || chart.Find("svg.w-1184 .flag-cloth").Length() != 1 {
				h.t.Errorf("%s: got %d pictures with %d flags, want three widths, and one flag in each", who, chart.Find("svg.smoke").Length(), chart.Find("svg.w-1184 .flag-cloth").Length())
			}
			if got := words(doc, "[data-testid=path-mark]"); got != "Nobody answers past hop 1, 10.0.0.1" {
				h.t.Errorf("%s: got the path's mark %q", who, got)
			}
			href, _ := chart.Find(".panel-head a").Attr("href")
			if page, a := h.read(who, href); a.status != http.StatusOK || page.Find("[data-testid=chart] svg.w-1184 .flag-cloth").Length() != 1 {
				h.t.Errorf("%s: %s: got %d, want the monitor's page with the same history", who, href, a.status)
			}
		}

		if err := h.store.SetBlind(context.Background(), models.LocationID, time.Now().Add(-time.Minute), []string{"gateway 10.99.0.1"}); err != nil {
			h.t.Fatal(err)
		}
		list, _ = h.read("admin@example.com", "/incidents?type=blind")
		link, _ = list.Find("[data-testid=incident-row] a.cause").Attr("href")
		doc, a := h.read("admin@example.com", link)
		if a.status != http.StatusOK || doc.Find("#incident").Length() != 1 || doc.Find("svg.smoke, [data-testid=path]").Length() != 0 {
			h.t.Errorf("blind: got %d, and %d pictures and paths; want the page without them", a.status, doc.Find("svg.smoke, [data-testid=path]").Length())
		}
	})
}
