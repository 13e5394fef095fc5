package sql

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// embedded are servers of this process, one for each cluster.
type embedded struct {
	s *Servers

	mu       sync.Mutex
	ports    *ports
	clusters map[string]*cluster
}

func openEmbedded(s *Servers) (*embedded, error) {
	p, err := openPorts(s.Dir)
	if err != nil {
		return nil, err
	}
	return &embedded{s: s, ports: p, clusters: map[string]*cluster{}}, nil
}

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
	c, err := openCluster(e.s, e.files(clusterID), l)
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
	delete(e.ports.of, clusterID)
	errs := []error{c.close(), e.ports.save()}
	for _, file := range e.files(clusterID) {
		if err := os.Remove(file); file != "" && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// files are those of a cluster's data and of the users that were made in SQL; "" for
// none.
func (e *embedded) files(clusterID string) [2]string {
	if e.s.Dir == "" {
		return [2]string{}
	}
	path := filepath.Join(e.s.Dir, clusterID)
	return [2]string{path + ".sql", path + ".users"}
}

func (e *embedded) PutUser(clusterID string, l tidbcloud.Login) error {
	c, err := e.cluster(clusterID)
	if err != nil {
		return err
	}
	c.locks.statements.RLock() // of the databases
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
	return nil, errors.New("the cluster has no SQL server")
}

func (e *embedded) endpoint(clusterID string) (host string, port int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.clusters[clusterID] == nil {
		return "", 0
	}
	return cmp.Or(e.s.Host, "127.0.0.1"), e.ports.of[clusterID]
}

func (e *embedded) target(user string) (addr string, conf *tls.Config, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.clusters {
		if c.users.has(prefixOf(user)) {
			return c.addr, &tls.Config{RootCAs: e.s.certs.roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}, true
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

// cluster is one cluster's server and its data.
type cluster struct {
	// file has the data; "" means that nothing is kept.
	file    string
	addr    string
	storage *storage
	engine  *sqle.Engine
	own     *sqle.Engine // asks nobody for privileges
	users   *users
	locks   *locks
	handler *handler
	server  *server.Server

	// Under locks.statements:

	// changed and redefined tell that statements may have changed rows and
	// definitions since the file was written.
	changed, redefined bool
	// databases are those that the users' roles were last granted on.
	databases []string
	// session is the cluster's own, see context.
	session *memory.Session
}

// openCluster starts a cluster's server on l, which it owns unless it fails.
func openCluster(s *Servers, files [2]string, l net.Listener) (*cluster, error) {
	c := &cluster{file: files[0], addr: l.Addr().String(), storage: newStorage(), locks: &locks{
		write: make(chan struct{}, 1), wait: cmp.Or(s.LockWait, 10*time.Second), closed: make(chan struct{}),
	}}
	var err error
	if c.engine, err = newEngine(c.storage); err != nil {
		return nil, err
	}
	if c.own, err = newEngine(c.storage); err != nil {
		return nil, err
	}
	if err := c.load(); err != nil {
		return nil, err
	}
	if c.users, err = openUsers(c.engine.Analyzer.Catalog.MySQLDb, files[1], s.LoginLag, s.now); err != nil {
		return nil, err
	}
	c.databases = c.databaseNames()
	c.handler = &handler{cluster: c, conns: map[uint32]*connection{}}
	c.server, err = server.NewServerWithHandler(server.Config{
		Listener:  l,
		Version:   version,
		TLSConfig: s.certs.config(),
		ProtocolListenerFactory: func(conf server.Config, lc mysql.ListenerConfig, _ server.ServerEventListener) (server.ProtocolListener, error) {
			lc.AuthServer = c.users
			return server.MySQLProtocolListenerFactory(conf, lc, nil)
		},
	}, c.engine, sql.NewContext, memory.NewSessionBuilder(c.storage.DbProvider), nil, func(inner mysql.Handler) (mysql.Handler, error) {
		c.handler.Handler = inner
		return c.handler, nil
	})
	if err != nil {
		return nil, err
	}
	c.handler.sessions = c.server.SessionManager()
	go c.server.Listener.Accept() // until it is closed
	return c, nil
}

// persist makes the effects of the last statement last: it writes the file and
// grants the roles on new databases. The caller holds locks.statements.
func (c *cluster) persist() error {
	if !c.changed {
		return nil
	}
	if names := c.databaseNames(); !slices.Equal(names, c.databases) {
		c.users.regrant(names)
		c.databases = names
	}
	if err := c.save(); err != nil {
		return fmt.Errorf("saving the data: %w", err)
	}
	c.changed, c.redefined = false, false
	return nil
}

// databaseNames are the databases of the cluster's users, in order.
func (c *cluster) databaseNames() (names []string) {
	for _, db := range c.storage.DbProvider.AllDatabases(nil) { // it asks nobody
		names = append(names, db.Name())
	}
	slices.Sort(names)
	return names
}

// context is that of a statement which the cluster runs for itself. All of them
// have one session, because it takes longer to make one than to write a small file.
func (c *cluster) context() *sql.Context {
	if c.session == nil {
		base := sql.NewBaseSessionWithClientServer("", sql.Client{User: "root", Address: "localhost"}, 0)
		c.session = memory.NewSession(base, c.storage.DbProvider)
	}
	ctx := sql.NewContext(context.Background(), sql.WithSession(c.session))
	discard(ctx)
	return ctx
}

// close ends the server and its connections. It returns when the last statement
// that may change anything has ended.
func (c *cluster) close() error {
	c.server.Listener.Close()
	close(c.locks.closed)
	c.handler.close()
	err := errors.Join(closeEngine(c.engine), closeEngine(c.own))
	c.locks.statements.Lock()
	defer c.locks.statements.Unlock()
	c.file = "" // which may be removed now
	c.users.grants.SetPersister(persister(""))
	return err
}

// closeEngine ends all statements that run.
func closeEngine(e *sqle.Engine) error {
	if err := e.Close(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil // that is how it ends them
}
