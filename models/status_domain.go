package models

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

const (
	// domainEvery is how often the record of a verified domain is looked for again, domainGrace how long it may be gone.
	domainEvery = 24 * time.Hour
	domainGrace = 3 * 24 * time.Hour
	// domainTime is what DNS has to answer in.
	domainTime = 5 * time.Second
	// domainsAtOnce bounds one round of the chore, which others wait for, mostDomains how many there are.
	domainsAtOnce = 5
	mostDomains   = 10_000
)

// LookupTXT returns the texts of the TXT records of a name, each with its strings joined (RFC 1035 §3.3.14), none where there is no
// such record. An error means that DNS did not say.
type LookupTXT func(ctx context.Context, name string) ([]string, error)

// DomainRecord is the name of the TXT record that proves a domain.
func DomainRecord(domain string) string { return "_echolot." + domain }

// parseDomain is the form that a custom domain is stored and compared in. The error's text is advice.
func parseDomain(text string) (string, error) {
	domain, _, err := ParseHostname(strings.TrimSpace(text))
	switch {
	case err != nil:
		return "", err
	case !strings.Contains(domain, "."), strings.Contains(domain, ":"), strings.Contains(domain, "_"), EndsInNumber(domain):
		return "", errors.New("Type a name of yours with a dot, like status.example.com")
	case strings.HasSuffix(domain, ".localhost"): // RFC 6761 §6.3
		return "", errors.New("This name is of each visitor’s own machine: type one like status.example.com")
	case len(DomainRecord(domain)) > 253:
		return "", errors.New("Too long for a record below it")
	}
	return domain, nil
}

// checkDomain notes in e where the page would take the program's own name.
func (s *Store) checkDomain(p StatusPage, e *Invalid) {
	if p.CustomDomain != "" && p.CustomDomain == s.ownHost {
		e.add("customDomainHostname", "customDomainHostname is the program's own", "This is the address of Echolot itself: choose another name")
		e.sortLike(statusPageFields[:])
	}
}

// setDomain gives the page a custom domain, or none where it is empty; another one than before has to be proved anew.
func (p *StatusPage) setDomain(domain string) {
	if p.CustomDomain == domain {
		return
	}
	p.CustomDomain, p.DomainToken = domain, newSecret()
	p.DomainVerifiedAt, p.DomainCheckedAt, p.DomainMissingSince = time.Time{}, time.Time{}, time.Time{}
}

// StatusDomain returns a page to whoever may give it a domain. Errors: ErrForbidden, *NotFound.
func (s *Store) StatusDomain(ctx context.Context, by Actor, id uuid.UUID) (StatusPage, error) {
	if err := by.check(MayChangeMonitors); err != nil {
		return StatusPage{}, err
	}
	return s.statusPage(ctx, s.ro, by, id, false)
}

// SetStatusDomain gives a page a custom domain, which shows the page after VerifyStatusDomain; empty takes it away. Errors:
// ErrForbidden, *NotFound, *Invalid.
func (s *Store) SetStatusDomain(ctx context.Context, by Actor, id uuid.UUID, domain string) (StatusPage, error) {
	if err := by.check(MayChangeMonitors); err != nil {
		return StatusPage{}, err
	}
	if domain = strings.TrimSpace(domain); domain != "" {
		var err error
		if domain, err = parseDomain(domain); err != nil {
			return StatusPage{}, &Invalid{Fields: []FieldError{{Field: "customDomainHostname", Message: "customDomainHostname must be a host name", Advice: err.Error()}}}
		}
		e := new(Invalid)
		if s.checkDomain(StatusPage{CustomDomain: domain}, e); e.orNil() != nil {
			return StatusPage{}, e
		}
	}
	return s.changeDomain(ctx, by, id, "status_page.domain", func(p *StatusPage) error {
		p.setDomain(domain)
		return nil
	})
}

// VerifyStatusDomain looks for the page's record and, where it is there, lets the domain show the page. Errors: ErrForbidden,
// *NotFound, *Invalid where there is no domain or no record or DNS does not say, *Conflict where another page has the domain.
func (s *Store) VerifyStatusDomain(ctx context.Context, by Actor, id uuid.UUID, lookup LookupTXT) (StatusPage, error) {
	p, err := s.StatusDomain(ctx, by, id)
	if err != nil {
		return StatusPage{}, err
	}
	unproved := func(advice string) error {
		return &Invalid{Fields: []FieldError{{Field: "customDomainHostname", Message: "customDomainHostname is not proved", Advice: advice, Code: "domainNotProved"}}}
	}
	if p.CustomDomain == "" {
		return StatusPage{}, unproved("Set a domain first")
	}
	began := time.Now()
	proved, err := p.proved(ctx, lookup)
	ctx, cancel := notCounting(ctx, began)
	defer cancel()
	switch {
	case err != nil:
		s.log.Info("a domain's record could not be looked up", "domain", p.CustomDomain, "error", err)
		return StatusPage{}, unproved("DNS gave no answer for " + DomainRecord(p.CustomDomain) + "; try again in a moment")
	case !proved:
		return StatusPage{}, unproved("No TXT record at " + DomainRecord(p.CustomDomain) + " with that value yet; DNS may need some minutes")
	}
	asked := p.CustomDomain
	p, err = s.changeDomain(ctx, by, id, "status_page.verify_domain", func(p *StatusPage) error {
		if p.CustomDomain != asked {
			return &Conflict{Message: "Somebody changed the domain meanwhile"}
		}
		now := s.clock()
		if p.DomainVerifiedAt.IsZero() {
			p.DomainVerifiedAt = now
		}
		p.DomainCheckedAt, p.DomainMissingSince = now, time.Time{}
		return nil
	})
	if isDuplicate(err) {
		return StatusPage{}, &Conflict{Message: "Another status page shows itself at this domain"}
	}
	return p, err
}

// proved tells whether the page's record is there. The error is DNS's.
func (p StatusPage) proved(ctx context.Context, lookup LookupTXT) (bool, error) {
	if lookup == nil {
		return false, errors.New("nobody here looks up names")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), domainTime) // a request's deadline is meant for the database
	defer cancel()
	texts, err := lookup(ctx, DomainRecord(p.CustomDomain))
	return slices.Contains(texts, p.DomainToken), err
}

// changeDomain changes what a page's domain is about, in a transaction.
func (s *Store) changeDomain(ctx context.Context, by Actor, id uuid.UUID, action string, change func(*StatusPage) error) (StatusPage, error) {
	var p StatusPage
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if p, err = s.statusPage(ctx, tx, by, id, true); err != nil {
			return err
		}
		before := p
		if err := change(&p); err != nil {
			return err
		}
		p.Version++
		p.UpdatedAt = s.clock()
		_, err = tx.NewUpdate().Model(&p).Column("custom_domain", "domain_token", "domain_verified_at", "domain_checked_at", "domain_missing_since", "version", "updated_at").WherePK().Exec(ctx)
		if err != nil {
			return fmt.Errorf("writing a status page's domain: %w", err)
		}
		return s.audit(ctx, tx, by, action, "status_page", p.ID, before, p)
	})
	if err != nil {
		return StatusPage{}, err
	}
	s.publishStatusPage(p)
	return p, nil
}

// UnscopedStatusDomains returns the slugs of the pages by their verified domains.
func (s *Store) UnscopedStatusDomains(ctx context.Context) (map[string]string, error) {
	var rows []struct{ CustomDomain, Slug string }
	err := s.ro.NewSelect().TableExpr("status_pages").Column("custom_domain", "slug").Where("domain_verified_at IS NOT NULL").
		OrderExpr("custom_domain").Limit(mostDomains).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("reading the domains of status pages: %w", err)
	}
	domains := make(map[string]string, len(rows))
	for _, r := range rows {
		domains[r.CustomDomain] = r.Slug
	}
	return domains, nil
}

// CheckStatusDomains looks again for the records of the verified domains that were not looked at for a day. A domain whose record
// has been gone for three days no longer shows its page; where DNS does not say, nothing changes.
func (s *Store) CheckStatusDomains(ctx context.Context, lookup LookupTXT) error {
	now := s.clock()
	var due []StatusPage
	err := s.ro.NewSelect().Model(&due).ColumnExpr(statusPageColumns).Where("sp.domain_verified_at IS NOT NULL").
		Where("sp.domain_checked_at IS NULL OR sp.domain_checked_at <= ?", now.Add(-domainEvery)).OrderExpr("sp.domain_checked_at, sp.id").Limit(domainsAtOnce).Scan(ctx)
	if err != nil {
		return fmt.Errorf("reading the domains to check: %w", err)
	}
	for _, p := range due {
		proved, err := p.proved(ctx, lookup)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		q := s.db.NewUpdate().Model((*StatusPage)(nil)).Set("domain_checked_at = ?", now).
			Where("id = ? AND custom_domain = ? AND domain_verified_at IS NOT NULL", p.ID, p.CustomDomain)
		ended := false
		switch {
		case err != nil:
			s.log.Info("a domain's record could not be looked up", "domain", p.CustomDomain, "error", err)
		case proved:
			q = q.Set("domain_missing_since = NULL")
		case p.DomainMissingSince.IsZero():
			q = q.Set("domain_missing_since = ?", now)
			s.log.Warn("the record of a status page's domain is gone; in three days it no longer shows the page", "domain", p.CustomDomain)
		case now.Sub(p.DomainMissingSince) >= domainGrace:
			q, ended = q.Set("domain_verified_at = NULL, domain_missing_since = NULL, version = version + 1"), true
			s.log.Warn("the record of a status page's domain is gone; it no longer shows the page", "domain", p.CustomDomain)
		}
		if _, err := q.Exec(ctx); err != nil {
			return fmt.Errorf("noting a checked domain: %w", err)
		}
		if ended {
			s.publishStatusPage(p)
		}
	}
	return nil
}
