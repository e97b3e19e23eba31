package handlers

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/common/expfmt"
)

// metricsFormat is the Prometheus text format, which every scraper takes. Its charset is ours to say, as on every answer.
const metricsFormat = "text/plain; version=0.0.4; charset=utf-8"

// showMetrics answers Prometheus. To whoever may not scrape there is nothing here.
func (s *Server) showMetrics(c *fiber.Ctx) error {
	if s.Metrics == nil || !s.mayScrape(c) {
		return fiber.ErrNotFound
	}
	families, err := s.Metrics.Gather()
	if err != nil {
		return fmt.Errorf("gathering metrics: %w", err)
	}
	var out bytes.Buffer
	encoder := expfmt.NewEncoder(&out, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			return fmt.Errorf("writing metrics: %w", err)
		}
	}
	c.Set(fiber.HeaderContentType, metricsFormat)
	return c.Send(out.Bytes())
}

// mayScrape lets in who has the metrics' own token, and programs on this machine. No user's token is good for it: the
// figures are of all tenants together.
func (s *Server) mayScrape(c *fiber.Ctx) bool {
	if c.Get(fiber.HeaderAuthorization) == "" {
		return fromThisMachine(c)
	}
	token, ok := bearer(c)
	// Of equal length whatever was sent: the comparison must not tell the token's.
	sent, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.MetricsToken))
	return ok && s.MetricsToken != "" && subtle.ConstantTimeCompare(sent[:], want[:]) == 1
}

// fromThisMachine tells whether a program on this machine asks, and not somebody elsewhere by way of a proxy on it: the
// socket's own address counts, a proxy's headers only against the request. A Host that is not this machine's own name is
// another sign of a proxy, and of a page that had its name point here.
func fromThisMachine(c *fiber.Ctx) bool {
	peer, err := netip.ParseAddr(c.Context().RemoteIP().String())
	if err != nil || !peer.Unmap().IsLoopback() {
		return false
	}
	forwarded := false
	for name := range c.Request().Header.All() {
		switch n := strings.ToLower(string(name)); n {
		case "forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip":
			forwarded = true
		default:
			forwarded = forwarded || strings.HasPrefix(n, "x-forwarded")
		}
	}
	return !forwarded && isLoopbackName(string(c.Request().Host()))
}

// isLoopbackName tells whether a Host field (RFC 9110 §7.2) names this machine for itself.
func isLoopbackName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
