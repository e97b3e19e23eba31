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
)

// Echo is an echo request as the Responder got it.
type Echo struct {
	Seq  int
	Data []byte
}

// Reply is one answer of the Responder.
type Reply struct {
	Data []byte
	// Delay is how long it waits.
	Delay time.Duration
	// FromOther sends it from the Responder's other address.
	FromOther bool
}

// Behaviour says how an echo request is answered.
type Behaviour func(Echo) []Reply

// Honest answers as the kernel does.
func Honest(e Echo) []Reply { return []Reply{{Data: e.Data}} }

// Silent never answers.
func Silent(Echo) []Reply { return nil }

// Times answers n times.
func Times(n int) Behaviour {
	return func(e Echo) (all []Reply) {
		for range n {
			all = append(all, Reply{Data: e.Data})
		}
		return all
	}
}

// After answers d late.
func After(d time.Duration) Behaviour {
	return func(e Echo) []Reply { return []Reply{{Data: e.Data, Delay: d}} }
}

// FromOther answers from the other address only.
func FromOther(e Echo) []Reply { return []Reply{{Data: e.Data, FromOther: true}} }

// FromBoth answers from the other address first and then as it should.
func FromBoth(e Echo) []Reply {
	return []Reply{{Data: e.Data, FromOther: true}, {Data: e.Data, Delay: 20 * time.Millisecond}}
}

// Stamped moves the time that the request carries in its first eight bytes.
func Stamped(by time.Duration) Behaviour {
	return func(e Echo) []Reply {
		data := append([]byte(nil), e.Data...)
		if len(data) >= 8 {
			binary.BigEndian.PutUint64(data, binary.BigEndian.Uint64(data)+uint64(by))
		}
		return []Reply{{Data: data}}
	}
}

// Short answers with only the first n bytes.
func Short(n int) Behaviour {
	return func(e Echo) []Reply { return []Reply{{Data: e.Data[:min(n, len(e.Data))]}} }
}

// Responder answers echo requests to an IPv4 address in the kernel's place.
type Responder struct {
	behaviour atomic.Pointer[Behaviour]
	own       *icmp.PacketConn
	other     *icmp.PacketConn
	delayed   sync.WaitGroup
}

// NewResponder answers for addr, honestly at first, until the test ends. Both addresses must be this namespace's; its
// kernel stops answering echo requests.
func NewResponder(t testing.TB, addr, other netip.Addr) *Responder {
	t.Helper()
	Sysctl(t, "net.ipv4.icmp_echo_ignore_all", "1")
	r := &Responder{}
	r.Behave(Honest)
	var err error
	if r.own, err = icmp.ListenPacket("ip4:icmp", addr.String()); err != nil {
		t.Fatalf("raw socket for the responder: %v", err)
	}
	if r.other, err = icmp.ListenPacket("ip4:icmp", other.String()); err != nil {
		t.Fatalf("raw socket for the responder's other address: %v", err)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		r.serve()
	}()
	t.Cleanup(func() {
		r.own.Close()
		<-stopped
		r.delayed.Wait()
		r.other.Close()
	})
	return r
}

// Behave changes how requests are answered from now on.
func (r *Responder) Behave(b Behaviour) { r.behaviour.Store(&b) }

// serve ends when its socket is closed.
func (r *Responder) serve() {
	buffer := make([]byte, 1<<16)
	for {
		n, from, err := r.own.ReadFrom(buffer)
		if err != nil {
			return
		}
		message, err := icmp.ParseMessage(1, buffer[:n])
		if err != nil || message.Type != ipv4.ICMPTypeEcho {
			continue
		}
		request := message.Body.(*icmp.Echo)
		for _, reply := range (*r.behaviour.Load())(Echo{Seq: request.Seq, Data: append([]byte(nil), request.Data...)}) {
			body := &icmp.Echo{ID: request.ID, Seq: request.Seq, Data: reply.Data}
			packet, err := (&icmp.Message{Type: ipv4.ICMPTypeEchoReply, Body: body}).Marshal(nil)
			if err != nil {
				continue
			}
			r.send(packet, from, reply)
		}
	}
}

func (r *Responder) send(packet []byte, to net.Addr, reply Reply) {
	conn := r.own
	if reply.FromOther {
		conn = r.other
	}
	if reply.Delay == 0 {
		conn.WriteTo(packet, to)
		return
	}
	r.delayed.Add(1)
	time.AfterFunc(reply.Delay, func() {
		defer r.delayed.Done()
		conn.WriteTo(packet, to)
	})
}
