package sql

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// Servers are the SQL servers of all clusters. The fields must not change after the first call
// of a method.
type Servers struct {
	// TiDB is the path of the program that internal/tools/tidb builds. Without it no client is
	// served.
	TiDB string
	// Dir keeps the data, the ports and the certificates. It is created if missing. If empty,
	// a temporary folder is used, which Close removes.
	Dir string
	// Host is the host that Endpoint returns: "127.0.0.1" by default, or "localhost". The
	// driver @tidbcloud/serverless needs a name.
	Host string
	// SessionIdle is how long a session of the HTTP endpoint may be idle before it is rolled
	// back. Default: 10 minutes.
	SessionIdle time.Duration

	mu       sync.Mutex // guards the fields below
	opened   bool
	closed   bool
	dir      string
	certs    *certs
	clusters map[string]*cluster
	// ports has the port of each cluster. A port stays the same between runs, because clients
	// keep it in a DATABASE_URL or in Pulumi's state.
	ports    map[string]int
	prefixes map[string]string // cluster IDs by the prefix of their users
	sessions sessions

	hook atomic.Pointer[Hook]

	starting sync.Mutex // is held while a server starts; locked before mu
}

// Hook is called with the ID of a cluster or a branch when a client sends a command, and again after
// it took effect and before it is answered. If it returns true, the connection is cut.
type Hook func(id string, after bool) (cut bool)

// Intercept sets the hook for all commands; nil means none.
func (s *Servers) Intercept(hook Hook) { s.hook.Store(&hook) }

// maxRunning is how many servers run at once, unless more than that have clients. Each takes
// about 300 MB.
const maxRunning = 4

var _ tidbcloud.SQL = (*Servers)(nil)

var (
	errClosed         = errors.New("the SQL servers are closed")
	errUnknownCluster = errors.New("no such cluster")
)

// Open reads the ports and creates the certificates. The other methods call it.
func (s *Servers) Open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open()
}

// open is Open with s.mu held.
func (s *Servers) open() (err error) {
	if s.closed {
		return errClosed
	}
	if s.opened {
		return nil
	}
	if s.dir = cmp.Or(s.Dir, s.dir); s.dir == "" {
		s.dir, err = os.MkdirTemp("", "sql")
	} else {
		err = os.MkdirAll(s.dir, 0o700)
	}
	if err != nil {
		return fmt.Errorf("creating the folder of the SQL servers: %w", err)
	}
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return err
	}
	if s.certs, err = openCerts(s.dir); err != nil {
		return err
	}
	s.clusters, s.ports, s.prefixes = map[string]*cluster{}, map[string]int{}, map[string]string{}
	s.sessions.idle = cmp.Or(s.SessionIdle, 10*time.Minute)
	if err := emulator.Load(s.portsFile(), &s.ports); err != nil {
		return err
	}
	s.opened = true
	return nil
}

// Close closes all connections and ends the servers. Whatever was answered is kept in Dir.
func (s *Servers) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.sessions.close()
	errs := make(chan error, len(s.clusters))
	for _, c := range s.clusters {
		go func() { errs <- c.close() }()
	}
	var err error
	for range s.clusters {
		err = errors.Join(err, <-errs)
	}
	clear(s.clusters)
	if s.Dir == "" && s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

// CreateCluster opens a cluster's port. The cluster has the data that it had before; a new one
// has the empty database "test".
func (s *Servers) CreateCluster(clusterID string) (err error) {
	defer named(clusterID, &err)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil || s.clusters[clusterID] != nil {
		return err
	}
	l, err := s.listen(clusterID)
	if err != nil {
		return err
	}
	c, err := openCluster(s, clusterID, l)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s.clusters[clusterID] = c
	return nil
}

// DeleteCluster ends a cluster's server and deletes its data.
func (s *Servers) DeleteCluster(clusterID string) (err error) {
	defer named(clusterID, &err)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clusters[clusterID]
	if c == nil {
		return nil
	}
	delete(s.clusters, clusterID)
	delete(s.ports, clusterID)
	errs := []error{c.close(), emulator.Save(s.portsFile(), s.ports)}
	for _, name := range []string{c.dir, c.accountsFile(), c.originFile(), c.dumpFile() + ".imported"} {
		errs = append(errs, os.RemoveAll(name))
	}
	return errors.Join(errs...)
}

// SetEndpoint stops serving a cluster's clients and ends their connections, or serves clients
// again.
func (s *Servers) SetEndpoint(clusterID string, disabled bool) (err error) {
	defer named(clusterID, &err)
	c, err := s.cluster(clusterID)
	if err == nil {
		c.setEndpoint(disabled)
	}
	return err
}

// PutUser creates or changes a user. Open connections outlive a new password.
func (s *Servers) PutUser(clusterID string, l tidbcloud.Login) (err error) {
	defer named(clusterID, &err)
	c, err := s.cluster(clusterID)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.prefixes[prefixOf(l.UserName)] = clusterID
	s.mu.Unlock()
	return c.setUser(l.UserName, account{Hash: l.Hash, Role: l.BuiltinRole})
}

// DropUser removes a user. Its open connections lose all privileges.
func (s *Servers) DropUser(clusterID, userName string) (err error) {
	defer named(clusterID, &err)
	c, err := s.cluster(clusterID)
	if err != nil {
		return err
	}
	return c.setUser(userName, account{Dropped: true})
}

// named adds to an error which cluster it is about.
func named(clusterID string, err *error) {
	if *err != nil {
		*err = fmt.Errorf("SQL server of cluster %s: %w", clusterID, *err)
	}
}

func (s *Servers) hasTiDB() error {
	if s.TiDB == "" {
		return errors.New("there is no TiDB: TIDB_SERVER does not name one")
	}
	return nil
}

func (s *Servers) cluster(id string) (*cluster, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil {
		return nil, err
	}
	if c := s.clusters[id]; c != nil {
		return c, nil
	}
	return nil, errUnknownCluster
}

// Endpoint returns where a cluster's clients connect, or "" and 0 if the cluster does not
// exist. It can serve as tidbcloud.Cloud.Endpoint.
func (s *Servers) Endpoint(clusterID string) (host string, port int) {
	if _, err := s.cluster(clusterID); err != nil {
		return "", 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.Host, "127.0.0.1"), s.ports[clusterID]
}

// makeRoom ends the server that has been idle for the longest time, if one more would be too
// many. The caller holds s.starting.
func (s *Servers) makeRoom() error {
	s.mu.Lock()
	clusters := slices.Collect(maps.Values(s.clusters))
	s.mu.Unlock()
	count, longest, since := 0, (*cluster)(nil), time.Time{}
	for _, c := range clusters {
		running, idle, used := c.state()
		if running {
			count++
		}
		if running && idle && (longest == nil || used.Before(since)) {
			longest, since = c, used
		}
	}
	if count < maxRunning || longest == nil {
		return nil
	}
	return longest.stopIdle()
}

// clusterOf returns the cluster of a user, or nil.
func (s *Servers) clusterOf(user string) *cluster {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clusters[s.prefixes[prefixOf(user)]]
}

// prefixOf returns the part of a user's name that identifies its cluster, or "".
func prefixOf(user string) string {
	return user[:max(strings.IndexByte(user, '.'), 0)]
}

// CAFile returns the PEM file with the CA that clients must trust. If Dir is empty, the file
// exists after [Servers.Open].
func (s *Servers) CAFile() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return filepath.Join(cmp.Or(s.Dir, s.dir), caFile)
}

// tlsConfig returns the TLS config for a client of an endpoint.
func (s *Servers) tlsConfig() *tls.Config {
	return &tls.Config{RootCAs: s.certs.roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}
}

// HTTP serves POST /v1beta/sql for all clusters, as the driver
// @tidbcloud/serverless expects it.
func (s *Servers) HTTP() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1beta/sql", s.serveSQL)
	return mux
}
