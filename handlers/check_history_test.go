package handlers

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"echolot/models"
)

// Paging by the checkedAt of the last item visits every check once.
func TestCheckHistoryPages(t *testing.T) {
	houses(t, func(h *house) {
		admin := h.token("admin@example.com")
		start := time.Date(2026, 2, 26, 12, 0, 0, 0, time.UTC)
		const n = 7
		results := make([]models.Result, n)
		for i := range results {
			// The fourth begins late, as under load; the others at once, or with some microseconds.
			late := time.Duration(i) * 1234 * time.Microsecond
			if i == 3 {
				late = 700 * time.Millisecond
			}
			results[i] = models.Result{Monitor: h.monitor.ID, Rev: 1, Slot: start.Add(time.Duration(i) * time.Second).UnixMilli(), StartedOffset: late, Location: models.LocationID, Kind: models.KindScheduled, Outcome: models.OutcomeSuccess, Sent: i}
		}
		if _, err := h.store.RecordResults(context.Background(), results, judgeUp); err != nil {
			h.t.Fatal(err)
		}
		path := monitorsPath + "/" + h.monitor.PublicID.String() + "/check-history"
		type item struct {
			ID, CheckedAt string
			Diagnostics   struct{ Sent int }
		}
		page := func(query string) []item {
			h.t.Helper()
			var p struct{ Data []item }
			a := h.api(admin, "GET", path+query, "")
			if a.status != 200 {
				h.t.Fatalf("%s: got %d %s", query, a.status, a.body)
			}
			a.decode(h.t, &p)
			return p.Data
		}
		for _, limit := range []int{1, 2, 3, 200} {
			var seen []int
			before := ""
			for range n + 1 {
				items := page("?limit=" + strconv.Itoa(limit) + before)
				if len(items) == 0 {
					break
				}
				for _, i := range items {
					seen = append(seen, i.Diagnostics.Sent)
				}
				before = "&before=" + items[len(items)-1].CheckedAt
			}
			if !slices.Equal(seen, []int{6, 5, 4, 3, 2, 1, 0}) {
				h.t.Errorf("limit %d: got checks %v, want each once, newest first", limit, seen)
			}
		}
		if got := page(""); len(got) != n || got[n-1].CheckedAt != "2026-02-26T12:00:00.000Z" || got[3].CheckedAt != "2026-02-26T12:00:03.700Z" {
			h.t.Errorf("got %+v, want all with their starts", got)
		}
		for query, want := range map[string]int{"?before=2026-02-26T12:00:00.000Z": 0, "?before=2026-02-26T12:00:00.001Z": 1, "?before=2026-02-26T13:00:02%2B01:00": 2, "?before=2026-02-26T12:00:02Z": 2, "?before=9999-12-31T23:59:59Z": n, "?before=1970-01-01T00:00:00Z": 0, "?limit=": n, "?before=": n} {
			if got := page(query); len(got) != want {
				h.t.Errorf("%s: got %d checks, want %d", query, len(got), want)
			}
		}
		for query, field := range map[string]string{"limit=0": "limit", "limit=201": "limit", "limit=x": "limit", "limit=-1": "limit", "limit=1.5": "limit", "before=x": "before", "before=2026-02-26": "before", "before=2026-02-26T12:00:00": "before", "before=1772107200000": "before", "before=2026-02-30T12:00:00Z": "before", "before=-0001-01-01T00:00:00Z": "before", "before=%00": "before", "before=2026-02-26T12:00:00Z%00": "before", "before=1969-12-31T23:59:59Z": "before", "before=2026-02-26T12:00:00%2B99:00": "before", "before='": "before"} {
			h.wantRefused(query, h.api(admin, "GET", path+"?"+query, ""), "", field)
		}
	})
}

// A check says why it failed or lost packets, and who said so.
func TestCheckHistorySaysWhy(t *testing.T) {
	h := liteHouse(t)
	router := netip.MustParseAddr("10.0.0.1")
	kinds := []struct {
		result         models.Result
		errs, warnings string
	}{
		{models.Result{Outcome: models.OutcomeFailure, Cause: models.CauseHostUnreachable, CauseSource: router, Sent: 3}, "host unreachable, said 10.0.0.1", ""},
		{models.Result{Outcome: models.OutcomeFailure, Cause: models.CauseTTLExceeded, CauseSource: router, Sent: 3}, "TTL exceeded, said 10.0.0.1", ""},
		{models.Result{Outcome: models.OutcomeFailure, Cause: models.CauseTooBig, CauseSource: router, Sent: 3}, "packet too big, fragmentation needed, said 10.0.0.1", ""},
		{models.Result{Outcome: models.OutcomeFailure, Cause: models.CauseTooBig, CauseSource: router, CauseMTU: 1280, Sent: 3}, "packet too big, fragmentation needed (MTU 1280), said 10.0.0.1", ""},
		{models.Result{Outcome: models.OutcomeUnknown, Cause: models.CauseOverload}, "prober overloaded, check left out", ""},
		{models.Result{Outcome: models.OutcomeSuccess, Cause: models.CauseTimeout, Sent: 3, Received: 2}, "", "1 of 3 packets lost"},
		{models.Result{Outcome: models.OutcomeSuccess, Cause: models.CauseTimeout, Sent: 3, Received: 1, Late: 1}, "", "2 of 3 packets lost, 1 of them answered late"},
		{models.Result{Outcome: models.OutcomeSuccess, Cause: models.CauseProhibited, CauseSource: router, Sent: 3, Received: 1}, "", "2 of 3 packets lost: refused by a filter, said 10.0.0.1"},
		{models.Result{Outcome: models.OutcomeSuccess, Cause: models.CauseHostUnreachable, CauseSource: router, Sent: 4, Received: 1, Late: 1,
			Packets: []models.Packet{{State: models.PacketRefused}, {}, {State: models.PacketLate}, {State: models.PacketReplied, RTT: time.Millisecond}}}, "",
			"3 of 4 packets lost, 1 of them answered late, 1 of them refused: host unreachable, said 10.0.0.1"},
		{models.Result{Outcome: models.OutcomeSuccess, Cause: models.CauseHostUnreachable, CauseSource: router, Sent: 2, Received: 1,
			Packets: []models.Packet{{State: models.PacketRefused}, {State: models.PacketReplied, RTT: time.Millisecond}}}, "", "1 of 2 packets lost: host unreachable, said 10.0.0.1"},
		{models.Result{Outcome: models.OutcomeSuccess, Cause: models.CauseTooBig, CauseSource: router, CauseMTU: 1280, Sent: 3, Received: 2}, "", "1 of 3 packets lost: packet too big, fragmentation needed (MTU 1280), said 10.0.0.1"},
		{models.Result{Outcome: models.OutcomeSuccess, Sent: 3, Received: 3}, "", ""},
	}
	results := make([]models.Result, len(kinds))
	for i, k := range kinds {
		results[i] = k.result
		results[i].Monitor, results[i].Rev, results[i].Location, results[i].Kind = h.monitor.ID, 1, models.LocationID, models.KindScheduled
		results[i].Slot = time.Date(2026, 2, 26, 12, 0, i, 0, time.UTC).UnixMilli()
	}
	if _, err := h.store.RecordResults(context.Background(), results, judgeUp); err != nil {
		t.Fatal(err)
	}
	var page struct {
		Data []struct{ ErrorMessage, WarningMessage string }
	}
	h.api(h.token("admin@example.com"), "GET", monitorsPath+"/"+h.monitor.PublicID.String()+"/check-history", "").decode(t, &page)
	for i, k := range kinds {
		got := page.Data[len(kinds)-1-i]
		if got.ErrorMessage != k.errs || strings.ReplaceAll(got.WarningMessage, "\u00a0", " ") != k.warnings {
			t.Errorf("%s, %s: got %q and %q, want %q and %q", k.result.Outcome, k.result.Cause, got.ErrorMessage, got.WarningMessage, k.errs, k.warnings)
		}
	}
}

func TestTriggerCheck(t *testing.T) {
	houses(t, func(h *house) {
		admin := h.token("admin@example.com")
		path := monitorsPath + "/" + h.monitor.PublicID.String()
		trigger := func(what string, status int) {
			h.t.Helper()
			a := h.api(admin, "POST", path+"/trigger-check", "")
			if a.status != status || status == 503 && !strings.Contains(a.body, `"No active monitoring locations available"`) {
				h.t.Errorf("%s: got %d %s, want %d", what, a.status, a.body, status)
			}
		}
		requests := func() []int64 {
			h.t.Helper()
			ids, err := h.store.TakeCheckRequests(context.Background())
			if err != nil {
				h.t.Fatal(err)
			}
			return ids
		}
		trigger("active", 200)
		trigger("again, before it was made", 200)
		if got := requests(); !slices.Equal(got, []int64{h.monitor.ID}) {
			h.t.Errorf("got requests %v, want one for the monitor", got)
		}
		h.api(admin, "PATCH", path, `{"status":"maintenance"}`)
		trigger("maintenance", 200)
		h.api(admin, "PATCH", path, `{"status":"disabled"}`)
		requests()
		trigger("disabled", 503)
		h.api(admin, "PATCH", path, `{"status":"active"}`)
		if err := h.store.SaveHeartbeat(context.Background(), models.Heartbeat{Engine: "test"}); err != nil {
			h.t.Fatal(err)
		}
		trigger("nobody can ping", 503)
		if got := requests(); len(got) != 0 {
			h.t.Errorf("got requests %v, want none of the refused", got)
		}
	})
}

// A check that reached a limit says by what: as an error where it counts as failed, else as a warning.
func TestAnsweredChecksSayWhichLimit(t *testing.T) {
	reply := func(ms int) models.Packet {
		return models.Packet{State: models.PacketReplied, RTT: time.Duration(ms) * time.Millisecond}
	}
	houses(t, func(h *house) {
		admin := h.token("admin@example.com")
		path := monitorsPath + "/" + h.monitor.PublicID.String()
		if a := h.api(admin, "PATCH", path, `{"icmpConfig":{"degradedLossPercent":30,"failedLossPercent":60,"degradedLatencyMs":25}}`); a.status != 200 {
			h.t.Fatalf("got %d %s", a.status, a.body)
		}
		m, ok, err := h.store.UnscopedMonitorToProbe(context.Background(), h.monitor.ID)
		if err != nil || !ok {
			h.t.Fatalf("got the monitor %t, error %v", ok, err)
		}
		kinds := []struct {
			packets        []models.Packet
			status         string
			errs, warnings string
		}{
			{[]models.Packet{reply(10), reply(20), reply(10)}, "success", "", ""},
			{[]models.Packet{reply(10), {}, reply(10)}, "warning", "", "1 of 3 packets lost"},
			{[]models.Packet{reply(10), {}, {}}, "failure", "2 of 3 packets lost", ""},
			{[]models.Packet{reply(20), reply(30), reply(40)}, "warning", "", "slow: 30.000 ms on average, 40.000 ms at most"},
		}
		var results []models.Result
		for i, k := range kinds {
			r := models.Result{Monitor: m.MonitorID, Rev: m.Rev, Location: models.LocationID, Kind: models.KindScheduled, Outcome: models.OutcomeSuccess,
				Slot: time.Date(2026, 2, 26, 12, i, 0, 0, time.UTC).UnixMilli(), Sent: len(k.packets), Packets: k.packets}
			for _, p := range k.packets {
				if p.State == models.PacketReplied {
					r.Received++
				}
			}
			results = append(results, r)
		}
		if _, err := h.store.RecordResults(context.Background(), results, models.Judge); err != nil {
			h.t.Fatal(err)
		}
		var page struct {
			Data []struct{ Status, ErrorMessage, WarningMessage string }
		}
		h.api(admin, "GET", path+"/check-history", "").decode(h.t, &page)
		for i, k := range kinds {
			if got := page.Data[len(kinds)-1-i]; got.Status != k.status || got.ErrorMessage != k.errs || got.WarningMessage != k.warnings {
				h.t.Errorf("%v: got %+v, want %s, %q and %q", k.packets, got, k.status, k.errs, k.warnings)
			}
		}
	})
}
