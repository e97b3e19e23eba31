package handlers

import (
	"context"
	"fmt"
	"sync"
	"time"

	"echolot/models"
)

// mostLogos bounds the logos that are kept: 6.4 MB.
const mostLogos = 64

// statusLogos keeps the logos that visitors ask for.
type statusLogos struct {
	store  *models.Store
	shared *sharedReads
	mu     sync.Mutex
	kept   map[int64]*statusLogo
}

// statusLogo is a page's logo at one SettingsVersion of the page. It does not change.
type statusLogo struct {
	version int64
	at      time.Time
	kind    string
	picture []byte
}

// of returns the page's logo, read once for all who ask. Nobody writes to it. Errors: *models.NotFound where it has none.
func (l *statusLogos) of(ctx context.Context, p models.StatusPage) (*statusLogo, error) {
	if p.LogoType == "" {
		return nil, &models.NotFound{What: "Logo"}
	}
	version := p.SettingsVersion()
	l.mu.Lock()
	logo := l.kept[p.ID]
	l.mu.Unlock()
	if logo != nil && logo.version == version {
		return logo, nil
	}
	return shareRead(ctx, l.shared, fmt.Sprintf("logo %d %d", p.ID, version), func(ctx context.Context) (*statusLogo, error) {
		picture, kind, err := l.store.UnscopedStatusLogo(ctx, p)
		if err != nil {
			return nil, err
		}
		logo := &statusLogo{version, time.Now(), kind, picture}
		l.keep(p.ID, logo)
		return logo, nil
	})
}

// keep notes a logo. The one that was read longest ago gives way.
func (l *statusLogos) keep(page int64, logo *statusLogo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.kept[page]
	if old != nil && old.version > logo.version {
		return
	}
	if old == nil && len(l.kept) >= mostLogos {
		oldest := page
		for id, other := range l.kept {
			if oldest == page || other.at.Before(l.kept[oldest].at) {
				oldest = id
			}
		}
		delete(l.kept, oldest)
	}
	l.kept[page] = logo
}
