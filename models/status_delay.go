package models

import "time"

// StatusDelay is why a status page does not show the newest there should be; empty where it does.
type StatusDelay string

// The delays: results wait to be stored, newer ones can not be read, or none come and nobody here knows why.
const (
	DelayStoring StatusDelay = "storing"
	DelayReading StatusDelay = "reading"
	DelayUnknown StatusDelay = "unknown"
)

// leastOverdue is how old the newest check may become, however short the interval: a recorder under load takes a few seconds, and so
// does a reader.
const leastOverdue = 15 * time.Second

// silentAfter is how much later than three intervals what was measured says nothing of now any more.
const silentAfter = time.Minute

// SettleAge sets Delay and Silent: how far the board can be taken for the present. known is a delay that the caller knows of; without
// one the newest check is overdue after three of the shortest intervals; a monitor that was resumed or re-timed has three of its own
// first, and takes nothing back that the others say. It is the one place that decides it, for everything that
// shows a board.
func (b *StatusBoard) SettleAge(now time.Time, known StatusDelay) {
	b.Delay, b.Silent = known, false
	if b.paused {
		if known == DelayStoring {
			b.Delay = "" // whatever waits, it is none of this page's
		}
		return
	}
	if b.Measured.IsZero() {
		return
	}
	rhythms := b.rhythms
	if rhythms == nil {
		rhythms = []statusRhythm{{every: b.Interval}}
	}
	for _, r := range rhythms {
		age := now.Sub(b.Measured)
		if r.since.After(b.Measured) {
			age = now.Sub(r.since)
		}
		if b.Delay == "" && age > max(3*r.every, leastOverdue) {
			b.Delay = DelayUnknown
		}
		b.Silent = b.Silent || age > 3*r.every+silentAfter
	}
}

// NotMeasuredSince is since when the component is not measured that is shown as such: while the board is silent that is its newest
// check, unless it was not measured before.
func (b StatusBoard) NotMeasuredSince(c StatusComponent) time.Time {
	if b.Silent && c.State != StateUnknown && c.State != StatePaused && c.CheckedAt.After(c.Since) {
		return c.CheckedAt
	}
	return c.Since
}
