package sql

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The files of the certificates, in Servers.Dir.
const (
	caFile        = "ca.pem"
	serverFile    = "server.pem"
	serverKeyFile = "server-key.pem"
)

// certs are a CA and the server certificate that it signed. The CA's key is not
// kept: nothing else is ever signed with it.
type certs struct {
	roots  *x509.CertPool
	server tls.Certificate
}

// config is what a server presents.
func (c *certs) config() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.server}, MinVersion: tls.VersionTLS12}
}

// openCerts reads the certificates from dir. It makes new ones where there are
// none, or where they are damaged, expired or not for host; without dir it makes
// them in memory.
func openCerts(dir, host string, now time.Time) (*certs, error) {
	host = cmp.Or(host, "localhost")
	path := func(name string) string { return filepath.Join(dir, name) }
	if dir != "" {
		caPEM, _ := os.ReadFile(path(caFile)) // what cannot be read is of no use
		c := &certs{roots: x509.NewCertPool()}
		if server, err := tls.LoadX509KeyPair(path(serverFile), path(serverKeyFile)); err == nil && c.roots.AppendCertsFromPEM(caPEM) {
			c.server = server
			if _, err := server.Leaf.Verify(x509.VerifyOptions{Roots: c.roots, DNSName: host, CurrentTime: now}); err == nil {
				return c, nil
			}
		}
	}
	ca := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Sandbox SQL CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caPEM, caKey, err := sign(ca, ca, nil, now)
	if err != nil {
		return nil, err
	}
	// The driver of the HTTP endpoint puts "http-" before a cluster's host.
	leaf := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "Sandbox SQL server"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "http-localhost", host, "http-" + host},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(host); ip != nil {
		leaf.DNSNames, leaf.IPAddresses = leaf.DNSNames[:2], append(leaf.IPAddresses, ip)
	}
	serverPEM, key, err := sign(leaf, ca, caKey, now)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if dir != "" {
		if err := errors.Join(writeFile(path(serverKeyFile), keyPEM, 0o600), writeFile(path(serverFile), serverPEM, 0o644), writeFile(path(caFile), caPEM, 0o644)); err != nil {
			return nil, fmt.Errorf("writing the certificates: %w", err)
		}
	}
	server, err := tls.X509KeyPair(serverPEM, keyPEM)
	c := &certs{roots: x509.NewCertPool(), server: server}
	c.roots.AppendCertsFromPEM(caPEM)
	return c, err
}

// sign makes a key and a certificate for it. A nil parentKey means that the
// certificate signs itself.
func sign(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey, now time.Time) (certPEM []byte, key *ecdsa.PrivateKey, err error) {
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, nil, fmt.Errorf("making a key: %w", err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, nil, fmt.Errorf("making a serial number: %w", err)
	}
	template.NotBefore = now.Add(-time.Hour)  // other clocks may be behind
	template.NotAfter = now.AddDate(10, 0, 0) // nobody needs to renew it
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, cmp.Or(parentKey, key))
	if err != nil {
		return nil, nil, fmt.Errorf("making a certificate: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key, nil
}
