package models

import (
	"slices"
)

// Role is what a user may do.
type Role string

// The roles.
const (
	RoleAdmin           Role = "admin"
	RoleUser            Role = "user"
	RoleReadonly        Role = "readonly"
	RoleGlobalAdmin     Role = "global_admin"
	RoleGlobalSupporter Role = "global_supporter"
)

// Roles are all roles.
var Roles = [...]Role{RoleAdmin, RoleUser, RoleReadonly, RoleGlobalAdmin, RoleGlobalSupporter}

// Global is true for roles that see every organization and must name one.
func (r Role) Global() bool { return r == RoleGlobalAdmin || r == RoleGlobalSupporter }

// Right is one kind of thing to do.
type Right int

// The rights.
const (
	// MayRead shows what the actor's organization has.
	MayRead Right = iota
	// MaySetStatus changes a monitor's status and nothing else of it.
	MaySetStatus
	// MayChangeMonitors creates, changes, deletes and checks monitors.
	MayChangeMonitors
	// MayChangeCustomers creates, changes and cancels customers.
	MayChangeCustomers
	// MayManageTokens lists, makes and deletes an organization's tokens.
	MayManageTokens
	// MayHandleIncidents acknowledges incidents and writes to them.
	MayHandleIncidents
	// MayChangeStatusTemplates changes the texts that posts of all of the organization's status pages begin with.
	MayChangeStatusTemplates
	// MaySeeProber shows how the prober itself fares, for all organizations together.
	MaySeeProber
)

// Actor is who acts: a user through a session or a token, or an organization's or a customer's token.
type Actor struct {
	// UserID is 0 for tokens that are not a user's.
	UserID int64
	// TokenID is 0 unless a token acts.
	TokenID int64
	Role    Role
	// HomeID is the organization that the user or token belongs to.
	HomeID int64
	// OrganizationID is the organization acted in: HomeID, or what a global role named; 0 where it named none.
	OrganizationID int64
	// Limited is true where only the customers of CustomerIDs are seen.
	Limited     bool
	CustomerIDs []int64
	// Address is where the request came from, for the audit trail.
	Address string
}

// May tells whether the actor's role has the right, whatever the object.
func (a Actor) May(r Right) bool {
	switch r {
	case MayRead:
		return true
	case MaySetStatus:
		return a.Role != RoleGlobalSupporter
	case MayChangeMonitors, MayHandleIncidents:
		return a.Role == RoleAdmin || a.Role == RoleGlobalAdmin || a.Role == RoleUser
	case MayChangeCustomers, MayChangeStatusTemplates:
		return a.Role == RoleAdmin || a.Role == RoleGlobalAdmin || a.Role == RoleUser && !a.Limited
	case MayManageTokens:
		return a.TokenID == 0 && (a.Role == RoleAdmin || a.Role == RoleGlobalAdmin)
	case MaySeeProber:
		return a.Role == RoleAdmin || a.Role == RoleGlobalAdmin || a.Role == RoleGlobalSupporter
	default:
		return false
	}
}

// Sees tells whether things of the organization and customer are the actor's to see.
func (a Actor) Sees(organizationID, customerID int64) bool {
	return a.OrganizationID == organizationID && organizationID != 0 && (!a.Limited || slices.Contains(a.CustomerIDs, customerID))
}

// check is what every scoped method asks first: the role, then that an organization was named.
func (a Actor) check(r Right) error {
	if a.Role == "" {
		return ErrUnauthorized
	}
	if !a.May(r) {
		return ErrForbidden
	}
	if a.OrganizationID == 0 {
		return invalid("organizationId", "organizationId is required")
	}
	return nil
}
