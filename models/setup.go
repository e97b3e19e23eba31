package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// SetupTokenLifetime is how long the link of the first start is good.
const SetupTokenLifetime = time.Hour

type setupToken struct {
	bun.BaseModel `bun:"table:setup_tokens"`
	TokenHash     []byte `bun:",pk"`
	CreatedAt     time.Time
	ExpiresAt     time.Time
}

// CreateSetupToken makes the token of the first start and voids earlier ones; ok is false where an administrator exists.
func (s *Store) CreateSetupToken(ctx context.Context) (token string, ok bool, err error) {
	token = newSecret()
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		has, err := hasAdmin(ctx, tx)
		if err != nil || has {
			return err
		}
		ok = true
		if _, err := tx.NewDelete().TableExpr("setup_tokens").Where("1 = 1").Exec(ctx); err != nil {
			return err
		}
		now := s.clock()
		_, err = tx.NewInsert().Model(&setupToken{TokenHash: secretHash(token), CreatedAt: now, ExpiresAt: now.Add(SetupTokenLifetime)}).Exec(ctx)
		return err
	})
	if err != nil {
		return "", false, fmt.Errorf("making the setup link: %w", err)
	}
	return token, ok, nil
}

func hasAdmin(ctx context.Context, db bun.IDB) (bool, error) {
	return db.NewSelect().TableExpr("users").Where("role IN (?, ?) AND is_active", RoleAdmin, RoleGlobalAdmin).Exists(ctx)
}

// errNoSetup is the answer for a setup link that is used, over or wrong.
func errNoSetup() error { return &NotFound{What: "Setup link"} }

// SetupOpen returns nil where the token is good. Errors: *NotFound.
func (s *Store) SetupOpen(ctx context.Context, token string) error {
	return s.setupOpen(ctx, s.ro, token)
}

func (s *Store) setupOpen(ctx context.Context, db bun.IDB, token string) error {
	var t setupToken
	err := db.NewSelect().Model(&t).Where("token_hash = ?", secretHash(token)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) || err == nil && s.clock().After(t.ExpiresAt) {
		return errNoSetup()
	}
	return err
}

// Setup uses the token up: it makes the organization, or takes the one that has its name, makes its administrator and a
// first customer where it has none, and signs the administrator in. Errors: *Invalid, *NotFound, *Conflict.
func (s *Store) Setup(ctx context.Context, token string, n NewUser, address string) (session string, _ Session, err error) {
	e := new(Invalid)
	n.Role, n.Email = RoleAdmin, foldEmail(n.Email)
	name, wrong := cleanName(n.Organization, maxName)
	if wrong != "" {
		e.add("organization", "organization "+wrong, nameAdvice(wrong))
	}
	n.Organization = name
	if !isEmail(n.Email) {
		e.add("email", "email must be an e-mail address", "Type an address like noc@example.com")
	}
	checkPassword(e, n.Password)
	if err := e.orNil(); err != nil {
		return "", Session{}, err
	}
	if err := s.SetupOpen(ctx, token); err != nil {
		return "", Session{}, err
	}
	hash, err := s.hashPassword(ctx, n.Password)
	if err != nil {
		return "", Session{}, err
	}
	var u User
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.setupOpen(ctx, tx, token); err != nil {
			return err
		}
		// Deleting the row is what makes the link single: of two at once, the second one finds nothing to delete.
		gone, err := tx.NewDelete().Model((*setupToken)(nil)).Where("token_hash = ?", secretHash(token)).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := gone.RowsAffected(); err != nil || n == 0 {
			return errors.Join(errNoSetup(), err)
		}
		o, err := s.namedOrganization(ctx, tx, n.Organization, n.Email)
		if err != nil {
			return err
		}
		u, err = s.insertUser(ctx, tx, o, n, hash)
		return err
	})
	if isDuplicate(err) {
		return "", Session{}, &Conflict{Message: "a user with this e-mail address exists"}
	}
	if err != nil {
		return "", Session{}, err
	}
	session, row, err := s.startSession(ctx, u, address)
	return session, row, err
}
