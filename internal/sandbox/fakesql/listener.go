package fakesql

import (
	"net"
	"sync"
)

// listener is a server's listener that remembers its connections: the server can
// close the listener, but not them.
type listener struct {
	net.Listener

	// handlers are those of the connections, up to their end.
	handlers sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	done  bool
}

func newListener(l net.Listener) *listener {
	return &listener{Listener: l, conns: map[net.Conn]bool{}}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	l.conns[c] = true
	l.handlers.Add(1)
	return &conn{Conn: c, l: l}, nil
}

// cut closes all connections.
func (l *listener) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = true
	for c := range l.conns {
		_ = c.Close()
	}
}

// conn is a connection that its listener forgets when it is closed.
type conn struct {
	net.Conn
	l *listener
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.l.mu.Lock()
	delete(c.l.conns, c.Conn)
	c.l.mu.Unlock()
	return c.Conn.Close()
}
