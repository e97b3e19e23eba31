package models

import "sync"

// mostPasts bounds the pasts in memory, of 4 kB each, or 16 with a chart: 32 MB.
const mostPasts = 2000

// statusPast is what a page shows of a monitor's past, and what must be the same for it to be shown again.
type statusPast struct {
	pastMark
	// at is up to when it reaches, in milliseconds.
	at      int64
	days    [StatusDays]pastDay
	history Series
}

// pastMark is what a past depends on besides time: with another one it is read again.
type pastMark struct {
	slot, rolled, since int64
	state               State
	maintenance         bool
}

// pastDay is a day in milliseconds: how long the monitor was what, and how much of that people had announced.
type pastDay struct{ all, announced times }

// pastKey is whose past, in which zone, with which chart, and what of it counts as maintenance.
type pastKey struct {
	monitor int64
	zone    string
	latency StatusLatency
	// work is what the page announced of it.
	work string
}

// statusPasts are the pasts in memory. Reading them anew for each board would read 90 days of each monitor every two seconds, as long
// as somebody looks. The zero value works.
type statusPasts struct {
	mu    sync.Mutex
	known map[pastKey]*statusPast
}

// pick returns the pasts that are still good, and nil for others.
func (c *statusPasts) pick(keys []pastKey, marks []pastMark) []*statusPast {
	out := make([]*statusPast, len(keys))
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, k := range keys {
		if p := c.known[k]; p != nil && p.pastMark == marks[i] {
			out[i] = p
		}
	}
	return out
}

// keep remembers the pasts. Where there are too many all others are forgotten: most of them are old.
func (c *statusPasts) keep(keys []pastKey, pasts []*statusPast) {
	c.mu.Lock()
	defer c.mu.Unlock()
	more := 0
	for _, k := range keys {
		if c.known[k] == nil {
			more++
		}
	}
	if c.known == nil || len(c.known)+more > mostPasts {
		c.known = make(map[pastKey]*statusPast, len(keys))
	}
	for i, k := range keys {
		c.known[k] = pasts[i]
	}
}
