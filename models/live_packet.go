package models

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// LiveFate is what became of a packet of a live measurement.
type LiveFate string

// The fates. A packet that was called lost may get a second line, late, and one that was answered duplicates.
const (
	LiveReply LiveFate = "reply"
	LiveLost  LiveFate = "lost"
	LiveLate  LiveFate = "late"
	// LiveDuplicate is a further reply.
	LiveDuplicate LiveFate = "duplicate"
	// LiveRefused is an ICMP error.
	LiveRefused LiveFate = "refused"
	// LiveUnmeasured packets did not leave: they are neither lost nor answered.
	LiveUnmeasured LiveFate = "unmeasured"
)

// LivePacket is one line of a live measurement: something that became of one packet. Lines are only added.
type LivePacket struct {
	bun.BaseModel `bun:"table:live_packets"`
	SessionID     int64 `bun:",pk"`
	N             int64 `bun:",pk"` // the line, from 1 on
	Seq           int64 // the packet, from 1 on
	SentAt        time.Time
	Fate          LiveFate
	// RTT is in microseconds, of what came.
	RTT int64
	// Reordered is true for a first reply after one to a later packet.
	Reordered bool
	TTL       int    // of a reply; 0 = unknown
	Source    string // who answered, or what was asked
	Cause     Cause  // of what was refused or not measured
}

// LivePage is how many lines are read or written at a time.
const LivePage = 500

// UnscopedSaveLive stores lines of live measurements. Those of one that is gone are thrown away.
func (s *Store) UnscopedSaveLive(ctx context.Context, packets []LivePacket) error {
	for len(packets) > 0 {
		// One session at a time: its monitor may be deleted, and the others' lines must not go with it.
		n := 1
		for n < len(packets) && n < LivePage && packets[n].SessionID == packets[0].SessionID {
			n++
		}
		page := packets[:n:n]
		packets = packets[n:]
		_, err := s.db.NewInsert().Model(&page).On("CONFLICT (session_id, n) DO NOTHING").Exec(ctx)
		if err != nil && !isOrphan(err) {
			return fmt.Errorf("storing live packets: %w", err)
		}
	}
	return nil
}

// UnscopedLivePackets returns up to 500 lines of a live measurement after line n, in order.
func (s *Store) UnscopedLivePackets(ctx context.Context, session, n int64) ([]LivePacket, error) {
	var list []LivePacket
	err := s.ro.NewSelect().Model(&list).Where("session_id = ?", session).Where("n > ?", n).OrderExpr("n").Limit(LivePage).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading live packets: %w", err)
	}
	return list, nil
}

// UnscopedLastLive returns the last lines of a live measurement, in order, and the sum of all.
func (s *Store) UnscopedLastLive(ctx context.Context, session int64, last int) ([]LivePacket, LiveSummary, error) {
	var all []LivePacket
	var sum LiveSummary
	for n := int64(0); ; {
		page, err := s.UnscopedLivePackets(ctx, session, n)
		if err != nil {
			return nil, sum, err
		}
		for _, p := range page {
			sum.Add(p)
			n = p.N
		}
		all = append(all, page...)
		if over := len(all) - last; over > 0 {
			all = slices.Delete(all, 0, over)
		}
		if len(page) < LivePage {
			return all, sum, nil
		}
	}
}

// LiveSummary counts what became of the packets of a live measurement. The zero value is that of none.
type LiveSummary struct {
	// Sent are those that left and were judged: Received, Lost and Refused. A late one stays lost.
	Sent, Received, Lost, Refused, Late, Duplicates, Reordered, Unmeasured int
	// Min and Max are RTTs; zero without a reply.
	Min, Max     time.Duration
	sum, squares float64 // microseconds
}

// Add counts one line.
func (s *LiveSummary) Add(p LivePacket) {
	switch p.Fate {
	case LiveReply:
		rtt := time.Duration(p.RTT) * time.Microsecond
		if s.Received == 0 || rtt < s.Min {
			s.Min = rtt
		}
		s.Max = max(s.Max, rtt)
		s.sum += float64(p.RTT)
		s.squares += float64(p.RTT) * float64(p.RTT)
		s.Sent++
		s.Received++
		if p.Reordered {
			s.Reordered++
		}
	case LiveLost:
		s.Sent++
		s.Lost++
	case LiveRefused:
		s.Sent++
		s.Refused++
	case LiveLate:
		s.Late++
	case LiveDuplicate:
		s.Duplicates++
	default:
		s.Unmeasured++
	}
}

// LossPercent is the share of packets without a reply in time, 0 to 100; 0 where none was sent.
func (s LiveSummary) LossPercent() float64 {
	if s.Sent == 0 {
		return 0
	}
	return 100 * float64(s.Sent-s.Received) / float64(s.Sent)
}

// Avg is the mean RTT; zero without a reply.
func (s LiveSummary) Avg() time.Duration {
	if s.Received == 0 {
		return 0
	}
	return time.Duration(math.Round(s.sum/float64(s.Received))) * time.Microsecond
}

// Deviation is the standard deviation of the RTTs, which ping calls mdev.
func (s LiveSummary) Deviation() time.Duration {
	if s.Received == 0 {
		return 0
	}
	mean := s.sum / float64(s.Received)
	return time.Duration(math.Round(math.Sqrt(max(0, s.squares/float64(s.Received)-mean*mean)))) * time.Microsecond
}
