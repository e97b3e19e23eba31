package models_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/models/modelstest"
)

// txtOf answers with the texts, or with the error, and keeps what was asked for.
type txtOf struct {
	texts []string
	err   error
	asked []string
}

func (l *txtOf) lookup(_ context.Context, name string) ([]string, error) {
	l.asked = append(l.asked, name)
	return l.texts, l.err
}

// execSQL changes what no method changes.
func execSQL(t *testing.T, s *models.Store, statement string, args ...any) {
	t.Helper()
	var db *sql.DB
	if url := modelstest.URL(t, s); modelstest.IsPostgres(url) {
		db = modelstest.Connect(t, url)
	} else {
		var err error
		if db, err = sql.Open("sqlite", url+"?_pragma=busy_timeout(10000)"); err != nil {
			t.Fatal(err)
		}
		defer db.Close()
	}
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// A domain shows its page from the record's proof until the record has been gone for three days; what DNS does not say changes nothing.
func TestStatusDomainStory(t *testing.T) {
	var now time.Time
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		by, _ := liveMonitors(t, s, "127.0.0.1")
		page, err := s.CreateStatusPage(t.Context(), by, fields(t, `{"customerId":1,"name":"Page","slug":"page","isPublished":true}`))
		if err != nil {
			t.Fatal(err)
		}
		sub := s.Bus().Subscribe(10, events.StatusPageChanged)
		defer sub.Close()
		told := func(what string) {
			t.Helper()
			select {
			case e := <-sub.C:
				if e.Data != "page" {
					t.Errorf("%s: got an event of %v, want of page", what, e.Data)
				}
			default:
				t.Errorf("%s: got no event", what)
			}
		}
		shown := func(what, domain string, want bool) {
			t.Helper()
			domains, err := s.UnscopedStatusDomains(t.Context())
			if err != nil || (domains[domain] == "page") != want {
				t.Errorf("%s: got %v, %v; want %s shown %t", what, domains, err, domain, want)
			}
		}
		dns := &txtOf{}
		var invalid *models.Invalid
		if _, err := s.VerifyStatusDomain(t.Context(), by, page.PublicID, dns.lookup); !errors.As(err, &invalid) {
			t.Errorf("without a domain: got %v, want it invalid", err)
		}
		if page, err = s.SetStatusDomain(t.Context(), by, page.PublicID, " Status.Example.COM. "); err != nil || page.CustomDomain != "status.example.com" || page.Version != 2 {
			t.Fatalf("got %+v, %v", page, err)
		}
		told("set")
		dns.texts = []string{"v=spf1 -all", "almost" + page.DomainToken}
		if _, err := s.VerifyStatusDomain(t.Context(), by, page.PublicID, dns.lookup); !errors.As(err, &invalid) || dns.asked[0] != "_echolot.status.example.com" {
			t.Errorf("another record: got %v after asking for %v, want it invalid", err, dns.asked)
		}
		dns.err = errors.New("no answer")
		dns.texts = nil
		if _, err := s.VerifyStatusDomain(t.Context(), by, page.PublicID, dns.lookup); !errors.As(err, &invalid) {
			t.Errorf("without DNS: got %v, want it invalid", err)
		}
		shown("not proved", "status.example.com", false)
		dns.err, dns.texts = nil, []string{"v=spf1 -all", page.DomainToken}
		if page, err = s.VerifyStatusDomain(t.Context(), by, page.PublicID, dns.lookup); err != nil || page.DomainVerifiedAt.IsZero() {
			t.Fatalf("got %+v, %v; want it verified", page, err)
		}
		told("verified")
		shown("proved", "status.example.com", true)
		if p, err := s.UnscopedStatusPageOfDomain(t.Context(), "status.example.com"); err != nil || p.ID != page.ID {
			t.Errorf("got %+v, %v", p, err)
		}

		day := func(what string, texts []string, dnsErr error, want bool) {
			t.Helper()
			now = now.Add(24*time.Hour + time.Minute)
			dns.texts, dns.err, dns.asked = texts, dnsErr, nil
			for range 2 { // the second one has nothing to do
				if err := s.CheckStatusDomains(t.Context(), dns.lookup); err != nil || len(dns.asked) != 1 {
					t.Errorf("%s: asked for %v, %v; want one question", what, dns.asked, err)
				}
			}
			shown(what, "status.example.com", want)
		}
		there, trouble := []string{page.DomainToken}, errors.New("no answer")
		day("there", there, nil, true)
		day("gone", nil, nil, true)
		day("back", there, nil, true)
		day("gone again", nil, nil, true)
		day("DNS is away", nil, trouble, true)
		day("DNS is away still", nil, trouble, true)
		day("DNS is away for long", nil, trouble, true)
		day("gone for four days", nil, nil, false)
		told("ended")

		dns.texts = there
		if _, err = s.VerifyStatusDomain(t.Context(), by, page.PublicID, dns.lookup); err != nil {
			t.Fatal(err)
		}
		if page, err = s.SetStatusDomain(t.Context(), by, page.PublicID, "other.example.com"); err != nil || !page.DomainVerifiedAt.IsZero() {
			t.Errorf("another domain: got %+v, %v; want it not verified", page, err)
		}
		shown("changed", "status.example.com", false)
		shown("changed", "other.example.com", false)
		if page, err = s.SetStatusDomain(t.Context(), by, page.PublicID, ""); err != nil || page.CustomDomain != "" {
			t.Errorf("taken away: got %+v, %v", page, err)
		}
	}, func(o *models.Options) { o.Now = func() time.Time { return now } })
}

// Two pages may claim a domain; the first one that proves it has it.
func TestStatusDomainTaken(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		by, _ := liveMonitors(t, s, "127.0.0.1")
		dns := &txtOf{}
		var pages []models.StatusPage
		for _, slug := range []string{"one", "two"} {
			p, err := s.CreateStatusPage(t.Context(), by, fields(t, `{"customerId":1,"name":"Page","slug":"`+slug+`","isPublished":true}`))
			if err == nil {
				p, err = s.SetStatusDomain(t.Context(), by, p.PublicID, "status.example.com")
			}
			if err != nil {
				t.Fatal(err)
			}
			pages, dns.texts = append(pages, p), append(dns.texts, p.DomainToken)
		}
		if pages[0].DomainToken == pages[1].DomainToken {
			t.Error("two pages have one token")
		}
		var conflict *models.Conflict
		if _, err := s.VerifyStatusDomain(t.Context(), by, pages[1].PublicID, dns.lookup); err != nil {
			t.Fatal(err)
		}
		if _, err := s.VerifyStatusDomain(t.Context(), by, pages[0].PublicID, dns.lookup); !errors.As(err, &conflict) {
			t.Errorf("got %v, want a conflict", err)
		}
		stranger := by
		stranger.OrganizationID, stranger.HomeID = 99, 99
		limited := by
		limited.Role, limited.Limited, limited.CustomerIDs = models.RoleUser, true, []int64{99}
		var gone *models.NotFound
		for name, who := range map[string]models.Actor{"another organization": stranger, "a user of another customer": limited} {
			if _, err := s.SetStatusDomain(t.Context(), who, pages[0].PublicID, "evil.example"); !errors.As(err, &gone) {
				t.Errorf("%s: got %v, want not found", name, err)
			}
			if _, err := s.VerifyStatusDomain(t.Context(), who, pages[0].PublicID, dns.lookup); !errors.As(err, &gone) {
				t.Errorf("%s verifies: got %v, want not found", name, err)
			}
		}
		reader := by
		reader.Role = models.RoleReadonly
		if _, err := s.SetStatusDomain(t.Context(), reader, pages[0].PublicID, "evil.example"); !errors.Is(err, models.ErrForbidden) {
			t.Errorf("readonly: got %v, want forbidden", err)
		}
	})
}

func TestStatusDomainNames(t *testing.T) {
	s := modelstest.Open(t, modelstest.SQLite(t))
	by, _ := liveMonitors(t, s, "127.0.0.1")
	page, err := s.CreateStatusPage(t.Context(), by, fields(t, `{"customerId":1,"name":"Page","slug":"page"}`))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"status.example.com": "status.example.com", "Störung.example": "xn--strung-xxa.example", "a.b.": "a.b",
		"localhost": "", "192.0.2.1": "", "::1": "", "status.example.com:8080": "", "https://status.example.com": "", "*.example.com": "", "a..b": "",
		"a_b.example.com": "", "127.1": "", "status.example.com/x": "", "a b.example": "", "\x00.example": "", "-a.example": "",
	} {
		p, err := s.SetStatusDomain(t.Context(), by, page.PublicID, text)
		var invalid *models.Invalid
		if want == "" && !errors.As(err, &invalid) || want != "" && (err != nil || p.CustomDomain != want) {
			t.Errorf("%q: got %q, %v; want %q", text, p.CustomDomain, err, want)
		}
	}
}
