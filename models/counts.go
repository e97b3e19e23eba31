package models

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Counts are the numbers of monitors by state.
type Counts struct {
	Up       int `json:"up"`
	Degraded int `json:"degraded"`
	Down     int `json:"down"`
	Unknown  int `json:"unknown"`
	Paused   int `json:"paused"`
	Pending  int `json:"pending"`
	// Maintenance are among the others. DownSince is when the one that is down longest went down; zero = none is.
	Maintenance int `json:"-"`
	// Unmeasured are the unknown ones that could not be measured three times in a row or more.
	Unmeasured int       `json:"-"`
	DownSince  time.Time `json:"-"`
	// OpenIncidents is the number of incidents that have not ended.
	OpenIncidents int `json:"-"`
}

// field is where the state is counted, nil for a word that is no state.
func (c *Counts) field(s State) *int {
	switch s {
	case StateUp:
		return &c.Up
	case StateDegraded:
		return &c.Degraded
	case StateDown:
		return &c.Down
	case StateUnknown:
		return &c.Unknown
	case StatePaused:
		return &c.Paused
	case StatePending:
		return &c.Pending
	default:
		return nil
	}
}

// Of is the number of monitors in the state.
func (c Counts) Of(s State) int {
	if n := c.field(s); n != nil {
		return *n
	}
	return 0
}

// Total is the number of all monitors.
func (c Counts) Total() int {
	return c.Up + c.Degraded + c.Down + c.Unknown + c.Paused + c.Pending
}

// Counts returns the numbers of the monitors that the actor sees, by state. Errors: ErrForbidden, *Invalid.
func (s *Store) Counts(ctx context.Context, by Actor) (Counts, error) {
	if err := by.check(MayRead); err != nil {
		return Counts{}, err
	}
	key := ""
	if by.Limited {
		key = fmt.Sprint(slices.Sorted(slices.Values(by.CustomerIDs)))
	}
	if counts, ok := s.counts.get(by.OrganizationID, key); ok {
		return counts, nil
	}
	generation := s.counts.generation(by.OrganizationID)
	var rows []struct {
		State       State
		N           int
		Maintenance int
		Unmeasured  int
		Since       time.Time
	}
	q := s.ro.NewSelect().TableExpr("monitor_states AS s").
		ColumnExpr("s.state, count(*) AS n, sum(CASE WHEN s.rank = ? THEN 1 ELSE 0 END) AS maintenance, min(s.since) AS since", Rank(StatusMaintenance, StateUp, false)).
		ColumnExpr("sum(CASE WHEN s.unknown_in_row >= ? THEN 1 ELSE 0 END) AS unmeasured", NoticeAfter).
		Where("s.organization_id = ?", by.OrganizationID).GroupExpr("s.state")
	if by.Limited {
		q = visible(q.Join("JOIN monitors AS m ON m.id = s.monitor_id").Join("JOIN customers AS c ON c.id = m.customer_id"), by)
	}
	if err := q.Scan(ctx, &rows); err != nil {
		return Counts{}, fmt.Errorf("counting monitors: %w", err)
	}
	var counts Counts
	for _, r := range rows {
		if n := counts.field(r.State); n != nil {
			*n = r.N
		}
		counts.Maintenance += r.Maintenance
		counts.Unmeasured += r.Unmeasured
		if r.State == StateDown {
			counts.DownSince = r.Since
		}
	}
	var err error
	if counts.OpenIncidents, err = s.openIncidents(ctx, by); err != nil {
		return Counts{}, err
	}
	s.counts.put(by.OrganizationID, key, generation, counts)
	return counts, nil
}

// countsCache keeps counters until something of their organization changes. Counting 10,000 monitors for each page
// would be most of the page's time.
type countsCache struct {
	mu   sync.Mutex
	gens map[int64]int64
	kept map[int64]map[string]Counts
}

func (c *countsCache) get(organization int64, key string) (Counts, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts, ok := c.kept[organization][key]
	return counts, ok
}

// generation grows with every drop: what was counted before a drop is not kept after it.
func (c *countsCache) generation(organization int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gens[organization]
}

func (c *countsCache) put(organization int64, key string, generation int64, counts Counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gens[organization] != generation {
		return
	}
	if c.kept == nil {
		c.kept = map[int64]map[string]Counts{}
	}
	if c.kept[organization] == nil || len(c.kept[organization]) > 1000 {
		c.kept[organization] = map[string]Counts{}
	}
	c.kept[organization][key] = counts
}

func (c *countsCache) drop(organization int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gens == nil {
		c.gens = map[int64]int64{}
	}
	c.gens[organization]++
	delete(c.kept, organization)
}
