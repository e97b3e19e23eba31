package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"

	"echolot/models"
)

// Resolver turns a monitor's host into the address to ping.
type Resolver struct {
	// server is host:port of the one DNS server to ask; empty = those of the system.
	server string
}

// NewResolver makes a Resolver that asks the DNS server at host:port, or the system's where server is empty.
func NewResolver(server string) *Resolver {
	return &Resolver{server: server}
}

// Resolve returns the address of host, never an IPv4 address in IPv6 form. family is "4", "6" or "auto". It returns at
// ctx's deadline at the latest. The error is an *Unmeasured: models.CauseNameNotFound where the name does not exist,
// models.CauseDNSError where nobody could say (no answer, a broken one, an empty one), models.CauseLocalError where host
// is an address of the other family.
//
// With "auto" a name that has both is pinged by IPv4: a prober without IPv6 (most containers) still has an address for
// it in DNS, and a monitor must not change its target with the machine that measures it.
func (r *Resolver) Resolve(ctx context.Context, host, family string) (netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.Unmap()
		if family == "4" && !a.Is4() || family == "6" && !a.Is6() {
			return netip.Addr{}, &Unmeasured{models.CauseLocalError, fmt.Sprintf("%s is not an IPv%s address", host, family)}
		}
		return a, nil
	}
	if models.EndsInNumber(host) {
		// 127.1 and 0x7f000001 are addresses to the C library and names to DNS: to us they are neither.
		return netip.Addr{}, &Unmeasured{models.CauseNameNotFound, fmt.Sprintf("%s is neither a name nor an address", host)}
	}
	network := "ip"
	if family == "4" || family == "6" {
		network += family
	}
	name := host
	if r.server != "" && !strings.HasSuffix(name, ".") {
		name += "." // the search list of resolv.conf belongs to the system's servers
	}
	l := lookup{server: r.server, outer: ctx}
	// A resolver of its own for each lookup: net.Resolver joins equal lookups, and then only one sees the replies.
	// StrictErrors, because else a lost answer for A would silently move the monitor to the AAAA address.
	resolver := net.Resolver{PreferGo: true, StrictErrors: true, Dial: l.dial}
	addrs, err := resolver.LookupNetIP(ctx, network, name)
	if err != nil {
		return netip.Addr{}, l.explain(err)
	}
	for _, a := range addrs {
		if a.Unmap().Is4() {
			return a.Unmap(), nil
		}
	}
	if len(addrs) == 0 {
		return netip.Addr{}, &Unmeasured{models.CauseDNSError, fmt.Sprintf("%s has no address", host)}
	}
	return addrs[0], nil
}

// lookup watches the replies to one lookup. net.DNSError does not tell a name that does not exist (NXDOMAIN) from one
// without an address (an empty answer, a CNAME that leads nowhere), and only the first is the owner's doing.
type lookup struct {
	server string
	// outer is the caller's context: the one that dial is given outlives it.
	outer context.Context
	// exists is set once a server answered anything but NXDOMAIN.
	exists atomic.Bool
}

func (l *lookup) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if l.server != "" {
		address = l.server
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	// net.Resolver gives an answer five seconds even where the caller has left: closing ends its wait.
	stop := context.AfterFunc(l.outer, func() { conn.Close() })
	if udp, ok := conn.(*net.UDPConn); ok {
		return &watchedConn{UDPConn: udp, lookup: l, stop: stop}, nil
	}
	l.exists.Store(true) // by TCP only after a truncated answer, and those exist
	return &timedConn{Conn: conn, stop: stop}, nil
}

// explain makes an Unmeasured of what net.Resolver says.
func (l *lookup) explain(err error) error {
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		return &Unmeasured{models.CauseDNSError, err.Error()}
	}
	if l.server != "" {
		dns.Server = l.server // net.Resolver names the server that it would have asked
	}
	switch {
	case dns.IsNotFound && !l.exists.Load():
		return &Unmeasured{models.CauseNameNotFound, dns.Error()}
	case dns.IsNotFound:
		return &Unmeasured{models.CauseDNSError, fmt.Sprintf("lookup %s: the answer holds no address", dns.Name)}
	}
	return &Unmeasured{models.CauseDNSError, dns.Error()}
}

// watchedConn notes the response code of every DNS message read (RFC 1035 §4.1.1). It stays a net.PacketConn: by that
// net.Resolver knows that it speaks UDP.
type watchedConn struct {
	*net.UDPConn
	lookup *lookup
	stop   func() bool
}

const (
	dnsHeader    = 12
	dnsNameError = 3
)

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.UDPConn.Read(b)
	if n >= dnsHeader && b[3]&0x0f != dnsNameError {
		c.lookup.exists.Store(true)
	}
	return n, err
}

func (c *watchedConn) Close() error {
	c.stop()
	return c.UDPConn.Close()
}

type timedConn struct {
	net.Conn
	stop func() bool
}

func (c *timedConn) Close() error {
	c.stop()
	return c.Conn.Close()
}
