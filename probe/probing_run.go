package probe

import (
	"net"
	"net/netip"
	"runtime"
	"sync"
	"syscall"
	"time"

	probing "github.com/prometheus-community/pro-bing"

	"echolot/models"
)

// probingRun keeps the books of one run of pro-bing. Its hooks are called by pro-bing's goroutine, and the pinger may read
// the books while that still runs.
type probingRun struct {
	spec     models.Spec
	addr     netip.Addr
	raw      bool
	deadline time.Time
	// allowed asks the target policy again.
	allowed func() error

	mu         sync.Mutex
	opened     bool
	packets    []probingPacket // by sequence number: pro-bing counts from 0 and only what left
	received   int
	duplicates int
	late       int
	replyTTL   int
	err        error // the first
}

type probingPacket struct {
	models.Packet
	sentAt time.Time
}

// systemTTL makes the kernel use the system's TTL (ip(7), IP_TTL; ipv6(7), IPV6_UNICAST_HOPS). pro-bing sets the
// option before each packet and would use 64.
const systemTTL = -1

// pinger makes the pro-bing pinger that reports to run. The spec must be valid: an interval or a timeout of zero would
// panic in a goroutine of pro-bing, where nothing can catch it.
func (run *probingRun) pinger() *probing.Pinger {
	pinger := probing.New("")
	pinger.SetIPAddr(&net.IPAddr{IP: run.addr.AsSlice()})
	pinger.SetPrivileged(run.raw)
	pinger.SetLogger(loopBreaker{run: run})
	pinger.Count = run.spec.Count
	pinger.Size = run.spec.PacketSize
	pinger.Interval = run.spec.Interval
	pinger.Timeout = max(time.Until(run.deadline), time.Nanosecond)
	pinger.RecordRtts, pinger.RecordTTLs = false, false
	pinger.TTL = systemTTL
	if run.spec.TTL > 0 {
		pinger.TTL = run.spec.TTL
	}
	pinger.SetDoNotFragment(run.spec.DontFragment)
	pinger.SetTrafficClass(uint8(run.spec.TOS))

	pinger.OnSetup = run.open
	pinger.OnSend = func(*probing.Packet) { run.sent() }
	pinger.OnSendError = func(_ *probing.Packet, err error) { run.leave(err) }
	received := func(reply *probing.Packet) {
		// pro-bing ends at Count replies and counts those of other sources; so it gets our count. It reads the field
		// in the goroutine that calls this.
		pinger.PacketsRecv = run.reply(reply)
	}
	pinger.OnRecv = received
	// To pro-bing a reply is a duplicate after any other with its number, be that from another source.
	pinger.OnDuplicateRecv = received
	return pinger
}

// loopBreaker is pro-bing's logger, and the only way out of its endless loop: on EACCES (a broadcast address, a
// prohibited route) pro-bing v0.9.1 sets SO_BROADCAST, logs by Infof and sends again, heeding neither its timeout nor
// its context (ping.go, sendICMP). It can go once pro-bing returns that error.
type loopBreaker struct {
	probing.NoopLogger
	run *probingRun
}

// Infof ends the run. pro-bing calls it for nothing else that can happen.
func (b loopBreaker) Infof(string, ...any) { b.run.leave(syscall.EACCES) }

// leave ends pro-bing's goroutine at the first packet that the system does not take. Goexit runs the deferred calls
// that stop pro-bing's other goroutines and let it return; on ENOBUFS too it would otherwise try for ever.
func (run *probingRun) leave(err error) {
	run.fail(err)
	runtime.Goexit()
}

func (run *probingRun) fail(err error) {
	run.mu.Lock()
	defer run.mu.Unlock()
	if run.err == nil {
		run.err = err
	}
}

func (run *probingRun) open() {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.opened = true
}

// sent notes that a packet has left, and asks whether the next one may: a raw socket of the net package has
// SO_BROADCAST set, so there the kernel would not refuse an address that has become a broadcast one.
func (run *probingRun) sent() {
	run.mu.Lock()
	run.packets = append(run.packets, probingPacket{sentAt: time.Now()})
	more := len(run.packets) < run.spec.Count
	run.mu.Unlock()
	if more && run.raw {
		if err := run.allowed(); err != nil {
			run.leave(err)
		}
	}
}

// reply judges a reply that carries our UUID, and returns how many packets were answered in time so far. The time that
// it carries is the target's word and not looked at.
func (run *probingRun) reply(reply *probing.Packet) int {
	now := time.Now()
	run.mu.Lock()
	defer run.mu.Unlock()
	source, _ := netip.AddrFromSlice(reply.IPAddr.IP)
	if source.Unmap() != run.addr || reply.Seq >= len(run.packets) {
		return run.received
	}
	packet := &run.packets[reply.Seq]
	switch {
	case packet.State != models.PacketLost:
		run.duplicates++
	case now.After(run.deadline):
		packet.State = models.PacketLate
		run.late++
	default:
		packet.State = models.PacketReplied
		packet.RTT = min(max(now.Sub(packet.sentAt), 0), run.spec.Timeout)
		run.received++
		run.replyTTL = max(reply.TTL, 0)
	}
	return run.received
}

// judge fills the result.
func (run *probingRun) judge(result models.Result) models.Result {
	inTime := time.Now().Before(run.deadline)
	run.mu.Lock()
	defer run.mu.Unlock()
	for _, packet := range run.packets {
		if inTime && packet.State == models.PacketLost {
			continue // the run was cut short by trouble of our own: nobody waited for this one
		}
		result.Packets = append(result.Packets, packet.Packet)
	}
	result.Sent, result.Received = len(result.Packets), run.received
	result.Duplicates, result.Late, result.ReplyTTL = run.duplicates, run.late, run.replyTTL
	if result.Sent == 0 {
		switch {
		case run.err == nil:
			return result.Unknown(models.CauseLocalError, "the system took no packet in time")
		case !run.opened:
			return unmeasured(result, noSocket(run.err))
		}
		return unmeasured(result, run.err)
	}
	if run.err != nil {
		result.Detail = run.err.Error()
	}
	result.Outcome = models.OutcomeSuccess
	if result.Received < result.Sent {
		result.Cause = models.CauseTimeout
	}
	if result.Received == 0 {
		result.Outcome = models.OutcomeFailure
	}
	return result
}
