package lab

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Echo is an echo request as the Responder got it.
type Echo struct {
	ID, Seq int
	Data    []byte
	// From asked To. TTL is what was left of it.
	From, To netip.Addr
	TTL      int

	packet []byte // with its IP header, for errors to quote
}

// Reply is one answer of the Responder. The zero value is an echo reply without data, sent at once.
type Reply struct {
	Data []byte
	// Delay is how long it waits.
	Delay time.Duration
	// FromOther sends it from the Responder's other address, From from any, be it the Responder's or not.
	FromOther bool
	From      netip.Addr
	// Of is the request that it answers, nil for the one at hand: an earlier one, or one that never was.
	Of *Echo
	// TTL is that of the reply's packet, 0 = the system's.
	TTL int
	// Error is sent in place of an echo reply.
	Error *ICMPError
}

// Behaviour says how an echo request is answered. A Responder calls it for one request at a time; those that remember
// something belong to one Responder.
type Behaviour func(Echo) []Reply

// Responder answers echo requests in the kernel's place.
type Responder struct {
	behaviour atomic.Pointer[Behaviour]
	prefix    netip.Prefix
	other     netip.Addr
	socket    *rawSocket
	delayed   sync.WaitGroup
	stop      chan struct{}
}

// NewResponder answers for addr, honestly at first, until the test ends. Both addresses must be this namespace's; its
// kernel stops answering echo requests.
func NewResponder(t testing.TB, addr, other netip.Addr) *Responder {
	t.Helper()
	r, err := newResponder(netip.PrefixFrom(addr, addr.BitLen()))
	if err != nil {
		t.Fatalf("responder for %s: %v", addr, err)
	}
	r.other = other
	r.start(t)
	return r
}

// NewResponders answers for all addresses of prefix, each from its own; Echo.To tells which. They become this
// namespace's by a local route; within 127.0.0.0/8 they are already. Its kernel stops answering echo requests.
func NewResponders(t testing.TB, prefix netip.Prefix) *Responder {
	t.Helper()
	r, err := newResponders(prefix)
	if err != nil {
		t.Fatalf("responder for %s: %v", prefix, err)
	}
	r.start(t)
	return r
}

// Responders answers like NewResponders, for the peer.
func (p *Peer) Responders(prefix netip.Prefix) *Responder {
	p.t.Helper()
	var r *Responder
	var err error
	p.Do(func() { r, err = newResponders(prefix) })
	if err != nil {
		p.t.Fatalf("the peer's responder for %s: %v", prefix, err)
	}
	r.start(p.t)
	return r
}

func newResponders(prefix netip.Prefix) (*Responder, error) {
	prefix = prefix.Masked()
	if !prefix.Addr().IsLoopback() {
		if err := ip([]string{"route", "replace", "local", prefix.String(), "dev", "lo"}); err != nil {
			return nil, err
		}
	}
	return newResponder(prefix)
}

func newResponder(prefix netip.Prefix) (*Responder, error) {
	ignore := "net.ipv6.icmp.echo_ignore_all"
	if prefix.Addr().Is4() {
		ignore = "net.ipv4.icmp_echo_ignore_all"
	}
	if err := sysctl(ignore, "1"); err != nil {
		return nil, err
	}
	socket, err := openRawSocket(prefix)
	if err != nil {
		return nil, err
	}
	r := &Responder{prefix: prefix, socket: socket, stop: make(chan struct{})}
	r.Behave(Honest)
	return r, nil
}

func (r *Responder) start(t testing.TB) {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		r.serve()
	}()
	t.Cleanup(func() {
		close(r.stop)
		r.socket.conn.SetReadDeadline(time.Unix(1, 0))
		<-stopped
		r.delayed.Wait()
		r.socket.conn.Close()
	})
}

// Behave changes how requests are answered from now on.
func (r *Responder) Behave(b Behaviour) { r.behaviour.Store(&b) }

// serve ends when its socket has no more time to read.
func (r *Responder) serve() {
	buffer := make([]byte, 1<<16)
	for {
		e, ok, err := r.socket.read(buffer)
		if err != nil {
			return
		}
		if !ok || !r.prefix.Contains(e.To) {
			continue
		}
		for _, reply := range (*r.behaviour.Load())(e) {
			if reply.Delay == 0 {
				r.send(e, reply)
				continue
			}
			r.delayed.Go(func() {
				timer := time.NewTimer(reply.Delay)
				defer timer.Stop()
				select {
				case <-timer.C:
					r.send(e, reply)
				case <-r.stop:
				}
			})
		}
	}
}

func (r *Responder) send(e Echo, reply Reply) {
	if reply.Of != nil {
		e = *reply.Of
	}
	from := e.To
	switch {
	case reply.From.IsValid():
		from = reply.From
	case reply.FromOther:
		from = r.other
	case reply.Error != nil && reply.Error.From.IsValid():
		from = reply.Error.From
	}
	if reply.Error != nil {
		r.socket.write(reply.Error.message(e), from, e.From, reply.TTL)
		return
	}
	message := icmp.Message{Type: ipv4.ICMPTypeEchoReply, Body: &icmp.Echo{ID: e.ID, Seq: e.Seq, Data: reply.Data}}
	if !e.To.Is4() {
		message.Type = ipv6.ICMPTypeEchoReply
	}
	if packet, err := message.Marshal(nil); err == nil { // by IPv6 the kernel sums up
		r.socket.write(packet, from, e.From, reply.TTL)
	}
}

// parseEcho takes an ICMP message of type echo request apart, behind the IP header of header bytes.
func parseEcho(packet []byte, header int) (Echo, bool) {
	const echo4, echo6 = 8, 128 // RFC 792, RFC 4443 §4.1
	message := packet[header:]
	if len(message) < 8 || message[0] != echo4 && message[0] != echo6 {
		return Echo{}, false
	}
	return Echo{
		ID:     int(binary.BigEndian.Uint16(message[4:])),
		Seq:    int(binary.BigEndian.Uint16(message[6:])),
		Data:   message[8:],
		packet: packet,
	}, true
}

// addrOf is ip without a zone and never IPv4 in IPv6 form.
func addrOf(ip net.IP) netip.Addr {
	addr, _ := netip.AddrFromSlice(ip)
	return addr.Unmap()
}
