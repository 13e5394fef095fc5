package fakesql

import (
	"bytes"
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
	"slices"
	"time"
)

// The files of the certificates, in Servers.Dir.
const (
	caFile        = "ca.pem"
	caKeyFile     = "ca-key.pem"
	serverFile    = "server.pem"
	serverKeyFile = "server-key.pem"
)

const (
	caLifetime     = 10 * 365 * 24 * time.Hour
	serverLifetime = 397 * 24 * time.Hour
	// renewBefore is how long before its end a certificate is replaced.
	renewBefore = 30 * 24 * time.Hour
)

// certNames are the host names that the server certificate is for, so that a name
// of the real cloud, mapped to this machine, is served as well. The driver of the
// HTTP endpoint puts "http-" before a cluster's host.
var certNames = []string{
	"localhost", "http-localhost", "http-127.0.0.1",
	"*.prod.aws.tidbcloud.com",
	"*.us-east-1.prod.aws.tidbcloud.com",
	"*.us-west-2.prod.aws.tidbcloud.com",
	"*.eu-central-1.prod.aws.tidbcloud.com",
	"*.ap-northeast-1.prod.aws.tidbcloud.com",
	"*.ap-southeast-1.prod.aws.tidbcloud.com",
}

var certIPs = []net.IP{net.IPv4(127, 0, 0, 1).To4(), net.IPv6loopback}

// certs are the CA and the server certificate that it signed.
type certs struct {
	ca     *x509.Certificate
	caPEM  []byte
	server tls.Certificate
}

// pool holds the CA alone.
func (c *certs) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(c.ca)
	return p
}

// serverConfig is what a server presents.
func (c *certs) serverConfig() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.server}, MinVersion: tls.VersionTLS12}
}

// openCerts reads the certificates from dir, and makes those that are missing,
// unfit or soon to expire. Without dir it makes them in memory. Host is a further
// name that the server certificate must be for, or "".
func openCerts(dir, host string, now time.Time) (*certs, error) {
	names, ips := slices.Clone(certNames), slices.Clone(certIPs)
	if ip := net.ParseIP(host); ip != nil {
		ips = append(ips, ip)
	} else if host != "" {
		names = append(names, host, "http-"+host)
	}
	ca, err := readPair(dir, caFile, caKeyFile)
	if err != nil {
		return nil, err
	}
	if ca == nil || !ca.cert.IsCA || !ca.lasts(now) {
		if ca, err = newPair(nil, &x509.Certificate{
			Subject:               pkix.Name{CommonName: "Sandbox SQL CA"},
			NotAfter:              now.Add(caLifetime),
			IsCA:                  true,
			BasicConstraintsValid: true,
			KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		}, now); err != nil {
			return nil, err
		}
		if err := ca.write(dir, caFile, caKeyFile); err != nil {
			return nil, err
		}
	}
	server, err := readPair(dir, serverFile, serverKeyFile)
	if err != nil {
		return nil, err
	}
	if server == nil || !server.lasts(now) || server.cert.CheckSignatureFrom(ca.cert) != nil || !server.isFor(names, ips) {
		if server, err = newPair(ca, &x509.Certificate{
			Subject:     pkix.Name{CommonName: "Sandbox SQL server"},
			NotAfter:    now.Add(serverLifetime),
			DNSNames:    names,
			IPAddresses: ips,
			KeyUsage:    x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}, now); err != nil {
			return nil, err
		}
		if err := server.write(dir, serverFile, serverKeyFile); err != nil {
			return nil, err
		}
	}
	return &certs{
		ca: ca.cert, caPEM: ca.certPEM(),
		server: tls.Certificate{Certificate: [][]byte{server.cert.Raw}, PrivateKey: server.key, Leaf: server.cert},
	}, nil
}

// pair is a certificate with its key.
type pair struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newPair(parent *pair, template *x509.Certificate, now time.Time) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("making a serial number: %w", err)
	}
	template.SerialNumber = serial
	template.NotBefore = now.Add(-time.Hour) // other clocks may be behind
	issuer := &pair{cert: template, key: key}
	if parent != nil {
		issuer = parent
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.cert, &key.PublicKey, issuer.key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	return &pair{cert: cert, key: key}, nil
}

func (p *pair) lasts(now time.Time) bool {
	return now.After(p.cert.NotBefore) && now.Add(renewBefore).Before(p.cert.NotAfter)
}

func (p *pair) isFor(names []string, ips []net.IP) bool {
	return slices.Equal(p.cert.DNSNames, names) && slices.EqualFunc(p.cert.IPAddresses, ips, net.IP.Equal)
}

func (p *pair) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw})
}

// readPair returns nil where there is no usable pair: it is made anew then.
func readPair(dir, certName, keyName string) (*pair, error) {
	if dir == "" {
		return nil, nil
	}
	certPEM, err := os.ReadFile(filepath.Join(dir, certName))
	keyPEM, keyErr := os.ReadFile(filepath.Join(dir, keyName))
	if err := errors.Join(err, keyErr); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		return nil, fmt.Errorf("reading the certificates: %w", err)
	}
	c, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, nil
	}
	key, ok := c.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil
	}
	return &pair{cert: c.Leaf, key: key}, nil
}

// write keeps the key to its owner and shows the certificate to everybody.
func (p *pair) write(dir, certName, keyName string) error {
	if dir == "" {
		return nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return fmt.Errorf("writing a key: %w", err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := writeFile(filepath.Join(dir, keyName), key, 0o600); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, certName), p.certPEM(), 0o644)
}

// writeFile writes a file whole or not at all. What was written survives the end
// of this process, however sudden, but not that of the machine.
func writeFile(path string, content []byte, mode os.FileMode) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, err = bytes.NewReader(content).WriteTo(tmp)
	if err := errors.Join(err, tmp.Chmod(mode), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
