package handlers

import (
	"context"
	"time"

	"echolot/models"
	"echolot/views"
)

const (
	// staleAge is when a page that can not be read anew says how old it is.
	staleAge = 15 * time.Second
	// viewIdle is how long a language's drawing is kept that nobody asks for.
	viewIdle = 10 * time.Minute
)

// viewKey is what a page has a drawing of its own for.
type viewKey struct{ language, base string }

// statusView is a page's drawing in one language, and who watches it.
type statusView struct {
	gen      int
	now      *drawing
	past     []drawnParts // what visitors may still see who connect in a moment, oldest first
	visitors map[*client]struct{}
	asked    time.Time
	sent     int // bytes of the last update
}

// drawingOf is the page's drawing for the key, drawn now where there is none of what it shows.
func (s *statusPages) drawingOf(ctx context.Context, page models.StatusPage, key viewKey) (*drawing, error) {
	e, err := s.current(ctx, page)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	s.mu.Lock()
	s.age(e, now)
	v := e.views[key]
	if v == nil {
		v = &statusView{gen: -1, visitors: map[*client]struct{}{}}
		e.views[key] = v
	}
	v.asked = now
	if v.gen == e.gen {
		defer s.mu.Unlock()
		return v.now, nil
	}
	s.mu.Unlock()
	return s.drawView(e, key, v), nil
}

// age has the page say how old it is, once it is too old or newer results are known to wait. It needs the lock.
func (s *statusPages) age(e *statusEntry, now time.Time) {
	if e.board == nil {
		return
	}
	delay, silent := e.board.Delay, e.board.Silent
	known := s.delay(now)
	if known == "" && now.Sub(e.read) >= s.staleAge {
		known = models.DelayReading
	}
	if e.board.SettleAge(now, known); e.board.Delay != delay || e.board.Silent != silent {
		e.gen++
	}
}

// delay is what this process knows of results that are not where pages are read from.
func (s *statusPages) delay(now time.Time) models.StatusDelay {
	if s.storage == nil || s.standby != nil && s.standby() {
		return "" // a standby's results are not the newest
	}
	// What waits without a refusal is only gathered, or its checks took long.
	if f := s.storage(); f.SpoolResults > 0 || f.Failing && f.Behind(now) > 0 {
		return models.DelayStoring
	}
	return ""
}

// redraw draws the page in all that it is watched in, and tells visitors. What nobody watches is drawn when it is asked for.
func (s *statusPages) redraw(e *statusEntry) {
	s.mu.Lock()
	watched, now := map[viewKey]*statusView{}, time.Now()
	for key, v := range e.views {
		if len(v.visitors) > 0 {
			watched[key] = v
		} else if now.Sub(v.asked) > viewIdle {
			delete(e.views, key)
		}
	}
	s.mu.Unlock()
	for key, v := range watched {
		s.drawView(e, key, v)
	}
}

// drawView draws one view, if nobody else just did, and hands its visitors what changed.
func (s *statusPages) drawView(e *statusEntry, key viewKey, v *statusView) *drawing {
	e.drawing.Lock()
	defer e.drawing.Unlock()
	s.mu.Lock()
	gen, old, page := e.gen, v.now, e.page
	p := views.StatusPage{Board: *e.board, Language: key.language, Words: s.words.In(key.language), Assets: s.assets, Base: key.base, Stream: true}
	if page.Visibility == models.VisibleLink {
		p.Key = page.LinkToken
	}
	fresh := v.gen == gen
	s.mu.Unlock()
	if fresh {
		return old
	}
	d := drawStatus(p, old)
	s.mu.Lock()
	defer s.mu.Unlock()
	v.gen, v.now = gen, d // also where its parts are as before: read as a whole, it says how long an incident lasts
	if old == nil {
		return d
	}
	update := d.update(old)
	if len(update) == 0 {
		return d
	}
	if d.version != old.version {
		v.past = append(v.past, old.drawnParts)
		v.past = v.past[max(0, len(v.past)-mostPast):]
	}
	v.sent = len(update)
	s.hand(v, update)
	return d
}
