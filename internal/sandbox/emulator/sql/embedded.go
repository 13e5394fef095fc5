package sql

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// The range of the clusters' ports. No operating system gives these to programs
// that ask for any port, so a cluster mostly finds its port free when it comes back.
const (
	firstPort = 20000
	portCount = 10000
)

// embedded is a backend of servers in this process, one per cluster.
type embedded struct {
	s *Servers

	mu       sync.Mutex
	clusters map[string]*cluster
	// ports are the ports by cluster. They stay the same between runs, because clients
	// keep them: in a DATABASE_URL, or in Pulumi's state.
	ports map[string]int
}

func openEmbedded(s *Servers) (*embedded, error) {
	e := &embedded{s: s, clusters: map[string]*cluster{}, ports: map[string]int{}}
	return e, emulator.Load(e.portsFile(), &e.ports)
}

func (e *embedded) portsFile() string                { return filepath.Join(e.s.dir, "ports.json") }
func (e *embedded) dataFile(clusterID string) string { return filepath.Join(e.s.dir, clusterID+".sql") }
func (e *embedded) usersFile(clusterID string) string {
	return filepath.Join(e.s.dir, clusterID+".users")
}

func (e *embedded) CreateCluster(clusterID string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.clusters[clusterID] != nil {
		return nil
	}
	l, err := e.listen(clusterID)
	if err != nil {
		return err
	}
	c, err := openCluster(e.s, e.dataFile(clusterID), e.usersFile(clusterID), l)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	e.clusters[clusterID] = c
	return nil
}

func (e *embedded) DeleteCluster(clusterID string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.clusters[clusterID]
	if c == nil {
		return nil
	}
	delete(e.clusters, clusterID)
	delete(e.ports, clusterID)
	errs := []error{c.close(), emulator.Save(e.portsFile(), e.ports)}
	for _, file := range []string{e.dataFile(clusterID), e.usersFile(clusterID)} {
		if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (e *embedded) SetEndpoint(clusterID string, disabled bool) error {
	c, err := e.cluster(clusterID)
	if err == nil {
		c.setEndpoint(disabled)
	}
	return err
}

func (e *embedded) PutUser(clusterID string, l tidbcloud.Login) error {
	c, err := e.cluster(clusterID)
	if err != nil {
		return err
	}
	c.locks.statements.RLock() // for c.databases
	defer c.locks.statements.RUnlock()
	c.users.put(l, c.databases)
	return nil
}

func (e *embedded) DropUser(clusterID, userName string) error {
	c, err := e.cluster(clusterID)
	if err == nil {
		c.users.drop(userName)
	}
	return err
}

func (e *embedded) cluster(id string) (*cluster, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.clusters[id]; c != nil {
		return c, nil
	}
	return nil, errUnknownCluster
}

var errUnknownCluster = errors.New("no such cluster")

func (e *embedded) endpoint(clusterID string) (host string, port int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.clusters[clusterID] == nil {
		return "", 0
	}
	return cmp.Or(e.s.Host, "127.0.0.1"), e.ports[clusterID]
}

func (e *embedded) tlsConfig() *tls.Config {
	return &tls.Config{RootCAs: e.s.certs.roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}
}

func (e *embedded) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, c := range e.clusters {
		errs = append(errs, c.close())
	}
	clear(e.clusters)
	return errors.Join(errs...)
}

// listen opens a cluster's port: the one that it had before, or the first free one
// from a place in the range that its ID decides. So clusters of other sandboxes
// rarely get the port of one that is down.
func (e *embedded) listen(clusterID string) (net.Listener, error) {
	if port, ok := e.ports[clusterID]; ok {
		return listenLoopback(port) // the error names it
	}
	taken := slices.Collect(maps.Values(e.ports))
	h := fnv.New32a()
	_, _ = h.Write([]byte(clusterID)) // never fails
	for i := range uint32(portCount) {
		port := firstPort + int((h.Sum32()+i)%portCount)
		if slices.Contains(taken, port) {
			continue
		}
		l, err := listenLoopback(port)
		if err != nil {
			continue
		}
		e.ports[clusterID] = port
		if err := emulator.Save(e.portsFile(), e.ports); err != nil {
			return nil, errors.Join(err, l.Close())
		}
		return l, nil
	}
	return nil, fmt.Errorf("no port from %d to %d is free", firstPort, firstPort+portCount-1)
}

func listenLoopback(port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
