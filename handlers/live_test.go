package handlers

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"echolot/models"

	"github.com/PuerkitoBio/goquery"
)

// lines stores what the prober would, one line for each fate.
func (h *house) lines(session int64, first int64, fates ...models.LiveFate) {
	h.t.Helper()
	var list []models.LivePacket
	for i, fate := range fates {
		list = append(list, models.LivePacket{SessionID: session, N: first + int64(i), Seq: first + int64(i), SentAt: time.Now().UTC(), Fate: fate, RTT: 1234, TTL: 63, Source: "10.9.8.7"})
	}
	if err := h.store.UnscopedSaveLive(context.Background(), list); err != nil {
		h.t.Fatal(err)
	}
}

// running is the one live measurement that has not ended.
func (h *house) running() models.LiveSession {
	h.t.Helper()
	list, err := h.store.UnscopedLiveToRun(context.Background())
	if err != nil || len(list) != 1 {
		h.t.Fatalf("got %+v, %v; want one measurement", list, err)
	}
	return list[0]
}

func (a answer) page(t testing.TB) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// Somebody begins, sees each packet, makes a link and stops; somebody else looks on.
func TestGoLive(t *testing.T) {
	houses(t, func(h *house) {
		admin, reader := h.session("admin@example.com"), h.session("readonly@example.com")
		path := "/monitors/" + h.monitor.PublicID.String() + "/live"

		doc := h.browser(reader, "GET", path, nil).page(h.t)
		if doc.Find("form[action='"+path+"']").Length() != 0 || !strings.Contains(doc.Find("#live-state").Text(), "Not measured live yet") {
			h.t.Errorf("a reader sees %q and a form", doc.Find("#live-state").Text())
		}
		a := h.browser(admin, "POST", path, url.Values{"rate": {"11"}, "minutes": {"x"}})
		doc = a.page(h.t)
		if value, _ := doc.Find("#f-rate").Attr("value"); a.status != 422 || value != "11" || doc.Find("#f-rate[aria-invalid]").Length() != 1 || doc.Find("#f-minutes[aria-invalid]").Length() != 1 {
			h.t.Errorf("wrong figures: got %d with rate %q, want 422 and what was typed", a.status, value)
		}
		if a = h.browser(admin, "POST", path, url.Values{"rate": {"10"}, "minutes": {"1"}}); a.status != 303 || a.header.Get("Location") != path {
			h.t.Fatalf("beginning: got %d to %q", a.status, a.header.Get("Location"))
		}
		l := h.running()
		if l.MonitorID != h.monitor.ID || l.Rate != 10 || l.UserID != 1 {
			h.t.Errorf("got %+v", l)
		}
		h.lines(l.ID, 1, models.LiveReply, models.LiveLost, models.LiveRefused, models.LiveDuplicate, models.LiveLate, models.LiveUnmeasured)

		doc = h.browser(reader, "GET", path, nil).page(h.t)
		log := words(doc, "[data-live-log]")
		for _, want := range []string{"from 10.9.8.7: seq=1 ttl=63 time=1.234 ms", "seq=2 no reply in 2 s", "seq=4 ttl=63 time=1.234 ms (again)", "(late, counted as lost)", "seq=6 not sent"} {
			if !strings.Contains(log, want) {
				h.t.Errorf("the log lacks %q: %s", want, log)
			}
		}
		if got := words(doc, "#live-sum"); !strings.HasPrefix(got, "3 packets sent, 1 received, 66.6 % loss, 1 refused, 1 late, 1 came twice, 1 not sent") || !strings.Contains(got, "min/avg/max/mdev 1.234/1.234/1.234/0.000 ms") {
			h.t.Errorf("got the sum %q", got)
		}
		if !strings.Contains(h.browser(reader, "GET", path, nil).body, `<noscript><meta http-equiv="refresh" content="2"`) {
			h.t.Error("without scripts the page does not read itself again")
		}

		// The target is busy for others, and so is the conflict said.
		other := h.browser(h.session("user@example.com"), "POST", "/monitors/"+h.hidden.PublicID.String()+"/live", url.Values{"rate": {"1"}, "minutes": {"1"}})
		if other.status != 409 || !strings.Contains(other.body, "being measured live already") {
			h.t.Errorf("the same target: got %d", other.status)
		}

		stream := h.watch("reader", reader, path+"/events")
		stream.until(h.t, "event: reset")
		stream.until(h.t, "data: [[", ",1.234]")
		stream.until(h.t, "seq=6")
		h.lines(l.ID, 7, models.LiveReply)
		stream.until(h.t, "seq=7")
		stream.until(h.t, "sent, 2 received")

		a = h.browser(admin, "POST", path+"/share", url.Values{})
		link, _ := a.page(h.t).Find("[data-testid=live-link]").Attr("value")
		outside := strings.TrimPrefix(link, h.url)
		if a.status != 201 || !strings.HasPrefix(outside, "/live/") || strings.Contains(a.body, "http-equiv") {
			h.t.Fatalf("a link: got %d and %q", a.status, link)
		}
		shown := h.request("GET", outside, "")
		if shown.status != 200 || !strings.Contains(shown.body, "Gateway") || !strings.Contains(shown.body, "seq=7") {
			h.t.Errorf("from outside: got %d %s", shown.status, shown.body)
		}
		for _, secret := range []string{"10.9.8.7", "127.0.0.1</", "Kranich", "admin@", h.monitor.PublicID.String(), h.customer.PublicID.String(), h.customer.Name + "<", "_csrf"} {
			if strings.Contains(shown.body, secret) {
				h.t.Errorf("from outside the page names %q", secret)
			}
		}
		guest := h.watch("guest", "", outside+"/events")
		guest.until(h.t, "seq=7")
		if strings.Contains(guest.text.String(), "10.9.8.7") {
			h.t.Error("the guest's stream names an address")
		}
		withHost := h.browser(admin, "POST", path+"/share", url.Values{"host": {"yes"}})
		second, _ := withHost.page(h.t).Find("[data-testid=live-link]").Attr("value")
		if shown = h.request("GET", strings.TrimPrefix(second, h.url), ""); !strings.Contains(shown.body, "10.9.8.7") {
			h.t.Error("a link with addresses shows none")
		}
		if gone := h.request("GET", outside, ""); gone.status != 404 {
			h.t.Errorf("the first link: got %d, want 404", gone.status)
		}

		if a = h.browser(admin, "POST", path+"/stop", url.Values{}); a.status != 303 {
			h.t.Errorf("stopping: got %d", a.status)
		}
		for _, w := range []*watcher{stream, guest} {
			w.until(h.t, "event: end")
			w.until(h.t, "stopped")
		}
		if doc = h.browser(admin, "GET", path, nil).page(h.t); doc.Find("form[action='"+path+"']").Length() != 1 || !strings.Contains(doc.Text(), "seq=7") || strings.Contains(doc.Text(), "http-equiv") {
			h.t.Error("after the end: want the form again, and the log still")
		}
	})
}

// A stream ends where its reader no longer sees the monitor, or the link was replaced.
func TestLiveStreamsAreLookedAtAgain(t *testing.T) {
	h := liteHouse(t)
	ctx := context.Background()
	if _, err := h.store.StartLive(ctx, h.organization, h.monitor.PublicID, 1, 5); err != nil {
		t.Fatal(err)
	}
	token, _, err := h.store.ShareLive(ctx, h.organization, h.monitor.PublicID, false)
	if err != nil {
		t.Fatal(err)
	}
	limited := h.watch("limited", h.session(h.limited), "/monitors/"+h.monitor.PublicID.String()+"/live/events")
	guest := h.watch("guest", "", "/live/"+token+"/events")
	if _, _, err := h.store.ShareLive(ctx, h.organization, h.monitor.PublicID, false); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.ChangeMonitor(ctx, h.organization, h.monitor.PublicID, object(t, `{"customerId":"`+h.second.PublicID.String()+`"}`), ""); err != nil {
		t.Fatal(err)
	}
	h.s.hub.accessChanged(h.organization.OrganizationID)
	limited.wantBye(t)
	guest.wantBye(t)
}
