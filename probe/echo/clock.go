//go:build linux

package echo

import "time"

// largestNoise is by how much two readings of the difference between the clocks may differ without a step of the wall
// clock. Both run at the same corrected rate, so that only a step moves it; a thread that is interrupted between its two
// readings sees some too.
const largestNoise = int64(100 * time.Microsecond)

// clock turns the kernel's time stamps, which are the wall clock's, into monotonic time from the engine's start.
type clock struct {
	base   time.Time
	read   func() time.Time // time.Now; tests step it
	offset int64            // wall clock less monotonic
	// before is the offset before the last step, and stepped when that was noticed.
	before  int64
	stepped int64
	looked  int64
}

func newClock() clock {
	c := clock{read: time.Now}
	c.base = c.read()
	c.look()
	return c
}

// now is the monotonic time since the start, in nanoseconds.
func (c *clock) now() int64 { return int64(c.read().Sub(c.base)) }

// look reads both clocks, before stamps are taken up. It returns the monotonic one.
func (c *clock) look() int64 {
	var now, offset int64
	for try := 0; ; try++ {
		t := c.read()
		now = int64(t.Sub(c.base))
		offset = t.UnixNano() - now
		if d := offset - c.offset; c.looked == 0 || -largestNoise < d && d < largestNoise {
			break
		}
		if try == 2 { // not an interruption, then
			c.before, c.stepped = c.offset, now
			break
		}
	}
	c.offset, c.looked = offset, now
	return now
}

// monotonic turns a stamp into time since the start. What was stamped lies between since and now; ok is false where the
// wall clock was set in between and it can not be told whether before or after the stamp.
func (c *clock) monotonic(stamp, since, now int64) (at int64, ok bool) {
	fits := func(at int64) bool { return since-largestNoise <= at && at <= now+largestNoise }
	at = stamp - c.offset
	if c.stepped == 0 || c.stepped < since {
		return at, fits(at)
	}
	other := stamp - c.before
	switch {
	case fits(at) && !fits(other):
		return at, true
	case fits(other) && !fits(at):
		return other, true
	}
	return 0, false
}

// wall is the wall clock's time of a monotonic one.
func (c *clock) wall(at int64) time.Time { return time.Unix(0, at+c.offset) }
