// Package handlers is the HTTP side: every URL in one table, who may come in, and what the answers look like.
package handlers

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"echolot/models"
	"echolot/static"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
)

// maxBody is the largest body that is taken; the contract says 64 KiB.
const maxBody = 64 << 10

// maxRead is the largest body that is read. fasthttp closes on a larger one without reading it, and a client that is
// still sending then sees a reset connection, often instead of the 413. What is a little too large gets its answer.
const maxRead = 4 * maxBody

// maxHeader bounds one request's line and header fields together.
const maxHeader = 16 << 10

// requestTime is how long one request may take in the store, and errorTime what the page about an error may take there: whoever
// asks while the database is away has the answer, 503, within three seconds.
const (
	requestTime = 2300 * time.Millisecond
	errorTime   = 500 * time.Millisecond
)

// Options is what a Server needs.
type Options struct {
	Store  *models.Store
	Assets *static.Files
	Log    *slog.Logger
	// BaseURL is where the program is reached from outside.
	BaseURL *url.URL
	Version string
	// TrustedProxies are the addresses or CIDRs whose X-Forwarded-For is believed.
	TrustedProxies []string
	// APIRateLimit is the number of API requests a minute for each credential; 0 = no limit.
	APIRateLimit int
	Streams      StreamCaps
	// Standby is true while another instance probes; nil = never.
	Standby func() bool
	// Storage says what this process measured and has not stored; nil = nothing. The heartbeat says it too, but it can not be
	// written either while the database is away.
	Storage func() models.StorageFigures
	// Metrics are what /metrics shows; nil = there is nothing.
	Metrics prometheus.Gatherer
	// MetricsToken lets a scraper in that is not on this machine; empty = none.
	MetricsToken string
	// TXT looks up the records that prove the domains of status pages; nil = none can be proved.
	TXT models.LookupTXT
	// TLS is true where ServeTLS serves too: what browsers ask for in the clear is sent there.
	TLS bool
	// Challenges answers those who issue certificates, below /.well-known/acme-challenge/; nil = nobody does.
	Challenges http.Handler
}

// Server answers HTTP requests.
type Server struct {
	Options
	app      *fiber.App
	sessions *sessionStore
	limiter  *limiter
	proxies  proxies
	hub      *hub
	exports  *exports
	// backTests has a place for each back-test at work.
	backTests chan struct{}
	assets    views.Assets
	words     *views.Words
	lastDays  *lastDays
	domains   *domains
	status    *statusPages
	logos     statusLogos
	admitted  *admitted
	shared    *sharedReads // by pages, months, last days and logos
	months    statusMonths
}

// New builds the server; Serve starts it.
func New(o Options) *Server {
	s := &Server{Options: o, limiter: newLimiter(o.APIRateLimit), proxies: parseProxies(o.TrustedProxies)}
	s.sessions = &sessionStore{store: o.Store, secure: o.BaseURL.Scheme == "https"}
	s.assets = views.Assets{Script: o.Assets.URL("app.js"), Style: o.Assets.URL("app.css"), Icon: o.Assets.URL("favicon.svg"),
		Live: o.Assets.URL("live.js"), LiveStyle: o.Assets.URL("live.css"), Status: o.Assets.URL("status.js"), StatusStyle: o.Assets.URL("status.css")}
	s.hub = newHub(o.Store, o.Log, o.Streams)
	s.shared = &sharedReads{log: o.Log}
	s.words, s.lastDays = views.NewWords(), &lastDays{store: o.Store, shared: s.shared, pages: map[int64]*lastDay{}}
	s.months = statusMonths{shared: s.shared, kept: map[monthKey]keptMonth{}}
	s.domains = &domains{store: o.Store}
	s.status = newStatusPages(o.Store, o.Log, s.words, s.assets, s.hub, s.shared)
	s.status.storage, s.status.standby = o.Storage, o.Standby
	s.logos = statusLogos{store: o.Store, shared: s.shared, kept: map[int64]*statusLogo{}}
	s.admitted = &admitted{store: o.Store, revoked: s.status.revocations, visits: map[visitKey]time.Time{}, members: map[[sha256.Size]byte]member{}}
	s.exports, s.backTests = newExports(), make(chan struct{}, maxBackTests)
	s.app = fiber.New(fiber.Config{
		// Fiber's strings point into buffers that the next request overwrites: with tenants' ids in them, that is a leak.
		Immutable: true,
		BodyLimit: maxRead,
		// A multipart body is none of ours: it gets its 415 from whoever reads bodies, and no parser and no temporary file.
		DisablePreParseMultipartForm: true,
		ReadBufferSize:               maxHeader,
		ReadTimeout:                  15 * time.Second,
		WriteTimeout:                 30 * time.Second,
		IdleTimeout:                  75 * time.Second,
		DisableStartupMessage:        true,
		CaseSensitive:                true,
		StrictRouting:                true,
		ErrorHandler:                 s.fail,
	})
	s.app.Server().KeepHijackedConns = true // live streams close their own
	s.refuseUnknownMethods()
	s.openDomains()
	s.app.Use(s.begin)
	for _, r := range s.routes() {
		s.app.Add(r.method, r.path, append(r.guards, r.handle)...)
		if r.method == http.MethodGet {
			s.app.Add(http.MethodHead, r.path, append(r.guards, r.handle)...)
		}
	}
	s.app.Handler() // builds the tree of routes, which Fiber leaves to the first listener: the second may be asked before
	return s
}

// refuseUnknownMethods answers a method that no RFC knows as every other error. Fiber would do it before anything of ours,
// without headers.
func (s *Server) refuseUnknownMethods() {
	server := s.app.Server()
	known := server.Handler
	server.Handler = func(ctx *fasthttp.RequestCtx) {
		if slices.Contains(fiber.DefaultMethods, string(ctx.Method())) {
			known(ctx)
			return
		}
		ctx.SetConnectionClose()
		c := s.app.AcquireCtx(ctx)
		defer s.app.ReleaseCtx(c)
		if err := s.fail(c, fiber.ErrBadRequest); err != nil {
			ctx.Error("", fiber.StatusInternalServerError)
		}
	}
}

// Serve answers on the listener until Shutdown. The hub of the live streams runs as long.
func (s *Server) Serve(ln net.Listener) error {
	s.hub.start()
	s.status.start()
	return s.app.Listener(ln)
}

// ServeTLS answers on a second listener, whose connections are TLS, beside Serve and until Shutdown.
func (s *Server) ServeTLS(ln net.Listener) error { return s.app.Server().Serve(ln) }

// Shutdown ends the streams first, with a word to each, then waits for the requests being answered.
func (s *Server) Shutdown(ctx context.Context) error {
	s.hub.close(ctx)
	s.status.close(ctx)
	s.shared.close(ctx)
	s.exports.stop(ctx)
	if err := s.app.ShutdownWithContext(ctx); err != nil {
		return fmt.Errorf("stopping HTTP: %w", err)
	}
	return nil
}
