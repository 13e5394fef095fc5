package sql

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"
	"github.com/dolthub/vitess/go/mysql"

	"portfolio-infra/internal/sandbox/emulator"
)

// initialDatabase is the database of a new cluster.
const initialDatabase = "test"

// cluster is the embedded server of one cluster, and its data.
type cluster struct {
	file     string // holds the data; "" once the cluster is closed
	storage  *storage
	engine   *sqle.Engine
	internal *internalEngine
	users    *users
	locks    *locks
	server   *server.Server
	gate     *gate

	// locks.statements guards the fields below.

	// changed and redefined report whether rows and definitions may differ from the
	// file.
	changed, redefined bool
	// databases are those that the users' roles were last granted on.
	databases []string
}

// openCluster starts a cluster's server on l, which it owns unless it fails.
func openCluster(s *Servers, file, usersFile string, l net.Listener) (*cluster, error) {
	c := &cluster{file: file, storage: newStorage(), locks: newLocks(cmp.Or(s.LockWait, 10*time.Second)), gate: &gate{Listener: l}}
	var err error
	if c.engine, err = newEngine(c.storage); err != nil {
		return nil, err
	}
	if c.internal, err = newInternalEngine(c.storage); err != nil {
		return nil, err
	}
	if err := c.load(); err != nil {
		return nil, fmt.Errorf("loading %s (remove it to start over): %w", file, err)
	}
	if c.users, err = openUsers(c.engine.Analyzer.Catalog.MySQLDb, usersFile, s.LoginLag, s.now); err != nil {
		return nil, err
	}
	c.databases = c.databaseNames()
	h := &handler{cluster: c}
	c.server, err = server.NewServerWithHandler(server.Config{
		Listener:  c.gate,
		Version:   version,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{s.certs.server}, MinVersion: tls.VersionTLS12},
		ProtocolListenerFactory: func(conf server.Config, lc mysql.ListenerConfig, _ server.ServerEventListener) (server.ProtocolListener, error) {
			lc.AuthServer = c.users
			return server.MySQLProtocolListenerFactory(conf, lc, nil)
		},
	}, c.engine, sql.NewContext, memory.NewSessionBuilder(c.storage.DbProvider), nil, func(inner mysql.Handler) (mysql.Handler, error) {
		h.Handler = inner
		return h, nil
	})
	if err != nil {
		return nil, err
	}
	h.sessions = c.server.SessionManager()
	go c.server.Listener.Accept() // until it is closed
	return c, nil
}

// load reads the file, or creates the initial database if there is none.
func (c *cluster) load() error {
	dump, err := os.ReadFile(c.file)
	if errors.Is(err, os.ErrNotExist) {
		dump, err = []byte("CREATE DATABASE "+initialDatabase), nil
	}
	if err != nil {
		return err
	}
	return c.internal.load(string(dump), true)
}

// persist saves the effects of the last statement and grants the roles on new
// databases. The caller holds locks.statements.
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

// save fails if a definition could not be loaded at the next start. The file then
// stays as it was.
func (c *cluster) save() error {
	if c.file == "" {
		return nil
	}
	dump, err := c.internal.dump()
	if err != nil {
		return err
	}
	if c.redefined {
		trial, err := newInternalEngine(newStorage())
		if err == nil {
			err = errors.Join(trial.load(string(dump), false), closeEngine(trial.Engine))
		}
		if err != nil {
			return fmt.Errorf("the emulated server cannot read its own definition: %w", err)
		}
	}
	return emulator.WriteFile(c.file, dump, 0o600)
}

// databaseNames returns the databases that users see, in order.
func (c *cluster) databaseNames() (names []string) {
	for _, db := range c.storage.DbProvider.AllDatabases(nil) { // it does not use the context
		names = append(names, db.Name())
	}
	return names
}

// close stops the server. It returns when no statement can change anything any more.
func (c *cluster) close() error {
	c.server.Listener.Close()
	close(c.locks.closed)
	c.disconnect()
	err := errors.Join(closeEngine(c.engine), closeEngine(c.internal.Engine))
	c.locks.statements.Lock()
	defer c.locks.statements.Unlock()
	c.file = "" // which may be removed now
	c.users.grants.SetPersister(&mysql_db.NoopPersister{})
	return err
}
