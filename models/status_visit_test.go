package models_test

import (
	"errors"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"

	"github.com/alexedwards/argon2id"
)

// givePassword sets a page's password without the page that does so.
func givePassword(t *testing.T, s *models.Store, slug, password string) models.StatusPage {
	t.Helper()
	hash, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		t.Fatal(err)
	}
	execSQL(t, s, `UPDATE status_pages SET visibility = 'password', password_hash = '`+hash+`' WHERE slug = '`+slug+`'`)
	p, err := s.UnscopedStatusPage(t.Context(), slug)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A visit is one page's, ends after its time, and with the password.
func TestStatusVisit(t *testing.T) {
	var now time.Time
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		by, _ := liveMonitors(t, s, "127.0.0.1")
		for _, slug := range []string{"page", "other"} {
			if _, err := s.CreateStatusPage(t.Context(), by, fields(t, `{"customerId":1,"name":"Page","slug":"`+slug+`","isPublished":true}`)); err != nil {
				t.Fatal(err)
			}
		}
		bare, err := s.UnscopedStatusPage(t.Context(), "page")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{"", "-", "x"} {
			if _, err := s.StartStatusVisit(t.Context(), bare, p, "192.0.2.9"); !errors.Is(err, models.ErrWrongPassword) {
				t.Errorf("without a password set, %q: got %v, want a wrong password", p, err)
			}
		}
		page, other := givePassword(t, s, "page", "open sesame 1"), givePassword(t, s, "other", "open sesame 1")
		token, err := s.StartStatusVisit(t.Context(), page, "open sesame 1", "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		wrong := func(what string, p models.StatusPage, token string) {
			t.Helper()
			if _, err := s.CheckStatusVisit(t.Context(), p, token); !errors.Is(err, models.ErrUnauthorized) {
				t.Errorf("%s: got %v, want unauthorized", what, err)
			}
		}
		if _, err := s.CheckStatusVisit(t.Context(), page, token); err != nil {
			t.Errorf("got %v, want a visit", err)
		}
		wrong("no token", page, "")
		wrong("another token", page, token+"x")
		wrong("another page", other, token)
		forged := other
		forged.PasswordHash = page.PasswordHash
		wrong("another page with the same hash", forged, token)
		wrong("a new password", givePassword(t, s, "page", "open sesame 2"), token)
		wrong("the old one again", givePassword(t, s, "page", "open sesame 1"), token)

		page = givePassword(t, s, "page", "open sesame 1")
		if token, err = s.StartStatusVisit(t.Context(), page, "open sesame 1", "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		now = now.Add(models.StatusVisitLifetime - time.Second)
		if _, err := s.CheckStatusVisit(t.Context(), page, token); err != nil {
			t.Errorf("in the last second: got %v, want a visit", err)
		}
		now = now.Add(2 * time.Second)
		wrong("after its time", page, token)
		if err := s.SweepExpired(t.Context()); err != nil {
			t.Fatal(err)
		}
		var left int
		if err := modelstest.Connect(t, modelstest.URL(t, s)).QueryRow("SELECT count(*) FROM status_visits").Scan(&left); err != nil || left != 0 {
			t.Errorf("got %d visits after the sweep, %v; want none", left, err)
		}
	}, func(o *models.Options) { o.Now = func() time.Time { return now } })
}

// Guessing gets slow: after twenty wrong passwords of an address, on whatever pages, each try waits; others do not.
func TestStatusVisitThrottle(t *testing.T) {
	var now time.Time
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		by, _ := liveMonitors(t, s, "127.0.0.1")
		var pages []models.StatusPage
		for _, slug := range []string{"page", "other"} {
			if _, err := s.CreateStatusPage(t.Context(), by, fields(t, `{"customerId":1,"name":"Page","slug":"`+slug+`","isPublished":true}`)); err != nil {
				t.Fatal(err)
			}
			pages = append(pages, givePassword(t, s, slug, "open sesame 1"))
		}
		for i := range 20 {
			now = now.Add(time.Second)
			if _, err := s.StartStatusVisit(t.Context(), pages[i%2], "wrong", "2001:db8::1"); !errors.Is(err, models.ErrWrongPassword) {
				t.Fatalf("try %d: got %v, want a wrong password", i, err)
			}
		}
		var throttled *models.Throttled
		if _, err := s.StartStatusVisit(t.Context(), pages[0], "open sesame 1", "2001:db8::2"); !errors.As(err, &throttled) || throttled.RetryAfterSeconds < 1 || throttled.RetryAfterSeconds > 31 {
			t.Errorf("got %v, want it throttled for half a minute, for all of the /64", err)
		}
		if _, err := s.StartStatusVisit(t.Context(), pages[0], "open sesame 1", "2001:db8:1::1"); err != nil {
			t.Errorf("from elsewhere: got %v, want a visit", err)
		}
		now = now.Add(31 * time.Second)
		if _, err := s.StartStatusVisit(t.Context(), pages[0], "open sesame 1", "2001:db8::1"); err != nil {
			t.Errorf("after the wait: got %v, want a visit: it is a delay, never a lock", err)
		}
		// Signing in is counted for itself.
		if _, _, _, err := s.SignIn(t.Context(), "nobody@example.com", "x", "2001:db8::1"); !errors.Is(err, models.ErrWrongPassword) {
			t.Errorf("signing in: got %v, want a wrong password", err)
		}
	}, func(o *models.Options) { o.Now = func() time.Time { return now } })
}
