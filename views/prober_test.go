package views

import (
	"strings"
	"testing"
	"time"

	"echolot/models"
)

// sampleProber says everything that a prober can say, and may not ping.
func sampleProber() ProberPage {
	p := samplePage("Prober", NavProber)
	p.MayProber = true
	return ProberPage{Page: p, Now: noon, Beat: models.Heartbeat{SeenAt: noon.Add(-time.Second), Engine: nasty, Hint: nasty + "\n  " + nasty,
		Figures: models.ProberFigures{
			StartedAt: noon.Add(-30 * time.Hour), Lately: models.Punctuality{Since: noon.Add(-time.Hour), Checks: 3, OnTime: 2, P50: 300, P99: time.Minute},
			Ever:    models.Punctuality{Since: noon.Add(-30 * time.Hour), Checks: 4, OnTime: 3, P50: time.Millisecond, P99: time.Second},
			Engine:  models.EngineFigures{ErrorCount: 1, Kind: nasty, Stamps: nasty},
			Packets: models.PacketFigures{Sent: 1, Reordered: 8, ICMPErrors: 2, Forged: 3, Stray: 4, Short: 5, SendErrors: 6, SocketDrops: 7},
			Delayed: models.CapFigures{Global: 1, Group: 2, Target: 3}, Skipped: 1, Shed: 1, ClockSteps: 2,
			NotMeasured: map[models.Cause]int64{nasty: 1, models.CauseClockStep: 5},
			Storage:     models.StorageFigures{Waiting: 1, SpoolResults: 2, SpoolBytes: 3 << 20, Failing: true, OldestWaiting: noon.Add(-time.Minute), Dropped: 9},
		}}}
}

// A share is cut, never rounded: 100 means all, and figures of years do not overflow.
func TestShares(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		want        string
	}{{0, 0, "–"}, {0, 3, "0 %"}, {1, 3, "33.33 %"}, {3, 3, "100 %"}, {99_999, 100_000, "99.99 %"}, {9998, 10_000, "99.98 %"}, {19, 20, "95 %"}, {201, 2000, "10.05 %"},
		{1<<49 - 1, 1 << 49, "99.99 %"}, {1 << 49, 1 << 49, "100 %"}} {
		if got := plain(share(c.part, c.whole)); got != c.want {
			t.Errorf("%d of %d: got %q, want %q", c.part, c.whole, got, c.want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0 µs", 300: "0.3 µs", 9900: "9.9 µs", 71 * time.Microsecond: "71 µs", 1234 * time.Microsecond: "1.23 ms",
		12345 * time.Microsecond: "12.3 ms", 123456 * time.Microsecond: "123 ms", 1500 * time.Millisecond: "1.50 s", time.Minute: "60.0 s"} {
		if got := plain(fine(d)); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 3 << 20: "3.0 MiB", 5 << 40: "5.0 TiB", 1 << 60: "1048576.0 TiB"} {
		if got := plain(size(n)); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

// A prober that is in trouble of every kind says all of it, and none of it is called down.
func TestTheProberInTrouble(t *testing.T) {
	doc := draw(t, Prober(sampleProber()))
	text := plain(doc.Find("main").Text())
	for _, part := range []string{"66.66 % of checks started within 50 ms", "does not take results now", "9 results: no room, a damaged spool, or refused by the database", "2 results, 3.0 MiB",
		"1 packet by the limit on all, 2 packets by an organization’s, 3 packets by a target’s", "5 checks: the clock was set during the check",
		"7 replies that this machine had no room for", "8 replies that came after one to a later packet", "What stands here is the last that it said."} {
		if !strings.Contains(text, part) {
			t.Errorf("got %q, want %q in it", text, part)
		}
	}
	if n := doc.Find(".state.down, .st.down").Length(); n != 0 {
		t.Errorf("got %d parts called down, want none", n)
	}
	if got := doc.Find(`nav[aria-label=Main] a[aria-current]`).Text(); got != "Prober" {
		t.Errorf("current link: got %q, want Prober", got)
	}
}

// After a restart nothing waits in memory, but what an earlier run left waits.
func TestTheOldestInTheSpool(t *testing.T) {
	p := sampleProber()
	p.Beat.Figures.Storage.Waiting, p.Beat.Figures.Storage.WaitingBytes = 0, 0
	if got, want := plain(draw(t, Prober(p)).Find("[data-testid=storage]").Text()), "The oldest waits"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}
}
