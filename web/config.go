package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"echolot/handlers"
	"echolot/models"
)

// databaseConfig is what every command needs that opens the database. This file is the one reader of the environment.
type databaseConfig struct {
	DataDir     string `env:"ECHOLOT_DATA_DIR" default:"./data" help:"Directory for the SQLite database and everything else that is kept."`
	DatabaseURL string `env:"ECHOLOT_DATABASE_URL" help:"Path of a SQLite file, or postgres://user:password@host/name. Default: echolot.db in the data directory."`

	LogLevel  string `env:"ECHOLOT_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"Least level that is logged: ${enum}."`
	LogFormat string `env:"ECHOLOT_LOG_FORMAT" default:"text" enum:"text,json" help:"Form of the log on stderr: ${enum}."`

	LocationName    string `env:"ECHOLOT_LOCATION_NAME" default:"Local" help:"Name of the place that checks are made from."`
	LocationCode    string `env:"ECHOLOT_LOCATION_CODE" default:"local" help:"Short name of that place, for programs."`
	LocationCountry string `env:"ECHOLOT_LOCATION_COUNTRY" help:"ISO 3166-1 alpha-2 code of its country. Empty: monitors of any country are checked from here."`

	TargetPolicy string   `env:"ECHOLOT_TARGET_POLICY" default:"private" enum:"private,public" help:"private: inside addresses may be pinged. public: only public ones, for servers that strangers use."`
	TargetAllow  []string `env:"ECHOLOT_TARGET_ALLOW" placeholder:"CIDR" help:"Networks that may be pinged although the policy refuses them, comma separated."`
}

// serveConfig is what serve needs beside the database.
type serveConfig struct {
	databaseConfig
	Listen              string   `env:"ECHOLOT_LISTEN" default:"127.0.0.1:8080" help:"Address and port to serve on."`
	TLSListen           string   `name:"tls-listen" env:"ECHOLOT_TLS_LISTEN" help:"Address and port to serve https on, like :443, with certificates by ACME for the base URL's host and for proved domains of status pages, whose issuer's terms this accepts. Default: none, a proxy does it."`
	ACMEEmail           string   `name:"acme-email" env:"ECHOLOT_ACME_EMAIL" help:"E-mail address that the issuer of certificates writes to."`
	ACMEDirectory       string   `name:"acme-directory" env:"ECHOLOT_ACME_DIRECTORY" default:"https://acme-v02.api.letsencrypt.org/directory" help:"Where certificates are asked for: an ACME directory."`
	BaseURL             string   `env:"ECHOLOT_BASE_URL" help:"Where people reach this server, for links and cookies. Default: http:// and the address served on."`
	TrustedProxies      []string `env:"ECHOLOT_TRUSTED_PROXIES" placeholder:"ADDRESS" help:"Proxies, as addresses or CIDRs, whose X-Forwarded-For is believed."`
	APIRateLimit        int      `env:"ECHOLOT_API_RATE_LIMIT" default:"600" help:"API requests a minute for each credential; without one 60 for each address. 0: no limit."`
	Resolver            string   `env:"ECHOLOT_RESOLVER" placeholder:"HOST:PORT" help:"DNS server for the names of targets. Default: the system's."`
	PacketsPerSecond    *int     `env:"ECHOLOT_PACKETS_PER_SECOND" help:"Echo requests a second in all, whatever is due. 0: no limit. Default: 50000, with the public target policy 1000."`
	Sentinels           []string `env:"ECHOLOT_SENTINELS" placeholder:"HOST" help:"Hosts that should always answer, as names or addresses, comma separated. While they and the default gateways are silent, failed checks are not measured. no-gateway among them: the gateways are not asked."`
	MetricsToken        string   `env:"ECHOLOT_METRICS_TOKEN" placeholder:"SECRET" help:"Bearer token that /metrics is read with from elsewhere, 16 characters at least. Default: only programs on this machine may read it."`
	RawDays             int      `env:"ECHOLOT_RAW_DAYS" default:"7" help:"Days that each single check is kept. Roll-ups of 5 minutes are kept 100 days, of an hour 400, of a day for ever."`
	RawBytes            int64    `env:"ECHOLOT_RAW_BYTES" default:"0" help:"About how many bytes of the database single checks may take; the oldest go first. 0: no limit but the days."`
	MaxStreams          int      `env:"ECHOLOT_MAX_STREAMS" default:"20000" help:"Live streams at once. 0, here and below: no limit."`
	MaxStreamsPerUser   int      `env:"ECHOLOT_MAX_STREAMS_PER_USER" default:"50" help:"Live streams at once for one user."`
	MaxStreamsPerOrg    int      `env:"ECHOLOT_MAX_STREAMS_PER_ORG" default:"2000" help:"Live streams at once for one organization."`
	MaxStreamsPerSource int      `name:"max-streams-per-address" env:"ECHOLOT_MAX_STREAMS_PER_ADDRESS" default:"1000" help:"Live streams at once for one client address."`
}

// shortestToken is the least that a token may have which is good for nothing else and is not throttled.
const shortestToken = 16

// mostRawDays is about ten years. leastRawBytes is what a day of a few monitors takes: less would be gone before it is looked at.
const (
	mostRawDays   = 3660
	leastRawBytes = 1 << 20
)

// badSetting is the one sentence for a setting that can not be used.
func badSetting(name, format string, args ...any) error {
	return fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...))
}

// dropEmptySettings unsets the variables of ours that are empty, so that they mean the default: compose files pass on
// variables that nobody set as empty ones, and to kong an empty one is set, and no number.
func dropEmptySettings() error {
	for _, v := range os.Environ() {
		if name, value, _ := strings.Cut(v, "="); value == "" && strings.HasPrefix(name, "ECHOLOT_") {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// logger writes to stderr.
func (c databaseConfig) logger() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // kong let only valid ones pass
	o := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}

// databaseURL is where the database is, with the default filled in.
func (c databaseConfig) databaseURL() string {
	if c.DatabaseURL == "" {
		return filepath.Join(c.DataDir, "echolot.db")
	}
	return strings.TrimPrefix(c.DatabaseURL, "file:")
}

// makeDirs makes the directories that files are put in.
func (c databaseConfig) makeDirs() error {
	dirs := []string{c.DataDir}
	if u := c.databaseURL(); !strings.Contains(u, "://") {
		dirs = append(dirs, filepath.Dir(u))
	} else if !strings.HasPrefix(u, "postgres://") && !strings.HasPrefix(u, "postgresql://") {
		return badSetting("ECHOLOT_DATABASE_URL", "give a file's path or a postgres:// URL")
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return badSetting("ECHOLOT_DATA_DIR", "%v; choose a directory that this user may write to", err)
		}
	}
	return nil
}

// policy is the target policy with the allowed networks.
func (c databaseConfig) policy() (models.TargetPolicy, error) {
	p := models.TargetPolicy{Public: c.TargetPolicy == "public", Local: models.LocalAddresses}
	for _, text := range c.TargetAllow {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return p, badSetting("ECHOLOT_TARGET_ALLOW", "%q is not a network like 10.0.0.0/8", text)
		}
		p.Allow = append(p.Allow, prefix.Masked())
	}
	return p, nil
}

// check says what is wrong with the settings before anything is touched.
func (c serveConfig) check() error {
	if err := checkListen("ECHOLOT_LISTEN", c.Listen); err != nil {
		return err
	}
	if err := c.checkBaseURL(); err != nil {
		return err
	}
	if err := c.checkTLS(); err != nil {
		return err
	}
	if c.Resolver != "" {
		if host, port, err := net.SplitHostPort(c.Resolver); err != nil || host == "" || !isPort(port) {
			return badSetting("ECHOLOT_RESOLVER", "%q is not a host and port like 192.0.2.53:53", c.Resolver)
		}
	}
	for _, proxy := range c.TrustedProxies {
		_, errPrefix := netip.ParsePrefix(proxy)
		if _, err := netip.ParseAddr(proxy); err != nil && errPrefix != nil {
			return badSetting("ECHOLOT_TRUSTED_PROXIES", "%q is neither an address nor a network", proxy)
		}
	}
	if c.APIRateLimit < 0 {
		return badSetting("ECHOLOT_API_RATE_LIMIT", "%d is less than 0; 0 means no limit", c.APIRateLimit)
	}
	if c.RawDays < 1 || c.RawDays > mostRawDays {
		return badSetting("ECHOLOT_RAW_DAYS", "%d is outside 1 to %d", c.RawDays, mostRawDays)
	}
	if c.RawBytes < 0 || c.RawBytes > 0 && c.RawBytes < leastRawBytes {
		return badSetting("ECHOLOT_RAW_BYTES", "%d is less than %d; 0 means no limit", c.RawBytes, leastRawBytes)
	}
	if n := c.PacketsPerSecond; n != nil && *n < 0 {
		return badSetting("ECHOLOT_PACKETS_PER_SECOND", "%d is less than 0; 0 means no limit", *n)
	}
	if _, _, err := c.sentinels(); err != nil {
		return err
	}
	if n := len(c.MetricsToken); n > 0 && n < shortestToken {
		return badSetting("ECHOLOT_METRICS_TOKEN", "%d characters can be guessed; take %d or more, like the output of: openssl rand -hex 16", n, shortestToken)
	}
	if strings.ContainsFunc(c.MetricsToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return badSetting("ECHOLOT_METRICS_TOKEN", "a header can not carry all of its characters; take letters and digits")
	}
	if country := c.LocationCountry; country != "" && !models.IsCountry(country) {
		return badSetting("ECHOLOT_LOCATION_COUNTRY", "%q is not an ISO 3166-1 alpha-2 code like DE", country)
	}
	if strings.TrimSpace(c.LocationCode) == "" {
		return badSetting("ECHOLOT_LOCATION_CODE", "give the location a code like local")
	}
	if strings.TrimSpace(c.LocationName) == "" {
		return badSetting("ECHOLOT_LOCATION_NAME", "give the location a name like Local")
	}
	for name, limit := range map[string]int{"ECHOLOT_MAX_STREAMS": c.MaxStreams, "ECHOLOT_MAX_STREAMS_PER_USER": c.MaxStreamsPerUser,
		"ECHOLOT_MAX_STREAMS_PER_ORG": c.MaxStreamsPerOrg, "ECHOLOT_MAX_STREAMS_PER_ADDRESS": c.MaxStreamsPerSource} {
		if limit < 0 {
			return badSetting(name, "%d is less than 0; 0 means no limit", limit)
		}
	}
	_, err := c.policy()
	return err
}

// checkListen says what is wrong with an address to listen on.
func checkListen(name, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil || port == "" {
		return badSetting(name, "%q is not an address and port like 127.0.0.1:8080", address)
	}
	if _, err := net.LookupPort("tcp", port); err != nil { // takes names of services, as listening does
		return badSetting(name, "the port %q is unknown or out of range; choose one from 1 to 65535, or 0 for any that is free", port)
	}
	return nil
}

// checkBaseURL says what is wrong with the URL that links begin with.
func (c serveConfig) checkBaseURL() error {
	if c.BaseURL == "" {
		return nil
	}
	u, err := url.Parse(c.BaseURL)
	if err == nil && u.User != nil { // not shown: a log is no place for a password
		return badSetting("ECHOLOT_BASE_URL", "leave out the user name and the password; links would show them to everybody")
	}
	if err != nil || u.Hostname() == "" || u.Port() != "" && !isPort(u.Port()) || u.Scheme != "http" && u.Scheme != "https" ||
		u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return badSetting("ECHOLOT_BASE_URL", "%q is not a URL like https://echolot.example without a path", c.BaseURL)
	}
	return nil
}

// retention is how much of the single checks is kept.
func (c serveConfig) retention() models.Retention {
	return models.Retention{Raw: time.Duration(c.RawDays) * 24 * time.Hour, RawBytes: c.RawBytes}
}

// isPort tells whether the text is a port's number.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// packetsPerSecond is as probe.CapsOf takes it: negative where the setting is not given.
func (c serveConfig) packetsPerSecond() int {
	if c.PacketsPerSecond == nil {
		return -1
	}
	return *c.PacketsPerSecond
}

// noGateway is the word among the sentinels that keeps the default gateways from being asked.
const noGateway = "no-gateway"

// sentinels are the hosts that the operator chose, in the form that is resolved or sent to, and whether the gateways are asked too.
func (c serveConfig) sentinels() (hosts []string, gateways bool, err error) {
	policy, err := c.policy()
	if err != nil {
		return nil, false, err
	}
	gateways = true
	for _, text := range c.Sentinels {
		text = strings.TrimSpace(text)
		if text == noGateway {
			gateways = false
			continue
		}
		host, _, err := models.ParseHostname(text)
		if err != nil {
			return nil, false, badSetting("ECHOLOT_SENTINELS", "%q is neither a name nor an address: %v", text, err)
		}
		if addr, err := netip.ParseAddr(host); err == nil {
			if err := policy.Check(addr); err != nil {
				return nil, false, badSetting("ECHOLOT_SENTINELS", "%v; choose another host, or name its network in ECHOLOT_TARGET_ALLOW", err)
			}
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts, gateways, nil
}

// baseURL is where people reach the server that listens on addr.
func (c serveConfig) baseURL(addr net.Addr) (*url.URL, error) {
	if c.BaseURL != "" {
		return url.Parse(strings.TrimSuffix(c.BaseURL, "/"))
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return nil, err
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1" // every address: one that works from here
	}
	return &url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}, nil
}

// ownHost is the host of baseURL as far as it is known before the program listens; an address is no domain, and does not matter.
func (c serveConfig) ownHost() string {
	if u, err := url.Parse(c.BaseURL); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return ""
	}
	return host
}

// caps are the bounds of the live streams.
func (c serveConfig) caps() handlers.StreamCaps {
	return handlers.StreamCaps{Total: c.MaxStreams, PerUser: c.MaxStreamsPerUser, PerOrganization: c.MaxStreamsPerOrg, PerAddress: c.MaxStreamsPerSource}
}
