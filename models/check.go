package models

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/google/uuid"
)

// Kind tells why a check is made.
type Kind string

// The kinds of check. KindBurst follows the first failed check at once; see Judge for what it counts.
const (
	KindScheduled Kind = "scheduled"
	KindFirst     Kind = "first"
	KindManual    Kind = "manual"
	KindConfirm   Kind = "confirm"
	KindBurst     Kind = "burst"
)

// Outcome is what one check found.
type Outcome string

// The outcomes of a check. OutcomeUnknown is "could not measure" and never a failure.
const (
	OutcomeSuccess Outcome = "success"
	OutcomeWarning Outcome = "warning"
	OutcomeFailure Outcome = "failure"
	OutcomeUnknown Outcome = "unknown"
)

// Cause is why a check did not succeed, or lost packets.
type Cause string

// The causes. From CauseDNSError on they are ours: the outcome is OutcomeUnknown.
const (
	CauseNone             Cause = ""
	CauseTimeout          Cause = "timeout"
	CauseHostUnreachable  Cause = "host_unreachable"
	CauseNetUnreachable   Cause = "net_unreachable"
	CausePortUnreachable  Cause = "port_unreachable"
	CauseProhibited       Cause = "prohibited"
	CauseTTLExceeded      Cause = "ttl_exceeded"
	CauseTooBig           Cause = "too_big"
	CauseDNSError         Cause = "dns_error"
	CauseNameNotFound     Cause = "name_not_found"
	CauseLocalError       Cause = "local_error"
	CauseNoPermission     Cause = "no_permission"
	CauseTargetNotAllowed Cause = "target_not_allowed"
	CauseOverload         Cause = "overload"
	CauseClockStep        Cause = "clock_step"
	CauseProberBlind      Cause = "prober_blind"
)

// Spec is what to send: everything a pinger needs to know of a monitor.
type Spec struct {
	// Host is an IP address or a DNS name in ASCII form.
	Host       string `json:"host"`
	Count      int    `json:"count"`
	PacketSize int    `json:"packetSize"` // bytes of ICMP payload
	// Interval is the time between two echo requests.
	Interval time.Duration `json:"interval"`
	// Timeout is the whole check's time, from the first echo request to the last reply that counts.
	Timeout time.Duration `json:"timeout"`
	// Family is "auto", "4" or "6".
	Family       string `json:"family"`
	TTL          int    `json:"ttl"` // 0 = the system's
	DontFragment bool   `json:"dontFragment"`
	TOS          int    `json:"tos"`
}

// Limits of a Spec. The API, the tables' CHECKs and the pinger hold to the same figures.
const (
	MaxCount      = 100
	MaxPacketSize = 65507 // 65,535 less the IPv4 and ICMP headers
	MinPacketGap  = 10 * time.Millisecond
	MinTimeout    = time.Second
	MaxTimeout    = 60 * time.Second
)

// shortestCheck is what the scheduler may make of MinTimeout, to end a check before the next one's slot.
const shortestCheck = MinTimeout - 100*time.Millisecond

// Valid returns an error that names the first figure out of bounds. It is asked again just before anything is sent:
// a row that got past the API must not become a flood or a crash.
func (s Spec) Valid() error {
	switch {
	case s.Host == "":
		return fmt.Errorf("host is empty")
	case s.Count < 1 || s.Count > MaxCount:
		return fmt.Errorf("count %d is outside 1 to %d", s.Count, MaxCount)
	case s.PacketSize < 0 || s.PacketSize > MaxPacketSize:
		return fmt.Errorf("packet size %d is outside 0 to %d", s.PacketSize, MaxPacketSize)
	case s.Interval < MinPacketGap || s.Interval > MaxTimeout:
		return fmt.Errorf("interval %s between packets is outside %s to %s", s.Interval, MinPacketGap, MaxTimeout)
	case s.Timeout < shortestCheck || s.Timeout > MaxTimeout:
		return fmt.Errorf("timeout %s is outside %s to %s", s.Timeout, shortestCheck, MaxTimeout)
	case s.TTL < 0 || s.TTL > 255:
		return fmt.Errorf("ttl %d is outside 1 to 255", s.TTL)
	case s.TOS < 0 || s.TOS > 255:
		return fmt.Errorf("tos %d is outside 0 to 255", s.TOS)
	}
	return nil
}

// Check is one due measurement: what the scheduler emits and a pinger carries out.
type Check struct {
	Monitor  int64 `json:"monitor"`
	Rev      int64 `json:"rev"`
	Slot     int64 `json:"slot"` // the due time, milliseconds since 1970 UTC
	Kind     Kind  `json:"kind"`
	Location int64 `json:"location"`
	// Organization is whom the packets count for, where packets are capped.
	Organization int64 `json:"organization"`
	Spec         Spec  `json:"spec"`
}

// PacketState is what became of one echo request.
type PacketState uint8

// The states of a packet. A late reply came after the check's time and is not counted as received. Neither is a refused packet:
// a router, or the host itself, answered it with an ICMP error, which is Result.Cause.
const (
	PacketLost PacketState = iota
	PacketLate
	PacketReplied
	PacketRefused
)

// Packet is one echo request and what came back. RTT is zero unless it was answered in time.
type Packet struct {
	State PacketState   `json:"state"`
	RTT   time.Duration `json:"rtt"`
}

// Result is what one check found: what the recorder takes. It is plain data so that a remote prober can send it.
type Result struct {
	Monitor  int64 `json:"monitor"`
	Rev      int64 `json:"rev"`
	Slot     int64 `json:"slot"`
	Kind     Kind  `json:"kind"`
	Location int64 `json:"location"`
	// StartedOffset is how long after its slot the check began.
	StartedOffset time.Duration `json:"startedOffset"`
	Outcome       Outcome       `json:"outcome"`
	Cause         Cause         `json:"cause"`
	// CauseSource is the router that said so, where one did.
	CauseSource netip.Addr `json:"causeSource"`
	// CauseMTU is the most that fits through, in bytes of IP packet, where Cause is CauseTooBig and the router said it
	// (RFC 1191 §4, RFC 4443 §3.2); 0 = not said.
	CauseMTU int `json:"causeMtu"`
	// Detail is for the log and for people: the system's own words for a local error. It is not stored.
	Detail     string     `json:"detail"`
	Sent       int        `json:"sent"`
	Received   int        `json:"received"`
	Duplicates int        `json:"duplicates"`
	Late       int        `json:"late"`
	ReplyTTL   int        `json:"replyTtl"` // of the last counted reply; 0 = unknown
	Address    netip.Addr `json:"address"`  // what was pinged; invalid where no address was found
	Packets    []Packet   `json:"packets"`  // in the order sent
	// Mass is true where many monitors of the location failed at once though the network around it answers: one more failed
	// check is then asked for before a verdict. It is not stored with the result.
	Mass bool `json:"mass"`
}

// NewResult is an empty result of the check.
func NewResult(c Check) Result {
	return Result{Monitor: c.Monitor, Rev: c.Rev, Slot: c.Slot, Kind: c.Kind, Location: c.Location}
}

// Unknown makes the result one that was not measured, for the cause given.
func (r Result) Unknown(cause Cause, detail string) Result {
	r.Outcome, r.Cause, r.Detail = OutcomeUnknown, cause, detail
	return r
}

// StartedAt is when the check began.
func (r Result) StartedAt() time.Time {
	return time.UnixMilli(r.Slot).Add(r.StartedOffset).UTC()
}

// RTTs are the figures of one check's replies. Jitter is the mean difference between consecutive replies' RTTs
// (the D of RFC 3550 §6.4.1, averaged over the check instead of smoothed).
type RTTs struct{ Min, Avg, Max, Stddev, Jitter time.Duration }

// RTTs computes the figures; ok is false where nothing was answered in time.
func (r Result) RTTs() (f RTTs, ok bool) {
	var n, gaps int
	var sum, squares, gapSum float64
	last := time.Duration(-1)
	for _, p := range r.Packets {
		if p.State != PacketReplied {
			continue
		}
		if n == 0 || p.RTT < f.Min {
			f.Min = p.RTT
		}
		f.Max = max(f.Max, p.RTT)
		sum += float64(p.RTT)
		squares += float64(p.RTT) * float64(p.RTT)
		if last >= 0 {
			gapSum += math.Abs(float64(p.RTT - last))
			gaps++
		}
		last = p.RTT
		n++
	}
	if n == 0 {
		return RTTs{}, false
	}
	mean := sum / float64(n)
	f.Avg = time.Duration(math.Round(mean))
	f.Stddev = time.Duration(math.Round(math.Sqrt(max(0, squares/float64(n)-mean*mean))))
	if gaps > 0 {
		f.Jitter = time.Duration(math.Round(gapSum / float64(gaps)))
	}
	return f, true
}

// LossPercent is the share of echo requests without a reply in time, 0 to 100; 0 where nothing was sent.
func (r Result) LossPercent() float64 {
	if r.Sent == 0 {
		return 0
	}
	return 100 * float64(r.Sent-r.Received) / float64(r.Sent)
}

// Refused counts the packets that were answered by an ICMP error.
func (r Result) Refused() int {
	n := 0
	for _, p := range r.Packets {
		if p.State == PacketRefused {
			n++
		}
	}
	return n
}

// refusedBytes is a zero written in two bytes where one would do. The smaller numbers were all taken when refused packets
// began to be told apart from lost ones; a program of before reads this as one that was lost.
const refusedBytes = "\x80\x00"

// packBytes writes the packets as one unsigned varint each: 0 lost (in one byte) or refused (refusedBytes), 1 late, else the
// RTT in microseconds plus 2.
func packBytes(packets []Packet) []byte {
	out := make([]byte, 0, 3*len(packets))
	for _, p := range packets {
		switch p.State {
		case PacketRefused:
			out = append(out, refusedBytes...)
		case PacketReplied:
			out = binary.AppendUvarint(out, uint64(p.RTT.Microseconds())+2)
		default:
			out = binary.AppendUvarint(out, uint64(p.State))
		}
	}
	return out
}

// unpackBytes is the inverse of packBytes; it stops at the first byte that makes no sense.
func unpackBytes(b []byte) []Packet {
	var packets []Packet
	for len(b) > 0 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			break
		}
		b = b[n:]
		if v == 0 && n == len(refusedBytes) {
			packets = append(packets, Packet{State: PacketRefused})
			continue
		}
		if v < 2 {
			packets = append(packets, Packet{State: PacketState(v)})
			continue
		}
		packets = append(packets, Packet{State: PacketReplied, RTT: time.Duration(v-2) * time.Microsecond})
	}
	return packets
}

// CheckID packs the key of a result into a UUIDv8 (RFC 9562 §5.8): 48 bits of slot, 12 of location, 62 of monitor.
func CheckID(monitor, slot, location int64) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[0:8], uint64(slot)<<16|0x8000|uint64(location)&0x0fff)
	binary.BigEndian.PutUint64(id[8:16], 1<<63|uint64(monitor)&(1<<62-1))
	return id
}
