package models

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// workSpan is a time of announced maintenance in milliseconds. It may end in the time to come.
type workSpan struct{ from, to int64 }

// workSpans are the times by monitor, in order and apart from each other.
type workSpans map[int64][]workSpan

// statusWork reads what maintenance of its monitors the page announced from a time on, as far as it has begun. What was measured in it
// counts as maintenance, as in a monitor that is itself put into maintenance; not what was measured before it was announced.
func (s *Store) statusWork(ctx context.Context, p StatusPage, from, now time.Time) (workSpans, error) {
	posts, err := s.noticePosts(ctx, p, nil, from, now, KindMaintenance)
	if err != nil {
		return nil, err
	}
	work := workSpans{}
	for i := range posts {
		n := &posts[i]
		n.settle(now)
		span := workSpan{max(n.workedFrom().UnixMilli(), from.UnixMilli()), n.EndsAt.UnixMilli()}
		if n.hidden || span.from >= min(span.to, now.UnixMilli()) {
			continue
		}
		for _, id := range n.monitors {
			work[id] = append(work[id], span)
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
	return work, nil
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

// pieces are the parts of the monitors' times in [from, to), cut where cuts say, each with whose it is.
func (w workSpans) pieces(of []*statusMonitor, from, to int64, cuts []int64) map[workSpan][]*statusMonitor {
	pieces := map[workSpan][]*statusMonitor{}
	for _, m := range of {
		for _, span := range w[m.ID] {
			at, end := max(span.from, from), min(span.to, to)
			for _, cut := range cuts {
				if at < cut && cut < end {
					pieces[workSpan{at, cut}] = append(pieces[workSpan{at, cut}], m)
					at = cut
				}
			}
			if at < end {
				pieces[workSpan{at, end}] = append(pieces[workSpan{at, end}], m)
			}
		}
	}
	return pieces
}

// eachPiece hands on how long the monitors were what in their announced maintenance, without what their own maintenance has already.
func (s *Store) eachPiece(ctx context.Context, pieces map[workSpan][]*statusMonitor, now time.Time, each func(span workSpan, monitor int64, t times)) error {
	for span, of := range pieces {
		_, sums, err := s.timesWithin(ctx, of, time.UnixMilli(span.from), time.UnixMilli(span.to), now)
		if err != nil {
			return err
		}
		for id, t := range sums {
			net := t.times
			net.add(t.announced, -1)
			each(span, id, net)
		}
	}
	return nil
}

// atMost cuts the times to those of the other.
func (t times) atMost(u times) times {
	return times{min(t.up, u.up), min(t.degraded, u.degraded), min(t.down, u.down), min(t.unknown, u.unknown)}
}
