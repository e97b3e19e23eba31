package models

import (
	"context"
	"time"
)

// fineSteps are shorter than what roll-ups are kept in: buckets of them are made from results. They are for monitors that are
// checked so often that an hour has more checks than a chart has room for.
var fineSteps = [...]time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute}

// finerStep is the fine step of a range that five minutes are coarser for than need be: five minutes where there is none, or where
// a result of the range is deleted already.
func (s *Store) finerStep(ctx context.Context, m MonitorRow, r SeriesRange) (time.Duration, error) {
	points := min(r.Points, MaxPoints)
	if points <= 0 {
		points = defaultPoints
	}
	for _, step := range fineSteps {
		if step < m.Interval() || r.To.Sub(r.From) > time.Duration(points)*step {
			continue
		}
		if kept, err := s.resultsKept(ctx, m, r.From); err != nil || kept {
			return step, err
		}
		break
	}
	return 5 * time.Minute, nil
}

// fineSeries returns the buckets of a fine step that begin in [from, to). from is a multiple of the step.
func (s *Store) fineSeries(ctx context.Context, m MonitorRow, from, to int64, step time.Duration, now int64) ([]Bucket, error) {
	before := from - 3*m.Interval().Milliseconds()/2 // what the check before says of the first moments
	rows, err := s.resultRows(ctx, m.ID, "slot >= ? AND slot < ? ORDER BY slot LIMIT ?", before, to, mostTail)
	if err != nil {
		return nil, err
	}
	if len(rows) > 0 { // later ones may set a trouble back
		after, err := s.resultRows(ctx, m.ID, "slot >= ? ORDER BY slot LIMIT 100", to)
		if err != nil {
			return nil, err
		}
		rows = append(rows, after...)
	}
	millis := step.Milliseconds()
	list := tallies(rows, from, floorTo(to+millis-1, millis), millis, min(to, now))
	buckets := make([]Bucket, len(list))
	for i := range list {
		buckets[i] = list[i].bucket(step)
	}
	return buckets, nil
}
