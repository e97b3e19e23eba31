package models

import "time"

// Bucket is what was measured of one monitor in one stretch of time.
type Bucket struct {
	Start time.Time
	// Length is the stretch: raw checks have their interval, roll-ups 5 minutes, 1 hour or 1 day, or a multiple.
	Length time.Duration
	// Up, Degraded, Down and Unknown are how long the monitor was so; Maintenance is how much of their sum people had announced.
	// What is left of Length was not measured.
	Up, Degraded, Down, Unknown, Maintenance time.Duration
	// Successes, Warnings, Failures and Unknowns count checks by outcome.
	Successes, Warnings, Failures, Unknowns int
	// Sent and Received count echo requests and the replies that counted. LossRun is the most requests in a row without one.
	Sent, Received, LossRun int
	// RTTMin, RTTAvg and RTTMax are of the replies; zero without one.
	RTTMin, RTTAvg, RTTMax time.Duration
	// Quantiles are the RTTs at SeriesQuantiles; all zero without a reply.
	Quantiles [len(SeriesQuantiles)]time.Duration
	// ReplyTTL and Address are those of the bucket's last reply; 0 and empty without one.
	ReplyTTL int
	Address  string
}

// SeriesQuantiles are the quantiles that a Bucket has: the smoke's bands and the median.
var SeriesQuantiles = [...]float64{0.05, 0.25, 0.50, 0.75, 0.95}

// Checks is how many checks the bucket counts, measured or not.
func (b Bucket) Checks() int { return b.Successes + b.Warnings + b.Failures + b.Unknowns }

// LossPercent is the share of echo requests without a reply, 0 to 100; 0 where nothing was sent.
func (b Bucket) LossPercent() float64 {
	if b.Sent == 0 {
		return 0
	}
	return 100 * float64(b.Sent-b.Received) / float64(b.Sent)
}

// Measured is how long of the bucket something is known of.
func (b Bucket) Measured() time.Duration { return b.Up + b.Degraded + b.Down }

// Series is the history of one monitor over a range, for charts and exports.
type Series struct {
	From, To time.Time
	// Step is the length of the buckets; 0 = each check by itself.
	Step time.Duration
	// Buckets are in order of time. Where nothing is known there is none.
	Buckets []Bucket
}
