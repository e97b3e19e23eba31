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

// Capture counts the ICMP echo requests that arrive at an interface, by destination.
type Capture struct {
	fd   int
	mu   sync.Mutex
	seen map[netip.Addr]int
	last map[netip.Addr]Request
}

// Request is an echo request as it was on the wire.
type Request struct {
	TTL, TOS     int
	DontFragment bool // IPv4 only
	PacketSize   int  // bytes of ICMP payload
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
	return &Capture{fd: fd, seen: map[netip.Addr]int{}, last: map[netip.Addr]Request{}}, nil
}

func (c *Capture) start(t testing.TB) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		defer unix.Close(c.fd)
		buffer := make([]byte, 128)
		for {
			select {
			case <-stop:
				return
			default:
			}
			n, from, err := unix.Recvfrom(c.fd, buffer, 0)
			if err != nil {
				continue // mostly the 20 ms without a packet
			}
			if link, ok := from.(*unix.SockaddrLinklayer); ok && link.Pkttype != unix.PACKET_OUTGOING {
				c.note(buffer[:n])
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
	})
}

func (c *Capture) note(packet []byte) {
	const echo4, echo6, echoHeader = 8, 128, 8 // RFC 792, RFC 4443 §4.1
	var to netip.Addr
	var request Request
	switch {
	case len(packet) > 20 && packet[0]>>4 == 4 && packet[9] == unix.IPPROTO_ICMP:
		header := int(packet[0]&0x0f) * 4
		if len(packet) <= header || packet[header] != echo4 {
			return
		}
		to, _ = netip.AddrFromSlice(packet[16:20])
		size := int(binary.BigEndian.Uint16(packet[2:]))
		request = Request{TTL: int(packet[8]), TOS: int(packet[1]), DontFragment: packet[6]&0x40 != 0, PacketSize: size - header - echoHeader}
	case len(packet) > 40 && packet[0]>>4 == 6 && packet[6] == unix.IPPROTO_ICMPV6 && packet[40] == echo6:
		to, _ = netip.AddrFromSlice(packet[24:40])
		class := int(binary.BigEndian.Uint16(packet)>>4) & 0xff
		request = Request{TTL: int(packet[7]), TOS: class, PacketSize: int(binary.BigEndian.Uint16(packet[4:])) - echoHeader}
	default:
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[to]++
	c.last[to] = request
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
	return c.last[addr]
}

// WaitFor waits until addr got n echo requests. Packets are captured in order: what was sent before is counted by then.
func (c *Capture) WaitFor(t testing.TB, addr netip.Addr, n int) {
	t.Helper()
	Eventually(t, func() bool { return c.Seen()[addr] >= n }, "%d echo requests to %s", n, addr)
}

// Eventually fails the test where ok does not become true within five seconds.
func Eventually(t testing.TB, ok func() bool, what string, args ...any) {
	t.Helper()
	deadline := time.After(5 * time.Second)
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
