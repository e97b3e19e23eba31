package lab

import (
	"net/netip"
	"strconv"
	"testing"
)

// The addresses at a Router: ours, its own on our side, and the far host's.
const (
	Here4     = "10.90.0.1"
	Here6     = "2a00:90::1"
	RouterIn4 = "10.90.0.254"
	RouterIn6 = "2a00:90::fe"
	Far4      = "10.91.0.2"
	Far6      = "2a00:91::2"

	routerOut4 = "10.91.0.254"
	routerOut6 = "2a00:91::fe"
)

// Router is a machine between this namespace and a far one: its kernel, and no code of ours, says that a TTL is exceeded,
// that there is no way, or that a packet is too big. The default route goes there.
//
//	here (lan0: Here4, Here6) — (lan1: RouterIn4, RouterIn6) router (wan0) — (wan1: Far4, Far6) far
type Router struct {
	*Peer
	Far *Peer
}

// NewRouter makes a Router that lasts as long as the test. It limits none of the errors that it sends.
func NewRouter(t testing.TB) *Router {
	t.Helper()
	r := &Router{Peer: NewPeer(t), Far: NewPeer(t)}
	// An address is good at once; the kernel would otherwise look for its double for a second.
	Sysctl(t, "net.ipv6.conf.default.accept_dad", "0")
	r.Sysctl("net.ipv6.conf.default.accept_dad", "0")
	r.Far.Sysctl("net.ipv6.conf.default.accept_dad", "0")
	r.Peer.Cable("lan0", "lan1")
	r.Peer.IP("link", "add", "wan0", "type", "veth", "peer", "name", "wan1")
	r.Peer.IP("link", "set", "wan1", "netns", strconv.Itoa(r.Far.pid))
	r.Peer.IP("link", "set", "wan0", "up")
	r.Far.IP("link", "set", "wan1", "up")

	IP(t, "addr", "add", Here4+"/24", "dev", "lan0")
	IP(t, "addr", "add", Here6+"/64", "dev", "lan0", "nodad")
	r.IP("addr", "add", RouterIn4+"/24", "dev", "lan1")
	r.IP("addr", "add", RouterIn6+"/64", "dev", "lan1", "nodad")
	r.IP("addr", "add", routerOut4+"/24", "dev", "wan0")
	r.IP("addr", "add", routerOut6+"/64", "dev", "wan0", "nodad")
	r.Far.IP("addr", "add", Far4+"/24", "dev", "wan1")
	r.Far.IP("addr", "add", Far6+"/64", "dev", "wan1", "nodad")

	for _, p := range []*Peer{r.Peer, r.Far} {
		p.Sysctl("net.ipv4.icmp_ratelimit", "0")
		p.Sysctl("net.ipv6.icmp.ratelimit", "0")
	}
	r.Sysctl("net.ipv4.ip_forward", "1")
	r.Sysctl("net.ipv6.conf.all.forwarding", "1")
	for _, family := range []string{"ipv4", "ipv6"} { // an absent host is one after two questions, a tenth of a second apart
		r.Sysctl("net."+family+".neigh.wan0.mcast_solicit", "2")
		r.Sysctl("net."+family+".neigh.wan0.retrans_time_ms", "100")
	}
	IP(t, "route", "add", "default", "via", RouterIn4)
	IP(t, "-6", "route", "add", "default", "via", RouterIn6)
	r.Far.IP("route", "add", "default", "via", routerOut4)
	r.Far.IP("-6", "route", "add", "default", "via", routerOut6)
	return r
}

// Refuse lets the router refuse prefix by a route of kind "prohibit", "unreachable", "blackhole" or "throw" (the last is
// as if it had no route, as long as it has no default one).
func (r *Router) Refuse(kind string, prefix netip.Prefix) { r.IP(refusal(kind, prefix)...) }

// Refuse does the same for packets of this namespace itself.
func Refuse(t testing.TB, kind string, prefix netip.Prefix) {
	t.Helper()
	IP(t, refusal(kind, prefix)...)
}

func refusal(kind string, prefix netip.Prefix) []string {
	family := "-6"
	if prefix.Addr().Is4() {
		family = "-4"
	}
	return []string{family, "route", "add", kind, prefix.String()}
}

// SetFarMTU makes the link behind the router narrower, at least 1280 for IPv6 to go on.
func (r *Router) SetFarMTU(mtu int) {
	r.IP("link", "set", "wan0", "mtu", strconv.Itoa(mtu))
	r.Far.IP("link", "set", "wan1", "mtu", strconv.Itoa(mtu))
}
