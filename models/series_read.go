package models

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
)

// SeriesRange chooses what Series returns.
type SeriesRange struct {
	// From and To bound the range; To is cut at now.
	From, To time.Time
	// Step is the length of the buckets: EachCheck, a fine one (5, 10, 15, 30 or 60 s) where results are still there, or a multiple of
	// 5 minutes. 0 chooses the shortest that makes no more than Points buckets and that history of this age is kept in; short ranges
	// get each check.
	Step time.Duration
	// Points is the most buckets that a Step of 0 makes; 0 = 600, at most MaxPoints.
	Points int
}

const (
	// EachCheck is the Step of a series that has a bucket for each check.
	EachCheck time.Duration = -1
	// MaxPoints is the most buckets of a series.
	MaxPoints     = 20_000
	defaultPoints = 600
	// mostTail bounds the results that are read because they are not rolled up yet: those of two days, one a second. More are
	// behind only for minutes after an update or a long stop.
	mostTail = 200_000
)

// seriesSteps are the steps that Series chooses from, in minutes: those that people can read a time axis in.
var seriesSteps = [...]int64{5, 10, 15, 20, 30, 60, 2 * 60, 3 * 60, 4 * 60, 6 * 60, 12 * 60, 24 * 60, 2 * 24 * 60, 7 * 24 * 60, 14 * 24 * 60, 28 * 24 * 60}

// Series returns the monitor's history over the range. Buckets begin at multiples of the step since 1970 UTC, so the first one may
// begin before From. What was measured since the last roll-up is in it. Errors: ErrForbidden, *NotFound, *Invalid where the range
// is empty or has more than MaxPoints buckets.
func (s *Store) Series(ctx context.Context, by Actor, id uuid.UUID, r SeriesRange) (Series, error) {
	m, err := s.Monitor(ctx, by, id)
	if err != nil {
		return Series{}, err
	}
	return s.seriesOf(ctx, m, r)
}

func (s *Store) seriesOf(ctx context.Context, m MonitorRow, r SeriesRange) (_ Series, err error) {
	now := s.clock()
	if r.To.After(now) {
		r.To = now
	}
	if !r.From.Before(r.To) {
		return Series{}, invalid("startDate", "startDate must be before endDate, and not in the future")
	}
	step := r.Step
	if step == 0 {
		if step, err = s.chooseStep(ctx, m, r, now); err != nil {
			return Series{}, err
		}
	}
	if r.Step == 0 && step == 5*time.Minute {
		if step, err = s.finerStep(ctx, m, r); err != nil {
			return Series{}, err
		}
	}
	out := Series{From: r.From.UTC(), To: r.To.UTC()}
	from, to := r.From.UnixMilli(), ceilMilli(r.To)
	if step == EachCheck {
		out.Buckets, err = s.eachCheck(ctx, m.ID, from, to, now.UnixMilli())
		return out, err
	}
	millis := step.Milliseconds()
	if slices.Contains(fineSteps[:], step) {
		out.Step = step
		out.Buckets, err = s.fineSeries(ctx, m, floorTo(from, millis), to, step, now.UnixMilli())
		return out, err
	}
	if millis <= 0 || millis%level5m.step() != 0 || step%time.Millisecond != 0 {
		return Series{}, invalid("granularity", "the step must be a multiple of 5 minutes")
	}
	from = floorTo(from, millis)
	if (to-from)/millis >= MaxPoints {
		return Series{}, invalid("granularity", fmt.Sprintf("the range has more than %d steps", MaxPoints))
	}
	out.Step = step
	list, err := s.history(ctx, m, from, to, millis, now.UnixMilli())
	if err != nil {
		return Series{}, err
	}
	list = grouped(list, millis)
	out.Buckets = make([]Bucket, len(list))
	for i := range list {
		out.Buckets[i] = list[i].bucket(step)
	}
	return out, nil
}

func ceilMilli(t time.Time) int64 { return t.Add(time.Millisecond - 1).UnixMilli() }

// chooseStep is the step of a range that names none.
func (s *Store) chooseStep(ctx context.Context, m MonitorRow, r SeriesRange, now time.Time) (time.Duration, error) {
	points := min(r.Points, MaxPoints)
	if points <= 0 {
		points = defaultPoints
	}
	length, interval := r.To.Sub(r.From), m.Interval()
	if length <= time.Duration(points)*interval {
		if kept, err := s.resultsKept(ctx, m, r.From); err != nil || kept {
			return EachCheck, err
		}
	}
	least := interval
	switch days := now.Sub(r.From).Hours() / 24; {
	case days > keep1h:
		least = max(least, 24*time.Hour)
	case days > keep5m:
		least = max(least, time.Hour)
	}
	for _, minutes := range seriesSteps {
		step := time.Duration(minutes) * time.Minute
		if step >= least && length <= time.Duration(points)*step {
			return step, nil
		}
	}
	week := 7 * 24 * time.Hour
	return week * time.Duration(math.Ceil(float64(length)/float64(time.Duration(points)*week))), nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// history reads tallies, in order of time, of steps that divide the step: days, then hours, then 5 minutes of what is not rolled
// up yet. from is a multiple of the step.
func (s *Store) history(ctx context.Context, m MonitorRow, from, to, step, now int64) ([]tally, error) {
	to = floorTo(to+step-1, step)
	rolled := min(floorTo(m.State.RolledUntil, hourMillis), to)
	var ids []int64
	levels := [...]level{level1d, level1h, level5m}
	bounds := [len(levels)][2]int64{}
	at := from
	for i, l := range levels {
		end := floorTo(rolled, l.step())
		if step%l.step() != 0 || end <= at {
			continue
		}
		ids = packIDs(ids, m.ID, l, m.State.LocationID, at, end)
		bounds[i] = [2]int64{at, end}
		at = end
	}
	stored, err := s.packs(ctx, ids, true)
	if err != nil {
		return nil, err
	}
	var list []tally
	for i, l := range levels {
		for j := range stored {
			if level(stored[j].ID>>30&3) == l && bounds[i][1] > 0 {
				list = append(list, s.unpackRow(&stored[j], bounds[i][0], bounds[i][1])...)
			}
		}
	}
	if at = max(at, from); at < to {
		rows, err := s.resultsFrom(ctx, m.ID, at, mostTail)
		if err != nil {
			return nil, err
		}
		list = append(list, tallies(rows, at, to, level5m.step(), min(to, now))...)
	}
	return list, nil
}

// eachCheck returns a bucket for each check whose slot is in [from, to).
func (s *Store) eachCheck(ctx context.Context, monitor, from, to, now int64) ([]Bucket, error) {
	rows, err := s.resultRows(ctx, monitor, "slot >= ? AND slot < ? ORDER BY slot LIMIT ?", from, to, MaxPoints+1)
	if err != nil {
		return nil, err
	}
	if len(rows) > MaxPoints {
		return nil, invalid("granularity", fmt.Sprintf("the range has more than %d checks", MaxPoints))
	}
	n := len(rows)
	if n > 0 { // later ones may set a trouble back
		after, err := s.resultRows(ctx, monitor, "slot >= ? ORDER BY slot LIMIT 100", to)
		if err != nil {
			return nil, err
		}
		rows = append(rows, after...)
	}
	list := make([]tally, n)
	for i := range list {
		list[i].start = rows[i].Slot
		list[i].count(&rows[i])
	}
	for _, span := range timeline(rows, now) {
		if span.row < n {
			list[span.row].spend(span.state, span.maintenance, span.to-span.from)
		}
	}
	buckets := make([]Bucket, n)
	for i := range list {
		buckets[i] = list[i].bucket(time.Duration(rows[i].IntervalSeconds) * time.Second)
		buckets[i].Start = rows[i].result().StartedAt()
	}
	return slices.Clip(buckets), nil
}

// FinestStep is the shortest step that the monitor's history of the range is kept in: EachCheck for seven days at most that results
// are still there of. Errors: ErrForbidden, *NotFound.
func (s *Store) FinestStep(ctx context.Context, by Actor, id uuid.UUID, from, to time.Time) (time.Duration, error) {
	m, err := s.Monitor(ctx, by, id)
	if err != nil {
		return 0, err
	}
	if to.Sub(from) <= 7*24*time.Hour {
		kept, err := s.resultsKept(ctx, m, from)
		if err != nil || kept {
			return EachCheck, err
		}
	}
	switch days := s.clock().Sub(from).Hours() / 24; {
	case days > keep1h:
		return 24 * time.Hour, nil
	case days > keep5m:
		return time.Hour, nil
	}
	return 5 * time.Minute, nil
}

// resultsKept tells whether no result since then is deleted already.
func (s *Store) resultsKept(ctx context.Context, m MonitorRow, from time.Time) (bool, error) {
	oldest, err := s.resultRows(ctx, m.ID, "slot >= 0 ORDER BY slot LIMIT 1")
	if err != nil || len(oldest) == 0 {
		return false, err
	}
	return oldest[0].Slot <= later(from, m.CreatedAt).Add(2*m.Interval()).UnixMilli(), nil
}
