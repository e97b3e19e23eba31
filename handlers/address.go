package handlers

import (
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// proxies are the peers whose X-Forwarded-For is believed.
type proxies []netip.Prefix

// parseProxies reads addresses and CIDRs; what is neither is left out, the settings' reader has refused it before.
func parseProxies(texts []string) proxies {
	var list proxies
	for _, text := range texts {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			list = append(list, prefix.Masked())
		} else if a, err := netip.ParseAddr(text); err == nil {
			list = append(list, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return list
}

func (p proxies) trust(a netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

// clientAddress is where the request came from: the peer, or, behind proxies of ours, the last hop in X-Forwarded-For
// that is none of them. What stands before it was written by whoever asked.
func (s *Server) clientAddress(c *fiber.Ctx) string {
	peer, _ := netip.ParseAddr(c.Context().RemoteIP().String())
	if !s.proxies.trust(peer) {
		return peer.Unmap().String()
	}
	// Every line of the field counts (RFC 9110 §5.3): some proxies add one of their own behind the client's.
	var hops []string
	for _, line := range c.Request().Header.PeekAll(fiber.HeaderXForwardedFor) {
		hops = append(hops, strings.Split(string(line), ",")...)
	}
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		peer = hop
		if !s.proxies.trust(hop) {
			break
		}
	}
	return peer.Unmap().String()
}
