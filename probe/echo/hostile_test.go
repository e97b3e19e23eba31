//go:build linux

package echo

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"echolot/probe/lab"
)

// request is an echo request as it was on lo.
type request struct {
	from, to netip.Addr
	id, seq  uint16
	payload  []byte
	ip       []byte // the whole packet
}

// hostile answers the echo requests on lo in the kernel's place, with whatever it is told to and from any address.
type hostile struct {
	t          *testing.T
	raw4, raw6 int // send packets with a header of ours

	during    sync.Mutex // held while a request is dealt with
	mu        sync.Mutex
	behaviour func(request)
	seen      []request
}

// onlyRequests keeps all but echo requests out of the buffer.
func onlyRequests() []unix.SockFilter {
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: at}
	}
	is := func(value uint32, no uint8) unix.SockFilter { // else skips so many
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jf: no}
	}
	take := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 16}
	return []unix.SockFilter{
		load(0), is(0x45, 5), load(9), is(unix.IPPROTO_ICMP, 3), load(20), is(echoRequest4, 1), take,
		load(6), is(unix.IPPROTO_ICMPV6, 3), load(40), is(echoRequest6, 1), take,
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}
}

// newHostile answers nothing at first. Targets of IPv4 are all of 127.0.0.0/8; of IPv6 those of six.
func newHostile(t *testing.T) *hostile {
	t.Helper()
	lab.Sysctl(t, "net.ipv4.icmp_echo_ignore_all", "1")
	lab.Sysctl(t, "net.ipv6.icmp.echo_ignore_all", "1")
	lab.IP(t, "addr", "add", "2a00:1::/64", "dev", "lo", "nodad")
	lab.IP(t, "-6", "route", "add", "local", "2a00:1::/64", "dev", "lo")
	h := &hostile{t: t, behaviour: func(request) {}}
	open := func(domain, kind, protocol int) int {
		fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, protocol)
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	h.raw4, h.raw6 = open(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_RAW), open(unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_RAW)
	requests := onlyRequests()
	all := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL)) // htons
	fd := open(unix.AF_PACKET, unix.SOCK_DGRAM, int(all))
	poll := unix.NsecToTimeval(2e7)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &poll); err != nil {
		t.Fatal(err)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 32<<20) != nil { // as in a user namespace
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 32<<20)
	}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(requests)), Filter: &requests[0]}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: 1}); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		buffer := make([]byte, 1<<16)
		for {
			select {
			case <-stop:
				return
			default:
			}
			n, from, err := unix.Recvfrom(fd, buffer, 0)
			if link, ok := from.(*unix.SockaddrLinklayer); err == nil && ok && link.Pkttype != unix.PACKET_OUTGOING {
				h.take(append([]byte(nil), buffer[:n]...))
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
		for _, fd := range []int{fd, h.raw4, h.raw6} {
			unix.Close(fd)
		}
	})
	return h
}

func (h *hostile) take(b []byte) {
	r := request{ip: b}
	switch {
	case len(b) >= 28 && b[0] == 0x45 && b[9] == unix.IPPROTO_ICMP && b[20] == echoRequest4:
		r.from, r.to, b = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20])), b[20:]
	case len(b) >= 48 && b[0]>>4 == 6 && b[6] == unix.IPPROTO_ICMPV6 && b[40] == echoRequest6:
		r.from, r.to, b = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40])), b[40:]
	default:
		return
	}
	r.id, r.seq, r.payload = binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:]), b[8:]
	h.mu.Lock()
	h.seen = append(h.seen, r)
	f := h.behaviour
	h.mu.Unlock()
	h.during.Lock()
	defer h.during.Unlock()
	f(r)
}

// done waits until no request is being dealt with: what the behaviour noted can be read then.
func (h *hostile) done() {
	h.during.Lock()
	defer h.during.Unlock()
}

// behave changes what is done with each request.
func (h *hostile) behave(f func(request)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.behaviour = f
}

// requests are those that an address got, oldest first.
func (h *hostile) requests(to netip.Addr) (all []request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.seen {
		if r.to == to {
			all = append(all, r)
		}
	}
	return all
}

// echo answers as it should be.
func (h *hostile) echo(r request) { h.reply(r.to, r, r.id, r.seq, r.payload) }

// reply sends an echo reply to who asked.
func (h *hostile) reply(from netip.Addr, r request, id, seq uint16, payload []byte) {
	m := make([]byte, 8, 8+len(payload))
	if m[0] = echoReply4; r.from.Is6() {
		m[0] = echoReply6
	}
	binary.BigEndian.PutUint16(m[4:], id)
	binary.BigEndian.PutUint16(m[6:], seq)
	h.send(from, r.from, append(m, payload...))
}

// refuse sends an ICMP error that quotes what is given, mostly the request from its IP header on. The last four bytes of
// its header are rest.
func (h *hostile) refuse(from netip.Addr, r request, kind, code uint8, rest uint32, quote []byte) {
	m := make([]byte, 8, 8+len(quote))
	m[0], m[1] = kind, code
	binary.BigEndian.PutUint32(m[4:], rest)
	h.send(from, r.from, append(m, quote...))
}

// send sends an ICMP message whose checksum is still zero, with a TTL of 61.
func (h *hostile) send(from, to netip.Addr, m []byte) {
	var err error
	if to.Is4() {
		binary.BigEndian.PutUint16(m[2:], checksum(m))
		b := append(make([]byte, 20), m...)
		b[0], b[8], b[9] = 0x45, 61, unix.IPPROTO_ICMP
		copy(b[12:], from.AsSlice())
		copy(b[16:], to.AsSlice())
		err = unix.Sendto(h.raw4, b, 0, &unix.SockaddrInet4{Addr: to.As4()})
	} else {
		b := append(make([]byte, 40), m...)
		b[0], b[6], b[7] = 0x60, unix.IPPROTO_ICMPV6, 61
		binary.BigEndian.PutUint16(b[4:], uint16(len(m)))
		copy(b[8:], from.AsSlice())
		copy(b[24:], to.AsSlice())
		pseudo := append(append([]byte(nil), b[8:40]...), 0, 0, byte(len(m)>>8), byte(len(m)), 0, 0, 0, unix.IPPROTO_ICMPV6)
		binary.BigEndian.PutUint16(b[42:], checksum(append(pseudo, m...)))
		err = unix.Sendto(h.raw6, b, 0, &unix.SockaddrInet6{Addr: to.As16()})
	}
	if err != nil {
		h.t.Errorf("sending from %s to %s: %v", from, to, err)
	}
}

// four and six are targets that hostile answers for, of one family each.
func four(i int) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, byte(1 + i>>8), byte(i)}) }

func six(i int) netip.Addr {
	a := netip.MustParseAddr("2a00:1::").As16()
	binary.BigEndian.PutUint32(a[12:], uint32(i+1))
	return netip.AddrFrom16(a)
}

// families are the two kinds of target.
func families(t *testing.T, f func(t *testing.T, target func(int) netip.Addr)) {
	t.Run("ipv4", func(t *testing.T) { f(t, four) })
	t.Run("ipv6", func(t *testing.T) { f(t, six) })
}
