package fakesql

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"

	"portfolio-infra/internal/sandbox/faketidb"
)

// cluster is one cluster's server and its data.
type cluster struct {
	// file keeps the data and usersFile the users that were made in SQL; "" means in
	// memory only.
	file, usersFile string
	storage         *storage
	engine          *sqle.Engine
	users           *users
	gate            *gate
	server          *server.Server
	conns           *listener

	// Under gate.statements:

	// dirty says that a statement may have changed what the file does not have.
	dirty bool
	// schema is what the file defines, where that is known to be readable.
	schema string
	// databases are those that the users' roles were last granted on.
	databases []string
	// session is the cluster's own, see context.
	session *memory.Session
}

// openCluster starts a cluster's server on l, which it owns unless it fails.
func openCluster(s *Servers, c *certs, id string, l net.Listener) (*cluster, error) {
	cl := &cluster{storage: newStorage(), gate: newGate(s.lockWait()), conns: newListener(l)}
	if s.Dir != "" {
		cl.file = filepath.Join(s.Dir, id+".sql")
		cl.usersFile = filepath.Join(s.Dir, id+".users")
	}
	var err error
	if cl.engine, err = newEngine(cl.storage); err != nil {
		return nil, err
	}
	if err := cl.load(); err != nil {
		return nil, err
	}
	grants := cl.engine.Analyzer.Catalog.MySQLDb
	grants.SetEnabled(true)
	cl.users = newUsers(grants, s.LoginLag, s.now)
	if err := cl.users.keepIn(cl.usersFile); err != nil {
		return nil, err
	}
	cl.databases = cl.databaseNames()
	auth, err := newAuthServer(cl.users)
	if err != nil {
		return nil, err
	}
	h := &handler{cluster: cl, holds: map[uint32]*hold{}}
	cl.server, err = server.NewServerWithHandler(server.Config{
		Listener:  cl.conns,
		Version:   version,
		TLSConfig: c.serverConfig(),
		ProtocolListenerFactory: func(conf server.Config, lc mysql.ListenerConfig, _ server.ServerEventListener) (server.ProtocolListener, error) {
			lc.AuthServer = auth
			return server.MySQLProtocolListenerFactory(conf, lc, nil)
		},
	}, cl.engine, sql.NewContext, memory.NewSessionBuilder(cl.storage.DbProvider), nil, func(inner mysql.Handler) (mysql.Handler, error) {
		h.Handler = inner
		return h, nil
	})
	if err != nil {
		return nil, err
	}
	h.sessions = cl.server.SessionManager()
	go cl.server.Listener.Accept() // until it is closed
	return cl, nil
}

// putUser makes or changes a user.
func (c *cluster) putUser(l faketidb.Login) error {
	c.gate.statements.RLock()
	defer c.gate.statements.RUnlock()
	c.users.put(l, c.databases)
	return nil
}

// keep makes what the last statement did last: it writes the file and grants the
// roles on new databases. The caller holds the gate.
func (c *cluster) keep() error {
	if !c.dirty {
		return nil
	}
	if names := c.databaseNames(); !slices.Equal(names, c.databases) {
		c.users.regrant(names)
		c.databases = names
	}
	if err := c.save(); err != nil {
		return err
	}
	c.dirty = false
	return nil
}

// databaseNames are the databases of the cluster's users, in order.
func (c *cluster) databaseNames() []string {
	var names []string
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
	forget(ctx)
	return ctx
}

func (c *cluster) addr() string { return c.conns.Addr().String() }

func (c *cluster) port() int {
	tcp, ok := c.conns.Addr().(*net.TCPAddr)
	if !ok {
		return 0
	}
	return tcp.Port
}

// close ends the server and its connections. It returns when the last statement
// has ended.
func (c *cluster) close() error {
	c.server.Listener.Close()
	c.gate.close()
	c.conns.cut()
	err := closeEngine(c.engine)
	c.conns.handlers.Wait()
	return err
}

// remove drops the data of a closed cluster.
func (c *cluster) remove() error {
	for _, file := range []string{c.file, c.usersFile} {
		if file == "" {
			continue
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
