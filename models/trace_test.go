package models_test

import (
	"errors"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/models/modelstest"
)

// Of the healthy traces only the last one stays, and those that a failure is compared with.
func TestBaselinesThatAreComparedStay(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		by, _ := admin(t, s)
		m, err := s.CreateMonitor(t.Context(), by, fields(t, `{"customerId":1,"name":"n","hostname":"127.0.0.1"}`))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-24 * time.Hour).UTC().Truncate(time.Millisecond)
		save := func(kind models.TraceKind, after time.Duration) {
			t.Helper()
			trace := models.Trace{MonitorID: m.ID, LocationID: models.LocationID, At: at.Add(after), Kind: kind, Address: "127.0.0.1",
				Hops: models.Hops{{TTL: 1, Addresses: []string{"127.0.0.1"}, RTTs: []int64{17, 18}, Sent: 3, Lost: 1}}, Reached: true}
			if err := s.UnscopedSaveTrace(t.Context(), trace); err != nil {
				t.Fatal(err)
			}
		}
		sub := s.Bus().Subscribe(10, events.TraceTaken)
		defer sub.Close()
		for hour := range 3 {
			save(models.TraceBaseline, time.Duration(hour)*time.Hour)
		}
		if e := <-sub.C; e.MonitorID != m.ID || e.PublicID != m.PublicID.String() || e.CustomerID != m.CustomerID || e.OrganizationID != by.OrganizationID {
			t.Errorf("told %+v, want the monitor's ids", e)
		}
		save(models.TraceFailure, 150*time.Minute)
		for hour := 3; hour < 6; hour++ {
			save(models.TraceBaseline, time.Duration(hour)*time.Hour)
		}
		var kept int
		if err := modelstest.Connect(t, modelstest.URL(t, s)).QueryRowContext(t.Context(), "SELECT count(*) FROM traces").Scan(&kept); err != nil || kept != 3 {
			t.Errorf("got %d traces, %v; want the failure, the baseline before it, and the last one", kept, err)
		}
		before, now, err := s.MonitorPath(t.Context(), by, m.PublicID)
		if err != nil || now == nil || !now.At.Equal(at.Add(5*time.Hour)) || before == nil || !before.At.Equal(at.Add(2*time.Hour)) {
			t.Fatalf("got %+v and %+v, %v; want the last baseline, and the one of two hours", before, now, err)
		}
		if h := now.Hops[0]; h.TTL != 1 || h.Sent != 3 || h.Lost != 1 || len(h.RTTs) != 2 || h.RTTs[1] != 18 || h.Addresses[0] != "127.0.0.1" {
			t.Errorf("got hop %+v, want it as it was stored", h)
		}
		before, now, err = s.IncidentPath(t.Context(), by, m.PublicID, at.Add(151*time.Minute), at.Add(4*time.Hour))
		if err != nil || now == nil || now.Kind != models.TraceFailure || before == nil || !before.At.Equal(at.Add(2*time.Hour)) {
			t.Errorf("an incident: got %+v and %+v, %v; want the failure and the baseline before it", before, now, err)
		}
		save(models.TraceFailure, 153*time.Minute)
		if _, now, err = s.IncidentPath(t.Context(), by, m.PublicID, at.Add(152*time.Minute), time.Time{}); err != nil || now == nil || !now.At.Equal(at.Add(153*time.Minute)) {
			t.Errorf("an incident soon after another: got %+v, %v; want its own trace, not the one before it", now, err)
		}
		if _, now, err = s.IncidentPath(t.Context(), by, m.PublicID, at.Add(4*time.Hour), at.Add(5*time.Hour)); err != nil || now != nil {
			t.Errorf("an incident without a trace: got %+v, %v", now, err)
		}

		for i := range 15 {
			save(models.TraceManual, 10*time.Hour+time.Duration(i)*time.Second)
		}
		if err := modelstest.Connect(t, modelstest.URL(t, s)).QueryRowContext(t.Context(), "SELECT count(*) FROM traces WHERE kind = 'manual'").Scan(&kept); err != nil || kept != 10 {
			t.Errorf("got %d traces that people asked for, %v; want the last ten", kept, err)
		}
		if err := s.DeleteMonitor(t.Context(), by, m.PublicID); err != nil {
			t.Fatal(err)
		}
		save(models.TraceFailure, 11*time.Hour) // was under way: thrown away
		if err := modelstest.Connect(t, modelstest.URL(t, s)).QueryRowContext(t.Context(), "SELECT count(*) FROM traces").Scan(&kept); err != nil || kept != 0 {
			t.Errorf("got %d traces of a deleted monitor, %v; want none", kept, err)
		}
	})
}

func TestTraceRequests(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		by, _ := admin(t, s)
		m, err := s.CreateMonitor(t.Context(), by, fields(t, `{"customerId":1,"name":"n","hostname":"127.0.0.1"}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.RequestTrace(t.Context(), by, m.PublicID); !errors.Is(err, models.ErrNoLocation) {
			t.Errorf("nobody probes: got %v, want ErrNoLocation", err)
		}
		if err := s.SaveHeartbeat(t.Context(), models.Heartbeat{Engine: "test", IPv4: "raw"}); err != nil {
			t.Fatal(err)
		}
		reader := by
		reader.Role = models.RoleReadonly
		if _, err := s.RequestTrace(t.Context(), reader, m.PublicID); !errors.Is(err, models.ErrForbidden) {
			t.Errorf("a reader: got %v, want ErrForbidden", err)
		}
		sub := s.Bus().Subscribe(10, events.TraceRequested)
		defer sub.Close()
		for range 2 { // asked twice is asked once
			if _, err := s.RequestTrace(t.Context(), by, m.PublicID); err != nil {
				t.Fatal(err)
			}
		}
		if e := <-sub.C; e.MonitorID != m.ID {
			t.Errorf("told %+v, want the monitor", e)
		}
		for _, want := range []int{1, 0} {
			if ids, err := s.TakeTraceRequests(t.Context()); err != nil || len(ids) != want {
				t.Errorf("got %v, %v; want %d", ids, err, want)
			}
		}
	})
}
