package handlers

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"echolot/models"
)

const (
	// mostAdmitted bounds how many visits and how many members are remembered: 2 MB of each.
	mostAdmitted = 10_000
	// revokedWithin is how long a session or a page's settings count that nothing was heard of: another process may have changed them.
	revokedWithin = 30 * time.Second
)

// admitted remembers whose cookies were good, so that a page that needs one costs its visitors no query each time. What was refused
// is not remembered.
type admitted struct {
	store *models.Store
	// revoked counts what may have ended a session in this process; ok is false where that is not known.
	revoked func() (count int64, ok bool)

	mu      sync.Mutex
	visits  map[visitKey]time.Time // until when
	members map[[sha256.Size]byte]member
}

// visitKey is a visit under one password: another one's hash is another one.
type visitKey struct {
	page         int64
	passwordHash string
	token        [sha256.Size]byte
}

// member is who was behind a session.
type member struct {
	by      models.Actor
	at      time.Time
	revoked int64
}

// visit tells whether the token is of a visit to this page that goes on. Once it was good it is so until it is over or the page's
// password is another one, which the page as it is now says; anew has it read whatever is remembered, where that is not sure.
// Errors: models.ErrUnauthorized.
func (a *admitted) visit(ctx context.Context, p models.StatusPage, token string, anew bool) error {
	key := visitKey{p.ID, p.PasswordHash, sha256.Sum256([]byte(token))}
	a.mu.Lock()
	ends := a.visits[key]
	a.mu.Unlock()
	if !anew && time.Now().Before(ends) {
		return nil
	}
	ends, err := a.store.CheckStatusVisit(ctx, p, token)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	makeRoomIn(a.visits, key)
	a.visits[key] = ends
	return nil
}

// member is who is behind a session; anew has it read whatever is remembered. It is no use of the session.
// Errors: models.ErrUnauthorized.
func (a *admitted) member(ctx context.Context, session string, anew bool) (models.Actor, error) {
	key := sha256.Sum256([]byte(session))
	revoked, sure := a.revoked() // before it is read: what is revoked meanwhile counts
	if sure && !anew {
		a.mu.Lock()
		m := a.members[key]
		a.mu.Unlock()
		if m.revoked == revoked && time.Since(m.at) < revokedWithin {
			return m.by, nil
		}
	}
	m := member{at: time.Now(), revoked: revoked}
	var err error
	if m.by, err = a.store.Recheck(ctx, session, ""); err != nil {
		return models.Actor{}, err
	}
	if sure {
		a.mu.Lock()
		defer a.mu.Unlock()
		makeRoomIn(a.members, key)
		a.members[key] = m
	}
	return m.by, nil
}

// makeRoomIn forgets one of those that are remembered, whichever it is: it costs its owner a query.
func makeRoomIn[K comparable, V any](kept map[K]V, key K) {
	if _, known := kept[key]; known || len(kept) < mostAdmitted {
		return
	}
	for other := range kept {
		delete(kept, other)
		return
	}
}
