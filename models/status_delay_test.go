package models_test

import (
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// What a page shows is of now until something is known to wait, or the newest check is overdue by the shortest interval of the monitors
// that are checked. TestStatusBoardIsOverdue and TestStatusBoardStaysSilent have what people change meanwhile.
func TestSettleAge(t *testing.T) {
	now := time.Date(2026, 11, 26, 2, 0, 0, 0, time.UTC)
	for what, c := range map[string]struct {
		measured time.Duration // before now; 0 = never
		interval time.Duration
		known    models.StatusDelay
		delay    models.StatusDelay
		silent   bool
	}{
		"as it should be":                 {measured: 29 * time.Second, interval: 10 * time.Second},
		"overdue":                         {measured: 31 * time.Second, interval: 10 * time.Second, delay: models.DelayUnknown},
		"every second, and a slow writer": {measured: 14 * time.Second, interval: time.Second},
		"every second, overdue":           {measured: 16 * time.Second, interval: time.Second, delay: models.DelayUnknown},
		"still of use":                    {measured: 89 * time.Second, interval: 10 * time.Second, delay: models.DelayUnknown},
		"says nothing of now":             {measured: 91 * time.Second, interval: 10 * time.Second, delay: models.DelayUnknown, silent: true},
		"an hourly one":                   {measured: 2 * time.Hour, interval: time.Hour},
		"results wait":                    {measured: time.Second, interval: time.Minute, known: models.DelayStoring, delay: models.DelayStoring},
		"results wait for long":           {measured: 5 * time.Minute, interval: time.Minute, known: models.DelayStoring, delay: models.DelayStoring, silent: true},
		"never measured":                  {interval: time.Minute},
		"never stored":                    {interval: time.Minute, known: models.DelayStoring, delay: models.DelayStoring},
		"can not be read":                 {measured: time.Second, interval: time.Minute, known: models.DelayReading, delay: models.DelayReading},
	} {
		b := models.StatusBoard{Interval: c.interval}
		if c.measured > 0 {
			b.Measured = now.Add(-c.measured)
		}
		if b.SettleAge(now, c.known); b.Delay != c.delay || b.Silent != c.silent {
			t.Errorf("%s: got %q and silence %v, want %q and %v", what, b.Delay, b.Silent, c.delay, c.silent)
		}
	}
}

// The interval that a page waits by is the shortest one of those that are checked, and where none is checked nothing is overdue.
func TestStatusBoardIsOverdue(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		by, monitors := liveMonitors(t, s, "127.0.0.1", "127.0.0.2")
		page, err := s.CreateStatusPage(t.Context(), by, fields(t, `{"customerId":1,"name":"Page","slug":"page","isPublished":true}`))
		if err != nil {
			t.Fatal(err)
		}
		set := func(i int, body string) {
			t.Helper()
			m, err := s.ChangeMonitor(t.Context(), by, monitors[i].PublicID, fields(t, body), "")
			if err != nil {
				t.Fatal(err)
			}
			monitors[i] = m
		}
		board := func(every time.Duration) models.StatusBoard {
			t.Helper()
			b, err := s.UnscopedStatusBoard(t.Context(), page)
			if err != nil || b.Interval != every || b.Delay != "" {
				t.Fatalf("got an interval of %v, the delay %q and error %v; want %v and none", b.Interval, b.Delay, err, every)
			}
			return b
		}
		set(0, `{"checkIntervalSeconds":60}`)
		set(1, `{"checkIntervalSeconds":1800}`)
		r := models.Result{Monitor: monitors[0].ID, Rev: monitors[0].Rev, Slot: time.Now().Add(-10 * time.Minute).UnixMilli(), Location: models.LocationID, Kind: models.KindScheduled, Outcome: models.OutcomeSuccess, Sent: 1, Received: 1,
			Packets: []models.Packet{{State: models.PacketReplied, RTT: time.Millisecond}}}
		if _, err := s.RecordResults(t.Context(), []models.Result{r}, models.Judge); err != nil {
			t.Fatal(err)
		}
		b := board(time.Minute) // just set: its first check may still come
		if b.Measured.IsZero() {
			t.Fatal("got no check, want the one that was recorded")
		}
		if b.SettleAge(b.At.Add(181*time.Second), ""); b.Delay != models.DelayUnknown {
			t.Errorf("got %q, want it overdue", b.Delay)
		}
		set(0, `{"status":"disabled"}`)
		if b = board(30 * time.Minute); b.Groups[0].Components[0].CreatedAt.IsZero() || !b.Groups[0].Components[0].UpdatedAt.After(b.Groups[0].Components[0].CreatedAt) {
			t.Errorf("got %+v, want when it was made and set", b.Groups[0].Components[0])
		}
		set(1, `{"status":"disabled"}`)
		b = board(time.Minute)
		if b.SettleAge(b.At.AddDate(1, 0, 0), models.DelayStoring); b.Delay != "" || b.Silent {
			t.Errorf("all are paused: got %q and silence %v, want none", b.Delay, b.Silent)
		}
	})
}

// While no checks come, a change of one monitor makes nothing of the page new; nor does a new name where it is the only one. What is
// resumed, or re-timed, has its time where nothing else is overdue.
func TestStatusBoardStaysSilent(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		by, monitors := liveMonitors(t, s, "127.0.0.1", "127.0.0.2")
		page, err := s.CreateStatusPage(t.Context(), by, fields(t, `{"customerId":1,"name":"Page","slug":"page","isPublished":true}`))
		if err != nil {
			t.Fatal(err)
		}
		set := func(i int, body string) {
			t.Helper()
			m, err := s.ChangeMonitor(t.Context(), by, monitors[i].PublicID, fields(t, body), "")
			if err != nil {
				t.Fatal(err)
			}
			monitors[i] = m
		}
		silent := func(what string, want bool) {
			t.Helper()
			b, err := s.UnscopedStatusBoard(t.Context(), page)
			if err != nil || b.Silent != want || (b.Delay != "") != want {
				t.Errorf("%s: got silence %v, the delay %q and error %v, want silence %v", what, b.Silent, b.Delay, err, want)
			}
		}
		last := time.Now().Add(-time.Hour)
		for i := range monitors {
			set(i, `{"checkIntervalSeconds":60}`)
			for _, at := range []time.Time{last.Add(-time.Minute), last} {
				r := models.Result{Monitor: monitors[i].ID, Rev: monitors[i].Rev, Slot: at.UnixMilli(), Location: models.LocationID, Kind: models.KindScheduled, Outcome: models.OutcomeSuccess, Sent: 1, Received: 1,
					Packets: []models.Packet{{State: models.PacketReplied, RTT: time.Millisecond}}}
				if _, err := s.RecordResults(t.Context(), []models.Result{r}, models.Judge); err != nil {
					t.Fatal(err)
				}
			}
		}
		silent("nothing for an hour", true)
		set(0, `{"name":"Renamed"}`)
		silent("one renamed", true)
		set(0, `{"status":"maintenance"}`)
		silent("one in maintenance", true)
		set(0, `{"checkIntervalSeconds":30}`)
		silent("one checked more often", true)
		set(0, `{"status":"disabled"}`)
		silent("one paused", true)
		set(0, `{"status":"active"}`)
		silent("one resumed", true)
		set(0, `{"status":"disabled"}`)
		set(1, `{"name":"Renamed too"}`)
		silent("the only one renamed", true)
		set(1, `{"checkIntervalSeconds":1800}`)
		silent("the only one checked less often", false)
		set(1, `{"checkIntervalSeconds":30}`)
		silent("the only one checked more often", false)
		set(1, `{"status":"disabled"}`)
		set(1, `{"status":"active"}`)
		silent("the only one resumed", false)
	})
}
