package models_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// What a heartbeat says of the prober reads back as it was written, replaces what it said before, and what can not be read
// never keeps the heartbeat from being one.
func TestHeartbeatFigures(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, store *models.Store) {
		ctx := context.Background()
		if h, alive, err := store.Heartbeat(ctx); err != nil || alive || !h.SeenAt.IsZero() {
			t.Errorf("before the first: got %+v, %t, %v; want nothing", h, alive, err)
		}
		at := time.Date(2026, 11, 25, 12, 0, 0, 123456789, time.UTC)
		want := models.ProberFigures{
			StartedAt: at, Lately: models.Punctuality{Since: at, Checks: 10000, OnTime: 9998, P50: 71 * time.Microsecond, P99: 3 * time.Millisecond},
			Ever:    models.Punctuality{Since: at, Checks: 1 << 40, OnTime: 1<<40 - 1, P50: 1, P99: time.Hour},
			Engine:  models.EngineFigures{Kind: "echolot", Stamps: "kernel", PacketsPerSecond: 50000, ErrorP50: 300, ErrorP99: 700, ErrorCount: 4},
			Packets: models.PacketFigures{Sent: 1, Received: 2, Duplicates: 3, Late: 4, Reordered: 11, Forged: 5, Stray: 6, Short: 7, ICMPErrors: 8, SendErrors: 9, SocketDrops: 10},
			Delayed: models.CapFigures{Global: 1, Group: 2, Target: 3},
			Storage: models.StorageFigures{Waiting: 1, WaitingBytes: 2, SpoolResults: 3, SpoolBytes: 4, Stored: 5, Dropped: 6, Failing: true, OldestWaiting: at},
			Skipped: 1, Shed: 2, ClockSteps: 3, NotMeasured: map[models.Cause]int64{models.CauseOverload: 2},
		}
		for _, figures := range []models.ProberFigures{{}, want, {Skipped: 1}, want} {
			if err := store.SaveHeartbeat(ctx, models.Heartbeat{Engine: "echolot", IPv4: "raw", Figures: figures}); err != nil {
				t.Fatal(err)
			}
			h, alive, err := store.Heartbeat(ctx)
			if err != nil || !alive || h.Engine != "echolot" || h.IPv4 != "raw" {
				t.Errorf("got %+v, alive %t, error %v", h, alive, err)
			}
			if !reflect.DeepEqual(h.Figures, figures) {
				t.Errorf("got %+v\nwant %+v", h.Figures, figures)
			}
		}
	})
	for _, text := range []any{`{"packets":7}`, `[]`, `x`, 5, nil, `{}`} {
		f := models.ProberFigures{Skipped: 1}
		if err := f.Scan(text); err != nil || !reflect.DeepEqual(f, models.ProberFigures{}) {
			t.Errorf("%v: got %+v and %v, want nothing said and no error", text, f, err)
		}
	}
}

func TestResultsThatWait(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		f    models.StorageFigures
		want int64
	}{
		"nothing":                     {models.StorageFigures{}, 0},
		"gathered for a batch":        {models.StorageFigures{Waiting: 40, OldestWaiting: now.Add(-2 * time.Second)}, 0},
		"nobody knows since when":     {models.StorageFigures{Waiting: 40}, 0},
		"for long":                    {models.StorageFigures{Waiting: 40, OldestWaiting: now.Add(-11 * time.Second)}, 40},
		"in the spool and in memory":  {models.StorageFigures{Waiting: 40, SpoolResults: 1000, OldestWaiting: now}, 1040},
		"in the spool":                {models.StorageFigures{SpoolResults: 1000}, 1000},
		"an old time and none waits":  {models.StorageFigures{OldestWaiting: now.Add(-time.Hour)}, 0},
		"the database takes none":     {models.StorageFigures{Waiting: 1, Failing: true, OldestWaiting: now.Add(-3 * time.Second)}, 1},
		"only one transaction failed": {models.StorageFigures{Waiting: 1, Failing: true, OldestWaiting: now.Add(-time.Second)}, 0},
	} {
		if got := c.f.Behind(now); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}
