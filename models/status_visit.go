package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/uptrace/bun"
)

// StatusVisitLifetime is how long a page's password need not be given again.
const StatusVisitLifetime = 14 * 24 * time.Hour

// Failed tries an hour before each further one waits: of an address on all pages, and on one page from everywhere. The latter is
// high, since who reaches it makes honest visitors wait too; what it leaves is a guess in thirty seconds.
const (
	maxFailuresOfVisitor = 20
	maxFailuresOfPage    = 500
)

type statusVisit struct {
	bun.BaseModel `bun:"table:status_visits"`
	TokenHash     []byte `bun:",pk"`
	PageID        int64
	ExpiresAt     time.Time
}

// visitHash is what is stored of a visit's token. The password's hash is in it, which is another one after every change: a new
// password voids all visits, whoever sets it.
func (p StatusPage) visitHash(token string) []byte {
	return secretHash(token + "\x00" + p.PasswordHash)
}

// StartStatusVisit checks the password of a page and returns the token of a visit, which is not kept. Errors: ErrWrongPassword,
// *Throttled, ErrBusy.
func (s *Store) StartStatusVisit(ctx context.Context, p StatusPage, password, address string) (token string, err error) {
	names := [2]string{"visitor:" + ClientNetwork(address), fmt.Sprintf("status_page:%d", p.ID)}
	patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), signInTime)
	defer cancel()
	began := time.Now()
	release, err := s.signIns.one(patient, names[0]) // tries sent all at once are counted too
	if err != nil {
		return "", err
	}
	defer release()
	ctx, cancel = notCounting(ctx, began)
	defer cancel()
	if err := s.waits(ctx, names, [2]int{maxFailuresOfVisitor, maxFailuresOfPage}); err != nil {
		return "", err
	}
	hash := p.PasswordHash
	if hash == "" || len(password) > maxPassword {
		hash, password = dummyHash, "-"
	}
	var match bool
	began = time.Now()
	if err := s.hashed(patient, func() error {
		match, err = argon2id.ComparePasswordAndHash(password, hash)
		return err
	}); err != nil {
		return "", fmt.Errorf("checking a status page's password: %w", err)
	}
	ctx, cancel = notCounting(ctx, began)
	defer cancel()
	if !match {
		if err := s.countFailure(ctx, s.db, names); err != nil {
			return "", fmt.Errorf("noting a wrong password of a status page: %w", err)
		}
		return "", ErrWrongPassword
	}
	token = newSecret()
	visit := statusVisit{TokenHash: p.visitHash(token), PageID: p.ID, ExpiresAt: s.clock().Add(StatusVisitLifetime)}
	_, err = s.db.NewInsert().Model(&visit).Exec(ctx)
	if isOrphan(err) {
		return "", errNoStatusPage()
	}
	if err != nil {
		return "", fmt.Errorf("beginning a visit: %w", err)
	}
	return token, nil
}

// CheckStatusVisit tells when the visit to this page ends that the token is of. Errors: ErrUnauthorized where there is none that goes on.
func (s *Store) CheckStatusVisit(ctx context.Context, p StatusPage, token string) (ends time.Time, err error) {
	if token == "" || p.PasswordHash == "" {
		return time.Time{}, ErrUnauthorized
	}
	var visit statusVisit
	err = s.ro.NewSelect().Model(&visit).Where("token_hash = ?", p.visitHash(token)).Where("page_id = ?", p.ID).
		Where("expires_at > ?", s.clock()).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, ErrUnauthorized
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("reading a visit: %w", err)
	}
	return visit.ExpiresAt, nil
}
