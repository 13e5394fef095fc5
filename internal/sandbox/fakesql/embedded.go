package fakesql

import (
	"crypto/tls"
	"errors"
	"maps"
	"slices"
	"sync"

	"portfolio-infra/internal/sandbox/faketidb"
)

// embedded are servers of this process, one for each cluster.
type embedded struct {
	s     *Servers
	certs *certs

	mu       sync.Mutex
	ports    *ports
	clusters map[string]*cluster
}

func openEmbedded(s *Servers, c *certs) (*embedded, error) {
	p, err := openPorts(s.Dir)
	if err != nil {
		return nil, err
	}
	return &embedded{s: s, certs: c, ports: p, clusters: map[string]*cluster{}}, nil
}

// CreateCluster implements faketidb.SQL.
func (e *embedded) CreateCluster(clusterID string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.clusters[clusterID] != nil {
		return nil
	}
	l, err := e.ports.listen(clusterID)
	if err != nil {
		return err
	}
	c, err := openCluster(e.s, e.certs, clusterID, l)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	e.clusters[clusterID] = c
	return nil
}

// DeleteCluster implements faketidb.SQL.
func (e *embedded) DeleteCluster(clusterID string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.clusters[clusterID]
	if c == nil {
		return nil
	}
	delete(e.clusters, clusterID)
	return errors.Join(c.close(), c.remove(), e.ports.forget(clusterID))
}

// PutUser implements faketidb.SQL.
func (e *embedded) PutUser(clusterID string, l faketidb.Login) error {
	c, err := e.cluster(clusterID)
	if err != nil {
		return err
	}
	return c.putUser(l)
}

// DropUser implements faketidb.SQL.
func (e *embedded) DropUser(clusterID, userName string) error {
	c, err := e.cluster(clusterID)
	if err != nil {
		return err
	}
	c.users.drop(userName)
	return nil
}

func (e *embedded) cluster(id string) (*cluster, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.clusters[id]; c != nil {
		return c, nil
	}
	return nil, errors.New("the cluster has no SQL server")
}

func (e *embedded) endpoint(clusterID string) (host string, port int) {
	c, err := e.cluster(clusterID)
	if err != nil {
		return "", 0
	}
	return e.s.host(), c.port()
}

func (e *embedded) target(user string) (addr string, conf *tls.Config, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.clusters {
		if c.users.has(prefixOf(user)) {
			return c.addr(), &tls.Config{RootCAs: e.certs.pool(), ServerName: "localhost", MinVersion: tls.VersionTLS12}, true
		}
	}
	return "", nil, false
}

func (e *embedded) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(e.clusters)) {
		errs = append(errs, e.clusters[id].close())
	}
	return errors.Join(errs...)
}
