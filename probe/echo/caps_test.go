//go:build linux

package echo

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// naive is a token bucket as one would tell it: it fills up to size at so many a nanosecond, and may be in debt for what is
// reserved.
type naive struct {
	level, size, perNano float64
	at                   int64
}

func (n *naive) fill(now int64) {
	if now > n.at {
		n.level, n.at = min(n.size, n.level+float64(now-n.at)*n.perNano), now
	}
}

// when is the time at which there is enough, for a bucket that was filled up to now at most.
func (n naive) when(now int64, enough float64) int64 {
	if now > n.at {
		n.fill(now)
	}
	if n.level >= enough {
		return now
	}
	return max(now, n.at+int64(math.Ceil((enough-n.level)/n.perNano)))
}

func (n *naive) take(at int64, much float64) {
	n.fill(at)
	n.level -= much
}

// The bucket lets through what a token bucket would, of packets and of bytes.
func TestBucket(t *testing.T) {
	const close = 1000 // nanoseconds: rounding adds up
	rapid.Check(t, func(t *rapid.T) {
		r := Rate{Packets: rapid.Float64Range(0.5, 1e5).Draw(t, "packets"), Burst: float64(rapid.IntRange(1, 300).Draw(t, "burst"))}
		if rapid.Bool().Draw(t, "by bytes too") {
			r.Bytes = rapid.Float64Range(1e3, 1e8).Draw(t, "bytes")
		}
		rt, b := newRate(r), bucket{}
		packets := naive{level: r.Burst, size: r.Burst, perNano: r.Packets / 1e9}
		bytes := naive{level: r.Bytes, size: r.Bytes, perNano: r.Bytes / 1e9}
		now := int64(0)
		for range rapid.IntRange(1, 400).Draw(t, "times") {
			now += rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 1e6), rapid.Int64Range(0, 1e10)).Draw(t, "wait")
			size := rapid.IntRange(28, 65535).Draw(t, "size")
			want := packets.when(now, 1)
			if r.Bytes > 0 {
				want = max(want, bytes.when(now, 0)) // a packet of more than a second's bytes must leave too
			}
			at := b.when(rt, now)
			if d := at - want; d < -close || d > close {
				t.Fatalf("at %d: got %d, want %d", now, at, want)
			}
			if at > now && rapid.Bool().Draw(t, "give up") {
				continue
			}
			b.reserve(rt, now, size)
			packets.take(now, 1)
			bytes.take(now, float64(size))
		}
	})
}

// Rates that make little sense are taken in the sense that is nearest.
func TestRates(t *testing.T) {
	for _, c := range []struct {
		rate  Rate
		burst int
		every time.Duration
	}{
		{Rate{Packets: 100, Burst: 200}, 200, 10 * time.Millisecond},
		{Rate{Packets: 100}, 10, 10 * time.Millisecond},
		{Rate{Packets: 2}, 1, 500 * time.Millisecond},
		{Rate{Packets: 100, Burst: 0.5}, 1, 10 * time.Millisecond},
		{Rate{Packets: 1e-12, Burst: 1}, 1, 100 * 365 * 24 * time.Hour},
	} {
		r, b := newRate(c.rate), bucket{}
		now := int64(time.Hour)
		for range c.burst {
			if at := b.when(r, now); at != now {
				t.Errorf("%+v: got %s later within the burst", c.rate, time.Duration(at-now))
			}
			b.reserve(r, now, 84)
		}
		if got := time.Duration(b.when(r, now) - now); got < c.every-time.Microsecond || got > c.every {
			t.Errorf("%+v: got %s after the burst, want %s", c.rate, got, c.every)
		}
	}
	if !newRate(Rate{}).none() || newRate(Rate{Bytes: 1}).none() {
		t.Error("nothing is no cap, bytes alone are one")
	}
}

// queue is packets on their way through the caps.
type queue struct {
	caps
	waits []waiting
	at    [capCount]map[any][]int64 // when they passed each cap, by bucket; the last is when they left
}

type waiting struct {
	s          *slot
	passed     int
	at, latest int64
}

// send takes a packet as far as it comes at its time, as the engine does.
func (q *queue) send(w waiting) {
	now := w.at
	for ; w.passed < capCount && w.at <= now; w.passed++ {
		if w.at = q.pass(w.s, w.passed, now, w.latest, 84); w.at > w.latest {
			return
		}
		key := [...]any{true, w.s.check.Group, w.s.addr}[w.passed]
		if q.at[w.passed] == nil {
			q.at[w.passed] = map[any][]int64{}
		}
		q.at[w.passed][key] = append(q.at[w.passed][key], w.at)
	}
	if w.passed < capCount {
		q.waits = append(q.waits, w)
	}
}

// until lets time pass.
func (q *queue) until(now int64) {
	for len(q.waits) > 0 {
		first := 0
		for i, w := range q.waits {
			if w.at < q.waits[first].at {
				first = i
			}
		}
		w := q.waits[first]
		if w.at > now {
			return
		}
		q.waits = slices.Delete(q.waits, first, first+1)
		q.send(w)
	}
}

// kept tells whether times are in order and keep to a rate.
func kept(t *rapid.T, what any, rate Rate, times []int64) {
	if !slices.IsSorted(times) {
		t.Fatalf("%v: a packet passed one that was first", what)
	}
	for i := range times {
		if j := i - int(rate.Burst); j >= 0 && times[i]-times[j] < int64(float64(time.Second)/rate.Packets)-1000 {
			t.Fatalf("%v: %d packets within %s", what, int(rate.Burst)+1, time.Duration(times[i]-times[j]))
		}
	}
}

// Each cap is kept, all caps together, whichever of them bites, and first come is first served.
func TestCapsTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := rapid.Permutation([]Rate{{Packets: 1000, Burst: 50}, {Packets: 100, Burst: 8}, {Packets: 60, Burst: 5}}).Draw(t, "rates")
		q := &queue{caps: newCaps(Options{All: rates[0], PerGroup: rates[1], PerTarget: rates[2]})}
		slots := make([]*slot, 12)
		for i := range slots {
			slots[i] = &slot{check: &Check{Group: int64(i % 3)}, addr: four(i / 2)}
			q.join(slots[i])
		}
		now := int64(0)
		for range 300 {
			now += rapid.Int64Range(0, 4e6).Draw(t, "wait")
			q.until(now)
			s := slots[rapid.IntRange(0, len(slots)-1).Draw(t, "slot")]
			q.send(waiting{s: s, at: now, latest: now + rapid.Int64Range(0, 3e9).Draw(t, "patience")})
		}
		q.until(math.MaxInt64)
		for which, buckets := range q.at {
			for key, times := range buckets {
				kept(t, key, rates[which], times)
			}
		}
		now += int64(time.Hour)
		for _, s := range slots {
			q.leave(s, now)
		}
		q.sweep(now)
		if q.targets.n != 0 || len(q.groups) != 0 {
			t.Fatalf("after an hour %d targets and %d groups are left", q.targets.n, len(q.groups))
		}
	})
}

// What waits for one target's cap, or for one group's, is passed by others.
func TestCapKeepsNobodyElse(t *testing.T) {
	q := &queue{caps: newCaps(Options{All: Rate{Packets: 1000, Burst: 1000}, PerGroup: Rate{Packets: 2, Burst: 10}, PerTarget: Rate{Packets: 1, Burst: 1}})}
	slow, fast, other := &slot{check: &Check{Group: 1}, addr: four(1)}, &slot{check: &Check{Group: 2}, addr: four(2)}, &slot{check: &Check{Group: 3}, addr: four(1)}
	for _, s := range []*slot{slow, fast, other} {
		q.join(s)
	}
	for range 12 { // more than the group and the target take
		q.send(waiting{s: slow, latest: math.MaxInt64})
	}
	q.send(waiting{s: fast})
	if got := q.at[capTarget][fast.addr]; len(got) != 1 || got[0] != 0 {
		t.Errorf("another target's packet left at %v, want at once", got)
	}
	q.until(int64(time.Minute))
	q.send(waiting{s: other, at: int64(time.Minute), latest: math.MaxInt64})
	if got := q.at[capTarget][slow.addr]; len(got) != 13 || got[12] != int64(time.Minute) {
		t.Errorf("packets left at %v, want the last at a minute", got)
	}
}

// Targets are forgotten as checks end, not by the sweep: to go through a million of them at once would hold the engine's
// thread for half a second.
func TestTargetsAreForgottenOnTheWay(t *testing.T) {
	c := newCaps(Options{PerTarget: Rate{Packets: 100, Burst: 200}})
	const each = 60 * time.Microsecond // a million checks a minute
	full := 3 * 10 * time.Millisecond  // after three packets
	most, now := 0, int64(time.Hour)
	for i := range 20_000 {
		s := &slot{check: &Check{}, addr: four(i)}
		c.join(s)
		for range 3 {
			c.pass(s, capTarget, now, now+int64(time.Second), 84)
		}
		now += int64(each)
		c.leave(s, now)
		most = max(most, c.targets.n)
	}
	if want := 2 * int(full/each); most > want {
		t.Errorf("got %d targets kept, want at most %d, twice those whose buckets are not full", most, want)
	}
	c.sweep(now + int64(time.Minute))
	if c.targets.n != 0 {
		t.Errorf("a minute later: got %d targets kept, want none", c.targets.n)
	}
}
