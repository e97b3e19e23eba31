package models_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"echolot/models"
	"echolot/models/modelstest"
)

// public is the policy of a server that strangers use; the tests' hosts are allowed.
func public(o *models.Options) {
	o.Policy = models.TargetPolicy{Public: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
}

// organizations makes n organizations and returns an administrator of each. Their first customers have the same ids.
func organizations(t *testing.T, s *models.Store, n int) []models.Actor {
	t.Helper()
	all := make([]models.Actor, n)
	for i := range all {
		u, err := s.UnscopedCreateUser(t.Context(), models.NewUser{Email: fmt.Sprintf("ops%d@example.com", i), Role: models.RoleAdmin,
			Organization: fmt.Sprintf("Organization %d", i), Password: "correct horse battery"})
		if err != nil {
			t.Fatal(err)
		}
		all[i] = models.Actor{UserID: u.ID, Role: models.RoleAdmin, HomeID: u.OrganizationID, OrganizationID: u.OrganizationID}
	}
	return all
}

// watch has the organization watch the host.
func watch(t *testing.T, s *models.Store, by models.Actor, host string) (models.MonitorRow, error) {
	t.Helper()
	return s.CreateMonitor(context.Background(), by, fields(t, fmt.Sprintf(`{"customerId":%d,"name":"Host","hostname":%q}`, by.OrganizationID, host)))
}

// wantRefused looks whether err names the field and the code.
func wantRefused(t *testing.T, what string, err error, field, code string) {
	t.Helper()
	var e *models.Invalid
	if !errors.As(err, &e) {
		t.Fatalf("%s: got %v, want it refused", what, err)
	}
	if f, ok := e.Field(field); !ok || f.Code != code || len(e.Fields) != 1 {
		t.Errorf("%s: got %+v, want %s for %s", what, e.Fields, code, field)
	}
}

// T77: of fifty requests at once for the last places of an organization, as many are served as there are places.
func TestMonitorsOfAnOrganization(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		all := organizations(t, s, 2)
		by := all[0]
		var last models.MonitorRow
		for i := range 90 {
			var err error
			if last, err = watch(t, s, by, fmt.Sprintf("127.0.1.%d", i)); err != nil {
				t.Fatalf("monitor %d: %v", i, err)
			}
		}
		if served := atOnce(t, s, 50, func(i int) (models.Actor, string) { return by, fmt.Sprintf("127.0.2.%d", i) }); served != 10 {
			t.Errorf("%d of 50 at once were served, want the 10 there was room for", served)
		}
		_, err := watch(t, s, by, "127.0.3.1")
		wantRefused(t, "the 101st", err, "organizationId", "tooManyMonitors")
		if _, err := watch(t, s, all[1], "127.0.3.1"); err != nil {
			t.Errorf("another organization's: %v", err)
		}
		if _, err := s.ChangeMonitor(t.Context(), by, last.PublicID, fields(t, `{"hostname":"127.0.3.1","status":"disabled"}`), ""); err != nil {
			t.Errorf("a change of one of the hundred: %v", err)
		}
		_, err = watch(t, s, by, "127.0.3.2")
		wantRefused(t, "one beside a disabled one", err, "organizationId", "tooManyMonitors")
		if err := s.DeleteMonitor(t.Context(), by, last.PublicID); err != nil {
			t.Fatal(err)
		}
		if _, err := watch(t, s, by, "127.0.3.2"); err != nil {
			t.Errorf("in the place of a deleted one: %v", err)
		}
	}, public)
}

// T77: five organizations may watch one host, and these as often as they like.
func TestOrganizationsOfATarget(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		all := organizations(t, s, 12)
		if served := atOnce(t, s, len(all), func(i int) (models.Actor, string) { return all[i], "host.example" }); served != 5 {
			t.Fatalf("%d organizations at once were served, want 5", served)
		}
		var watching, waiting []models.Actor
		for _, by := range all {
			if _, n, err := s.Monitors(t.Context(), by, models.MonitorsFilter{Page: 1, PerPage: 1}); err != nil {
				t.Fatal(err)
			} else if n > 0 {
				watching = append(watching, by)
			} else {
				waiting = append(waiting, by)
			}
		}
		if _, err := watch(t, s, watching[0], "host.example"); err != nil {
			t.Errorf("once more by one of the five: %v", err)
		}
		for _, typed := range []string{"host.example", "HOST.example."} {
			_, err := watch(t, s, waiting[0], typed)
			wantRefused(t, typed+" by a sixth", err, "hostname", "targetNotAllowed")
		}
		m, err := watch(t, s, waiting[0], "other.example")
		if err != nil {
			t.Fatalf("another host: %v", err)
		}
		_, err = s.ChangeMonitor(t.Context(), waiting[0], m.PublicID, fields(t, `{"hostname":"host.example"}`), "")
		wantRefused(t, "a change to the host", err, "hostname", "targetNotAllowed")
		if got, err := s.Monitor(t.Context(), waiting[0], m.PublicID); err != nil || got.Hostname != "other.example" || got.Version != 1 {
			t.Errorf("after the refusal: got %s in version %d, error %v, want nothing changed", got.Hostname, got.Version, err)
		}

		// What was stored under another policy may still be changed but for its host.
		private := modelstest.Open(t, modelstest.URL(t, s))
		sixth, err := private.ChangeMonitor(t.Context(), waiting[0], m.PublicID, fields(t, `{"hostname":"host.example"}`), "")
		if err != nil {
			t.Fatalf("under the private policy: %v", err)
		}
		if _, err := s.ChangeMonitor(t.Context(), waiting[0], sixth.PublicID, fields(t, `{"hostname":"host.example","name":"Renamed","status":"disabled"}`), ""); err != nil {
			t.Errorf("a change of the sixth: %v", err)
		}
	}, public)
}

// atOnce makes n monitors at the same time and returns how many were made; the others must have been refused.
func atOnce(t *testing.T, s *models.Store, n int, which func(int) (models.Actor, string)) (served int) {
	t.Helper()
	errs := make([]error, n)
	var requests sync.WaitGroup
	for i := range n {
		by, host := which(i)
		requests.Go(func() { _, errs[i] = watch(t, s, by, host) })
	}
	requests.Wait()
	for _, err := range errs {
		var e *models.Invalid
		switch {
		case err == nil:
			served++
		case !errors.As(err, &e):
			t.Errorf("got %v, want it made or refused", err)
		}
	}
	return served
}

// The private policy counts nothing.
func TestPrivateHasNoQuota(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		all := organizations(t, s, 6)
		for _, by := range all {
			if _, err := watch(t, s, by, "host.example"); err != nil {
				t.Errorf("organization %d: %v", by.OrganizationID, err)
			}
		}
		for i := range 101 {
			if _, err := watch(t, s, all[0], "other.example"); err != nil {
				t.Fatalf("monitor %d: %v", i, err)
			}
		}
	})
}
