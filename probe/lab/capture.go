package lab

import (
	"encoding/binary"
	"maps"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Capture keeps the ICMP echo requests and replies that arrive at an interface, each with the kernel's time stamp.
type Capture struct {
	fd int

	mu        sync.Mutex
	seen      map[netip.Addr]int
	requests  map[netip.Addr][]*Packet // by destination
	replies   map[netip.Addr][]*Packet // by source
	fragments map[fragment]*incomplete
}

// incomplete is a packet of which fragments are missing.
type incomplete struct {
	packet     *Packet // nil until its first fragment has come
	at         time.Time
	n          int // fragments that have come
	got, whole int // bytes of the ICMP message; whole is 0 until the last fragment has come
}

// Request is an echo request as it was on the wire.
type Request struct {
	TTL, TOS     int
	DontFragment bool // IPv4 only
	PacketSize   int  // bytes of ICMP payload, of all fragments
}

// Packet is an echo request or reply as it was on the wire, and when. One in fragments is there when all have come.
type Packet struct {
	Request
	From, To netip.Addr
	ID, Seq  int
	// Payload is the ICMP payload; of a packet in fragments that of the first.
	Payload []byte
	// Fragments is how many there were, 1 for a whole packet.
	Fragments int
	// At is the kernel's time stamp of the arrival (SO_TIMESTAMPNS, by the wall clock), of the fragment that came first.
	At time.Time

	request bool
}

// NewCapture captures at the named interface of this namespace until the test ends.
func NewCapture(t testing.TB, name string) *Capture {
	t.Helper()
	c, err := openCapture(name)
	if err != nil {
		t.Fatalf("capture at %s: %v", name, err)
	}
	c.start(t)
	return c
}

// Capture captures at the named interface of the peer until the test ends.
func (p *Peer) Capture(name string) *Capture {
	p.t.Helper()
	var c *Capture
	var err error
	p.Do(func() { c, err = openCapture(name) })
	if err != nil {
		p.t.Fatalf("capture at the peer's %s: %v", name, err)
	}
	c.start(p.t)
	return c
}

func openCapture(name string) (*Capture, error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	all := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL)) // htons
	// SOCK_DGRAM: without the link's header, so that lo and veth look alike.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(all))
	if err != nil {
		return nil, err
	}
	poll := unix.NsecToTimeval(int64(20 * time.Millisecond))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &poll); err != nil {
		unix.Close(fd)
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: iface.Index}); err != nil {
		unix.Close(fd)
		return nil, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		unix.Close(fd)
		return nil, err
	}
	const queue = 32 << 20 // a burst of twenty thousand checks
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, queue) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, queue) // within unshare -Urn only up to rmem_max
	}
	return &Capture{fd: fd, seen: map[netip.Addr]int{}, requests: map[netip.Addr][]*Packet{}, replies: map[netip.Addr][]*Packet{},
		fragments: map[fragment]*incomplete{}}, nil
}

func (c *Capture) start(t testing.TB) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		defer unix.Close(c.fd)
		buffer, oob := make([]byte, 1<<16), make([]byte, 128)
		for {
			select {
			case <-stop:
				return
			default:
			}
			n, oobn, _, from, err := unix.Recvmsg(c.fd, buffer, oob, 0)
			if err != nil {
				continue // mostly the 20 ms without a packet
			}
			if link, ok := from.(*unix.SockaddrLinklayer); ok && link.Pkttype != unix.PACKET_OUTGOING {
				c.note(buffer[:n], arrival(oob[:oobn]))
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
	})
}

// arrival is the kernel's time stamp, or now.
func arrival(oob []byte) time.Time {
	messages, _ := unix.ParseSocketControlMessage(oob)
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			seconds, nanoseconds := binary.NativeEndian.Uint64(m.Data), binary.NativeEndian.Uint64(m.Data[8:])
			return time.Unix(int64(seconds), int64(nanoseconds))
		}
	}
	return time.Now()
}

func (c *Capture) note(data []byte, at time.Time) {
	p, ok := parsePacket(data)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.offset == 0 && !p.more {
		if packet, ok := p.echo(); ok {
			packet.At = at
			c.keep(packet)
		}
		return
	}
	// A sender that changes to another CPU meanwhile has them overtake each other, even on a cable.
	w := c.fragments[p.fragment]
	if w == nil {
		w = &incomplete{at: at}
		c.fragments[p.fragment] = w
	}
	w.n++
	w.got += len(p.message)
	if p.offset == 0 {
		w.packet, _ = p.echo()
	}
	if !p.more {
		w.whole = p.offset + len(p.message)
	}
	if w.got != w.whole {
		return
	}
	delete(c.fragments, p.fragment)
	if packet := w.packet; packet != nil {
		packet.At, packet.Fragments, packet.PacketSize = w.at, w.n, w.whole-echoHeader
		c.keep(packet)
	}
}

func (c *Capture) keep(packet *Packet) {
	if packet.request {
		c.seen[packet.To]++
		c.requests[packet.To] = append(c.requests[packet.To], packet)
	} else {
		c.replies[packet.From] = append(c.replies[packet.From], packet)
	}
}

// Seen is how many echo requests each address got so far.
func (c *Capture) Seen() map[netip.Addr]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.seen)
}

// Last is the newest echo request to addr.
func (c *Capture) Last(addr netip.Addr) Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	if all := c.requests[addr]; len(all) > 0 {
		return all[len(all)-1].Request
	}
	return Request{}
}

// Requests are all echo requests to addr so far, in the order of their arrival.
func (c *Capture) Requests(addr netip.Addr) []Packet { return c.copied(c.requests, addr) }

// Replies are all echo replies from addr so far.
func (c *Capture) Replies(addr netip.Addr) []Packet { return c.copied(c.replies, addr) }

func (c *Capture) copied(of map[netip.Addr][]*Packet, addr netip.Addr) (all []Packet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range of[addr] {
		all = append(all, *p)
	}
	return all
}

// Dropped is how many packets the kernel had no room for since the last call: then the capture does not have all.
func (c *Capture) Dropped(t testing.TB) int {
	t.Helper()
	stats, err := unix.GetsockoptTpacketStats(c.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		t.Fatalf("statistics of the capture: %v", err)
	}
	return int(stats.Drops)
}

// WaitFor waits until addr got n echo requests. Packets are captured in order: what was sent before is counted by then.
func (c *Capture) WaitFor(t testing.TB, addr netip.Addr, n int) {
	t.Helper()
	Eventually(t, func() bool { return c.Seen()[addr] >= n }, "%d echo requests to %s", n, addr)
}

// patience is how long is waited for what should be there in a moment; the machine may be busy.
const patience = 30 * time.Second

// Eventually fails the test where ok does not become true within half a minute.
func Eventually(t testing.TB, ok func() bool, what string, args ...any) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("never came: "+what, args...)
		case <-tick.C:
		}
	}
}
