package models_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/models/modelstest"
)

// liveMonitors makes monitors of the hosts, with somebody who probes them.
func liveMonitors(t *testing.T, s *models.Store, hosts ...string) (by models.Actor, monitors []models.MonitorRow) {
	t.Helper()
	by, _ = admin(t, s)
	if err := s.SaveHeartbeat(t.Context(), models.Heartbeat{Engine: "test", IPv4: "raw"}); err != nil {
		t.Fatal(err)
	}
	for _, host := range hosts {
		m, err := s.CreateMonitor(t.Context(), by, fields(t, `{"customerId":1,"name":"`+host+`","hostname":"`+host+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		monitors = append(monitors, m)
	}
	return by, monitors
}

// One at a time: for each user, who ends his own by beginning another, and for each target, whoever measures it.
func TestLiveOneAtATime(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		ctx := t.Context()
		by, m := liveMonitors(t, s, "127.0.0.1", "127.0.0.2", "127.0.0.1")
		sub := s.Bus().Subscribe(10, events.LiveChanged)
		defer sub.Close()
		first, err := s.StartLive(ctx, by, m[0].PublicID, 10, 5)
		if err != nil {
			t.Fatal(err)
		}
		if e := <-sub.C; e.MonitorID != m[0].ID {
			t.Errorf("told %+v, want the monitor", e)
		}
		second, err := s.StartLive(ctx, by, m[1].PublicID, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if list, err := s.UnscopedLiveToRun(ctx); err != nil || len(list) != 1 || list[0].ID != second.ID || list[0].Rate != 1 || list[0].Target != "127.0.0.2" || !list[0].Until.Equal(second.StartedAt.Add(time.Minute)) {
			t.Errorf("got %+v, %v; want the second alone", list, err)
		}
		if l, ok, err := s.UnscopedLive(ctx, first.ID); err != nil || !ok || l.EndedAt.IsZero() || l.Why == "" {
			t.Errorf("the first: got %+v, %v, %v; want it ended", l, ok, err)
		}

		other := by
		other.UserID = 99
		if _, err := s.StartLive(ctx, other, m[0].PublicID, 1, 1); err != nil {
			t.Fatal(err)
		}
		var conflict *models.Conflict
		if _, err := s.StartLive(ctx, by, m[2].PublicID, 1, 1); !errors.As(err, &conflict) {
			t.Errorf("another monitor of the same target: got %v, want a conflict", err)
		}
		if l, ok, err := s.UnscopedLive(ctx, second.ID); err != nil || !ok || !l.EndedAt.IsZero() {
			t.Errorf("after the conflict: got %+v, %v; want one's own to go on", l, err)
		}

		// At once, and still one alone.
		if err := s.StopLive(ctx, other, m[0].PublicID); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			wg.Go(func() {
				one := by
				one.UserID = int64(200 + i)
				_, errs[i] = s.StartLive(ctx, one, m[0].PublicID, 1, 1)
			})
		}
		wg.Wait()
		began := 0
		for _, err := range errs {
			if err == nil {
				began++
			} else if !errors.As(err, &conflict) {
				t.Errorf("at once: got %v, want a conflict", err)
			}
		}
		if began != 1 {
			t.Errorf("%d began at once, want one", began)
		}
	})
}

func TestLiveRefuses(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		ctx := t.Context()
		by, m := liveMonitors(t, s, "127.0.0.1")
		id := m[0].PublicID
		for _, c := range []struct{ rate, minutes int }{{0, 1}, {11, 1}, {1, 0}, {1, 6}} {
			var invalid *models.Invalid
			if _, err := s.StartLive(ctx, by, id, c.rate, c.minutes); !errors.As(err, &invalid) {
				t.Errorf("%+v: got %v, want it refused", c, err)
			}
		}
		reader := by
		reader.Role = models.RoleReadonly
		_, started := s.StartLive(ctx, reader, id, 1, 1)
		_, _, shared := s.ShareLive(ctx, reader, id, true)
		for _, err := range []error{started, shared, s.StopLive(ctx, reader, id)} {
			if !errors.Is(err, models.ErrForbidden) {
				t.Errorf("a reader: got %v, want ErrForbidden", err)
			}
		}
		if err := s.StopLive(ctx, by, id); err != nil {
			t.Errorf("stopping what does not run: got %v, want nothing", err)
		}
		var conflict *models.Conflict
		if _, _, err := s.ShareLive(ctx, by, id, true); !errors.As(err, &conflict) {
			t.Errorf("a link to nothing: got %v, want a conflict", err)
		}
		if _, err := s.ChangeMonitor(ctx, by, id, fields(t, `{"status":"disabled"}`), ""); err != nil {
			t.Fatal(err)
		}
		if _, err := s.StartLive(ctx, by, id, 1, 1); !errors.As(err, &conflict) || conflict.Message != "Paused: resume it to measure it live" {
			t.Errorf("paused: got %v, want a conflict that says so", err)
		}
	})
}

// A link works for whoever has it, until an hour after the measurement's end; then everything of it goes.
func TestLiveLinkExpires(t *testing.T) {
	var mu sync.Mutex
	var ahead time.Duration
	pass := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); ahead += d }
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		ctx := t.Context()
		by, m := liveMonitors(t, s, "127.0.0.1")
		l, err := s.StartLive(ctx, by, m[0].PublicID, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		void, _, err := s.ShareLive(ctx, by, m[0].PublicID, true)
		if err != nil {
			t.Fatal(err)
		}
		token, until, err := s.ShareLive(ctx, by, m[0].PublicID, false)
		if err != nil || !until.Equal(l.Until.Add(models.LiveKept)) {
			t.Fatalf("got %s, %v; want an hour after %s", until, err, l.Until)
		}
		if len(token) != 43 { // 32 bytes as base64url
			t.Errorf("got the token %q", token)
		}
		var kept int
		if err := modelstest.Connect(t, modelstest.URL(t, s)).QueryRowContext(ctx, "SELECT count(*) FROM audit_entries WHERE action LIKE 'live.%' AND after NOT LIKE '%hash%' AND after NOT LIKE '%Hash%'").Scan(&kept); err != nil || kept != 3 {
			t.Errorf("got %d lines of audit without a hash, %v; want a start and two links", kept, err)
		}
		shared, err := s.LiveByToken(ctx, token)
		if err != nil || shared.ID != l.ID || shared.Name != "127.0.0.1" || shared.ShareHost {
			t.Errorf("got %+v, %v; want the measurement without its host", shared, err)
		}
		var gone *models.NotFound
		for _, wrong := range []string{void, "", "none", token + "x", strings.ToUpper(token)} {
			if _, err := s.LiveByToken(ctx, wrong); !errors.As(err, &gone) {
				t.Errorf("token %q: got %v, want NotFound", wrong, err)
			}
		}
		if err := s.UnscopedSaveLive(ctx, []models.LivePacket{{SessionID: l.ID, N: 1, Seq: 1, SentAt: time.Now().UTC(), Fate: models.LiveReply}}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute + models.LiveKept - time.Second)
		if _, err := s.LiveByToken(ctx, token); err != nil {
			t.Errorf("just before: got %v", err)
		}
		if err := s.SweepExpired(ctx); err != nil {
			t.Fatal(err)
		}
		if lines, err := s.UnscopedLivePackets(ctx, l.ID, 0); err != nil || len(lines) != 1 {
			t.Errorf("just before: got %d lines, %v", len(lines), err)
		}
		pass(2 * time.Second)
		if _, err := s.LiveByToken(ctx, token); !errors.As(err, &gone) {
			t.Errorf("after the hour: got %v, want NotFound", err)
		}
		if err := s.SweepExpired(ctx); err != nil {
			t.Fatal(err)
		}
		if err := modelstest.Connect(t, modelstest.URL(t, s)).QueryRowContext(ctx, "SELECT (SELECT count(*) FROM live_packets) + (SELECT count(*) FROM live_sessions)").Scan(&kept); err != nil || kept != 0 {
			t.Errorf("swept: got %d rows, %v; want none", kept, err)
		}
	}, func(o *models.Options) {
		mu.Lock()
		defer mu.Unlock()
		ahead = 0
		o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return time.Now().Add(ahead) }
	})
}

// Lines are read in pages, each once, and summed up as ping does; those of a deleted monitor are thrown away.
func TestLivePackets(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		ctx := t.Context()
		by, m := liveMonitors(t, s, "127.0.0.1", "127.0.0.2")
		l, err := s.StartLive(ctx, by, m[0].PublicID, 10, 5)
		if err != nil {
			t.Fatal(err)
		}
		var lines []models.LivePacket
		for i := range int64(models.LivePage + 7) {
			p := models.LivePacket{SessionID: l.ID, N: i + 1, Seq: i + 1, SentAt: time.Now().UTC(), Fate: models.LiveReply, RTT: 1000 + 1000*(i%2), TTL: 64, Source: "127.0.0.1"}
			if i == 3 {
				p.Fate, p.RTT = models.LiveLost, 0
			}
			lines = append(lines, p)
		}
		lines = append(lines, models.LivePacket{SessionID: l.ID, N: models.LivePage + 8, Seq: 4, SentAt: time.Now().UTC(), Fate: models.LiveLate, RTT: 2500000})
		for range 2 { // whoever does not know whether it was written writes again
			if err := s.UnscopedSaveLive(ctx, lines); err != nil {
				t.Fatal(err)
			}
		}
		last, sum, err := s.UnscopedLastLive(ctx, l.ID, 3)
		if err != nil || len(last) != 3 || last[2].N != models.LivePage+8 || last[2].Fate != models.LiveLate || last[0].RTT != 2000 || last[0].Source != "127.0.0.1" {
			t.Errorf("got %+v, %v; want the last three", last, err)
		}
		if sum.Sent != models.LivePage+7 || sum.Received != models.LivePage+6 || sum.Lost != 1 || sum.Late != 1 || sum.Min != time.Millisecond || sum.Max != 2*time.Millisecond ||
			sum.Avg().Round(10*time.Microsecond) != 1500*time.Microsecond || sum.Deviation().Round(10*time.Microsecond) != 500*time.Microsecond {
			t.Errorf("got %+v, average %s, deviation %s", sum, sum.Avg(), sum.Deviation())
		}
		if err := s.DeleteMonitor(ctx, by, m[0].PublicID); err != nil {
			t.Fatal(err)
		}
		if err := s.UnscopedSaveLive(context.WithoutCancel(ctx), lines[:1]); err != nil {
			t.Errorf("of a deleted monitor: got %v, want them thrown away", err)
		}
	})
}

// Where strangers monitor, live measurements keep to what the caps let through.
func TestLiveUnderThePublicPolicy(t *testing.T) {
	s := modelstest.Open(t, modelstest.SQLite(t), func(o *models.Options) { o.Policy.Public = true })
	by, m := liveMonitors(t, s, "host.example")
	var invalid *models.Invalid
	if _, err := s.StartLive(t.Context(), by, m[0].PublicID, 2, 1); !errors.As(err, &invalid) {
		t.Errorf("two packets a second: got %v, want them refused", err)
	}
	if _, err := s.StartLive(t.Context(), by, m[0].PublicID, 1, 1); err != nil {
		t.Error(err)
	}
}
