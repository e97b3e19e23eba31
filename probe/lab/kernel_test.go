package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// kernelError is one entry of a socket's error queue (struct sock_extended_err, and who said so; ip(7), IP_RECVERR).
type kernelError struct {
	kind, code, info int
	from             netip.Addr
}

// errorQueue sends an echo request by a datagram ICMP socket and returns the error that comes for it.
func errorQueue(t *testing.T, to netip.Addr, options ...func(fd int)) (e kernelError) {
	t.Helper()
	family, protocol, level, option := unix.AF_INET6, unix.IPPROTO_ICMPV6, unix.IPPROTO_IPV6, unix.IPV6_RECVERR
	request := []byte{128, 0, 0, 0, 0, 0, 0, 1, 'd', 'a', 't', 'a'}
	if to.Is4() {
		family, protocol, level, option = unix.AF_INET, unix.IPPROTO_ICMP, unix.IPPROTO_IP, unix.IP_RECVERR
		request[0] = 8
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, level, option, 1); err != nil {
		t.Fatal(err)
	}
	for _, set := range options {
		set(fd)
	}
	var address unix.Sockaddr = &unix.SockaddrInet6{Addr: to.As16()}
	if to.Is4() {
		address = &unix.SockaddrInet4{Addr: to.As4()}
	}
	if err := unix.Sendto(fd, request, 0, address); err != nil {
		t.Fatalf("send to %s: %v", to, err)
	}
	for interrupted := true; interrupted; {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd)}}, int(patience.Milliseconds()))
		if n == 0 {
			t.Errorf("no error came for the request to %s", to)
			return e
		}
		interrupted = errors.Is(err, unix.EINTR)
	}
	buffer, oob := make([]byte, 2048), make([]byte, 512)
	_, oobn, _, _, err := unix.Recvmsg(fd, buffer, oob, unix.MSG_ERRQUEUE)
	if err != nil {
		t.Errorf("error queue of the request to %s: %v", to, err)
		return e
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if int(m.Header.Level) != level || int(m.Header.Type) != option {
			continue
		}
		e.kind, e.code, e.info = int(m.Data[5]), int(m.Data[6]), int(binary.NativeEndian.Uint32(m.Data[8:]))
		if to.Is4() {
			e.from = addrOf(m.Data[20:24])
		} else {
			e.from = addrOf(m.Data[24:40])
		}
	}
	return e
}

// What a Router's kernel says is what real ones do.
func TestRouter(t *testing.T) {
	Inside(t, func(t *testing.T) {
		AllowDatagram(t)
		r := NewRouter(t)
		for _, target := range []string{Far4, Far6} {
			to := netip.MustParseAddr(target)
			answers(t, to)
		}
		for kind, prefix := range map[string]string{
			"prohibit": "10.92.1.0/24", "unreachable": "10.92.2.0/24", "throw": "10.92.3.0/24",
		} {
			r.Refuse(kind, netip.MustParsePrefix(prefix))
		}
		for kind, prefix := range map[string]string{
			"prohibit": "2a00:92:1::/64", "unreachable": "2a00:92:2::/64", "throw": "2a00:92:3::/64",
		} {
			r.Refuse(kind, netip.MustParsePrefix(prefix))
		}
		lowTTL := func(fd int) {
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL, 1)
			unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 1)
		}
		router4, router6 := netip.MustParseAddr(RouterIn4), netip.MustParseAddr(RouterIn6)
		for _, c := range []struct {
			name, to string
			want     kernelError
			set      []func(int)
		}{
			{"prohibited", "10.92.1.1", kernelError{kind: 3, code: 13, from: router4}, nil},
			{"host unreachable", "10.92.2.1", kernelError{kind: 3, code: 1, from: router4}, nil},
			{"net unreachable", "10.92.3.1", kernelError{kind: 3, code: 0, from: router4}, nil},
			{"absent host", "10.91.0.9", kernelError{kind: 3, code: 1, from: router4}, nil},
			{"TTL exceeded", Far4, kernelError{kind: 11, code: 0, from: router4}, []func(int){lowTTL}},
			{"prohibited", "2a00:92:1::1", kernelError{kind: 1, code: 1, from: router6}, nil},
			{"unreachable", "2a00:92:2::1", kernelError{kind: 1, code: 0, from: router6}, nil},
			{"no route", "2a00:92:3::1", kernelError{kind: 1, code: 0, from: router6}, nil},
			{"absent host", "2a00:91::9", kernelError{kind: 1, code: 3, from: router6}, nil},
			{"hop limit exceeded", Far6, kernelError{kind: 3, code: 0, from: router6}, []func(int){lowTTL}},
		} {
			if got := errorQueue(t, netip.MustParseAddr(c.to), c.set...); got != c.want {
				t.Errorf("%s, %s: got %+v, want %+v", c.name, c.to, got, c.want)
			}
		}
	})
}

// answers fails the test where addr does not answer.
func answers(t *testing.T, addr netip.Addr) {
	t.Helper()
	c := newClient(t, addr)
	if all := c.answers(0); len(all) != 0 {
		t.Errorf("%s: got %+v besides its reply", addr, all)
	}
}

func TestRouterMTU(t *testing.T) {
	Inside(t, func(t *testing.T) {
		r := NewRouter(t)
		r.SetFarMTU(1300)
		for _, c := range []struct {
			to, said   string
			kind, code int
		}{{Far4, RouterIn4, 3, 4}, {Far6, RouterIn6, 2, 0}} {
			to := netip.MustParseAddr(c.to)
			client := newClient(t, to)
			client.send(to, 5, 1, make([]byte, 1400))
			all := client.answers(1)
			if len(all) == 0 || all[0].kind != c.kind || all[0].code != c.code || all[0].seq() != 1300 || all[0].from.String() != c.said {
				t.Errorf("%s: got %+v, want type %d code %d with MTU 1300 from %s", c.to, all, c.kind, c.code, c.said)
			}
		}
	})
}

func TestRefuseHere(t *testing.T) {
	Inside(t, func(t *testing.T) {
		for kind, want := range map[string]error{"prohibit": unix.EACCES, "blackhole": unix.EINVAL, "unreachable": unix.EHOSTUNREACH, "throw": unix.ENETUNREACH} {
			prefix := netip.MustParsePrefix(map[string]string{"prohibit": "10.1.0.0/24", "blackhole": "10.2.0.0/24", "unreachable": "10.3.0.0/24", "throw": "10.4.0.0/24"}[kind])
			Refuse(t, kind, prefix)
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
			if err != nil {
				t.Fatal(err)
			}
			if err := unix.Sendto(fd, make([]byte, 8), 0, &unix.SockaddrInet4{Addr: prefix.Addr().Next().As4()}); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", kind, err, want)
			}
			unix.Close(fd)
		}
	})
}

// A capture has each packet as it was, with the kernel's time, and puts fragments together.
func TestCapture(t *testing.T) {
	Inside(t, func(t *testing.T) {
		peer := NewPeer(t)
		peer.Cable("near", "far")
		IP(t, "addr", "add", "10.95.0.1/24", "dev", "near")
		IP(t, "addr", "add", "2a00:1::1/64", "dev", "near", "nodad")
		peer.IP("addr", "add", "10.95.0.2/24", "dev", "far")
		peer.IP("addr", "add", "2a00:1::2/64", "dev", "far", "nodad")
		far, near := peer.Capture("far"), NewCapture(t, "near")
		for _, c := range []struct{ from, to string }{{"10.95.0.1", "10.95.0.2"}, {"2a00:1::1", "2a00:1::2"}} {
			from, to := netip.MustParseAddr(c.from), netip.MustParseAddr(c.to)
			client := newClient(t, to)
			begun := time.Now()
			for i, size := range []int{0, 1, 56, 1400, 4000, 60000} {
				data := make([]byte, size)
				for j := range data {
					data[j] = byte(j)
				}
				client.send(to, 42, i, data)
				if n := len(client.answers(1)); n != 1 {
					t.Errorf("%s, %d bytes: got %d answers, want 1", to, size, n)
				}
				of := func(all []Packet) []Packet {
					return slices.DeleteFunc(all, func(p Packet) bool { return p.ID != 42 || p.Seq != i })
				}
				Eventually(t, func() bool { return len(far.Requests(to)) >= 2*(i+1) && len(near.Replies(to)) >= 2*(i+1) }, "the packets and the sentinel's")
				requests := of(far.Requests(to))
				if len(requests) != 1 {
					t.Fatalf("%s, %d bytes: got %d requests in the capture, want 1", to, size, len(requests))
				}
				p := requests[0]
				if p.PacketSize != size || p.From != from || p.To != to || p.TTL != 64 || size < 1400 && fmt.Sprint(p.Payload) != fmt.Sprint(data) {
					t.Errorf("%s: got %+v, want %d bytes from %s", to, p, size, from)
				}
				if want := size <= 1400; (p.Fragments == 1) != want {
					t.Errorf("%s, %d bytes: got %d fragments", to, size, p.Fragments)
				}
				replies := of(near.Replies(to))
				if len(replies) != 1 || replies[0].PacketSize != size || !replies[0].At.After(p.At) {
					t.Errorf("%s, %d bytes: got replies %+v after a request at %s", to, size, replies, p.At)
				}
				if p.At.Before(begun.Add(-time.Millisecond)) || p.At.After(time.Now().Add(time.Millisecond)) {
					t.Errorf("%s: time stamp %s is not within the test", to, p.At)
				}
			}
		}
		if n := far.Dropped(t); n != 0 {
			t.Errorf("the capture dropped %d packets", n)
		}
	})
}
