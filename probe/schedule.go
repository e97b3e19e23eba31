package probe

import (
	"time"
	"unique"

	"echolot/models"
)

// shortestInterval is the contract's. A row that got past the tables' CHECKs must not become a flood.
const shortestInterval = time.Second

// longestInterval, in milliseconds, keeps the ring's keys apart, which come again after 49 days. It is 12 days; the
// contract's is one.
const longestInterval = 1 << 30

// setting is what many monitors have in common: kept once, however many have it.
type setting struct {
	spec models.Spec // without its host
	rule models.Rule
}

// schedule is one monitor's. A million of them are held, so it is small and points to little that the garbage collector
// must follow; what each check needs comes first, in the 64 bytes that the processor fetches at a time. Times are wall
// clock milliseconds.
type schedule struct {
	id     int64   // 0 = a free place
	next   int64   // the next slot
	last   int64   // the slot of the last result that was begun
	ringAt int64   // its key in the ring; 0 = not in it
	flight *flight // the check that is running; the schedule does not wait then

	interval              int32 // milliseconds
	epoch                 uint32
	waitBefore, waitAfter int32 // its neighbours in the queue of those that wait; waitAfter also links free places
	waits                 waits
	extra                 extra // the check out of turn that was asked for
	urgent                bool  // somebody waits for extra
	gone                  bool  // removed while a check was running
	burstTook             int32 // milliseconds between the ends of the first failed check and of the burst after it; else 0

	extraAt           int64 // when extra is wanted
	ended             int64 // the last check
	since             int64 // when it began to wait
	rev, organization int64
	host              string
	setting           unique.Handle[setting]
}

// extra is why a check out of turn was asked for.
type extra uint8

const (
	extraNone extra = iota
	extraFirst
	extraManual
	extraConfirm
	extraBurst
)

// kind is what a check of that reason is called.
func (e extra) kind() models.Kind {
	return [...]models.Kind{models.KindScheduled, models.KindFirst, models.KindManual, models.KindConfirm, models.KindBurst}[e]
}

// set takes over what a target says.
func (m *schedule) set(t models.ProbeTarget) {
	m.id, m.organization, m.rev, m.host = t.MonitorID, t.OrganizationID, t.Rev, t.Spec.Host
	spec := t.Spec
	spec.Host = ""
	m.setting = unique.Make(setting{spec, t.Rule})
	interval := max(t.Interval, shortestInterval).Milliseconds()
	m.interval = int32(min(interval, longestInterval))
	m.extra, m.urgent, m.gone, m.burstTook = extraNone, false, false, 0
}

// due is when the monitor is to be checked next.
func (m *schedule) due() int64 {
	if m.extra != extraNone {
		return min(m.next, m.extraAt)
	}
	return m.next
}

// missedBy is how many slots have passed over the one that is next.
func (m *schedule) missedBy(ms int64) int64 {
	if m.next > ms {
		return 0
	}
	return (ms - m.next) / int64(m.interval)
}

// slotAfter is the first slot after ms.
func (m *schedule) slotAfter(ms int64) int64 {
	interval := int64(m.interval)
	return ms - (ms-phase(m.id, interval))%interval + interval
}

// phase is where in its interval a monitor is due, both in milliseconds: FNV-1a of its id, so that it is fixed for ever and
// any set of monitors is spread evenly. Measured over a minute with 2,000 consecutive ids: at most 1.14 times the mean in any
// second. The hash is that of hash/fnv over the id's big-endian bytes, written out because it is computed for each check.
func phase(monitor, interval int64) int64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for shift := 56; shift >= 0; shift -= 8 {
		h ^= uint64(byte(monitor >> shift))
		h *= prime
	}
	return int64(h % uint64(interval))
}
