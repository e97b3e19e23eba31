package models_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// TestWrongPasswordsAtOnce: tries that are sent all at once are counted like those sent one after the other.
func TestWrongPasswordsAtOnce(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		admin(t, s)
		var judged atomic.Int32
		var wg sync.WaitGroup
		for range 60 {
			wg.Go(func() {
				_, _, _, err := s.SignIn(context.Background(), "ops@example.com", "wrong wrong wrong", "127.0.0.1")
				var throttled *models.Throttled
				switch {
				case errors.Is(err, models.ErrWrongPassword):
					judged.Add(1)
				case errors.As(err, &throttled), errors.Is(err, models.ErrBusy):
				default:
					t.Errorf("got %v, want refused", err)
				}
			})
		}
		wg.Wait()
		if n := judged.Load(); n < 1 || n > 10 {
			t.Errorf("got %d passwords judged, want 1 to 10", n)
		}
	}, func(o *models.Options) { o.Passwords = nil })
}

// TestWorkForPasswords: a store that is not told otherwise hashes with OWASP's minimum, users' passwords and pages' alike, and what
// was hashed with another amount of work goes on to be good.
func TestWorkForPasswords(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		ctx := t.Context()
		less := modelstest.Open(t, url)
		admin(t, less)
		s := modelstest.Open(t, url, func(o *models.Options) { o.Passwords = nil })
		if _, err := s.UnscopedCreateUser(ctx, models.NewUser{Email: "noc@example.com", Role: models.RoleAdmin, Password: "correct horse battery"}); err != nil {
			t.Fatal(err)
		}
		by := models.Actor{UserID: 1, Role: models.RoleAdmin, HomeID: 1, OrganizationID: 1}
		if _, err := s.CreateStatusPage(ctx, by, fields(t, `{"customerId":1,"name":"Page","slug":"page","visibility":"password","password":"open sesame 1"}`)); err != nil {
			t.Fatal(err)
		}
		db := modelstest.Connect(t, url)
		for _, query := range []string{"SELECT password_hash FROM users WHERE email = 'noc@example.com'", "SELECT password_hash FROM status_pages"} {
			var hash string
			if err := db.QueryRowContext(ctx, query).Scan(&hash); err != nil {
				t.Fatal(err)
			}
			if want := "$argon2id$v=19$m=19456,t=2,p=1$"; !strings.HasPrefix(hash, want) {
				t.Errorf("%s: got %s, want it to start with %s", query, hash, want)
			}
		}
		for _, store := range []*models.Store{less, s} {
			for _, email := range []string{"ops@example.com", "noc@example.com"} {
				if _, _, _, err := store.SignIn(ctx, email, "correct horse battery", "127.0.0.1"); err != nil {
					t.Errorf("%s: %v", email, err)
				}
				if _, _, _, err := store.SignIn(ctx, email, "correct horse batterx", "127.0.0.1"); !errors.Is(err, models.ErrWrongPassword) {
					t.Errorf("%s: got %v, want a wrong password", email, err)
				}
			}
		}
	})
}

// TestCancelledCustomerStopsItsMonitors: at once where the status says so, at its date where it is marked, and not where it
// was taken back.
func TestCancelledCustomerStopsItsMonitors(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Unix())
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		ctx := context.Background()
		by, customer := admin(t, s)
		ref := models.Ref{ID: customer.ID}
		m, err := s.CreateMonitor(ctx, by, fields(t, `{"customerId":1,"name":"Gateway","hostname":"127.0.0.1","checkInterval":1}`))
		if err != nil {
			t.Fatal(err)
		}
		status := func() (models.Status, models.State) {
			row, err := s.Monitor(ctx, by, m.PublicID)
			if err != nil {
				t.Fatal(err)
			}
			return row.Status, row.State.State
		}
		change := func(body string) models.Customer {
			c, err := s.ChangeCustomer(ctx, by, ref, fields(t, body), "")
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		due := func() {
			if err := s.CancelDue(ctx); err != nil {
				t.Fatal(err)
			}
		}

		if _, err := s.CancelCustomer(ctx, by, ref); err != nil {
			t.Fatal(err)
		}
		due()
		if got, state := status(); got != models.StatusActive || state == models.StatePaused {
			t.Errorf("before the date: got %s, %s, want it checked", got, state)
		}
		change(`{"status":"active"}`)
		now.Add(4 * 86400)
		due()
		if got, _ := status(); got != models.StatusActive {
			t.Errorf("taken back: got %s, want active", got)
		}
		if _, err := s.CancelCustomer(ctx, by, ref); err != nil {
			t.Fatal(err)
		}
		now.Add(4 * 86400)
		due()
		if got, state := status(); got != models.StatusDisabled || state != models.StatePaused {
			t.Errorf("after the date: got %s, %s, want disabled, paused", got, state)
		}
		if c, err := s.Customer(ctx, by, ref); err != nil || c.Status != models.CustomerCancelled {
			t.Errorf("after the date: got customer %s, error %v, want cancelled", c.Status, err)
		}
		change(`{"status":"active"}`)
		if _, err := s.ChangeMonitor(ctx, by, m.PublicID, fields(t, `{"status":"active"}`), ""); err != nil {
			t.Fatal(err)
		}
		c := change(`{"status":"cancelled"}`)
		if got, _ := status(); got != models.StatusDisabled || c.CancellationDate == nil || c.CancellationDate.After(time.Unix(now.Load(), 0)) {
			t.Errorf("cancelled at once: got %s until %v, want disabled now", got, c.CancellationDate)
		}
	}, func(o *models.Options) {
		o.Now = func() time.Time { return time.Unix(now.Load(), 0) }
	})
}
