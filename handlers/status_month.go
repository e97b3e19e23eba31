package handlers

import (
	"net/http"
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

// monthKey is a month of a page as it was at one version of it.
type monthKey struct {
	page, version int64
	month         string
}

// statusMonths keeps what pages told of months, so that many visitors cost as many queries as one. The zero value is empty.
type statusMonths struct {
	mu   sync.Mutex
	kept map[monthKey]*keptMonth
}

type keptMonth struct {
	mu   sync.Mutex
	at   time.Time
	list []models.StatusNotice
}

// of returns the month, read by whoever comes first; those who come meanwhile wait for it. Nobody writes to what it returns.
func (m *statusMonths) of(key monthKey, read func() ([]models.StatusNotice, error)) ([]models.StatusNotice, error) {
	m.mu.Lock()
	k := m.kept[key]
	if k == nil {
		if m.kept == nil || len(m.kept) >= mostMonths {
			m.kept = make(map[monthKey]*keptMonth)
		}
		k = new(keptMonth)
		m.kept[key] = k
	}
	m.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.at.IsZero() && time.Since(k.at) < monthAge {
		return k.list, nil
	}
	list, err := read()
	if models.IsUnavailable(err) && !k.at.IsZero() {
		return k.list, nil // the database is away; the page stays, and its board says how old it is
	}
	if err != nil {
		return nil, err
	}
	k.at, k.list = time.Now(), list
	return list, nil
}

// showStatusMonth shows what a page told of a month. Months to come are there as far as maintenance is announced in them.
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
	list, err := s.months.of(monthKey{p.ID, p.Version, month.Format(monthForm)}, func() ([]models.StatusNotice, error) {
		return s.Store.UnscopedStatusMonth(c.UserContext(), p, month.Year(), month.Month())
	})
	if err != nil {
		return err
	}
	language := s.words.Best(c.Query("lang"), c.Get(fiber.HeaderAcceptLanguage), p.Language)
	m := views.StatusMonthPage{StatusPage: s.statusView(c, p, board, language), Month: month, Notices: list}
	if away < oldestMonth {
		m.Earlier = month.AddDate(0, -1, 0).Format(monthForm)
	}
	if away > 0 {
		m.Later = month.AddDate(0, 1, 0).Format(monthForm)
	}
	askAgain(c, p)
	c.Vary(fiber.HeaderAcceptLanguage)
	return draw(c, http.StatusOK, views.StatusMonth(m))
}
