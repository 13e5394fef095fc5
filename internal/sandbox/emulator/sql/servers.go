package sql

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// Servers are the SQL servers of all clusters. The zero value works. The fields
// must not change after the first call of a method.
type Servers struct {
	// Dir keeps the data, the ports and the certificates. It is created if missing.
	// Empty means a temporary folder, which Close removes.
	Dir string
	// DSN is a MySQL, MariaDB or TiDB server to use in place of the embedded ones, with
	// an administrator's login, in the form of
	// https://github.com/go-sql-driver/mysql#dsn-data-source-name.
	DSN string
	// DSNCA is a PEM file with the CA of the DSN's server. Without it the DSN's
	// parameter tls decides. Without that, a server on this machine is trusted and any
	// other one is verified against the system's roots.
	DSNCA string
	// Host is what Endpoint calls this machine: "127.0.0.1" by default, or
	// "localhost". The driver @tidbcloud/serverless needs a name.
	Host string

	// LoginLag is how long the embedded servers refuse a new user, 0 by default. In
	// TiDB Cloud it takes a while until all servers know one. Users that were there
	// when the process started do not lag.
	LoginLag time.Duration
	// LockWait is how long a statement waits for another transaction before it fails
	// with error 1205. The default is 10 seconds.
	LockWait time.Duration
	// SessionIdle is how long a session of the HTTP endpoint may be idle before it is
	// rolled back. The default is 10 minutes.
	SessionIdle time.Duration
	// Now defaults to time.Now.
	Now func() time.Time

	mu       sync.Mutex // guards the fields below
	closed   bool
	dir      string
	certs    *certs
	backend  backend           // nil before Open
	prefixes map[string]string // cluster IDs by the prefix of their users
	disabled map[string]bool   // the clusters whose endpoint is disabled
	sessions sessions
}

var _ tidbcloud.SQL = (*Servers)(nil)

// backend holds the clusters' data.
type backend interface {
	tidbcloud.SQL
	// endpoint returns a cluster's host and port, or "" and 0 if it does not exist.
	endpoint(clusterID string) (host string, port int)
	// tlsConfig returns what a client of an endpoint needs.
	tlsConfig() *tls.Config
	close() error
}

var errClosed = errors.New("the SQL servers are closed")

// Open creates the certificates and connects to the DSN's server, if there is one.
// The other methods call it.
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
	if s.dir = cmp.Or(s.Dir, s.dir); s.dir == "" {
		s.dir, err = os.MkdirTemp("", "sql")
	} else {
		err = os.MkdirAll(s.dir, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("creating the folder of the SQL servers: %w", err)
	}
	if s.certs, err = openCerts(s.dir); err != nil {
		return nil, err
	}
	s.sessions.idle = cmp.Or(s.SessionIdle, 10*time.Minute)
	var b backend
	if s.DSN != "" {
		b, err = openExternal(s.DSN, s.DSNCA)
	} else {
		b, err = openEmbedded(s)
	}
	if err != nil {
		return nil, err
	}
	s.backend = b
	return b, nil
}

// Close closes all connections and servers. Dir keeps what was answered.
func (s *Servers) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.sessions.close()
	var err error
	if s.backend != nil {
		err = s.backend.close()
	}
	if s.Dir == "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

func (s *Servers) withBackend(clusterID string, f func(backend) error) error {
	b, err := s.open()
	if err == nil {
		err = f(b)
	}
	if err != nil {
		return fmt.Errorf("SQL server of cluster %s: %w", clusterID, err)
	}
	return nil
}

// CreateCluster starts a cluster's server with the data that it had before. A new
// one has the empty database "test".
func (s *Servers) CreateCluster(clusterID string) error {
	return s.withBackend(clusterID, func(b backend) error { return b.CreateCluster(clusterID) })
}

// DeleteCluster stops a cluster's server and deletes its data. With a DSN it drops
// only the cluster's users, since the databases may be those of another cluster.
func (s *Servers) DeleteCluster(clusterID string) error {
	return s.withBackend(clusterID, func(b backend) error { return b.DeleteCluster(clusterID) })
}

// SetEndpoint stops serving a cluster's clients and ends their connections, or serves them
// again. With a DSN it does so over HTTP only.
func (s *Servers) SetEndpoint(clusterID string, disabled bool) error {
	err := s.withBackend(clusterID, func(b backend) error { return b.SetEndpoint(clusterID, disabled) })
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.disabled == nil {
		s.disabled = map[string]bool{}
	}
	s.disabled[clusterID] = disabled
	return nil
}

// PutUser creates or changes a user. Open connections outlive a new password.
func (s *Servers) PutUser(clusterID string, l tidbcloud.Login) error {
	err := s.withBackend(clusterID, func(b backend) error { return b.PutUser(clusterID, l) })
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prefixes == nil {
		s.prefixes = map[string]string{}
	}
	s.prefixes[prefixOf(l.UserName)] = clusterID
	return nil
}

// DropUser removes a user. Its open connections may do nothing any more.
func (s *Servers) DropUser(clusterID, userName string) error {
	return s.withBackend(clusterID, func(b backend) error { return b.DropUser(clusterID, userName) })
}

// Endpoint returns where a cluster's clients connect, or "" and 0 if it does not
// exist. It can serve as tidbcloud.Cloud.Endpoint.
func (s *Servers) Endpoint(clusterID string) (host string, port int) {
	b, err := s.open()
	if err != nil {
		return "", 0
	}
	return b.endpoint(clusterID)
}

// clusterOf returns the cluster of a user, or "", and whether its endpoint is disabled.
func (s *Servers) clusterOf(user string) (id string, disabled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id = s.prefixes[prefixOf(user)]
	return id, s.disabled[id]
}

// CAFile returns the PEM file with the CA that clients must trust, or "" with a DSN
// and no DSNCA. Where Dir is empty, the file exists after [Servers.Open].
func (s *Servers) CAFile() string {
	if s.DSN != "" {
		return s.DSNCA
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return filepath.Join(cmp.Or(s.Dir, s.dir), caFile)
}

// HTTP serves POST /v1beta/sql for all clusters, as the driver
// @tidbcloud/serverless expects it.
func (s *Servers) HTTP() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1beta/sql", s.serveSQL)
	return mux
}

func (s *Servers) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}
