package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"echolot/models"
	"echolot/models/modelstest"
	"echolot/probe/lab"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

// issuer is an ACME server: Let's Encrypt's own for tests, in this process.
type issuer struct {
	*httptest.Server
	handler atomic.Pointer[http.Handler]
	// orders counts the certificates that were asked for.
	orders atomic.Int64
	roots  *x509.CertPool
}

// newIssuer starts one that issues nothing before open.
func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/order-plz" {
			i.orders.Add(1)
		}
		(*i.handler.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

// open has it look for proofs at the ports, with the names as the DNS server says.
func (i *issuer) open(httpPort, tlsPort int, dns string) {
	silent, store := log.New(io.Discard, "", 0), db.NewMemoryStore()
	authority := ca.New(silent, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: 90 * 24 * 3600}})
	front := wfe.New(silent, store, va.New(silent, httpPort, tlsPort, false, dns, store), authority, []string{"issuer.test"}, false, false, 1, 1)
	handler := front.Handler()
	i.handler.Store(&handler)
	i.roots = x509.NewCertPool()
	i.roots.AppendCertsFromPEM(authority.GetRootCert(0).PEM())
}

// trust is a file with the certificate of the issuer's own address, which a program is to trust.
func (i *issuer) trust(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "issuer.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// get asks the TLS listener at the address for a path of the name.
func (i *issuer) get(address, name, path string) (answer, error) {
	conn, err := tls.Dial("tcp", address, &tls.Config{ServerName: name, RootCAs: i.roots, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		return answer{}, err
	}
	defer conn.Close()
	if proto := conn.ConnectionState().NegotiatedProtocol; proto != "http/1.1" {
		return answer{}, fmt.Errorf("negotiated %q", proto)
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, name)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}, err
}

// portOf is the port of host:port.
func portOf(t *testing.T, address string) int {
	t.Helper()
	port, err := strconv.Atoi(address[strings.LastIndexByte(address, ':')+1:])
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestCertificates: the program gets certificates for its own name and for a proved domain, by either challenge, keeps them over a
// restart, and asks for no others.
func TestCertificates(t *testing.T) {
	t.Setenv("PEBBLE_VA_NOSLEEP", "1") // it rests for seconds before it looks for a proof
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	dns := lab.NewDNS(t)
	for _, name := range []string{"echolot.test", "status.test", "claimed.test"} {
		dns.Name(name, lab.Addresses("127.0.0.1"))
	}
	for _, challenge := range []string{"tls-alpn-01", "http-01"} {
		t.Run(challenge, func(t *testing.T) {
			dir, i := t.TempDir(), newIssuer(t)
			data := "ECHOLOT_DATA_DIR=" + dir
			admin(t, data)
			pageOn(t, filepath.Join(dir, "echolot.db"), "status.test")
			settings := []string{data, "ECHOLOT_BASE_URL=https://echolot.test", "ECHOLOT_TLS_LISTEN=127.0.0.1:0", "ECHOLOT_RESOLVER=" + dns.Addr,
				"ECHOLOT_ACME_EMAIL=noc@example.com", "ECHOLOT_ACME_DIRECTORY=" + i.URL + "/dir", "SSL_CERT_FILE=" + i.trust(t)}
			p := serve(t, settings...)
			plain := regexp.MustCompile(`"msg":"serving","url":"[^"]+","address":"([^"]+)"`).FindStringSubmatch(p.said())[1]
			secure := p.tlsAddress()
			if challenge == "tls-alpn-01" {
				i.open(1, portOf(t, secure), dns.Addr)
			} else {
				i.open(portOf(t, plain), 1, dns.Addr)
			}

			a, err := i.get(secure, "status.test", "/")
			if err != nil || a.status != 200 || !strings.Contains(a.body, "The page") || a.header.Get("Strict-Transport-Security") != "max-age=31536000" {
				t.Fatalf("the domain: got %d %s %v, want the page", a.status, a.body, err)
			}
			if a, err := i.get(secure, "status.test", "/login"); err != nil || a.status != 404 && a.status != 405 {
				t.Errorf("signing in at the domain: got %d %v, want it not there", a.status, err)
			}
			if a, err := i.get(secure, "echolot.test", "/login"); err != nil || a.status != 200 || !strings.Contains(a.body, "Sign in") {
				t.Errorf("the program's own name: got %d %v, want to sign in", a.status, err)
			}
			asked := i.orders.Load()
			for _, name := range []string{"claimed.test", "evil.test", "localhost"} {
				if a, err := i.get(secure, name, "/"); err == nil {
					t.Errorf("%s: got %d, want no certificate", name, a.status)
				}
			}
			if now := i.orders.Load(); now != asked {
				t.Errorf("%d certificates were asked for, for foreign names", now-asked)
			}
			r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+plain+"/?lang=de", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = "status.test"
			if a, err := receive(r); err != nil || a.status != 308 || a.header.Get("Location") != "https://status.test/?lang=de" {
				t.Errorf("in the clear: got %d to %q, %v", a.status, a.header.Get("Location"), err)
			}

			p.stop()
			secure = serve(t, settings...).tlsAddress()
			if a, err := i.get(secure, "status.test", "/"); err != nil || a.status != 200 || i.orders.Load() != asked {
				t.Errorf("after a restart: got %d, %v, and %d certificates asked for; want the one that was kept", a.status, err, i.orders.Load()-asked)
			}
			if info, err := os.Stat(filepath.Join(dir, "certificates")); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the keys' directory: got %v, %v; want it for this user alone", info, err)
			}
		})
	}
}

// A name that should have a certificate and gets none is told to the operator, once in a while.
func TestNoCertificate(t *testing.T) {
	i := newIssuer(t)
	refuse := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "closed today", http.StatusServiceUnavailable)
	}))
	i.handler.Store(&refuse)
	p := serve(t, "ECHOLOT_BASE_URL=https://echolot.test", "ECHOLOT_TLS_LISTEN=127.0.0.1:0", "ECHOLOT_ACME_DIRECTORY="+i.URL+"/dir", "SSL_CERT_FILE="+filepath.Join(t.TempDir(), "none"))
	for range 3 {
		if _, err := i.get(p.tlsAddress(), "echolot.test", "/"); err == nil {
			t.Error("got an answer without a certificate")
		}
	}
	complaint := regexp.MustCompile(`"level":"WARN","msg":"no certificate; browsers can not reach this name","host":"echolot.test"`)
	p.waitSaid("that there is no certificate", complaint)
	if n := len(complaint.FindAllString(p.said(), -1)); n != 1 {
		t.Errorf("it was said %d times, want once", n)
	}
	p.stop()
}

// tlsAddress is where the program serves TLS.
func (p *program) tlsAddress() string {
	p.t.Helper()
	serving := regexp.MustCompile(`"msg":"serving TLS","address":"([^"]+)"`)
	p.waitSaid("where it serves TLS", serving)
	return serving.FindStringSubmatch(p.said())[1]
}

// pageOn makes a public status page with a proved domain, and one that only claims another.
func pageOn(t *testing.T, database, domain string) {
	t.Helper()
	store := modelstest.Open(t, database)
	by := models.Actor{UserID: 1, Role: models.RoleAdmin, HomeID: 1, OrganizationID: 1}
	for slug, name := range map[string]string{"page": domain, "other": "claimed.test"} {
		fields, err := models.ParseFields([]byte(`{"customerId":1,"name":"The page","slug":"` + slug + `","isPublished":true}`))
		if err != nil {
			t.Fatal(err)
		}
		p, err := store.CreateStatusPage(t.Context(), by, fields)
		if err == nil {
			p, err = store.SetStatusDomain(t.Context(), by, p.PublicID, name)
		}
		if err == nil && slug == "page" {
			_, err = store.VerifyStatusDomain(t.Context(), by, p.PublicID, func(context.Context, string) ([]string, error) { return []string{p.DomainToken}, nil })
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
