package sql

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// Servers are the SQL servers of all clusters. A struct literal is usable, the
// zero value too; the fields must not change once a method was called.
type Servers struct {
	// Dir keeps the data, the ports and the certificates; it is made where it is
	// missing. Empty means that all of it lives as long as the process.
	Dir string
	// DSN is a MySQL, MariaDB or TiDB server that is used in place of the embedded
	// ones, with the login of an administrator, in the form of
	// https://github.com/go-sql-driver/mysql#dsn-data-source-name. Empty means the
	// embedded servers.
	DSN string
	// DSNCA is the file with the CA of the DSN's server, in PEM. Without it the
	// DSN's tls parameter decides; without that, a server on this machine is
	// trusted and any other is verified as the system does.
	DSNCA string
	// Host is what Endpoint calls this machine: "127.0.0.1" by default. The driver
	// @tidbcloud/serverless needs a name, such as "localhost".
	Host string

	// LoginLag is how long a new user is refused, as in the real cloud, where it
	// takes a while until all servers know it. 0 means not at all. A user that was
	// there before, and the servers of a DSN, do not lag.
	LoginLag time.Duration
	// LockWait is how long a writing statement waits for another transaction to
	// end before it fails with error 1205: 0 means 10 seconds.
	LockWait time.Duration
	// SessionIdle is how long a transaction or stateful session of the HTTP
	// endpoint may be idle before it is rolled back: 0 means 10 minutes.
	SessionIdle time.Duration
	// Now defaults to time.Now.
	Now func() time.Time

	// mu guards what is below.
	mu       sync.Mutex
	closed   bool
	certs    *certs
	backend  backend // nil until the servers are opened
	sessions sessions
}

var _ tidbcloud.SQL = (*Servers)(nil)

// backend is where the clusters' data lies.
type backend interface {
	tidbcloud.SQL
	// endpoint is a cluster's host and port; "" and 0 where it has none.
	endpoint(clusterID string) (host string, port int)
	// target tells where and with which TLS settings the user logs in. It is false
	// where the user's prefix is no cluster's.
	target(user string) (addr string, conf *tls.Config, ok bool)
	close() error
}

var errClosed = errors.New("the SQL servers are closed")

// Open makes the certificates and connects to the DSN's server, if there is one. Any
// other method does it too.
func (s *Servers) Open() error {
	_, err := s.open()
	return err
}

func (s *Servers) open() (_ backend, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if s.backend != nil {
		return s.backend, nil
	}
	if s.Dir != "" {
		if err := os.MkdirAll(s.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("making the folder of the SQL servers: %w", err)
		}
	}
	if s.certs, err = openCerts(s.Dir, s.Host, s.now()); err != nil {
		return nil, err
	}
	var b backend
	if s.DSN != "" {
		b, err = openExternal(s.DSN, s.DSNCA)
	} else {
		b, err = openEmbedded(s)
	}
	if err != nil {
		return nil, err
	}
	s.backend, s.sessions.idle = b, cmp.Or(s.SessionIdle, 10*time.Minute)
	return b, nil
}

// Close ends all connections and servers. What was answered is kept in Dir.
func (s *Servers) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.sessions.close()
	if s.backend == nil {
		return nil
	}
	return s.backend.close()
}

// on calls f with the opened servers.
func (s *Servers) on(clusterID string, f func(backend) error) error {
	b, err := s.open()
	if err == nil {
		err = f(b)
	}
	if err != nil {
		return fmt.Errorf("the SQL server of cluster %s: %w", clusterID, err)
	}
	return nil
}

// CreateCluster starts a cluster's server, with the data that it had if it was
// there before, and otherwise with the empty database "test" alone.
func (s *Servers) CreateCluster(clusterID string) error {
	return s.on(clusterID, func(b backend) error { return b.CreateCluster(clusterID) })
}

// DeleteCluster ends a cluster's server and its connections and drops its data. With
// a DSN it drops the cluster's users alone: nothing tells whose databases are.
func (s *Servers) DeleteCluster(clusterID string) error {
	return s.on(clusterID, func(b backend) error { return b.DeleteCluster(clusterID) })
}

// PutUser makes or changes a user. A changed password counts from the next login
// on; connections that are open stay.
func (s *Servers) PutUser(clusterID string, l tidbcloud.Login) error {
	return s.on(clusterID, func(b backend) error { return b.PutUser(clusterID, l) })
}

// DropUser removes a user. Its open connections can do nothing any more.
func (s *Servers) DropUser(clusterID, userName string) error {
	return s.on(clusterID, func(b backend) error { return b.DropUser(clusterID, userName) })
}

// Endpoint is where a cluster's clients connect; "" and 0 where there is no such
// cluster. It fits tidbcloud.Cloud.Endpoint.
func (s *Servers) Endpoint(clusterID string) (host string, port int) {
	b, err := s.open()
	if err != nil {
		return "", 0
	}
	return b.endpoint(clusterID)
}

// CAFile is the file, in PEM, with the CA that clients must trust. It is "" where
// there is none: in memory, see [Servers.RootCAs], and with a DSN but no DSNCA.
func (s *Servers) CAFile() string {
	if s.DSN != "" || s.Dir == "" {
		return s.DSNCA
	}
	return filepath.Join(s.Dir, caFile)
}

// RootCAs holds the CA that signed the certificate of the embedded servers and of
// the HTTP endpoint.
func (s *Servers) RootCAs() (*x509.CertPool, error) {
	if err := s.Open(); err != nil {
		return nil, err
	}
	return s.certs.roots, nil
}

// TLSConfig is what the HTTP endpoint is served with over TLS.
func (s *Servers) TLSConfig() (*tls.Config, error) {
	if err := s.Open(); err != nil {
		return nil, err
	}
	return s.certs.config(), nil
}

// HTTP serves the SQL of all clusters over HTTP, as the driver
// @tidbcloud/serverless speaks it: POST /v1beta/sql.
func (s *Servers) HTTP() http.Handler { return http.HandlerFunc(s.serveSQL) }

func (s *Servers) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}
