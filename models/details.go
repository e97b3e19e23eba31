package models

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

// DetailsRange chooses what Details tells of.
type DetailsRange struct {
	// From and To bound the range, which is cut at now.
	From, To time.Time
	// Step is that of the series; see SeriesRange.
	Step time.Duration
	// ExcludeMaintenance leaves out of uptime what people had announced.
	ExcludeMaintenance bool
}

// Summary is a monitor's uptime in a time, and how fast it answered.
type Summary struct {
	Uptime
	// RTTAvg is the average of all Replies; 0 without one.
	RTTAvg  time.Duration
	Replies int
}

// Details is all that is told of one monitor.
type Details struct {
	// At is when it was read.
	At      time.Time
	Monitor MonitorRow
	// Checks are the newest DetailsChecks, newest first.
	Checks []Result
	// Day, Month and Year are the last 24 hours, 30 and 365 days, as far as the monitor was there already; Range is the range.
	Day, Month, Year, Range Summary
	// Series is the range's history. Where each check was asked for its Buckets are empty, and Raw has the checks, oldest first.
	Series Series
	Raw    []StoredCheck
	// Incidents are those that were open at some time in the range, newest first.
	Incidents []IncidentRow
}

// DetailsChecks is how many checks Details lists.
const DetailsChecks = 50

const day = 24 * time.Hour

// Details returns all that is told of one monitor. Errors: ErrForbidden, *NotFound, *Invalid where the range is empty or has more
// than MaxPoints steps or checks.
func (s *Store) Details(ctx context.Context, by Actor, id uuid.UUID, r DetailsRange) (Details, error) {
	m, err := s.Monitor(ctx, by, id)
	if err != nil {
		return Details{}, err
	}
	d := Details{At: s.clock(), Monitor: m}
	if r.To.After(d.At) {
		r.To = d.At
	}
	if !r.From.Before(r.To) {
		return Details{}, invalid("startDate", "startDate must be before endDate, and not in the future")
	}
	if d.Checks, err = s.checksOf(ctx, m, time.Time{}, DetailsChecks); err != nil {
		return Details{}, err
	}
	if err := s.summaries(ctx, m, r, &d); err != nil {
		return Details{}, err
	}
	if err := s.detailsHistory(ctx, by, id, r, &d); err != nil {
		return Details{}, err
	}
	d.Incidents, err = s.IncidentsBetween(ctx, by, id, r.From, r.To)
	slices.Reverse(d.Incidents)
	return d, err
}

// summaries fills in the four times that are summed up. What is not rolled up yet is read once for all of them.
func (s *Store) summaries(ctx context.Context, m MonitorRow, r DetailsRange, d *Details) error {
	tail, err := s.resultsFrom(ctx, m.ID, floorTo(m.State.RolledUntil, hourMillis), mostTail)
	if err != nil {
		return err
	}
	oldest, err := s.oldestResult(ctx, m.ID)
	if err != nil {
		return err
	}
	summary := func(from, to time.Time) (Summary, error) {
		w := windowOf(m.CreatedAt, m.State.RolledUntil, from, to, d.At, oldest)
		sum, err := s.sum(ctx, m.ID, w, tail, true)
		out := Summary{Uptime: sum.uptime(w.from, w.to, r.ExcludeMaintenance), Replies: int(sum.rtts.n)}
		if out.Replies > 0 {
			out.RTTAvg = time.Duration(float64(sum.rtts.sum) / float64(sum.rtts.n) * float64(time.Microsecond))
		}
		return out, err
	}
	for _, one := range []struct {
		into *Summary
		span time.Duration
	}{{&d.Day, day}, {&d.Month, 30 * day}, {&d.Year, 365 * day}} {
		from := later(d.At.Add(-one.span), m.CreatedAt) // before there was a monitor nothing could be measured
		if !from.Before(d.At) {
			from = d.At.Add(-time.Millisecond)
		}
		if *one.into, err = summary(from, d.At); err != nil {
			return err
		}
	}
	d.Range, err = summary(r.From, r.To)
	return err
}

// detailsHistory fills in the range's history.
func (s *Store) detailsHistory(ctx context.Context, by Actor, id uuid.UUID, r DetailsRange, d *Details) (err error) {
	if r.Step != EachCheck {
		d.Series, err = s.seriesOf(ctx, d.Monitor, SeriesRange{From: r.From, To: r.To, Step: r.Step})
		return err
	}
	d.Series = Series{From: r.From.UTC(), To: r.To.UTC()}
	if d.Raw, err = s.StoredChecks(ctx, by, id, r.From, r.To, mostDetails+1); err != nil {
		return err
	}
	if len(d.Raw) > mostDetails {
		return invalid("granularity", "the range has more than 10000 checks; ask for less, or for the export")
	}
	return nil
}

// mostDetails bounds the checks of one answer: they are all in memory at once.
const mostDetails = 10_000
