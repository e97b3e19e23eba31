package models

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// StatusDays is how many days a status page looks back.
const StatusDays = 90

// StatusBoard is all that visitors of a status page are shown, and nothing else: no id of ours, no host unless the page shows
// hosts, no note of operators to each other.
type StatusBoard struct {
	Name, Description, Slug, Language, TimeZone, FooterText, Accent string
	// HasLogo tells that the page has a picture of its own.
	HasLogo, NoIndex bool
	Latency          StatusLatency
	// Version is the page's SettingsVersion, which stands in the addresses of its logo and colours.
	Version int64
	// At is when it was read, in the page's time zone, which everything is drawn in; Measured is the newest check's time, zero
	// without one.
	At, Measured time.Time
	// Interval is the shortest one of its monitors' that are checked, or of all where none is; 0 without one.
	Interval time.Duration
	// Longest is the longest one of those that are checked; 0 without one.
	Longest time.Duration
	// Delay is why newer results than these are not here; empty where these are as new as they should be. Silent is true where they are
	// so old that they say nothing of now: what they say of the components is then of the past. SettleAge sets both.
	Delay  StatusDelay
	Silent bool
	Groups []StatusGroup
	// Open are incidents and maintenance under way, newest first; Announced is maintenance to come, the next first, and announcements;
	// Past is what ended in the last StatusPastDays days, newest first.
	Open, Announced, Past []StatusNotice
	// ChangesAt is when the clock alone changes what is told: maintenance begins, ends, or is to be reminded of; zero = it does not.
	ChangesAt time.Time

	// paused is true where none of the monitors is checked; rhythms are what is to be expected of those that are.
	paused  bool
	rhythms []statusRhythm
}

// StatusGroup is monitors under one heading; the heading may be empty.
type StatusGroup struct {
	Name       string
	Components []StatusComponent
}

// StatusComponent is a monitor as visitors see it.
type StatusComponent struct {
	// ID is the page's own for it; see StatusPage.ComponentID.
	ID   uuid.UUID
	Name string
	// Host is empty unless the page shows hosts.
	Host  string
	State State
	// Maintenance is true while people work on it, by its status or by an announcement.
	Maintenance bool
	Since       time.Time
	// CheckedAt is zero before the first check. RTT is the last average; negative without a reply.
	CheckedAt time.Time
	RTT       time.Duration
	// CreatedAt is when there was it for the first time, UpdatedAt when people last set it.
	CreatedAt, UpdatedAt time.Time
	// Days are the last StatusDays days of the page's time zone, oldest first, today last. Uptime is of all of them since there is the
	// monitor, without announced maintenance.
	Days   []StatusDay
	Uptime Uptime
	// History is of the last day in steps of half an hour, for a sparkline (without quantiles) or a smoke chart; empty where the page
	// shows none.
	History Series

	monitor int64
}

// StatusDay is one day of a component. What was announced as maintenance is in Maintenance and in nothing else. Unknown, and what is
// left of its length, was not measured.
type StatusDay struct {
	Start time.Time
	// Length is 23 or 25 hours where the clocks are set, and today's is up to now.
	Length                                   time.Duration
	Up, Degraded, Down, Unknown, Maintenance time.Duration
}

// Measured is how long something is known of, maintenance left out.
func (d StatusDay) Measured() time.Duration { return d.Up + d.Degraded + d.Down }

// NotMeasured is how long nothing is known of.
func (d StatusDay) NotMeasured() time.Duration { return max(0, d.Length-d.Measured()-d.Maintenance) }

// StatusNotice is what visitors are told of: an incident, an announcement, or maintenance.
type StatusNotice struct {
	ID   uuid.UUID
	Kind StatusKind
	// Type and Measured are of a measured incident: Measured is true where no operator wrote its title, which is empty then.
	Type     IncidentType
	Measured bool
	Title    string
	// State is that of its last update: investigating, identified, monitoring, resolved; scheduled, in_progress, completed. It is empty
	// for a measured incident that is open and that nobody told of.
	State StatusPostState
	// StartsAt to EndsAt; EndsAt is zero while an incident is open and for an announcement without end.
	StartsAt, EndsAt time.Time
	// CreatedAt is when people were first told, and UpdatedAt when what they are told, or what was measured, last changed. Neither is
	// ever to come.
	CreatedAt, UpdatedAt time.Time
	// Components are the names of what is affected.
	Components []string
	// Updates are newest first.
	Updates []StatusNoticeUpdate
	// Cancelled is true for maintenance that was called off before it began: StartsAt and EndsAt are that moment, and PlannedFrom to
	// PlannedTo, which are zero for all else, is when it would have been.
	Cancelled              bool
	PlannedFrom, PlannedTo time.Time
	// Unstable are the names in a measured incident that stays open although all of them are up, since UpSince: they turned too often.
	Unstable []string
	UpSince  time.Time
	// Reminding is true for maintenance that begins soon enough to remind of it.
	Reminding bool
}

// StatusNoticeUpdate is one thing that was told. Body is Markdown as it was typed.
type StatusNoticeUpdate struct {
	State StatusPostState
	Body  string
	At    time.Time
}

// Worst is the worst state of the components: down, degraded, unknown, then up; pending where nothing was measured yet. A component
// under maintenance counts as maintenance says, not as its state. maintenance tells whether there is one.
func (b StatusBoard) Worst() (worst State, maintenance bool) {
	rank := map[State]int{StateDown: 5, StateDegraded: 4, StateUnknown: 3, StateUp: 2, StatePending: 1, StatePaused: 0}
	worst = StatePaused
	for _, g := range b.Groups {
		for _, c := range g.Components {
			if c.Maintenance {
				maintenance = true
			} else if rank[c.State] > rank[worst] {
				worst = c.State
			}
		}
	}
	return worst, maintenance
}

// statusMonitor is a monitor of a page as the board reads it.
type statusMonitor struct {
	ID              int64
	PublicID        uuid.UUID
	Name, Hostname  string
	DisplayName     string
	GroupName       string
	Placed          bool
	Status          Status
	IntervalSeconds int
	State           State
	Since           time.Time
	LastCheckedAt   time.Time `bun:",nullzero"`
	LastRTT         int64     `bun:"last_rtt"`
	CreatedAt       time.Time
	UpdatedAt       time.Time
	RolledUntil     int64
}

// mostStatusMonitors bounds what one page shows.
const mostStatusMonitors = 500

// UnscopedStatusBoard reads what the page shows now, whoever may see it. Errors: trouble of the database only.
func (s *Store) UnscopedStatusBoard(ctx context.Context, p StatusPage) (StatusBoard, error) {
	now := s.clock().UTC()
	b := StatusBoard{Name: p.Name, Description: p.Description, Slug: p.Slug, Language: p.Language, TimeZone: p.TimeZone, FooterText: p.FooterText,
		Accent: p.Accent, HasLogo: p.LogoType != "", NoIndex: p.NoIndex || p.Visibility != VisiblePublic, Latency: p.Latency, Version: p.SettingsVersion(), At: now.In(p.Zone())}
	rows, err := s.statusMonitors(ctx, p)
	if err != nil {
		return StatusBoard{}, err
	}
	b.Longest = longestInterval(rows)
	places := make([][2]int, len(rows))
	groups := map[string]int{}
	for i, m := range rows {
		at, there := groups[GroupKey(m.GroupName)]
		if !there {
			at = len(b.Groups)
			groups[GroupKey(m.GroupName)] = at
			b.Groups = append(b.Groups, StatusGroup{Name: m.GroupName})
		}
		g := &b.Groups[at]
		places[i] = [2]int{at, len(g.Components)}
		g.Components = append(g.Components, m.component(p))
		if m.LastCheckedAt.After(b.Measured) {
			b.Measured = m.LastCheckedAt.UTC()
		}
	}
	retimed, err := s.retimedMonitors(ctx, rows)
	if err != nil {
		return StatusBoard{}, err
	}
	b.pace(rows, retimed)
	err = s.fillPasts(ctx, p, rows, now, func(i int) *StatusComponent { return &b.Groups[places[i][0]].Components[places[i][1]] })
	if err != nil {
		return StatusBoard{}, err
	}
	err = s.fillNotices(ctx, p, &b)
	b.SettleAge(now, "")
	return b, err
}

func longestInterval(rows []statusMonitor) (longest time.Duration) {
	for _, m := range rows {
		if m.State != StatePaused {
			longest = max(longest, time.Duration(m.IntervalSeconds)*time.Second)
		}
	}
	return longest
}

func (m statusMonitor) component(p StatusPage) StatusComponent {
	c := StatusComponent{ID: p.ComponentID(m.PublicID), Name: m.DisplayName, State: m.State, Maintenance: m.Status == StatusMaintenance,
		Since: m.Since.UTC(), CheckedAt: m.LastCheckedAt.UTC(), RTT: time.Duration(m.LastRTT) * time.Microsecond,
		CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(), monitor: m.ID}
	if c.Name == "" {
		c.Name = m.Name
	}
	if p.ShowHostnames {
		c.Host = m.Hostname
	}
	return c
}

// statusMonitors are the monitors of a page in order: those that were placed, then, where it shows all of its customer's, the others
// by name.
func (s *Store) statusMonitors(ctx context.Context, p StatusPage) ([]statusMonitor, error) {
	var rows []statusMonitor
	q := s.ro.NewSelect().TableExpr("monitors AS m").
		ColumnExpr("m.id, m.public_id, m.name, m.hostname_typed AS hostname, m.status, m.interval_seconds, m.created_at, m.updated_at").
		ColumnExpr("coalesce(spm.display_name, '') AS display_name, coalesce(spm.group_name, '') AS group_name, spm.page_id IS NOT NULL AS placed").
		ColumnExpr("s.state, s.since, s.last_checked_at, s.last_rtt, s.rolled_until").
		Join("JOIN monitor_states AS s ON s.monitor_id = m.id").
		OrderExpr("spm.position IS NULL, spm.position, m.search, m.id").Limit(mostStatusMonitors)
	if err := onPage(q, p).Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("reading a status page's monitors: %w", err)
	}
	countedOrder(rows, p.Language, func(m statusMonitor) bool { return m.Placed }, func(m statusMonitor) string { return m.Name })
	return rows, nil
}
