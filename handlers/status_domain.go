package handlers

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"echolot/models"
	"echolot/static"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"
)

const (
	// domainsFor is how long the verified domains are not read again, and domainsTime how long reading them may take.
	domainsFor  = 2 * time.Second
	domainsTime = 500 * time.Millisecond
	// localDomain is where a request for a verified domain keeps its name.
	localDomain = "status_domain"
	// challengePath is where certificates' issuers look (RFC 8555 §8.3).
	challengePath = "/.well-known/acme-challenge/"
)

// domains are the host names that show a status page, as the database had them a moment ago. Foreign names in Host headers cost no
// query of their own, and no memory.
type domains struct {
	store *models.Store

	mu    sync.RWMutex
	slugs map[string]string

	reading sync.Mutex // of who reads; others take what there is
	at      time.Time
}

// slug is of the page that the host shows; ok is false where it shows none.
func (d *domains) slug(host string) (slug string, ok bool) {
	if host == "" {
		return "", false
	}
	d.refresh()
	d.mu.RLock()
	defer d.mu.RUnlock()
	slug, ok = d.slugs[host]
	return slug, ok
}

// refresh reads the domains if nobody did for a while. While the database is away, those last read stay.
func (d *domains) refresh() {
	if !d.reading.TryLock() {
		d.mu.RLock()
		read := d.slugs != nil
		d.mu.RUnlock()
		if read {
			return
		}
		d.reading.Lock() // the first ones wait
	}
	defer d.reading.Unlock()
	if time.Since(d.at) < domainsFor {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), domainsTime)
	defer cancel()
	slugs, err := d.store.UnscopedStatusDomains(ctx)
	d.at = time.Now()
	if err != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slugs = slugs
}

// domainOf is the verified domain that the request is for; empty for the program's own addresses.
func domainOf(c *fiber.Ctx) string {
	host, _ := c.Context().UserValue(localDomain).(string)
	return host
}

// hostName is a Host header without port, in lower case.
func hostName(header string) string {
	host := header
	if h, _, err := net.SplitHostPort(header); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// openDomains stands before the routes: what is asked of a verified domain goes to its status page and reaches nothing else of the
// program but the files that pages load. The Host header alone decides; X-Forwarded-Host is anybody's.
func (s *Server) openDomains() {
	server := s.app.Server()
	known := server.Handler
	var challenges fasthttp.RequestHandler
	if s.Challenges != nil {
		challenges = fasthttpadaptor.NewFastHTTPHandler(s.Challenges)
	}
	server.Handler = func(ctx *fasthttp.RequestCtx) {
		header := string(ctx.Host())
		host, own := hostName(header), strings.ToLower(s.BaseURL.Hostname())
		path := string(ctx.URI().PathOriginal())
		if challenges != nil && !ctx.IsTLS() && strings.HasPrefix(path, challengePath) {
			challenges(ctx)
			return
		}
		slug, foreign := "", false
		if host != own {
			slug, foreign = s.domains.slug(host)
		}
		if s.TLS && !ctx.IsTLS() && !s.viaProxy(ctx) && (ctx.IsGet() || ctx.IsHead()) && (foreign || host == own && s.BaseURL.Scheme == "https" && !machinePath(path)) {
			s.toTLS(ctx, host, foreign)
			return
		}
		if foreign {
			ctx.SetUserValue(localDomain, host)
			if !strings.HasPrefix(path, static.Prefix) && path != "/favicon.ico" {
				toStatusPage(ctx, header, slug)
			}
		}
		known(ctx)
	}
}

// machinePath is what programs ask for, whom no redirect is good for: a secret that came in the clear must not pass unnoticed.
func machinePath(path string) bool {
	return strings.HasPrefix(path, "/api/") || path == "/healthz" || path == "/readyz" || path == "/metrics"
}

// viaProxy tells whether a proxy of ours asks, whose business TLS is then.
func (s *Server) viaProxy(ctx *fasthttp.RequestCtx) bool {
	peer, ok := netip.AddrFromSlice(ctx.RemoteIP())
	return ok && s.proxies.trust(peer)
}

// toTLS sends a browser on to where nobody reads along.
func (s *Server) toTLS(ctx *fasthttp.RequestCtx, host string, foreign bool) {
	target := "https://" + s.domainHost(host) // the base URL is one of https where TLS is served
	if !foreign {
		target = strings.TrimSuffix(s.BaseURL.String(), "/")
	}
	ctx.Response.Header.Set(fiber.HeaderLocation, target+string(ctx.URI().RequestURI()))
	ctx.Response.Header.Set(fiber.HeaderCacheControl, "no-store")
	ctx.SetStatusCode(http.StatusPermanentRedirect)
}

// toStatusPage puts the page's own path before the one that was asked for.
func toStatusPage(ctx *fasthttp.RequestCtx, host, slug string) {
	rest := string(ctx.URI().PathOriginal())
	if rest == "/" {
		rest = ""
	}
	target := "/status/" + slug + rest
	if query := string(ctx.URI().QueryString()); query != "" {
		target += "?" + query
	}
	ctx.Request.SetRequestURI(target)
	ctx.Request.Header.SetHost(host) // where the request's first line named another one, that one counted: RFC 9112 §3.2.2
}

// MayHaveCertificate tells whether a certificate for the host may be asked for: for the program's own name and for verified domains.
func (s *Server) MayHaveCertificate(_ context.Context, host string) error {
	host = hostName(host)
	if host == strings.ToLower(s.BaseURL.Hostname()) {
		return nil
	}
	if _, ok := s.domains.slug(host); ok {
		return nil
	}
	return fmt.Errorf("%q is neither the base URL's host nor a verified domain", host)
}
