package models

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/uptrace/bun"
)

// Failed sign-ins an hour before each further try waits. It is a delay, never a lock.
const (
	maxFailuresOfAddress = 20
	maxFailuresOfEmail   = 10
	throttleWindow       = time.Hour
	throttleDelay        = 30 * time.Second
)

type loginAttempt struct {
	bun.BaseModel `bun:"table:login_attempts"`
	ID            int64 `bun:",pk,autoincrement"`
	Bucket        string
	At            time.Time
}

// ClientNetwork is what a client's address counts as: an IPv6 address as its /64, since whoever has one address of it has
// them all.
func ClientNetwork(address string) string {
	if a, err := netip.ParseAddr(address); err == nil && a.Unmap().Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return address
}

// buckets are what failures are counted by: the address, then the account.
func buckets(email, address string) [2]string {
	return [2]string{"address:" + ClientNetwork(address), fmt.Sprintf("email:%x", secretHash(email))}
}

// throttled returns *Throttled where too many tries failed and the last one is too recent.
func (s *Store) throttled(ctx context.Context, email, address string) error {
	return s.waits(ctx, buckets(email, address), [2]int{maxFailuresOfAddress, maxFailuresOfEmail})
}

// waits returns *Throttled where one of the two buckets has reached its limit and its last failure is too recent.
func (s *Store) waits(ctx context.Context, names [2]string, limits [2]int) error {
	var rows []struct {
		Bucket string
		N      int
		Last   time.Time
	}
	now := s.clock()
	err := s.ro.NewSelect().TableExpr("login_attempts").ColumnExpr("bucket, count(*) AS n, max(at) AS last").
		Where("bucket IN (?, ?) AND at > ?", names[0], names[1], now.Add(-throttleWindow)).GroupExpr("bucket").Scan(ctx, &rows)
	if err != nil {
		return fmt.Errorf("counting failed tries: %w", err)
	}
	for _, r := range rows {
		limit := limits[0]
		if r.Bucket == names[1] {
			limit = limits[1]
		}
		if wait := throttleDelay - now.Sub(r.Last); r.N >= limit && wait > 0 {
			return &Throttled{RetryAfterSeconds: int(wait/time.Second) + 1}
		}
	}
	return nil
}

// countFailure counts a try that failed in both buckets.
func (s *Store) countFailure(ctx context.Context, db bun.IDB, names [2]string) error {
	now := s.clock()
	attempts := []loginAttempt{{Bucket: names[0], At: now}, {Bucket: names[1], At: now}}
	_, err := db.NewInsert().Model(&attempts).ExcludeColumn("id").Returning("NULL").Exec(ctx)
	return err
}

// noteFailure counts a failed sign-in and returns ErrWrongPassword.
func (s *Store) noteFailure(ctx context.Context, u User, email, address string) error {
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.countFailure(ctx, tx, buckets(email, address)); err != nil {
			return err
		}
		if u.ID == 0 {
			return nil
		}
		return s.audit(ctx, tx, Actor{UserID: u.ID, OrganizationID: u.OrganizationID, Address: address}, "session.refuse", "user", u.ID, nil, nil)
	})
	if err != nil {
		return fmt.Errorf("noting a failed sign-in: %w", err)
	}
	return ErrWrongPassword
}
