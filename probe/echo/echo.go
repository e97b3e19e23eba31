//go:build linux

package echo

import (
	"errors"
	"net/netip"
	"time"
)

// Limits of a Check.
const (
	MaxCount   = 255
	MaxSize    = 65507 // 65,535 less the IPv4 and ICMP headers
	MaxTimeout = 2 * time.Minute
)

// TokenSize is the least payload that carries our token; shorter ones are matched by identifier, sequence and source.
const TokenSize = 16

// Check is one measurement: Count echo requests to one address. Whoever starts it leaves it alone until Options.Done got
// it back, and may use it again then.
type Check struct {
	// Addr is a unicast address without a zone; an IPv4 address in IPv6 form is taken as IPv4.
	Addr  netip.Addr
	Count int // 1 to MaxCount
	Size  int // bytes of ICMP payload, 0 to MaxSize
	// Interval is the least time between two of the packets, as they left.
	Interval time.Duration
	// Timeout is the whole check's time, from the first packet to the last reply that counts. A packet that we send later
	// than planned, because of a cap or a busy machine, still gets the time that the plan left it: our lateness is no loss.
	Timeout      time.Duration
	TTL          int // hop limit; 0 = the system's
	TOS          int // the IP TOS or traffic class byte
	DontFragment bool
	// Group is whom Options.PerGroup counts it for.
	Group int64
	// Owner is the caller's.
	Owner any
	// Seen is told what becomes of packet k as it happens: Lost when it has left, Replied at its reply and at each further one,
	// Refused at an ICMP error. Only a reply has a TTL, only a refusal a trouble. It is called on the engine's goroutine and must
	// not block. A check that has it lasts to its deadline, so that what comes twice is still seen. Nil = nobody asks.
	Seen func(k int, p Packet, ttl int, t Trouble)

	slot *slot // the engine's
	gen  uint32
}

// PacketState is what became of one echo request.
type PacketState uint8

// The states of a packet.
const (
	// Unsent packets have not left: we were not allowed, or not able to.
	Unsent PacketState = iota
	// Lost packets were not answered in their time.
	Lost
	// Replied packets were answered; RTT is set.
	Replied
	// Refused packets were answered by an ICMP error; Report.Trouble is the last one.
	Refused
	// Unjudged packets left, and then something of ours kept us from seeing what came of them: they are neither lost nor
	// answered.
	Unjudged
)

// Packet is one echo request. RTT is until the reply or the ICMP error came, within 0 and the check's timeout; zero where
// neither did.
type Packet struct {
	State PacketState
	// Late is true for a Lost packet whose reply came after its time, but before the check had ended.
	Late bool
	RTT  time.Duration
}

// Trouble is an ICMP error that came back for one of our packets (RFC 792, RFC 1812 §5.2.7, RFC 4443 §3).
type Trouble struct {
	Kind       TroubleKind
	Type, Code uint8 // as on the wire, of the address's family
	// Source is who said so: a router, the target, or this machine where a neighbour does not answer.
	Source netip.Addr
	// MTU is the next hop's where Kind is TooBig; 0 = not said.
	MTU int
}

// TroubleKind sorts ICMP errors of both families.
type TroubleKind uint8

// The kinds of ICMP error.
const (
	NoTrouble TroubleKind = iota
	NetUnreachable
	HostUnreachable
	ProtocolUnreachable
	PortUnreachable
	Prohibited
	TTLExceeded
	TooBig
)

// Report is what a check found. It is valid only during the call of Options.Done.
type Report struct {
	// Packets are in the order sent; there are Check.Count of them.
	Packets []Packet
	// Started is when the first packet left, by the wall clock; zero where none did.
	Started time.Time
	// Sent counts what left and was judged: answered, refused or lost.
	Sent, Received int
	// Duplicates are further replies to answered packets, Reordered replies that came after one to a later packet.
	Duplicates, Reordered int
	// ReplyTTL is the TTL or hop limit of the last reply that counted; 0 = unknown.
	ReplyTTL int
	// Trouble is the last ICMP error for one of the packets.
	Trouble Trouble
	// Err is what kept us from measuring all of it: the kernel's errno for a packet that could not leave, what
	// Options.Allow said (as *NotAllowed), ErrCapped, ErrLate, ErrOverflow, ErrFamily, ErrCancelled, ErrClosed, or nothing.
	// What was measured beside it counts.
	Err error
}

// Errors of a Report, beside the system's.
var (
	// ErrCapped means that a cap on packets a second left no time to send.
	ErrCapped = errors.New("a cap on packets a second left no time to send")
	// ErrLate means that this machine was too busy to send all packets in the check's time.
	ErrLate = errors.New("this machine was too busy to send in time")
	// ErrOverflow means that the kernel threw arriving packets away because we did not take them up in time.
	ErrOverflow = errors.New("the receive buffer overflowed, so replies were lost here")
	// ErrCancelled means that Cancel ended the check.
	ErrCancelled = errors.New("the check was cancelled")
	// ErrClosed means that the engine was closed.
	ErrClosed = errors.New("the engine is closed")
	// ErrFamily means that no socket of the address's family could be opened.
	ErrFamily = errors.New("no socket for this address family")
)

// NotAllowed is a refusal by Options.Allow.
type NotAllowed struct{ Reason error }

// Error is the reason's.
func (e *NotAllowed) Error() string { return e.Reason.Error() }

// Unwrap returns the reason.
func (e *NotAllowed) Unwrap() error { return e.Reason }

// Rate is a cap by a token bucket. Zero values are no cap.
type Rate struct {
	Packets float64 // a second
	Burst   float64 // packets that may leave at once; 0 = a tenth of a second's, at least one
	Bytes   float64 // of IP packet, a second
}

// Options say how an Engine works.
type Options struct {
	// Done gets each check back with what it found, on the engine's goroutine: it must not block. It may call Start and Cancel.
	Done func(*Check, *Report)
	// Allow is asked before each packet; an error ends the check. It must not block. Nil = everything.
	Allow func(netip.Addr) error
	// All, PerGroup and PerTarget are caps on what is sent.
	All, PerGroup, PerTarget Rate
	// Raw leaves datagram sockets out, UserStamps the kernel's times: for tests and comparisons.
	Raw, UserStamps bool
	// Buffer is the size of a socket's buffers in bytes; 0 = 8 MiB where the system lets us, negative = the system's default.
	Buffer int
	// Rotate is how long an ICMP identifier stays in use; 0 = a minute.
	Rotate time.Duration
}
