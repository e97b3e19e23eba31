package handlers

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"echolot/models"

	"github.com/PuerkitoBio/goquery"
)

// read reads a page as the one with the e-mail address.
func (h *house) read(email, target string) (*goquery.Document, answer) {
	h.t.Helper()
	a := h.browser(h.session(email), "GET", target, nil)
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
	if err != nil {
		h.t.Fatal(err)
	}
	return doc, a
}

// words is the text of a part, with single spaces within and between its elements.
func words(doc *goquery.Document, selector string) string {
	doc.Find(selector + " *").AfterHtml(" ")
	return strings.Join(strings.Fields(strings.ReplaceAll(doc.Find(selector).Text(), "\u00a0", " ")), " ")
}

func (h *house) beat(b models.Heartbeat) {
	h.t.Helper()
	if err := h.store.SaveHeartbeat(context.Background(), b); err != nil {
		h.t.Fatal(err)
	}
}

// TestProberPage: administrators see how the prober fares, of all organizations together; nobody else is even led there.
func TestProberPage(t *testing.T) {
	houses(t, func(h *house) {
		start := time.Now().Add(-3 * time.Hour)
		h.beat(models.Heartbeat{Engine: "echolot", IPv4: "datagram", IPv6: "raw", Monitors: 1234, InFlight: 56, Figures: models.ProberFigures{
			StartedAt: start, Lately: models.Punctuality{Since: time.Now().Add(-time.Hour), Checks: 10000, OnTime: 9998, P50: 71 * time.Microsecond, P99: 12 * time.Millisecond},
			Ever:    models.Punctuality{Since: start, Checks: 30000, OnTime: 29999, P50: 70 * time.Microsecond, P99: 13 * time.Millisecond},
			Engine:  models.EngineFigures{Kind: "echolot", Stamps: "kernel", PacketsPerSecond: 50000, ErrorP50: 2400, ErrorP99: 7 * time.Microsecond, ErrorCount: 9},
			Packets: models.PacketFigures{Sent: 120000, Received: 119000, Duplicates: 3, Late: 4, SocketDrops: 5},
			Delayed: models.CapFigures{Target: 8}, Skipped: 7, Shed: 6, ClockSteps: 1,
			NotMeasured: map[models.Cause]int64{models.CauseOverload: 6, models.CauseNameNotFound: 40},
			Storage:     models.StorageFigures{Waiting: 12, WaitingBytes: 2048, Stored: 29988},
			Sentinels: []models.SentinelFigures{{Host: "10.99.0.1", Gateway: true, Counts: true, Answers: true}, {Host: "10.98.0.1", Gateway: true},
				{Host: "one.example", Counts: true}, {Host: "two.example", Counts: true, Trouble: "no such name"}},
		}})
		for email, may := range map[string]bool{"admin@example.com": true, h.foreigner: true, "user@example.com": false, "readonly@example.com": false, h.limited: false} {
			doc, a := h.read(email, "/prober")
			link := doc.Find(`nav[aria-label=Main] a[href="/prober"]`).Length() == 1
			if want := map[bool]int{true: 200, false: 403}[may]; a.status != want || link != may {
				h.t.Errorf("%s: got %d and the link %t, want %d", email, a.status, link, want)
			}
		}
		if a := h.request("GET", "/prober", ""); a.status != 303 {
			h.t.Errorf("signed out: got %d, want 303", a.status)
		}
		doc, _ := h.read("admin@example.com", "/prober")
		for selector, parts := range map[string][]string{
			"[data-testid=prober-state]": {"Probing", "last heard", "started"},
			"[data-testid=on-time]":      {"99.98 % of checks started within 50 ms of their slot"},
			"main":                       {"10,000 checks in the last 1 h 00 min; 99.99 % of 30,000 checks in the 3 h 00 min since the start"},
			"[data-testid=prober-facts]": {"Lateness, p50 71 µs since the start 70 µs", "p99 12.0 ms since the start 13.0 ms", "2.4 µs · 7.0 µs", "Kept out of RTTs", "wrong by without the kernel’s stamps", "flight 56", "Monitors 1,234", "waiting 12"},
			"[data-testid=sending]":      {"own packet engine", "IPv4 datagram socket", "IPv6 raw socket", "taken by the kernel", "50,000 packets a second", "gateway 10.99.0.1 answers; gateway 10.98.0.1 has never answered and does not count; one.example is silent; two.example can not be asked: no such name", "8 packets by a target’s"},
			"[data-testid=packets]":      {"Sent 120,000", "Answered in time 119,000", "Late 4", "Twice 3", "Dropped 5 replies that this machine had no room for"},
			"[data-testid=storage]":      {"In memory 12 results, 2.0 KiB", "In the spool nothing", "Stored 29,988", "Lost none"},
			"[data-testid=left-out]":     {"Skipped 7 slots", "6 checks, spread evenly", "was set, or the machine slept, 1 time", "40 checks: the name does not exist", "6 checks: prober overloaded"},
		} {
			for _, part := range parts {
				if got := words(doc, selector); !strings.Contains(got, part) {
					h.t.Errorf("%s: got %q, want %q in it", selector, got, part)
				}
			}
		}
		if n := doc.Find(".notice").Length(); n != 0 {
			h.t.Errorf("got %d notices, want none", n)
		}
		var ready struct {
			Engine, Stamps, Reason string
			Blind                  bool
		}
		h.request("GET", "/readyz", "").decode(h.t, &ready)
		if ready.Blind || ready.Reason != "" || ready.Engine != "echolot" || ready.Stamps != "kernel" {
			h.t.Errorf("/readyz: got %+v, want the engine and its stamps", ready)
		}

		since := time.Date(2026, 11, 25, 12, 30, 0, 0, time.UTC)
		h.beat(models.Heartbeat{Engine: "echolot", IPv4: "raw", Blind: true, Figures: models.ProberFigures{Blind: &models.Blindness{Since: since, Silent: []string{"gateway 10.99.0.1"}}}})
		doc, _ = h.read("readonly@example.com", "/monitors")
		if got, want := words(doc, ".notice"), "The prober is blind since 2026-11-25 12:30:00 UTC. This machine’s own network does not work: gateway 10.99.0.1 is silent. "; !strings.HasPrefix(got, want) {
			h.t.Errorf("notice: got %q, want %q", got, want)
		}
		doc, _ = h.read("admin@example.com", "/prober")
		if got := words(doc, "[data-testid=prober-state]"); !strings.HasPrefix(got, "Blind") {
			h.t.Errorf("a blind prober: got %q", got)
		}
		if a := h.request("GET", "/readyz", ""); a.status != 200 {
			h.t.Errorf("/readyz of a blind one: got %d, want 200", a.status)
		} else if a.decode(h.t, &ready); !ready.Blind || ready.Reason != "gateway 10.99.0.1 is silent since 2026-11-25T12:30:00Z" {
			h.t.Errorf("/readyz of a blind one: got %+v", ready)
		}

		h.beat(models.Heartbeat{Engine: "pro-bing", Hint: "Do this:\n  sysctl -w <this>"})
		doc, _ = h.read("admin@example.com", "/prober")
		for selector, part := range map[string]string{"[data-testid=prober-state]": "May not ping", "[data-testid=on-time]": "No check has begun yet.",
			"[data-testid=prober-hint]": "sysctl -w <this>", "[data-testid=sending]": "IPv4 no right to ping", "[data-testid=left-out]": "Nothing was left out."} {
			if got := words(doc, selector); !strings.Contains(got, part) {
				h.t.Errorf("%s: got %q, want %q in it", selector, got, part)
			}
		}
	})
}

// TestProberPageOfNobody: before the first heartbeat, and long after the last one.
func TestProberPageOfNobody(t *testing.T) {
	houses(t, func(h *house) {
		if err := execute(h.t, h.store, "UPDATE prober_heartbeats SET seen_at = '2026-01-02 03:04:05'"); err != nil {
			h.t.Fatal(err)
		}
		doc, a := h.read("admin@example.com", "/prober")
		if got := words(doc, "main"); a.status != 200 || !strings.Contains(got, "Silent") || !strings.Contains(got, "What stands here is the last that it said.") {
			h.t.Errorf("silent: got %d %s", a.status, got)
		}
		if err := execute(h.t, h.store, "DELETE FROM prober_heartbeats"); err != nil {
			h.t.Fatal(err)
		}
		doc, a = h.read("admin@example.com", "/prober")
		if got := words(doc, "[data-testid=prober-silent]"); a.status != 200 || !strings.HasPrefix(got, "The prober has not reported yet.") {
			h.t.Errorf("never heard: got %d %s", a.status, got)
		}
	})
}

// TestNoticeOfResultsThatWait: it stands on every page while results wait for the database, and only then; also where the
// heartbeat can not be written for the same reason.
func TestNoticeOfResultsThatWait(t *testing.T) {
	var here atomic.Pointer[models.StorageFigures]
	here.Store(&models.StorageFigures{})
	h := liteHouse(t, func(o *Options) { o.Storage = func() models.StorageFigures { return *here.Load() } })
	notices := func() []string {
		h.t.Helper()
		doc, _ := h.read("readonly@example.com", "/monitors")
		return doc.Find(".notice").Map(func(_ int, s *goquery.Selection) string {
			return strings.Join(strings.Fields(strings.ReplaceAll(s.Text(), "\u00a0", " ")), " ")
		})
	}
	ours := models.Heartbeat{Engine: "echolot", IPv4: "raw"}
	said := func(s models.StorageFigures) models.Heartbeat { b := ours; b.Figures.Storage = s; return b }
	old := time.Now().Add(-time.Minute)
	const many, one = "Results are waiting for the database. 1,500 are kept until it takes them.", "Results are waiting for the database. One is kept until it takes it."
	blind := "No right to ping. Every monitor is unknown"
	for name, c := range map[string]struct {
		beat models.Heartbeat
		here models.StorageFigures
		want []string
	}{
		"all is well":             {ours, models.StorageFigures{Waiting: 40, OldestWaiting: time.Now()}, nil},
		"the heartbeat says so":   {said(models.StorageFigures{SpoolResults: 1500}), models.StorageFigures{}, []string{many}},
		"this process knows it":   {ours, models.StorageFigures{Waiting: 1, OldestWaiting: old}, []string{one}},
		"both, and nobody may":    {models.Heartbeat{Figures: said(models.StorageFigures{SpoolResults: 3}).Figures}, models.StorageFigures{SpoolResults: 1500}, []string{many, blind}},
		"old, but stored by now":  {said(models.StorageFigures{OldestWaiting: old}), models.StorageFigures{}, nil},
		"waiting since the other": {said(models.StorageFigures{Waiting: 1500, OldestWaiting: old}), models.StorageFigures{}, []string{many}},
	} {
		h.beat(c.beat)
		here.Store(&c.here)
		got := notices()
		if len(got) == len(c.want) && len(got) == 2 {
			got[1] = got[1][:len(blind)]
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	here.Store(&models.StorageFigures{SpoolResults: 1500})
	if err := execute(t, h.store, "UPDATE prober_heartbeats SET seen_at = '2026-01-02 03:04:05'"); err != nil {
		t.Fatal(err)
	}
	if got := notices(); !slices.Equal(got, []string{many}) {
		t.Errorf("with a heartbeat that waits too: got %q, want %q and not that nobody probes", got, many)
	}
	here.Store(&models.StorageFigures{})
	if got := notices(); len(got) != 1 || !strings.HasPrefix(got[0], "Nobody is probing.") {
		t.Errorf("with nobody: got %q", got)
	}
}

// TestProberPageWhileTheDatabaseIsAway: the heartbeat waits for the same database, so what this process knows itself counts,
// but only where it is the one that probes.
func TestProberPageWhileTheDatabaseIsAway(t *testing.T) {
	var here atomic.Pointer[models.StorageFigures]
	var standby atomic.Bool
	h := liteHouse(t, func(o *Options) {
		o.Storage, o.Standby = func() models.StorageFigures { return *here.Load() }, standby.Load
	})
	h.beat(models.Heartbeat{Engine: "echolot", IPv4: "raw"})
	if err := execute(t, h.store, "UPDATE prober_heartbeats SET seen_at = '2026-01-02 03:04:05'"); err != nil {
		t.Fatal(err)
	}
	waits := models.StorageFigures{Waiting: 1500, WaitingBytes: 3 << 20, OldestWaiting: time.Now().Add(-time.Minute), Failing: true}
	for name, c := range map[string]struct {
		here           models.StorageFigures
		standby        bool
		state, memory  string
		silent, cutOff bool
	}{
		"the database is away":         {waits, false, "Probing", "In memory 1,500 results, 3.0 MiB", false, true},
		"the prober itself is silent":  {models.StorageFigures{}, false, "Silent", "In memory nothing", true, false},
		"another instance is the one":  {waits, true, "Silent", "In memory nothing", true, false},
		"it answers, results are late": {models.StorageFigures{Waiting: 3}, false, "Silent", "In memory 3 results", true, false},
	} {
		here.Store(&c.here)
		standby.Store(c.standby)
		doc, a := h.read("admin@example.com", "/prober")
		state, storage, all := words(doc, "[data-testid=prober-state]"), words(doc, "[data-testid=storage]"), words(doc, "main")
		if a.status != 200 || !strings.HasPrefix(state, c.state) || !strings.Contains(storage, c.memory) {
			t.Errorf("%s: got %d, %q and %q, want %q and %q", name, a.status, state, storage, c.state, c.memory)
		}
		if silent, cutOff := strings.Contains(all, "the last that it said"), strings.Contains(all, "The database takes nothing now."); silent != c.silent || cutOff != c.cutOff {
			t.Errorf("%s: got the words of a silent one %t, of one cut off %t, want %t and %t", name, silent, cutOff, c.silent, c.cutOff)
		}
		if c.cutOff && !strings.Contains(storage, "The oldest waits 1 min") {
			t.Errorf("%s: got %q, want how long the oldest waits as of now", name, storage)
		}
	}
}
