package models_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"echolot/models"
)

// sslRequest is what a client asks first where it wants TLS (PostgreSQL's protocol, Message Formats, SSLRequest).
const sslRequest = 80877103

// selfSigned makes a certificate for the address and writes it to a file.
func selfSigned(t *testing.T, address string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.ParseIP(address)},
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// tlsPostgres listens like a Postgres server with the certificate, or without TLS where it is nil. The channel gets true
// where a client went on to say who it is, which is what somebody in between waits for.
func tlsPostgres(t *testing.T, certificate *tls.Certificate) (address string, trusted <-chan bool) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	result := make(chan bool, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		var head [8]byte // length and code of the first message
		if _, err := io.ReadFull(conn, head[:]); err != nil || binary.BigEndian.Uint32(head[4:]) != sslRequest {
			result <- err == nil // the start message itself
			return
		}
		if certificate == nil {
			_, _ = conn.Write([]byte("N"))
			_ = conn.SetDeadline(time.Now().Add(time.Second)) // the driver gives up without hanging up
		} else {
			_, _ = conn.Write([]byte("S"))
			conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*certificate}})
		}
		_, err = io.ReadFull(conn, head[:])
		result <- err == nil
	}()
	return ln.Addr().String(), result
}

// TestPostgresCertificate: unless the URL says otherwise, nobody but the server of that name, known to the system or by
// sslrootcert, is told the user and the password. The driver's own default asks for nothing.
func TestPostgresCertificate(t *testing.T) {
	right, rightFile := selfSigned(t, "127.0.0.1")
	wrong, wrongFile := selfSigned(t, "127.0.0.2")
	for name, test := range map[string]struct {
		certificate *tls.Certificate
		query       url.Values
		want        bool
	}{
		"signed by nobody known":                {&right, url.Values{}, false},
		"signed by nobody known, verify-full":   {&right, url.Values{"sslmode": {"verify-full"}}, false},
		"signed by nobody known, verify-ca":     {&right, url.Values{"sslmode": {"verify-ca"}}, false},
		"signed by somebody else":               {&right, url.Values{"sslrootcert": {wrongFile}}, false},
		"known, of another server":              {&wrong, url.Values{"sslrootcert": {wrongFile}}, false},
		"no TLS":                                {nil, url.Values{}, false},
		"known, of this server":                 {&right, url.Values{"sslrootcert": {rightFile}}, true},
		"known, of another server, verify-ca":   {&wrong, url.Values{"sslrootcert": {wrongFile}, "sslmode": {"verify-ca"}}, true},
		"signed by nobody known, but require":   {&right, url.Values{"sslmode": {"require"}}, true},
		"no TLS, and none wanted":               {nil, url.Values{"sslmode": {"disable"}}, true},
		"signed by nobody known, mode is empty": {&right, url.Values{"sslmode": {""}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, trusted := tlsPostgres(t, test.certificate)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			s, err := models.Open(ctx, models.Options{URL: "postgres://echolot:secret@" + address + "/echolot?" + test.query.Encode()})
			if err == nil {
				t.Fatal(s.Close(), "got a store, want an error in any case: this is no database")
			}
			select {
			case got := <-trusted:
				if got != test.want {
					t.Errorf("the server was told who asks: %t, want %t (%v)", got, test.want, err)
				}
			case <-time.After(20 * time.Second):
				t.Errorf("the server heard nothing in 20 s (%v)", err)
			}
		})
	}
}
