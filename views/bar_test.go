package views

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"echolot/models"
)

func TestTheBarStandsAtHalfForTheUsualRTT(t *testing.T) {
	ms := time.Millisecond
	ok := func(rtt time.Duration) models.Beat { return models.Beat{Outcome: models.OutcomeSuccess, RTT: rtt} }
	beats := []models.Beat{ok(10 * ms), ok(10 * ms), ok(10 * ms), ok(20 * ms), ok(5 * ms), ok(900 * ms), ok(time.Microsecond)}
	var got []int
	for _, c := range columns(beats, nil) {
		got = append(got, c.stand)
	}
	// 28 × (0.46 + 0.26 × log2(RTT ÷ usual)), rounded, between 3 and 25.
	if want := []int{13, 13, 13, 20, 6, 25, 3}; !equal(got, want) {
		t.Errorf("heights: got %v, want %v", got, want)
	}
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestTheBarDrawsOnePathForEachOutcome(t *testing.T) {
	ms := time.Millisecond
	beats := []models.Beat{
		{Outcome: models.OutcomeSuccess, RTT: ms},
		{Outcome: models.OutcomeSuccess, RTT: ms, LossPercent: 50},
		{Outcome: models.OutcomeSuccess, RTT: ms, LossPercent: 1},
		{Outcome: models.OutcomeFailure, LossPercent: 100},
		{Outcome: models.OutcomeUnknown, Maintenance: true},
	}
	doc := parse(t, string(appendBar(nil, beats)))
	for class, want := range map[string]string{
		"hb-ok":    "M175 15h3v13h-3zM180 16h3v12h-3zM185 15h3v13h-3z",
		"hb-loss":  "M180 0h3v14h-3zM185 0h3v4h-3z",
		"hb-fail":  "M190 0h3v28h-3z",
		"hb-none":  "M195 26h3v2h-3z",
		"hb-maint": "M195 30h5v2h-5z",
	} {
		if got := doc.Find("path."+class).AttrOr("d", ""); got != want {
			t.Errorf("%s: got %q, want %q", class, got, want)
		}
	}
	if got, want := doc.Find("svg").AttrOr("aria-label", ""), "Last 5 checks: 1 complete, 2 with loss, 1 failed, 1 not measured"; got != want {
		t.Errorf("label: got %q, want %q", got, want)
	}
	if got := doc.Find("path").Length(); got != 5 {
		t.Errorf("got %d paths, want 5", got)
	}
	if html := string(appendBar(nil, nil)); strings.Contains(html, "<path") {
		t.Errorf("an empty bar draws something: %s", html)
	}
	if got := parse(t, string(appendBar(nil, sampleBeats(60)))).Find("svg").AttrOr("aria-label", ""); !strings.HasPrefix(got, "Last 40 checks") {
		t.Errorf("60 beats: got %q, want the last 40", got)
	}
}

func TestTheStripAndItsListTellEachPacket(t *testing.T) {
	doc := inTable(t, CheckRow(sampleCheck()))
	if ok, lost, late := doc.Find("circle.ok").Length(), doc.Find("circle.lost").Length(), doc.Find("path.late").Length(); ok != 2 || lost != 2 || late != 1 {
		t.Errorf("strip: got %d replies, %d rings, %d of them half filled, want 2, 2, 1", ok, lost, late)
	}
	var got []string
	for i := range 4 {
		got = append(got, plain(doc.Find(".packet-list li").Eq(i).Text()))
	}
	if want := "12.310 ms|lost|late, not counted|14.310 ms"; strings.Join(got, "|") != want {
		t.Errorf("packets: got %q, want %q", strings.Join(got, "|"), want)
	}
	if got, want := doc.Find("tr").AttrOr("data-jitter", ""), "2.000"; got != want {
		t.Errorf("jitter: got %q, want %q", got, want)
	}
	refused := sampleCheck()
	refused.Result.Cause = models.CauseHostUnreachable
	refused.Result.Packets = append(refused.Result.Packets, models.Packet{State: models.PacketRefused})
	refused.Result.Sent++
	with := inTable(t, CheckRow(refused))
	if bad, lost := with.Find("path.bad").Length(), with.Find("circle.lost").Length(); bad != 1 || lost != 2 {
		t.Errorf("refused: got %d crosses and %d rings, want 1 and 2: neither the lost nor the late one was refused", bad, lost)
	}
	if got, want := plain(with.Find(".packets summary").AttrOr("aria-label", "")), "2 of 5 packets answered: reply, lost, late, reply, refused; show each"; got != want {
		t.Errorf("the strip's name: got %q, want %q", got, want)
	}
	if got := plain(with.Find(".packet-list li").Eq(1).Text() + " " + with.Find(".packet-list li").Eq(4).Text()); got != "lost refused" {
		t.Errorf("packets 2 and 5: got %q, want lost refused", got)
	}
	if got, want := plain(doc.Find(".packets summary").AttrOr("aria-label", "")), "2 of 4 packets answered: reply, lost, late, reply; show each"; got != want {
		t.Errorf("the strip's name: got %q, want %q", got, want)
	}
	if got, want := plain(doc.Find(".packets .sub").Text()), "from 192.0.2.1, reply TTL 57"; got != want {
		t.Errorf("below the packets: got %q, want %q", got, want)
	}
}

// A check that a router answered says who said what, and to what address it went.
func TestARefusedCheckSaysWhoSaidSo(t *testing.T) {
	c := sampleCheck()
	c.Result.Outcome, c.Result.Received, c.Result.Late, c.Result.ReplyTTL = models.OutcomeFailure, 0, 0, 0
	c.Result.Packets = append(slices.Repeat([]models.Packet{{State: models.PacketRefused}}, 39), models.Packet{})
	c.Result.Sent = len(c.Result.Packets)
	for cause, want := range map[models.Cause]string{
		models.CauseHostUnreachable: "host unreachable, said 10.0.0.1", models.CauseTTLExceeded: "TTL exceeded, said 10.0.0.1",
		models.CauseTooBig: "packet too big, fragmentation needed (MTU 1280), said 10.0.0.1", models.CauseProhibited: "refused by a filter, said 10.0.0.1",
	} {
		c.Result.Cause, c.Result.CauseSource, c.Result.CauseMTU = cause, netip.MustParseAddr("10.0.0.1"), 1280
		doc := inTable(t, CheckRow(c))
		if got := plain(doc.Find("td").Eq(1).Find(".sub").Text()); got != want {
			t.Errorf("%s: got %q, want %q", cause, got, want)
		}
		if got, want := plain(doc.Find(".packets summary").AttrOr("aria-label", "")), "0 of 40 packets answered, 39 refused; show each"; got != want {
			t.Errorf("the strip's name: got %q, want %q", got, want)
		}
		if got := plain(doc.Find(".packet-list").Text()); strings.Count(got, "refused") != 39 || strings.Count(got, "lost") != 1 {
			t.Errorf("packets: got %q, want 39 refused and one lost", got)
		}
		if got, want := doc.Find(".packets .sub").Text(), "to 192.0.2.1"; got != want {
			t.Errorf("below the packets: got %q, want %q", got, want)
		}
	}
	m := sampleLive("m1")
	m.State, m.Failures, m.Cause, m.CauseSource, m.LastReceived, m.LastRTT = models.StateDown, 1, models.CauseTTLExceeded, "10.0.0.1", 0, -1
	if got := plain(draw(t, liveSince(m)).Text()); !strings.Contains(got, "TTL exceeded, said 10.0.0.1") {
		t.Errorf("state line: got %q, want the cause and who said so", got)
	}
}

// BenchmarkList renders the page of 50 rows, as a request does.
func BenchmarkList(b *testing.B) {
	page := Monitors(sampleList(50))
	var out bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		if err := page.Render(context.Background(), &out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(out.Len()), "bytes/page")
}

// BenchmarkLive renders what the stream sends for one check.
func BenchmarkLive(b *testing.B) {
	live := MonitorLive(sampleLive("00000000-0000-7000-8000-100000000000"))
	var out bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		if err := live.Render(context.Background(), &out); err != nil {
			b.Fatal(err)
		}
	}
}

// A strip of many packets goes on in the next line, so that none of them is a hairline.
func TestTheStripWraps(t *testing.T) {
	for packets, want := range map[int]string{1: "0 0 10 10", 3: "0 0 32 10", 20: "0 0 219 10", 21: "0 0 219 21", 100: "0 0 219 54"} {
		doc := parse(t, string(appendPackets(nil, slices.Repeat([]models.Packet{{State: models.PacketReplied}}, packets))))
		if got := doc.Find("svg").AttrOr("viewbox", doc.Find("svg").AttrOr("viewBox", "")); got != want {
			t.Errorf("%d packets: got the box %q, want %q", packets, got, want)
		}
		last := doc.Find("circle").Last()
		got := last.AttrOr("cx", "") + " " + last.AttrOr("cy", "")
		if want := map[int]string{1: "5 5", 3: "27 5", 20: "214 5", 21: "5 16", 100: "214 49"}[packets]; got != want || doc.Find("circle").Length() != packets {
			t.Errorf("%d packets: got %d, the last at %s, want it at %s", packets, doc.Find("circle").Length(), got, want)
		}
	}
}
