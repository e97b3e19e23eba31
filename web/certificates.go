package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/mail"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// complainEvery bounds how often it is told that a host has no certificate: every visitor meets it.
const complainEvery = time.Minute

// certificates gets certificates by ACME (RFC 8555) for the names that the program is reached by, and keeps them in the data
// directory. Issuers look for the proof in the TLS handshake (RFC 8737) or, where that fails, on the plain listener.
type certificates struct {
	*autocert.Manager
	log *slog.Logger

	mu         sync.Mutex
	complained map[string]time.Time // by names that may have one
}

// certificates returns what gets them; known refuses names that are not the program's.
func (c serveConfig) certificates(known autocert.HostPolicy, log *slog.Logger) *certificates {
	return &certificates{log: log, complained: map[string]time.Time{}, Manager: &autocert.Manager{Prompt: autocert.AcceptTOS, HostPolicy: known,
		Cache: autocert.DirCache(filepath.Join(c.DataDir, "certificates")), Email: c.ACMEEmail, Client: &acme.Client{DirectoryURL: c.ACMEDirectory}}}
}

// listen serves TLS on what ln accepts.
func (c *certificates) listen(ln net.Listener) net.Listener {
	return tls.NewListener(ln, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get,
		NextProtos: []string{"http/1.1", acme.ALPNProto}}) // fasthttp speaks no HTTP/2
}

// get is the manager's, which tells only the visitor that it failed.
func (c *certificates) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	certificate, err := c.GetCertificate(hello)
	if err != nil {
		c.complain(hello.Context(), hello.ServerName, err)
	}
	return certificate, err
}

// complain tells the operator why a name of the program's has no certificate. Other names are scanners' business.
func (c *certificates) complain(ctx context.Context, host string, err error) {
	if c.HostPolicy(ctx, host) != nil {
		c.log.Debug("a connection asked for a name that is not served", "host", host, "error", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.complained[host]) >= complainEvery {
		c.complained[host] = now
		c.log.Warn("no certificate; browsers can not reach this name", "host", host, "error", err)
	}
}

// listenTLS opens the second listener, where there is to be one.
func (c serveConfig) listenTLS() (net.Listener, error) {
	if c.TLSListen == "" {
		return nil, nil
	}
	ln, err := net.Listen("tcp", c.TLSListen)
	if err != nil {
		return nil, badSetting("ECHOLOT_TLS_LISTEN", "%v; choose another address or stop what uses it", err)
	}
	return ln, nil
}

// checkTLS says what is wrong with the settings of certificates.
func (c serveConfig) checkTLS() error {
	if c.TLSListen != "" {
		if err := checkListen("ECHOLOT_TLS_LISTEN", c.TLSListen); err != nil {
			return err
		}
		if u, err := url.Parse(c.BaseURL); err != nil || u.Scheme != "https" {
			return badSetting("ECHOLOT_TLS_LISTEN", "set ECHOLOT_BASE_URL too, to the https:// address that people reach this server by")
		}
	}
	if _, err := mail.ParseAddress("<" + c.ACMEEmail + ">"); c.ACMEEmail != "" && err != nil {
		return badSetting("ECHOLOT_ACME_EMAIL", "%q is not an e-mail address", c.ACMEEmail)
	}
	if u, err := url.Parse(c.ACMEDirectory); err != nil || u.Scheme != "https" || u.Host == "" {
		return badSetting("ECHOLOT_ACME_DIRECTORY", "%q is not a URL like %s", c.ACMEDirectory, acme.LetsEncryptURL)
	}
	return nil
}
