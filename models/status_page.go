package models

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// Visibility is who may see a status page that is published.
type Visibility string

// The visibilities: anybody; who knows the password; users who see the page's customer; who has the link.
const (
	VisiblePublic   Visibility = "public"
	VisiblePassword Visibility = "password"
	VisibleMembers  Visibility = "members"
	VisibleLink     Visibility = "link"
)

// StatusLatency is how a status page shows round-trip times.
type StatusLatency string

// The ways to show them.
const (
	LatencyNone      StatusLatency = "none"
	LatencySparkline StatusLatency = "sparkline"
	LatencySmoke     StatusLatency = "smoke"
)

// StatusPublish is which measured incidents a status page shows by itself; the others are published by hand.
type StatusPublish string

// The rules: none, downtimes, and all (downtimes and degraded). Blind incidents are trouble of ours and never shown.
const (
	PublishNone StatusPublish = "none"
	PublishDown StatusPublish = "down"
	PublishAll  StatusPublish = "all"
)

// StatusPage is a page for people who do not sign in: which monitors of an organization it shows, to whom, and how it looks.
type StatusPage struct {
	bun.BaseModel  `bun:"table:status_pages,alias:sp" json:"-"`
	ID             int64     `bun:",pk,autoincrement"`
	PublicID       uuid.UUID `bun:"type:uuid"`
	OrganizationID int64
	CustomerID     int64
	Name           string
	// Slug is the last part of /status/{slug}; unique in the whole program.
	Slug        string
	Description string
	Visibility  Visibility
	IsPublished bool
	// PasswordHash is argon2id's; empty where none was set.
	PasswordHash string `json:"-"`
	// LinkToken opens a page of VisibleLink as /status/{slug}?key=…; it is shown to operators, who give it on.
	LinkToken string `json:"-"`
	// CustomDomain is a host name that shows the page instead of the program, once a TXT record at _echolot.{domain} holds
	// DomainToken. DomainVerifiedAt is zero until then.
	CustomDomain, DomainToken string
	DomainVerifiedAt          time.Time `bun:",nullzero"`
	// DomainCheckedAt is when the record of a verified domain was last looked for, DomainMissingSince when it was first not there.
	DomainCheckedAt    time.Time `bun:",nullzero" json:"-"`
	DomainMissingSince time.Time `bun:",nullzero" json:"-"`
	// Language is that of a visitor who asks for none that there is: en or de. TimeZone is an IANA name.
	Language, TimeZone string
	FooterText         string
	// Accent is the colour of the customer's as #rrggbb; empty = ours.
	Accent string
	// Logo is a picture of LogoType (image/png, image/jpeg or image/webp); nil = none. Only UnscopedStatusLogo reads it.
	Logo     []byte `bun:",scanonly" json:"-"`
	LogoType string
	// ShowHostnames lets visitors read what is pinged.
	ShowHostnames bool
	// AllMonitors shows the customer's monitors without picking them, behind those that are.
	AllMonitors bool
	Latency     StatusLatency
	NoIndex     bool
	// FrameSites are the origins whose pages may frame the widget.
	FrameSites Texts
	Publish    StatusPublish
	// Version grows with every change of the page's settings and of what it shows.
	Version              int64
	CreatedAt, UpdatedAt time.Time
	// CustomerName and CustomerPublicID are read where an actor asks; empty for visitors.
	CustomerName     string    `bun:",scanonly" json:"-"`
	CustomerPublicID uuid.UUID `bun:"type:uuid,scanonly" json:"-"`
}

// ComponentID is what visitors know a monitor of the page by: it says nothing of the monitor's own id, and nothing of other pages'.
func (p StatusPage) ComponentID(monitor uuid.UUID) uuid.UUID {
	sum := sha256.Sum256(append(p.PublicID[:], monitor[:]...))
	id := uuid.UUID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // version 8: made by a rule of ours (RFC 9562 §5.8)
	return id
}

// ETag names the version of the page's settings and layout, for who would change what was read before. What is told on the page
// does not move it.
func (p StatusPage) ETag() string { return fmt.Sprintf(`"%d"`, p.UpdatedAt.UnixMicro()) }

// SettingsVersion grows with the page's settings, its logo among them; Version grows with what it tells, too.
func (p StatusPage) SettingsVersion() int64 { return p.UpdatedAt.UnixMicro() }

// HasPassword tells whether one was set.
func (p StatusPage) HasPassword() bool { return p.PasswordHash != "" }

// Zone is the page's time zone; UTC where this machine does not know it.
func (p StatusPage) Zone() *time.Location {
	zone, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// StatusPageMonitor is a monitor's place on a page.
type StatusPageMonitor struct {
	bun.BaseModel  `bun:"table:status_page_monitors,alias:spm"`
	PageID         int64 `bun:",pk"`
	MonitorID      int64 `bun:",pk"`
	OrganizationID int64
	// GroupName is the heading that it stands under; empty = none. Monitors of a group stand together.
	GroupName string
	// DisplayName is what visitors read; empty = the monitor's name.
	DisplayName string
	// Hidden leaves a monitor out of a page that shows all of its customer's.
	Hidden   bool
	Position int
}

// Texts is a list of short texts, stored as JSON.
type Texts []string

// Value stores nil as an empty list.
func (t Texts) Value() (driver.Value, error) {
	if t == nil {
		return "[]", nil
	}
	b, err := json.Marshal([]string(t))
	return string(b), err
}

// Scan reads the stored list.
func (t *Texts) Scan(src any) error {
	*t = nil
	return scanJSON(src, (*[]string)(t))
}

// errNoStatusPage is the one answer for a page that is not there, not the actor's, or not to be seen.
func errNoStatusPage() error { return &NotFound{What: "Status page"} }

// statusPageColumns are all but the logo.
const statusPageColumns = `sp.id, sp.public_id, sp.organization_id, sp.customer_id, sp.name, sp.slug, sp.description, sp.visibility, sp.is_published,
	sp.password_hash, sp.link_token, sp.custom_domain, sp.domain_token, sp.domain_verified_at, sp.domain_checked_at, sp.domain_missing_since,
	sp.language, sp.time_zone, sp.footer_text, sp.accent,
	sp.logo_type, sp.show_hostnames, sp.all_monitors, sp.latency, sp.no_index, sp.frame_sites, sp.publish, sp.version, sp.created_at, sp.updated_at`

// UnscopedStatusPage returns the page of a slug, published or not: the caller decides who sees it. Errors: *NotFound.
func (s *Store) UnscopedStatusPage(ctx context.Context, slug string) (StatusPage, error) {
	return s.unscopedStatusPage(ctx, s.ro.NewSelect().Where("sp.slug = ?", slug))
}

// UnscopedStatusPageOfDomain returns the page of a domain that was verified, published or not. Errors: *NotFound.
func (s *Store) UnscopedStatusPageOfDomain(ctx context.Context, domain string) (StatusPage, error) {
	return s.unscopedStatusPage(ctx, s.ro.NewSelect().Where("sp.custom_domain = ? AND sp.domain_verified_at IS NOT NULL", domain))
}

func (s *Store) unscopedStatusPage(ctx context.Context, q *bun.SelectQuery) (StatusPage, error) {
	var p StatusPage
	err := q.Model(&p).ColumnExpr(statusPageColumns).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return StatusPage{}, errNoStatusPage()
	}
	if err != nil {
		return StatusPage{}, fmt.Errorf("reading a status page: %w", err)
	}
	return p, nil
}
