package probe

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// maxCached bounds the cache's entries, and by that its bytes: a name has at most 254, so that the whole is under
	// 50 MB, and about 15 MB with names of the usual length.
	maxCached = 100_000
	// maxNameLength is that of a DNS name as text, with a dot at its end (RFC 1035 §2.3.4).
	maxNameLength = 254
	// maxTTL is for records that say a day or more: an address that moved is noticed within the hour even by a monitor
	// that still gets replies from the old one.
	maxTTL = time.Hour
	// maxNegativeTTL is for SOA records that say an hour: a name that somebody has just made is not waited for so long.
	maxNegativeTTL = time.Minute
	// evictionSample is how many entries are looked at for each new one.
	evictionSample = 8
)

// addressCache holds what was found for each name and family until it expires: addresses as long as the shortest TTL of
// the records that led to them, at most an hour; that there is none as long as the SOA record says (RFC 2308 §5), at most
// a minute. A TTL of 0 is not kept (RFC 1035 §3.2.1), nor is an error. When it is full, the entry of a few taken at random
// that expires first makes room: a million monitors that go round would find nothing in one that drops the oldest.
type addressCache struct {
	mu      sync.RWMutex
	most    int
	entries map[question]cached
}

type cached struct {
	addr    netip.Addr
	err     error // an *Unmeasured
	expires time.Time
}

func newAddressCache(most int) *addressCache {
	return &addressCache{most: most, entries: map[question]cached{}}
}

// get returns what is known about q and has not expired.
func (c *addressCache) get(q question) (cached, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.entries[q]
	return e, ok && e.holds(time.Now())
}

// holds tells whether e has not expired: not by the monotonic clock, which stands still while the machine sleeps, nor by
// the wall clock, which somebody may set back.
func (e cached) holds(now time.Time) bool {
	return now.Before(e.expires) && now.Round(0).Before(e.expires.Round(0))
}

// put stores an answer and returns it as it is to be used: of addrs the one used before, if it is still there, or the
// first.
func (c *addressCache) put(q question, addrs []netip.Addr, ttl time.Duration, err error) cached {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, known := c.entries[q]
	e := cached{err: err, expires: time.Now().Add(ttl)}
	if err == nil {
		e.addr = addrs[0]
		if slices.Contains(addrs, old.addr) {
			e.addr = old.addr
		}
	} else if ttl <= 0 {
		return e // an error is not kept; the address used before is, for the next answer
	}
	if !known {
		c.makeRoom()
	}
	c.entries[q] = e
	return e
}

// makeRoom drops what it meets of expired entries, and one that has not expired only where it must.
func (c *addressCache) makeRoom() {
	now, seen := time.Now(), 0
	var first question
	var expires time.Time
	for q, e := range c.entries { // Go starts anywhere
		if seen++; seen > evictionSample {
			break
		}
		if !e.holds(now) {
			delete(c.entries, q)
		} else if expires.IsZero() || e.expires.Before(expires) {
			first, expires = q, e.expires
		}
	}
	if len(c.entries) >= c.most {
		delete(c.entries, first)
	}
}

// forget lets all that is known about name expire.
func (c *addressCache) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, family := range []byte("46a") {
		q := question{name, family}
		if e, ok := c.entries[q]; ok {
			e.expires = time.Time{}
			c.entries[q] = e
		}
	}
}

func (c *addressCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.entries)
}
