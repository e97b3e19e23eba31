package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"echolot/handlers"
	"echolot/migrations"
	"echolot/models"
	"echolot/models/events"
	"echolot/probe"
	"echolot/static"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// stopTime is what HTTP has to stop in, and then the prober: a client that never ends its request must not take the time in
// which results are stored. Supervisors mostly wait ten seconds.
const stopTime = 4 * time.Second

// serveCommand serves until a signal.
type serveCommand struct{ serveConfig }

// Run builds everything, starts it, and stops it in order.
func (c *serveCommand) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	assets, err := static.New()
	if err != nil {
		return err
	}
	if err := assets.Ready(); err != nil {
		return err
	}
	log := c.logger()
	bus := events.New()
	store, err := openStore(ctx, c.databaseConfig, c.ownHost(), bus, log)
	if err != nil {
		return err
	}
	err = c.serve(ctx, store, bus, assets, log)
	bus.Close()
	if closing := store.Close(); closing != nil {
		err = errors.Join(err, fmt.Errorf("closing the database: %w", closing))
	}
	if ctx.Err() != nil {
		log.Info("stopped")
	}
	return err
}

// openStore opens and migrates the database of any command; ownHost may be empty for those that change no status page.
func openStore(ctx context.Context, c databaseConfig, ownHost string, bus *events.Bus, log *slog.Logger) (*models.Store, error) {
	if err := c.makeDirs(); err != nil {
		return nil, err
	}
	policy, err := c.policy()
	if err != nil {
		return nil, err
	}
	store, err := models.Open(ctx, models.Options{URL: c.databaseURL(), Migrations: migrations.Files, Bus: bus, Policy: policy, OwnHost: ownHost, Log: log,
		LocationName: c.LocationName, LocationCode: c.LocationCode, LocationCountry: c.LocationCountry})
	if err != nil {
		return nil, c.databaseTrouble(err)
	}
	if err := store.Migrate(ctx); err != nil {
		if closing := store.Close(); closing != nil {
			log.Warn("the database was not closed in order", "error", closing)
		}
		return nil, c.databaseTrouble(err)
	}
	return store, nil
}

// databaseTrouble is the one sentence for a database that can not be opened: what is wrong and, where the error tells, what to
// do.
func (c databaseConfig) databaseTrouble(err error) error {
	at := c.databaseURL()
	switch u, wrong := url.Parse(at); {
	case errors.Is(err, context.Canceled): // somebody stops the start
		return err
	case models.IsLocked(err):
		return badSetting("ECHOLOT_DATABASE_URL", "another program holds the database %s; let it finish or end it, then start again (%v)", at, err)
	case models.IsUnavailable(err) && strings.Contains(at, "://") && wrong == nil:
		return badSetting("ECHOLOT_DATABASE_URL", "the database at %s does not answer, or takes nobody now; see that it runs and can be reached from here (%v)", u.Host, err)
	default:
		return badSetting("ECHOLOT_DATABASE_URL", "%v", err)
	}
}

func (c *serveCommand) serve(ctx context.Context, store *models.Store, bus *events.Bus, assets *static.Files, log *slog.Logger) error {
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return badSetting("ECHOLOT_LISTEN", "%v; choose another address or stop what uses it", err)
	}
	base, err := c.baseURL(ln.Addr())
	if err != nil {
		return err
	}
	secure, err := c.listenTLS()
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	if secure != nil {
		defer func() { _ = secure.Close() }() // the server did before, if it got so far
	}
	resolver := probe.NewResolver(c.Resolver)
	pinger := probe.NewPinger(resolver, store.Policy(), probe.CapsOf(store.Policy(), c.packetsPerSecond()), log)
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	metrics.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "echolot_database_queries_total",
		Help: "Statements sent to the database; on SQLite without those that record results."}, func() float64 { return float64(store.Queries()) }))
	var prober *probe.Prober // the watch asks it from the first heartbeat or scrape on
	watch, err := probe.NewWatch(metrics, c.LocationCode, probe.Sources{Engine: pinger.Stats, Work: func() probe.WorkStats { return prober.Work() },
		Storage: func() models.StorageFigures { return prober.Storage() }})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	sentinels, askGateways, err := c.sentinels()
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	var gateways func() []netip.Addr
	if askGateways {
		gateways = probe.DefaultGateways
	}
	prober = probe.New(store, bus, pinger, probe.Options{Engine: pinger.Kind, Parallel: probe.Parallel, Abilities: pinger.Abilities,
		SpoolDir: filepath.Join(c.DataDir, "spool"), Shared: store.Engine() == "PostgreSQL", Log: log, Figures: watch.Figures, Late: watch.Began, Observe: watch.Ended,
		Sentinels: sentinels, Gateways: gateways, TraceProbes: probe.TraceProbes(store.Policy())})
	var server *handlers.Server // certificates are asked for from the first connection on
	certificates := c.certificates(func(ctx context.Context, host string) error { return server.MayHaveCertificate(ctx, host) }, log)
	options := handlers.Options{Store: store, Assets: assets, Log: log, BaseURL: base, Version: version, TrustedProxies: c.TrustedProxies,
		APIRateLimit: c.APIRateLimit, Streams: c.caps(), Standby: prober.Standby,
		Storage: prober.Storage, Metrics: metrics, MetricsToken: c.MetricsToken,
		TXT: resolver.TXT}
	if secure != nil {
		options.TLS, options.Challenges = true, certificates.HTTPHandler(http.NotFoundHandler())
	}
	server = handlers.New(options)

	if token, ok, err := store.CreateSetupToken(ctx); err != nil {
		return errors.Join(err, ln.Close())
	} else if ok {
		fmt.Fprintf(os.Stderr, "\n  Nobody can sign in yet. Set Echolot up here, once, within an hour:\n\n  %s/setup/%s\n\n", base, token)
	}

	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	probed := make(chan error, 1)
	swept := make(chan struct{})
	served := make(chan error, 2)
	go func() { probed <- prober.Run(background) }()
	sweeper := probe.NewSweeper(store, c.retention(), prober.Standby, resolver.TXT, log)
	go func() { defer close(swept); sweeper.Run(background) }()
	go func() { served <- server.Serve(ln) }()
	if secure != nil {
		go func() { served <- server.ServeTLS(certificates.listen(secure)) }()
		log.Info("serving TLS", "address", secure.Addr().String())
	}
	log.Info("serving", "url", base.String(), "address", ln.Addr().String(), "version", version, "database", store.Engine())

	select {
	case <-ctx.Done():
		log.Info("stopping")
	case err = <-served:
		err = fmt.Errorf("serving: %w", err)
	case ended := <-probed:
		err = errors.Join(errors.New("the prober ended by itself"), ended)
		probed <- nil // for the stop
	}
	// Streams and HTTP first, so that nothing new arrives; then the prober, whose recorder stores what was measured.
	within(ctx, func(ctx context.Context) {
		if stopping := server.Shutdown(ctx); stopping != nil {
			log.Warn("HTTP did not stop in time", "error", stopping)
		}
		log.Info("HTTP stopped")
	})
	stopBackground()
	within(ctx, func(ctx context.Context) {
		select {
		case stopping := <-probed:
			err = errors.Join(err, stopping)
			pinger.Close()
			log.Info("prober stopped")
		case <-ctx.Done():
			err = errors.Join(err, errors.New("the prober did not stop in time: results that were not stored are lost"))
		}
		select {
		case <-swept:
		case <-ctx.Done():
			log.Warn("the sweeper did not stop in time")
		}
	})
	return err
}

// within gives f the time of one step of a stop, though ctx has ended.
func within(ctx context.Context, f func(ctx context.Context)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	f(ctx)
}
