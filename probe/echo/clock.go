//go:build linux

package echo

import "time"

// Two readings of the difference between the clocks are the same but for some nanoseconds: both run at the same corrected
// rate, so that only a step of the wall clock moves it. A thread that is interrupted in the middle of a reading sees more, for
// once.
const (
	usualNoise   = int64(time.Microsecond)
	largestNoise = int64(100 * time.Microsecond) // what still is no step to speak of
)

// clock turns the kernel's time stamps, which are the wall clock's, into monotonic time from the engine's start.
type clock struct {
	base   time.Time
	read   func() (now, wall int64) // both clocks at once; tests step them
	offset int64                    // wall clock less monotonic
	// before is the offset before the last step, and stepped when that was noticed.
	before  int64
	stepped int64
	looked  bool
}

func newClock() clock {
	c := clock{base: time.Now()}
	base := c.base
	c.read = func() (now, wall int64) {
		t := time.Now()
		return int64(t.Sub(base)), t.UnixNano()
	}
	c.look()
	return c
}

// now is the monotonic time since the start, in nanoseconds.
func (c *clock) now() int64 { return int64(time.Since(c.base)) }

// look reads both clocks, before stamps are taken up. It returns the monotonic one.
func (c *clock) look() int64 {
	var now, offset int64
	for try := range 3 {
		var wall int64
		now, wall = c.read()
		offset = wall - now
		d := offset - c.offset
		if !c.looked || -usualNoise < d && d < usualNoise {
			break
		}
		if try == 2 && (d <= -largestNoise || largestNoise <= d) { // not an interruption, then
			c.before, c.stepped = c.offset, now
		}
	}
	c.offset, c.looked = offset, true
	return now
}

// monotonic turns a stamp into time since the start. What was stamped lies between since and now; ok is false where the
// wall clock was set in between and it can not be told whether before or after the stamp.
func (c *clock) monotonic(stamp, since, now int64) (at int64, ok bool) {
	fits := func(at int64) bool { return since-largestNoise <= at && at <= now+largestNoise }
	at = stamp - c.offset
	if c.stepped <= since {
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
