package models

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"echolot/models/events"

	"github.com/alexedwards/argon2id"
	"github.com/uptrace/bun"
)

// A session ends after sessionIdle without a request, and after SessionLifetime in any case (ASVS 5.0, 7.3).
const (
	sessionIdle     = 12 * time.Hour
	SessionLifetime = 14 * 24 * time.Hour
	maxSessions     = 20 // of one user; the oldest ends
	// touchEvery bounds how often a request writes when it was seen.
	touchEvery = time.Minute
	touchTime  = 100 * time.Millisecond
	// signInTime is how long a sign-in may wait for others and for its hash.
	signInTime = 10 * time.Second
)

// Session is a signed-in user's. The token itself is never stored.
type Session struct {
	bun.BaseModel        `bun:"table:sessions,alias:ss"`
	TokenHash            []byte `bun:",pk"`
	OrganizationID       int64
	UserID               int64
	ChosenOrganizationID int64 `bun:",nullzero"`
	CreatedAt            time.Time
	LastSeenAt           time.Time
	ExpiresAt            time.Time
}

// newSecret is 32 random bytes in base64url.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ErrWrongPassword is the one answer to a sign-in that did not succeed.
var ErrWrongPassword = errors.New("invalid email or password")

// SignIn checks the password and starts a session. The token goes to the user and is not kept. Errors: ErrWrongPassword,
// *Throttled, ErrBusy.
func (s *Store) SignIn(ctx context.Context, email, password, address string) (token string, session Session, u User, err error) {
	email = foldEmail(email)
	// One after the other for an account and for an address: tries sent all at once are counted too.
	patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), signInTime)
	defer cancel()
	began := time.Now()
	release, err := s.signIns.lock(patient, buckets(email, address))
	if err != nil {
		return "", Session{}, User{}, err
	}
	defer release()
	ctx, cancel = notCounting(ctx, began)
	defer cancel()
	if err := s.throttled(ctx, email, address); err != nil {
		return "", Session{}, User{}, err
	}
	err = s.ro.NewSelect().Model(&u).Where("u.email = ?", email).Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", Session{}, User{}, fmt.Errorf("reading the user: %w", err)
	}
	hash := u.PasswordHash
	if hash == "" || len(password) > maxPassword {
		hash, password = dummyHash, "-"
	}
	var match bool
	began = time.Now()
	if err := s.hashed(patient, func() error {
		match, err = argon2id.ComparePasswordAndHash(password, hash)
		return err
	}); err != nil {
		return "", Session{}, User{}, fmt.Errorf("checking the password: %w", err)
	}
	ctx, cancel = notCounting(ctx, began)
	defer cancel()
	if !match || !u.IsActive {
		return "", Session{}, User{}, s.noteFailure(ctx, u, email, address)
	}
	token, session, err = s.startSession(ctx, u, address)
	return token, session, u, err
}

// notCounting is ctx with a deadline that does not count the time since: a request's is meant for the database, and passwords
// take turns.
func notCounting(ctx context.Context, since time.Time) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(context.WithoutCancel(ctx), deadline.Add(time.Since(since)))
}

// startSession makes a session and ends the oldest ones of the user beyond maxSessions.
func (s *Store) startSession(ctx context.Context, u User, address string) (string, Session, error) {
	token, now := newSecret(), s.clock()
	session := Session{TokenHash: secretHash(token), OrganizationID: u.OrganizationID, UserID: u.ID, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(SessionLifetime)}
	var ended int64
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(&session).Exec(ctx); err != nil {
			return fmt.Errorf("inserting the session: %w", err)
		}
		newest := tx.NewSelect().TableExpr("sessions").Column("token_hash").Where("user_id = ?", u.ID).OrderExpr("created_at DESC, token_hash").Limit(maxSessions)
		gone, err := tx.NewDelete().TableExpr("sessions").Where("user_id = ? AND token_hash NOT IN (?)", u.ID, newest).Exec(ctx)
		if err != nil {
			return fmt.Errorf("ending the oldest sessions: %w", err)
		}
		if ended, err = gone.RowsAffected(); err != nil {
			return err
		}
		return s.audit(ctx, tx, Actor{UserID: u.ID, OrganizationID: u.OrganizationID, Address: address}, "session.start", "user", u.ID, nil, nil)
	})
	if err == nil && ended > 0 {
		s.publish(events.Event{Type: events.AccessChanged, At: now, OrganizationID: u.OrganizationID})
	}
	return token, session, err
}

// Resume finds who is behind a session's token, and notes that the session was used. Errors: ErrUnauthorized where it
// ended, or the user may no longer come in.
func (s *Store) Resume(ctx context.Context, token, address string) (Actor, error) {
	by, session, err := s.resume(ctx, token, address)
	if err != nil {
		return Actor{}, err
	}
	if now := s.clock(); now.Sub(session.LastSeenAt) > touchEvery {
		s.touch(ctx, s.db.NewUpdate().TableExpr("sessions").Set("last_seen_at = ?", now).Where("token_hash = ?", session.TokenHash))
	}
	return by, nil
}

// Recheck is Resume for what goes on by itself, like an open stream: it is no use of the session, which so ends when
// nobody has asked for anything in twelve hours.
func (s *Store) Recheck(ctx context.Context, token, address string) (Actor, error) {
	by, _, err := s.resume(ctx, token, address)
	return by, err
}

func (s *Store) resume(ctx context.Context, token, address string) (Actor, Session, error) {
	var row struct {
		Session `bun:",extend"`
		Role    Role `bun:",scanonly"`
	}
	err := s.ro.NewSelect().Model(&row).ColumnExpr("ss.*, u.role").Join("JOIN users AS u ON u.id = ss.user_id AND u.is_active").
		Where("ss.token_hash = ?", secretHash(token)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Actor{}, Session{}, ErrUnauthorized
	}
	if err != nil {
		return Actor{}, Session{}, fmt.Errorf("reading the session: %w", err)
	}
	now := s.clock()
	if now.After(row.ExpiresAt) || now.Sub(row.LastSeenAt) > sessionIdle {
		return Actor{}, Session{}, ErrUnauthorized
	}
	by := Actor{UserID: row.UserID, Role: row.Role, HomeID: row.OrganizationID, OrganizationID: row.OrganizationID, Address: address}
	if by.Role.Global() {
		by.OrganizationID = row.ChosenOrganizationID
	}
	err = s.limit(ctx, &by)
	return by, row.Session, err
}

// limit reads which customers the actor is limited to. Admins and global roles never are.
func (s *Store) limit(ctx context.Context, by *Actor) error {
	if by.Role != RoleUser && by.Role != RoleReadonly {
		return nil
	}
	ids, err := s.customerIDs(ctx, by.UserID)
	if err != nil {
		return fmt.Errorf("reading the user's customers: %w", err)
	}
	by.Limited, by.CustomerIDs = len(ids) > 0, ids
	return nil
}

// touch runs an update that must not fail the request that it belongs to.
func (s *Store) touch(ctx context.Context, q *bun.UpdateQuery) {
	// A reader must not wait for SQLite's one writer; the next request tries again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), touchTime)
	defer cancel()
	if _, err := q.Exec(ctx); err != nil {
		s.log.Debug("when a credential was used was not noted", "error", err)
	}
}

// SignOut ends the session. Ending one that is gone does nothing.
func (s *Store) SignOut(ctx context.Context, by Actor, token string) error {
	if _, err := s.db.NewDelete().TableExpr("sessions").Where("token_hash = ?", secretHash(token)).Exec(ctx); err != nil {
		return fmt.Errorf("ending the session: %w", err)
	}
	s.publish(events.Event{Type: events.AccessChanged, At: s.clock(), OrganizationID: by.HomeID})
	return nil
}

// RememberOrganization keeps a global role's choice in its session. Errors: ErrForbidden for other roles, *NotFound.
func (s *Store) RememberOrganization(ctx context.Context, by Actor, token string, ref Ref) error {
	if !by.Role.Global() {
		return ErrForbidden
	}
	chosen, err := s.ChooseOrganization(ctx, by, ref)
	if err != nil {
		return err
	}
	_, err = s.db.NewUpdate().TableExpr("sessions").Set("chosen_organization_id = ?", chosen.OrganizationID).Where("token_hash = ?", secretHash(token)).Exec(ctx)
	return err
}
