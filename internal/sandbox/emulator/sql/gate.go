package sql

import (
	"net"
	"sync/atomic"
)

// gate is a listener that can be shut: it keeps its port, and closes what connects to it.
// That a client of a disabled endpoint sees just that is assumed.
type gate struct {
	net.Listener
	shut atomic.Bool
}

// Accept implements [net.Listener].
func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil || !g.shut.Load() {
			return conn, err
		}
		_ = conn.Close()
	}
}

// setEndpoint shuts the gate and ends all connections, or opens it again.
func (c *cluster) setEndpoint(disabled bool) {
	if c.gate.shut.Store(disabled); disabled {
		c.disconnect()
	}
}

// disconnect ends all connections.
func (c *cluster) disconnect() {
	for _, p := range c.engine.ProcessList.Processes() {
		_ = c.server.SessionManager().KillConnection(p.Connection) // never fails
	}
}
