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

	"portfolio-infra/internal/sandbox/emulator"
)

// The files of the certificates in Servers.Dir.
const (
	caFile        = "ca.pem"
	serverFile    = "server.pem"
	serverKeyFile = "server-key.pem"
)

// certs are a CA and the server certificate that it signed.
type certs struct {
	roots  *x509.CertPool
	server tls.Certificate
}

// openCerts reads the certificates in dir. It creates them if they are missing or incomplete.
func openCerts(dir string) (*certs, error) {
	if c, err := readCerts(dir); err == nil {
		return c, nil
	}
	if err := createCerts(dir); err != nil {
		return nil, fmt.Errorf("creating the certificates of the SQL servers: %w", err)
	}
	return readCerts(dir)
}

func readCerts(dir string) (*certs, error) {
	ca, err := os.ReadFile(filepath.Join(dir, caFile))
	if err != nil {
		return nil, err
	}
	server, err := tls.LoadX509KeyPair(filepath.Join(dir, serverFile), filepath.Join(dir, serverKeyFile))
	if err != nil {
		return nil, err
	}
	c := &certs{roots: x509.NewCertPool(), server: server}
	c.roots.AppendCertsFromPEM(ca)
	_, err = server.Leaf.Verify(x509.VerifyOptions{Roots: c.roots})
	return c, err
}

// createCerts creates the certificates. It does not keep the CA's key, since nothing else is
// ever signed with it.
func createCerts(dir string) error {
	ca := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Sandbox SQL CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caPEM, caKey, err := sign(ca, ca, nil)
	if err != nil {
		return err
	}
	server := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "Sandbox SQL server"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	serverPEM, key, err := sign(server, ca, caKey)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return errors.Join(
		emulator.WriteFile(filepath.Join(dir, serverKeyFile), keyPEM, 0o600),
		emulator.WriteFile(filepath.Join(dir, serverFile), serverPEM, 0o644),
		emulator.WriteFile(filepath.Join(dir, caFile), caPEM, 0o644),
	)
}

// sign creates a key and a certificate for it. Without a parentKey the certificate is
// self-signed.
func sign(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (certPEM []byte, key *ecdsa.PrivateKey, err error) {
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, nil, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, nil, err
	}
	template.NotBefore = time.Unix(0, 0)             // a client's clock may be far behind
	template.NotAfter = time.Now().AddDate(10, 0, 0) // nobody needs to renew it
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, cmp.Or(parentKey, key))
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key, err
}
