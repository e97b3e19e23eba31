package models

import (
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// StatusKind is what kind of thing people are told on a status page.
type StatusKind string

// The kinds.
const (
	KindIncident     StatusKind = "incident"
	KindAnnouncement StatusKind = "announcement"
	KindMaintenance  StatusKind = "maintenance"
)

// StatusPostState is how far an incident or maintenance is; empty for an announcement.
type StatusPostState string

// The states: four of incidents, three of maintenance.
const (
	PostInvestigating StatusPostState = "investigating"
	PostIdentified    StatusPostState = "identified"
	PostMonitoring    StatusPostState = "monitoring"
	PostResolved      StatusPostState = "resolved"
	PostScheduled     StatusPostState = "scheduled"
	PostInProgress    StatusPostState = "in_progress"
	PostCompleted     StatusPostState = "completed"
)

// StatusPost is what an operator tells on one page: an incident, an announcement, or maintenance.
type StatusPost struct {
	bun.BaseModel  `bun:"table:status_posts,alias:p" json:"-"`
	ID             int64     `bun:",pk,autoincrement"`
	PublicID       uuid.UUID `bun:"type:uuid"`
	OrganizationID int64
	PageID         int64
	Kind           StatusKind
	// Title is empty of a post that only leaves a measured incident out.
	Title string
	// State is that of the newest update.
	State StatusPostState
	// StartsAt to EndsAt; EndsAt is zero for what is not over and has no end set.
	StartsAt time.Time
	EndsAt   time.Time `bun:",nullzero"`
	// IncidentID is the measured incident that it tells of; 0 = none. Hidden leaves that one out of the page.
	IncidentID int64 `bun:",nullzero"`
	Hidden     bool
	// RemindMinutes is how long before maintenance begins the page reminds of it; 0 = not at all.
	RemindMinutes        int
	CreatedAt, UpdatedAt time.Time
}

// StatusUpdate is one thing that was told of a post.
type StatusUpdate struct {
	bun.BaseModel  `bun:"table:status_updates,alias:u" json:"-"`
	ID             int64     `bun:",pk,autoincrement"`
	PublicID       uuid.UUID `bun:"type:uuid"`
	OrganizationID int64
	PostID         int64
	State          StatusPostState
	// Body is Markdown as it was typed. Author is the operator's name, which visitors do not see.
	Body, Author string
	// At is when it happened, which may be before CreatedAt.
	At, CreatedAt time.Time
}

// StatusTemplate is a text of an organization's to begin a post with.
type StatusTemplate struct {
	bun.BaseModel        `bun:"table:status_templates,alias:st" json:"-"`
	ID                   int64     `bun:",pk,autoincrement"`
	PublicID             uuid.UUID `bun:"type:uuid"`
	OrganizationID       int64
	Name                 string
	Kind                 StatusKind
	Title                string
	State                StatusPostState
	Body                 string
	CreatedAt, UpdatedAt time.Time
}
