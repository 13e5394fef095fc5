package sql

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"portfolio-infra/internal/sandbox/emulator"
)

// cluster is the port of one cluster, and the server behind it.
type cluster struct {
	servers  *Servers
	dir      string // of the server; missing until it first runs
	listener net.Listener

	copying sync.Mutex // is held while a branch is copied; locked before mu

	mu sync.Mutex // guards the fields below
	// origin is not zero if the cluster is a branch.
	origin origin
	// disabled and closed shut the port: each connection is closed at once. That a client of a
	// disabled endpoint sees this is assumed.
	disabled, closed bool
	conns            map[net.Conn]bool
	accounts         map[string]account
	used             time.Time // when the last connection ended
	server           *process  // nil until the first connection
}

// openCluster serves a cluster on l. Unless it fails, it owns l.
func openCluster(s *Servers, id string, l net.Listener) (*cluster, error) {
	c := &cluster{servers: s, dir: filepath.Join(s.dir, id), listener: l, conns: map[net.Conn]bool{}, accounts: map[string]account{}}
	if err := emulator.Load(c.accountsFile(), &c.accounts); err != nil {
		return nil, err
	}
	if err := emulator.Load(c.originFile(), &c.origin); err != nil {
		return nil, err
	}
	if err := c.importDump(c.dumpFile()); err != nil {
		return nil, err
	}
	go c.accept()
	return c, nil
}

// dumpFile returns the file in which an earlier version of this package kept the data, as SQL.
func (c *cluster) dumpFile() string { return c.dir + ".sql" }

// accept serves clients until the listener is closed.
func (c *cluster) accept() {
	for {
		conn, err := c.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			if c.track(conn) {
				c.serve(conn)
			}
			c.untrack(conn)
		}()
	}
}

// track records a connection, unless the port is shut.
func (c *cluster) track(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.disabled || c.closed {
		return false
	}
	c.conns[conn] = true
	return true
}

func (c *cluster) untrack(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn)
	c.used = time.Now()
	_ = conn.Close()
}

// serve connects a client to the server.
func (c *cluster) serve(client net.Conn) {
	server, err := c.connect()
	if err != nil {
		_ = writeError(client, 0, fmt.Sprintf("the emulated cluster cannot be served: %v", err))
		return
	}
	defer func() { _ = server.Close() }()
	cut := func(after bool) bool {
		hook := c.servers.hook.Load()
		return hook != nil && *hook != nil && (*hook)(c.id(), after)
	}
	_ = forward(client, server, cut) // the client and the server see what went wrong
}

// connect connects to the server. It first starts the server if it does not run, and gives it
// the users that it does not know.
func (c *cluster) connect() (net.Conn, error) {
	if err := c.copyParent(); err != nil {
		return nil, err
	}
	if running, _, _ := c.state(); !running {
		c.servers.starting.Lock()
		defer c.servers.starting.Unlock()
		if err := c.servers.makeRoom(); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.start(); err != nil {
		return nil, err
	}
	if err := c.applyAccounts(); err != nil {
		return nil, err
	}
	return c.server.dial()
}

// start starts the server if it does not run. The caller holds c.mu.
func (c *cluster) start() error {
	if c.closed {
		return errClosed
	}
	if c.running() {
		return nil
	}
	if err := c.servers.hasTiDB(); err != nil {
		return err
	}
	if _, err := os.Stat(c.dir); errors.Is(err, os.ErrNotExist) {
		if err := createData(c.servers.TiDB, c.servers.dir, c.dir); err != nil {
			return err
		}
	}
	server, err := startProcess(c.servers.TiDB, c.dir, "-cert", "../"+serverFile, "-key", "../"+serverKeyFile)
	if err != nil {
		return err
	}
	c.server = server
	return server.run(safePoint)
}

func (c *cluster) id() string { return filepath.Base(c.dir) }

// running reports whether the server runs. The caller holds c.mu.
func (c *cluster) running() bool { return c.server != nil && !c.server.ended() }

// state returns whether the server runs, whether it has no clients, and since when.
func (c *cluster) state() (running, idle bool, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running(), len(c.conns) == 0, c.used
}

// stopIdle ends the server if it has no clients.
func (c *cluster) stopIdle() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.conns) > 0 {
		return nil
	}
	return c.stop()
}

// stop ends the server. The caller holds c.mu or is alone in using the cluster.
func (c *cluster) stop() error {
	if c.server == nil {
		return nil
	}
	server := c.server
	c.server = nil
	return server.stop()
}

// setEndpoint shuts the port and ends all connections, or opens it again.
func (c *cluster) setEndpoint(disabled bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.disabled = disabled; disabled {
		c.disconnect()
	}
}

func (c *cluster) isDisabled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.disabled
}

// disconnect ends all connections. The caller holds c.mu.
func (c *cluster) disconnect() {
	for conn := range c.conns {
		_ = conn.Close()
	}
}

func (c *cluster) close() error {
	err := c.listener.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.disconnect()
	return errors.Join(err, c.stop())
}
