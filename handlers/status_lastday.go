package handlers

import (
	"context"
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
	store *models.Store
	mu    sync.Mutex
	pages map[int64]*lastDay
}

// lastDay is one page's. Who finds it too old reads it again; the others wait for that.
type lastDay struct {
	mu      sync.Mutex
	version int64
	at      time.Time // when it was tried
	uptimes map[uuid.UUID]models.Uptime
	err     error
}

// of returns the uptimes by component. Where they can not be read, the old ones are returned as long as there are any.
func (l *lastDays) of(ctx context.Context, p models.StatusPage) (map[uuid.UUID]models.Uptime, error) {
	now := time.Now()
	l.mu.Lock()
	for id, d := range l.pages { // few: those asked for within an hour
		if d.mu.TryLock() {
			old := now.Sub(d.at) > time.Hour
			d.mu.Unlock()
			if old {
				delete(l.pages, id)
			}
		}
	}
	d := l.pages[p.ID]
	if d == nil {
		d = new(lastDay)
		l.pages[p.ID] = d
	}
	l.mu.Unlock()

	d.mu.Lock()
	defer d.mu.Unlock()
	age, now := lastDayAge, time.Now()
	if d.err != nil {
		age = lastDayPause
	}
	if d.version == p.Version && now.Sub(d.at) < age {
		if d.uptimes == nil {
			return nil, d.err
		}
		return d.uptimes, nil
	}
	uptimes, err := l.store.UnscopedStatusLastDay(ctx, p)
	if err == nil || d.version != p.Version {
		d.uptimes = uptimes
	}
	d.version, d.at, d.err = p.Version, time.Now(), err
	if d.uptimes == nil {
		return nil, err
	}
	return d.uptimes, nil
}
