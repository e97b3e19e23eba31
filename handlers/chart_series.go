package handlers

import (
	"slices"
	"time"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
)

// series stands in for Store.Series, which reads roll-ups, until that is there: it puts raw checks into buckets. Its states are
// empty, and it sees no further back than mostRaw checks.
func (s *Server) series(c *fiber.Ctx, m models.MonitorRow, q chartQuery) (models.Series, error) {
	const mostRaw = 5000
	results, err := s.Store.CheckHistory(c.UserContext(), actorOf(c), m.PublicID, q.to, mostRaw)
	if err != nil {
		return models.Series{}, err
	}
	series := models.Series{From: q.from, To: q.to}
	span := q.to.Sub(q.from)
	if span/m.Interval() > chartPoints {
		for _, step := range []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 3 * time.Hour, 24 * time.Hour} {
			if series.Step = step; span/step <= chartPoints {
				break
			}
		}
	}
	slices.Reverse(results)
	var rtts []time.Duration
	flush := func() {
		if n := len(series.Buckets); n > 0 && len(rtts) > 0 {
			b := &series.Buckets[n-1]
			slices.Sort(rtts)
			var sum time.Duration
			for _, r := range rtts {
				sum += r
			}
			b.RTTMin, b.RTTAvg, b.RTTMax = rtts[0], sum/time.Duration(len(rtts)), rtts[len(rtts)-1]
			for i, p := range models.SeriesQuantiles {
				b.Quantiles[i] = rtts[int(p*float64(len(rtts)-1)+.5)]
			}
		}
		rtts = rtts[:0]
	}
	for _, r := range results {
		at := r.StartedAt()
		if at.Before(q.from) {
			continue
		}
		start, length := at, m.Interval()
		if series.Step > 0 {
			start, length = at.Truncate(series.Step), series.Step
		}
		if n := len(series.Buckets); n == 0 || series.Step == 0 || series.Buckets[n-1].Start != start {
			flush()
			series.Buckets = append(series.Buckets, models.Bucket{Start: start, Length: length})
		}
		b := &series.Buckets[len(series.Buckets)-1]
		switch r.Outcome {
		case models.OutcomeSuccess:
			b.Successes++
		case models.OutcomeWarning:
			b.Warnings++
		case models.OutcomeFailure:
			b.Failures++
		default:
			b.Unknowns++
			continue
		}
		b.Sent, b.Received = b.Sent+r.Sent, b.Received+r.Received
		b.ReplyTTL = r.ReplyTTL
		if r.Address.IsValid() {
			b.Address = r.Address.String()
		}
		for _, p := range r.Packets {
			if p.State == models.PacketReplied {
				rtts = append(rtts, p.RTT)
			}
		}
	}
	flush()
	return series, nil
}
