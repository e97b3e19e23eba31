package models

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"echolot/models/events"

	"github.com/alexedwards/argon2id"
	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// User is somebody who can sign in.
type User struct {
	bun.BaseModel        `bun:"table:users,alias:u" json:"-"`
	ID                   int64     `bun:",pk,autoincrement"`
	PublicID             uuid.UUID `bun:"type:uuid"`
	OrganizationID       int64
	Email                string
	FirstName, LastName  string
	Role                 Role
	IsActive             bool
	PasswordHash         string `json:"-"`
	CreatedAt, UpdatedAt time.Time
	// CustomerIDs limit what the user sees; empty = everything of the organization.
	CustomerIDs []int64 `bun:"-"`
}

// passwordParams are those of argon2id: OWASP's and ASVS's minimum (ASVS 5.0 appendix C). More memory would stay resident.
func passwordParams() *argon2id.Params {
	return &argon2id.Params{Memory: 19456, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

const (
	// maxHashes are computed at once: 19 MiB each.
	maxHashQueue = 20
	maxHashes    = 2
	minPassword  = 12
	maxPassword  = 1024 // bytes
)

// dummyHash is compared with where there is no such user, so that the answer takes the same time.
const dummyHash = "$argon2id$v=19$m=19456,t=2,p=1$YWJjZGVmZ2hpamtsbW5vcA$0000000000000000000000000000000000000000000"

// hashed runs f while at most maxHashes run. Errors: ErrBusy where too many wait already.
func (s *Store) hashed(ctx context.Context, f func() error) error {
	defer s.hashQueue.Add(-1)
	if s.hashQueue.Add(1) > maxHashes+maxHashQueue {
		return ErrBusy
	}
	select {
	case s.hashes <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.hashes }()
	return f()
}

func (s *Store) hashPassword(ctx context.Context, password string) (hash string, err error) {
	err = s.hashed(ctx, func() error {
		hash, err = argon2id.CreateHash(password, s.passwords)
		return err
	})
	return hash, err
}

// checkPassword notes what is wrong with a new password.
func checkPassword(e *Invalid, password string) {
	message := fmt.Sprintf("password must have %d to %d bytes", minPassword, maxPassword)
	switch {
	case len(password) < minPassword:
		e.add("password", message, fmt.Sprintf("Use at least %d characters", minPassword))
	case len(password) > maxPassword:
		e.add("password", message, fmt.Sprintf("Longer than %d bytes: shorten it", maxPassword))
	}
}

// foldEmail is the form that addresses are stored and compared in.
func foldEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// NewUser is what the command line and first setup know of a user.
type NewUser struct {
	Email, FirstName, LastName string
	Role                       Role
	Password                   string
	// Organization is a name; it is made when it is missing. Empty is the first one there is, or a new "Organization".
	Organization string
}

// UnscopedCreateUser makes a user, and the organization when it is missing. Errors: *Invalid, *Conflict where the address
// is taken.
func (s *Store) UnscopedCreateUser(ctx context.Context, n NewUser) (User, error) {
	e := new(Invalid)
	n.Email = foldEmail(n.Email)
	if !isEmail(n.Email) {
		e.add("email", "email must be an e-mail address", "Type an address like noc@example.com")
	}
	if !slices.Contains(Roles[:], n.Role) {
		e.add("role", "role must be admin, user, readonly, global_admin or global_supporter", "")
	}
	if n.Organization != "" {
		name, wrong := cleanName(n.Organization, maxName)
		if wrong != "" {
			e.add("organization", "organization "+wrong, "")
		}
		n.Organization = name
	}
	checkPassword(e, n.Password)
	if err := e.orNil(); err != nil {
		return User{}, err
	}
	hash, err := s.hashPassword(ctx, n.Password)
	if err != nil {
		return User{}, err
	}
	var u User
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		o, err := s.namedOrganization(ctx, tx, n.Organization, n.Email)
		if err != nil {
			return err
		}
		u, err = s.insertUser(ctx, tx, o, n, hash)
		return err
	})
	if isDuplicate(err) {
		return User{}, &Conflict{Message: "a user with this e-mail address exists"}
	}
	return u, err
}

func (s *Store) insertUser(ctx context.Context, tx bun.Tx, o Organization, n NewUser, hash string) (User, error) {
	now := s.clock()
	u := User{PublicID: newID(), OrganizationID: o.ID, Email: n.Email, FirstName: n.FirstName, LastName: n.LastName, Role: n.Role,
		IsActive: true, PasswordHash: hash, CreatedAt: now, UpdatedAt: now}
	if _, err := tx.NewInsert().Model(&u).Exec(ctx); err != nil {
		return u, fmt.Errorf("inserting the user: %w", err)
	}
	if u.Role == RoleAdmin || u.Role == RoleGlobalAdmin {
		if _, err := tx.NewDelete().TableExpr("setup_tokens").Where("1 = 1").Exec(ctx); err != nil {
			return u, fmt.Errorf("voiding the setup link: %w", err)
		}
	}
	return u, s.audit(ctx, tx, Actor{OrganizationID: o.ID}, "user.create", "user", u.ID, nil, u)
}

// namedOrganization finds or makes the organization; see NewUser.Organization.
func (s *Store) namedOrganization(ctx context.Context, tx bun.Tx, name, email string) (Organization, error) {
	var o Organization
	q := tx.NewSelect().Model(&o).OrderExpr("o.id").Limit(1)
	if name != "" {
		q = q.Where("o.name = ?", name)
	} else {
		name = defaultOrganization
	}
	err := q.Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return s.makeOrganization(ctx, tx, name, email)
	}
	return o, err
}

// UnscopedLimitUser sets the customers that the user is limited to; none = no limit. Errors: *NotFound.
func (s *Store) UnscopedLimitUser(ctx context.Context, userID int64, customerIDs []int64) error {
	var u User
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := tx.NewSelect().Model(&u).Where("u.id = ?", userID).Scan(ctx); err != nil {
			return fmt.Errorf("reading the user: %w", err)
		}
		if _, err := tx.NewDelete().TableExpr("user_customers").Where("user_id = ?", userID).Exec(ctx); err != nil {
			return fmt.Errorf("clearing the user's customers: %w", err)
		}
		if len(customerIDs) == 0 {
			return nil
		}
		rows := make([]userCustomer, len(customerIDs))
		for i, id := range customerIDs {
			rows[i] = userCustomer{OrganizationID: u.OrganizationID, UserID: u.ID, CustomerID: id}
		}
		_, err := tx.NewInsert().Model(&rows).Exec(ctx)
		return err
	})
	if err == nil {
		s.publish(events.Event{Type: events.AccessChanged, At: s.clock(), OrganizationID: u.OrganizationID})
	}
	return err
}

type userCustomer struct {
	bun.BaseModel  `bun:"table:user_customers"`
	OrganizationID int64
	UserID         int64 `bun:",pk"`
	CustomerID     int64 `bun:",pk"`
}

// customerIDs are the customers that the user is limited to, in order.
func (s *Store) customerIDs(ctx context.Context, userID int64) ([]int64, error) {
	ids := []int64{}
	err := s.ro.NewSelect().TableExpr("user_customers").Column("customer_id").Where("user_id = ?", userID).OrderExpr("customer_id").Scan(ctx, &ids)
	return ids, err
}

// Self returns the user behind the actor, or ok false where none is: an organization's or customer's token.
func (s *Store) Self(ctx context.Context, by Actor) (u User, ok bool, err error) {
	if by.UserID == 0 {
		return User{}, false, nil
	}
	if err := s.ro.NewSelect().Model(&u).Where("u.id = ?", by.UserID).Scan(ctx); err != nil {
		return User{}, false, fmt.Errorf("reading the user: %w", err)
	}
	u.CustomerIDs, err = s.customerIDs(ctx, u.ID)
	return u, true, err
}

// secretHash is what is stored of a random secret of 256 bits: a plain hash is enough for it (ASVS 5.0, 6.5.2).
func secretHash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
