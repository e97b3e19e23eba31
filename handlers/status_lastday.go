package handlers

import (
	"context"
	"fmt"
	"sync"
	"time"

	"echolot/models"

	"github.com/google/uuid"
)

// lastDayAge is how long the uptimes of the last day are kept: they move by a fifteenth of a per mille in it. lastDayPause is how
// long after a trouble they are not asked for again.
const (
	lastDayAge   = time.Minute
	lastDayPause = 5 * time.Second
)

// lastDays keeps the last day's uptimes of the pages whose badges are asked for, so that the database does not notice how many ask.
type lastDays struct {
	store  *models.Store
	shared *sharedReads
	mu     sync.Mutex
	pages  map[int64]*lastDay
}

// lastDay is one page's, as it was when it was tried. It does not change: another one takes its place.
type lastDay struct {
	version int64
	at      time.Time // when it was tried
	uptimes map[uuid.UUID]models.Uptime
	err     error
}

// of returns the uptimes by component. Where they can not be read, the old ones are returned as long as there are any.
func (l *lastDays) of(ctx context.Context, p models.StatusPage) (map[uuid.UUID]models.Uptime, error) {
	d := l.kept(p)
	if d == nil || time.Since(d.at) >= d.age() {
		read, err := shareRead(ctx, l.shared, fmt.Sprintf("last day %d %d", p.ID, p.Version), func(ctx context.Context) (*lastDay, error) {
			uptimes, err := l.store.UnscopedStatusLastDay(ctx, p)
			return l.keep(p, uptimes, err), nil
		})
		switch {
		case err == nil:
			d = read
		case d == nil:
			return nil, err
		}
	}
	if d.uptimes == nil {
		return nil, d.err
	}
	return d.uptimes, nil
}

// age is how old it may become.
func (d *lastDay) age() time.Duration {
	if d.err != nil {
		return lastDayPause
	}
	return lastDayAge
}

// kept is what is known of the page as it is; nil = nothing.
func (l *lastDays) kept(p models.StatusPage) *lastDay {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.pages[p.ID]; d != nil && d.version == p.Version {
		return d
	}
	return nil
}

// keep notes what a read brought; after a bad one the uptimes stay as they were. What was tried longest ago gives way.
func (l *lastDays) keep(p models.StatusPage, uptimes map[uuid.UUID]models.Uptime, err error) *lastDay {
	d := &lastDay{version: p.Version, at: time.Now(), uptimes: uptimes, err: err}
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.pages[p.ID]
	switch {
	case old == nil:
		oldest := p.ID
		for id, other := range l.pages {
			if oldest == p.ID || other.at.Before(l.pages[oldest].at) {
				oldest = id
			}
		}
		if len(l.pages) >= mostStatusPages {
			delete(l.pages, oldest)
		}
	case old.version > p.Version: // a read of before the change
		return d
	case err != nil && old.version == p.Version:
		d.uptimes = old.uptimes
	}
	l.pages[p.ID] = d
	return d
}
