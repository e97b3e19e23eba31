package probe

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
	"echolot/probe/lab"
)

// liveHouse is a prober on SQLite in a namespace, whose store's clock is behind by so much: a minute's measurement ends sooner.
func liveHouse(t *testing.T, behind time.Duration, hosts ...string) (store *models.Store, by models.Actor, monitors []models.MonitorRow, stop func() error) {
	t.Helper()
	store = modelstest.Open(t, modelstest.SQLite(t), func(o *models.Options) { o.Now = func() time.Time { return time.Now().Add(-behind) } })
	user, err := store.UnscopedCreateUser(t.Context(), models.NewUser{Email: "noc@example.com", Role: models.RoleAdmin, Password: "correct horse battery"})
	if err != nil {
		t.Fatal(err)
	}
	by = models.Actor{UserID: user.ID, Role: models.RoleAdmin, HomeID: 1, OrganizationID: 1}
	for _, host := range hosts {
		f, err := models.ParseFields([]byte(`{"customerId":1,"name":"` + host + `","hostname":"` + host + `","checkIntervalSeconds":3600}`))
		if err != nil {
			t.Fatal(err)
		}
		m, err := store.CreateMonitor(t.Context(), by, f)
		if err != nil {
			t.Fatal(err)
		}
		monitors = append(monitors, m)
	}
	prober := New(store, store.Bus(), newEnginePinger(t, "", models.TargetPolicy{}), Options{Engine: func() string { return EngineEcholot }})
	stop = run(t, prober)
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(20 * time.Millisecond) {
		checked := 0
		for _, m := range monitors { // their own packets come first
			if row, err := store.Monitor(t.Context(), by, m.PublicID); err == nil && row.State.LastSlot > 0 {
				checked++
			}
		}
		if checked == len(monitors) || time.Now().After(deadline) {
			return store, by, monitors, stop
		}
	}
}

// A live measurement tells of each packet what became of it: reply, loss, a late one, one that came twice, one out of order.
func TestLiveTellsOfEachPacket(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		target := netip.MustParseAddr("127.0.0.2")
		var asked atomic.Int64
		lab.NewResponder(t, target, target).Behave(func(e lab.Echo) []lab.Reply {
			switch asked.Add(1) % 8 {
			case 1:
				return lab.Honest(e)
			case 2:
				return nil
			case 3:
				return lab.Times(2)(e)
			case 4:
				return []lab.Reply{{Data: e.Data, Delay: 250 * time.Millisecond}}
			case 5:
				return []lab.Reply{{Data: e.Data, Delay: 2500 * time.Millisecond}}
			}
			return lab.Honest(e)
		})
		store, by, monitors, stop := liveHouse(t, 0, target.String())
		asked.Store(0)
		session, err := store.StartLive(t.Context(), by, monitors[0].PublicID, 10, 1)
		if err != nil {
			t.Fatal(err)
		}
		var sum models.LiveSummary
		for deadline := time.Now().Add(30 * time.Second); sum.Late < 2; <-time.After(50 * time.Millisecond) {
			if _, sum, err = store.UnscopedLastLive(t.Context(), session.ID, 10); err != nil || time.Now().After(deadline) {
				t.Fatalf("got %+v, %v; want two late ones", sum, err)
			}
		}
		if err := store.StopLive(t.Context(), by, monitors[0].PublicID); err != nil {
			t.Fatal(err)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		lines, sum, err := store.UnscopedLastLive(t.Context(), session.ID, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if sum.Duplicates < 2 || sum.Reordered < 2 || sum.Lost < 4 || sum.Unmeasured != 0 || sum.Refused != 0 || sum.Min <= 0 || sum.Max < 200*time.Millisecond || sum.Max > 2*time.Second {
			t.Errorf("got %+v, want of each kind two at least", sum)
		}
		want := map[int64]models.LiveFate{1: models.LiveReply, 2: models.LiveLost, 3: models.LiveReply, 4: models.LiveReply, 5: models.LiveLost}
		for i, l := range lines {
			if l.N != int64(i)+1 {
				t.Fatalf("line %d has the number %d", i+1, l.N)
			}
			fate := want[l.Seq]
			switch {
			case l.Fate == models.LiveLate && l.Seq%8 == 5, l.Fate == models.LiveDuplicate && l.Seq%8 == 3:
			case fate != "" && l.Fate != fate:
				t.Errorf("packet %d: got %s, want %s", l.Seq, l.Fate, fate)
			}
			if l.Seq == 4 && !l.Reordered {
				t.Error("packet 4 was answered after packet 6: want it marked")
			}
			if l.Source != target.String() || l.Fate == models.LiveReply && l.TTL == 0 {
				t.Errorf("packet %d: got source %q, TTL %d", l.Seq, l.Source, l.TTL)
			}
		}
	})
}

// It ends by itself at its time, and a router's error is said as it is.
func TestLiveEndsAtItsTime(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		router := lab.NewRouter(t)
		router.Refuse("prohibit", netip.MustParsePrefix("10.92.0.0/24"))
		store, by, monitors, _ := liveHouse(t, 50*time.Second, lab.Far4, "10.92.0.9")
		for i, m := range monitors {
			session, err := store.StartLive(t.Context(), by, m.PublicID, 5, 1)
			if err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(30 * time.Second); session.EndedAt.IsZero(); <-time.After(50 * time.Millisecond) {
				if session, _, err = store.UnscopedLive(t.Context(), session.ID); err != nil || time.Now().After(deadline) {
					t.Fatalf("got %+v, %v; want it to end", session, err)
				}
			}
			lines, sum, err := store.UnscopedLastLive(t.Context(), session.ID, 1000)
			if err != nil || session.Why != "" || sum.Sent < 40 || sum.Sent > 52 {
				t.Errorf("%s: got %+v and %+v, %v; want 50 packets in ten seconds", m.Name, session, sum, err)
			}
			if i == 0 && sum.Received != sum.Sent || i == 1 && (sum.Refused < 3 || sum.Received > 0) { // of more, Linux says one a second (ip_error)
				t.Errorf("%s: got %+v", m.Name, sum)
			}
			if i == 1 && (lines[0].Source != lab.RouterIn4 || lines[0].Cause != models.CauseProhibited) {
				t.Errorf("%s: got %+v, want the router's refusal", m.Name, lines[0])
			}
		}
	})
}

// Who begins again, in a second tab or with a double click, ends the first measurement and gets the second one.
func TestLiveTakesOverFromItself(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		store, by, monitors, _ := liveHouse(t, 0, "127.0.0.1")
		first, err := store.StartLive(t.Context(), by, monitors[0].PublicID, 10, 1)
		if err != nil {
			t.Fatal(err)
		}
		sent := func(session models.LiveSession, more int) {
			t.Helper()
			for deadline := time.Now().Add(20 * time.Second); ; <-time.After(20 * time.Millisecond) {
				_, sum, err := store.UnscopedLastLive(t.Context(), session.ID, 1)
				if err != nil || time.Now().After(deadline) {
					now, _, _ := store.UnscopedLive(t.Context(), session.ID)
					t.Fatalf("got %+v, %v; want more than %d packets of %+v", sum, err, more, now)
				}
				if sum.Received > more {
					return
				}
			}
		}
		sent(first, 0)
		for range 2 {
			second, err := store.StartLive(t.Context(), by, monitors[0].PublicID, 10, 1)
			if err != nil {
				t.Fatal(err)
			}
			sent(second, 10)
			if second, _, err = store.UnscopedLive(t.Context(), second.ID); err != nil || !second.EndedAt.IsZero() {
				t.Errorf("the second one: got %+v, %v; want it to go on", second, err)
			}
		}
		if first, _, err = store.UnscopedLive(t.Context(), first.ID); err != nil || first.Why != "another one was begun" {
			t.Errorf("the first one: got %+v, %v; want it ended for the second", first, err)
		}
	})
}

// Two names of one address are not measured at once, and a prober that comes after another goes on with its measurement.
func TestLiveOncePerAddress(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		lab.IP(t, "addr", "add", "2a00:1::1/128", "dev", "lo", "nodad")
		store, by, monitors, stop := liveHouse(t, 0, "127.0.0.1", "::ffff:127.0.0.1")
		first, err := store.StartLive(t.Context(), by, monitors[0].PublicID, 10, 1)
		if err != nil {
			t.Fatal(err)
		}
		lines := func(more int64) int64 {
			t.Helper()
			for deadline := time.Now().Add(20 * time.Second); ; <-time.After(20 * time.Millisecond) {
				last, _, err := store.UnscopedLastLive(t.Context(), first.ID, 1)
				if err != nil || time.Now().After(deadline) {
					t.Fatalf("got %+v, %v; want a packet after %d", last, err, more)
				}
				if len(last) > 0 && last[0].Seq > more {
					return last[0].Seq
				}
			}
		}
		lines(0)
		other := by
		other.UserID = 99
		second, err := store.StartLive(t.Context(), other, monitors[1].PublicID, 10, 1)
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); second.EndedAt.IsZero(); <-time.After(20 * time.Millisecond) {
			if second, _, err = store.UnscopedLive(t.Context(), second.ID); err != nil || time.Now().After(deadline) {
				t.Fatalf("got %+v, %v; want it to end", second, err)
			}
		}
		if second.Why != "this address is being measured live already" {
			t.Errorf("it ended because %q", second.Why)
		}

		if err := stop(); err != nil {
			t.Fatal(err)
		}
		seen := lines(0)
		run(t, New(store, store.Bus(), newEnginePinger(t, "", models.TargetPolicy{}), Options{Engine: func() string { return EngineEcholot }}))
		lines(seen + 5)

		// Who pauses the monitor ends it.
		f, err := models.ParseFields([]byte(`{"status":"disabled"}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.ChangeMonitor(t.Context(), by, monitors[0].PublicID, f, ""); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); first.EndedAt.IsZero(); <-time.After(20 * time.Millisecond) {
			if first, _, err = store.UnscopedLive(t.Context(), first.ID); err != nil || time.Now().After(deadline) {
				t.Fatalf("got %+v, %v; want it to end", first, err)
			}
		}
		if first.Why != notFromHere {
			t.Errorf("it ended because %q", first.Why)
		}
	})
}
