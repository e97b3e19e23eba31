package handlers

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// monthForm is how an address names a month.
const monthForm = "2006-01"

// oldestMonth is how far back a page's months go: nobody tells of what was before, and an address is no way to make the database work.
const oldestMonth = 10 * 12

const (
	// monthAge is how old a month may be that visitors read: what operators change shows at once, what is measured a moment later.
	monthAge = 10 * time.Second
	// mostMonths bounds the months that are kept.
	mostMonths = 500
)

// monthKey is a month of a page.
type monthKey struct {
	page  int64
	month string
}

// statusMonths keeps what pages told of months, so that many visitors cost as many queries as one.
type statusMonths struct {
	shared *sharedReads
	mu     sync.Mutex
	kept   map[monthKey]keptMonth
}

// keptMonth is a month as it was at one version of the page.
type keptMonth struct {
	toldMonth
	version int64
	at      time.Time
}

// toldMonth is what a page told of a month. first is when the page's months begin, where that was asked for.
type toldMonth struct {
	list  []models.StatusNotice
	first time.Time
}

// of returns the month as it is at the version of its page, read by whoever comes first; those who come meanwhile wait for it. Nobody
// writes to what it returns.
func (m *statusMonths) of(ctx context.Context, key monthKey, version int64, read func(context.Context) (toldMonth, error)) (toldMonth, error) {
	m.mu.Lock()
	k, known := m.kept[key]
	m.mu.Unlock()
	known = known && k.version == version
	if known && time.Since(k.at) < monthAge {
		return k.toldMonth, nil
	}
	told, err := shareRead(ctx, m.shared, fmt.Sprintf("month %d %d %s", key.page, version, key.month), func(ctx context.Context) (toldMonth, error) {
		told, err := read(ctx)
		if err == nil {
			m.keep(key, keptMonth{told, version, time.Now()})
		}
		return told, err
	})
	if models.IsUnavailable(err) && known {
		return k.toldMonth, nil // the database is away; the page stays, and its board says how old it is
	}
	return told, err
}

// keep notes a month. What was read longest ago gives way.
func (m *statusMonths) keep(key monthKey, k keptMonth) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, known := m.kept[key]
	if known && old.version > k.version { // a read of before the change
		return
	}
	if !known && len(m.kept) >= mostMonths {
		oldest := key
		for other, of := range m.kept {
			if oldest == key || of.at.Before(m.kept[oldest].at) {
				oldest = other
			}
		}
		delete(m.kept, oldest)
	}
	m.kept[key] = k
}

// showStatusMonth shows what a page told of a month, from its first one on. Months to come are there as far as maintenance is announced in them.
func (s *Server) showStatusMonth(c *fiber.Ctx) error {
	p, err := s.openStatusPage(c)
	if err != nil {
		return err
	}
	zone := p.Zone()
	month, err := time.ParseInLocation(monthForm, c.Params("month"), zone)
	now := time.Now().In(zone)
	away := (now.Year()-month.Year())*12 + int(now.Month()) - int(month.Month())
	if err != nil || away > oldestMonth || away < -12 {
		return &models.NotFound{What: "Month"}
	}
	board, err := s.statusBoard(c, p)
	if err != nil {
		return err
	}
	told, err := s.months.of(c.UserContext(), monthKey{p.ID, month.Format(monthForm)}, p.Version, func(ctx context.Context) (told toldMonth, err error) {
		if told.first, err = s.Store.UnscopedStatusFirst(ctx, p); err == nil {
			told.list, err = s.Store.UnscopedStatusMonth(ctx, p, month.Year(), month.Month())
		}
		return told, err
	})
	if err != nil {
		return err
	}
	if !told.first.Before(month.AddDate(0, 1, 0)) {
		return &models.NotFound{What: "Month"}
	}
	language := s.words.Best(c.Query("lang"), c.Get(fiber.HeaderAcceptLanguage), p.Language)
	m := views.StatusMonthPage{StatusPage: s.statusView(c, p, board, language), Month: month, Notices: slices.Clone(told.list)}
	for i, n := range m.Notices { // how what is open is now, the board knows
		if at := slices.IndexFunc(board.Open, func(open models.StatusNotice) bool { return open.ID == n.ID }); at >= 0 {
			m.Notices[i] = board.Open[at]
		}
	}
	if away < oldestMonth && told.first.Before(month) {
		m.Earlier = month.AddDate(0, -1, 0).Format(monthForm)
	}
	if away > 0 {
		m.Later = month.AddDate(0, 1, 0).Format(monthForm)
	}
	askAgain(c, p)
	c.Vary(fiber.HeaderAcceptLanguage)
	return draw(c, http.StatusOK, views.StatusMonth(m))
}
