package models

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// workSpan is a time of announced maintenance in milliseconds. It may end in the time to come.
type workSpan struct{ from, to int64 }

// workSpans are the times by monitor, in order and apart from each other.
type workSpans map[int64][]workSpan

// statusWork reads what maintenance of its monitors the page announced that ended after a time, as far as it has begun. What was measured
// in it counts as maintenance, as in a monitor that is itself put into maintenance.
func (s *Store) statusWork(ctx context.Context, p StatusPage, from, now time.Time) (workSpans, error) {
	posts, err := s.noticePosts(ctx, p, nil, from, now, KindMaintenance)
	if err != nil {
		return nil, err
	}
	for i := range posts {
		posts[i].settle(now)
	}
	return workOf(posts, now), nil
}

// workOf are the times of the posts, which are settled, as far as they have begun. A monitor's begins when it was announced: nothing that
// was before can be bettered afterwards.
func workOf(posts []notice, now time.Time) workSpans {
	work := workSpans{}
	for _, n := range posts {
		if n.Kind != KindMaintenance || n.hidden {
			continue
		}
		for _, id := range n.monitors {
			span := workSpan{later(n.StartsAt, n.announced[id]).UnixMilli(), n.EndsAt.UnixMilli()}
			if span.from < min(span.to, now.UnixMilli()) {
				work[id] = append(work[id], span)
			}
		}
	}
	for id, spans := range work {
		slices.SortFunc(spans, func(a, b workSpan) int { return cmp.Compare(a.from, b.from) })
		apart := spans[:1]
		for _, span := range spans[1:] {
			if last := &apart[len(apart)-1]; span.from <= last.to {
				last.to = max(last.to, span.to)
			} else {
				apart = append(apart, span)
			}
		}
		work[id] = apart
	}
	return work
}

// key tells the monitor's times from others.
func (w workSpans) key(monitor int64) string {
	if len(w[monitor]) == 0 {
		return ""
	}
	return fmt.Sprint(w[monitor])
}

// within is how long of [from, to) is the monitor's maintenance, in milliseconds.
func (w workSpans) within(monitor, from, to int64) (sum int64) {
	for _, span := range w[monitor] {
		sum += max(0, min(span.to, to)-max(span.from, from))
	}
	return sum
}

// holds tells whether all of the part is within one of its monitor's times.
func (w workSpans) holds(part noticePart, now time.Time) bool {
	end := part.EndedAt
	if end.IsZero() {
		end = now.Add(time.Millisecond) // what is open lasts longer than this moment
	}
	return slices.ContainsFunc(w[part.MonitorID], func(span workSpan) bool {
		return part.StartedAt.UnixMilli() >= span.from && end.UnixMilli() <= span.to
	})
}

// pieces are the parts of the monitors' times in [from, to), cut where cuts say, each with whose it is. Where a monitor's results are not
// kept any more, from oldest on, an end is moved inwards to five minutes: what is known there is of all five.
func (w workSpans) pieces(of []*statusMonitor, from, to int64, cuts []int64, oldest map[int64]int64) map[workSpan][]*statusMonitor {
	pieces := map[workSpan][]*statusMonitor{}
	step := level5m.step()
	for _, m := range of {
		add := func(at, end int64) {
			if oldest[m.ID] > at {
				at = floorTo(at+step-1, step)
			}
			if oldest[m.ID] > end {
				end = floorTo(end, step)
			}
			if at < end {
				pieces[workSpan{at, end}] = append(pieces[workSpan{at, end}], m)
			}
		}
		for _, span := range w[m.ID] {
			at, end := max(span.from, from), min(span.to, to)
			for _, cut := range cuts {
				if at < cut && cut < end {
					add(at, cut)
					at = cut
				}
			}
			add(at, end)
		}
	}
	return pieces
}

// eachPiece hands on how long the monitors were what in their announced maintenance, without what their own maintenance has already: two
// queries for each piece.
func (s *Store) eachPiece(ctx context.Context, pieces map[workSpan][]*statusMonitor, oldest map[int64]int64, now time.Time, each func(span workSpan, monitor int64, t times)) error {
	order := slices.SortedFunc(maps.Keys(pieces), func(a, b workSpan) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	for _, span := range order {
		_, sums, err := s.timesWithin(ctx, pieces[span], oldest, time.UnixMilli(span.from), time.UnixMilli(span.to), now)
		if err != nil {
			return err
		}
		for id, t := range sums {
			each(span, id, t.net())
		}
	}
	return nil
}

// net is what is not announced yet.
func (t *tally) net() times {
	net := t.times
	net.add(t.announced, -1)
	return net
}

// atMost cuts the times to those of the other.
func (t times) atMost(u times) times {
	return times{min(t.up, u.up), min(t.degraded, u.degraded), min(t.down, u.down), min(t.unknown, u.unknown)}
}

// postWork is when a post says that its maintenance begins, and was planned to end: to end early takes nothing back that was announced.
// It is zero for what is kept off the page, or is none.
type postWork struct{ from, to time.Time }

func (s *Store) postWork(ctx context.Context, db bun.IDB, p StatusPost) (postWork, error) {
	if p.Kind != KindMaintenance || p.Hidden {
		return postWork{}, nil
	}
	updates, err := s.postUpdates(ctx, db, p.ID)
	if err != nil {
		return postWork{}, err
	}
	n := notice{StatusNotice: StatusNotice{Kind: p.Kind, StartsAt: p.StartsAt, EndsAt: p.EndsAt}}
	for _, u := range updates {
		n.Updates = append(n.Updates, StatusNoticeUpdate{State: u.State, At: u.At})
	}
	n.settle(s.clock())
	return postWork{n.StartsAt, p.EndsAt}, nil
}

// announceAnew notes from when on the post is announced, where a change shows it or lets it begin earlier: what was measured before was
// not announced. before is what it was.
func (s *Store) announceAnew(ctx context.Context, tx bun.Tx, p StatusPost, before postWork) error {
	after, err := s.postWork(ctx, tx, p)
	if err != nil || after == (postWork{}) {
		return err
	}
	now := s.clock()
	at := now
	if before != (postWork{}) && before.from.Before(now) {
		at = before.from // what was announced stays so
	}
	if !after.from.Before(at) {
		return nil
	}
	if _, err := tx.NewUpdate().TableExpr("status_post_monitors").Set("announced_at = ?", at).Where("post_id = ? AND (announced_at IS NULL OR announced_at < ?)", p.ID, at).Exec(ctx); err != nil {
		return fmt.Errorf("announcing maintenance: %w", err)
	}
	return nil
}
