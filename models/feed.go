package models

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"echolot/models/events"

	"github.com/uptrace/bun"
)

const (
	// feedOverlap is how far back each read of a feed looks: a result is committed up to a minute after its check began,
	// and other processes' clocks differ from ours.
	feedOverlap = 90 * time.Second
	// feedPage is how many rows a feed reads and tells at a time.
	feedPage = 1000
	// feedLag is how many changes this process may make itself between two reads; of more some are told twice.
	feedLag = 4096
)

// Feed tells this process's bus what other processes committed: changed and deleted monitors, and the newest result of
// each. It tells everything once. One goroutine may use it; whoever made it closes it.
type Feed struct {
	store *Store
	own   *events.Subscription
	// versions are the newest ones that were told; versionGone is a deleted monitor's.
	versions map[int64]int64
	results  map[int64]feedResult
	// incidents are when the last told change of each was made.
	incidents map[int64]time.Time
	// Of monitors not yet seen, what is older than from and resultsFrom was told by others, or by nobody.
	from, resultsFrom time.Time
}

const versionGone = math.MaxInt64

type feedVersion struct {
	ID, Version int64
	UpdatedAt   time.Time
}

// feedResult is the last result of a monitor, as far as the feed must know it.
type feedResult struct {
	MonitorID, LastSlot  int64
	Since, LastCheckedAt time.Time
}

// NewFeed returns a feed of what is committed from now on.
func (s *Store) NewFeed() *Feed {
	now := s.clock()
	f := &Feed{store: s, versions: map[int64]int64{}, results: map[int64]feedResult{}, incidents: map[int64]time.Time{}, from: now, resultsFrom: now}
	f.listen()
	return f
}

// Close ends the feed.
func (f *Feed) Close() { f.own.Close() }

func (f *Feed) listen() {
	f.own = f.store.bus.Subscribe(feedLag, events.MonitorCreated, events.MonitorUpdated, events.MonitorDeleted)
}

// Read tells what was committed since the last Read; after an error the next one makes up for it. Without results it
// leaves them out, for a process that records, and so tells, all of them itself.
func (f *Feed) Read(ctx context.Context, results bool) error {
	since := f.store.clock().Add(-feedOverlap)
	if err := f.readMonitors(ctx, since); err != nil {
		return err
	}
	if err := f.readDeleted(ctx, since); err != nil {
		return err
	}
	if !results {
		f.resultsFrom = f.store.clock()
		clear(f.results)
		clear(f.incidents)
		return nil
	}
	if err := f.readResults(ctx, since); err != nil {
		return err
	}
	return f.readIncidents(ctx, since)
}

// hearOwn notes what this process told itself. It is called after reading: what we read of our own has been told by then.
func (f *Feed) hearOwn() {
	for {
		select {
		case e, ok := <-f.own.C:
			if !ok {
				f.listen()
				return
			}
			version := int64(0)
			if row, ok := e.Data.(MonitorRow); ok {
				version = row.Version
			}
			if e.Type == events.MonitorDeleted {
				version = versionGone
			}
			f.versions[e.MonitorID] = max(f.versions[e.MonitorID], version)
		default:
			return
		}
	}
}

// news tells whether a version that somebody wrote at the time is still to be told.
func (f *Feed) news(id, version int64, at time.Time) bool {
	if told, ok := f.versions[id]; ok {
		return version > told
	}
	return !at.Before(f.from)
}

func (f *Feed) readMonitors(ctx context.Context, since time.Time) error {
	var changed []feedVersion
	err := f.store.ro.NewSelect().TableExpr("monitors").Column("id", "version", "updated_at").
		Where("updated_at >= ?", since).OrderExpr("updated_at, id").Scan(ctx, &changed)
	if err != nil {
		return fmt.Errorf("reading changed monitors: %w", err)
	}
	f.hearOwn()
	var ids []int64
	for _, c := range changed {
		if f.news(c.ID, c.Version, c.UpdatedAt) {
			ids = append(ids, c.ID)
		}
	}
	for page := range slices.Chunk(ids, feedPage) {
		rows, err := f.rows(ctx, page)
		if err != nil {
			return err
		}
		var list []events.Event
		for _, row := range rows {
			t := events.MonitorUpdated
			if row.Version == 1 {
				t = events.MonitorCreated
			}
			f.versions[row.ID] = row.Version
			list = append(list, f.store.monitorEvent(t, row))
		}
		f.store.publish(list...)
	}
	return nil
}

func (f *Feed) rows(ctx context.Context, ids []int64) ([]MonitorRow, error) {
	var rows []MonitorRow
	err := f.store.ro.NewSelect().Model(&rows).ColumnExpr("m.*").ColumnExpr("c.name AS customer_name, c.public_id AS customer_public_id").ColumnExpr(stateColumns).
		Join("JOIN monitor_states AS s ON s.monitor_id = m.id AND s.location_id = ?", LocationID).
		Join("JOIN customers AS c ON c.id = m.customer_id").Where("m.id IN (?)", bun.List(ids)).OrderExpr("m.id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading monitors: %w", err)
	}
	return rows, nil
}

func (f *Feed) readDeleted(ctx context.Context, since time.Time) error {
	var deleted []deletedMonitor
	if err := f.store.ro.NewSelect().Model(&deleted).Where("deleted_at >= ?", since).OrderExpr("deleted_at, monitor_id").Scan(ctx); err != nil {
		return fmt.Errorf("reading deleted monitors: %w", err)
	}
	f.hearOwn()
	var list []events.Event
	for _, d := range deleted {
		if !f.news(d.MonitorID, versionGone, d.DeletedAt) {
			continue
		}
		f.versions[d.MonitorID] = versionGone
		delete(f.results, d.MonitorID)
		list = append(list, events.Event{Type: events.MonitorDeleted, At: d.DeletedAt, OrganizationID: d.OrganizationID, CustomerID: d.CustomerID,
			MonitorID: d.MonitorID, PublicID: d.PublicID.String()})
	}
	f.store.publish(list...)
	return nil
}

// readResults tells, of each monitor checked since the last read, its last result.
func (f *Feed) readResults(ctx context.Context, since time.Time) error {
	var checked []feedResult
	err := f.store.ro.NewSelect().TableExpr("monitor_states").Column("monitor_id", "last_slot", "since", "last_checked_at").
		Where("last_checked_at >= ?", since).Where("last_slot > 0").Where("location_id = ?", LocationID).
		OrderExpr("last_checked_at, monitor_id").Scan(ctx, &checked)
	if err != nil {
		return fmt.Errorf("reading new states: %w", err)
	}
	var ids []int64
	for _, c := range checked {
		known, ok := f.results[c.MonitorID]
		switch {
		case ok && c.LastSlot == known.LastSlot: // a clock that was set back makes slots smaller
		case !ok && c.LastCheckedAt.Before(f.resultsFrom):
			f.results[c.MonitorID] = c
		default:
			ids = append(ids, c.MonitorID)
		}
	}
	for page := range slices.Chunk(ids, feedPage) {
		recorded, err := f.newest(ctx, page)
		if err != nil {
			return err
		}
		f.store.publishRecorded(recorded)
	}
	return nil
}

// readIncidents tells what the process that records made of incidents. What this one's people wrote is told once more, which only
// makes pages look again.
func (f *Feed) readIncidents(ctx context.Context, since time.Time) error {
	var changed []Incident
	if err := f.store.ro.NewSelect().Model(&changed).Where("i.updated_at >= ?", since).OrderExpr("i.updated_at, i.id").Scan(ctx); err != nil {
		return fmt.Errorf("reading changed incidents: %w", err)
	}
	news := map[events.Type][]Incident{}
	for _, i := range changed {
		told, ok := f.incidents[i.ID]
		f.incidents[i.ID] = i.UpdatedAt
		switch {
		case ok && !i.UpdatedAt.After(told), !ok && i.UpdatedAt.Before(f.resultsFrom):
		case !i.Open():
			news[events.IncidentClosed] = append(news[events.IncidentClosed], i)
		case ok || i.ConfirmedAt.Before(f.resultsFrom):
			news[events.IncidentChanged] = append(news[events.IncidentChanged], i)
		default:
			news[events.IncidentOpened] = append(news[events.IncidentOpened], i)
		}
	}
	for id, at := range f.incidents {
		if at.Before(since) { // it is not read again
			delete(f.incidents, id)
		}
	}
	for _, kind := range []events.Type{events.IncidentOpened, events.IncidentChanged, events.IncidentClosed} {
		if len(news[kind]) == 0 {
			continue
		}
		told, err := f.store.incidentEvents(ctx, f.store.ro, news[kind], kind)
		if err != nil {
			return err
		}
		f.store.publish(told...)
	}
	return nil
}

// newest reads the last results of the monitors, and notes them.
func (f *Feed) newest(ctx context.Context, ids []int64) ([]Recorded, error) {
	rows, err := f.rows(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]MonitorRow, len(rows))
	first, last := int64(math.MaxInt64), int64(0)
	for _, row := range rows {
		byID[row.ID] = row
		first, last = min(first, row.State.LastSlot), max(last, row.State.LastSlot)
	}
	var results []resultRow
	err = f.store.ro.NewSelect().Model(&results).Where("r.monitor_id IN (?)", bun.List(ids)).Where("r.location_id = ?", LocationID).
		Where("r.slot BETWEEN ? AND ?", first, last). // for Postgres, to look into no other days
		Join("JOIN monitor_states AS s ON s.monitor_id = r.monitor_id AND s.location_id = r.location_id AND s.last_slot = r.slot").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading new results: %w", err)
	}
	recorded := make([]Recorded, 0, len(results))
	for _, r := range results {
		row, ok := byID[r.MonitorID]
		if !ok || row.State.LastSlot != r.Slot {
			continue // the next one was recorded between the two queries; the next read tells it
		}
		st := row.State
		// A state begins with the check that found it.
		changed := st.Since.Equal(st.LastCheckedAt)
		if known, ok := f.results[r.MonitorID]; ok {
			changed = !st.Since.Equal(known.Since)
		}
		f.results[r.MonitorID] = feedResult{MonitorID: r.MonitorID, LastSlot: st.LastSlot, Since: st.Since, LastCheckedAt: st.LastCheckedAt}
		recorded = append(recorded, Recorded{Monitor: row, Result: r.result(), Changed: changed})
	}
	return recorded, nil
}
