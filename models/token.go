package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"echolot/models/events"

	"github.com/uptrace/bun"
)

// TokenPrefix starts every API token, so that scanners for leaked secrets know one.
const TokenPrefix = "wsm_"

// Token is an API token of an organization, of one of its customers, or of a user. The secret itself is never stored.
type Token struct {
	bun.BaseModel  `bun:"table:api_tokens,alias:t" json:"-"`
	ID             int64 `bun:",pk,autoincrement"`
	OrganizationID int64
	UserID         int64 `bun:",nullzero"`
	CustomerID     int64 `bun:",nullzero"`
	Name           string
	TokenHash      []byte `json:"-"`
	TokenHint      string
	LastUsedAt     *time.Time
	ExpiresAt      *time.Time
	CreatedAt      time.Time
	CustomerName   string `bun:",scanonly" json:"-"`
}

// CreateToken makes a token of the actor's organization, or of one of its customers where the fields name one. The
// secret is returned this once. Errors: ErrForbidden, *Invalid, *NotFound for the customer.
func (s *Store) CreateToken(ctx context.Context, by Actor, f Fields) (secret string, t Token, err error) {
	if err := by.check(MayManageTokens); err != nil {
		return "", Token{}, err
	}
	e := new(Invalid)
	in := reader{Fields: f, e: e}
	t = Token{OrganizationID: by.OrganizationID}
	if v, ok := in.text("name", true); ok {
		name, wrong := cleanName(v, maxName)
		if wrong != "" {
			e.add("name", "name "+wrong, nameAdvice(wrong))
		}
		t.Name = name
	} else {
		e.add("name", "name is required", "Type a name")
	}
	t.CreatedAt = s.clock()
	if days, ok := in.integer("expiresInDays", 1, 365, false); ok {
		end := t.CreatedAt.AddDate(0, 0, days)
		t.ExpiresAt = &end
	}
	var customer Ref
	if f.Has("customerId") && !f.null("customerId") {
		if customer, err = parseRef(f.raw["customerId"]); err != nil {
			e.add("customerId", "Invalid customer ID", "Choose a customer")
		}
	}
	if err := e.orNil(); err != nil {
		return "", Token{}, err
	}
	return s.insertToken(ctx, by, customer, t)
}

func (s *Store) insertToken(ctx context.Context, by Actor, customer Ref, t Token) (string, Token, error) {
	secret := TokenPrefix + newSecret()
	t.TokenHash, t.TokenHint = secretHash(secret), secret[:len(TokenPrefix)+5]+"..."
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if customer != (Ref{}) {
			c, err := s.customer(ctx, tx, by, customer)
			if err != nil {
				return err
			}
			t.CustomerID, t.CustomerName = c.ID, c.Name
		}
		if _, err := tx.NewInsert().Model(&t).Exec(ctx); err != nil {
			return fmt.Errorf("inserting the token: %w", err)
		}
		return s.audit(ctx, tx, by, "token.create", "token", t.ID, nil, t)
	})
	return secret, t, err
}

// UnscopedCreateUserToken makes a token that acts as the user, for as long as the user is active. Errors: *Invalid,
// *NotFound.
func (s *Store) UnscopedCreateUserToken(ctx context.Context, email, name string) (string, error) {
	name, wrong := cleanName(name, maxName)
	if wrong != "" {
		return "", invalid("name", "name "+wrong)
	}
	var u User
	err := s.ro.NewSelect().Model(&u).Where("u.email = ?", foldEmail(email)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return "", &NotFound{What: "User " + email}
	}
	if err != nil {
		return "", fmt.Errorf("reading the user: %w", err)
	}
	t := Token{OrganizationID: u.OrganizationID, UserID: u.ID, Name: name, CreatedAt: s.clock()}
	secret, _, err := s.insertToken(ctx, Actor{OrganizationID: u.OrganizationID, UserID: u.ID}, Ref{}, t)
	return secret, err
}

// Tokens returns the organization's tokens, newest first, at most 1,000. Errors: ErrForbidden.
func (s *Store) Tokens(ctx context.Context, by Actor) ([]Token, error) {
	if err := by.check(MayManageTokens); err != nil {
		return nil, err
	}
	list := []Token{}
	err := s.ro.NewSelect().Model(&list).ColumnExpr("t.*, coalesce(c.name, '') AS customer_name").
		Join("LEFT JOIN customers AS c ON c.id = t.customer_id").
		Where("t.organization_id = ?", by.OrganizationID).OrderExpr("t.id DESC").Limit(1000).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing tokens: %w", err)
	}
	return list, nil
}

// DeleteToken ends a token at once. Errors: ErrForbidden, *NotFound.
func (s *Store) DeleteToken(ctx context.Context, by Actor, id int64) error {
	if err := by.check(MayManageTokens); err != nil {
		return err
	}
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var t Token
		err := tx.NewDelete().Model(&t).Where("id = ? AND organization_id = ?", id, by.OrganizationID).Returning("*").Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return &NotFound{What: "Token"}
		}
		if err != nil {
			return fmt.Errorf("deleting the token: %w", err)
		}
		return s.audit(ctx, tx, by, "token.delete", "token", id, t, nil)
	})
	if err == nil {
		s.publish(events.Event{Type: events.AccessChanged, At: s.clock(), OrganizationID: by.OrganizationID})
	}
	return err
}

// Authenticate finds who is behind an API token. Errors: ErrUnauthorized.
func (s *Store) Authenticate(ctx context.Context, secret, address string) (Actor, error) {
	var row struct {
		Token    `bun:",extend"`
		Role     Role `bun:",scanonly"`
		IsActive bool `bun:",scanonly"`
	}
	err := s.ro.NewSelect().Model(&row).ColumnExpr("t.*, coalesce(u.role, '') AS role, coalesce(u.is_active, TRUE) AS is_active").
		Join("LEFT JOIN users AS u ON u.id = t.user_id").Where("t.token_hash = ?", secretHash(secret)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Actor{}, ErrUnauthorized
	}
	if err != nil {
		return Actor{}, fmt.Errorf("reading the token: %w", err)
	}
	now := s.clock()
	if !row.IsActive || row.ExpiresAt != nil && now.After(*row.ExpiresAt) {
		return Actor{}, ErrUnauthorized
	}
	if row.LastUsedAt == nil || now.Sub(*row.LastUsedAt) > touchEvery {
		s.touch(ctx, s.db.NewUpdate().TableExpr("api_tokens").Set("last_used_at = ?", now).Where("id = ?", row.ID))
	}
	by := Actor{UserID: row.UserID, TokenID: row.ID, Role: row.Role, HomeID: row.OrganizationID, OrganizationID: row.OrganizationID, Address: address}
	switch {
	case row.CustomerID != 0:
		by.Role, by.Limited, by.CustomerIDs = RoleUser, true, []int64{row.CustomerID}
		return by, nil
	case row.UserID == 0:
		by.Role = RoleAdmin
		return by, nil
	case by.Role.Global():
		by.OrganizationID = 0
	}
	return by, s.limit(ctx, &by)
}

// LogValue keeps everything but the hint out of logs.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.TokenHint) }
